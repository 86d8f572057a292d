/* Particle kernels for anything that GCC vectors compile for. */
#define VEC_BYTES 16
#include "kern/particles_impl.h"

const egi_particles egi_particles_generic = PARTICLES_TABLE("generic");
