/* The table of theory checks, and what they share. */
#include "energy/checks.h"

#include "base/sweep.h"

const eg_theory eg_energy_theories[] = {
    EGI_ENERGY_LIST(EGI_THEORY_ROW){NULL, NULL, NULL, NULL, 0, NULL}};

eg_status egi_list_vectors(double out[EG_STRS_MAX], eg_index *rows,
                           const eg_strs *list, eg_index dim, const char *name,
                           eg_err *err)
{
    int n = 0;
    eg_status st = egi_list_reals(out, &n, list, -1e6, 1e6, name, err);

    if (st != EG_OK) return st;
    if (n % dim != 0)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: expected vectors of %td entries, as dim says, "
                       "found %d numbers",
                       name, dim, n);
    *rows = n / dim;
    return EG_OK;
}
