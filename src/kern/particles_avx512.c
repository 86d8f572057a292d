/* Particle kernels for AVX-512 (F, DQ, BW, VL) and FMA. */
#define VEC_BYTES 64
#include "kern/particles_impl.h"

const egi_particles egi_particles_avx512 = PARTICLES_TABLE("avx512");
