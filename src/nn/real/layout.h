/* Cutting one block into arrays: run once without a base to measure, once with
 * it to place. */
#ifndef EG_NN_LAYOUT_H
#define EG_NN_LAYOUT_H

#include "nn/real/real.h"

typedef struct layout {
    char *base; /* NULL: measuring */
    size_t used;
} layout;

static inline void *lay_bytes(layout *l, size_t bytes)
{
    void *p = l->base ? l->base + l->used : NULL;
    l->used += (bytes + EG_ALIGN - 1) / EG_ALIGN * EG_ALIGN;
    return p;
}

static inline real *lay_real(layout *l, eg_index n)
{
    return (real *)lay_bytes(l, (size_t)n * sizeof(real));
}

static inline int32_t *lay_int(layout *l, eg_index n)
{
    return (int32_t *)lay_bytes(l, (size_t)n * sizeof(int32_t));
}

#endif
