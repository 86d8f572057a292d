/* Walker's alias method (1977; tables after Vose 1991): one 32-bit word, one
 * table look-up and one comparison a draw, whatever the number of outcomes.
 *
 * The word splits into a cell (high part of word * n) and a fraction (low
 * part), so an outcome's probability is met to within n * 2^-31 in total
 * variation: 3e-8 for 65 outcomes. */
#ifndef EGI_TASK_ALIAS_H
#define EGI_TASK_ALIAS_H

#include "engram/rng.h"

typedef struct egi_alias_cell {
    uint32_t keep; /* fractions below this give self, the others other */
    uint16_t self, other;
} egi_alias_cell;

/* Fills cell[n] for n outcomes with these weights, n >= 1, all positive, n
 * times their sum below 2^62.
 * outcome NULL: the outcomes are 0..n-1. work [2 * n] is scratch. */
void egi_alias_fill(egi_alias_cell *cell, const int32_t *outcome,
                    const int64_t *weight, int n, int64_t *work);

static inline int egi_alias_draw(const egi_alias_cell *cell, uint32_t n,
                                 eg_rng *rng)
{
    uint64_t w = (uint64_t)eg_rng_u32(rng) * n;
    const egi_alias_cell *c = cell + (w >> 32);

    return (uint32_t)w < c->keep ? c->self : c->other;
}

#endif
