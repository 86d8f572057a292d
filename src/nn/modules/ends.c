/* What comes before the blocks and behind them: embeddings with their position
 * code, and the head. */
#include "nn/module.h"

void egi_input_tensors(eg_model *m)
{
    int pos = m->opts.pos;
    bool sinusoids = pos == EG_POS_SIN || pos == EG_POS_SIN_SCALED;
    egi_fill fill = sinusoids ? EGI_FILL_SINUSOIDS : EGI_FILL_EMBED;

    egi_tensor_add(m, -1, "W_E", EGI_FILL_EMBED, m->V, m->d_model, 0, 0);
    if (pos == EG_POS_NONE || pos == EG_POS_ROTARY) return;
    egi_tensor_add(m, -1, "W_pos", fill, m->T, m->d_model, 0, 0);
    if (m->tensors_st == EG_OK)
        m->tensor[m->n_tensors - 1].fixed = pos != EG_POS_LEARNED;
}

int egi_input_emit(egi_builder *b)
{
    int e = egi_put(b, EGI_OP_embed, egi_weight(b, -1, "W_E"), -1, -1, -1,
                    (egi_attr){0});
    int pos = egi_weight(b, -1, "W_pos");

    egi_see(b, -1, "hook_embed", e);
    if (pos < 0) return e;
    pos = egi_put(b, EGI_OP_place, pos, -1, -1, -1, (egi_attr){0});
    egi_see(b, -1, "hook_pos_embed", pos);
    return egi_put(b, EGI_OP_add, e, pos, -1, -1, (egi_attr){0});
}

void egi_head_tensors(eg_model *m)
{
    if (!m->opts.tied)
        egi_tensor_add(m, -1, "W_U", EGI_FILL_MATRIX, m->d_model, m->V, 0,
                       m->d_model);
}

/* Logits and the loss. */
void egi_head_emit(egi_builder *b, int x)
{
    int u = egi_weight(b, -1, "W_U");

    if (b->m->opts.tied)
        u = egi_put(b, EGI_OP_transpose, egi_weight(b, -1, "W_E"), -1, -1, -1,
                    (egi_attr){.scale = 1 / egi_tied_divisor(b->m)});
    x = egi_linear(b, x, u, -1, NULL);
    egi_see(b, -1, "logits", x);
    egi_put(b, EGI_OP_xent, x, -1, -1, -1, (egi_attr){0});
}
