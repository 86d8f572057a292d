/* The statement energy_unseen: what a memory of infinite width still gets wrong
 * after T samples, the items that it has not seen. */
#include <math.h>

#include "base/sweep.h"
#include "energy/checks.h"

#define EG_FIELDS_OWNER eg_theory_energy_unseen
EG_FIELDS_TABLE(egi_energy_unseen_fields, EG_THEORY_ENERGY_UNSEEN_FIELDS)

/* sum p (1 - p)^T, p = x^-alpha / sum */
static double unseen(const eg_theory_energy_unseen *o, double T)
{
    double mass = 0, sum = 0;

    for (int64_t x = o->items; x >= 1; x--) mass += pow((double)x, -o->alpha);
    for (int64_t x = o->items; x >= 1; x--) {
        double p = pow((double)x, -o->alpha) / mass;

        sum += p * exp(T * log1p(-p));
    }
    return sum;
}

eg_status egi_theory_energy_unseen(const void *options, uint64_t seed,
                                   eg_pool *pool, const eg_theory_out *out,
                                   eg_err *err)
{
    const eg_theory_energy_unseen *o = options;
    int64_t at[EG_STRS_MAX];
    double T[EG_STRS_MAX], error[EG_STRS_MAX];
    int n = 0;
    eg_power_fit fit;
    eg_status st;

    (void)seed;
    (void)pool;
    EG_TRY(egi_list_ints(at, &n, &o->samples, 1, INT64_C(1) << 50, "samples",
                         err));
    for (int i = 0; i < n; i++) {
        if (!egi_progress(out, (double)i / n)) return EG_OK;
        T[i] = (double)at[i];
        error[i] = unseen(o, T[i]);
        out->emit(out->ctx, at[i], "error", error[i]);
    }
    if (n < 2) goto done;
    EG_TRY(eg_power_fit_pairs(&fit, T, error, n, .95, err));
    out->emit(out->ctx, 0, "slope", fit.slope);
    out->emit(out->ctx, 0, "theory", -1 + 1 / o->alpha);
done:
    return st;
}
