/* The table of theory checks. */
#include "mesa/checks.h"

const eg_theory eg_mesa_theories[] = {
    EGI_MESA_LIST(EGI_THEORY_ROW){NULL, NULL, NULL, NULL, 0, NULL}};
