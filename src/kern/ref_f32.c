/* The float32 reference set, and that of precision bfloat16. */
typedef float real;
#include "kern/ref_impl.h"
#include "kern/ref_bf16.h"

const eg_kern_f32 egi_kern_ref_f32 = REF_TABLE("ref", ref);
const eg_kern_f32 egi_kern_ref_bf16 = REF_TABLE("ref-bf16", bf16);
