/* Which way sums over tokens are formed: the one place where fast sums are
 * plugged in. */
#ifndef EG_FLOW_CHOOSE_H
#define EG_FLOW_CHOOSE_H

#include "flow/system.h"

/* Sets f->fast and f->why. An option that cannot be met is an error. */
eg_status egi_choose(eg_flow *f, eg_err *err);
void egi_fast_free(struct egi_fast *fast);
/* sum_j A_ij x_j of the tokens in f->u, [n, d]; one head, V = Id. */
void egi_fast_means(eg_flow *f, double *mean);

#endif
