/* Tokens in an order in which neighbours are near each other. */
#ifndef EG_FLOW_NEARBY_H
#define EG_FLOW_NEARBY_H

#include "engram/status.h"

typedef struct egi_place {
    float key;
    int32_t token;
} egi_place;

/* Puts 0 .. n-1 into p[].token such that every run of `block` tokens from a
 * multiple of it is near each other: cut in two, again and again, across the
 * coordinate of x [n, d] that spreads most. Depends on x only; any x will do.
 * O(n log(n / block)). */
void egi_nearby(egi_place *p, const double *x, eg_index n, eg_index d,
                eg_index block);

#endif
