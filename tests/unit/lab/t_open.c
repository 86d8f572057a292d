/* Other programs' models, opened: what they compute is what PyTorch computed on
 * the same weights (models/record.py), and a bad file says what is wrong. */
#include "models/forms.h"
#include "models/gguf_build.h"
#include "models/recorded.h"

#include <unistd.h>

static const eg_index LOGITS = (eg_index)N * V, HIDDEN = (eg_index)N * D;

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[2][128];
    static int turn;

    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void write_text(const char *name, const char *text)
{
    eg_err err;

    if (eg_file_write(in_dir(name), text, strlen(text), &err) != EG_OK)
        fail_msg("%s", err.msg);
}

static void write_form(const char *name, const form *f)
{
    eg_err err;

    if (eg_st_write(in_dir(name), f->entry, f->n, NULL, 0, &err) != EG_OK)
        fail_msg("%s", err.msg);
}

static void clear(void)
{
    static const char *const files[] = {"model.safetensors", "config.json",
                                        "model.gguf", "model.bin"};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        (void)remove(in_dir(files[i]));
}

/* ---- the forms ------------------------------------------------------------
 */

/* prefix "": Hugging Face's, [in, out] with biases; else nanoGPT's. */
static void gpt2_form(form *f, const char *prefix)
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

static void llama_form(form *f)
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

static void bert_form(form *f)
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

/* ---- what they compute ----------------------------------------------------
 */

typedef struct shown {
    const char *hook;
    double *x;
    eg_index n;
} shown;

static void tokens(const void *from, uint32_t index, eg_seq *out)
{
    (void)from;
    (void)index;
    for (int t = 0; t < N; t++) {
        out->tokens[t] = TOKENS[t];
        out->targets[t] = t + 1 < N ? TOKENS[t + 1] : -1;
        out->labels[t] = 0;
    }
}

static void keep(void *ctx, int index, int worker, const eg_acts *a)
{
    shown *s = ctx;
    eg_view v;

    (void)index;
    (void)worker;
    assert_true(eg_acts_hook(a, s->hook, &v));
    assert_int_equal(eg_view_size(&v), s->n);
    for (eg_index i = 0; i < s->n; i++) s->x[i] = eg_view_at(&v, i);
}

/* The largest difference from what was recorded, in either precision. */
static double differs(const eg_checkpoint *c, const char *hook,
                      const double *want, eg_index n)
{
    double *x = calloc((size_t)n, sizeof *x), worst = 0;
    shown s = {hook, x, n};
    eg_task *task = NULL;
    eg_pool *pool = NULL;
    eg_eval *e = NULL;
    eg_err err;

    if (eg_task_new(&task, &c->config->task, 1, &err) != EG_OK ||
        eg_pool_new(&pool, 1, &err) != EG_OK ||
        eg_eval_new(&e, c->model, task, pool, "auto", EG_EVAL_BASIC, &err) !=
            EG_OK)
        fail_msg("%s", err.msg);
    eg_eval_run_on(e, tokens, NULL, 1, keep, &s);
    for (eg_index i = 0; i < n; i++) worst = fmax(worst, fabs(x[i] - want[i]));
    eg_eval_free(e);
    eg_task_free(task);
    eg_pool_free(pool);
    free(x);
    return worst;
}

static void opens(eg_checkpoint *c, const char *path, const char *precision)
{
    char set[64];
    const char *assign[] = {set};
    eg_checkpoint_how how = {.n_ctx = N, .assign = assign, .n_assign = 1};
    eg_err err;

    snprintf(set, sizeof set, "train.precision=%s", precision);
    if (eg_checkpoint_open(c, path, &how, &err) != EG_OK)
        fail_msg("%s (%s)", err.msg, err.where);
}

/* exact: what float64 may differ by, where the library takes some steps in
 * float32 itself. */
static void computes(const char *path, const char *hook, const double *want,
                     eg_index n, double exact)
{
    eg_checkpoint c;
    double d, f;

    opens(&c, path, "float64");
    d = differs(&c, hook, want, n);
    eg_checkpoint_release(&c);
    opens(&c, path, "float32");
    f = differs(&c, hook, want, n);
    printf("  %-42s float64 off by %.1e, float32 by %.1e\n", c.what, d, f);
    eg_checkpoint_release(&c);
    assert_true(d <= exact);
    assert_true(f <= 1e-5 && f > 0);
}

static void test_gpt2(void **state)
{
    form f;

    (void)state;
    gpt2_form(&f, "");
    form_add(&f, "h.0.attn.bias", 2, T, T); /* a mask */
    form_add(&f, "h.1.attn.masked_bias", 1, 1, 0);
    write_form("model.safetensors", &f);
    write_text("config.json", "{\"n_head\": 2, \"activation_function\": "
                              "\"gelu_new\", \"layer_norm_epsilon\": 1e-05}");
    computes(dir, "logits", GPT2_LOGITS, LOGITS, 1e-13);
    form_release(&f);
    clear();
}

static void test_nanogpt(void **state)
{
    form f;

    (void)state;
    gpt2_form(&f, "transformer.");
    write_form("model.safetensors", &f);
    write_text("config.json", "{\"n_head\": 2}");
    computes(in_dir("model.safetensors"), "logits", NANO_LOGITS, LOGITS, 1e-13);
    form_release(&f);
    clear();
}

static void test_llama(void **state)
{
    form f;

    (void)state;
    llama_form(&f);
    write_form("model.safetensors", &f);
    write_text("config.json",
               "{\"num_attention_heads\": 4, \"num_key_value_heads\": 2, "
               "\"rms_norm_eps\": 1e-05, \"rope_scaling\": null}");
    computes(dir, "logits", LLAMA_LOGITS, LOGITS, 1e-13);
    form_release(&f);
    clear();
}

/* The same Llama in GGUF, whose rows of queries and keys stand in the order in
 * which adjacent columns are turned; llama.cpp's convert_hf_to_gguf.py,
 * permute. */
static void gguf_rows(gguf *g, const eg_st_entry *e, bool turned)
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
static void gguf_name(char to[128], const char *name)
{
    const char *part = name;
    char block[32] = "";

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

static void write_gguf(const form *f, const char *arch)
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

    gguf_begin(&g, 3, (uint64_t)f->n, 9);
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

static void test_gguf(void **state)
{
    eg_checkpoint c;
    eg_ids ids = {0};
    form f;
    eg_err err;

    (void)state;
    llama_form(&f);
    write_gguf(&f, "llama");
    computes(dir, "logits", LLAMA_LOGITS, LOGITS, 1e-13);
    if (eg_checkpoint_open(&c, dir, NULL, &err) != EG_OK)
        fail_msg("%s", err.msg);
    assert_non_null(c.tokenizer);
    assert_int_equal(eg_tokenizer_vocab(c.tokenizer), V);
    assert_int_equal(c.max_ctx, 64);
    assert_int_equal(
        eg_tokenizer_encode(c.tokenizer, "abcab", 5, 0, &ids, &err), EG_OK);
    assert_int_equal(ids.n, 3);
    assert_true(ids.id[0] == 3 && ids.id[1] == 2 && ids.id[2] == 3);
    eg_ids_release(&ids);
    eg_checkpoint_release(&c);
    eg_checkpoint_release(&c);
    write_gguf(&f, "falcon");
    assert_int_equal(eg_checkpoint_open(&c, dir, NULL, &err), EG_EUNSUPPORTED);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, "expected architecture 'llama'"));
    form_release(&f);
    clear();
}

/* GPT-2 as llm.c writes it: matrices [out, in], blocks side by side, two rows
 * of padding behind the vocabulary. */
static void write_llmc(form *f, int version)
{
    static const char *const part[] = {
        "wte.weight",         "wpe.weight",         "ln_1.weight",
        "ln_1.bias",          "attn.c_attn.weight", "attn.c_attn.bias",
        "attn.c_proj.weight", "attn.c_proj.bias",   "ln_2.weight",
        "ln_2.bias",          "mlp.c_fc.weight",    "mlp.c_fc.bias",
        "mlp.c_proj.weight",  "mlp.c_proj.bias",    "ln_f.weight",
        "ln_f.bias"};
    int32_t h[256] = {20240326, version, T, V, L, 2, D, V + 2};
    static gguf g;
    char name[128];
    eg_err err;

    g.n = 0;
    gguf_put(&g, h, sizeof h);
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        bool once = i < 2 || i > 13;

        for (int l = 0; l < (once ? 1 : L); l++) {
            const eg_view *v;
            const float *x;
            eg_index rows, cols;

            if (once)
                snprintf(name, sizeof name, "%s", part[i]);
            else
                snprintf(name, sizeof name, "h.%d.%s", l, part[i]);
            v = &form_find(f, name)->view;
            x = v->data;
            rows = v->ndim == 1 || i < 2 ? v->shape[0] : v->shape[1];
            cols = v->ndim == 1 ? 1 : v->shape[i < 2 ? 1 : 0];
            for (eg_index k = 0; k < rows * cols; k++) {
                eg_index r = k / cols, c = k % cols;
                const float *at =
                    v->ndim == 1 || i < 2 ? x + k : x + c * rows + r;

                if (version == 3)
                    gguf_put(&g, at, 4);
                else
                    gguf_put(&g, (const char *)at + 2, 2);
            }
            for (int k = 0; i == 0 && k < 2 * D; k++)
                gguf_put(&g, "\0\0\0", version == 3 ? 4 : 2);
        }
    }
    if (eg_file_write(in_dir("model.bin"), g.bytes, g.n, &err) != EG_OK)
        fail_msg("%s", err.msg);
}

static void test_llmc(void **state)
{
    eg_checkpoint c;
    form f;
    double d;

    (void)state;
    gpt2_form(&f, "");
    write_llmc(&f, 3);
    computes(in_dir("model.bin"), "logits", GPT2_LOGITS, LOGITS, 1e-13);
    write_llmc(&f, 5); /* numbers cut to 8 bits */
    opens(&c, in_dir("model.bin"), "float32");
    d = differs(&c, "logits", GPT2_LOGITS, LOGITS);
    printf("  the same in bfloat16: off by %.1e\n", d);
    assert_true(d > 1e-4 && d < 0.3);
    eg_checkpoint_release(&c);
    form_release(&f);
    clear();
}

/* Out and in again: the same numbers; biases that are not there are zeros. */
static void test_export(void **state)
{
    static const char *const drop[] = {"hf/model.safetensors", "hf/config.json",
                                       "hf"};
    eg_checkpoint c;
    form f;
    eg_err err;

    (void)state;
    for (int nano = 0; nano < 2; nano++) {
        gpt2_form(&f, nano ? "transformer." : "");
        write_form("model.safetensors", &f);
        write_text("config.json", "{\"n_head\": 2}");
        opens(&c, dir, "float32");
        if (eg_export_gpt2(c.model, in_dir("hf"), &err) != EG_OK)
            fail_msg("%s", err.msg);
        computes(in_dir("hf"), "logits", nano ? NANO_LOGITS : GPT2_LOGITS,
                 LOGITS, 1e-13);
        assert_int_equal(eg_export_gpt2(c.model, in_dir("hf"), &err),
                         EG_EINVAL); /* not empty */
        eg_checkpoint_release(&c);
        for (int i = 0; i < 3; i++) (void)remove(in_dir(drop[i]));
        form_release(&f);
        clear();
    }
    llama_form(&f);
    write_gguf(&f, "llama");
    opens(&c, dir, "float32");
    assert_int_equal(eg_export_gpt2(c.model, in_dir("hf"), &err),
                     EG_EUNSUPPORTED);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, "expected model.norm_kind: layer or"));
    assert_false(eg_file_exists(in_dir("hf")));
    eg_checkpoint_release(&c);
    form_release(&f);
    clear();
}

static void test_bert(void **state)
{
    form f;
    int64_t *ids;
    eg_st_entry *e;

    (void)state;
    bert_form(&f);
    e = &f.entry[f.n]; /* as real files have */
    snprintf(e->name, sizeof e->name, "embeddings.position_ids");
    f.own[f.n++] = ids = eg_calloc(T, sizeof *ids);
    e->view = (eg_view){ids, EG_I64, 2, {1, T}};
    write_form("model.safetensors", &f);
    write_text("config.json", "{\"num_attention_heads\": 2}");
    computes(dir, "blocks.1.hook_resid_post", BERT_HIDDEN, HIDDEN, 1e-13);
    form_release(&f);
    clear();
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/engram-open-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    (void)state;
    clear();
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gpt2),  cmocka_unit_test(test_nanogpt),
        cmocka_unit_test(test_llama), cmocka_unit_test(test_gguf),
        cmocka_unit_test(test_llmc),  cmocka_unit_test(test_export),
        cmocka_unit_test(test_bert),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
