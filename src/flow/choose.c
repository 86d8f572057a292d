/* The way sums over tokens are formed. */
#include "flow/choose.h"

#include <stdio.h>

eg_status egi_choose(eg_flow *f, eg_err *err)
{
    if (f->spec.sum == EG_FLOW_SUM_FOURIER ||
        f->spec.sum == EG_FLOW_SUM_HARMONICS)
        return EG_FAIL(err, EG_EUNSUPPORTED, "sum: expected auto or direct");
    (void)snprintf(f->why, sizeof f->why,
                   "direct sums in float64 over all pairs: exact to rounding");
    return EG_OK;
}

void egi_fast_free(struct egi_fast *fast)
{
    EG_ASSERT(!fast);
}

void egi_fast_means(eg_flow *f, double *mean)
{
    EG_ASSERT(f->fast && mean);
}
