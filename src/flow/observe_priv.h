/* What the files of the observables share. */
#ifndef EG_FLOW_OBSERVE_PRIV_H
#define EG_FLOW_OBSERVE_PRIV_H

#include "engram/flow.h"

/* As eg_flow_pair_stats for d = 2 and 2 <= n < 2^31, in O(n log n + n bins);
 * pairs on the edge of a bin, or at delta, fall to either side by rounding.
 * False, with nothing done, for NaN and when out of memory. */
bool egi_circle_pairs(eg_flow_pairs *out, const double *x, eg_index n,
                      double delta, int64_t *counts, eg_index bins);

#endif
