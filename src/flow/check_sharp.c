/* V = -Id on the sphere spreads tokens to minimisers of the energy (Cohn,
 * Kumar); at zero temperature attention is a Frank-Wolfe step (2508.09628). */
#include "flow/checks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_sharp
EG_FIELDS_TABLE(egi_flow_sharp_fields, EG_FLOW_THEORY_SHARP_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_hardmax
EG_FIELDS_TABLE(egi_flow_hardmax_fields, EG_FLOW_THEORY_HARDMAX_FIELDS)

static double deviation(const double *x, eg_index n, eg_index d,
                        const double *inner, int n_inner)
{
    double worst = 0;

    for (eg_index i = 0; i < n; i++)
        for (eg_index j = 0; j < i; j++) {
            double g = egi_dot(x + i * d, x + j * d, d), near = INFINITY;

            for (int k = 0; k < n_inner; k++)
                near = egi_least(near, fabs(g - inner[k]));
            worst = egi_most(worst, near);
        }
    return worst;
}

eg_status egi_flow_sharp_run(const void *options, uint64_t seed, eg_pool *pool,
                             const eg_theory_out *out, eg_err *err)
{
    enum { MOMENTS = 5 };
    const eg_flow_theory_sharp *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;
    double inner[EG_STRS_MAX], Q[MOMENTS], times[2] = {0, o->t};
    double *x = eg_calloc((size_t)(n * d + d * d), sizeof *x);
    double *V = egi_part(x, n * d);
    eg_flow_spec spec = {.n = n, .d = d, .beta = o->beta, .V = V};
    eg_flow_solve how = {
        .method = EG_FLOW_DOP853, .rtol = 1e-11, .atol = 1e-13};
    int n_inner = 0;
    eg_status st;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    EG_TRY(egi_list_reals(inner, &n_inner, &o->inner, -1, 1, "inner", err));
    for (eg_index k = 0; k < d; k++) V[k * d + k] = -1;
    for (int64_t r = 0; r < o->draws; r++) {
        eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, (uint32_t)r);

        egi_sphere_draw(x, n, d, &rng);
        EG_TRY(egi_play(&spec, x, times, 2, &how, pool, err));
        egi_emit(out, r + 1, "deviation", deviation(x, n, d, inner, n_inner));
        egi_emit(out, r + 1, "energy", eg_flow_energy(x, n, d, o->beta, NULL));
        eg_flow_design_moments(Q, MOMENTS, x, n, d);
        for (int l = 0; l < MOMENTS; l++) {
            char name[16];

            (void)snprintf(name, sizeof name, "moment_%d", l + 1);
            egi_emit(out, r + 1, name, Q[l]);
        }
    }
done:
    eg_free(x);
    return st;
}

/* ---- Frank-Wolfe ---- */

/* argmax over tokens y of sign <x_i, y>; the linear function is largest at a
 * vertex of their hull. */
static eg_index aim(const double *x, eg_index n, eg_index i, double sign)
{
    eg_index best = 0;
    double most = -(double)INFINITY;

    for (eg_index j = 0; j < n; j++) {
        double v = sign * egi_dot(x + 2 * i, x + 2 * j, 2);

        if (v <= most) continue;
        most = v;
        best = j;
    }
    return best;
}

typedef struct aims {
    eg_index n;
    const double *x0;
    eg_index *goal; /* [n] what each token aimed at first */
    bool *vertex;   /* [n] of the first hull */
} aims;

/* Tokens that aim at a vertex which aims at itself, and the others, which
 * follow moving targets. */
static void emit_hardmax(const aims *a, const double *x, int64_t step,
                         const eg_theory_out *out)
{
    double radius = 0, moved = 0, fixed = 0, steady = 0;
    double left[2] = {0}, bent[2] = {0}; /* [1]: where the target moves */

    for (eg_index i = 0; i < a->n; i++) {
        eg_index g = a->goal[i];
        const double *from = a->x0 + 2 * i, *to = a->x0 + 2 * g;
        const double *y = x + 2 * i;
        double length = sqrt(egi_dist2(from, to, 2));
        double gone = sqrt(egi_dist2(y, from, 2));
        bool moves = a->goal[g] != g;

        radius = egi_most(radius, hypot(y[0], y[1]));
        if (a->vertex[i]) moved = egi_most(moved, gone);
        if (!moves) steady += 1 / (double)a->n;
        if (g == i) fixed = egi_most(fixed, gone);
        left[moves] = egi_most(left[moves], sqrt(egi_dist2(y, to, 2)));
        if (length > 0)
            bent[moves] = egi_most(bent[moves],
                                   fabs((to[0] - from[0]) * (y[1] - from[1]) -
                                        (to[1] - from[1]) * (y[0] - from[0])) /
                                       length);
    }
    egi_emit(out, step, "radius", radius);
    egi_emit(out, step, "vertex_moved", moved);
    egi_emit(out, step, "own_moved", fixed);
    egi_emit(out, step, "steady", steady);
    egi_emit(out, step, "to_vertex", left[0]);
    egi_emit(out, step, "bent", bent[0]);
    egi_emit(out, step, "to_other", left[1]);
    egi_emit(out, step, "bent_other", bent[1]);
}

eg_status egi_flow_hardmax_run(const void *options, uint64_t seed,
                               eg_pool *pool, const eg_theory_out *out,
                               eg_err *err)
{
    const eg_flow_theory_hardmax *o = options;
    eg_index n = (eg_index)o->n;
    double sign = o->sign == 0 ? 1 : -1;
    double *x0 = eg_calloc((size_t)(6 * n), sizeof *x0);
    double *x = egi_part(x0, 2 * n), *next = egi_part(x, 2 * n);
    aims a = {n, x0, eg_calloc((size_t)n, sizeof *a.goal),
              eg_calloc((size_t)n, sizeof *a.vertex)};
    double area;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    int64_t steps[EG_STRS_MAX];
    int n_steps = 0;
    eg_status st = EG_OK;

    (void)pool;
    if (!x0 || !a.goal || !a.vertex) {
        st = EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
        goto done;
    }
    EG_TRY(egi_list_ints(steps, &n_steps, &o->steps, 1, 1000000, "steps", err));
    for (eg_index k = 0; k < 2 * n; k++) x0[k] = eg_rng_normal(&rng);
    for (eg_index i = 0; i < n; i++) a.goal[i] = aim(x0, n, i, sign);
    EG_TRY(eg_flow_hull(&area, a.vertex, x0, n, 2, err));
    memcpy(x, x0, 2 * (size_t)n * sizeof *x);
    for (int64_t k = 1, i = 0; i < n_steps; k++) {
        for (eg_index m = 0; m < n; m++) {
            eg_index b = aim(x, n, m, sign);

            for (int c = 0; c < 2; c++)
                next[2 * m + c] =
                    x[2 * m + c] + o->eta * (x[2 * b + c] - x[2 * m + c]);
        }
        memcpy(x, next, 2 * (size_t)n * sizeof *x);
        if (k < steps[i]) continue;
        emit_hardmax(&a, x, k, out);
        i++;
    }
done:
    eg_free(x0);
    eg_free(a.goal);
    eg_free(a.vertex);
    return st;
}
