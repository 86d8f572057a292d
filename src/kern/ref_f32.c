/* The float32 reference set, and that of precision bfloat16. */
typedef float real;
#include "kern/ref_impl.h"
#include "kern/ref_bf16.h"

const eg_kern_f32 egi_kern_ref_f32 = REF_TABLE("ref", ref);
const eg_kern_f32 egi_kern_ref_bf16 = REF_TABLE("ref-bf16", bf16);

static void half_gemv(float *y, const float *x, const uint16_t *a,
                      egi_half_form form, eg_index lda, eg_index m, eg_index n)
{
    for (eg_index j = 0; j < n; j++) {
        double sum = 0;

        for (eg_index i = 0; i < m; i++)
            sum += (double)x[i] * (double)egi_half_wide(a[i * lda + j], form);
        y[j] = (float)sum;
    }
}

static void half_gemv_t(float *y, const uint16_t *a, egi_half_form form,
                        eg_index lda, const float *x, eg_index m, eg_index n)
{
    for (eg_index i = 0; i < m; i++) {
        double sum = 0;

        for (eg_index j = 0; j < n; j++)
            sum += (double)egi_half_wide(a[i * lda + j], form) * (double)x[j];
        y[i] = (float)sum;
    }
}

const egi_half egi_half_ref = {.gemv = half_gemv, .gemv_t = half_gemv_t};
