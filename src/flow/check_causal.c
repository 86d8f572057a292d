/* The causal mask (2411.04990): all tokens go to the first; strong centres
 * hold on to theirs for long, and are as many as cars that park at random. */
#include "flow/checks.h"

#include <math.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_causal
EG_FIELDS_TABLE(egi_flow_causal_fields, EG_FLOW_THEORY_CAUSAL_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_renyi
EG_FIELDS_TABLE(egi_flow_renyi_fields, EG_FLOW_THEORY_RENYI_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_strong_centres
EG_FIELDS_TABLE(egi_flow_strong_centres_fields,
                EG_FLOW_THEORY_STRONG_CENTRES_FIELDS)

/* ---- all to the first ---- */

typedef struct watch {
    const eg_theory_out *out;
    eg_index n, d;
    double first[64];
} watch;

static bool emit_distances(void *ctx, eg_index i, double t, const double *x)
{
    watch *w = ctx;
    eg_index d = w->d;
    double far = 0, axis = 0, plane = 0, length;
    int64_t at = egi_milli(t);

    if (i == 0)
        for (eg_index k = 0; k < d; k++) w->first[k] = x[k];
    if (i == 0) return true;
    length = hypot(w->first[0], w->first[1]);
    for (eg_index a = 0; a < w->n; a++) {
        const double *y = x + a * d;
        double rest = egi_dot(y, y, d) - y[0] * y[0];
        double u = y[0] - w->first[0] / length, v = y[1] - w->first[1] / length;

        far = egi_most(far, sqrt(egi_dist2(y, w->first, d)));
        axis = egi_most(axis, sqrt(egi_most(0, rest)));
        plane = egi_most(plane,
                         sqrt(u * u + v * v + egi_most(0, rest - y[1] * y[1])));
    }
    egi_emit(w->out, at, "first_moved", sqrt(egi_dist2(x, w->first, d)));
    egi_emit(w->out, at, "distance", far);
    egi_emit(w->out, at, "to_axis", axis);
    egi_emit(w->out, at, "to_plane", plane);
    return true;
}

eg_status egi_flow_causal_run(const void *options, uint64_t seed, eg_pool *pool,
                              const eg_theory_out *out, eg_err *err)
{
    const eg_flow_theory_causal *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    double value[EG_STRS_MAX];
    double *x = eg_calloc((size_t)(n * d + 3 * d * d), sizeof *x);
    double *Q = egi_part(x, n * d), *K = egi_part(Q, d * d);
    double *V = egi_part(K, d * d);
    watch w = {.out = out, .n = n, .d = d};
    eg_flow_spec spec = {.n = n, .d = d, .beta = o->beta, .causal = o->causal};
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = 1e-11,
                         .atol = 1e-13,
                         .output = emit_distances,
                         .ctx = &w};
    egi_clock c = {0};
    int n_values = 0;
    eg_status st = EG_OK;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    EG_TRY(egi_clock_read(&c, &o->times, err));
    egi_sphere_draw(x, n, d, &rng);
    if (o->keys) {
        for (eg_index k = 0; k < 2 * d * d; k++)
            Q[k] = eg_rng_normal(&rng) / sqrt((double)d);
        spec.Q = Q;
        spec.K = K;
    }
    if (o->values.n > 0) {
        EG_TRY(egi_list_reals(value, &n_values, &o->values, -1e6, 1e6, "values",
                              err));
        if (n_values != d) {
            st = EG_FAIL(err, EG_EINVAL,
                         "values: expected %td numbers, found %d", d, n_values);
            goto done;
        }
        for (eg_index k = 0; k < d; k++) V[k * d + k] = value[k];
        spec.V = V;
    }
    st = egi_play(&spec, x, c.t, c.n, &how, pool, err);
done:
    eg_free(x);
    return st;
}

/* ---- centres ---- */

static double around(double a, double b)
{
    double u = fabs(a - b);

    return egi_least(u, 2 * M_PI - u);
}

/* Cells narrower than the separation: one centre each, -1 for none. */
typedef struct grid {
    int cells;
    double *centre; /* [cells] */
} grid;

static bool near_centre(const grid *g, double angle, double delta)
{
    int c = (int)(angle / (2 * M_PI) * g->cells);
    int reach = (int)(delta / (2 * M_PI) * g->cells) + 1;

    if (reach > g->cells / 2) reach = g->cells / 2;
    for (int k = -reach; k <= reach; k++) {
        double other = g->centre[(c + k + g->cells) % g->cells];

        if (other >= 0 && around(other, angle) <= delta) return true;
    }
    return false;
}

static eg_status renyi_draw(const void *ctx, int64_t at, eg_rng *rng,
                            double *value, eg_err *err)
{
    const eg_flow_theory_renyi *o = ctx;
    double delta = (double)at / 1000, n = (double)o->n;
    grid g = {.cells = (int)(2 * M_PI / delta * 64)};
    eg_index n_points = 0, centres = 0, strong = 0;
    double *block = eg_calloc((size_t)o->n, sizeof *block);

    g.centre = eg_calloc((size_t)g.cells, sizeof *g.centre);
    if (!block || !g.centre) {
        eg_free(block);
        eg_free(g.centre);
        return EG_FAIL(err, EG_ENOMEM, "%d points", (int)o->n);
    }
    for (int c = 0; c < g.cells; c++) g.centre[c] = -1;
    for (int64_t i = 0; i < o->n; i++) {
        double angle = 2 * M_PI * eg_rng_uniform(rng);
        bool alone = true;

        /* Farther than delta from all centres; only then can it be strong. */
        if (near_centre(&g, angle, delta)) {
            block[n_points++] = angle;
            continue;
        }
        for (eg_index k = 0; k < n_points && alone; k++)
            alone = around(block[k], angle) > delta;
        block[n_points++] = angle;
        g.centre[(int)(angle / (2 * M_PI) * g.cells)] = angle;
        centres++;
        strong += alone;
    }
    value[0] = (double)centres;
    value[1] = (double)strong;
    value[2] = 0.7475979202534114 * 2 * M_PI / delta;
    value[3] = M_PI / delta * (1 - pow(1 - delta / M_PI, n));
    eg_free(block);
    eg_free(g.centre);
    return EG_OK;
}

eg_status egi_flow_renyi_run(const void *options, uint64_t seed, eg_pool *pool,
                             const eg_theory_out *out, eg_err *err)
{
    static const char *const names[] = {"centres", "strong", "parking",
                                        "formula", NULL};
    const eg_flow_theory_renyi *o = options;
    double delta[EG_STRS_MAX];
    int64_t at[EG_STRS_MAX];
    egi_sweep s = {.at = at,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = renyi_draw,
                   .ctx = o};
    eg_status st =
        egi_list_reals(delta, &s.n, &o->deltas, 0.001, 3, "deltas", err);

    if (st != EG_OK) return st;
    for (int i = 0; i < s.n; i++) at[i] = egi_milli(delta[i]);
    return egi_sweep_run(&s, seed, pool, out, err);
}

/* ---- strong centres stay ---- */

typedef struct stay {
    eg_index n;
    const double *x0;
    double *most; /* [n] largest move of a strong centre until its time */
    const double *until;
} stay;

static bool follow(void *ctx, eg_index i, double t, const double *x)
{
    stay *s = ctx;

    (void)i;
    for (eg_index k = 0; k < s->n; k++) {
        double move;

        if (!(s->until[k] >= t)) continue;
        move = 2 * asin(egi_least(
                       1, sqrt(egi_dist2(x + 2 * k, s->x0 + 2 * k, 2)) / 2));
        s->most[k] = egi_most(s->most[k], move);
    }
    return true;
}

/* until[k] = T_k for strong centres (cut at the horizon), NaN for others. */
static int find_centres(double *until, const double *x, double c,
                        const eg_flow_theory_strong_centres *o)
{
    double reach = c / sqrt(o->beta),
           delta = c * (1 + 2 * o->e) / sqrt(o->beta);
    double h = exp(o->beta * (cos(reach) - 1)) * sin(reach);
    int centres = 0;

    for (eg_index k = 0; k < (eg_index)o->n; k++) {
        double T = (1 + o->impostor) * o->e * reach / ((double)(k + 1) * h);
        bool strong = true;

        for (eg_index j = 0; j < k && strong; j++)
            strong = around(atan2(x[2 * k + 1], x[2 * k]),
                            atan2(x[2 * j + 1], x[2 * j])) > delta;
        centres += strong;
        until[k] = strong ? egi_least(o->horizon, T) : (double)NAN;
    }
    return centres;
}

eg_status egi_flow_strong_centres_run(const void *options, uint64_t seed,
                                      eg_pool *pool, const eg_theory_out *out,
                                      eg_err *err)
{
    enum { LOOKS = 101 };
    const eg_flow_theory_strong_centres *o = options;
    eg_index n = (eg_index)o->n;
    double b = o->beta, times[LOOKS];
    double c = 1.05 * sqrt(b) * acos((sqrt(4 * b * b + 1) - 1) / (2 * b));
    double *x = eg_calloc((size_t)(6 * n), sizeof *x);
    double *x0 = egi_part(x, 2 * n), *until = egi_part(x0, 2 * n);
    double *most = egi_part(until, n);
    stay s = {n, x0, most, until};
    eg_flow_spec spec = {.n = n, .d = 2, .beta = b, .causal = o->causal};
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = 1e-9,
                         .atol = 1e-11,
                         .output = follow,
                         .ctx = &s};
    eg_status st = EG_OK;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    for (int i = 0; i < LOOKS; i++)
        times[i] = i ? o->horizon * pow(10, (i - LOOKS + 1) / 20.0) : 0;
    for (int64_t r = 0; r < o->draws; r++) {
        eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, (uint32_t)r);
        double moved = 0, shortest = o->horizon;
        int centres;

        egi_sphere_draw(x, n, 2, &rng);
        for (eg_index k = 0; k < 2 * n; k++) x0[k] = x[k];
        for (eg_index k = 0; k < n; k++) most[k] = 0;
        centres = find_centres(until, x, c, o);
        EG_TRY(egi_play(&spec, x, times, LOOKS, &how, pool, err));
        for (eg_index k = 0; k < n; k++) {
            moved = egi_most(moved, most[k]);
            if (until[k] < shortest) shortest = until[k]; /* NaN: no centre */
        }
        egi_emit(out, r + 1, "centres", centres);
        egi_emit(out, r + 1, "moved", moved / (o->e * c / sqrt(b)));
        egi_emit(out, r + 1, "shortest", shortest);
    }
done:
    eg_free(x);
    return st;
}
