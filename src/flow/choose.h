/* Which way sums over tokens are formed: the one place where the fast sums of
 * sums.h are plugged in. */
#ifndef EG_FLOW_CHOOSE_H
#define EG_FLOW_CHOOSE_H

#include "flow/system.h"

/* Sets f->sums where they serve, and f->why. An option that cannot be met is
 * an error. */
eg_status egi_choose(eg_flow *f, eg_err *err);
/* The factor of the sums F_i of egi_sums_eval in the mean sum_j A_ij x_j. */
double egi_sums_factor(const eg_flow *f, eg_index i);

#endif
