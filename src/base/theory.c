/* Tables of theory statements. */
#include "engram/theory.h"

#include <string.h>

const eg_theory *eg_theory_in(const eg_theory *table, const char *name)
{
    const eg_theory *t = table;

    while (t->name && strcmp(t->name, name) != 0) t++;
    return t->name ? t : NULL;
}
