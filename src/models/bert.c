/* BERT and its kin (MiniLM) as Hugging Face names their tensors: attention
 * without a mask, norms behind the sums, embeddings normed. The row of token
 * type 0, which stands at every position of a single text, is added to those of
 * the positions. A file without a head predicts by its embeddings. */
#include "models/models.h"

#include <stdio.h>

#include "engram/mem.h"

#define LAYER "encoder.layer.#."

static const egi_move moves[] = {
    {"embeddings.word_embeddings.weight", "W_E", EGI_AS_IS, 0, 0},
    {"embeddings.position_embeddings.weight", "W_pos", EGI_AS_IS, 0, 0},
    {"embeddings.LayerNorm.weight", "embed.ln.w", EGI_AS_IS, 0, 0},
    {"embeddings.LayerNorm.bias", "embed.ln.b", EGI_AS_IS, 0, 0},
    {LAYER "attention.self.query.weight", "blocks.#.attn.W_Q", EGI_OUT_IN, 0,
     0},
    {LAYER "attention.self.query.bias", "blocks.#.attn.b_Q", EGI_AS_IS, 0, 0},
    {LAYER "attention.self.key.weight", "blocks.#.attn.W_K", EGI_OUT_IN, 0, 0},
    {LAYER "attention.self.key.bias", "blocks.#.attn.b_K", EGI_AS_IS, 0, 0},
    {LAYER "attention.self.value.weight", "blocks.#.attn.W_V", EGI_OUT_IN, 0,
     0},
    {LAYER "attention.self.value.bias", "blocks.#.attn.b_V", EGI_AS_IS, 0, 0},
    {LAYER "attention.output.dense.weight", "blocks.#.attn.W_O", EGI_OUT_IN, 0,
     0},
    {LAYER "attention.output.dense.bias", "blocks.#.attn.b_O", EGI_AS_IS, 0, 0},
    {LAYER "attention.output.LayerNorm.weight", "blocks.#.ln1.w", EGI_AS_IS, 0,
     0},
    {LAYER "attention.output.LayerNorm.bias", "blocks.#.ln1.b", EGI_AS_IS, 0,
     0},
    {LAYER "intermediate.dense.weight", "blocks.#.mlp.W_in", EGI_OUT_IN, 0, 0},
    {LAYER "intermediate.dense.bias", "blocks.#.mlp.b_in", EGI_AS_IS, 0, 0},
    {LAYER "output.dense.weight", "blocks.#.mlp.W_out", EGI_OUT_IN, 0, 0},
    {LAYER "output.dense.bias", "blocks.#.mlp.b_out", EGI_AS_IS, 0, 0},
    {LAYER "output.LayerNorm.weight", "blocks.#.ln2.w", EGI_AS_IS, 0, 0},
    {LAYER "output.LayerNorm.bias", "blocks.#.ln2.b", EGI_AS_IS, 0, 0},
    {NULL, NULL, EGI_AS_IS, 0, 0}};

static const char *const prefix[] = {"bert.", NULL};
static const char *const skip[] = {
    "embeddings.position_ids", "embeddings.token_type_ids",
    "embeddings.token_type_embeddings.weight", NULL};
static const char *const left[] = {"pooler.*", "cls.*", NULL};

static eg_status options(egi_found *f, egi_source *s, const json_t *config,
                         eg_err *err)
{
    egi_in *words, *places, *hidden;
    const char *mlp = "gelu_erf";
    const char *kind =
        egi_json_str(config, "position_embedding_type", "absolute");
    eg_status st;

    EG_TRY(egi_matrix(&words, s, moves[0].theirs, err));
    EG_TRY(egi_matrix(&places, s, moves[1].theirs, err));
    EG_TRY(egi_matrix(&hidden, s, "encoder.layer.0.intermediate.dense.weight",
                      err));
    if (kind[0] != 'a')
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: config.json: expected position_embedding_type: "
                       "absolute, found %.40s",
                       s->path, kind);
    if (config)
        EG_TRY(egi_activation(&mlp, egi_json_str(config, "hidden_act", "gelu"),
                              s->path, err));
    EG_TRY(egi_opts(f,
                    "norm=post embed_norm=true causal=false qk=factorised "
                    "pos=learned attn_bias=true mlp_bias=true tied=true "
                    "tied_scale=false",
                    err));
    EG_TRY(egi_opt(f, "mlp", err, "%s", mlp));
    EG_TRY(egi_opt(f, "n_layers", err, "%d",
                   egi_blocks(s, LAYER "output.dense.weight")));
    EG_TRY(egi_opt(f, "d_model", err, "%td", words->shape[1]));
    EG_TRY(egi_opt(f, "n_heads", err, "%lld",
                   (long long)egi_json_int(config, "num_attention_heads",
                                           (words->shape[1] + 63) / 64)));
    EG_TRY(egi_opt(f, "d_mlp", err, "%td", hidden->shape[0]));
    EG_TRY(egi_opt(f, "norm_eps", err, "%.17g",
                   egi_json_real(config, "layer_norm_eps", 1e-12)));
    f->vocab = (int)words->shape[0];
    f->max_ctx = (int)places->shape[0];
    EG_TRY(
        egi_agrees(s->path, "max_position_embeddings",
                   egi_json_int(config, "max_position_embeddings", f->max_ctx),
                   f->max_ctx, err));
    (void)snprintf(f->what, sizeof f->what, "BERT, Hugging Face safetensors%s",
                   config ? "" : "; no config.json beside: heads 64 wide");
done:
    return st;
}

static eg_status finish(eg_model *m, egi_source *s, eg_err *err)
{
    const egi_in *t =
        egi_source_find(s, "embeddings.token_type_embeddings.weight");
    int i = eg_model_find(m, "W_pos");
    const eg_tensor *to = &m->tensor[i];
    eg_index d = to->shape[1];
    eg_view v = eg_model_view(m, i);
    float *row;

    if (!t) return EG_OK;
    if (t->stored == EGI_OTHER || egi_in_cols(t) != d || egi_in_rows(t) < 1)
        return EG_FAIL(err, EG_ESHAPE,
                       "%s: %s: expected rows of %td real numbers", s->path,
                       t->name, d);
    row = eg_calloc((size_t)d, sizeof *row);
    if (!row) return EG_FAIL(err, EG_ENOMEM, "%s: a row", s->path);
    egi_in_row(t, 0, row);
    for (eg_index k = 0; k < to->size; k++)
        egi_entry_set(m, to, k, eg_view_at(&v, k) + (double)row[k % d]);
    eg_free(row);
    return EG_OK;
}

const egi_family egi_bert = {.mark = "embeddings.word_embeddings.weight",
                             .prefix = prefix,
                             .moves = moves,
                             .skip = skip,
                             .left = left,
                             .options = options,
                             .finish = finish};
