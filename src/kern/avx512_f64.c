/* The float64 set for AVX-512 (F, DQ, BW, VL) and FMA. */
#define VEC_BYTES 64
#define VEC_F64
#include "kern/fast_impl.h"
#include "kern/fast_peak.h"

const eg_kern_f64 egi_kern_avx512_f64 = FAST_TABLE("avx512", fast);
const egi_peak egi_peak_avx512_f64 = {fma_loop, read_loop, NULL};
