/* Many tokens as a measure: Wasserstein distances between samples, and to the
 * Dirac mass they end in (2312.10794, section 3; 2504.14697). */
#include "flow/checks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "base/num.h"

#define EG_FIELDS_OWNER eg_flow_theory_mean_field
EG_FIELDS_TABLE(egi_flow_mean_field_fields, EG_FLOW_THEORY_MEAN_FIELD_FIELDS)
#undef EG_FIELDS_OWNER
#define EG_FIELDS_OWNER eg_flow_theory_dirac
EG_FIELDS_TABLE(egi_flow_dirac_fields, EG_FLOW_THEORY_DIRAC_FIELDS)

/* Angles of density (1 + tilt cos) / 2 pi, by rejection. */
static void draw_tilted(double *x, eg_index n, double tilt, eg_rng *rng)
{
    for (eg_index i = 0; i < n; i++) {
        double angle, u;

        do {
            angle = 2 * M_PI * eg_rng_uniform(rng);
            u = eg_rng_uniform(rng) * (1 + tilt);
        } while (u > 1 + tilt * cos(angle));
        x[2 * i] = cos(angle);
        x[2 * i + 1] = sin(angle);
    }
}

static void draw(double *x, eg_index n, eg_index d, double tilt, eg_rng *rng)
{
    if (d == 2)
        draw_tilted(x, n, tilt, rng);
    else
        egi_sphere_draw(x, n, d, rng);
}

typedef struct pairing {
    const eg_flow_theory_mean_field *o;
    const egi_clock *clock;
    eg_index n;
    double *x, *y; /* [n_times, n, d]: two samples over time */
} pairing;

/* W_1 at every time, of one draw. */
static eg_status distances(double *w, pairing *p, eg_rng *rng, eg_pool *pool,
                           eg_err *err)
{
    const eg_flow_theory_mean_field *o = p->o;
    eg_index d = (eg_index)o->d, size = p->n * d;
    eg_flow_spec spec = {.n = p->n, .d = d, .beta = o->beta, .model = o->model};
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = 1e-8,
                         .atol = 1e-10,
                         .output = egi_keep_state};
    double *sample[2] = {p->x, p->y}, *last = p->y + p->clock->n * size;
    eg_status st = EG_OK;

    for (int k = 0; k < 2 && st == EG_OK; k++) {
        draw(last, p->n, d, o->tilt, rng);
        how.ctx = &(egi_states){sample[k], size};
        st = egi_play(&spec, last, p->clock->t, p->clock->n, &how, pool, err);
    }
    for (int k = 0; k < p->clock->n && st == EG_OK; k++)
        st = eg_flow_wasserstein(&w[k], p->x + k * size, p->y + k * size, p->n,
                                 d, 1, 0, 0, err);
    return st;
}

eg_status egi_flow_mean_field_run(const void *options, uint64_t seed,
                                  eg_pool *pool, const eg_theory_out *out,
                                  eg_err *err)
{
    const eg_flow_theory_mean_field *o = options;
    int64_t tokens[EG_STRS_MAX];
    int n_tokens = 0;
    egi_clock clock = {0};
    eg_status st = egi_list_ints(tokens, &n_tokens, &o->tokens, 2, 10000000,
                                 "tokens", err);

    if (st == EG_OK) st = egi_clock_read(&clock, &o->times, err);
    for (int i = 0; i < n_tokens && st == EG_OK; i++) {
        eg_index n = (eg_index)tokens[i], size = n * (eg_index)o->d;
        double *block =
            eg_calloc((size_t)(size * (2 * clock.n + 1)), sizeof *block);
        double w[EG_STRS_MAX + 1] = {0}, mean[EG_STRS_MAX + 1] = {0},
                               growth = 0;
        pairing p = {o, &clock, n, block, egi_part(block, size * clock.n)};

        if (!block) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
        if (!egi_progress(out, (double)i / n_tokens)) {
            eg_free(block);
            break;
        }
        for (int64_t k = 0; k < o->draws && st == EG_OK; k++) {
            eg_rng rng =
                eg_rng_make(seed, EG_RNG_THEORY, (uint64_t)k, (uint32_t)n);

            st = distances(w, &p, &rng, pool, err);
            for (int j = 0; j < clock.n && st == EG_OK; j++) {
                mean[j] += w[j] / (double)o->draws;
                if (j > 0)
                    growth = egi_most(growth, log(w[j] / w[0]) / clock.t[j]);
            }
        }
        eg_free(block);
        for (int j = 0; j < clock.n && st == EG_OK; j++) {
            char name[32];

            (void)egi_snprintf(name, sizeof name, "W_%g", clock.t[j]);
            egi_emit(out, tokens[i], name, mean[j]);
            (void)egi_snprintf(name, sizeof name, "scaled_%g", clock.t[j]);
            egi_emit(out, tokens[i], name, mean[j] * sqrt((double)n));
        }
        if (st == EG_OK) egi_emit(out, tokens[i], "growth", growth);
        if (st == EG_OK && o->model != EG_FLOW_SA && o->d == 2)
            egi_emit(out, tokens[i], "bound",
                     2 * (o->model == EG_FLOW_USA_SHIFTED ? 1 : exp(o->beta)));
    }
    return st;
}

/* ---- to a Dirac mass ---- */

typedef struct descent {
    const eg_theory_out *out;
    eg_index n;
    double W, t;
} descent;

static bool emit_dirac(void *ctx, eg_index k, double t, const double *x)
{
    descent *c = ctx;
    double pole[2] = {1, 0}, W;

    /* the density is even: its limit is the pole */
    W = eg_flow_wasserstein_dirac(x, c->n, 2, pole, 2);
    egi_emit(c->out, egi_milli(t), "W", W);
    if (k > 0)
        egi_emit(c->out, egi_milli(t), "rate", log(c->W / W) / (t - c->t));
    c->W = W;
    c->t = t;
    return true;
}

eg_status egi_flow_dirac_run(const void *options, uint64_t seed, eg_pool *pool,
                             const eg_theory_out *out, eg_err *err)
{
    const eg_flow_theory_dirac *o = options;
    eg_index n = (eg_index)o->n;
    double *x = eg_calloc((size_t)(2 * n), sizeof *x);
    descent c = {out, n, 0, 0};
    egi_clock clock = {0};
    eg_flow_spec spec = {.n = n, .d = 2, .beta = o->beta, .model = EG_FLOW_SA};
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = 1e-8,
                         .atol = 1e-10,
                         .output = emit_dirac,
                         .ctx = &c};
    eg_status st;

    (void)seed;
    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    EG_TRY(egi_clock_read(&clock, &o->times, err));
    /* Quantiles, mirrored: no noise but 1/n. */
    for (eg_index i = 0; i < n; i++) {
        double q = ((double)i + 0.5) / (double)n - 0.5, a = 2 * M_PI * q;

        for (int k = 0; k < 60; k++)
            a -= ((a + o->tilt * sin(a)) / (2 * M_PI) - q) /
                 ((1 + o->tilt * cos(a)) / (2 * M_PI));
        x[2 * i] = cos(a);
        x[2 * i + 1] = sin(a);
    }
    st = egi_play(&spec, x, clock.t, clock.n, &how, pool, err);
done:
    eg_free(x);
    return st;
}
