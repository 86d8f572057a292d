/* Where a layer normalises (2510.22026): six continuous forms of the same
 * layer, reduced to equiangular tokens. */
#include "flow/checks.h"

#include <math.h>
#include <stdio.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_schemes
EG_FIELDS_TABLE(egi_flow_schemes_fields, EG_FLOW_THEORY_SCHEMES_FIELDS)

enum { N_SCHEMES = 5 };
static const struct {
    const char *name;
    int norm;
} scheme[N_SCHEMES] = {{"post", EG_FLOW_POST},
                       {"pre", EG_FLOW_PRE},
                       {"peri", EG_FLOW_PERI},
                       {"nGPT", EG_FLOW_NGPT},
                       {"sqrt", EG_FLOW_SQRT}};

typedef struct layer {
    int norm;
    double n, beta, alpha;
} layer;

/* y = (ln(1 - rho), radius). */
static void rates(void *ctx, double t, const double *y, double *dy)
{
    const layer *l = ctx;
    double m = l->n - 1, u = exp(y[0]), rho = 1 - u, r = y[1];
    double z = exp(l->beta * u) + m; /* times exp(beta rho) */
    double w0 = exp(l->beta * u) / z, w1 = 1 / z;
    double along = w0 + m * w1 * rho, slow = 1;
    double length = sqrt(w0 * w0 + m * w1 * w1 + 2 * m * w0 * w1 * rho +
                         m * (l->n - 2) * w1 * w1 * rho);

    dy[1] = 0;
    switch (l->norm) {
    case EG_FLOW_PRE:
        slow = r;
        dy[1] = along;
        break;
    case EG_FLOW_PERI:
        slow = r * length;
        dy[1] = along / length;
        break;
    case EG_FLOW_NGPT:
        slow = length / l->alpha;
        break;
    case EG_FLOW_SQRT:
        slow = sqrt(t + 1);
        break;
    default:
        break;
    }
    dy[0] = -2 / slow * w1 * (1 + m * rho);
}

static eg_status reduced(const eg_flow_theory_schemes *o, const egi_clock *c,
                         int s, const eg_theory_out *out, eg_err *err)
{
    layer l = {scheme[s].norm, (double)o->n, o->beta, o->alpha};
    egi_ode ode = {.size = 2, .rhs = rates, .ctx = &l};
    double y[2] = {0, 1}, all[2 * (EG_STRS_MAX + 1)], dy[2];
    char name[32];
    eg_status st = egi_curve(all, &ode, y, c->t, c->n, err);

    for (int i = 1; i < c->n && st == EG_OK; i++) {
        rates(&l, c->t[i], all + (eg_index)2 * i, dy);
        egi_emit(out, egi_milli(c->t[i]), scheme[s].name,
                 exp(all[(eg_index)2 * i]));
        (void)snprintf(name, sizeof name, "rate_%s", scheme[s].name);
        egi_emit(out, egi_milli(c->t[i]), name, -dy[0]);
    }
    return st;
}

typedef struct watch {
    const eg_theory_out *out;
    eg_index n;
    char name[32];
} watch;

/* 1 - cosine of the first two tokens, without cancellation. */
static bool emit_flow(void *ctx, eg_index i, double t, const double *x)
{
    const watch *w = ctx;
    const double *a = x, *b = x + w->n;
    double la = sqrt(egi_dot(a, a, w->n)), lb = sqrt(egi_dot(b, b, w->n));
    double u = 0;

    for (eg_index k = 0; k < w->n; k++) {
        double e = a[k] / la - b[k] / lb;

        u += e * e / 2;
    }
    if (i > 0) egi_emit(w->out, egi_milli(t), w->name, u);
    return true;
}

static eg_status full(const eg_flow_theory_schemes *o, const egi_clock *c,
                      int s, const eg_theory_out *out, eg_pool *pool,
                      eg_err *err)
{
    eg_index n = (eg_index)o->n;
    eg_flow_spec spec = {.n = n,
                         .d = n,
                         .beta = o->beta,
                         .norm = scheme[s].norm,
                         .alpha = o->alpha};
    watch w = {.out = out, .n = n};
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = 1e-12,
                         .atol = 1e-14,
                         .output = emit_flow,
                         .ctx = &w};
    double *x = eg_calloc((size_t)(n * n), sizeof *x);
    eg_status st;

    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    (void)snprintf(w.name, sizeof w.name, "flow_%s", scheme[s].name);
    egi_equiangular(x, n, 0);
    st = egi_play(&spec, x, c->t, c->n, &how, pool, err);
    eg_free(x);
    return st;
}

eg_status egi_flow_schemes_run(const void *options, uint64_t seed,
                               eg_pool *pool, const eg_theory_out *out,
                               eg_err *err)
{
    const eg_flow_theory_schemes *o = options;
    egi_clock c = {0};
    eg_status st = egi_clock_read(&c, &o->times, err);

    (void)seed;
    for (int s = 0; s < N_SCHEMES && st == EG_OK; s++) {
        st = reduced(o, &c, s, out, err);
        if (st == EG_OK && o->flow) st = full(o, &c, s, out, pool, err);
    }
    return st;
}
