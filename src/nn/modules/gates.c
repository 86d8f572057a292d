/* What a gated mixer makes of its input beside queries, keys and values: for
 * each position a number a head, or one for each column of a head,
 *     top / (1 + exp(-(x W_<name> + b_<name>))). */
#include "nn/module.h"

#include <stdio.h>

void egi_gate_tensors(eg_model *m, int l, const char *name, eg_index width,
                      egi_fill bias)
{
    eg_index d = m->d_model, H = m->heads[l];
    char part[64];

    (void)snprintf(part, sizeof part, "attn.W_%s", name);
    if (width > 1)
        egi_tensor_add(m, l, part, EGI_FILL_MATRIX, H, d, width, d);
    else
        egi_tensor_add(m, l, part, EGI_FILL_MATRIX, d, H, 0, d);
    (void)snprintf(part, sizeof part, "attn.b_%s", name);
    egi_tensor_add(m, l, part, bias, H, width > 1 ? width : 0, 0, 0);
}

int egi_gate_emit(egi_builder *b, int a, int l, const char *name, double top)
{
    int heads = b->m->heads[l], y, w;
    char weight[64], bias[64], hook[64];

    (void)snprintf(weight, sizeof weight, "attn.W_%s", name);
    (void)snprintf(bias, sizeof bias, "attn.b_%s", name);
    (void)snprintf(hook, sizeof hook, "attn.hook_%s", name);
    w = egi_weight(b, l, weight);
    if (b->p->st != EG_OK) return 0;
    y = b->p->value[w].rows == b->m->d_model /* a number a head */
            ? egi_linear(b, a, w, l, bias)
            : egi_by_heads(b, a, l, weight, bias, heads);
    y = egi_put(b, EGI_OP_sigmoid, y, -1, -1, -1, (egi_attr){.scale = top});
    egi_see_heads(b, l, hook, y, heads);
    return y;
}
