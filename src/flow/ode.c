/* The loop of every solver: steps until all times have been put out, events
 * and outputs of a step in the order of their times, then jumps of the field
 * and systems that shrink. */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "flow/ode_inner.h"

enum {
    DEFAULT_MAX_STEPS = 10000000,
    PACE = 100000 /* steps after which the end is looked for */
};

static const egi_method *method_of(int method)
{
    switch (method) {
    case EGI_ODE_MAP:
        return &egi_method_map;
    case EGI_ODE_EULER:
    case EGI_ODE_LIE:
    case EGI_ODE_MIDPOINT:
    case EGI_ODE_HEUN:
    case EGI_ODE_RK4:
        return &egi_method_fixed;
    case EGI_ODE_DOPRI5:
    case EGI_ODE_DOP853:
        return &egi_method_rk;
    case EGI_ODE_ADAMS:
    case EGI_ODE_BDF:
        return &egi_method_cvode;
    default:
        return NULL;
    }
}

static eg_status check_options(const egi_method *m, const egi_ode *ode,
                               const egi_ode_opts *o, eg_err *err)
{
    if (!m)
        return EG_FAIL(err, EG_EINVAL, "integrator: expected 1..%d, found %d",
                       EGI_ODE_BDF, o->method);
    bool fixed = m == &egi_method_fixed || m == &egi_method_map;
    if (fixed && !(o->h > 0 && isfinite(o->h)))
        return EG_FAIL(err, EG_EINVAL, "step: expected h > 0, found %g", o->h);
    if (!fixed && !(o->rtol > 0 && o->rtol <= 1))
        return EG_FAIL(err, EG_EINVAL,
                       "relative tolerance: expected 0 < rtol <= 1, found %g",
                       o->rtol);
    if (!fixed && !(o->atol >= 0 && isfinite(o->atol)))
        return EG_FAIL(err, EG_EINVAL,
                       "absolute tolerance: expected atol >= 0, found %g",
                       o->atol);
    for (eg_index i = 0; i < ode->n_stops; i++)
        if (!isfinite(ode->stop[i]) ||
            (i > 0 && ode->stop[i] < ode->stop[i - 1]))
            return EG_FAIL(err, EG_EINVAL,
                           "times at which the field changes: expected "
                           "ascending numbers, found %g at place %td",
                           ode->stop[i], i);
    return EG_OK;
}

eg_status egi_solver_new(egi_solver **out, const egi_ode *ode,
                         const egi_ode_opts *opts, eg_err *err)
{
    eg_status st = EG_OK;
    egi_solver *s = NULL;
    eg_index n = ode->size;

    *out = NULL;
    EG_ASSERT(n > 0 && ode->rhs && (!opts->count || opts->fell));
    const egi_method *m = method_of(opts->method);
    EG_TRY(check_options(m, ode, opts, err));
    s = eg_calloc(1, sizeof *s);
    if (s) s->block = eg_calloc((size_t)n * 3, sizeof(double));
    if (!s || !s->block) {
        st = EG_FAIL(err, EG_ENOMEM, "no memory for a state of %td numbers", n);
        goto done;
    }
    s->ode = *ode;
    s->opts = *opts;
    if (s->opts.max_steps <= 0) s->opts.max_steps = DEFAULT_MAX_STEPS;
    s->y = s->block;
    s->y_out = s->block + n;
    s->y_probe = s->block + 2 * n;
    s->size = n;
    s->method = m;
    EG_TRY(m->init(s, err));
    *out = s;
    s = NULL;
done:
    egi_solver_free(s);
    return st;
}

void egi_solver_free(egi_solver *s)
{
    if (!s) return;
    if (s->method) s->method->release(s);
    eg_free(s->block);
    eg_free(s);
}

void egi_solver_field(egi_solver *s, double t, const double *y, double *dy)
{
    s->stats.evaluations++;
    s->ode.rhs(s->ode.ctx, t < s->limit ? t : s->limit, y, dy);
}

double egi_solver_stop(egi_solver *s, double t)
{
    eg_index i = s->next_stop, n = s->ode.n_stops;

    while (i > 0 && s->ode.stop[i - 1] > t) i--;
    while (i < n && s->ode.stop[i] <= t) i++;
    s->next_stop = i;
    s->limit = i < n ? nextafter(s->ode.stop[i], -HUGE_VAL) : HUGE_VAL;
    return i < n ? s->ode.stop[i] : HUGE_VAL;
}

bool egi_all_finite(const double *x, eg_index n)
{
    double sum = 0; /* stays 0 unless something is infinite or NaN */

    for (eg_index i = 0; i < n; i++) sum += 0 * x[i];
    return sum == 0;
}

eg_status egi_field_broken(double t, eg_err *err)
{
    return EG_FAIL(err, EG_EINVAL, "the field is not finite at t = %.17g", t);
}

static eg_status check_run(const double *y, eg_index size, const double *times,
                           eg_index n_times, eg_err *err)
{
    if (n_times < 1)
        return EG_FAIL(err, EG_EINVAL,
                       "times: expected at least one, found %td", n_times);
    for (eg_index i = 0; i < n_times; i++) {
        if (!isfinite(times[i]))
            return EG_FAIL(err, EG_EINVAL,
                           "times: expected numbers, found %g at place %td",
                           times[i], i);
        if (i > 0 && times[i] < times[i - 1])
            return EG_FAIL(err, EG_EINVAL,
                           "times: expected them ascending, found %.17g after "
                           "%.17g at place %td",
                           times[i], times[i - 1], i);
    }
    for (eg_index i = 0; i < size; i++)
        if (!isfinite(y[i]))
            return EG_FAIL(err, EG_EINVAL,
                           "state at t = %.17g: expected numbers, found %g at "
                           "place %td",
                           times[0], y[i], i);
    return EG_OK;
}

/* Falls of the count between two times inside the last step. */
static eg_status report_falls(egi_solver *s, double a, eg_index at_a, double b,
                              eg_index at_b, eg_err *err)
{
    eg_status st = EG_OK;
    double scale = fmax(fabs(b), s->t - s->t_old), mid = a + (b - a) / 2;

    if (at_b >= at_a) return EG_OK;
    if (!s->method->inside || b - a <= 1e-12 * scale || mid <= a || mid >= b) {
        s->opts.fell(s->opts.ctx, b, at_b);
        return EG_OK;
    }
    EG_TRY(s->method->at(s, mid, s->y_probe, err));
    eg_index at_mid = s->opts.count(s->opts.ctx, s->y_probe);
    EG_TRY(report_falls(s, a, at_a, mid, at_mid, err));
    EG_TRY(report_falls(s, mid, at_mid, b, at_b, err));
done:
    return st;
}

/* The count at a later time of the last step: what fell on the way? */
static eg_status watch(egi_solver *s, double t, const double *y, eg_err *err)
{
    eg_status st = EG_OK;

    if (!s->opts.count) return EG_OK;
    eg_index now = s->opts.count(s->opts.ctx, y);
    EG_TRY(report_falls(s, s->t_seen, s->count, t, now, err));
    s->count = now;
    s->t_seen = t;
done:
    return st;
}

/* What the last step went past: outputs and falls, in the order of time. */
static eg_status inspect_step(egi_solver *s, eg_err *err)
{
    eg_status st = EG_OK;

    while (s->next < s->n_times && s->times[s->next] <= s->t) {
        double t = s->method->inside ? s->times[s->next] : s->t;
        const double *y = s->y;
        if (t < s->t) {
            EG_TRY(s->method->at(s, t, s->y_out, err));
            y = s->y_out;
        }
        EG_TRY(watch(s, t, y, err));
        bool go_on =
            !s->opts.output || s->opts.output(s->opts.ctx, s->next, t, y);
        s->next++;
        if (go_on) continue;
        if (y != s->y) memcpy(s->y, y, (size_t)s->size * sizeof *y);
        s->t = t;
        s->stats.stopped = true;
        goto done;
    }
    EG_TRY(watch(s, s->t, s->y, err));
done:
    return st;
}

static eg_status begin(egi_solver *s, eg_err *err)
{
    double stop = egi_solver_stop(s, s->t);

    s->bound = fmin(stop, s->times[s->n_times - 1]);
    s->t_seen = s->t;
    s->drifted = false;
    if (s->opts.count) s->count = s->opts.count(s->opts.ctx, s->y);
    return s->method->begin(s, err);
}

/* Where steps were taken before, and how far they had come. */
typedef struct pace {
    int64_t steps;
    double t;
} pace;

/* Fields that jump (a token at the origin of a residual stream, weights that
 * take one token whole) hold a method at a time for ever, in steps that are not
 * too small to be taken. A slow start is borne: after a hundredth of the steps
 * there are, what is left may seem to take a hundred times all of them, after a
 * tenth ten times. */
static bool out_of_steps(const egi_solver *s, pace *p)
{
    int64_t steps = s->stats.steps + s->stats.rejected,
            since = steps - p->steps;
    double left = s->times[s->n_times - 1] - s->t, gone = s->t - p->t;
    double most = (double)s->opts.max_steps;

    if (steps >= s->opts.max_steps) return true;
    if (since < PACE) return false;
    *p = (pace){steps, s->t};
    return left * (double)since * (double)steps > most * most * gone;
}

static eg_status loop(egi_solver *s, eg_err *err)
{
    eg_status st = EG_OK;
    egi_ode_stats *stats = &s->stats;
    pace so_far = {0, s->t};

    EG_TRY(inspect_step(s, err)); /* times[0] */
    if (stats->stopped || s->next == s->n_times) goto done;
    EG_TRY(begin(s, err));
    for (;;) {
        stats->stopped = s->opts.stop && s->opts.stop(s->opts.ctx);
        if (stats->stopped) break;
        stats->out_of_steps = out_of_steps(s, &so_far);
        if (stats->out_of_steps) break;
        EG_TRY(s->method->step(s, err));
        if (stats->step_too_small) break;
        stats->steps++;
        EG_TRY(inspect_step(s, err));
        if (stats->stopped || s->next == s->n_times) break;
        bool afresh = s->drifted;
        if (s->opts.reduce && s->opts.reduce(s->opts.ctx, s->t, s->y, &s->size))
            afresh = true;
        if (!s->method->grid && s->t == s->bound) {
            s->h = 0;
            afresh = true;
        }
        if (afresh) EG_TRY(begin(s, err));
    }
done:
    return st;
}

eg_status egi_solver_run(egi_solver *s, double *y, const double *times,
                         eg_index n_times, egi_ode_stats *stats, eg_err *err)
{
    eg_status st = EG_OK;

    if (stats) *stats = (egi_ode_stats){0};
    EG_TRY(check_run(y, s->ode.size, times, n_times, err));
    s->size = s->ode.size;
    memcpy(s->y, y, (size_t)s->size * sizeof *y);
    s->t = s->t_old = s->t_seen = times[0];
    s->h = 0;
    s->times = times;
    s->n_times = n_times;
    s->next = 0;
    s->stats = (egi_ode_stats){0};
    if (s->opts.count) s->count = s->opts.count(s->opts.ctx, s->y);
    st = loop(s, err);
    memcpy(y, s->y, (size_t)s->size * sizeof *y);
    s->stats.t = s->t;
    if (stats) *stats = s->stats;
done:
    return st;
}
