/* The kernel sets that pick.c chooses from. */
#ifndef EGI_KERN_SETS_H
#define EGI_KERN_SETS_H

#include "engram/kern.h"

extern const eg_kern_f32 egi_kern_ref_f32;
extern const eg_kern_f64 egi_kern_ref_f64;
extern const eg_kern_f32 egi_kern_generic;
extern const eg_kern_f32 egi_kern_avx2;   /* x86-64 only */
extern const eg_kern_f32 egi_kern_avx512; /* x86-64 only */

/* Independent multiply-adds in registers, the loop whose rate is the peak of
 * the set: returns the FLOP done. *sink is 0.5 before and after. */
double egi_fma_generic(eg_index repeats, float *sink);
double egi_fma_avx2(eg_index repeats, float *sink);
double egi_fma_avx512(eg_index repeats, float *sink);
#endif
