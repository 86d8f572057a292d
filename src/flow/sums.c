/* Fast sums: which way, and what the ways share. */
#include "flow/sums.h"

#include <math.h>
#include <stdio.h>

#include "engram/mem.h"
#include "base/num.h"
#include "flow/bessel.h"
#include "flow/sums_priv.h"

struct egi_sums {
    int kind;
    egi_direct *direct;
    egi_fourier *fourier;
    egi_harmonics *harmonics;
};

void egi_pool_tasks(eg_pool *pool, int n_tasks, eg_task_fn fn, void *ctx)
{
    if (pool) {
        eg_pool_run(pool, n_tasks, fn, ctx);
        return;
    }
    for (int i = 0; i < n_tasks; i++) fn(ctx, i, 0);
}

int egi_series_tasks(eg_index n)
{
    eg_index tasks = n / 1024;

    if (tasks < 1) return 1;
    return tasks > 64 ? 64 : (int)tasks;
}

egi_tokens egi_tokens_part(const egi_tokens *t, eg_index d, int task,
                           int n_tasks)
{
    eg_index from = t->n * task / n_tasks, to = t->n * (task + 1) / n_tasks;

    return (egi_tokens){.x = t->x + d * from,
                        .mass = t->mass ? t->mass + from : NULL,
                        .n = to - from,
                        .S = t->S + from,
                        .F = t->F + d * from};
}

void egi_tree_sum(double *part, int n, eg_index size)
{
    for (int step = 1; step < n; step *= 2) {
        for (int a = 0; a + step < n; a += 2 * step) {
            double *to = part + a * size;
            const double *from = to + step * size;
            for (eg_index k = 0; k < size; k++) to[k] += from[k];
        }
    }
}

/* Seconds an evaluation takes one AVX-512 core, as measured; only ratios
 * matter. */
static double direct_seconds(eg_index n, eg_index d, bool single)
{
    static const double wide[] = {0.25, 0.31, 0.40, 0.45,
                                  0.50, 0.57, 0.65, 0.77};
    static const double narrow[] = {0.08, 0.10, 0.14, 0.17,
                                    0.18, 0.21, 0.24, 0.30};
    double pairs = (double)n * (double)n * 1e-9;

    if (d <= 8) return pairs * (single ? narrow[d - 1] : wide[d - 1]);
    return pairs *
           (single ? 0.15 + 0.025 * (double)d : 0.3 + 0.055 * (double)d);
}

static double series_seconds(int kind, eg_index n, eg_index degree)
{
    double t = (double)degree + 2, terms = t;

    if (kind == EG_FLOW_SUM_HARMONICS) terms = t * (t + 1) / 2;
    return 1e-9 * (double)n * (5 + 0.44 * terms) + 1e-8 * terms + 5e-6;
}

/* Rounding of the direct sums relative to the total mass, in units u of half an
 * ulp. Sums of m like terms one after the other may drift by m u / 3: m is 64,
 * or 128 where d is large. Exponents are off by u times their size, which is
 * beta, or sqrt(beta) where they come from differences. */
static double direct_error(eg_index d, double beta, bool single)
{
    bool large = d > EGI_CLOUD_SMALL_D;
    double b = fabs(beta), size = single || large ? 4 * b : 4 * sqrt(b);

    return (single ? 0x1p-24 : 0x1p-53) * ((large ? 48 : 24) + size);
}

/* Powers z^k are off by about k eps, and the coefficients weigh k like
 * sqrt(beta). */
static double series_error(double beta)
{
    return 0x1p-53 * (8 + 8 * sqrt(fabs(beta)));
}

/* What the truncation may cost: SA divides by S_i, at least m_i for beta >= 0.
 * Below a tenth of the rounding more terms are in vain. */
static double truncation(eg_index n, double beta, int model, double tol)
{
    double t = model == EG_FLOW_SA ? tol / (2 * (double)n) : tol / 2;

    return fmax(t, 0.1 * series_error(beta));
}

/* For beta < 0 the divisor of SA may be as small as exp(-2 |beta|). */
static bool divisor_safe(double beta, int model, double error, double tol)
{
    return beta >= 0 || model != EG_FLOW_SA ||
           2 * error * exp(-2 * beta) <= tol;
}

static void series_plan(egi_sums_plan *p, int kind, eg_index n, double beta,
                        int model, double tol)
{
    double tail;

    p->kind = kind;
    p->degree = egi_zonal_degree(&tail, kind == EG_FLOW_SUM_FOURIER ? 2 : 3,
                                 beta, truncation(n, beta, model, tol));
    p->error = tail + series_error(beta);
    p->seconds = series_seconds(kind, n, p->degree);
}

static void say_series(egi_sums_plan *p, double direct)
{
    bool circle = p->kind == EG_FLOW_SUM_FOURIER;

    (void)egi_snprintf(
        p->why, sizeof p->why,
        "%s in float64 up to %s = %td: %.2g s a field and core instead of "
        "%.2g s; error below %.1e of the total mass",
        circle ? "Fourier series" : "spherical harmonics", circle ? "K" : "L",
        p->degree, p->seconds, direct, p->error);
}

static void say_direct(egi_sums_plan *p, eg_index d, bool single, bool forced,
                       bool safe)
{
    const char *reason = "no series for this dimension";

    if (forced)
        reason = "as asked";
    else if (d == 2 || d == 3)
        reason = safe ? "a series would take as long"
                      : "beta < 0: a series cannot resolve small divisors";
    (void)egi_snprintf(
        p->why, sizeof p->why,
        "direct sums over all pairs in %s (%s): %.2g s a field and "
        "core; rounding below %.1e of the total mass",
        single ? "float32, summed in float64" : "float64", reason, p->seconds,
        p->error);
}

eg_status egi_sums_choose(egi_sums_plan *plan, int want, eg_index n, eg_index d,
                          double beta, int model, int precision, double tol,
                          eg_err *err)
{
    int kind = d == 2 ? EG_FLOW_SUM_FOURIER : EG_FLOW_SUM_HARMONICS;
    eg_index most = d == 2 ? EGI_MAX_K : EGI_MAX_L;
    bool single = precision != 0, safe = true, fits = false;
    egi_sums_plan direct = {.kind = EG_FLOW_SUM_DIRECT}, series = {0};

    if (want == EG_FLOW_SUM_FOURIER && d != 2)
        return EG_FAIL(err, EG_EINVAL,
                       "sum: fourier needs d = 2, found d = %td", d);
    if (want == EG_FLOW_SUM_HARMONICS && d != 3)
        return EG_FAIL(err, EG_EINVAL,
                       "sum: harmonics needs d = 3, found d = %td", d);
    direct.error = direct_error(d, beta, single);
    direct.seconds = direct_seconds(n, d, single);
    if ((d == 2 || d == 3) && want != EG_FLOW_SUM_DIRECT) {
        /* none below sqrt(beta) does, and to find it takes that many steps */
        if (fabs(beta) < (double)most * (double)most) {
            series_plan(&series, kind, n, beta, model, tol);
            fits = series.degree <= most;
            safe = divisor_safe(beta, model, series.error, tol);
        }
    }
    if (want == kind && !fits)
        return EG_FAIL(err, EG_EINVAL,
                       "sum: beta = %g needs a degree above %td, the most "
                       "here; take direct",
                       beta, most);
    if (want == kind || (want == EG_FLOW_SUM_AUTO && fits && safe &&
                         2 * series.seconds < direct.seconds)) {
        *plan = series;
        say_series(plan, direct.seconds);
    } else {
        *plan = direct;
        say_direct(plan, d, single, want == EG_FLOW_SUM_DIRECT, safe);
    }
    return EG_OK;
}

eg_status egi_sums_new(egi_sums **out, const egi_sums_plan *plan, eg_index n,
                       eg_index d, double beta, int precision, eg_pool *pool,
                       eg_err *err)
{
    const egi_particles *kern = egi_particles_pick(plan->kern);
    egi_sums *s = eg_calloc(1, sizeof *s);
    eg_status st;

    *out = NULL;
    EG_ASSERT(kern); /* names are checked where they come in */
    if (!s) return EG_FAIL(err, EG_ENOMEM, "sums: out of memory");
    s->kind = plan->kind;
    if (plan->kind == EG_FLOW_SUM_FOURIER)
        st = egi_fourier_new(&s->fourier, plan->degree, beta, kern, pool, err);
    else if (plan->kind == EG_FLOW_SUM_HARMONICS)
        st = egi_harmonics_new(&s->harmonics, plan->degree, beta, kern, pool,
                               err);
    else
        st = egi_direct_new(&s->direct, n, d, beta, precision != 0, kern, pool,
                            err);
    if (st == EG_OK)
        *out = s;
    else
        egi_sums_free(s);
    return st;
}

void egi_sums_free(egi_sums *s)
{
    if (!s) return;
    egi_direct_free(s->direct);
    egi_fourier_free(s->fourier);
    egi_harmonics_free(s->harmonics);
    eg_free(s);
}

void egi_sums_eval(egi_sums *s, double *S, double *F, const double *x,
                   const double *mass, eg_index n)
{
    egi_tokens t = {.x = x, .mass = mass, .n = n, .S = S, .F = F};

    if (s->kind == EG_FLOW_SUM_FOURIER)
        egi_fourier_eval(s->fourier, &t);
    else if (s->kind == EG_FLOW_SUM_HARMONICS)
        egi_harmonics_eval(s->harmonics, &t);
    else
        egi_direct_eval(s->direct, &t);
}
