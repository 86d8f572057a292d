/* The float32 set for AVX2 and FMA. */
#define VEC_W 8
#include "kern/fast_impl.h"

const eg_kern_f32 egi_kern_avx2 = FAST_TABLE("avx2");

double egi_fma_avx2(eg_index repeats, float *sink)
{
    return fma_loop(repeats, sink);
}
