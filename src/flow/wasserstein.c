/* Wasserstein distances of two samples of equal size, geodesic ground distance.
 *
 * On the circle, of unit length here: an optimal plan pairs the sorted samples
 * a_i with b_(i+k), b continued by b_(i+n) = b_i + 1, for some whole k, and
 *     C(k) = (1/n) sum_i |a_i - b_(i+k)|^p
 * is convex in k (Delon, Salomon, Sobolevskii 2010): its least value is found
 * by bisection. For p = 1 this is the shift by the weighted median. */
#include "engram/mem.h"
#include "engram/rng.h"
#include "flow/assignment.h"
#include "flow/sorting.h"

#include <math.h>

/* Streams of EG_RNG_FLOW that draw the planes of sliced distances. */
enum { SLICES = 0x511ced };

typedef struct circle {
    eg_index n;
    int p;
    double *a, *b; /* [n], ascending, in [0, 1) */
    egi_keyed *key, *scratch;
} circle;

static double cost(const circle *c, eg_index k)
{
    double sum = 0;
    /* i + k = turns n + j */
    eg_index turns = (k >= 0 ? k : k - c->n + 1) / c->n, j = k - turns * c->n;

    for (eg_index i = 0; i < c->n; i++) {
        double gap = fabs(c->a[i] - c->b[j] - (double)turns);

        sum += c->p == 1 ? gap : c->p == 2 ? gap * gap : pow(gap, c->p);
        if (++j == c->n) {
            j = 0;
            turns++;
        }
    }
    return sum / (double)c->n;
}

/* W_p^p of the angles in c, in radians. */
static double cost_least(const circle *c)
{
    eg_index lo = -c->n, hi = c->n; /* all gaps are less than one turn */

    while (lo < hi) {
        eg_index mid = lo + (hi - lo) / 2;

        if (cost(c, mid) <= cost(c, mid + 1))
            hi = mid;
        else
            lo = mid + 1;
    }
    return cost(c, lo) * pow(2 * M_PI, c->p);
}

/* Angles of x [n, d] seen in the plane of u and v, as sorted parts of a turn.
 */
static void see_angles(const circle *c, double *angle, const double *x,
                       eg_index d, const double *u, const double *v)
{
    for (eg_index i = 0; i < c->n; i++) {
        double a = 0, b = 0;

        for (eg_index k = 0; k < d; k++) {
            a += u[k] * x[i * d + k];
            b += v[k] * x[i * d + k];
        }
        c->key[i] = (egi_keyed){atan2(b, a) / (2 * M_PI) + 0.5, (int32_t)i};
    }
    egi_sort_keyed(c->key, c->scratch, c->n);
    for (eg_index i = 0; i < c->n; i++) angle[i] = c->key[i].key;
}

/* Orthonormal u, v [d], uniform. */
static void draw_plane(double *u, double *v, eg_index d, uint64_t seed,
                       eg_index slice)
{
    eg_rng rng = eg_rng_make(seed, EG_RNG_FLOW, (uint64_t)slice, SLICES);
    double uu = 0, uv = 0, vv = 0;

    for (eg_index k = 0; k < d; k++) u[k] = eg_rng_normal(&rng);
    for (eg_index k = 0; k < d; k++) v[k] = eg_rng_normal(&rng);
    for (eg_index k = 0; k < d; k++) {
        uu += u[k] * u[k];
        uv += u[k] * v[k];
    }
    for (eg_index k = 0; k < d; k++) {
        v[k] -= uv / uu * u[k];
        vv += v[k] * v[k];
    }
    for (eg_index k = 0; k < d; k++) {
        u[k] /= sqrt(uu);
        v[k] /= sqrt(vv);
    }
}

static double mean_over_slices(circle *c, double *u, double *v, const double *x,
                               const double *y, eg_index d, eg_index n_slices,
                               uint64_t seed)
{
    double sum = 0;

    for (eg_index s = 0; s < n_slices; s++) {
        draw_plane(u, v, d, seed, s);
        see_angles(c, c->a, x, d, u, v);
        see_angles(c, c->b, y, d, u, v);
        sum += cost_least(c);
    }
    return sum / (double)n_slices;
}

static eg_status by_angles(double *w, const double *x, const double *y,
                           eg_index n, eg_index d, int p, eg_index n_slices,
                           uint64_t seed, eg_err *err)
{
    const double e1[2] = {1, 0}, e2[2] = {0, 1};
    circle c = {.n = n, .p = p};
    double *work = eg_calloc((size_t)(2 * n + 2 * d), sizeof *work);
    eg_status st = EG_OK;

    c.key = eg_calloc((size_t)n, sizeof *c.key);
    c.scratch = eg_calloc((size_t)n, sizeof *c.scratch);
    if (!work || !c.key || !c.scratch) {
        st = EG_FAIL(err, EG_ENOMEM, "Wasserstein distance of %td tokens", n);
        goto done;
    }
    c.a = work;
    c.b = work + n;
    if (d == 2) {
        see_angles(&c, c.a, x, 2, e1, e2);
        see_angles(&c, c.b, y, 2, e1, e2);
        *w = cost_least(&c);
    } else {
        *w = mean_over_slices(&c, work + 2 * n, work + 2 * n + d, x, y, d,
                              n_slices, seed);
    }
done:
    eg_free(work);
    eg_free(c.key);
    eg_free(c.scratch);
    return st;
}

/* Two points at distance pi. */
static double on_two_points(const double *x, const double *y, eg_index n, int p)
{
    double surplus = 0;

    for (eg_index i = 0; i < n; i++) surplus += (x[i] > 0) - (y[i] > 0);
    return fabs(surplus) / (double)n * pow(M_PI, p);
}

eg_status eg_flow_wasserstein(double *w, const double *x, const double *y,
                              eg_index n, eg_index d, int p, eg_index n_slices,
                              uint64_t seed, eg_err *err)
{
    eg_status st = EG_OK;

    if (p < 1 || n < 1 || d < 1 || n_slices < 0 || n > INT32_MAX / 2)
        return EG_FAIL(err, EG_EINVAL,
                       "Wasserstein distance: expected p >= 1, n and d >= 1, "
                       "slices >= 0, found p = %d, n = %td, d = %td, %td "
                       "slices",
                       p, n, d, n_slices);
    for (eg_index i = 0; i < n * d; i++)
        if (!isfinite(x[i]) || !isfinite(y[i]))
            return EG_FAIL(err, EG_EINVAL,
                           "Wasserstein distance: expected numbers, found %g "
                           "and %g at [%td,%td]",
                           x[i], y[i], i / d, i % d);
    if (d == 1)
        *w = on_two_points(x, y, n, p);
    else if (d == 2 || n_slices > 0)
        st = by_angles(w, x, y, n, d, p, n_slices, seed, err);
    else
        st = egi_assignment(w, x, y, n, d, p, err);
    if (st == EG_OK) *w = pow(*w, 1.0 / p);
    return st;
}

double eg_flow_wasserstein_dirac(const double *x, eg_index n, eg_index d,
                                 const double *y, int p)
{
    double sum = 0;

    for (eg_index i = 0; i < n; i++)
        sum += pow(eg_flow_angle(x + i * d, y, d), p);
    return pow(sum / (double)n, 1.0 / p);
}
