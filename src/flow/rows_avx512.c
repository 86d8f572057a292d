/* Attention over tokens for AVX-512 and FMA. */
#define VEC_LANES 8
#include "flow/rows_impl.h"

const egi_rows_set egi_rows_avx512 = {"avx512", rows_sum, rows_apply};
