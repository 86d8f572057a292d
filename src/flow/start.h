/* Tokens at the start. */
#ifndef EG_FLOW_START_H
#define EG_FLOW_START_H

#include "engram/flow.h"

/* x [n, d] of a word of option x0, size being x0_size. Token i of a random
 * start depends on (seed, i) only. */
eg_status egi_start_draw(double *x, const char *word, double size, eg_index n,
                         eg_index d, uint64_t seed, eg_err *err);

#endif
