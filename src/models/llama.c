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

/* What turns columns otherwise, or hides positions, is refused. transformers 5
 * has theta in rope_parameters. */
static eg_status hf_rotation(numbers *n, const json_t *config, const char *path,
                             eg_err *err)
{
    const json_t *rope = json_object_get(config, "rope_parameters");
    const char *kind = egi_json_str(rope, "rope_type", "default");
    int64_t window = egi_json_int(config, "sliding_window", 0);
    double theta = egi_json_real(config, "rope_theta", 10000);
    double part = egi_json_real(config, "partial_rotary_factor", 1);

    n->theta = egi_json_real(rope, "rope_theta", theta);
    part = egi_json_real(rope, "partial_rotary_factor", part);
    if (strcmp(kind, "default") != 0 || part != 1)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: config.json: expected rope_type default of all "
                       "columns, found %.40s of %g",
                       path, kind, part);
    if (window > 0 && (n->ctx == 0 || window < n->ctx))
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: config.json: expected no sliding_window, found "
                       "one of %lld",
                       path, (long long)window);
    return EG_OK;
}

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
                 .pairs = "halves"};
    eg_status st;

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
    EG_TRY(hf_rotation(&n, config, s->path, err));
    EG_TRY(egi_head_said(config, egi_source_find(s, n.head), s->path, err));
    (void)snprintf(f->what, sizeof f->what, "Llama, Hugging Face safetensors");
    EG_TRY(options(f, s, &n, err));
done:
    return st;
}

const egi_family egi_llama = {.mark = "model.embed_tokens.weight",
                              .moves = hf_moves,
                              .skip = hf_skip,
                              .options = hf_options};

/* ---- GGUF -----------------------------------------------------------------
 */

/* A number of that key, which need not be there. */
static eg_status meta_int(int64_t *out, const egi_source *s, const char *key,
                          eg_err *err)
{
    if (!egi_meta_find(s, key) || egi_meta_int(s, key, out)) return EG_OK;
    return EG_FAIL(err, EG_EFORMAT, "%s: %s: expected a whole number", s->path,
                   key);
}

static eg_status meta_real(double *out, const egi_source *s, const char *key,
                           eg_err *err)
{
    if (!egi_meta_find(s, key) || egi_meta_real(s, key, out)) return EG_OK;
    return EG_FAIL(err, EG_EFORMAT, "%s: %s: expected a finite number", s->path,
                   key);
}

/* Llama 3.1 and later divide frequencies by what stands there. */
static eg_status all_ones(egi_source *s, const char *name, eg_err *err)
{
    const egi_in *t = egi_source_find(s, name);
    float x[512];
    bool ones = true;

    if (!t) return EG_OK;
    if (t->ndim == 1 && egi_in_cols(t) <= 512) {
        egi_in_row(t, 0, x);
        for (eg_index k = 0; k < egi_in_cols(t); k++) ones &= x[k] == 1;
    } else {
        ones = false;
    }
    if (ones) return EG_OK;
    return EG_FAIL(err, EG_EUNSUPPORTED,
                   "%s: expected no rope scaling, found %s that is not all 1",
                   s->path, name);
}

static eg_status gguf_agrees(const egi_found *f, egi_source *s, eg_err *err)
{
    const struct {
        const char *key;
        int64_t found;
    } sizes[] = {{"llama.block_count", f->opts.n_layers},
                 {"llama.embedding_length", f->opts.d_model},
                 {"llama.feed_forward_length", f->opts.d_mlp},
                 {"llama.vocab_size", f->vocab}};
    eg_status st = EG_OK;

    for (size_t i = 0; st == EG_OK && i < sizeof sizes / sizeof *sizes; i++) {
        int64_t said = sizes[i].found;

        EG_TRY(meta_int(&said, s, sizes[i].key, err));
        EG_TRY(egi_agrees(s->path, sizes[i].key, said, sizes[i].found, err));
    }
done:
    return st;
}

static eg_status gguf_options(egi_found *f, egi_source *s, const json_t *config,
                              eg_err *err)
{
    char arch[32] = "", scaling[32] = "none";
    int64_t turned = 0;
    double linear = 1;
    numbers n = {.embed = "token_embd.weight",
                 .norm = "blk.#.attn_norm.weight",
                 .q = "blk.0.attn_q.weight",
                 .up = "blk.0.ffn_up.weight",
                 .head = "output.weight",
                 .eps = 1e-5,
                 .theta = 10000,
                 .pairs = "adjacent"};
    eg_status st;

    (void)config;
    (void)egi_meta_text(s, "general.architecture", arch, sizeof arch);
    (void)egi_meta_text(s, "llama.rope.scaling.type", scaling, sizeof scaling);
    EG_TRY(meta_real(&linear, s, "llama.rope.scale_linear", err));
    if (strcmp(arch, "llama") != 0 || strcmp(scaling, "none") != 0 ||
        linear != 1)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: expected architecture 'llama' without rope "
                       "scaling, found '%s', '%s' by %g",
                       s->path, arch, scaling, linear);
    EG_TRY(all_ones(s, "rope_freqs.weight", err));
    if (!egi_meta_int(s, "llama.attention.head_count", &n.heads))
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: has no number llama.attention.head_count", s->path);
    n.kv = n.heads;
    EG_TRY(meta_int(&n.kv, s, "llama.attention.head_count_kv", err));
    EG_TRY(meta_int(&n.width, s, "llama.attention.key_length", err));
    EG_TRY(meta_int(&n.ctx, s, "llama.context_length", err));
    EG_TRY(meta_real(&n.eps, s, "llama.attention.layer_norm_rms_epsilon", err));
    EG_TRY(meta_real(&n.theta, s, "llama.rope.freq_base", err));
    EG_TRY(meta_int(&turned, s, "llama.rope.dimension_count", err));
    (void)snprintf(f->what, sizeof f->what, "Llama, GGUF");
    EG_TRY(options(f, s, &n, err));
    if (turned != 0 && turned != f->opts.d_head)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: expected all %lld columns of a head turned, found "
                       "%lld",
                       s->path, (long long)f->opts.d_head, (long long)turned);
    EG_TRY(gguf_agrees(f, s, err));
done:
    return st;
}

const egi_family egi_llama_gguf = {.mark = "token_embd.weight",
                                   .moves = gguf_moves,
                                   .skip = gguf_skip,
                                   .options = gguf_options};
