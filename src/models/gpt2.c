/* GPT-2 as Hugging Face, nanoGPT and llm.c name its tensors. Hugging Face lets
 * its matrices lie [in, out] ("Conv1D"), the others [out, in]; c_attn, which is
 * not square, tells. */
#include "models/models.h"

#include <stdio.h>
#include <string.h>

static const egi_move moves[] = {
    {"wte.weight", "W_E", EGI_AS_IS, 0, 0},
    {"wpe.weight", "W_pos", EGI_AS_IS, 0, 0},
    {"h.#.ln_1.weight", "blocks.#.ln1.w", EGI_AS_IS, 0, 0},
    {"h.#.ln_1.bias", "blocks.#.ln1.b", EGI_AS_IS, 0, 0},
    {"h.#.attn.c_attn.weight", "blocks.#.attn.W_Q", EGI_IN_OUT, 0, 3},
    {"h.#.attn.c_attn.weight", "blocks.#.attn.W_K", EGI_IN_OUT, 1, 3},
    {"h.#.attn.c_attn.weight", "blocks.#.attn.W_V", EGI_IN_OUT, 2, 3},
    {"h.#.attn.c_attn.bias", "blocks.#.attn.b_Q", EGI_AS_IS, 0, 3},
    {"h.#.attn.c_attn.bias", "blocks.#.attn.b_K", EGI_AS_IS, 1, 3},
    {"h.#.attn.c_attn.bias", "blocks.#.attn.b_V", EGI_AS_IS, 2, 3},
    {"h.#.attn.c_proj.weight", "blocks.#.attn.W_O", EGI_IN_OUT, 0, 0},
    {"h.#.attn.c_proj.bias", "blocks.#.attn.b_O", EGI_AS_IS, 0, 0},
    {"h.#.ln_2.weight", "blocks.#.ln2.w", EGI_AS_IS, 0, 0},
    {"h.#.ln_2.bias", "blocks.#.ln2.b", EGI_AS_IS, 0, 0},
    {"h.#.mlp.c_fc.weight", "blocks.#.mlp.W_in", EGI_IN_OUT, 0, 0},
    {"h.#.mlp.c_fc.bias", "blocks.#.mlp.b_in", EGI_AS_IS, 0, 0},
    {"h.#.mlp.c_proj.weight", "blocks.#.mlp.W_out", EGI_IN_OUT, 0, 0},
    {"h.#.mlp.c_proj.bias", "blocks.#.mlp.b_out", EGI_AS_IS, 0, 0},
    {"ln_f.weight", "ln_final.w", EGI_AS_IS, 0, 0},
    {"ln_f.bias", "ln_final.b", EGI_AS_IS, 0, 0},
    {"lm_head.weight", "W_U", EGI_OUT_IN, 0, 0},
    {NULL, NULL, EGI_AS_IS, 0, 0}};

/* Masks; and a head that is the embeddings again, which says so in options().
 */
static const char *const skip[] = {"h.*.attn.bias", "h.*.attn.masked_bias",
                                   NULL};
static const char *const prefix[] = {"_orig_mod.", "transformer.", NULL};

static bool has(egi_source *s, const char *name)
{
    return egi_source_find(s, name) != NULL;
}

/* The same numbers, which is how a tied head is often written. */
static bool same(const egi_in *a, const egi_in *b)
{
    eg_index cols = egi_in_cols(a), rows = egi_in_rows(a);

    return a->stored == b->stored && cols == egi_in_cols(b) &&
           rows == egi_in_rows(b) && a->stored != EGI_OTHER &&
           memcmp(a->data, b->data,
                  egi_stored_bytes(a->stored, (uint64_t)(rows * cols))) == 0;
}

static eg_status refuse_variants(const json_t *config, const char *path,
                                 eg_err *err)
{
    static const char *const odd[] = {"scale_attn_by_inverse_layer_idx",
                                      "add_cross_attention"};

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (json_is_true(json_object_get(config, odd[i])))
            return EG_FAIL(err, EG_EUNSUPPORTED,
                           "%s: config.json: expected %s: false", path, odd[i]);
    return EG_OK;
}

static eg_status options(egi_found *f, egi_source *s, const json_t *config,
                         eg_err *err)
{
    egi_in *wte, *wpe, *attn, *fc, *head = egi_source_find(s, "lm_head.weight");
    bool llmc = s->header[0] != 0, bias = has(s, "ln_f.bias");
    const char *mlp = bias ? "gelu" : "gelu_erf";
    bool tied = !head;
    int64_t heads;
    eg_status st;

    EG_TRY(refuse_variants(config, s->path, err));
    EG_TRY(egi_matrix(&wte, s, "wte.weight", err));
    EG_TRY(egi_matrix(&wpe, s, "wpe.weight", err));
    EG_TRY(egi_matrix(&attn, s, "h.0.attn.c_attn.weight", err));
    EG_TRY(egi_matrix(&fc, s, "h.0.mlp.c_fc.weight", err));
    EG_TRY(egi_head_said(config, head, s->path, err));
    if (head && same(head, wte)) head->used = tied = true;
    f->flip = attn->shape[0] != wte->shape[1];
    heads = llmc ? s->header[5]
                 : egi_json_int(config, "n_head", (wte->shape[1] + 63) / 64);
    if (json_object_get(config, "activation_function"))
        EG_TRY(egi_activation(&mlp,
                              egi_json_str(config, "activation_function", ""),
                              s->path, err));
    EG_TRY(egi_opts(f, "norm=pre qk=factorised pos=learned tied_scale=false",
                    err));
    EG_TRY(egi_opt(f, "norm_kind", err, bias ? "layer" : "layer_no_bias"));
    EG_TRY(egi_opt(f, "tied", err, tied ? "true" : "false"));
    EG_TRY(egi_opt(f, "attn_bias", err, "%s",
                   has(s, "h.0.attn.c_attn.bias") ? "true" : "false"));
    EG_TRY(egi_opt(f, "mlp_bias", err, "%s",
                   has(s, "h.0.mlp.c_fc.bias") ? "true" : "false"));
    EG_TRY(egi_opt(f, "mlp", err, "%s", mlp));
    EG_TRY(egi_opt(f, "n_layers", err, "%d", egi_blocks(s, "h.#.ln_1.weight")));
    EG_TRY(egi_opt(f, "d_model", err, "%td", wte->shape[1]));
    EG_TRY(egi_opt(f, "n_heads", err, "%lld", (long long)heads));
    EG_TRY(egi_opt(f, "d_mlp", err, "%td", fc->shape[f->flip ? 0 : 1]));
    EG_TRY(egi_opt(f, "norm_eps", err, "%.17g",
                   egi_json_real(config, "layer_norm_epsilon", 1e-5)));
    if (!json_object_get(config, "scale_attn_weights") ||
        json_is_true(json_object_get(config, "scale_attn_weights")))
        EG_TRY(egi_opt(f, "scale_scores", err, "true"));
    else
        EG_TRY(egi_opt(f, "scale_scores", err, "false"));
    f->vocab = (int)(llmc ? s->header[3] : wte->shape[0]);
    f->max_ctx = (int)wpe->shape[0];
    (void)snprintf(f->what, sizeof f->what, "GPT-2, %s",
                   llmc      ? "llm.c"
                   : f->flip ? "safetensors as nanoGPT lays matrices"
                             : "Hugging Face safetensors");
done:
    return st;
}

const egi_family egi_gpt2 = {.mark = "wte.weight",
                             .prefix = prefix,
                             .moves = moves,
                             .skip = skip,
                             .options = options};
