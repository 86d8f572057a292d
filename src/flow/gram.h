/* All inner products <x_i,x_j> once, a tile at a time, in O(1) memory. */
#ifndef EG_FLOW_GRAM_H
#define EG_FLOW_GRAM_H

#include "engram/status.h"

enum { EGI_GRAM_TILE = 64 };

typedef struct egi_gram_tile {
    eg_index i0, j0;
    int rows, columns;
    /* Row by row: in columns [from(r), columns) lie the pairs wanted. */
    double g[EGI_GRAM_TILE][EGI_GRAM_TILE];
    bool diagonal; /* i0 == j0: pairs i < j are columns r + 1 and on */
} egi_gram_tile;

/* Column of the first pair i < j of row r. */
static inline int egi_tile_from(const egi_gram_tile *t, int r)
{
    return t->diagonal ? r + 1 : 0;
}

/* Calls see for tiles that hold every pair i < j of x [n, d] once, in a fixed
 * order, j0 >= i0. Tiles on the diagonal hold i >= j too. */
void egi_gram_tiles(const double *x, eg_index n, eg_index d,
                    void (*see)(void *ctx, egi_gram_tile *tile), void *ctx);

/* A sum that loses nothing to its length (Neumaier). */
typedef struct egi_sum {
    double total, rest;
} egi_sum;
void egi_sum_add(egi_sum *s, double v);
static inline double egi_sum_value(const egi_sum *s)
{
    return s->total + s->rest;
}

#endif
