/* Fixed steps on the grid t0 + k h. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "flow/ode_inner.h"

typedef struct scheme {
    int method, stages;
    double c[4], a[4][4], b[4];
} scheme;

static const scheme schemes[] = {
    {EGI_ODE_EULER, 1, {0}, {{0}}, {1}},
    {EGI_ODE_HEUN, 2, {0, 1}, {{0}, {1}}, {0.5, 0.5}},
    {EGI_ODE_RK4,
     4,
     {0, 0.5, 0.5, 1},
     {{0}, {0.5}, {0, 0.5}, {0, 0, 1}},
     {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}},
};

typedef struct fixed {
    const scheme *scheme; /* NULL: the system's own step */
    double *y_old, *y_stage, *k[4];
    double *block;
    double t0;
    int64_t done; /* steps of the grid */
} fixed;

static eg_status fixed_init(egi_solver *s, eg_err *err)
{
    eg_index n = s->ode.size;
    fixed *f = eg_calloc(1, sizeof *f);

    s->own = f;
    if (!f) goto no_memory;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (schemes[i].method == s->opts.method) f->scheme = &schemes[i];
    EG_ASSERT(f->scheme || s->ode.step);
    int stages = f->scheme ? f->scheme->stages : 0;
    f->block = eg_calloc((size_t)n * (size_t)(stages + 2), sizeof(double));
    if (!f->block) goto no_memory;
    f->y_old = f->block;
    f->y_stage = f->block + n;
    for (int j = 0; j < stages; j++) f->k[j] = f->block + (j + 2) * n;
    return EG_OK;
no_memory:
    return EG_FAIL(err, EG_ENOMEM, "no memory for steps of %td numbers", n);
}

static void fixed_release(egi_solver *s)
{
    fixed *f = s->own;

    if (f) eg_free(f->block);
    eg_free(f);
}

static eg_status fixed_begin(egi_solver *s, eg_err *err)
{
    fixed *f = s->own;

    (void)err;
    if (s->h > 0) return EG_OK; /* the grid goes on */
    s->h = s->opts.h;
    f->t0 = s->t;
    f->done = 0;
    return EG_OK;
}

static void one_step(egi_solver *s, double t, double h, double *y)
{
    fixed *f = s->own;
    const scheme *m = f->scheme;

    if (!m) {
        s->ode.step(s->ode.ctx, s->opts.method, t, h, y);
        return;
    }
    egi_solver_field(s, t, y, f->k[0]);
    for (int j = 1; j < m->stages; j++) {
        egi_combine(f->y_stage, y, h, m->a[j], f->k, j, s->size);
        egi_solver_field(s, t + m->c[j] * h, f->y_stage, f->k[j]);
    }
    egi_combine(y, y, h, m->b, f->k, m->stages, s->size);
    if (s->ode.project) s->ode.project(s->ode.ctx, y);
}

static eg_status checked_step(egi_solver *s, double t, double h, double *y,
                              eg_err *err)
{
    one_step(s, t, h, y);
    if (egi_all_finite(y, s->size)) return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "the field is not finite between t = %.17g and %.17g", t,
                   t + h);
}

/* y from one time to another, at most a step away, broken at jumps. A whole
 * step has length h to the bit, wherever it begins. */
static eg_status advance(egi_solver *s, double from, double to, bool whole,
                         double *y, eg_err *err)
{
    eg_status st = EG_OK;
    double stop = egi_solver_stop(s, from);

    if (s->opts.method == EGI_ODE_MAP || (whole && stop >= to))
        return checked_step(s, from, s->opts.h, y, err);
    while (from < to) {
        double end = fmin(egi_solver_stop(s, from), to);
        EG_TRY(checked_step(s, from, end - from, y, err));
        from = end;
    }
done:
    return st;
}

static bool same_time(double a, double b, double h)
{
    return fabs(a - b) <= 1e-12 * h + 4 * DBL_EPSILON * fabs(a);
}

/* The next grid time; a time due or a stop that it equals up to rounding is
 * taken instead, so that neither costs a step of its own. */
static double next_grid_time(egi_solver *s)
{
    fixed *f = s->own;
    double h = s->opts.h, t = f->t0 + (double)(f->done + 1) * h;
    double stop = egi_solver_stop(s, s->t);

    if (same_time(t, stop, h)) return stop;
    for (eg_index i = s->next; i < s->n_times; i++) {
        if (same_time(t, s->times[i], h)) return s->times[i];
        if (s->times[i] > t) break;
    }
    return t;
}

static eg_status fixed_step(egi_solver *s, eg_err *err)
{
    eg_status st = EG_OK;
    fixed *f = s->own;
    double t = next_grid_time(s), end = s->times[s->n_times - 1];
    bool whole = t <= end || s->opts.method == EGI_ODE_MAP;

    if (!whole) t = end;
    if (!(t > s->t)) {
        s->stats.step_too_small = true;
        return EG_OK;
    }
    memcpy(f->y_old, s->y, (size_t)s->size * sizeof *s->y);
    EG_TRY(advance(s, s->t, t, whole, s->y, err));
    s->t_old = s->t;
    s->t = t;
    f->done++;
    return EG_OK;
done:
    memcpy(s->y, f->y_old, (size_t)s->size * sizeof *s->y);
    return st;
}

static eg_status fixed_at(egi_solver *s, double t, double *y, eg_err *err)
{
    fixed *f = s->own;

    memcpy(y, f->y_old, (size_t)s->size * sizeof *y);
    return advance(s, s->t_old, t, false, y, err);
}

const egi_method egi_method_fixed = {.inside = true,
                                     .grid = true,
                                     .init = fixed_init,
                                     .release = fixed_release,
                                     .begin = fixed_begin,
                                     .step = fixed_step,
                                     .at = fixed_at};

const egi_method egi_method_map = {.inside = false,
                                   .grid = true,
                                   .init = fixed_init,
                                   .release = fixed_release,
                                   .begin = fixed_begin,
                                   .step = fixed_step,
                                   .at = fixed_at};
