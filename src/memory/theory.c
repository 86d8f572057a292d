/* The table of theory checks. */
#include "memory/checks.h"

const eg_theory eg_memory_theories[] = {
    EGI_THEORY_LIST(EGI_THEORY_ROW){NULL, NULL, NULL, NULL, 0, NULL}};
