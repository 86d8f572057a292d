/* Clusters: two of them, one of them, and what the scalar curve says of many
 * dimensions (2312.10794, section 6). */
#include "flow/checks.h"
#include "flow/special.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_two_clusters
EG_FIELDS_TABLE(egi_flow_two_clusters_fields,
                EG_FLOW_THEORY_TWO_CLUSTERS_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_cluster_life
EG_FIELDS_TABLE(egi_flow_cluster_life_fields,
                EG_FLOW_THEORY_CLUSTER_LIFE_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_clustering
EG_FIELDS_TABLE(egi_flow_clustering_fields, EG_FLOW_THEORY_CLUSTERING_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_concentration
EG_FIELDS_TABLE(egi_flow_concentration_fields,
                EG_FLOW_THEORY_CONCENTRATION_FIELDS)

/* ---- two clusters ---- */

typedef struct pair {
    int model;
    double p, beta;
} pair;

/* du/dt of two clusters at angle u. */
static double closing(const pair *c, double u)
{
    double p = c->p, q = 1 - p, far = exp(c->beta * (cos(u) - 1));

    switch (c->model) {
    case EG_FLOW_SA:
        return -sin(u) * far * (q / (p + q * far) + p / (q + p * far));
    case EG_FLOW_USA:
        return -sin(u) * exp(c->beta * cos(u));
    default:
        return -sin(u) * far;
    }
}

static void pair_rate(void *ctx, double t, const double *y, double *dy)
{
    (void)t;
    *dy = closing(ctx, *y);
}

typedef struct angles {
    const eg_theory_out *out;
    const char *name;
    eg_index d, last; /* angle between token 0 and this one */
} angles;

static bool emit_angle(void *ctx, eg_index i, double t, const double *x)
{
    const angles *a = ctx;
    double c = egi_dot(x, x + a->last * a->d, a->d);
    double s = sqrt(egi_dist2(x, x + a->last * a->d, a->d)) / 2;

    /* Both half-angle forms lose digits at one end only. */
    if (i > 0)
        egi_emit(a->out, egi_milli(t), a->name, c > 0 ? 2 * asin(s) : acos(c));
    return true;
}

static eg_status play_pair(const eg_flow_theory_two_clusters *o,
                           const egi_clock *c, bool weighted,
                           const eg_theory_out *out, eg_err *err)
{
    eg_index n = weighted ? 2 : (eg_index)o->n, d = (eg_index)o->d;
    eg_index m = weighted ? 1 : (eg_index)o->m;
    double mass[2] = {(double)o->m, (double)(o->n - o->m)};
    double *x = eg_calloc((size_t)(n * d), sizeof *x);
    angles a = {out, weighted ? "weighted" : "flow", d, n - 1};
    eg_flow_spec spec = {.n = n,
                         .d = d,
                         .beta = o->beta,
                         .model = o->model,
                         .mass = weighted ? mass : NULL};
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = 1e-13,
                         .atol = 1e-15,
                         .output = emit_angle,
                         .ctx = &a};
    eg_status st;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    for (eg_index i = 0; i < n; i++) {
        x[i * d] = i < m ? 1 : cos(o->u0);
        x[i * d + 1] = i < m ? 0 : sin(o->u0);
    }
    st = egi_play(&spec, x, c->t, c->n, &how, NULL, err);
    eg_free(x);
    return st;
}

eg_status egi_flow_two_clusters_run(const void *options, uint64_t seed,
                                    eg_pool *pool, const eg_theory_out *out,
                                    eg_err *err)
{
    const eg_flow_theory_two_clusters *o = options;
    pair two = {o->model, (double)o->m / (double)o->n,
                o->beta * (1 + o->impostor)};
    egi_ode ode = {.size = 1, .rhs = pair_rate, .ctx = &two};
    double u = o->u0, all[EG_STRS_MAX + 1];
    egi_clock c = {0};
    eg_status st;

    (void)seed;
    (void)pool;
    if (o->m >= o->n)
        return EG_FAIL(err, EG_EINVAL, "m: expected less than n = %d",
                       (int)o->n);
    EG_TRY(egi_clock_read(&c, &o->times, err));
    EG_TRY(egi_curve(all, &ode, &u, c.t, c.n, err));
    for (int i = 1; i < c.n; i++)
        egi_emit(out, egi_milli(c.t[i]), "ode", all[i]);
    EG_TRY(play_pair(o, &c, false, out, err));
    EG_TRY(play_pair(o, &c, true, out, err));
done:
    return st;
}

/* dt/du */
static double waiting(const void *ctx, double u)
{
    return -1 / closing(ctx, u);
}

eg_status egi_flow_cluster_life_run(const void *options, uint64_t seed,
                                    eg_pool *pool, const eg_theory_out *out,
                                    eg_err *err)
{
    const eg_flow_theory_cluster_life *o = options;
    double beta[EG_STRS_MAX];
    int n = 0;
    eg_status st = egi_list_reals(beta, &n, &o->betas, 0, 100, "betas", err);

    (void)seed;
    (void)pool;
    for (int i = 0; i < n && st == EG_OK; i++) {
        pair two = {EG_FLOW_SA, o->p, beta[i]};
        double life = egi_integral(waiting, &two, acos(0.999), o->u0, 400);

        egi_emit(out, egi_milli(beta[i]), "life", life);
        egi_emit(out, egi_milli(beta[i]), "over_exponential",
                 life / exp(beta[i] * (1 - cos(o->u0))));
    }
    return st;
}

/* ---- one cluster ---- */

/* 1 - min <x_i, end>, without cancellation. */
static double gap_to(const double *x, const double *end, eg_index n, eg_index d)
{
    double worst = 0;

    for (eg_index i = 0; i < n; i++)
        worst = egi_most(worst, egi_dist2(x + i * d, end, d) / 2);
    return worst;
}

static double lowest(const double *x, eg_index n, eg_index d)
{
    double low = 1;

    for (eg_index i = 0; i < n; i++) low = egi_least(low, x[i * d + d - 1]);
    return low;
}

static void emit_cluster(const eg_flow_theory_clustering *o, const egi_clock *c,
                         const double *x, const eg_theory_out *out)
{
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;
    const double *end = x + (c->n - 1) * n * d; /* all are there */
    double bound = 2 * (double)n * exp(2 * o->beta);

    for (int i = 1; i < c->n - 1; i++, x += n * d) {
        const double *now = x + n * d;
        int64_t at = egi_milli(c->t[i]);
        double dt = c->t[i] - c->t[i - 1];
        double before = gap_to(x, end, n, d), gap = gap_to(now, end, n, d);

        egi_emit(out, at, "gap", gap);
        egi_emit(out, at, "rate", log(before / gap) / dt);
        if (o->start != 0) continue;
        egi_emit(out, at, "lowest", lowest(now, n, d));
        egi_emit(out, at, "risen", lowest(now, n, d) - lowest(x, n, d));
        egi_emit(out, at, "bound", (before - gap) / dt / before * bound);
    }
}

eg_status egi_flow_clustering_run(const void *options, uint64_t seed,
                                  eg_pool *pool, const eg_theory_out *out,
                                  eg_err *err)
{
    const eg_flow_theory_clustering *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    eg_flow_spec spec = {.n = n, .d = d, .beta = o->beta, .model = o->model};
    egi_states s = {NULL, n * d};
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = 1e-13,
                         .atol = 1e-16,
                         .output = egi_keep_state,
                         .ctx = &s};
    egi_clock c = {0};
    double *x;
    eg_status st = egi_clock_read(&c, &o->times, err);

    if (st != EG_OK) return st;
    if (c.n > EG_STRS_MAX)
        return EG_FAIL(err, EG_EINVAL, "times: expected fewer than %d",
                       EG_STRS_MAX);
    c.t[c.n] = c.t[c.n - 1] + 20;
    c.n++;
    x = eg_calloc((size_t)((c.n + 1) * n * d + 3 * d * d), sizeof *x);
    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    s.x = x + n * d;
    egi_sphere_draw(x, n, d, &rng);
    for (eg_index i = 0; i < n && o->start == 0; i++)
        if (x[i * d + d - 1] < 0)
            for (eg_index k = 0; k < d; k++) x[i * d + k] *= -1;
    if (o->keys) {
        double *Q = s.x + c.n * n * d;

        for (eg_index k = 0; k < 2 * d * d; k++)
            Q[k] = eg_rng_normal(&rng) / sqrt((double)d);
        spec.Q = Q;
        spec.K = Q + d * d;
    }
    if (o->sign != 0) {
        double *V = s.x + c.n * n * d + 2 * d * d;

        for (eg_index k = 0; k < d; k++) V[k * d + k] = -1;
        spec.V = V;
    }
    st = egi_play(&spec, x, c.t, c.n, &how, pool, err);
    if (st == EG_OK) emit_cluster(o, &c, s.x, out);
    eg_free(x);
    return st;
}

/* ---- many dimensions ---- */

static eg_status concentration_draw(const void *ctx, int64_t at, eg_rng *rng,
                                    double *value, eg_err *err)
{
    const eg_flow_theory_concentration *o = ctx;
    eg_index n = (eg_index)o->n, d = (eg_index)at;
    double times[2] = {0, o->t}, sum = 0;
    double g = 1 - egi_scalar_at(EG_FLOW_SA, (double)n, o->beta, 1, o->t);
    double expected = g * (1 + o->impostor);
    eg_flow_spec spec = {.n = n, .d = d, .beta = o->beta};
    eg_flow_solve how = {.method = EG_FLOW_DOPRI5, .rtol = 1e-6, .atol = 1e-8};
    double *x = eg_calloc((size_t)(n * d), sizeof *x);
    eg_status st;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    egi_sphere_draw(x, n, d, rng);
    st = egi_play(&spec, x, times, 2, &how, NULL, err);
    for (eg_index i = 0; i < n; i++)
        for (eg_index j = 0; j < i; j++) {
            double e = egi_dot(x + i * d, x + j * d, d) - expected;

            sum += e * e;
        }
    value[0] = sqrt(sum / ((double)n * (double)(n - 1) / 2));
    value[1] = value[0] * sqrt((double)d);
    eg_free(x);
    return st;
}

eg_status egi_flow_concentration_run(const void *options, uint64_t seed,
                                     eg_pool *pool, const eg_theory_out *out,
                                     eg_err *err)
{
    static const char *const names[] = {"spread", "scaled", NULL};
    const eg_flow_theory_concentration *o = options;
    int64_t at[EG_STRS_MAX];
    egi_sweep s = {.at = at,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = concentration_draw,
                   .ctx = o};
    eg_status st = egi_list_ints(at, &s.n, &o->dims, 2, 65536, "dims", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}
