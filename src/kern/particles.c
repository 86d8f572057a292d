/* Which set of particle kernels a name means: that of eg_kern_pick, or, where
 * it has none of its own, that of the next best that runs here. */
#include "kern/particles.h"

#include <string.h>

const egi_particles *egi_particles_pick(const char *name)
{
    static const egi_particles *const sets[] = {
#ifdef EG_AVX512_SETS
        &egi_particles_avx512,
#endif
#ifdef EG_X86_SETS
        &egi_particles_avx2,
#endif
        &egi_particles_generic, &egi_particles_ref};
    const eg_kern_f32 *set = eg_kern_pick(name);
    bool found = false;

    for (int k = 0; set && eg_kern_name(k); k++) {
        found = found || strcmp(eg_kern_name(k), set->name) == 0;
        for (size_t i = 0; found && i < sizeof sets / sizeof sets[0]; i++)
            if (strcmp(sets[i]->name, eg_kern_name(k)) == 0) return sets[i];
    }
    return NULL;
}
