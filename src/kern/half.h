/* Matrices in 16 bits times one vector in float32: what a token reads of
 * weights that lose nothing so. The bits of the result are those of gemv and
 * gemv_t of the widened matrix (engram/kern.h). */
#ifndef EGI_KERN_HALF_H
#define EGI_KERN_HALF_H

#include <string.h>

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

/* The number that h stands for. A binary16 below 2^-14 has the exponent of
 * 2^-14 without the leading 1. */
static inline float egi_half_wide(uint16_t h, egi_half_form form)
{
    uint32_t u = (uint32_t)h << 16;
    float x;

    if (form == EGI_FLOAT16) {
        bool small = (h & 0x7c00) == 0;

        u = ((h & 0x7fffu) << 13) + ((small ? 113u : 112u) << 23);
        memcpy(&x, &u, sizeof x);
        if (small) x -= 0x1p-14f;
        memcpy(&u, &x, sizeof u);
        u |= (h & 0x8000u) << 16;
    }
    memcpy(&x, &u, sizeof x);
    return x;
}

#endif
