/* The float64 set for whatever every CPU of the architecture has. */
#define VEC_BYTES 16
#define VEC_F64
#include "kern/fast_impl.h"
#include "kern/fast_peak.h"

const eg_kern_f64 egi_kern_generic_f64 = FAST_TABLE("generic", fast);
const egi_peak egi_peak_generic_f64 = {fma_loop, read_loop, NULL};
