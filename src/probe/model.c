#include "probe/model.h"

#include <stdio.h>
#include <string.h>

bool egi_has_hook(const eg_eval *eval, const char *name)
{
    const char *hook;

    for (int i = 0; (hook = eg_eval_hook_name(eval, i)) != NULL; i++)
        if (strcmp(hook, name) == 0) return true;
    return false;
}

bool egi_stream(eg_view *out, const eg_acts *acts, int depth)
{
    char hook[64];

    (void)snprintf(hook, sizeof hook, "blocks.%d.hook_resid_%s",
                   depth ? depth - 1 : 0, depth ? "post" : "pre");
    return eg_acts_hook(acts, hook, out);
}

int egi_most_heads(const eg_model *m, int (*heads)(const eg_model *m, int l))
{
    int most = 0;

    for (int l = 0; l < eg_model_options(m)->n_layers; l++)
        if (heads(m, l) > most) most = heads(m, l);
    return most;
}
