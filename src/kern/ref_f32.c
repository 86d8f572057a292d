/* The float32 reference set. */
typedef float real;
#include "kern/ref_impl.h"

const eg_kern_f32 egi_kern_ref_f32 = REF_TABLE;
