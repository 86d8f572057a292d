/* Every theory's statements as one list. */
#include "engram/lab.h"

#include "engram/energy_theory.h"
#include "engram/flow.h"
#include "engram/memory.h"
#include "engram/mesa.h"

enum { N_TABLES = 4 };
static const eg_theory *const table[N_TABLES] = {
    eg_memory_theories, eg_flow_theories, eg_mesa_theories, eg_energy_theories};

const eg_theory *eg_theory_at(int i)
{
    EG_ASSERT(i >= 0);
    for (int k = 0; k < N_TABLES; k++)
        for (const eg_theory *t = table[k]; t->name; t++)
            if (i-- == 0) return t;
    return NULL;
}

const eg_theory *eg_theory_find(const char *name)
{
    const eg_theory *t = NULL;

    for (int k = 0; k < N_TABLES && !t; k++) t = eg_theory_in(table[k], name);
    return t;
}
