/* The float32 set for whatever every CPU of the architecture has. */
#define VEC_BYTES 16
#include "kern/fast_impl.h"
#include "kern/fast_bf16.h"
#include "kern/fast_half.h"
#include "kern/fast_peak.h"

const eg_kern_f32 egi_kern_generic = FAST_TABLE("generic", fast);
const eg_kern_f32 egi_kern_generic_bf16 = FAST_TABLE("generic-bf16", bf16);
const egi_peak egi_peak_generic = {fma_loop, read_loop, NULL};
const egi_half egi_half_generic = HALF_TABLE;
