/* The float32 set for AVX2 and FMA. */
#define VEC_BYTES 32
#include "kern/fast_impl.h"
#include "kern/fast_bf16.h"
#include "kern/fast_half.h"
#include "kern/fast_peak.h"

const eg_kern_f32 egi_kern_avx2 = FAST_TABLE("avx2", fast);
const eg_kern_f32 egi_kern_avx2_bf16 = FAST_TABLE("avx2-bf16", bf16);
const egi_peak egi_peak_avx2 = {fma_loop, read_loop, NULL};
const egi_half egi_half_avx2 = HALF_TABLE;
