/* Noise that keeps tokens apart, and long contexts. */
#include "flow/bessel.h"
#include "flow/checks.h"

#include <math.h>
#include <stdio.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_noise_threshold
EG_FIELDS_TABLE(egi_flow_noise_threshold_fields,
                EG_FLOW_THEORY_NOISE_THRESHOLD_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_noise_run
EG_FIELDS_TABLE(egi_flow_noise_run_fields, EG_FLOW_THEORY_NOISE_RUN_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_long_context
EG_FIELDS_TABLE(egi_flow_long_context_fields,
                EG_FLOW_THEORY_LONG_CONTEXT_FIELDS)

/* kappa_#: degree 1 grows at (d-1) a_1/beta and diffuses at (d-1)/kappa. */
static double threshold(eg_index d, double beta)
{
    double a[2];

    egi_bessel_zonal(a, 2, d, beta);
    return beta / (a[1] * exp(beta));
}

/* I_{d/2+1}(beta) / I_{d/2}(beta) - 1/d */
static double discontinuity(eg_index d, double beta)
{
    double I[2];

    egi_bessel_i(I, 2, d, beta);
    return I[1] / I[0] - 1 / (double)d;
}

static double last_continuous(eg_index d)
{
    double lo = 1e-3, hi = 100;

    for (int round = 0; round < 60; round++) {
        double mid = (lo + hi) / 2;

        if (discontinuity(d, mid) < 0)
            lo = mid;
        else
            hi = mid;
    }
    return (lo + hi) / 2;
}

eg_status egi_flow_noise_threshold_run(const void *options, uint64_t seed,
                                       eg_pool *pool, const eg_theory_out *out,
                                       eg_err *err)
{
    const eg_flow_theory_noise_threshold *o = options;
    double beta[EG_STRS_MAX];
    int64_t dim[EG_STRS_MAX];
    int n_betas = 0, n_dims = 0;
    eg_status st =
        egi_list_reals(beta, &n_betas, &o->betas, 1e-3, 300, "betas", err);

    (void)seed;
    (void)pool;
    if (st == EG_OK)
        st = egi_list_ints(dim, &n_dims, &o->dims, 2, 64, "dims", err);
    for (int i = 0; i < n_betas && st == EG_OK; i++)
        for (int k = 0; k < n_dims; k++) {
            eg_index d = (eg_index)dim[k];
            char name[32];

            (void)snprintf(name, sizeof name, "kappa_d%d", (int)d);
            egi_emit(out, egi_milli(beta[i]), name, threshold(d, beta[i]));
            (void)snprintf(name, sizeof name, "continuous_d%d", (int)d);
            if (i == 0)
                egi_emit(out, egi_milli(beta[i]), name, last_continuous(d));
        }
    return st;
}

eg_status egi_flow_noise_run_run(const void *options, uint64_t seed,
                                 eg_pool *pool, const eg_theory_out *out,
                                 eg_err *err)
{
    const eg_flow_theory_noise_run *o = options;
    eg_index n = (eg_index)o->n;
    double ratio[EG_STRS_MAX], times[2] = {0, o->t};
    double *x = eg_calloc((size_t)(2 * n), sizeof *x);
    int n_ratios = 0;
    eg_status st;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    EG_TRY(
        egi_list_reals(ratio, &n_ratios, &o->ratios, 1e-3, 1e3, "ratios", err));
    for (int i = 0; i < n_ratios; i++) {
        double order = 0;

        if (!egi_progress(out, (double)i / n_ratios)) break;
        for (int64_t r = 0; r < o->draws; r++) {
            eg_rng rng =
                eg_rng_make(seed, EG_RNG_THEORY, (uint64_t)i, (uint32_t)r);
            eg_flow_spec spec = {.n = n,
                                 .d = 2,
                                 .beta = o->beta,
                                 .model = EG_FLOW_USA,
                                 .noise =
                                     1 / (ratio[i] * threshold(2, o->beta)),
                                 .seed = seed + (uint64_t)r};
            eg_flow_solve how = {.method = EG_FLOW_EULER, .h = o->h};

            egi_sphere_draw(x, n, 2, &rng);
            EG_TRY(egi_play(&spec, x, times, 2, &how, pool, err));
            order += eg_flow_order(x, n, 2) / (double)o->draws;
        }
        egi_emit(out, egi_milli(ratio[i]), "order", order);
    }
done:
    eg_free(x);
    return st;
}

/* Cosine of two outputs sum_j w_ij x_j for n = exp(logn), beta = c logn;
 * w0 = 1/(1 + (n-1) exp(-beta (1-rho))) is the weight of the token itself. */
static double output_cosine(double logn, double c, double rho)
{
    double m = exp(logn) - 1, odds = m * exp(-c * logn * (1 - rho));
    double w0 = 1 / (1 + odds), rest = odds / (1 + odds); /* (n-1) w1 */
    double other = (m - 1) / m, own = 1 / m;
    double square =
        w0 * w0 + 2 * w0 * rest * rho + rest * rest * (own + other * rho);
    double cross = w0 * w0 * rho + 2 * w0 * rest * (own + other * rho) +
                   rest * rest * (other * own + (1 - other * own) * rho);

    return cross / square;
}

eg_status egi_flow_long_context_run(const void *options, uint64_t seed,
                                    eg_pool *pool, const eg_theory_out *out,
                                    eg_err *err)
{
    const eg_flow_theory_long_context *o = options;
    double c[EG_STRS_MAX];
    int64_t exponent[EG_STRS_MAX];
    int n_c = 0, n = 0;
    eg_status st = egi_list_reals(c, &n_c, &o->c, 0, 1000, "c", err);

    (void)seed;
    (void)pool;
    if (st == EG_OK)
        st = egi_list_ints(exponent, &n, &o->exponents, 1, 250, "exponents",
                           err);
    for (int i = 0; i < n && st == EG_OK; i++)
        for (int k = 0; k < n_c; k++) {
            char name[32];

            (void)snprintf(name, sizeof name, "cosine_%d", k + 1);
            egi_emit(
                out, exponent[i], name,
                output_cosine((double)exponent[i] * log(10), c[k], o->rho));
        }
    return st;
}
