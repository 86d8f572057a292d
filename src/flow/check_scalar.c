/* Equiangular tokens: one number, the common inner product, tells everything
 * (2312.10794, Theorem 6.8). */
#include "flow/checks.h"
#include "flow/special.h"

#include <math.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_scalar
EG_FIELDS_TABLE(egi_flow_scalar_fields, EG_FLOW_THEORY_SCALAR_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_scalar_bounds
EG_FIELDS_TABLE(egi_flow_scalar_bounds_fields,
                EG_FLOW_THEORY_SCALAR_BOUNDS_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_scalar_flow
EG_FIELDS_TABLE(egi_flow_scalar_flow_fields, EG_FLOW_THEORY_SCALAR_FLOW_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_scheme_lag
EG_FIELDS_TABLE(egi_flow_scheme_lag_fields, EG_FLOW_THEORY_SCHEME_LAG_FIELDS)

typedef struct curve {
    int model;
    double n, beta;
} curve;

/* dt/ds for g = 1 - exp(-s). */
static double slowness(const void *ctx, double s)
{
    const curve *c = ctx;
    double u = exp(-s);

    return u / egi_scalar_rate(c->model, c->n, c->beta, u);
}

eg_status egi_flow_scalar_run(const void *options, uint64_t seed, eg_pool *pool,
                              const eg_theory_out *out, eg_err *err)
{
    static const char *const name[2][2] = {{"SA_half", "SA_level"},
                                           {"USA_half", "USA_level"}};
    const eg_flow_theory_scalar *o = options;
    double beta[EG_STRS_MAX];
    int n = 0;
    eg_status st = egi_list_reals(beta, &n, &o->betas, 1e-6, 300, "betas", err);

    (void)seed;
    (void)pool;
    for (int i = 0; i < n && st == EG_OK; i++) {
        int64_t at = egi_milli(beta[i]);
        double worst = 0;

        for (int k = 0; k < 4; k++) {
            curve c = {k / 2, (double)o->n, beta[i] * (1 + o->impostor)};
            double u = k % 2 ? 1 - o->level : 0.5;
            double t = egi_scalar_time(c.model, c.n, beta[i], u);
            double other = egi_integral(slowness, &c, 0, -log(u), 64);

            egi_emit(out, at, name[k / 2][k % 2], t);
            worst = egi_most(worst, fabs(t - other) / other);
        }
        egi_emit(out, at, "quadrature", worst);
        for (int model = 0; model < 2; model++)
            egi_emit(out, at, model ? "USA_rate" : "SA_rate",
                     egi_scalar_rate(model, (double)o->n, beta[i], 1e-9) /
                         1e-9);
    }
    return st;
}

/* ---- bounds ---- */

/* ln(1 - g) at time t; beyond what a double holds by the final rate. */
static double log_u(const curve *c, double t)
{
    double tiny = 1e-280, end = egi_scalar_time(c->model, c->n, c->beta, tiny);
    double rate = c->model == EG_FLOW_SA ? 2 : 2 * exp(c->beta);

    if (t > end) return log(tiny) - rate * (t - end);
    return log(egi_scalar_at(c->model, c->n, c->beta, 1, t));
}

/* Largest ln of (1 - g) over (1/2) exp(-rate (t - from)) for t >= from, or for
 * t >= 0. */
static double excess(const curve *c, double rate, double from, bool always)
{
    double worst = -(double)INFINITY;

    for (int i = 0; i <= 400; i++) {
        double t = from + i * 0.05 / rate;

        worst = egi_most(worst, log_u(c, t) - log(0.5) + rate * (t - from));
    }
    for (int i = 0; always && i <= 400; i++) {
        double u = exp(-i * 0.08), t;

        t = egi_scalar_time(c->model, c->n, c->beta, u);
        worst = egi_most(worst, log(u) - log(0.5) + rate * (t - from));
    }
    return worst;
}

eg_status egi_flow_scalar_bounds_run(const void *options, uint64_t seed,
                                     eg_pool *pool, const eg_theory_out *out,
                                     eg_err *err)
{
    const eg_flow_theory_scalar_bounds *o = options;
    double beta[EG_STRS_MAX], m = (double)o->n;
    int n = 0;
    eg_status st = egi_list_reals(beta, &n, &o->betas, 0, 12, "betas", err);

    (void)seed;
    (void)pool;
    for (int i = 0; i < n && st == EG_OK; i++) {
        int64_t at = egi_milli(beta[i]);
        curve sa = {EG_FLOW_SA, m, beta[i]}, usa = {EG_FLOW_USA, m, beta[i]};
        double from = m * exp(beta[i]) / 2, rate = m / (m + exp(beta[i] / 2));

        egi_emit(out, at, "SA_half",
                 egi_scalar_time(EG_FLOW_SA, m, beta[i], 0.5) / from);
        egi_emit(out, at, "SA_always", excess(&sa, rate, from, true));
        egi_emit(out, at, "SA_after", excess(&sa, rate, from, false));
        rate = exp(beta[i] / 2);
        egi_emit(out, at, "USA_always", excess(&usa, rate, m / 2, true));
        egi_emit(out, at, "USA_after", excess(&usa, rate, m / 2, false));
    }
    return st;
}

/* ---- the flow itself ---- */

typedef struct watch {
    const eg_theory_out *out;
    eg_index n;
    int model;
    double beta, u0, before, t_before;
} watch;

/* Mean and extremes of 1 - <x_i,x_j>, without cancellation. */
static double mean_gap(const double *x, eg_index n, double *lo, double *hi)
{
    double sum = 0;

    *lo = INFINITY;
    *hi = 0;
    for (eg_index i = 0; i < n; i++)
        for (eg_index j = i + 1; j < n; j++) {
            double u = egi_dist2(x + i * n, x + j * n, n) / 2;

            sum += u;
            *lo = egi_least(*lo, u);
            *hi = egi_most(*hi, u);
        }
    return sum / ((double)n * (double)(n - 1) / 2);
}

static bool emit_flow(void *ctx, eg_index i, double t, const double *x)
{
    watch *w = ctx;
    double lo, hi, u = mean_gap(x, w->n, &lo, &hi);
    int64_t at = egi_milli(t);

    if (i > 0) {
        double exact = egi_scalar_at(w->model, (double)w->n, w->beta, w->u0, t);
        egi_emit(w->out, at, "gamma", 1 - exact);
        egi_emit(w->out, at, "simulated", 1 - u);
        egi_emit(w->out, at, "spread", egi_most(hi - u, u - lo));
        egi_emit(w->out, at, "off",
                 egi_most(fabs(hi - exact), fabs(lo - exact)));
        egi_emit(w->out, at, "rate", log(w->before / u) / (t - w->t_before));
    }
    w->before = u;
    w->t_before = t;
    return true;
}

eg_status egi_flow_scalar_flow_run(const void *options, uint64_t seed,
                                   eg_pool *pool, const eg_theory_out *out,
                                   eg_err *err)
{
    const eg_flow_theory_scalar_flow *o = options;
    eg_index n = (eg_index)o->n;
    eg_flow_spec spec = {
        .n = n, .d = n, .beta = o->beta * (1 + o->impostor), .model = o->model};
    watch w = {.out = out,
               .n = n,
               .model = o->model,
               .beta = o->beta,
               .u0 = 1 - o->start};
    eg_flow_solve how = {.method = o->method,
                         .h = o->h,
                         .rtol = 1e-13,
                         .atol = 1e-16,
                         .output = emit_flow,
                         .ctx = &w};
    egi_clock c = {0};
    double *x = NULL;
    eg_status st = EG_OK;

    (void)seed;
    if (o->model == EG_FLOW_USA_SHIFTED)
        return EG_FAIL(err, EG_EINVAL, "model: expected SA or USA");
    if (!(o->start < 1 && 1 + (double)(n - 1) * o->start > 0))
        return EG_FAIL(err, EG_EINVAL,
                       "start: expected between -1/(n-1) and 1, found %g",
                       o->start);
    EG_TRY(egi_clock_read(&c, &o->times, err));
    x = eg_calloc((size_t)(n * n), sizeof *x);
    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    egi_equiangular(x, n, o->start);
    if (o->uneven != 0) {
        double length;

        x[1] += o->uneven;
        length = sqrt(egi_dot(x, x, n));
        for (eg_index k = 0; k < n; k++) x[k] /= length;
    }
    st = egi_play(&spec, x, c.t, c.n, &how, pool, err);
done:
    eg_free(x);
    return st;
}

/* ---- how late a scheme is ---- */

typedef struct crossing {
    eg_index n;
    double level, before, t_before, at;
} crossing;

/* Interpolates ln(1 - g) between steps; stops once across. */
static bool cross(void *ctx, eg_index i, double t, const double *x)
{
    crossing *c = ctx;
    double u = egi_dist2(x, x + c->n, c->n) / 2, share;

    (void)i;
    if (u <= c->level) {
        share = log(c->before / c->level) / log(c->before / u);
        c->at = c->t_before + share * (t - c->t_before);
        return false;
    }
    c->before = u;
    c->t_before = t;
    return true;
}

eg_status egi_flow_scheme_lag_run(const void *options, uint64_t seed,
                                  eg_pool *pool, const eg_theory_out *out,
                                  eg_err *err)
{
    const eg_flow_theory_scheme_lag *o = options;
    eg_index n = (eg_index)o->n, n_times = 0;
    double beta[EG_STRS_MAX], *x = NULL, *times = NULL;
    int n_betas = 0;
    eg_status st =
        egi_list_reals(beta, &n_betas, &o->betas, 0.01, 12, "betas", err);

    (void)seed;
    for (int i = 0; i < n_betas && st == EG_OK; i++) {
        crossing c = {.n = n, .level = 1 - o->level, .at = NAN};
        eg_flow_spec spec = {.n = n, .d = n, .beta = beta[i]};
        eg_flow_solve how = {
            .method = o->method, .h = o->h, .output = cross, .ctx = &c};
        double exact = egi_scalar_time(EG_FLOW_SA, (double)n, beta[i], c.level);

        n_times = (eg_index)(exact * 1.5 / o->h) + 20;
        x = eg_calloc((size_t)(n * n), sizeof *x);
        times = eg_calloc((size_t)n_times, sizeof *times);
        if (!x || !times) {
            st = EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
            goto done;
        }
        for (eg_index k = 0; k < n_times; k++) times[k] = (double)k * o->h;
        egi_equiangular(x, n, 0);
        EG_TRY(egi_play(&spec, x, times, n_times, &how, pool, err));
        egi_emit(out, egi_milli(beta[i]), "exact", exact);
        egi_emit(out, egi_milli(beta[i]), "scheme", c.at);
        egi_emit(out, egi_milli(beta[i]), "ratio", c.at / exact);
        eg_free(x);
        eg_free(times);
        x = times = NULL;
    }
done:
    eg_free(x);
    eg_free(times);
    return st;
}
