/* Statistics of inner products on the circle without looking at all pairs: the
 * tokens sorted by angle, a second finger for every threshold. */
#include "engram/mem.h"
#include "flow/gram.h"
#include "flow/observe_priv.h"
#include "flow/sorting.h"

#include <math.h>

typedef struct circle {
    const double *x;
    eg_index n;
    egi_keyed *a, *scratch;
} circle;

/* Angle of the token `at` places on from the first, past n a turn later. */
static double angle(const circle *c, eg_index at)
{
    return at < c->n ? c->a[at].key : c->a[at - c->n].key + 2 * M_PI;
}

static double product(const circle *c, eg_index p, eg_index q)
{
    const double *x = c->x + 2 * (eg_index)c->a[p % c->n].i;
    const double *y = c->x + 2 * (eg_index)c->a[q % c->n].i;

    return x[0] * y[0] + x[1] * y[1];
}

/* Pairs not further apart than r < pi, each seen from the one behind. */
static int64_t within(const circle *c, double r)
{
    int64_t count = 0;
    eg_index end = 0;

    for (eg_index i = 0; i < c->n; i++) {
        if (end < i + 1) end = i + 1;
        while (end < i + c->n && angle(c, end) - angle(c, i) <= r) end++;
        count += end - i - 1;
    }
    return count;
}

/* Neighbours are nearest. Of the two farthest, one is the first that the other
 * finds half a turn ahead or more. */
static void extremes(const circle *c, eg_flow_pairs *out)
{
    eg_index far = 1;

    out->min = INFINITY;
    out->max = -INFINITY;
    for (eg_index i = 0; i < c->n; i++) {
        out->max = fmax(out->max, product(c, i, i + 1));
        if (far < i + 1) far = i + 1;
        while (far < i + c->n - 1 && angle(c, far) - angle(c, i) < M_PI) far++;
        out->min = fmin(out->min, product(c, i, far));
    }
}

/* (|sum x|^2 - sum |x|^2) / (n (n - 1)) */
static double mean(const double *x, eg_index n)
{
    egi_sum sum[2] = {{0}}, squares = {0};
    double a, b;

    for (eg_index i = 0; i < 2 * n; i++) {
        egi_sum_add(&sum[i % 2], x[i]);
        egi_sum_add(&squares, x[i] * x[i]);
    }
    a = egi_sum_value(&sum[0]);
    b = egi_sum_value(&sum[1]);
    return (a * a + b * b - egi_sum_value(&squares)) /
           ((double)n * (double)(n - 1));
}

static void histogram(const circle *c, int64_t *counts, eg_index bins)
{
    int64_t above = 0; /* pairs in higher bins */

    for (eg_index b = bins - 1; b >= 0; b--) {
        double edge = -1 + 2 * (double)b / (double)bins;
        int64_t here =
            b > 0 ? within(c, acos(edge)) : (int64_t)c->n * (c->n - 1) / 2;

        counts[b] = here - above;
        above = here;
    }
}

bool egi_circle_pairs(eg_flow_pairs *out, const double *x, eg_index n,
                      double delta, int64_t *counts, eg_index bins)
{
    circle c = {.x = x, .n = n};
    double n_pairs = (double)n * (double)(n - 1) / 2;
    bool done = false;

    c.a = eg_calloc((size_t)n, sizeof *c.a);
    c.scratch = eg_calloc((size_t)n, sizeof *c.scratch);
    if (!c.a || !c.scratch) goto done;
    for (eg_index i = 0; i < n; i++) {
        c.a[i] = (egi_keyed){atan2(x[2 * i + 1], x[2 * i]), (int32_t)i};
        if (isnan(c.a[i].key)) goto done;
    }
    egi_sort_keyed(c.a, c.scratch, n);
    extremes(&c, out);
    out->mean = mean(x, n);
    out->density = 1;
    if (delta < 2)
        out->density =
            delta > 0 ? (double)within(&c, 2 * asin(sqrt(delta / 2))) / n_pairs
                      : 0;
    if (counts) histogram(&c, counts, bins);
    done = true;
done:
    eg_free(c.a);
    eg_free(c.scratch);
    return done;
}
