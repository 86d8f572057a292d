/* What the statements share: their times, tokens, and ways to solve. */
#include "flow/checks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "base/num.h"

int64_t egi_milli(double v)
{
    return llround(1000 * v);
}

void egi_emit(const eg_theory_out *out, int64_t step, const char *name,
              double value)
{
    out->emit(out->ctx, step, name, value);
}

eg_status egi_clock_read(egi_clock *c, const eg_strs *list, eg_err *err)
{
    int n = 0;
    eg_status st = egi_list_reals(c->t + 1, &n, list, 1e-3, 1e12, "times", err);

    if (st != EG_OK) return st;
    c->t[0] = 0;
    c->n = n + 1;
    for (int i = 1; i < c->n; i++)
        if (c->t[i] <= c->t[i - 1])
            return EG_FAIL(err, EG_EINVAL,
                           "times: expected ascending numbers, found %g "
                           "after %g",
                           c->t[i], c->t[i - 1]);
    return EG_OK;
}

eg_status egi_tokens_read(double **x, eg_index *n, const eg_strs *list,
                          eg_index d, const char *name, eg_err *err)
{
    double *p = eg_calloc((size_t)(list->n * d) + 1, sizeof *p);

    *x = NULL;
    *n = list->n;
    if (!p) return EG_FAIL(err, EG_ENOMEM, "%s: %d tokens", name, list->n);
    for (int i = 0; i < list->n; i++) {
        const char *s = list->item[i];
        bool good = true;

        for (eg_index k = 0; k < d && good; k++) {
            char *end = NULL;

            p[i * d + k] = egi_strtod(s, &end);
            good = end != s && isfinite(p[i * d + k]);
            s = end;
        }
        if (good && s[strspn(s, " ")] == '\0') continue;
        eg_free(p);
        return EG_FAIL(err, EG_EINVAL,
                       "%s: token %d: expected %td numbers, found '%s'", name,
                       i, d, list->item[i]);
    }
    *x = p;
    return EG_OK;
}

void egi_sphere_draw(double *x, eg_index n, eg_index d, eg_rng *rng)
{
    for (eg_index i = 0; i < n; i++) {
        double length = 0;

        for (eg_index k = 0; k < d; k++) {
            x[i * d + k] = eg_rng_normal(rng);
            length += x[i * d + k] * x[i * d + k];
        }
        length = sqrt(length);
        for (eg_index k = 0; k < d; k++) x[i * d + k] /= length;
    }
}

/* x = a Id + b (all ones): (a + n b)^2 = 1 + (n-1) rho, a^2 = 1 - rho. */
void egi_equiangular(double *x, eg_index n, double rho)
{
    double a = sqrt(1 - rho), m = (double)n - 1;
    double b = (sqrt(1 + m * rho) - a) / (double)n;

    EG_ASSERT(rho <= 1 && 1 + m * rho >= 0);
    for (eg_index i = 0; i < n; i++)
        for (eg_index k = 0; k < n; k++) x[i * n + k] = b + (i == k ? a : 0);
}

typedef struct record {
    double *out;
    eg_index size;
} record;

static bool keep(void *ctx, eg_index i, double t, const double *y)
{
    record *r = ctx;

    (void)t;
    memcpy(r->out + i * r->size, y, (size_t)r->size * sizeof *y);
    return true;
}

eg_status egi_curve(double *out, const egi_ode *ode, double *y,
                    const double *times, eg_index n, eg_err *err)
{
    record r = {out, ode->size};
    egi_ode_opts opts = {.method = EGI_ODE_DOP853,
                         .rtol = 1e-13,
                         .atol = 1e-18,
                         .max_steps = 10000000,
                         .output = keep,
                         .ctx = &r};
    egi_ode_stats stats = {0};
    egi_solver *s = NULL;
    eg_status st = egi_solver_new(&s, ode, &opts, err);

    if (st == EG_OK) st = egi_solver_run(s, y, times, n, &stats, err);
    egi_solver_free(s);
    if (st == EG_OK && (stats.step_too_small || stats.out_of_steps))
        return EG_FAIL(err, EG_EINVAL, "the equation needs steps below %g",
                       stats.t * 1e-15);
    return st;
}

eg_status egi_play(const eg_flow_spec *spec, double *x, const double *times,
                   eg_index n_times, const eg_flow_solve *how, eg_pool *pool,
                   eg_err *err)
{
    eg_flow *f = NULL;
    eg_flow_stats stats = {0};
    eg_status st = eg_flow_new(&f, spec, pool, err);

    if (st == EG_OK) st = eg_flow_run(f, x, times, n_times, how, &stats, err);
    eg_flow_free(f);
    if (st == EG_OK && (stats.step_too_small || stats.out_of_steps))
        return EG_FAIL(
            err, EG_EINVAL, "the flow stopped at t = %g: %s", stats.t,
            stats.step_too_small ? "step too small" : "too many steps");
    return st;
}

bool egi_keep_state(void *ctx, eg_index i, double t, const double *x)
{
    egi_states *s = ctx;

    (void)t;
    memcpy(s->x + i * s->size, x, (size_t)s->size * sizeof *x);
    return true;
}
