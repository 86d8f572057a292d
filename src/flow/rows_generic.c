/* Attention over tokens for whatever every CPU has. */
#define VEC_LANES 2
#include "flow/rows_impl.h"

void egi_rows_sum_generic(double *sum, double *z, double *peak, const double *q,
                          const eg_index *limit, const egi_keys *keys,
                          double *scores)
{
    rows_sum(sum, z, peak, q, limit, keys, scores);
}
