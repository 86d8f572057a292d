/* The float64 set for AVX2 and FMA. */
#define VEC_BYTES 32
#define VEC_F64
#include "kern/fast_impl.h"
#include "kern/fast_peak.h"

const eg_kern_f64 egi_kern_avx2_f64 = FAST_TABLE("avx2", fast);
const egi_peak egi_peak_avx2_f64 = {fma_loop, read_loop, NULL};
