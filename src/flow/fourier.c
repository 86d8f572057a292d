/* Fields on the circle by Fourier series, section 6.2 of the papers' recipe:
 * with z = x_0 + i x_1 and c_k = sum_j m_j z_j^k,
 *     S = sum_{|k| <= K} I_k Re( conj(c_k) z^k ),
 * and the same for F with the moments of m_j x_j, which are means of
 * neighbouring c_k. Everything scaled by exp(-|beta|). O(n K). */
#include "engram/mem.h"
#include "flow/bessel.h"
#include "flow/sums_priv.h"

struct egi_fourier {
    const egi_particles *kern;
    eg_pool *pool;
    eg_index K;
    double *I;    /* [K + 1] */
    double *c;    /* [tasks, K + 2, 2] */
    double *g;    /* [K + 1, 3, 2] coefficients of S and F */
    double *work; /* [workers, ...] */
    eg_index n_work;
    egi_tokens t; /* of one evaluation */
    int n_tasks;
};

enum { MAX_TASKS = 64 };

eg_status egi_fourier_new(egi_fourier **out, eg_index K, double beta,
                          const egi_particles *kern, eg_pool *pool, eg_err *err)
{
    egi_fourier *s = eg_calloc(1, sizeof *s);
    size_t terms = (size_t)K + 2;
    size_t workers = pool ? (size_t)eg_pool_size(pool) : 1;

    *out = NULL;
    if (!s) return EG_FAIL(err, EG_ENOMEM, "Fourier sums: out of memory");
    s->kern = kern;
    s->pool = pool;
    s->K = K;
    s->n_work = 2 * (K + 2) * EGI_SERIES_LANES;
    s->I = eg_calloc(terms, sizeof(double));
    s->c = eg_calloc(MAX_TASKS * terms * 2, sizeof(double));
    s->g = eg_calloc(terms * 6, sizeof(double));
    s->work = eg_calloc(workers * (size_t)s->n_work, sizeof(double));
    if (!s->I || !s->c || !s->g || !s->work) {
        egi_fourier_free(s);
        return EG_FAIL(err, EG_ENOMEM,
                       "Fourier sums up to degree %td: out of memory", K);
    }
    egi_bessel_zonal(s->I, K + 1, 2, beta);
    *out = s;
    return EG_OK;
}

void egi_fourier_free(egi_fourier *s)
{
    if (!s) return;
    eg_free(s->I);
    eg_free(s->c);
    eg_free(s->g);
    eg_free(s->work);
    eg_free(s);
}

static void moments(void *ctx, int task, int worker)
{
    const egi_fourier *s = ctx;
    egi_tokens p = egi_tokens_part(&s->t, 2, task, s->n_tasks);

    s->kern->circle_moments(s->c + 2 * (s->K + 2) * task, p.x, p.mass, p.n,
                            s->K + 1, s->work + worker * s->n_work);
}

static void field(void *ctx, int task, int worker)
{
    const egi_fourier *s = ctx;
    egi_tokens p = egi_tokens_part(&s->t, 2, task, s->n_tasks);

    (void)worker;
    s->kern->circle_field(p.S, p.F, p.x, p.n, s->K, s->g);
}

/* The coefficients of S and F from the moments. */
static void coefficients(egi_fourier *s)
{
    for (eg_index k = 0; k <= s->K; k++) {
        const double *c = s->c + 2 * k, *up = c + 2;
        double down[2] = {up[0], -up[1]}; /* c_{-1} = conj(c_1) */
        double w = (k > 0 ? 2 : 1) * s->I[k], *g = s->g + 6 * k;

        if (k > 0) {
            down[0] = c[-2];
            down[1] = c[-1];
        }
        g[0] = w * c[0];
        g[1] = w * c[1];
        g[2] = w * 0.5 * (up[0] + down[0]);
        g[3] = w * 0.5 * (up[1] + down[1]);
        g[4] = w * 0.5 * (up[1] - down[1]);
        g[5] = -w * 0.5 * (up[0] - down[0]);
    }
}

void egi_fourier_eval(egi_fourier *s, const egi_tokens *t)
{
    s->t = *t;
    s->n_tasks = egi_series_tasks(t->n);
    egi_pool_tasks(s->pool, s->n_tasks, moments, s);
    egi_tree_sum(s->c, s->n_tasks, 2 * (s->K + 2));
    coefficients(s);
    egi_pool_tasks(s->pool, s->n_tasks, field, s);
}
