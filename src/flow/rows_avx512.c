/* Attention over tokens for AVX-512 and FMA. */
#define VEC_LANES 8
#include "flow/rows_impl.h"

void egi_rows_sum_avx512(double *sum, double *z, double *peak, const double *q,
                         const eg_index *limit, const egi_keys *keys,
                         double *scores)
{
    rows_sum(sum, z, peak, q, limit, keys, scores);
}
