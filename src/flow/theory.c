/* The table of statements about flows. */
#include "flow/checks.h"

#define ROW(name, step, help)       \
    {#name,                         \
     help,                          \
     step,                          \
     egi_flow_##name##_fields,      \
     sizeof(eg_flow_theory_##name), \
     egi_flow_##name##_run},

const eg_theory eg_flow_theories[] = {
    EGI_FLOW_THEORIES(ROW){NULL, NULL, NULL, NULL, 0, NULL}};
