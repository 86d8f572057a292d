/* The statement energy_bounds: how much room lemmas 1 to 4 and propositions 1
 * to 3 leave on random patterns. */
#include <math.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "engram/mem.h"
#include "memory/dense.h"

#define EG_FIELDS_OWNER eg_theory_energy_bounds
EG_FIELDS_TABLE(egi_energy_bounds_fields, EG_THEORY_ENERGY_BOUNDS_FIELDS)

enum {
    LEMMA1,
    LEMMA2_LOW,
    LEMMA2,
    LEMMA3,
    LEMMA4,
    PROP1,
    PROP2,
    PROP2_SIDED,
    PROP3,
    PRINTED,
    PROPS,
    N_ROOMS,
    PRINTED_WRONG = N_ROOMS,
    PROP3_WRONG,
    EVEN,
    OFF,
    N_VALUES
};
static const char *const names[N_VALUES + 1] = {
    "lemma1",      "lemma2_low", "lemma2", "lemma3",
    "lemma4",      "prop1",      "prop2",  "prop2_sided",
    "prop3",       "printed",    "props",  "printed_wrong",
    "prop3_wrong", "even",       "off",    NULL};

#define ROUNDING 1e-9 /* room below minus this is a failure */

typedef struct room {
    const eg_theory_energy_bounds *o;
    eg_index d;
    double *y, *z, *t, *p;      /* [d] each */
    double *pattern, *x;        /* [d, dims], [dims] */
    double spread[EG_STRS_MAX]; /* s */
    int n_spreads;
    double value[N_ROOMS], off;
} room;

static double lse(const room *r, const double *y)
{
    return egi_softmax(r->p, y, r->d) * (1 + r->o->impostor);
}

static void lemmas(room *r, double sd, eg_rng *rng)
{
    double *v = r->value, t = eg_rng_uniform(rng), n = log((double)r->d);
    double top, low, far = 0, here, there, minus;

    egi_fill_normal(r->y, r->d, sd, rng);
    egi_fill_normal(r->z, r->d, sd, rng);
    top = r->y[egi_argmax(r->y, r->d)];
    here = lse(r, r->y);
    there = lse(r, r->z);
    for (eg_index i = 0; i < r->d; i++) {
        r->t[i] = t * r->y[i] + (1 - t) * r->z[i];
        far = egi_most(far, fabs(r->y[i] - r->z[i]));
    }
    v[LEMMA1] = t * here + (1 - t) * there - lse(r, r->t);
    v[LEMMA2_LOW] = here - top;
    v[LEMMA2] = egi_least(here - top, top + n - here);
    v[LEMMA4] = far - fabs(here - there);
    for (eg_index i = 0; i < r->d; i++) r->t[i] = -r->y[i];
    low = -r->t[egi_argmax(r->t, r->d)];
    minus = -lse(r, r->t);
    v[LEMMA3] = egi_least(minus - low + n, low - minus);
}

static eg_status energies(room *r, double sd, eg_rng *rng, eg_err *err)
{
    eg_index n = 1 + (eg_index)eg_rng_below(rng, (uint32_t)r->o->dims);
    double *v = r->value, g, E, M, least = HUGE_VAL, D, log_d, side;
    eg_energy e;
    eg_status st;

    egi_fill_normal(r->pattern, r->d * n, sd, rng);
    egi_fill_normal(r->x, n, 2 * sd, rng);
    for (eg_index i = 1; i < r->d && r->o->equal; i++) {
        double by = egi_norm(r->pattern, n) / egi_norm(r->pattern + i * n, n);

        for (eg_index j = 0; j < n; j++) r->pattern[i * n + j] *= by;
    }
    EG_TRY(
        eg_energy_init(&e, EG_ENERGY_NEAREST, r->pattern, r->d, n, 1, 0, err));
    g = eg_energy_at(&e, r->x, r->p);
    e.kind = EG_ENERGY_DISTANCE;
    E = eg_energy_at(&e, r->x, r->p) * (1 + r->o->impostor);
    e.kind = EG_ENERGY_MCHN;
    e.beta = 2;
    M = eg_energy_at(&e, r->x, r->p);
    for (eg_index i = 0; i < r->d; i++)
        least = egi_least(least,
                          egi_dot(r->pattern + i * n, r->pattern + i * n, n));
    D = e.xi2 - least;
    log_d = log((double)r->d);
    side = 2 * M - log_d - E;
    r->off = fabs(side);
    v[PROP1] = egi_least(E - g + log_d, g - E);
    v[PROP2] = D - fabs(side);
    v[PROP2_SIDED] = egi_least(side, D - side);
    v[PROP3] = egi_least(g - 2 * M + D + log_d, 2 * M - g);
    v[PROPS] = egi_least(v[PROP1], egi_least(v[PROP2_SIDED], v[PROP3]));
    v[PRINTED] = egi_least(g - 2 * M + D, D + log_d - g + 2 * M);
done:
    return st;
}

static eg_status one_case(room *r, double *value, eg_rng *rng, eg_err *err)
{
    double sd = r->spread[eg_rng_below(rng, (uint32_t)r->n_spreads)];
    eg_status st;

    lemmas(r, sd, rng);
    st = energies(r, sd, rng, err);
    if (st != EG_OK) return st;
    for (int k = 0; k < N_ROOMS; k++)
        value[k] = egi_least(value[k], r->value[k]);
    if (r->value[PRINTED] < -ROUNDING) value[PRINTED_WRONG] += 1;
    if (r->value[PROP3] < -ROUNDING) value[PROP3_WRONG] += 1;
    value[OFF] = egi_most(value[OFF], r->off);
    for (eg_index i = 0; i < r->d; i++) r->t[i] = r->y[0];
    value[EVEN] =
        egi_most(value[EVEN], fabs(lse(r, r->t) - r->y[0] - log((double)r->d)));
    return EG_OK;
}

static eg_status one_draw(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    const eg_theory_energy_bounds *o = ctx;
    eg_index d = (eg_index)at, dims = (eg_index)o->dims;
    double *block = eg_calloc((size_t)(4 * d + d * dims + dims), sizeof *block);
    double *next = block;
    room r = {.o = o, .d = d};
    eg_status st = egi_list_reals(r.spread, &r.n_spreads, &o->spreads, 1e-9,
                                  1e3, "spreads", err);

    if (st == EG_OK && !block)
        st = EG_FAIL(err, EG_ENOMEM, "energy_bounds at d = %td", d);
    if (st != EG_OK) goto done;
    r.y = egi_take(&next, d);
    r.z = egi_take(&next, d);
    r.t = egi_take(&next, d);
    r.p = egi_take(&next, d);
    r.pattern = egi_take(&next, d * dims);
    r.x = egi_take(&next, dims);
    for (int k = 0; k < N_ROOMS; k++) value[k] = HUGE_VAL;
    for (int k = N_ROOMS; k < N_VALUES; k++) value[k] = 0;
    for (int64_t c = 0; c < o->cases; c++)
        EG_TRY(one_case(&r, value, rng, err));
    value[PRINTED_WRONG] /= (double)o->cases;
    value[PROP3_WRONG] /= (double)o->cases;
done:
    eg_free(block);
    return st;
}

eg_status egi_theory_energy_bounds(const void *options, uint64_t seed,
                                   eg_pool *pool, const eg_theory_out *out,
                                   eg_err *err)
{
    const eg_theory_energy_bounds *o = options;
    int64_t patterns[EG_STRS_MAX];
    egi_sweep s = {
        .at = patterns, .draws = 1, .names = names, .draw = one_draw, .ctx = o};
    eg_status st =
        egi_list_ints(patterns, &s.n, &o->patterns, 1, 100000, "patterns", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}
