/* Particle kernels for anything that GCC vectors compile for. */
#define VEC_W 4
#include "kern/particles_impl.h"

const egi_particles egi_particles_generic = PARTICLES_TABLE("generic");
