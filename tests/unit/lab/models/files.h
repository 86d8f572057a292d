/* The forms of models/forms.h as files of other programs in a folder of the
 * test's own, and opened again. */
#ifndef FILES_H
#define FILES_H

#include <unistd.h>

#include "lab/models/forms.h"
#include "lab/models/gguf_build.h"
#include "scratch.h"

static char dir[64];

static inline const char *in_dir(const char *name)
{
    static char path[2][128];
    static int turn;

    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static inline void write_text(const char *name, const char *text)
{
    eg_err err;

    if (eg_file_write(in_dir(name), text, strlen(text), &err) != EG_OK)
        fail_msg("%s", err.msg);
}

static inline void write_form(const char *name, const form *f)
{
    eg_err err;

    if (eg_st_write(in_dir(name), f->entry, f->n, NULL, 0, &err) != EG_OK)
        fail_msg("%s", err.msg);
}

static inline void clear(void)
{
    static const char *const files[] = {"model.safetensors", "config.json",
                                        "model.gguf", "model.bin"};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        (void)remove(in_dir(files[i]));
}

/* ---- the forms ------------------------------------------------------------
 */

/* prefix "": Hugging Face's, [in, out] with biases; else nanoGPT's. */
static inline void gpt2_form(form *f, const char *prefix)
{
    static const struct {
        const char *name;
        int in, out;
    } part[] = {{"attn.c_attn", D, 3 * D},
                {"attn.c_proj", D, D},
                {"mlp.c_fc", D, 4 * D},
                {"mlp.c_proj", 4 * D, D}};
    bool hf = prefix[0] == 0;
    char name[128];

    f->n = 0;
    snprintf(name, sizeof name, "%swte.weight", prefix);
    form_add(f, name, 2, V, D);
    snprintf(name, sizeof name, "%swpe.weight", prefix);
    form_add(f, name, 2, T, D);
    for (int l = 0; l < L; l++) {
        for (int k = 1; k <= 2; k++) {
            snprintf(name, sizeof name, "%sh.%d.ln_%d.weight", prefix, l, k);
            form_add(f, name, 1, D, 0);
            snprintf(name, sizeof name, "%sh.%d.ln_%d.bias", prefix, l, k);
            if (hf) form_add(f, name, 1, D, 0);
        }
        for (int k = 0; k < 4; k++) {
            int in = part[k].in, out = part[k].out;

            snprintf(name, sizeof name, "%sh.%d.%s.weight", prefix, l,
                     part[k].name);
            form_add(f, name, 2, hf ? in : out, hf ? out : in);
            snprintf(name, sizeof name, "%sh.%d.%s.bias", prefix, l,
                     part[k].name);
            if (hf) form_add(f, name, 1, out, 0);
        }
    }
    snprintf(name, sizeof name, "%sln_f.weight", prefix);
    form_add(f, name, 1, D, 0);
    snprintf(name, sizeof name, "%sln_f.bias", prefix);
    if (hf) form_add(f, name, 1, D, 0);
}

static inline void llama_form(form *f)
{
    static const struct {
        const char *name;
        int out, in;
    } part[] = {{"self_attn.q_proj", 16, D}, {"self_attn.k_proj", 8, D},
                {"self_attn.v_proj", 8, D},  {"self_attn.o_proj", D, 16},
                {"mlp.gate_proj", 24, D},    {"mlp.up_proj", 24, D},
                {"mlp.down_proj", D, 24}};
    char name[128];

    f->n = 0;
    form_add(f, "model.embed_tokens.weight", 2, V, D);
    for (int l = 0; l < L; l++) {
        for (int k = 0; k < 7; k++) {
            snprintf(name, sizeof name, "model.layers.%d.%s.weight", l,
                     part[k].name);
            form_add(f, name, 2, part[k].out, part[k].in);
        }
        snprintf(name, sizeof name, "model.layers.%d.input_layernorm.weight",
                 l);
        form_add(f, name, 1, D, 0);
        snprintf(name, sizeof name,
                 "model.layers.%d.post_attention_layernorm.weight", l);
        form_add(f, name, 1, D, 0);
    }
    form_add(f, "model.norm.weight", 1, D, 0);
    form_add(f, "lm_head.weight", 2, V, D);
}

static inline void bert_form(form *f)
{
    static const struct {
        const char *name;
        int out, in;
    } part[] = {
        {"attention.self.query", D, D},   {"attention.self.key", D, D},
        {"attention.self.value", D, D},   {"attention.output.dense", D, D},
        {"intermediate.dense", 4 * D, D}, {"output.dense", D, 4 * D}};
    static const char *const norms[] = {"attention.output.LayerNorm",
                                        "output.LayerNorm"};
    char name[128];

    f->n = 0;
    form_add(f, "embeddings.word_embeddings.weight", 2, V, D);
    form_add(f, "embeddings.position_embeddings.weight", 2, T, D);
    form_add(f, "embeddings.token_type_embeddings.weight", 2, 2, D);
    form_add(f, "embeddings.LayerNorm.weight", 1, D, 0);
    form_add(f, "embeddings.LayerNorm.bias", 1, D, 0);
    for (int l = 0; l < L; l++) {
        for (int k = 0; k < 6; k++) {
            snprintf(name, sizeof name, "encoder.layer.%d.%s.weight", l,
                     part[k].name);
            form_add(f, name, 2, part[k].out, part[k].in);
            snprintf(name, sizeof name, "encoder.layer.%d.%s.bias", l,
                     part[k].name);
            form_add(f, name, 1, part[k].out, 0);
        }
        for (int k = 0; k < 2; k++) {
            snprintf(name, sizeof name, "encoder.layer.%d.%s.weight", l,
                     norms[k]);
            form_add(f, name, 1, D, 0);
            snprintf(name, sizeof name, "encoder.layer.%d.%s.bias", l,
                     norms[k]);
            form_add(f, name, 1, D, 0);
        }
    }
}

/* The same Llama in GGUF, whose rows of queries and keys stand in the order in
 * which adjacent columns are turned; llama.cpp's convert_hf_to_gguf.py,
 * permute. */
static inline void gguf_rows(gguf *g, const eg_st_entry *e, bool turned)
{
    const float *x = e->view.data;
    eg_index cols = e->view.shape[1], width = 4;

    for (eg_index r = 0; r < e->view.shape[0]; r++) {
        eg_index h = r / width, i = r % width;
        eg_index from = turned ? h * width + i % 2 * 2 + i / 2 : r;

        gguf_put(g, x + from * cols, (size_t)cols * sizeof *x);
    }
}

static const char *const GGUF_NAMES[][2] = {
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {"input_layernorm", "attn_norm"},
    {"post_attention_layernorm", "ffn_norm"},
    {"model.embed_tokens", "token_embd"},
    {"model.norm", "output_norm"},
    {"lm_head", "output"}};

/* "model.layers.1.mlp.up_proj.weight" to "blk.1.ffn_up.weight". */
static inline void gguf_name(char to[128], const char *name)
{
    const char *part = name;
    char block[32] = "";

    snprintf(to, 128, "%s", name);

    if (strncmp(name, "model.layers.", 13) == 0) {
        part = strchr(name + 13, '.') + 1;
        snprintf(block, sizeof block, "blk.%c.", name[13]);
    }
    for (size_t i = 0; i < sizeof GGUF_NAMES / sizeof *GGUF_NAMES; i++) {
        size_t n = strlen(GGUF_NAMES[i][0]);

        if (strncmp(part, GGUF_NAMES[i][0], n) == 0 &&
            strcmp(part + n, ".weight") == 0)
            snprintf(to, 128, "%s%s.weight", block, GGUF_NAMES[i][1]);
    }
}

/* One more value of metadata, where a test sets it. */
static void (*gguf_more)(gguf *g);

static inline void more_blocks(gguf *g)
{
    gguf_key_u32(g, "llama.block_count", L + 1);
}

static inline void more_theta(gguf *g)
{
    gguf_key_text(g, "llama.rope.freq_base", "1e5");
}

static inline void more_linear(gguf *g)
{
    gguf_key_f64(g, "llama.rope.scale_linear", 0.5);
}

static inline void write_gguf(const form *f, const char *arch)
{
    static const char *const token[] = {"a",
                                        "b",
                                        "c",
                                        "ab",
                                        "bc",
                                        "abc",
                                        "d",
                                        "e",
                                        "f",
                                        "g",
                                        "h",
                                        "i",
                                        "j",
                                        "k",
                                        "l",
                                        "m",
                                        "n",
                                        "<s>",
                                        "<|endoftext|>"};
    static const char *const merge[] = {"a b", "b c", "a bc"};
    static gguf g;
    uint64_t place = 0;
    char name[128];
    eg_err err;

    gguf_begin(&g, 3, (uint64_t)f->n, gguf_more ? 10 : 9);
    if (gguf_more) gguf_more(&g);
    gguf_key_text(&g, "general.architecture", arch);
    gguf_key_u32(&g, "llama.context_length", 64);
    gguf_key_u32(&g, "llama.attention.head_count", 4);
    gguf_key_u32(&g, "llama.attention.head_count_kv", 2);
    gguf_key_u32(&g, "llama.rope.dimension_count", 4);
    gguf_key_f64(&g, "llama.attention.layer_norm_rms_epsilon", 1e-5);
    gguf_key_text(&g, "tokenizer.ggml.model", "gpt2");
    gguf_key_texts(&g, "tokenizer.ggml.tokens", token, V);
    gguf_key_texts(&g, "tokenizer.ggml.merges", merge, 3);
    for (int i = 0; i < f->n; i++) {
        const eg_view *v = &f->entry[i].view;
        bool vector = v->ndim == 1;

        gguf_name(name, f->entry[i].name);
        gguf_tensor(&g, name, vector ? 0 : (uint64_t)v->shape[0],
                    (uint64_t)v->shape[vector ? 0 : 1], 0, place);
        place += ((uint64_t)eg_view_size(v) * 4 + 31) / 32 * 32;
    }
    for (int i = 0; i < f->n; i++) {
        const eg_view *v = &f->entry[i].view;
        bool turned = strstr(f->entry[i].name, "q_proj") ||
                      strstr(f->entry[i].name, "k_proj");

        gguf_align(&g, 32);
        if (v->ndim == 1)
            gguf_put(&g, v->data, (size_t)v->shape[0] * 4);
        else
            gguf_rows(&g, &f->entry[i], turned);
    }
    if (eg_file_write(in_dir("model.gguf"), g.bytes, g.n, &err) != EG_OK)
        fail_msg("%s", err.msg);
}

static inline void opens(eg_checkpoint *c, const char *path,
                         const char *precision)
{
    char set[64];
    const char *assign[] = {set};
    eg_checkpoint_how how = {.n_ctx = N, .assign = assign, .n_assign = 1};
    eg_err err;

    snprintf(set, sizeof set, "train.precision=%s", precision);
    if (eg_checkpoint_open(c, path, &how, &err) != EG_OK)
        fail_msg("%s (%s)", err.msg, err.where);
}

static inline int make_dir(void **state)
{
    (void)state;
    scratch_make(dir, sizeof dir);
    return 0;
}

static inline int drop_dir(void **state)
{
    (void)state;
    clear();
    return rmdir(dir);
}

#endif
