/* The statement energy_associative: errors of a linear associative memory on
 * frequent and rare items, and how they fall with its width. */
#include <math.h>
#include <string.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "engram/mem.h"
#include "memory/dense.h"

#define EG_FIELDS_OWNER eg_theory_energy_associative
EG_FIELDS_TABLE(egi_energy_associative_fields,
                EG_THEORY_ENERGY_ASSOCIATIVE_FIELDS)

enum { POWER, TOP, ALL };
enum { RANDOM, CIRCLE };
static const char *const names[] = {"error", NULL};

/* n unit vectors of d entries */
static void units(double *x, eg_index n, eg_index d, eg_rng *rng)
{
    for (eg_index i = 0; i < n; i++) egi_fill_unit(x + i * d, d, rng);
}

/* Outputs on a circle, inputs copied on the one that they belong to. */
static void on_circle(double *e, double *u, eg_index N, eg_index M, eg_index d)
{
    for (eg_index y = 0; y < M; y++) {
        u[y * d] = cos(2 * M_PI * (double)y / (double)M);
        u[y * d + 1] = sin(2 * M_PI * (double)y / (double)M);
    }
    for (eg_index x = 0; x < N; x++)
        memcpy(e + x * d, u + x % M * d, (size_t)d * sizeof *e);
}

/* With what strength item x, from 0, is written. */
static double strength(const eg_theory_energy_associative *o, eg_index x,
                       eg_index d)
{
    double top = (double)d / (2 * log((double)d));

    switch (o->storage) {
    case POWER:
        return pow((double)(x + 1), -o->alpha * o->rho);
    case TOP:
        return (double)x < top ? 1 : 0;
    default:
        return 1;
    }
}

static eg_status one_draw(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    const eg_theory_energy_associative *o = ctx;
    eg_index d = (eg_index)at, N = (eg_index)o->items, M = (eg_index)o->outputs;
    double *block =
        eg_calloc((size_t)(N * d + 2 * M * d + M * M + M), sizeof *block);
    double *next = block, *e, *u, *c, *uu, *score, mass = 0, wrong = 0;

    if (!block)
        return EG_FAIL(err, EG_ENOMEM, "energy_associative at d = %td", d);
    e = egi_take(&next, N * d);
    u = egi_take(&next, M * d);
    c = egi_take(&next, M * d); /* what is written for each output */
    uu = egi_take(&next, M * M);
    score = egi_take(&next, M);
    if (o->embeddings == CIRCLE) {
        on_circle(e, u, N, M, d);
    } else {
        units(e, N, d, rng);
        units(u, M, d, rng);
    }
    for (eg_index x = 0; x < N; x++)
        egi_axpy(c + x % M * d, strength(o, x, d), e + x * d, d);
    egi_mul_nt(uu, u, u, M, M, d);
    for (eg_index x = 0; x < N; x++) {
        double p = pow((double)(x + 1), -o->alpha), best = -HUGE_VAL;
        eg_index said = 0;

        for (eg_index y = 0; y < M; y++)
            score[y] = egi_dot(c + y * d, e + x * d, d);
        for (eg_index y = 0; y < M; y++) {
            double s = egi_dot(uu + y * M, score, M);

            if (s <= best) continue;
            best = s;
            said = y;
        }
        mass += p;
        if (said != x % M) wrong += p;
    }
    value[0] = wrong / mass;
    eg_free(block);
    return EG_OK;
}

/* Hands numbers on, and keeps the errors. */
typedef struct tap {
    const eg_theory_out *out;
    double d[EG_STRS_MAX], error[EG_STRS_MAX];
    int n;
} tap;

static void keep(void *ctx, int64_t step, const char *name, double value)
{
    tap *t = ctx;

    t->out->emit(t->out->ctx, step, name, value);
    if (strcmp(name, "error") != 0 || t->n == EG_STRS_MAX) return;
    t->d[t->n] = (double)step;
    t->error[t->n++] = value;
}

static bool ask(void *ctx, double done)
{
    return egi_progress(((const tap *)ctx)->out, done);
}

static bool recall(void *ctx, int64_t step, const char *name, double *value)
{
    const eg_theory_out *out = ((const tap *)ctx)->out;

    return out->recall && out->recall(out->ctx, step, name, value);
}

/* Slopes of log error over log d, and over log(d / log d). */
static eg_status slopes(const tap *t, const eg_theory_energy_associative *o,
                        eg_err *err)
{
    double over[EG_STRS_MAX];
    eg_power_fit fit;
    eg_status st = EG_OK;

    if (t->n < 2) return EG_OK;
    for (int i = 0; i < t->n; i++)
        if (!(t->error[i] > 0)) return EG_OK; /* no logarithm */
    for (int i = 0; i < t->n; i++) over[i] = t->d[i] / log(t->d[i]);
    EG_TRY(eg_power_fit_pairs(&fit, t->d, t->error, t->n, .95, err));
    t->out->emit(t->out->ctx, 0, "slope", fit.slope);
    EG_TRY(eg_power_fit_pairs(&fit, over, t->error, t->n, .95, err));
    t->out->emit(t->out->ctx, 0, "slope_log", fit.slope);
    t->out->emit(t->out->ctx, 0, "theory",
                 -(o->alpha - 1) / (2 * o->alpha * o->rho));
done:
    return st;
}

eg_status egi_theory_energy_associative(const void *options, uint64_t seed,
                                        eg_pool *pool, const eg_theory_out *out,
                                        eg_err *err)
{
    const eg_theory_energy_associative *o = options;
    tap t = {.out = out};
    eg_theory_out through = {keep, ask, &t, recall};
    int64_t dims[EG_STRS_MAX];
    egi_sweep s = {.at = dims,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = one_draw,
                   .ctx = o};
    eg_status st;

    EG_TRY(egi_list_ints(dims, &s.n, &o->dims, 2, 65536, "dims", err));
    if (o->embeddings == CIRCLE && o->outputs < 3)
        return EG_FAIL(err, EG_EINVAL,
                       "outputs: expected three at least on a circle");
    EG_TRY(egi_sweep_run(&s, seed, pool, &through, err));
    EG_TRY(slopes(&t, o, err));
done:
    return st;
}
