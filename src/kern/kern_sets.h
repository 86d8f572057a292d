/* The kernel sets that pick.c chooses from. */
#ifndef EGI_KERN_SETS_H
#define EGI_KERN_SETS_H

#include "engram/kern.h"
#include "kern/half.h"

extern const eg_kern_f32 egi_kern_ref_f32;
extern const eg_kern_f64 egi_kern_ref_f64;
extern const eg_kern_f32 egi_kern_generic;
extern const eg_kern_f64 egi_kern_generic_f64;
extern const eg_kern_f32 egi_kern_ref_bf16;
extern const eg_kern_f32 egi_kern_generic_bf16;
/* With EG_X86_SETS only, which x86-64 has unless left out (isa.cmake). */
extern const eg_kern_f32 egi_kern_avx2;
extern const eg_kern_f64 egi_kern_avx2_f64;
extern const eg_kern_f32 egi_kern_avx2_bf16;
/* With EG_AVX512_SETS, left out where sanitizers could not see them run. */
extern const eg_kern_f32 egi_kern_avx512;
extern const eg_kern_f64 egi_kern_avx512_f64;
extern const eg_kern_f32 egi_kern_avx512_bf16;
/* Linux only */
extern const eg_kern_f32 egi_kern_amx;
extern const eg_kern_f32 egi_kern_amx_bf16;

extern const egi_half egi_half_ref;
extern const egi_half egi_half_generic;
extern const egi_half egi_half_avx2;   /* EG_X86_SETS */
extern const egi_half egi_half_avx512; /* EG_AVX512_SETS */
extern const egi_half egi_half_amx;    /* Linux only */

/* Does recursive least squares still carry digits at a key? ratio: k.R k
 * over the forgetting, which is positive but for rounding; size: |k|^2 trace R
 * over it, by which errors of what is stored as `real` grow. */
static inline bool egi_mesa_sound(double ratio, double size, bool f32)
{
    return ratio > -1e-6 && size < (f32 ? 0x1p23 : 0x1p52);
}

/* What a set could do at most on this machine. */
typedef struct egi_peak {
    /* independent multiply-adds in registers: returns the FLOP done; *sink is
     * 0.5 before and after */
    double (*fma)(eg_index repeats, double *sink);
    /* the sum of all numbers of the set's type in x; bytes: a multiple of 512
     */
    double (*read)(const void *x, size_t bytes);
    /* products of tiles of bfloat16 in registers: the FLOP done; NULL where
     * there is no matrix unit */
    double (*tiles)(eg_index repeats);
} egi_peak;

extern const egi_peak egi_peak_generic;
extern const egi_peak egi_peak_avx2;
extern const egi_peak egi_peak_avx512;
extern const egi_peak egi_peak_amx;
extern const egi_peak egi_peak_generic_f64;
extern const egi_peak egi_peak_avx2_f64;
extern const egi_peak egi_peak_avx512_f64;

/* The peak loops of a set by name, as eg_kern_pick; those of "generic" for the
 * reference. wide: those of the set in float64. */
const egi_peak *egi_peak_pick(const char *name, bool wide);
#endif
