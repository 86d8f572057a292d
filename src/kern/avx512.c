/* The float32 set for AVX-512 (F, DQ, BW, VL) and FMA. */
#define VEC_BYTES 64
#include "kern/fast_impl.h"
#include "kern/fast_bf16.h"
#include "kern/fast_half.h"
#include "kern/fast_peak.h"

const eg_kern_f32 egi_kern_avx512 = FAST_TABLE("avx512", fast);
const eg_kern_f32 egi_kern_avx512_bf16 = FAST_TABLE("avx512-bf16", bf16);
const egi_peak egi_peak_avx512 = {fma_loop, read_loop, NULL};
const egi_half egi_half_avx512 = HALF_TABLE;
