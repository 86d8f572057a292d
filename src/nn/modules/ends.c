/* What comes before the blocks and behind them: embeddings with their position
 * code, and the head. */
#include "nn/module.h"

/* Vectors come in by W_in and go out by W_out, or come in as they are and are
 * the first columns in the end; tokens by their embeddings, and
 * out by W_U. */
void egi_input_tensors(eg_model *m)
{
    eg_index n_in = m->io.n_in;
    int pos = m->opts.pos;
    const char *name = "W_pos";
    bool sinusoids = pos == EG_POS_SIN || pos == EG_POS_SIN_SCALED;
    egi_fill fill = sinusoids ? EGI_FILL_SINUSOIDS : EGI_FILL_EMBED;

    if (n_in > 0 && m->opts.input == EG_MAT_MATRIX)
        egi_tensor_add(m, -1, "W_in", EGI_FILL_MATRIX, n_in, m->d_model, 0,
                       n_in);
    else if (n_in == 0)
        egi_tensor_add(m, -1, "W_E", EGI_FILL_EMBED, m->V, m->d_model, 0, 0);
    if (m->io.n_eos > 0)
        egi_tensor_add(m, -1, "W_eos", EGI_FILL_EMBED, m->io.n_eos, n_in, 0, 0);
    if (m->io.n_prefix > 0)
        egi_tensor_add(m, -1, "W_prefix", EGI_FILL_EMBED, m->io.n_prefix, n_in,
                       0, 0);
    if (pos == EG_POS_NONE || pos == EG_POS_ROTARY || pos == EG_POS_RELATIVE)
        return;
    if (pos == EG_POS_CONCATENATED) { /* of queries and keys alone */
        fill = EGI_FILL_SINUSOIDS;
        name = "W_pos_qk";
    }
    egi_tensor_add(m, -1, name, fill, m->T, m->d_model, 0, 0);
    if (m->tensors_st == EG_OK)
        m->tensor[m->n_tensors - 1].fixed = pos != EG_POS_LEARNED;
}

/* x and the model's own vectors, where the task marks them from `first` on. */
static int prompted(egi_builder *b, int x, const char *name, int first)
{
    int p = egi_weight(b, -1, name);

    if (p < 0) return x;
    return egi_put(b, EGI_OP_prompt, x, p, -1, -1, (egi_attr){.at = first});
}

static int embedded(egi_builder *b)
{
    int x;

    if (b->m->io.n_in == 0) {
        double scale = egi_embed_scale(b->m);

        x = egi_weight(b, -1, "W_E");
        if (scale != 1)
            x = egi_put(b, EGI_OP_scaled, x, -1, -1, -1,
                        (egi_attr){.scale = scale});
        return egi_put(b, EGI_OP_embed, x, -1, -1, -1, (egi_attr){0});
    }
    x = egi_put(b, EGI_OP_vectors, -1, -1, -1, -1, (egi_attr){0});
    x = prompted(b, x, "W_eos", 0);
    x = prompted(b, x, "W_prefix", b->m->io.n_eos);
    if (b->m->opts.input == EG_MAT_IDENTITY) return x;
    return egi_linear(b, x, egi_weight(b, -1, "W_in"), -1, NULL);
}

int egi_input_emit(egi_builder *b)
{
    int e = embedded(b);
    int pos = egi_weight(b, -1, "W_pos");
    double dropout = b->m->opts.dropout_embed;

    egi_see(b, -1, "hook_embed", e);
    if (pos >= 0) {
        pos = egi_put(b, EGI_OP_place, pos, -1, -1, -1, (egi_attr){0});
        egi_see(b, -1, "hook_pos_embed", pos);
        e = egi_put(b, EGI_OP_add, e, pos, -1, -1, (egi_attr){0});
    }
    if (b->m->opts.embed_norm)
        e = egi_norm_emit(b, &egi_norms[b->m->opts.norm_kind], e, 1, -1,
                          "embed.ln");
    return egi_drop(b, e, -1, "embed", dropout);
}

void egi_head_tensors(eg_model *m)
{
    if (m->io.n_out > 0) {
        if (m->opts.readout == EG_READOUT_MATRIX)
            egi_tensor_add(m, -1, "W_out", EGI_FILL_MATRIX, m->d_model,
                           m->io.n_out, 0, m->d_model);
        return;
    }
    if (!m->opts.tied)
        egi_tensor_add(m, -1, "W_U", EGI_FILL_MATRIX, m->d_model, m->V, 0,
                       m->d_model);
    if (m->opts.unembed_bias)
        egi_tensor_add(m, -1, "b_U", EGI_FILL_ZERO, m->V, 0, 0, m->d_model);
}

const egi_loss egi_losses[] = {
    {"cross_entropy", "-log p(target), of tokens", false, EGI_OP_xent},
    {"squared", "|x - target|^2 / 2, of vectors", true, EGI_OP_sqerr},
    {NULL, NULL, false, 0}};

static void vectors_emit(egi_builder *b, int x)
{
    if (b->m->opts.readout == EG_READOUT_FIRST)
        x = egi_put(b, EGI_OP_columns, x, -1, -1, -1,
                    (egi_attr){.width = b->m->io.n_out});
    else
        x = egi_linear(b, x, egi_weight(b, -1, "W_out"), -1, NULL);
    egi_see(b, -1, "outputs", x);
    egi_put(b, egi_losses[b->m->loss].kind, x, -1, -1, -1, (egi_attr){0});
}

static void tokens_emit(egi_builder *b, int x)
{
    int u = egi_weight(b, -1, "W_U");

    if (b->m->opts.tied)
        u = egi_put(b, EGI_OP_transpose, egi_weight(b, -1, "W_E"), -1, -1, -1,
                    (egi_attr){.scale = 1 / egi_tied_divisor(b->m)});
    x = egi_linear(b, x, u, -1, "b_U");
    egi_see(b, -1, "logits", x);
    egi_put(b, egi_losses[b->m->loss].kind, x, -1, -1, -1, (egi_attr){0});
}

/* What is predicted, and the loss. */
void egi_head_emit(egi_builder *b, int x)
{
    if (b->m->io.n_out > 0)
        vectors_emit(b, x);
    else
        tokens_emit(b, x);
}
