/* A matrix times a row: read as it lies, once, columns shared by threads. */
#ifndef EG_NN_ROW_PRODUCT_H
#define EG_NN_ROW_PRODUCT_H

#include "nn/weights16.h"
#include "nn/real/real.h"

/* y = x W, W [k, n], or turned [n, k]. */
typedef struct N(row_product) {
    const kern *K;
    const egi_half *half; /* NULL: W is read as it is */
    eg_pool *pool;
    const real *x, *w;
    const egi_weights16 *narrow; /* W in 16 bits, or EGI_WHOLE */
    real *y;
    eg_index ld, k, n;
    bool turned;
} N(row_product);

void N(row_multiply)(const N(row_product) * j);

/* What of a matrix can be had in 16 bits; doubles cannot. */
eg_status N(row_weights16)(egi_weights16 *out, const real *w, eg_index ld,
                           eg_index rows, eg_index cols, eg_err *err);

#endif
