/* Metastability (2410.06833): caps that collapse and stay, five tokens that
 * merge one after the other, the staircase of the energy. */
#include "flow/checks.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_caps
EG_FIELDS_TABLE(egi_flow_caps_fields, EG_FLOW_THEORY_CAPS_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_kinetic
EG_FIELDS_TABLE(egi_flow_kinetic_fields, EG_FLOW_THEORY_KINETIC_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_staircase
EG_FIELDS_TABLE(egi_flow_staircase_fields, EG_FLOW_THEORY_STAIRCASE_FIELDS)

/* ---- caps ---- */

typedef struct terms {
    double alpha, gamma, lambda, lambda_printed, T1, T2;
} terms;

/* The theorem's numbers for two opposite caps of size e on a circle. */
static terms theorem(double n, double e, double beta, double impostor)
{
    terms t;
    double reach = acos(1 - 2 * e), floor, first, second, star;

    t.alpha = cos(M_PI - 2 * reach);
    t.gamma = 1 - t.alpha - 8 * e - log(2 * n * n / e) / beta;
    star = log(1 / (8 * e)) / beta;
    floor = exp(-star * beta);
    first = (beta - 1) * e / (beta * beta * n * n * M_E) *
            (1 - exp(-t.gamma * beta));
    second = 1 - t.alpha - log(2 * n * n / (1 - floor)) / beta - floor;
    t.lambda = 0.9 * egi_least(exp((1 - t.alpha) * beta) * first, second);
    t.lambda_printed = egi_least(exp(-(1 - t.alpha) * beta) * first, second);
    t.T1 = 2 * n * exp(8 * e * beta) +
           M_E * n * t.lambda * beta * beta / (beta - 1);
    t.T2 = e / n * exp((1 - t.alpha) * beta);
    t.T1 /= 1 + impostor;
    t.T2 *= 1 + impostor;
    return t;
}

typedef struct caps {
    eg_index n;
    double apart, inside; /* at T1, at T2 */
    double e;
} caps;

/* Even tokens belong to the cap at angle 0, odd ones to that at pi. */
static bool look(void *ctx, eg_index k, double t, const double *x)
{
    caps *c = ctx;

    (void)t;
    c->inside = 2;
    c->apart = k == 1 ? 0 : c->apart;
    for (eg_index i = 0; i < c->n; i++) {
        double side = i % 2 ? -1 : 1;

        c->inside = egi_least(c->inside, side * x[2 * i] - (1 - 2 * c->e));
        for (eg_index j = i % 2; j < i && k == 1; j += 2)
            c->apart = egi_most(c->apart, egi_dist2(x + 2 * i, x + 2 * j, 2));
    }
    return true;
}

eg_status egi_flow_caps_run(const void *options, uint64_t seed, eg_pool *pool,
                            const eg_theory_out *out, eg_err *err)
{
    const eg_flow_theory_caps *o = options;
    eg_index n = (eg_index)o->n;
    double beta[EG_STRS_MAX], x[2 * 256], reach = acos(1 - o->e);
    int n_betas = 0;
    eg_status st =
        egi_list_reals(beta, &n_betas, &o->betas, 6, 40, "betas", err);

    (void)pool;
    for (int i = 0; i < n_betas && st == EG_OK; i++) {
        eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, (uint64_t)i, 0);
        terms t = theorem((double)n, o->e, beta[i], o->impostor);
        double later = egi_least(egi_most(t.T2, t.T1 + 1), o->horizon);
        double bound = 2 * exp(-t.lambda * beta[i]);
        double times[3] = {0, t.T1, later};
        caps c = {.n = n, .e = o->e};
        eg_flow_spec spec = {
            .n = n, .d = 2, .beta = beta[i], .model = o->model};
        eg_flow_solve how = {.method = EG_FLOW_DOP853,
                             .rtol = 1e-11,
                             .atol = 1e-14,
                             .fuse = true,
                             .output = look,
                             .ctx = &c};
        int64_t at = egi_milli(beta[i]);

        if (!(t.gamma > 0 && later > t.T1))
            return EG_FAIL(err, EG_EINVAL,
                           "betas: at %g the theorem says nothing (gamma %g, "
                           "T1 %g, T2 %g)",
                           beta[i], t.gamma, t.T1, t.T2);
        for (eg_index k = 0; k < n; k++) {
            double a = (2 * eg_rng_uniform(&rng) - 1) * reach;

            if (k % 2) a += M_PI;
            x[2 * k] = cos(a);
            x[2 * k + 1] = sin(a);
        }
        st = egi_play(&spec, x, times, 3, &how, pool, err);
        if (st != EG_OK) break;
        egi_emit(out, at, "lambda", t.lambda);
        egi_emit(out, at, "lambda_printed", t.lambda_printed);
        egi_emit(out, at, "T1", t.T1);
        egi_emit(out, at, "T2", t.T2);
        egi_emit(out, at, "apart", c.apart / bound);
        egi_emit(out, at, "bound", bound);
        egi_emit(out, at, "printed_bound",
                 2 * exp(-t.lambda_printed * beta[i]));
        egi_emit(out, at, "inside", c.inside);
    }
    return st;
}

/* ---- the kinetic run ---- */

static void emit_merge(void *ctx, double t, eg_index components)
{
    const eg_theory_out *out = ctx;

    egi_emit(out, components, "t", t);
}

eg_status egi_flow_kinetic_run(const void *options, uint64_t seed,
                               eg_pool *pool, const eg_theory_out *out,
                               eg_err *err)
{
    const eg_flow_theory_kinetic *o = options;
    double *x = NULL, times[2] = {0, o->t};
    eg_index n = 0;
    eg_theory_out sink = *out;
    eg_status st = egi_tokens_read(&x, &n, &o->x0, 2, "x0", err);
    eg_flow_spec spec = {.n = n, .d = 2, .beta = o->beta};
    eg_flow_solve how = {.method = o->method,
                         .h = o->h,
                         .rtol = 1e-12,
                         .atol = 1e-14,
                         .delta = o->delta,
                         .merged = emit_merge,
                         .ctx = &sink};

    (void)seed;
    if (st != EG_OK) return st;
    for (eg_index i = 0; i < n && st == EG_OK; i++) {
        double r = hypot(x[2 * i], x[2 * i + 1]);

        if (r < 1e-6) st = EG_FAIL(err, EG_EINVAL, "x0: token %td is 0", i);
        x[2 * i] /= r;
        x[2 * i + 1] /= r;
    }
    if (st == EG_OK) st = egi_play(&spec, x, times, 2, &how, pool, err);
    eg_free(x);
    return st;
}

/* ---- the staircase ---- */

enum { FIVE = 5 };

typedef struct stairs {
    double t[4], flat[3], fall;
} stairs;

/* g_i = -(1/n^2) sum_j sin(th_i - th_j) exp(beta (cos(th_i - th_j) - 1)) and
 * the energy; pairs once. */
static double slope(double *g, const double *th, double beta)
{
    double energy = FIVE;

    memset(g, 0, FIVE * sizeof *g);
    for (int i = 0; i < FIVE; i++)
        for (int j = 0; j < i; j++) {
            double u = th[i] - th[j], w = exp(beta * (cos(u) - 1));
            double pull = sin(u) * w / (FIVE * FIVE);

            g[i] -= pull;
            g[j] += pull;
            energy += 2 * w;
        }
    return energy / (FIVE * FIVE);
}

static stairs climb(double beta, const eg_flow_theory_staircase *o)
{
    static const double level[4] = {0.36, 0.48, 0.76, 0.999};
    static const double plateau[3] = {0.28, 0.44, 0.52};
    double s = 0.5 * log(2000) / sqrt(2000), before = 0, g[FIVE];
    double th[FIVE] = {0, s / 2, 2 * s, 4 * s, 7 * s};
    double h = o->h, speed = (1 + o->impostor) * log(beta);
    stairs r = {.t = {NAN, NAN, NAN, NAN}};
    int passed = 0;

    for (int64_t k = 0; k < o->steps && passed < 4; k++) {
        double energy = slope(g, th, beta), size = 0;

        r.fall = egi_most(r.fall, k ? before - energy : 0);
        before = energy;
        while (passed < 4 && energy >= level[passed])
            r.t[passed++] = (double)k * h;
        for (int p = 0; p < 3; p++)
            r.flat[p] += fabs(energy - plateau[p]) < 0.01;
        for (int i = 0; i < FIVE; i++) size += g[i] * g[i];
        size = sqrt(size);
        if (size == 0) break;
        for (int i = 0; i < FIVE; i++) th[i] += h * speed * g[i] / size;
        if (size < 1e-5)
            for (int i = 0; i < FIVE; i++)
                for (int j = i + 1; j < FIVE; j++)
                    if (fabs(th[i] - th[j]) < 1e-3) th[j] = th[i];
    }
    for (int p = 0; p < 3; p++) r.flat[p] /= r.t[3] / h;
    return r;
}

typedef struct flight {
    const eg_flow_theory_staircase *o;
    const int64_t *beta;
    stairs result[EG_STRS_MAX];
} flight;

static void climb_one(void *ctx, int i, int worker)
{
    flight *f = ctx;

    (void)worker;
    f->result[i] = climb((double)f->beta[i], f->o);
}

eg_status egi_flow_staircase_run(const void *options, uint64_t seed,
                                 eg_pool *pool, const eg_theory_out *out,
                                 eg_err *err)
{
    static const char *const name[] = {"t_36", "t_48", "t_76", "t_999"};
    static const char *const flat[] = {"flat_28", "flat_44", "flat_52"};
    int64_t beta[EG_STRS_MAX];
    flight f = {.o = options, .beta = beta};
    int n = 0;
    eg_status st =
        egi_list_ints(beta, &n, &f.o->betas, 2, 1000000, "betas", err);

    (void)seed;
    if (st != EG_OK) return st;
    eg_pool_run(pool, n, climb_one, &f);
    for (int i = 0; i < n; i++) {
        const stairs *r = &f.result[i];

        for (int k = 0; k < 4; k++) egi_emit(out, beta[i], name[k], r->t[k]);
        for (int k = 0; k < 3; k++) egi_emit(out, beta[i], flat[k], r->flat[k]);
        egi_emit(out, beta[i], "fall", r->fall);
    }
    return EG_OK;
}
