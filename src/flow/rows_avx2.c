/* Attention over tokens for AVX2 and FMA. */
#define VEC_LANES 4
#include "flow/rows_impl.h"

void egi_rows_sum_avx2(double *sum, double *z, double *peak, const double *q,
                       const eg_index *limit, const egi_keys *keys,
                       double *scores)
{
    rows_sum(sum, z, peak, q, limit, keys, scores);
}
