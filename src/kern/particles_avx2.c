/* Particle kernels for AVX2 and FMA. */
#define VEC_BYTES 32
#include "kern/particles_impl.h"

const egi_particles egi_particles_avx2 = PARTICLES_TABLE("avx2");
