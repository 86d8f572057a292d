/* Norms. */
#include "nn/module.h"

#include <stdio.h>

/* The first in the order of model.norm_kind; unit is of queries and keys. */
const egi_norm egi_norms[] = {
    {"layer", "(x - mean) / std * w + b", true, true, EGI_OP_layernorm},
    {"layer_no_bias", "(x - mean) / std * w", true, false, EGI_OP_layernorm},
    {"rms", "x / rms(x) * w", true, false, EGI_OP_rmsnorm},
    {"unit", "x / |x|", false, false, EGI_OP_unitnorm},
    {NULL, NULL, false, false, 0}};

void egi_norm_tensors(eg_model *m, const egi_norm *n, int l, const char *name,
                      eg_index width)
{
    char part[64];

    if (!n->gain) return;
    (void)snprintf(part, sizeof part, "%s.w", name);
    egi_tensor_add(m, l, part, EGI_FILL_ONE, width, 0, 0, 0);
    if (!n->bias) return;
    (void)snprintf(part, sizeof part, "%s.b", name);
    egi_tensor_add(m, l, part, EGI_FILL_ZERO, width, 0, 0, 0);
}

int egi_norm_emit(egi_builder *b, const egi_norm *n, int x, int heads, int l,
                  const char *name)
{
    char part[64];
    int w, bias, y;

    (void)snprintf(part, sizeof part, "%s.w", name);
    w = egi_weight(b, l, part);
    (void)snprintf(part, sizeof part, "%s.b", name);
    bias = egi_weight(b, l, part);
    y = egi_put(b, n->kind, x, w, bias, -1,
                (egi_attr){.eps = b->m->opts.norm_eps, .heads = heads});
    (void)snprintf(part, sizeof part, "%s.hook_scale", name);
    if (heads == 1) egi_see_as(b, l, part, y, EGI_LOOK_SCALE, 0);
    (void)snprintf(part, sizeof part, "%s.hook_normalized", name);
    if (n->gain) egi_see_as(b, l, part, y, EGI_LOOK_NORMALIZED, 0);
    return y;
}
