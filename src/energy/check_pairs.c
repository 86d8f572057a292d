/* The statement energy_pairs: how many pairs a d x d matrix of outer products
 * holds, with few outputs and with one for each pair. */
#include <math.h>
#include <string.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "engram/mem.h"
#include "memory/dense.h"

#define EG_FIELDS_OWNER eg_theory_energy_pairs
EG_FIELDS_TABLE(egi_energy_pairs_fields, EG_THEORY_ENERGY_PAIRS_FIELDS)

enum { ASKED = 100 }; /* items asked */

/* The share of ASKED of N items that W recalls. NaN: no memory. */
static double right(const eg_theory_energy_pairs *o, eg_index d, eg_index N,
                    eg_rng *rng)
{
    eg_index M = o->outputs > 0 ? (eg_index)o->outputs : N;
    eg_index asked = N < ASKED ? N : ASKED;
    double sd = 1 / sqrt((double)d), share = 0;
    double *block =
        eg_calloc((size_t)(N * d + M * d + d * d + asked * d), sizeof *block);
    double *next = block, *e, *u, *w, *read;

    if (!block) return (double)NAN;
    e = egi_take(&next, N * d);
    u = egi_take(&next, M * d);
    w = egi_take(&next, d * d);
    read = egi_take(&next, asked * d);
    egi_fill_normal(e, N * d, sd, rng);
    egi_fill_normal(u, M * d, sd, rng);
    for (eg_index x = 0; x < N; x++) /* W += u e^T */
        for (eg_index i = 0; i < d; i++)
            egi_axpy(w + i * d, u[x % M * d + i], e + x * d, d);
    egi_mul_nt(read, e, w, asked, d, d);
    for (eg_index x = 0; x < asked; x++) {
        double own = egi_dot(u + x % M * d, read + x * d, d);
        bool best = true;

        for (eg_index y = 0; y < M && best; y++)
            best = y == x % M || egi_dot(u + y * d, read + x * d, d) < own;
        share += best / (double)asked;
    }
    eg_free(block);
    return share;
}

/* The largest N at which o->share of items are recalled, within 2 %. */
static eg_status one_draw(const void *ctx, int64_t at, eg_rng *rng,
                          double *value, eg_err *err)
{
    const eg_theory_energy_pairs *o = ctx;
    eg_index d = (eg_index)at;
    double low = 2, high = 4, got;

    while ((got = right(o, d, (eg_index)high, rng)) >= o->share && high < 4e6) {
        low = high;
        high *= 2;
    }
    while (high - low > .02 * low && high - low > 1 && !isnan(got)) {
        double mid = (low + high) / 2;

        got = right(o, d, (eg_index)mid, rng);
        if (got >= o->share)
            low = mid;
        else
            high = mid;
    }
    if (isnan(got))
        return EG_FAIL(err, EG_ENOMEM, "energy_pairs at d = %td", d);
    value[0] = low;
    value[1] = low / (double)(d * d);
    value[2] = low / (double)d;
    value[3] = log(low);
    return EG_OK;
}

eg_status egi_theory_energy_pairs(const void *options, uint64_t seed,
                                  eg_pool *pool, const eg_theory_out *out,
                                  eg_err *err)
{
    static const char *const names[] = {"pairs", "per_parameter", "per_width",
                                        "log_pairs", NULL};
    const eg_theory_energy_pairs *o = options;
    int64_t dims[EG_STRS_MAX];
    egi_sweep s = {.at = dims,
                   .draws = (int)o->draws,
                   .names = names,
                   .draw = one_draw,
                   .ctx = o};
    eg_status st = egi_list_ints(dims, &s.n, &o->dims, 4, 4096, "dims", err);

    return st == EG_OK ? egi_sweep_run(&s, seed, pool, out, err) : st;
}
