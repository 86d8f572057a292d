/* Fields on the sphere S^2 by spherical harmonics, section 6.3 of the papers'
 * recipe: with C_lm = p_lm(z) (x + i y)^m and M_lm = sum_j m_j C_lm(x_j),
 *     S = 4 pi sum_{l <= L} i_l sum_{m >= 0} w_m Re( conj(M_lm) C_lm(x) ),
 * w_0 = 1, else 2, and the same for F with the moments of m_j x_j, which
 * follow from M_{l+-1, m+-1}. Everything scaled by exp(-|beta|). O(n L^2).
 *
 * The kernels work with q_lm = p_lm / norm_lm, monic in z. */
#include <math.h>

#include "engram/mem.h"
#include "base/cmplx.h"
#include "flow/bessel.h"
#include "flow/sums_priv.h"

struct egi_harmonics {
    const egi_particles *kern;
    eg_pool *pool;
    eg_index L;
    double *i_l;            /* [L + 1] */
    double *gamma, *gamma1; /* up to degrees L and L + 1 */
    double *norm;           /* p_lm / q_lm up to degree L + 1 */
    double complex *M;      /* [tasks, size of L + 1] */
    double *g;              /* [size of L, 4, 2] */
    double *work;           /* [workers, ...] */
    eg_index n_work, size1;
    egi_tokens t; /* of one evaluation */
    int n_tasks;
};

enum { MAX_TASKS = 64 };

/* gamma_lm of q_l = z q_{l-1} - gamma q_{l-2}. */
static void recurrence(double *gamma, eg_index L)
{
    for (eg_index m = 0; m <= L; m++) {
        for (eg_index l = m; l <= L; l++) {
            double k = (double)(l - 1), mm = (double)m;
            gamma[egi_sphere_at(L, l, m)] =
                l > m + 1 ? (k * k - mm * mm) / (4 * k * k - 1) : 0;
        }
    }
}

static void norms(double *norm, eg_index L)
{
    double diagonal = 1 / sqrt(4 * M_PI);

    for (eg_index m = 0; m <= L; m++) {
        double mm = (double)m, v = diagonal;

        for (eg_index l = m; l <= L; l++) {
            double x = (double)l;
            if (l > m) v *= sqrt((4 * x * x - 1) / (x * x - mm * mm));
            norm[egi_sphere_at(L, l, m)] = v;
        }
        diagonal *= sqrt((2 * mm + 3) / (2 * mm + 2));
    }
}

eg_status egi_harmonics_new(egi_harmonics **out, eg_index L, double beta,
                            const egi_particles *kern, eg_pool *pool,
                            eg_err *err)
{
    egi_harmonics *s = eg_calloc(1, sizeof *s);
    size_t size = (size_t)egi_sphere_size(L + 1);
    size_t workers = pool ? (size_t)eg_pool_size(pool) : 1;

    *out = NULL;
    if (!s) return EG_FAIL(err, EG_ENOMEM, "harmonics: out of memory");
    s->kern = kern;
    s->pool = pool;
    s->L = L;
    s->size1 = (eg_index)size;
    s->n_work = 2 * s->size1 * EGI_SERIES_LANES;
    s->i_l = eg_calloc((size_t)L + 1, sizeof(double));
    s->gamma = eg_calloc(size, sizeof(double));
    s->gamma1 = eg_calloc(size, sizeof(double));
    s->norm = eg_calloc(size, sizeof(double));
    s->M = eg_calloc(MAX_TASKS * size, sizeof *s->M);
    s->g = eg_calloc(8 * size, sizeof(double));
    s->work = eg_calloc(workers * (size_t)s->n_work, sizeof(double));
    if (!s->i_l || !s->gamma || !s->gamma1 || !s->norm || !s->M || !s->g ||
        !s->work) {
        egi_harmonics_free(s);
        return EG_FAIL(err, EG_ENOMEM,
                       "harmonics up to degree %td: out of memory", L);
    }
    egi_bessel_zonal(s->i_l, L + 1, 3, beta);
    recurrence(s->gamma, L);
    recurrence(s->gamma1, L + 1);
    norms(s->norm, L + 1);
    *out = s;
    return EG_OK;
}

void egi_harmonics_free(egi_harmonics *s)
{
    if (!s) return;
    eg_free(s->i_l);
    eg_free(s->gamma);
    eg_free(s->gamma1);
    eg_free(s->norm);
    eg_free(s->M);
    eg_free(s->g);
    eg_free(s->work);
    eg_free(s);
}

static void moments(void *ctx, int task, int worker)
{
    const egi_harmonics *s = ctx;
    egi_tokens p = egi_tokens_part(&s->t, 3, task, s->n_tasks);

    s->kern->sphere_moments((double *)(s->M + task * s->size1), p.x, p.mass,
                            p.n, s->L + 1, s->gamma1,
                            s->work + worker * s->n_work);
}

static void field(void *ctx, int task, int worker)
{
    const egi_harmonics *s = ctx;
    egi_tokens p = egi_tokens_part(&s->t, 3, task, s->n_tasks);

    (void)worker;
    s->kern->sphere_field(p.S, p.F, p.x, p.n, s->L, s->gamma, s->g);
}

/* M_lm of C_lm, 0 outside 0 <= m <= l. */
static double complex moment(const egi_harmonics *s, eg_index l, eg_index m)
{
    eg_index at;

    if (m < 0 || m > l) return 0;
    at = egi_sphere_at(s->L + 1, l, m);
    return s->norm[at] * s->M[at];
}

/* Moments of m_j z_j, m_j (x_j + i y_j) and m_j (x_j - i y_j). */
static double complex times_z(const egi_harmonics *s, eg_index l, eg_index m)
{
    double x = (double)l, k = (double)m;

    return sqrt(((x + 1) * (x + 1) - k * k) / (4 * (x + 1) * (x + 1) - 1)) *
               moment(s, l + 1, m) +
           sqrt((x * x - k * k) / fabs(4 * x * x - 1)) * moment(s, l - 1, m);
}

static double complex times_plus(const egi_harmonics *s, eg_index l, eg_index m)
{
    double x = (double)l, k = (double)m, up = (2 * x + 1) * (2 * x + 3);

    return sqrt((x + k + 1) * (x + k + 2) / up) * moment(s, l + 1, m + 1) -
           sqrt((x - k) * (x - k - 1) / fabs(4 * x * x - 1)) *
               moment(s, l - 1, m + 1);
}

static double complex times_minus(const egi_harmonics *s, eg_index l,
                                  eg_index m)
{
    double x = (double)l, k = (double)m, up = (2 * x + 1) * (2 * x + 3);

    if (m == 0) return conj(times_plus(s, l, 0));
    return sqrt((x + k) * (x + k - 1) / fabs(4 * x * x - 1)) *
               moment(s, l - 1, m - 1) -
           sqrt((x - k + 1) * (x - k + 2) / up) * moment(s, l + 1, m - 1);
}

static void coefficients(egi_harmonics *s)
{
    for (eg_index m = 0; m <= s->L; m++) {
        for (eg_index l = m; l <= s->L; l++) {
            eg_index at = egi_sphere_at(s->L, l, m);
            double w = 4 * M_PI * (m > 0 ? 2 : 1) * s->i_l[l] *
                       s->norm[egi_sphere_at(s->L + 1, l, m)];
            double complex plus = times_plus(s, l, m);
            double complex minus = times_minus(s, l, m);
            double complex f[4] = {moment(s, l, m), 0.5 * (plus + minus),
                                   CMPLX(0, -0.5) * (plus - minus),
                                   times_z(s, l, m)};

            for (eg_index k = 0; k < 4; k++) {
                s->g[8 * at + 2 * k] = w * creal(f[k]);
                s->g[8 * at + 2 * k + 1] = w * cimag(f[k]);
            }
        }
    }
}

void egi_harmonics_eval(egi_harmonics *s, const egi_tokens *t)
{
    s->t = *t;
    s->n_tasks = egi_series_tasks(t->n);
    egi_pool_tasks(s->pool, s->n_tasks, moments, s);
    egi_tree_sum((double *)s->M, s->n_tasks, 2 * s->size1);
    coefficients(s);
    egi_pool_tasks(s->pool, s->n_tasks, field, s);
}
