/* The table of theory checks. */
#include "mesa/checks.h"

#define ROW(name, step, help)  \
    {#name,                    \
     help,                     \
     step,                     \
     egi_##name##_fields,      \
     sizeof(eg_theory_##name), \
     egi_theory_##name},

const eg_theory eg_mesa_theories[] = {
    EGI_MESA_LIST(ROW){NULL, NULL, NULL, NULL, 0, NULL}};
