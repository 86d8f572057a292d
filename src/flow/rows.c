/* Which instruction set takes the sums over tokens: that of the particle
 * kernels. */
#include <string.h>

#include "flow/rows.h"
#include "kern/particles.h"

const egi_rows_set *egi_rows_pick(const char *name)
{
    static const egi_rows_set *const sets[] = {
#ifdef EG_AVX512_SETS
        &egi_rows_avx512,
#endif
#ifdef EG_X86_SETS
        &egi_rows_avx2,
#endif
        &egi_rows_generic,
    };
    const egi_particles *set = egi_particles_pick(name);

    for (size_t i = 0; set && i < sizeof sets / sizeof sets[0]; i++)
        if (strcmp(sets[i]->name, set->name) == 0) return sets[i];
    return set ? &egi_rows_generic : NULL; /* the reference is no faster */
}
