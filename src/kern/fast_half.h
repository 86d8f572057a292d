/* Matrices in 16 bits for the fast sets of float32: the loops of fast_gemv.h.
 */

static void half_gemv(float *y, const float *x, const uint16_t *a,
                      egi_half_form form, eg_index lda, eg_index m, eg_index n)
{
    if (form == EGI_BFLOAT16)
        gemv_of(y, x, a, lda, m, n, EGI_BFLOAT16);
    else
        gemv_of(y, x, a, lda, m, n, EGI_FLOAT16);
}

static void half_gemv_t(float *y, const uint16_t *a, egi_half_form form,
                        eg_index lda, const float *x, eg_index m, eg_index n)
{
    if (form == EGI_BFLOAT16)
        gemv_t_of(y, a, lda, x, m, n, EGI_BFLOAT16);
    else
        gemv_t_of(y, a, lda, x, m, n, EGI_FLOAT16);
}

#define HALF_TABLE                               \
    {                                            \
        .gemv = half_gemv, .gemv_t = half_gemv_t \
    }
