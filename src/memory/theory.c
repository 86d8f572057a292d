/* The table of theory checks. */
#include "memory/checks.h"

#include <string.h>

#define ROW(name, step, help)  \
    {#name,                    \
     help,                     \
     step,                     \
     egi_##name##_fields,      \
     sizeof(eg_theory_##name), \
     egi_theory_##name},

const eg_theory eg_theories[] = {
    EGI_THEORY_LIST(ROW){NULL, NULL, NULL, NULL, 0, NULL}};

const eg_theory *eg_theory_find(const char *name)
{
    const eg_theory *t = eg_theories;

    while (t->name && strcmp(t->name, name) != 0) t++;
    return t->name ? t : NULL;
}
