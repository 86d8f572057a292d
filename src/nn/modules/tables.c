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

int egi_norm_find(const char *name)
{
    for (int i = 0; egi_norms[i].name; i++)
        if (strcmp(egi_norms[i].name, name) == 0) return i;
    return -1;
}

const char *eg_model_mixer_name(int i, const char **help)
{
    int n = 0;

    while (egi_mixers[n].name) n++;
    if (i < 0 || i >= n) return NULL;
    *help = egi_mixers[i].help;
    return egi_mixers[i].name;
}

const char *eg_model_mlp_name(int i, const char **help)
{
    int n = 0;

    while (egi_mlps[n].name) n++;
    if (i < 0 || i >= n) return NULL;
    *help = egi_mlps[i].help;
    return egi_mlps[i].name;
}

const char *eg_model_qk_norm_name(int i, const char **help)
{
    int n = 0;

    while (egi_norms[n].name) n++;
    if (i < 0 || i > n) return NULL;
    *help = i == 0 ? "queries and keys as they are" : egi_norms[i - 1].help;
    return i == 0 ? "none" : egi_norms[i - 1].name;
}

const char *eg_model_error_name(int i, const char **help)
{
    int n = 0;

    while (egi_losses[n].name) n++;
    if (i < 0 || i >= n) return NULL;
    *help = egi_losses[i].help;
    return egi_losses[i].name;
}
