/* Attention over tokens for whatever every CPU has. */
#define VEC_LANES 2
#include "flow/rows_impl.h"

const egi_rows_set egi_rows_generic = {"generic", rows_sum, rows_apply};
