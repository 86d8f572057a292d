/* The statement energy_floor: h(Z) = log Z + 1/Z, the loss of proposition 4,
 * and the Z > 1 that a loss stands for. */
#include <math.h>

#include "base/sweep.h"
#include "energy/checks.h"

#define EG_FIELDS_OWNER eg_theory_energy_floor
EG_FIELDS_TABLE(egi_energy_floor_fields, EG_THEORY_ENERGY_FLOOR_FIELDS)

eg_status egi_theory_energy_floor(const void *options, uint64_t seed,
                                  eg_pool *pool, const eg_theory_out *out,
                                  eg_err *err)
{
    const eg_theory_energy_floor *o = options;
    double z[EG_STRS_MAX], loss[EG_STRS_MAX];
    int n_z = 0, n_losses = 0;
    eg_status st;

    (void)seed;
    (void)pool;
    EG_TRY(egi_list_reals(z, &n_z, &o->partition, 1e-3, 1e9, "partition", err));
    EG_TRY(egi_list_reals(loss, &n_losses, &o->losses, 1, 700, "losses", err));
    if (!egi_progress(out, 0)) return EG_OK;
    for (int i = 0; i < n_z; i++)
        out->emit(out->ctx, llround(1000 * z[i]), "h",
                  eg_loss_of_log_z(log(z[i])));
    for (int i = 0; i < n_losses; i++)
        out->emit(out->ctx, llround(1000 * loss[i]), "z",
                  exp(eg_log_z_of_loss(loss[i])));
done:
    return st;
}
