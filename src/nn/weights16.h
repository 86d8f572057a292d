/* Weights in 16 bits while a model generates, where that loses nothing. */
#ifndef EG_NN_WEIGHTS16_H
#define EG_NN_WEIGHTS16_H

#include "kern/half.h"

typedef struct egi_weights16 {
    uint16_t *a;        /* [rows, cols], as it lies */
    egi_half_form form; /* EGI_WHOLE: it needs all its bits, and a is NULL */
    eg_index rows, cols;
} egi_weights16;

/* Every entry of the matrix w [rows, cols], row stride ld, is one of bfloat16,
 * or every one of float16: then a copy in that, else none. EG_ENOMEM. */
eg_status egi_weights16_init(egi_weights16 *n, const float *w, eg_index ld,
                             eg_index rows, eg_index cols, eg_err *err);
void egi_weights16_release(egi_weights16 *n);

#endif
