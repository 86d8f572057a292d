/* Rows of the tables of modules, by name. */
#include "nn/module.h"

#include <string.h>

int egi_mixer_find(const char *name)
{
    for (int i = 0; egi_mixers[i].name; i++)
        if (strcmp(egi_mixers[i].name, name) == 0) return i;
    return -1;
}

int egi_mlp_find(const char *name)
{
    for (int i = 0; egi_mlps[i].name; i++)
        if (strcmp(egi_mlps[i].name, name) == 0) return i;
    return -1;
}
