/* The kernel sets that pick.c chooses from. */
#ifndef EGI_KERN_SETS_H
#define EGI_KERN_SETS_H

#include "engram/kern.h"

extern const eg_kern_f32 egi_kern_ref_f32;
extern const eg_kern_f64 egi_kern_ref_f64;
#endif
