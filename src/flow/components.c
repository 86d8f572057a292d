/* Which tokens are together: connected components of {<x,y> > 1 - delta}.
 *
 * On the sphere 1 - <x,y> = |x-y|^2 / 2, and the right side keeps its digits
 * when tokens almost coincide; that is what is compared here. */
#include "engram/mem.h"
#include "flow/components.h"

#include <math.h>

enum { PIECE = 16 };

eg_status egi_components_init(egi_components *c, eg_index n, eg_index d,
                              eg_err *err)
{
    size_t m = (size_t)n;
    bool ok;

    EG_ASSERT(n >= 1 && n <= INT32_MAX && d >= 1);
    *c = (egi_components){.n = n, .d = d};
    c->parent = eg_calloc(m, sizeof *c->parent);
    c->order = eg_calloc(m, sizeof *c->order);
    ok = c->parent && c->order;
    if (d == 2) {
        c->keyed = eg_calloc(m, sizeof *c->keyed);
        c->scratch = eg_calloc(m, sizeof *c->scratch);
        ok = ok && c->keyed && c->scratch;
    }
    if (d == 3) {
        c->cell = eg_calloc(m, sizeof *c->cell);
        c->cube = eg_calloc(3 * m, sizeof *c->cube);
        c->order_tmp = eg_calloc(m, sizeof *c->order_tmp);
        ok = ok && c->cell && c->cube && c->order_tmp;
    }
    if (ok) return EG_OK;
    egi_components_release(c);
    return EG_FAIL(err, EG_ENOMEM, "components of %td tokens", n);
}

void egi_components_release(egi_components *c)
{
    eg_free(c->parent);
    eg_free(c->order);
    eg_free(c->keyed);
    eg_free(c->scratch);
    eg_free(c->cell);
    eg_free(c->cube);
    eg_free(c->order_tmp);
    *c = (egi_components){0};
}

/* |x-y|^2 < reach2; stops as soon as a piece of the sum says no. */
static bool within(const double *x, const double *y, eg_index d, double reach2)
{
    double sum = 0;

    for (eg_index k = 0; k < d; k += PIECE) {
        eg_index end = k + PIECE < d ? k + PIECE : d;

        for (eg_index j = k; j < end; j++) sum += (x[j] - y[j]) * (x[j] - y[j]);
        if (!(sum < reach2)) return false;
    }
    return true;
}

/* On the circle a component is an arc of tokens, each near the next. A NaN has
 * no place there. */
static void by_angle(egi_components *c, const double *x, eg_index n,
                     double reach2)
{
    egi_keyed *a = c->keyed;
    eg_index m = 0;

    for (eg_index i = 0; i < n; i++) {
        double angle = atan2(x[2 * i + 1], x[2 * i]);

        if (!isnan(angle)) a[m++] = (egi_keyed){angle, (int32_t)i};
    }
    egi_sort_keyed(a, c->scratch, m);
    for (eg_index i = 0; i < m; i++) {
        eg_index p = a[i].i, q = a[(i + 1) % m].i;

        if (within(x + 2 * p, x + 2 * q, 2, reach2))
            egi_join(c->parent, (int32_t)p, (int32_t)q);
    }
}

/* Any dimension: a component grows by comparing each new member with all
 * tokens that have no component yet. A few clusters cost a few n. */
static void by_growth(egi_components *c, const double *x, eg_index n,
                      eg_index d, double reach2)
{
    int32_t *at = c->order; /* members [0, end), then those left [end, n) */
    eg_index end = 0;

    for (eg_index i = 0; i < n; i++) at[i] = (int32_t)i;
    for (eg_index next = 0; next < n; next++) {
        if (next == end) end++; /* nobody else: a new component */
        for (eg_index i = end; i < n; i++) {
            if (!within(x + at[next] * d, x + at[i] * d, d, reach2)) continue;
            egi_join(c->parent, at[next], at[i]);
            {
                int32_t joined = at[i];

                at[i] = at[end];
                at[end++] = joined;
            }
        }
    }
}

/* 0.. in the order of first members. A root is a first member, and comes
 * before all others of its component. */
static eg_index count_roots(egi_components *c, int32_t *label, eg_index n)
{
    int32_t count = 0;

    for (eg_index i = 0; i < n; i++) {
        int32_t root = egi_root(c->parent, (int32_t)i);

        if (root == i) c->order[i] = count++;
        if (label) label[i] = c->order[root];
    }
    return count;
}

eg_index egi_components_count(egi_components *c, int32_t *label,
                              const double *x, eg_index n, double delta)
{
    EG_ASSERT(n >= 1 && n <= c->n);
    for (eg_index i = 0; i < n; i++) c->parent[i] = (int32_t)i;
    if (delta > 0 && c->d == 2)
        by_angle(c, x, n, 2 * delta);
    else if (delta > 0 &&
             !(c->d == 3 && egi_components_cells(c, x, n, 2 * delta)))
        by_growth(c, x, n, c->d, 2 * delta);
    return count_roots(c, label, n);
}

eg_index eg_flow_components(int32_t *label, const double *x, eg_index n,
                            eg_index d, double delta)
{
    egi_components c = {0};
    eg_index count;

    if (egi_components_init(&c, n, d, NULL) != EG_OK) return -1;
    count = egi_components_count(&c, label, x, n, delta);
    egi_components_release(&c);
    return count;
}
