/* Attention over tokens for AVX2 and FMA. */
#define VEC_LANES 4
#include "flow/rows_impl.h"

const egi_rows_set egi_rows_avx2 = {"avx2", rows_sum, rows_apply};
