/* What follow-ups add to attention: a perceptron with an energy (2601.21366),
 * masses that change, experts. */
#include "flow/checks.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_perceptron
EG_FIELDS_TABLE(egi_flow_perceptron_fields, EG_FLOW_THEORY_PERCEPTRON_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_reweight
EG_FIELDS_TABLE(egi_flow_reweight_fields, EG_FLOW_THEORY_REWEIGHT_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_experts
EG_FIELDS_TABLE(egi_flow_experts_fields, EG_FLOW_THEORY_EXPERTS_FIELDS)

/* ---- perceptron ---- */

typedef struct landscape {
    const eg_flow_theory_perceptron *o;
    const eg_theory_out *out;
    eg_flow *flow;
    eg_index n, d, m;
    double *a;   /* [m, d] */
    double *v;   /* [n, d] */
    double last; /* F at the time before */
    int32_t *label;
    bool short_of_memory;
} landscape;

/* E + (1/n) sum_i f(x_i), f(x) = (1/2) sum_k relu(<a_k,x>)^2, of the tokens
 * x + c v divided by their norms. */
static double height(const landscape *l, const double *x, double c,
                     const double *v, double *moved)
{
    double f = 0;

    for (eg_index i = 0; i < l->n; i++) {
        double *y = moved + i * l->d, size;

        for (eg_index k = 0; k < l->d; k++)
            y[k] = x[i * l->d + k] + c * v[i * l->d + k];
        size = sqrt(egi_dot(y, y, l->d));
        for (eg_index k = 0; k < l->d; k++) y[k] /= size;
        for (eg_index k = 0; k < l->m; k++) {
            double s = egi_most(0, egi_dot(l->a + k * l->d, y, l->d));

            f += s * s / 2;
        }
    }
    return eg_flow_energy(moved, l->n, l->d, l->o->beta, NULL) +
           f / (double)l->n;
}

static bool emit_height(void *ctx, eg_index i, double t, const double *x)
{
    landscape *l = ctx;
    double *moved = l->v + l->n * l->d, h = 1e-4, slope, rate = 0, F;
    int64_t at = egi_milli(t);
    eg_index atoms;

    eg_flow_field(l->flow, t, x, l->v);
    for (eg_index k = 0; k < l->n * l->d; k++)
        rate += l->v[k] * l->v[k] / (double)l->n;
    slope = (height(l, x, h, l->v, moved) - height(l, x, -h, l->v, moved)) /
            (2 * h);
    F = height(l, x, 0, l->v, moved);
    egi_emit(l->out, at, "objective", F);
    egi_emit(l->out, at, "identity",
             fabs(slope - rate) / (fabs(slope) + rate + 1e-9));
    if (i > 0) egi_emit(l->out, at, "increment", F - l->last);
    atoms = eg_flow_components(l->label, x, l->n, l->d, 1e-3);
    l->short_of_memory = atoms < 0;
    egi_emit(l->out, at, "atoms", (double)atoms);
    egi_emit(l->out, at, "speed", sqrt(rate));
    l->last = F;
    return !l->short_of_memory;
}

eg_status egi_flow_perceptron_run(const void *options, uint64_t seed,
                                  eg_pool *pool, const eg_theory_out *out,
                                  eg_err *err)
{
    const eg_flow_theory_perceptron *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d, m = (eg_index)o->m;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    double *next = eg_calloc((size_t)(3 * n * d + 2 * m * d), sizeof *next);
    double *block = next, *x, *w;
    landscape l = {.o = o, .out = out, .n = n, .d = d, .m = m};
    egi_clock clock = {0};
    eg_flow_spec spec = {.n = n,
                         .d = d,
                         .beta = o->beta,
                         .model = EG_FLOW_USA,
                         .ffn = EG_FLOW_FFN_RELU,
                         .d_mlp = m};
    eg_flow_solve how = {.method = EG_FLOW_DOPRI5,
                         .rtol = 1e-9,
                         .atol = 1e-11,
                         .output = emit_height,
                         .ctx = &l};
    eg_status st;

    l.label = eg_calloc((size_t)n, sizeof *l.label);
    if (!block || !l.label) {
        st = EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
        goto done;
    }
    x = egi_take(&next, n * d);
    l.v = egi_take(&next, 2 * n * d);
    l.a = egi_take(&next, m * d);
    w = egi_take(&next, m * d);
    EG_TRY(egi_clock_read(&clock, &o->times, err));
    egi_sphere_draw(x, n, d, &rng);
    for (eg_index k = 0; k < m * d; k++) l.a[k] = o->size * eg_rng_normal(&rng);
    for (eg_index k = 0; k < m; k++)
        for (eg_index j = 0; j < d; j++)
            w[j * m + k] =
                o->gradient ? l.a[k * d + j] : o->size * eg_rng_normal(&rng);
    spec.a = l.a;
    spec.w = w;
    EG_TRY(eg_flow_new(&l.flow, &spec, NULL, err));
    st = egi_play(&spec, x, clock.t, clock.n, &how, pool, err);
    if (st == EG_OK && l.short_of_memory)
        st = EG_FAIL(err, EG_ENOMEM, "components of %td tokens", n);
done:
    eg_flow_free(l.flow);
    eg_free(l.label);
    eg_free(block);
    return st;
}

/* ---- masses that change ---- */

typedef struct weighing {
    eg_index n, d;
    double beta;
    bool moving;      /* masses change */
    double taken_off; /* of the mean Z: all of it */
} weighing;

/* y = tokens [n, d], then masses [n]: dx_i/dt = P sum_j m_j w_ij x_j,
 * dm_i/dt = m_i (Z_i - sum_j m_j Z_j), w_ij = exp(beta (<x_i,x_j> - 1)). */
static void weigh(void *ctx, double t, const double *y, double *f)
{
    const weighing *w = ctx;
    eg_index n = w->n, d = w->d;
    const double *m = y + n * d;
    double *Z = f + n * d, mean = 0;

    (void)t;
    for (eg_index i = 0; i < n; i++) {
        const double *xi = y + i * d;
        double *fi = f + i * d, along;

        Z[i] = 0;
        for (eg_index k = 0; k < d; k++) fi[k] = 0;
        for (eg_index j = 0; j < n; j++) {
            double a = m[j] * exp(w->beta * (egi_dot(xi, y + j * d, d) - 1));

            Z[i] += a;
            for (eg_index k = 0; k < d; k++) fi[k] += a * y[j * d + k];
        }
        along = egi_dot(fi, xi, d) / egi_dot(xi, xi, d);
        for (eg_index k = 0; k < d; k++) fi[k] -= along * xi[k];
        mean += m[i] * Z[i];
    }
    for (eg_index i = 0; i < n; i++)
        Z[i] = w->moving ? m[i] * (Z[i] - w->taken_off * mean) : 0;
}

/* (1/2 beta) sum m_i m_j w_ij */
static double weighed_energy(const weighing *w, const double *y)
{
    const double *m = y + w->n * w->d;
    double sum = 0;

    for (eg_index i = 0; i < w->n; i++)
        for (eg_index j = 0; j < w->n; j++)
            sum +=
                m[i] * m[j] *
                exp(w->beta * (egi_dot(y + i * w->d, y + j * w->d, w->d) - 1));
    return sum / (2 * w->beta);
}

/* dE/dt by the formula: sum m |x'|^2 + (1/beta) Var_m Z. */
static double formula(weighing *w, const double *y, double *f)
{
    const double *m = y + w->n * w->d;
    double sum = 0;

    weigh(w, 0, y, f);
    for (eg_index i = 0; i < w->n; i++) {
        double growth = f[w->n * w->d + i] / m[i];

        sum += m[i] * egi_dot(f + i * w->d, f + i * w->d, w->d) +
               m[i] * growth * growth / w->beta;
    }
    return sum;
}

static void emit_weights(weighing *w, const double *y, double *work, double t,
                         const eg_theory_out *out)
{
    eg_index size = w->n * (w->d + 1);
    double *f = work, *moved = work + size, h = 1e-4, rate, slope[2];
    double total = 0, most = 0;
    int64_t at = egi_milli(t);

    rate = formula(w, y, f);
    for (int side = 0; side < 2; side++) {
        for (eg_index k = 0; k < size; k++)
            moved[k] = y[k] + (side ? h : -h) * f[k];
        slope[side] = weighed_energy(w, moved);
    }
    for (eg_index i = 0; i < w->n; i++) {
        total += y[w->n * w->d + i];
        most = egi_most(most, y[w->n * w->d + i]);
    }
    egi_emit(out, at, "energy", weighed_energy(w, y));
    egi_emit(out, at, "identity",
             fabs((slope[1] - slope[0]) / (2 * h) - rate) / (rate + 1e-6));
    egi_emit(out, at, "total", total - 1);
    egi_emit(out, at, "heaviest", most);
}

eg_status egi_flow_reweight_run(const void *options, uint64_t seed,
                                eg_pool *pool, const eg_theory_out *out,
                                eg_err *err)
{
    const eg_flow_theory_reweight *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d, size = n * (d + 1);
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    weighing w = {n, d, o->beta, o->moving, 1 + o->impostor};
    egi_ode ode = {.size = size, .rhs = weigh, .ctx = &w};
    egi_clock clock = {0};
    double *y = NULL, *path = NULL;
    eg_status st = egi_clock_read(&clock, &o->times, err);

    (void)pool;
    if (st != EG_OK) return st;
    y = eg_calloc((size_t)(3 * size), sizeof *y);
    path = eg_calloc((size_t)(clock.n * size), sizeof *path);
    if (!y || !path) {
        st = EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
        goto done;
    }
    egi_sphere_draw(y, n, d, &rng);
    for (eg_index i = 0; i < n; i++) y[n * d + i] = 1 / (double)n;
    EG_TRY(egi_curve(path, &ode, y, clock.t, clock.n, err));
    for (int k = 0; k < clock.n; k++) {
        const double *now = path + k * size;

        emit_weights(&w, now, y + size, clock.t[k], out);
        if (k > 0)
            egi_emit(out, egi_milli(clock.t[k]), "increment",
                     weighed_energy(&w, now) - weighed_energy(&w, now - size));
    }
done:
    eg_free(y);
    eg_free(path);
    return st;
}

/* ---- experts ---- */

/* The expert of largest <r_e, x>. */
static eg_index gate(const double *r, eg_index experts, const double *x,
                     eg_index d)
{
    eg_index best = 0;

    for (eg_index e = 1; e < experts; e++)
        if (egi_dot(r + e * d, x, d) > egi_dot(r + best * d, x, d)) best = e;
    return best;
}

/* x <- N(x + h (A + strength r_e)), e the token's expert. */
static void gated_step(eg_flow *f, double *x, double *drive, const double *r,
                       const eg_flow_theory_experts *o)
{
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;

    eg_flow_drive(f, 0, x, drive);
    for (eg_index i = 0; i < n; i++) {
        double *xi = x + i * d, size;
        const double *own = r + gate(r, (eg_index)o->experts, xi, d) * d;

        for (eg_index k = 0; k < d; k++)
            xi[k] += o->h * (drive[i * d + k] + o->strength * own[k]);
        size = sqrt(egi_dot(xi, xi, d));
        for (eg_index k = 0; k < d; k++) xi[k] /= size;
    }
}

/* Clusters, cells of the gate with tokens, pairs of a cluster in two cells. */
static void count_cells(const double *x, const double *r, const int32_t *label,
                        bool *used, eg_index clusters,
                        const eg_flow_theory_experts *o, int64_t draw,
                        const eg_theory_out *out)
{
    eg_index n = (eg_index)o->n, d = (eg_index)o->d, E = (eg_index)o->experts;
    int cells = 0, mixed = 0;

    for (eg_index e = 0; e < E; e++) used[e] = false;
    for (eg_index i = 0; i < n; i++) {
        eg_index e = gate(r, E, x + i * d, d);

        cells += !used[e];
        used[e] = true;
        for (eg_index j = 0; j < i; j++)
            mixed += label[i] == label[j] && gate(r, E, x + j * d, d) != e;
    }
    egi_emit(out, draw, "clusters", (double)clusters);
    egi_emit(out, draw, "cells", cells);
    egi_emit(out, draw, "unequal", fabs((double)clusters - cells));
    egi_emit(out, draw, "mixed", mixed);
}

eg_status egi_flow_experts_run(const void *options, uint64_t seed,
                               eg_pool *pool, const eg_theory_out *out,
                               eg_err *err)
{
    const eg_flow_theory_experts *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d, E = (eg_index)o->experts;
    double *x = eg_calloc((size_t)(2 * n * d + E * d), sizeof *x);
    double *drive = egi_part(x, n * d), *r = egi_part(x, 2 * n * d);
    int32_t *label = eg_calloc((size_t)n, sizeof *label);
    bool *used = eg_calloc((size_t)E, sizeof *used);
    eg_flow_spec spec = {.n = n, .d = d, .beta = o->beta};
    eg_flow *f = NULL;
    eg_status st;

    if (!x || !label || !used) {
        st = EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
        goto done;
    }
    EG_TRY(eg_flow_new(&f, &spec, pool, err));
    for (int64_t draw = 0; draw < o->draws; draw++) {
        eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, (uint64_t)draw, 0);
        eg_index count;

        egi_sphere_draw(r, E, d, &rng);
        egi_sphere_draw(x, n, d, &rng);
        for (int64_t k = 0; k < llround(o->t / o->h); k++)
            gated_step(f, x, drive, r, o);
        count = eg_flow_components(label, x, n, d, 1e-3);
        if (count < 0) {
            st = EG_FAIL(err, EG_ENOMEM, "components of %td tokens", n);
            goto done;
        }
        count_cells(x, r, label, used, count, o, draw, out);
    }
done:
    eg_flow_free(f);
    eg_free(x);
    eg_free(label);
    eg_free(used);
    return st;
}
