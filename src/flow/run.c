/* A run: input checked, a solver driven, tokens fused and merges watched. */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "flow/fuse.h"
#include "flow/ode.h"

_Static_assert((int)EG_FLOW_BDF == (int)EGI_ODE_BDF,
               "methods are numbered alike here and in ode.h");

typedef struct run {
    eg_flow *f;
    const eg_flow_solve *how;
    int method;
    egi_fusion fusion;
    egi_components components; /* when fusing or watching merges */
    double *x;                 /* [n, d] tokens as they are put out */
    double *u;                 /* [n, d] their directions */
    double *good;              /* [n, d] the last state put out */
} run;

static void rhs(void *ctx, double t, const double *y, double *dy)
{
    run *r = ctx;

    eg_flow_field(r->f, t, y, dy);
}

static void project(void *ctx, double *y)
{
    run *r = ctx;
    eg_index d = r->f->spec.d;

    if (!egi_flow_on_sphere(r->f)) return;
    for (eg_index i = 0; i < r->f->n; i++) egi_unit(y + i * d, y + i * d, d);
}

static void step(void *ctx, int method, double t, double h, double *y)
{
    run *r = ctx;

    (void)method; /* noisy Euler steps come as a map */
    egi_flow_step(r->f, r->method, t, h, y);
}

static eg_index count(void *ctx, const double *y)
{
    run *r = ctx;
    const eg_flow *f = r->f;
    const double *u = y;

    if (f->spec.space == EG_FLOW_SPHERE && !egi_flow_on_sphere(f)) {
        for (eg_index i = 0; i < f->n; i++)
            egi_unit(r->u + i * f->spec.d, y + i * f->spec.d, f->spec.d);
        u = r->u;
    }
    return egi_components_count(&r->components, NULL, u, f->n, r->how->delta);
}

static void fell(void *ctx, double t, eg_index components)
{
    run *r = ctx;

    r->how->merged(r->how->ctx, t, components);
}

static bool reduce(void *ctx, double t, double *y, eg_index *size)
{
    run *r = ctx;

    (void)t;
    if (!egi_fuse(r->f, y, &r->fusion, &r->components)) return false;
    *size = r->f->n * r->f->spec.d;
    return true;
}

static bool output(void *ctx, eg_index i, double t, const double *y)
{
    run *r = ctx;
    eg_index size = r->f->spec.n * r->f->spec.d;
    const double *x = y;

    if (r->fusion.owner) {
        egi_unfuse(r->f, r->x, y, r->fusion.owner);
        x = r->x;
    }
    memcpy(r->good, x, (size_t)size * sizeof *x);
    return r->how->output ? r->how->output(r->how->ctx, i, t, x) : true;
}

static bool asked_to_stop(void *ctx)
{
    run *r = ctx;

    return r->how->stop(r->how->ctx);
}

/* ---- what can be integrated ---- */

static bool is_zero(const double *x, eg_index d)
{
    for (eg_index k = 0; k < d; k++)
        if (x[k] != 0) return false;
    return true;
}

static eg_status check_tokens(const eg_flow *f, const double *x, eg_err *err)
{
    eg_index d = f->spec.d;

    for (eg_index i = 0; i < f->spec.n; i++) {
        for (eg_index k = 0; k < d; k++)
            if (!isfinite(x[i * d + k]))
                return EG_FAIL(err, EG_EINVAL,
                               "tokens: expected finite numbers, found %g in "
                               "coordinate %td of token %td",
                               x[i * d + k], k, i);
        if (f->spec.space == EG_FLOW_SPHERE && is_zero(x + i * d, d))
            return EG_FAIL(err, EG_EINVAL,
                           "tokens: expected directions, found token %td zero",
                           i);
    }
    return EG_OK;
}

static eg_status check_times(const eg_flow *f, const double *times,
                             eg_index n_times, eg_err *err)
{
    if (n_times < 1)
        return EG_FAIL(err, EG_EINVAL, "times: expected one or more");
    for (eg_index i = 0; i < n_times; i++)
        if (!isfinite(times[i]) || (i > 0 && !(times[i] >= times[i - 1])))
            return EG_FAIL(err, EG_EINVAL,
                           "times: expected ascending numbers, found %g at "
                           "place %td",
                           times[i], i);
    if (f->spec.norm == EG_FLOW_SQRT && times[0] <= -1)
        return EG_FAIL(err, EG_EINVAL,
                       "times: expected > -1 with norm sqrt, whose clock is "
                       "sqrt(t + 1), found %g",
                       times[0]);
    return EG_OK;
}

/* Below this an estimate of the error measures the rounding of float32 sums
 * (2.5e-8 of a velocity): steps shorten, at 1e-9 without end. */
static const double least_single_rtol = 1e-6;

/* As eg_flow_solve says: 0 is the default. */
static double rtol_of(const eg_flow_solve *how)
{
    return how->rtol > 0 ? how->rtol : 1e-12;
}

static eg_status check_how(const eg_flow *f, const eg_flow_solve *how,
                           int method, eg_err *err)
{
    if (f->spec.noise > 0 && method != EG_FLOW_AUTHORS &&
        method != EG_FLOW_EULER && method != EG_FLOW_LIE)
        return EG_FAIL(err, EG_EINVAL,
                       "method: expected authors, euler or lie: they take "
                       "noise; other methods do not");
    if (f->single && method >= EG_FLOW_DOPRI5 &&
        rtol_of(how) < least_single_rtol)
        return EG_FAIL(err, EG_EINVAL,
                       "rtol: expected %g or more with precision float32, "
                       "whose sums are not exact enough for less, found %g; "
                       "or take precision float64, or a method of fixed steps",
                       least_single_rtol, rtol_of(how));
    if (how->fuse &&
        (f->spec.causal || f->spec.noise > 0 ||
         f->spec.space != EG_FLOW_SPHERE || f->spec.norm == EG_FLOW_PRE ||
         f->spec.norm == EG_FLOW_MIX || f->spec.norm == EG_FLOW_PERI))
        return EG_FAIL(err, EG_EINVAL,
                       "fuse: expected tokens that stay together once they "
                       "have met: on the sphere, not causal, without noise, "
                       "norm post, nGPT or sqrt");
    return EG_OK;
}

/* How many of the times exp(tV) z can be computed for. */
static eg_index reachable(eg_flow *f, const double *x, const double *times,
                          eg_index n_times)
{
    eg_index d = f->spec.d;
    double size = 0;

    if (f->spec.space != EG_FLOW_RESCALED) return n_times;
    for (eg_index i = 0; i < f->n * d; i++) size = fmax(size, fabs(x[i]));
    for (eg_index i = 0; i < n_times; i++) {
        double top = 0;

        egi_flow_load(f, times[i], x);
        for (eg_index k = 0; k < d * d; k++) {
            double entry = fabs(f->rescaling.B[k]);

            if (!(entry <= top)) top = entry; /* NaN shows */
        }
        if (!(top * size * size * (double)(d * d) < 1e300)) return i;
    }
    return n_times;
}

static bool watches(const eg_flow_solve *how)
{
    return how->delta > 0 && how->merged;
}

static eg_status make_buffers(run *r, eg_err *err)
{
    eg_status st = EG_OK;
    eg_index n = r->f->spec.n, d = r->f->spec.d;
    size_t size = (size_t)n * (size_t)d;
    bool residual = r->f->spec.norm == EG_FLOW_PRE ||
                    r->f->spec.norm == EG_FLOW_MIX ||
                    r->f->spec.norm == EG_FLOW_PERI;

    r->good = eg_calloc(size, sizeof *r->good);
    if (r->how->fuse) r->x = eg_calloc(size, sizeof *r->x);
    if (residual) r->u = eg_calloc(size, sizeof *r->u);
    if (!r->good || (r->how->fuse && !r->x) || (residual && !r->u))
        return EG_FAIL(err, EG_ENOMEM, "tokens of a run, [%td, %td]", n, d);
    if (r->how->fuse) EG_TRY(egi_fusion_init(&r->fusion, n, err));
    if (r->how->fuse || watches(r->how))
        EG_TRY(egi_components_init(&r->components, n, d, err));
done:
    return st;
}

/* Steps across the kink of relu are longer than they should be: the estimates
 * of their error take the field to be smooth. */
static double sharpened(const run *r, double tolerance, double least)
{
    bool estimates = r->method == EG_FLOW_DOPRI5 || r->method == EG_FLOW_DOP853;

    if (!estimates || r->f->spec.ffn != EG_FLOW_FFN_RELU) return tolerance;
    return fmin(tolerance, fmax(tolerance / 100, least));
}

static eg_status integrate(run *r, double *x, const double *times,
                           eg_index n_times, egi_ode_stats *got, eg_err *err)
{
    eg_status st = EG_OK;
    const eg_flow_solve *how = r->how;
    double rtol = rtol_of(how);
    double atol = how->atol > 0 ? how->atol : 1e-14;
    bool noise = r->f->spec.noise > 0;
    egi_ode ode = {.size = r->f->n * r->f->spec.d,
                   .rhs = rhs,
                   .project = project,
                   .step = step,
                   .stop = r->f->stops,
                   .n_stops = r->f->n_stops,
                   .ctx = r};
    egi_ode_opts opts = {.method = noise ? EGI_ODE_MAP : r->method,
                         .h = how->h > 0 ? how->h : 0.1,
                         .rtol = sharpened(r, rtol, 1e-14),
                         .atol = sharpened(r, atol, 1e-16),
                         .max_steps = how->max_steps,
                         .count = watches(how) ? count : NULL,
                         .fell = fell,
                         .reduce = how->fuse ? reduce : NULL,
                         .output = output,
                         .stop = how->stop ? asked_to_stop : NULL,
                         .ctx = r};
    egi_solver *solver = NULL;

    r->f->nominal_step = opts.h;
    EG_TRY(egi_solver_new(&solver, &ode, &opts, err));
    st = egi_solver_run(solver, x, times, n_times, got, err);
done:
    egi_solver_free(solver);
    return st;
}

static void report(const run *r, const egi_ode_stats *got, eg_flow_stats *stats)
{
    *stats = (eg_flow_stats){.steps = got->steps,
                             .rejected = got->rejected,
                             .evaluations = r->f->evaluations,
                             .t = got->t,
                             .tokens_left = r->f->n,
                             .stopped = got->stopped,
                             .step_too_small = got->step_too_small,
                             .out_of_steps = got->out_of_steps};
}

eg_status eg_flow_run(eg_flow *f, double *x, const double *times,
                      eg_index n_times, const eg_flow_solve *how,
                      eg_flow_stats *stats, eg_err *err)
{
    eg_status st = EG_OK;
    run r = {.f = f, .how = how, .method = how->method};
    egi_ode_stats got = {0};
    eg_index size = f->spec.n * f->spec.d, n_ok;
    int64_t before = f->evaluations;

    memset(stats, 0, sizeof *stats);
    if (r.method == EG_FLOW_AUTO)
        r.method = f->spec.noise > 0 ? EG_FLOW_EULER : EG_FLOW_DOP853;
    EG_TRY(check_tokens(f, x, err));
    EG_TRY(check_times(f, times, n_times, err));
    EG_TRY(check_how(f, how, r.method, err));
    EG_TRY(make_buffers(&r, err));
    egi_flow_at(f, times[0]);
    memcpy(r.good, x, (size_t)size * sizeof *x);
    project(&r, x);
    n_ok = reachable(f, x, times, n_times);
    if (n_ok > 0) st = integrate(&r, x, times, n_ok, &got, err);
    report(&r, &got, stats);
    stats->evaluations -= before;
    if (r.fusion.owner) egi_unfuse(f, x, x, r.fusion.owner);
    if (st != EG_OK) memcpy(x, r.good, (size_t)size * sizeof *x);
    if (st == EG_OK && n_ok < n_times && !stats->stopped)
        st = EG_FAIL(err, EG_EINVAL,
                     "space rescaled: scores of tokens exp(tV) z overflow at "
                     "t = %g: ask for earlier times",
                     times[n_ok]);
done:
    if (f->n < f->spec.n) egi_fuse_reset(f);
    egi_fusion_release(&r.fusion);
    egi_components_release(&r.components);
    eg_free(r.x);
    eg_free(r.u);
    eg_free(r.good);
    return st;
}
