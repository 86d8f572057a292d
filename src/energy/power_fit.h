/* The line of a power law without the interval of its slope, for whoever fits
 * many: Student's quantile costs more than all the rest. */
#ifndef EG_ENERGY_POWER_FIT_H
#define EG_ENERGY_POWER_FIT_H

#include "engram/energy.h"

/* As eg_power_fit_pairs, but for low and high, which are infinite. */
eg_status egi_power_line(eg_power_fit *out, const double *x, const double *y,
                         int n, eg_err *err);

#endif
