/* Llama and its kin (SmolLM2, Mistral without windows): RMSNorm before each
 * branch, rotary positions, shared heads of keys, gated feed-forwards. As
 * Hugging Face names it, columns i and i + width / 2 of a head are turned
 * together; GGUF files have the rows of queries and keys in another order, so
 * that 2i and 2i + 1 are. */
#include "models/models.h"

#include <stdio.h>
#include <string.h>

#define HF "model.layers.#."

static const egi_move hf_moves[] = {
    {"model.embed_tokens.weight", "W_E", EGI_AS_IS, 0, 0},
    {HF "input_layernorm.weight", "blocks.#.ln1.w", EGI_AS_IS, 0, 0},
    {HF "self_attn.q_proj.weight", "blocks.#.attn.W_Q", EGI_OUT_IN, 0, 0},
    {HF "self_attn.k_proj.weight", "blocks.#.attn.W_K", EGI_OUT_IN, 0, 0},
    {HF "self_attn.v_proj.weight", "blocks.#.attn.W_V", EGI_OUT_IN, 0, 0},
    {HF "self_attn.o_proj.weight", "blocks.#.attn.W_O", EGI_OUT_IN, 0, 0},
    {HF "post_attention_layernorm.weight", "blocks.#.ln2.w", EGI_AS_IS, 0, 0},
    {HF "mlp.gate_proj.weight", "blocks.#.mlp.W_gate", EGI_OUT_IN, 0, 0},
    {HF "mlp.up_proj.weight", "blocks.#.mlp.W_in", EGI_OUT_IN, 0, 0},
    {HF "mlp.down_proj.weight", "blocks.#.mlp.W_out", EGI_OUT_IN, 0, 0},
    {"model.norm.weight", "ln_final.w", EGI_AS_IS, 0, 0},
    {"lm_head.weight", "W_U", EGI_OUT_IN, 0, 0},
    {NULL, NULL, EGI_AS_IS, 0, 0}};

static const egi_move gguf_moves[] = {
    {"token_embd.weight", "W_E", EGI_AS_IS, 0, 0},
    {"blk.#.attn_norm.weight", "blocks.#.ln1.w", EGI_AS_IS, 0, 0},
    {"blk.#.attn_q.weight", "blocks.#.attn.W_Q", EGI_OUT_IN, 0, 0},
    {"blk.#.attn_k.weight", "blocks.#.attn.W_K", EGI_OUT_IN, 0, 0},
    {"blk.#.attn_v.weight", "blocks.#.attn.W_V", EGI_OUT_IN, 0, 0},
    {"blk.#.attn_output.weight", "blocks.#.attn.W_O", EGI_OUT_IN, 0, 0},
    {"blk.#.ffn_norm.weight", "blocks.#.ln2.w", EGI_AS_IS, 0, 0},
    {"blk.#.ffn_gate.weight", "blocks.#.mlp.W_gate", EGI_OUT_IN, 0, 0},
    {"blk.#.ffn_up.weight", "blocks.#.mlp.W_in", EGI_OUT_IN, 0, 0},
    {"blk.#.ffn_down.weight", "blocks.#.mlp.W_out", EGI_OUT_IN, 0, 0},
    {"output_norm.weight", "ln_final.w", EGI_AS_IS, 0, 0},
    {"output.weight", "W_U", EGI_OUT_IN, 0, 0},
    {NULL, NULL, EGI_AS_IS, 0, 0}};

static const char *const hf_skip[] = {"*.rotary_emb.inv_freq", NULL};
static const char *const gguf_skip[] = {"rope_freqs.weight", NULL};

/* What both kinds of file say, from their sizes and numbers. */
typedef struct numbers {
    const char *embed, *norm, *q, *up, *head; /* tensors */
    int64_t heads, kv, width, ctx;
    double eps, theta;
    const char *pairs;
} numbers;

static eg_status options(egi_found *f, egi_source *s, const numbers *n,
                         eg_err *err)
{
    egi_in *embed, *up, *q;
    int64_t width = n->width;
    eg_status st;

    EG_TRY(egi_matrix(&embed, s, n->embed, err));
    EG_TRY(egi_matrix(&up, s, n->up, err));
    EG_TRY(egi_matrix(&q, s, n->q, err));
    if (n->heads < 1 || n->heads > q->shape[0])
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: expected 1 to %td heads, found %lld", s->path,
                       q->shape[0], (long long)n->heads);
    if (width == 0) width = q->shape[0] / n->heads;
    EG_TRY(egi_opts(f,
                    "norm=pre norm_kind=rms qk=factorised pos=rotary "
                    "mlp=swiglu tied_scale=false",
                    err));
    EG_TRY(egi_opt(f, "rotary_pairs", err, "%s", n->pairs));
    EG_TRY(egi_opt(f, "tied", err, "%s",
                   egi_source_find(s, n->head) ? "false" : "true"));
    EG_TRY(egi_opt(f, "n_layers", err, "%d", egi_blocks(s, n->norm)));
    EG_TRY(egi_opt(f, "d_model", err, "%td", embed->shape[1]));
    EG_TRY(egi_opt(f, "n_heads", err, "%lld", (long long)n->heads));
    EG_TRY(egi_opt(f, "n_kv_heads", err, "%lld", (long long)n->kv));
    EG_TRY(egi_opt(f, "d_head", err, "%lld", (long long)width));
    EG_TRY(egi_opt(f, "d_mlp", err, "%td", up->shape[0]));
    EG_TRY(egi_opt(f, "norm_eps", err, "%.17g", n->eps));
    EG_TRY(egi_opt(f, "rotary_theta", err, "%.17g", n->theta));
    f->vocab = (int)embed->shape[0];
    f->max_ctx = n->ctx > 0 && n->ctx < 1 << 20 ? (int)n->ctx : 1 << 20;
done:
    return st;
}

/* ---- Hugging Face ---------------------------------------------------------
 */

static eg_status hf_options(egi_found *f, egi_source *s, const json_t *config,
                            eg_err *err)
{
    const char *type = egi_json_str(config, "model_type", "llama");
    const json_t *scaling = json_object_get(config, "rope_scaling");
    numbers n = {.embed = "model.embed_tokens.weight",
                 .norm = HF "input_layernorm.weight",
                 .q = "model.layers.0.self_attn.q_proj.weight",
                 .up = "model.layers.0.mlp.up_proj.weight",
                 .head = "lm_head.weight",
                 .heads = egi_json_int(config, "num_attention_heads", 0),
                 .width = egi_json_int(config, "head_dim", 0),
                 .ctx = egi_json_int(config, "max_position_embeddings", 0),
                 .eps = egi_json_real(config, "rms_norm_eps", 1e-6),
                 .theta = egi_json_real(config, "rope_theta", 10000),
                 .pairs = "halves"};

    n.kv = egi_json_int(config, "num_key_value_heads", n.heads);
    if (!config)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: heads and positions of a Llama stand in "
                       "config.json, which is not beside it",
                       s->path);
    if ((strcmp(type, "llama") != 0 && strcmp(type, "mistral") != 0) ||
        (scaling && !json_is_null(scaling)) ||
        strcmp(egi_json_str(config, "hidden_act", "silu"), "silu") != 0)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: config.json: expected model_type llama with "
                       "hidden_act silu and without rope_scaling, found %.40s",
                       s->path, type);
    (void)snprintf(f->what, sizeof f->what, "Llama, Hugging Face safetensors");
    return options(f, s, &n, err);
}

const egi_family egi_llama = {.mark = "model.embed_tokens.weight",
                              .moves = hf_moves,
                              .skip = hf_skip,
                              .options = hf_options};

/* ---- GGUF -----------------------------------------------------------------
 */

static eg_status gguf_options(egi_found *f, egi_source *s, const json_t *config,
                              eg_err *err)
{
    char arch[32] = "", scaling[32] = "none";
    int64_t turned = 0;
    numbers n = {.embed = "token_embd.weight",
                 .norm = "blk.#.attn_norm.weight",
                 .q = "blk.0.attn_q.weight",
                 .up = "blk.0.ffn_up.weight",
                 .head = "output.weight",
                 .eps = 1e-5,
                 .theta = 10000,
                 .pairs = "adjacent"};

    (void)config;
    (void)egi_meta_text(s, "general.architecture", arch, sizeof arch);
    (void)egi_meta_text(s, "llama.rope.scaling.type", scaling, sizeof scaling);
    if (strcmp(arch, "llama") != 0 || strcmp(scaling, "none") != 0)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: expected architecture 'llama' without rope "
                       "scaling, found '%s', '%s'",
                       s->path, arch, scaling);
    if (!egi_meta_int(s, "llama.attention.head_count", &n.heads))
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: has no number llama.attention.head_count", s->path);
    n.kv = n.heads;
    (void)egi_meta_int(s, "llama.attention.head_count_kv", &n.kv);
    (void)egi_meta_int(s, "llama.attention.key_length", &n.width);
    (void)egi_meta_int(s, "llama.context_length", &n.ctx);
    (void)egi_meta_real(s, "llama.attention.layer_norm_rms_epsilon", &n.eps);
    (void)egi_meta_real(s, "llama.rope.freq_base", &n.theta);
    (void)egi_meta_int(s, "llama.rope.dimension_count", &turned);
    (void)snprintf(f->what, sizeof f->what, "Llama, GGUF");
    {
        eg_status st = options(f, s, &n, err);

        if (st != EG_OK || turned == 0 || turned == f->opts.d_head) return st;
    }
    return EG_FAIL(err, EG_EUNSUPPORTED,
                   "%s: expected all %lld columns of a head turned, found %lld",
                   s->path, (long long)f->opts.d_head, (long long)turned);
}

const egi_family egi_llama_gguf = {.mark = "token_embd.weight",
                                   .moves = gguf_moves,
                                   .skip = gguf_skip,
                                   .options = gguf_options};
