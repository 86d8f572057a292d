/* The set of precision bfloat16 for the matrix unit. */
#define VEC_BYTES 64
#define PARTS 1
#include "kern/fast_impl.h"
#include "kern/amx_impl.h"

_Static_assert((int)MAX_K == BF16_BLOCK && (int)STEP == BF16_STEP,
               "as bf16.h sums");

const eg_kern_f32 egi_kern_amx_bf16 = FAST_TABLE("amx-bf16", amx);
