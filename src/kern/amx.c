/* The float32 set for the matrix unit (AMX with bfloat16) beside AVX-512. */
#define VEC_BYTES 64
#define PARTS 3
#include "kern/fast_impl.h"
#include "kern/amx_impl.h"
#include "kern/fast_half.h"
#include "kern/fast_peak.h"
#include "kern/amx_peak.h"

const eg_kern_f32 egi_kern_amx = FAST_TABLE("amx", amx);
const egi_peak egi_peak_amx = {fma_loop, read_loop, tile_loop};
const egi_half egi_half_amx = HALF_TABLE;
