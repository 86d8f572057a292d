/* Which set of particle kernels a name means: that of eg_kern_pick. */
#include "kern/particles.h"

#include <string.h>

const egi_particles *egi_particles_pick(const char *name)
{
    static const egi_particles *const sets[] = {
#if defined(__x86_64__)
        &egi_particles_avx512,
        &egi_particles_avx2,
#endif
        &egi_particles_generic,
        &egi_particles_ref
    };
    const eg_kern_f32 *set = eg_kern_pick(name);

    for (size_t i = 0; set && i < sizeof sets / sizeof sets[0]; i++)
        if (strcmp(sets[i]->name, set->name) == 0) return sets[i];
    return NULL;
}
