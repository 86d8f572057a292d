/* Which instruction set takes the sums over tokens. */
#include <string.h>

#include "engram/kern.h"
#include "flow/rows_sets.h"

egi_rows_fn egi_rows_pick(const char *name)
{
    static const struct {
        const char *name;
        egi_rows_fn fn;
    } sets[] = {
#if defined(__x86_64__)
        {"avx512", egi_rows_sum_avx512},
        {"avx2", egi_rows_sum_avx2},
#endif
        {"generic", egi_rows_sum_generic},
    };
    const eg_kern_f32 *set = eg_kern_pick(name);

    for (size_t i = 0; set && i < sizeof sets / sizeof sets[0]; i++)
        if (strcmp(sets[i].name, set->name) == 0) return sets[i].fn;
    return set ? egi_rows_sum_generic : NULL;
}
