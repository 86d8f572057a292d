/* The prequel once more (2305.05465): V = -Id without rescaling, and what the
 * released scripts integrate. */
#include "flow/checks.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_repulsive
EG_FIELDS_TABLE(egi_flow_repulsive_fields, EG_FLOW_THEORY_REPULSIVE_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_programs
EG_FIELDS_TABLE(egi_flow_programs_fields, EG_FLOW_THEORY_PROGRAMS_FIELDS)

static void draw_cube(double *x, eg_index count, double side, eg_rng *rng)
{
    for (eg_index i = 0; i < count; i++)
        x[i] = side * (2 * eg_rng_uniform(rng) - 1);
}

/* ---- V = -Id ---- */

typedef struct decay {
    const eg_theory_out *out;
    eg_flow *flow;
    eg_index n, d;
    double *P; /* [n, n] */
} decay;

static bool emit_decay(void *ctx, eg_index i, double t, const double *x)
{
    const decay *c = ctx;
    double square = egi_dot(x, x, c->n * c->d) / (double)c->n, worst = 0;
    int64_t at = egi_milli(t);

    if (i == 0) return true;
    eg_flow_attention(c->flow, t, x, 0, c->P);
    for (eg_index k = 0; k < c->n * c->n; k++)
        worst = egi_most(worst, fabs((double)c->n * c->P[k] - 1));
    egi_emit(c->out, at, "square", square);
    egi_emit(c->out, at, "decay", square * 2 * t / (double)c->d);
    egi_emit(c->out, at, "uniformity", worst);
    return true;
}

eg_status egi_flow_repulsive_run(const void *options, uint64_t seed,
                                 eg_pool *pool, const eg_theory_out *out,
                                 eg_err *err)
{
    const eg_flow_theory_repulsive *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    double *x = eg_calloc((size_t)(n * d + n * n + d * d), sizeof *x);
    double *V = egi_part(x, n * d);
    decay c = {out, NULL, n, d, egi_part(V, d * d)};
    eg_flow_spec spec = {
        .n = n, .d = d, .beta = 1, .space = EG_FLOW_EUCLIDEAN, .V = V};
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = 1e-10,
                         .atol = 1e-13,
                         .output = emit_decay,
                         .ctx = &c};
    egi_clock clock = {0};
    eg_status st;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    EG_TRY(egi_clock_read(&clock, &o->times, err));
    draw_cube(x, n * d, o->side, &rng);
    for (eg_index k = 0; k < d; k++) V[k * d + k] = -1;
    EG_TRY(eg_flow_new(&c.flow, &spec, NULL, err));
    st = egi_play(&spec, x, clock.t, clock.n, &how, pool, err);
done:
    eg_flow_free(c.flow);
    eg_free(x);
    return st;
}

/* ---- the scripts ---- */

typedef struct script {
    eg_index n, d;
    double h;
    double *P;            /* [n, n] */
    double *slope;        /* [4, d] the four of a token */
    double *shifted, *to; /* [n, d] */
} script;

/* sum_j P_ij (z_j - z_i) for one i, all tokens displaced by the same vector. */
static void stage(double *out, const script *s, const double *z, eg_index i,
                  const double *by, double share)
{
    for (eg_index k = 0; k < s->n * s->d; k++)
        s->shifted[k] = z[k] + (by ? share * by[k % s->d] : 0);
    for (eg_index k = 0; k < s->d; k++) {
        out[k] = 0;
        for (eg_index j = 0; j < s->n; j++)
            out[k] += s->P[i * s->n + j] *
                      (s->shifted[j * s->d + k] - s->shifted[i * s->d + k]);
    }
}

/* One step of the script: attention once, then "RK4" a token at a time, whose
 * stages move all tokens together. euler: the first slope alone. */
static void script_step(const script *s, double *z, bool euler)
{
    double *a = s->slope, *b = a + s->d, *c = b + s->d, *e = c + s->d;

    for (eg_index i = 0; i < s->n; i++) {
        stage(a, s, z, i, NULL, 0);
        if (!euler) {
            stage(b, s, z, i, a, s->h / 2);
            stage(c, s, z, i, b, s->h / 2);
            stage(e, s, z, i, c, s->h);
        }
        for (eg_index k = 0; k < s->d; k++)
            s->to[i * s->d + k] =
                z[i * s->d + k] +
                (euler ? s->h * a[k]
                       : s->h / 6 * (a[k] + 2 * b[k] + 2 * c[k] + e[k]));
    }
    memcpy(z, s->to, (size_t)(s->n * s->d) * sizeof *z);
}

static double relative(const double *a, const double *b, eg_index count)
{
    double worst = 0, scale = 0;

    for (eg_index k = 0; k < count; k++) {
        worst = egi_most(worst, fabs(a[k] - b[k]));
        scale = egi_most(scale, fabs(b[k]));
    }
    return worst / scale;
}

/* RK4 of dx/dt = Vx, all the low-rank script does to its tokens. */
static void linear_step(double *x, const double *V, eg_index n, eg_index d,
                        double h, double *work)
{
    static const double share[4] = {0, 0.5, 0.5, 1}, weight[4] = {1, 2, 2, 1};
    double *v = work, *y = work + d, *sum = y + d;

    for (eg_index i = 0; i < n; i++) {
        memset(v, 0, 3 * (size_t)d * sizeof *v);
        for (int s = 0; s < 4; s++) {
            for (eg_index k = 0; k < d; k++)
                y[k] = x[i * d + k] + share[s] * h * v[k];
            for (eg_index k = 0; k < d; k++) v[k] = egi_dot(V + k * d, y, d);
            for (eg_index k = 0; k < d; k++) sum[k] += weight[s] * v[k];
        }
        for (eg_index k = 0; k < d; k++) x[i * d + k] += h / 6 * sum[k];
    }
}

/* exp(tV) x by its series, in steps short enough for it. */
static void linear_exact(double *x, const double *V, eg_index n, eg_index d,
                         double t, double *work)
{
    int pieces = 1 + (int)(8 * t);
    double *term = work, *next = work + d;

    for (eg_index i = 0; i < n; i++)
        for (int p = 0; p < pieces; p++) {
            memcpy(term, x + i * d, (size_t)d * sizeof *term);
            for (int k = 1; k < 30; k++) {
                for (eg_index m = 0; m < d; m++)
                    next[m] = egi_dot(V + m * d, term, d) * t / pieces / k;
                memcpy(term, next, (size_t)d * sizeof *term);
                for (eg_index m = 0; m < d; m++) x[i * d + m] += term[m];
            }
        }
}

typedef struct bench {
    const eg_flow_theory_programs *o;
    const eg_theory_out *out;
    script s;
    double *x0, *rk4, *euler, *flow, *V, *work; /* tokens [n, d] */
    egi_states proper;                          /* by RK4 as it should be */
    int64_t steps[EG_STRS_MAX];
    double times[EG_STRS_MAX + 1];
    int n_times;
    bool linear;
} bench;

static void copy(const bench *b, double *to)
{
    memcpy(to, b->x0, (size_t)(b->s.n * b->s.d) * sizeof *to);
}

/* Called with the flow's tokens: brings the script to the same time. */
static bool compare(void *ctx, eg_index i, double t, const double *x)
{
    bench *b = ctx;
    eg_index count = b->s.n * b->s.d;
    int64_t at = i > 0 ? b->steps[i - 1] : 0;

    if (i == 0) return true;
    if (b->linear) {
        copy(b, b->euler);
        copy(b, b->rk4);
        linear_exact(b->euler, b->V, b->s.n, b->s.d, t, b->work);
        for (int64_t k = 0; k < at; k++)
            linear_step(b->rk4, b->V, b->s.n, b->s.d, b->s.h, b->work);
        egi_emit(b->out, at, "linear", relative(b->rk4, b->euler, count));
        egi_emit(b->out, at, "linear_flow", relative(b->euler, x, count));
        return true;
    }
    egi_emit(
        b->out, at, "rk4_euler",
        relative(b->rk4 + (i - 1) * count, b->euler + (i - 1) * count, count));
    egi_emit(b->out, at, "rk4_flow",
             relative(b->rk4 + (i - 1) * count, x, count));
    egi_emit(b->out, at, "true_rk4",
             relative(b->proper.x + i * count, x, count));
    return true;
}

/* Both forms of the polytope script from x0, kept at every asked step. */
static eg_status run_script(bench *b, eg_err *err)
{
    eg_index count = b->s.n * b->s.d;
    size_t bytes = (size_t)count * sizeof(double);
    eg_flow_spec spec = {
        .n = b->s.n, .d = b->s.d, .beta = 1, .space = EG_FLOW_RESCALED};
    eg_flow *f = NULL;
    eg_status st = eg_flow_new(&f, &spec, NULL, err);

    for (int form = 0; form < 2 && st == EG_OK; form++) {
        double *z = b->flow, *keep = form ? b->euler : b->rk4;

        copy(b, z);
        for (int64_t k = 0, i = 0; i < b->n_times; k++) {
            if (k == b->steps[i]) {
                memcpy(keep + i * count, z, bytes);
                i++;
            }
            eg_flow_attention(f, (double)k * b->s.h, z, 0, b->s.P);
            script_step(&b->s, z, form == 1);
        }
    }
    eg_flow_free(f);
    return st;
}

eg_status egi_flow_programs_run(const void *options, uint64_t seed,
                                eg_pool *pool, const eg_theory_out *out,
                                eg_err *err)
{
    const eg_flow_theory_programs *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d, m = EG_STRS_MAX;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    size_t size =
        (size_t)(n * n + 7 * d + 5 * n * d + 3 * m * n * d + 3 * d * d);
    double *next = eg_calloc(size, sizeof *next), *block = next, *M;
    bench b = {.o = o, .out = out, .s = {.n = n, .d = d, .h = o->h}};
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = 1e-11,
                         .atol = 1e-13,
                         .output = compare,
                         .ctx = &b};
    eg_flow_solve rk4 = {.method = EG_FLOW_RK4,
                         .h = o->h,
                         .output = egi_keep_state,
                         .ctx = &b.proper};
    eg_flow_spec spec = {.n = n, .d = d, .beta = 1, .space = EG_FLOW_RESCALED};
    eg_status st;

    if (!block) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    b.s.P = egi_take(&next, n * n);
    b.s.slope = egi_take(&next, 4 * d);
    b.work = egi_take(&next, 3 * d);
    b.s.shifted = egi_take(&next, n * d);
    b.s.to = egi_take(&next, n * d);
    b.x0 = egi_take(&next, n * d);
    b.flow = egi_take(&next, n * d);
    b.rk4 = egi_take(&next, m * n * d);
    b.euler = egi_take(&next, m * n * d);
    b.proper = (egi_states){egi_take(&next, (m + 1) * n * d), n * d};
    b.V = egi_take(&next, d * d);
    M = egi_take(&next, d * d);
    EG_TRY(
        egi_list_ints(b.steps, &b.n_times, &o->steps, 1, 100000, "steps", err));
    for (int i = 0; i < b.n_times; i++) {
        b.times[i + 1] = (double)b.steps[i] * o->h;
        if (b.times[i + 1] > b.times[i]) continue;
        st = EG_FAIL(err, EG_EINVAL, "steps: expected ascending numbers");
        goto done;
    }
    draw_cube(b.x0, n * d, o->side, &rng);
    EG_TRY(run_script(&b, err));
    copy(&b, b.flow);
    EG_TRY(egi_play(&spec, b.flow, b.times, b.n_times + 1, &rk4, pool, err));
    copy(&b, b.flow);
    EG_TRY(egi_play(&spec, b.flow, b.times, b.n_times + 1, &how, pool, err));

    /* The low-rank script starts in [-1, 1]^d. */
    b.linear = true;
    draw_cube(b.x0, n * d, 1, &rng);
    draw_cube(M, d * d, 1, &rng);
    for (eg_index i = 0; i < d; i++)
        for (eg_index j = 0; j < d; j++)
            b.V[i * d + j] = egi_dot(M + i * d, M + j * d, d) / (double)d;
    spec.space = EG_FLOW_EUCLIDEAN;
    spec.V = b.V;
    copy(&b, b.flow);
    st = egi_play(&spec, b.flow, b.times, b.n_times + 1, &how, pool, err);
done:
    eg_free(block);
    return st;
}
