/* The statement energy_capacity: how many random patterns of signs are fixed
 * points, and how well those that are not are recalled. */
#include <math.h>
#include <string.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "engram/mem.h"
#include "memory/dense.h"

#define EG_FIELDS_OWNER eg_theory_energy_capacity
EG_FIELDS_TABLE(egi_energy_capacity_fields, EG_THEORY_ENERGY_CAPACITY_FIELDS)

enum { TIMES_N, FORMULA };
enum { PATTERNS, FIXED, OVERLAP, PREDICTED };
/* PREDICTED is of hopfield and polynomial only. */
static const char *const names[] = {"patterns", "fixed", "overlap", "predicted",
                                    NULL};
static const char *const names_exponential[] = {"patterns", "fixed", "overlap",
                                                NULL};

/* (2 r - 3)!! */
static double odd_product(int r)
{
    double product = 1;

    for (int k = 2 * r - 3; k > 1; k -= 2) product *= k;
    return product;
}

/* The square of signal over noise of an entry times the number of patterns:
 * n^(r - 1) / (2 r - 3)!!, r = 2 for the classical network. */
static double room(const eg_theory_energy_capacity *o, double n)
{
    int r = o->kind == 1 ? (int)o->power : 2;

    return pow(n, r - 1) / odd_product(r);
}

/* How many patterns a load stands for. */
static double patterns(const eg_theory_energy_capacity *o, double n)
{
    double d = o->load;

    if (o->unit == TIMES_N)
        d *= n;
    else if (o->kind == 2)
        d *= exp2(n / 2);
    else
        d *= room(o, n) / (2 * log(n));
    return floor(d < 1 ? 1 : d);
}

static eg_status one_draw(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    static const eg_energy_kind kinds[] = {
        EG_ENERGY_HOPFIELD, EG_ENERGY_POLYNOMIAL, EG_ENERGY_EXPONENTIAL};
    const eg_theory_energy_capacity *o = ctx;
    eg_index n = (eg_index)at, d;
    double load = patterns(o, (double)n), fixed = 0, overlap = 0;
    int64_t tests;
    double *pattern = NULL, *x = NULL, *work;
    eg_energy e;
    eg_status st = EG_OK;

    if (load * (double)n > (double)((eg_index)1 << 27))
        return EG_FAIL(err, EG_EINVAL,
                       "load: %g patterns of %td entries: expected 2^27 "
                       "entries at most",
                       load, n);
    d = (eg_index)load;
    tests = o->tests < d ? o->tests : d;
    pattern = eg_calloc((size_t)(d * n), sizeof *pattern);
    x = eg_calloc((size_t)(2 * n + d), sizeof *x);
    if (!pattern || !x) {
        st = EG_FAIL(err, EG_ENOMEM, "energy_capacity at n = %td", n);
        goto done;
    }
    work = x + n;
    for (eg_index i = 0; i < d * n; i++)
        pattern[i] = eg_rng_u32(rng) & 1 ? 1 : -1;
    EG_TRY(eg_energy_init(&e, kinds[o->kind], pattern, d, n, 1, (int)o->power,
                          err));
    for (int64_t k = 0; k < tests; k++) {
        double change;

        memcpy(x, pattern + k * n, (size_t)n * sizeof *x);
        change = eg_energy_step(&e, x, NULL, work);
        fixed += (change == 0) / (double)tests;
        for (int64_t s = 1; s < o->sweeps && change > 0; s++)
            change = eg_energy_step(&e, x, NULL, work);
        overlap += egi_dot(x, pattern + k * n, n) / (double)(n * tests);
    }
    value[PATTERNS] = load;
    value[FIXED] = fixed;
    value[OVERLAP] = overlap;
    /* an entry turns with the chance that a normal number is above sqrt(room /
     * d); a pattern holds while none does */
    value[PREDICTED] =
        exp((double)n * log1p(-erfc(sqrt(room(o, (double)n) / load / 2)) / 2));
done:
    eg_free(pattern);
    eg_free(x);
    return st;
}

eg_status egi_theory_energy_capacity(const void *options, uint64_t seed,
                                     eg_pool *pool, const eg_theory_out *out,
                                     eg_err *err)
{
    const eg_theory_energy_capacity *o = options;
    int64_t units[EG_STRS_MAX];
    egi_sweep s = {.at = units,
                   .draws = (int)o->draws,
                   .names = o->kind == 2 ? names_exponential : names,
                   .draw = one_draw,
                   .ctx = o};
    eg_status st =
        egi_list_ints(units, &s.n, &o->units, 2, 1000000, "units", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}
