/* The float64 set: the reference and nothing else. */
typedef double real;
#include "kern/ref_impl.h"

const eg_kern_f64 egi_kern_ref_f64 = REF_TABLE("ref", ref);
