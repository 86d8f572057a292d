/* Around the uniform state and near beta = 0: growth rates, the fastest mode,
 * Kuramoto's equation (2312.10794, sections 4.1 and 7). */
#include "flow/bessel.h"
#include "flow/checks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_ring_rates
EG_FIELDS_TABLE(egi_flow_ring_rates_fields, EG_FLOW_THEORY_RING_RATES_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_fastest_modes
EG_FIELDS_TABLE(egi_flow_fastest_modes_fields,
                EG_FLOW_THEORY_FASTEST_MODES_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_mode_selection
EG_FIELDS_TABLE(egi_flow_mode_selection_fields,
                EG_FLOW_THEORY_MODE_SELECTION_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_kuramoto
EG_FIELDS_TABLE(egi_flow_kuramoto_fields, EG_FLOW_THEORY_KURAMOTO_FIELDS)

/* l (l+d-2) a_l(beta) / beta times exp(-beta); SA divides by a_0. */
static double growth(const double *a, eg_index l, eg_index d, double beta)
{
    return (double)(l * (l + d - 2)) * a[l] / beta;
}

/* Rate of cos(l theta) read off the field of a displaced ring. */
static eg_status ring_rate(double *rate, int model, eg_index n, eg_index l,
                           double beta, double *x, eg_pool *pool, eg_err *err)
{
    eg_flow_spec spec = {.n = n, .d = 2, .beta = beta, .model = model};
    eg_flow *f = NULL;
    double size = 1e-6, sum = 0, squares = 0, *v = x + 2 * n;
    eg_status st = eg_flow_new(&f, &spec, pool, err);

    if (st != EG_OK) return st;
    for (eg_index i = 0; i < n; i++) {
        double angle = 2 * M_PI * (double)i / (double)n;

        angle += size * cos((double)l * angle);
        x[2 * i] = cos(angle);
        x[2 * i + 1] = sin(angle);
    }
    eg_flow_field(f, 0, x, v);
    for (eg_index i = 0; i < n; i++) {
        double c = cos((double)l * 2 * M_PI * (double)i / (double)n);

        sum += c * (x[2 * i] * v[2 * i + 1] - x[2 * i + 1] * v[2 * i]);
        squares += c * c;
    }
    *rate = sum / (size * squares);
    eg_flow_free(f);
    return EG_OK;
}

eg_status egi_flow_ring_rates_run(const void *options, uint64_t seed,
                                  eg_pool *pool, const eg_theory_out *out,
                                  eg_err *err)
{
    const eg_flow_theory_ring_rates *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d, L = (eg_index)o->degrees;
    double *a = eg_calloc((size_t)(L + 1 + 4 * n), sizeof *a), rate = 0;
    eg_status st = EG_OK;

    (void)seed;
    if (!a) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    if (d == 2 && n <= 2 * L) {
        st = EG_FAIL(err, EG_EINVAL, "n: expected more than %td, found %td",
                     2 * L, n);
        goto done;
    }
    egi_bessel_zonal(a, L + 1, d, o->beta);
    for (eg_index l = 1; l <= L; l++) {
        double usa = growth(a, l, d, o->beta);

        egi_emit(out, l, "USA", usa);
        egi_emit(out, l, "SA", usa / a[0]);
        if (d != 2) continue;
        EG_TRY(ring_rate(&rate, EG_FLOW_USA_SHIFTED, n, l, o->beta, a + L + 1,
                         pool, err));
        egi_emit(out, l, "field_USA", rate);
        EG_TRY(
            ring_rate(&rate, EG_FLOW_SA, n, l, o->beta, a + L + 1, pool, err));
        egi_emit(out, l, "field_SA", rate);
    }
done:
    eg_free(a);
    return st;
}

/* Where exp(beta cos u) sin u is largest in (0, pi/2), by golden sections:
 * values only, so to about 1e-8. */
static double steepest(double beta)
{
    const double golden = 0.6180339887498949;
    double lo = 0, hi = M_PI / 2;

    while (hi - lo > 1e-9) {
        double a = hi - golden * (hi - lo), b = lo + golden * (hi - lo);

        if (exp(beta * (cos(a) - 1)) * sin(a) <
            exp(beta * (cos(b) - 1)) * sin(b))
            lo = a;
        else
            hi = b;
    }
    return (lo + hi) / 2;
}

enum { MOST_DEGREES = 200 };

static eg_index fastest(eg_index d, double beta)
{
    double a[MOST_DEGREES];
    eg_index best = 1;

    egi_bessel_zonal(a, MOST_DEGREES, d, beta);
    for (eg_index l = 2; l < MOST_DEGREES; l++)
        if (growth(a, l, d, beta) > growth(a, best, d, beta)) best = l;
    return best;
}

eg_status egi_flow_fastest_modes_run(const void *options, uint64_t seed,
                                     eg_pool *pool, const eg_theory_out *out,
                                     eg_err *err)
{
    const eg_flow_theory_fastest_modes *o = options;
    double beta[EG_STRS_MAX];
    int64_t dim[EG_STRS_MAX];
    int n_betas = 0, n_dims = 0;
    eg_status st =
        egi_list_reals(beta, &n_betas, &o->betas, 1e-3, 300, "betas", err);

    (void)seed;
    (void)pool;
    if (st == EG_OK)
        st = egi_list_ints(dim, &n_dims, &o->dims, 2, 64, "dims", err);
    for (int i = 0; i < n_betas && st == EG_OK; i++) {
        int64_t at = egi_milli(beta[i]);
        double b = beta[i];

        for (int k = 0; k < n_dims; k++) {
            char name[32];

            (void)snprintf(name, sizeof name, "degree_d%d", (int)dim[k]);
            egi_emit(out, at, name, (double)fastest((eg_index)dim[k], b));
        }
        egi_emit(out, at, "root", sqrt(2 * b));
        egi_emit(out, at, "reach", acos((sqrt(1 + 4 * b * b) - 1) / (2 * b)));
        egi_emit(out, at, "steepest", steepest(b));
    }
    return st;
}

/* ---- many tokens pick the fastest mode ---- */

enum { MOST_MODES = 64 };

typedef struct spectrum {
    eg_index n;
    double half[MOST_MODES], end[MOST_MODES];
} spectrum;

static bool keep_spectrum(void *ctx, eg_index i, double t, const double *x)
{
    spectrum *s = ctx;

    (void)t;
    if (i == 1) eg_flow_structure(s->half, MOST_MODES, x, s->n);
    if (i == 2) eg_flow_structure(s->end, MOST_MODES, x, s->n);
    return true;
}

eg_status egi_flow_mode_selection_run(const void *options, uint64_t seed,
                                      eg_pool *pool, const eg_theory_out *out,
                                      eg_err *err)
{
    const eg_flow_theory_mode_selection *o = options;
    eg_index n = (eg_index)o->n, k = fastest(2, o->beta);
    double times[3] = {0, o->t / 2, o->t}, a[MOST_DEGREES];
    double *x = eg_calloc((size_t)(2 * n), sizeof *x);
    eg_flow_spec spec = {.n = n, .d = 2, .beta = o->beta};
    spectrum s = {.n = n};
    eg_flow_solve how = {.method = EG_FLOW_DOPRI5,
                         .rtol = 1e-7,
                         .atol = 1e-9,
                         .output = keep_spectrum,
                         .ctx = &s};
    eg_status st = EG_OK;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    if (k > MOST_MODES) {
        st = EG_FAIL(err, EG_EINVAL, "beta: the fastest mode is %td, past %d",
                     k, MOST_MODES);
        goto done;
    }
    egi_bessel_zonal(a, MOST_DEGREES, 2, o->beta);
    for (int64_t r = 0; r < o->draws; r++) {
        eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, (uint32_t)r);
        int best = 0;

        egi_sphere_draw(x, n, 2, &rng);
        EG_TRY(egi_play(&spec, x, times, 3, &how, pool, err));
        for (int m = 1; m < MOST_MODES; m++)
            if (s.end[m] > s.end[best]) best = m;
        egi_emit(out, r + 1, "dominant", best + 1);
        egi_emit(out, r + 1, "off", fabs((double)(best + 1 - k)));
        egi_emit(out, r + 1, "growth",
                 log(s.end[k - 1] / s.half[k - 1]) / o->t /
                     (growth(a, k, 2, o->beta) / a[0]));
    }
done:
    eg_free(x);
    return st;
}

/* ---- small beta ---- */

/* Largest |field - R sin(psi - theta)|; beta = 0 but for an impostor. */
static eg_status kuramoto_error(double *worst, const double *x, double *v,
                                eg_index n, double beta, eg_pool *pool,
                                eg_err *err)
{
    eg_flow_spec spec = {.n = n, .d = 2, .beta = beta};
    eg_flow *f = NULL;
    double mx = 0, my = 0;
    eg_status st = eg_flow_new(&f, &spec, pool, err);

    if (st != EG_OK) return st;
    eg_flow_field(f, 0, x, v);
    eg_flow_free(f);
    for (eg_index i = 0; i < n; i++) {
        mx += x[2 * i] / (double)n;
        my += x[2 * i + 1] / (double)n;
    }
    *worst = 0;
    for (eg_index i = 0; i < n; i++) {
        double theta = atan2(x[2 * i + 1], x[2 * i]);
        double turn = x[2 * i] * v[2 * i + 1] - x[2 * i + 1] * v[2 * i];

        *worst = egi_most(
            *worst, fabs(turn - hypot(mx, my) * sin(atan2(my, mx) - theta)));
    }
    return EG_OK;
}

eg_status egi_flow_kuramoto_run(const void *options, uint64_t seed,
                                eg_pool *pool, const eg_theory_out *out,
                                eg_err *err)
{
    const eg_flow_theory_kuramoto *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;
    double beta[EG_STRS_MAX], times[2] = {0, o->t}, identity = 0;
    double *x0 = eg_calloc((size_t)(3 * n * d), sizeof *x0);
    double *still = egi_part(x0, n * d), *x = egi_part(still, n * d);
    size_t bytes = (size_t)(n * d) * sizeof *x;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    eg_flow_spec spec = {.n = n, .d = d, .model = o->model};
    eg_flow_solve how = {
        .method = EG_FLOW_DOP853, .rtol = 1e-13, .atol = 1e-16};
    int n_betas = 0;
    eg_status st;

    if (!x0) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    EG_TRY(egi_list_reals(beta, &n_betas, &o->betas, 1e-6, 100, "betas", err));
    egi_sphere_draw(x0, n, d, &rng);
    if (d == 2)
        EG_TRY(kuramoto_error(&identity, x0, x, n, o->impostor, pool, err));
    memcpy(still, x0, bytes);
    EG_TRY(egi_play(&spec, still, times, 2, &how, pool, err));
    for (int i = 0; i < n_betas; i++) {
        int64_t at = llround(1e6 * beta[i]);
        double far = 0;

        spec.beta = beta[i];
        memcpy(x, x0, bytes);
        EG_TRY(egi_play(&spec, x, times, 2, &how, pool, err));
        for (eg_index k = 0; k < n; k++)
            far = egi_most(far, sqrt(egi_dist2(x + k * d, still + k * d, d)));
        if (d == 2) egi_emit(out, at, "identity", identity);
        egi_emit(out, at, "distance", far);
        egi_emit(out, at, "per_beta", far / beta[i]);
    }
done:
    eg_free(x0);
    return st;
}
