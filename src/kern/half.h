/* Matrices in 16 bits times one vector in float32: what a token reads of
 * weights that lose nothing so. The bits of the result are those of gemv and
 * gemv_t of the widened matrix (engram/kern.h). */
#ifndef EGI_KERN_HALF_H
#define EGI_KERN_HALF_H

#include "base/array.h"
#include "engram/status.h"

/* The upper half of a float32; IEEE binary16. Entries are finite. */
typedef enum egi_half_form {
    EGI_WHOLE,
    EGI_BFLOAT16,
    EGI_FLOAT16
} egi_half_form;

typedef struct egi_half {
    /* y[n] = sum_i x[i] A[i,:], A [m, n] with row stride lda */
    void (*gemv)(float *y, const float *x, const uint16_t *a,
                 egi_half_form form, eg_index lda, eg_index m, eg_index n);
    /* y[m] = A x */
    void (*gemv_t)(float *y, const uint16_t *a, egi_half_form form,
                   eg_index lda, const float *x, eg_index m, eg_index n);
} egi_half;

/* The set of that name, as eg_kern_pick. */
const egi_half *egi_half_pick(const char *name);

/* The number that h stands for. */
static inline float egi_half_wide(uint16_t h, egi_half_form form)
{
    return egi_half_value(h, form == EGI_BFLOAT16 ? EG_BF16 : EG_F16);
}

#endif
