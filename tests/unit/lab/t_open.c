/* Other programs' models, opened: what they compute is what PyTorch computed on
 * the same weights (models/record.py), and a bad file says what is wrong. */
#include "models/files.h"
#include "models/recorded.h"

#include "base/array.h"

static const eg_index LOGITS = (eg_index)N * V, HIDDEN = (eg_index)N * D;

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

/* As many positions as it has tokens for "abcab", and 17; once. */
static int for_prompt(void *ctx, const eg_tokenizer *t)
{
    eg_ids ids = {0};
    eg_err err;
    int n;

    ++*(int *)ctx;
    assert_non_null(t);
    assert_int_equal(eg_tokenizer_encode(t, "abcab", 5, 0, &ids, &err), EG_OK);
    n = (int)ids.n + 17;
    eg_ids_release(&ids);
    return n;
}

static int many(void *ctx, const eg_tokenizer *t)
{
    (void)t;
    ++*(int *)ctx;
    return 1000;
}

/* Positions are asked for when the tokenizer is known; the file's are the most,
 * what is assigned comes after. */
static void asked(void)
{
    static const char *const set[] = {"task.n_ctx=9"};
    int times = 0;
    eg_checkpoint_how how = {.positions = for_prompt, .positions_ctx = &times};
    eg_checkpoint c;
    eg_err err;

    for (int i = 0; i < 3; i++) {
        if (i == 1) how.positions = many;
        if (i == 2) how.assign = set;
        how.n_assign = i == 2;
        if (eg_checkpoint_open(&c, dir, &how, &err) != EG_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(eg_model_ctx(c.model), i == 0 ? 20 : i == 1 ? 64 : 9);
        assert_int_equal(times, i + 1);
        eg_checkpoint_release(&c);
    }
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
    asked();
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

static void same_rounded(const eg_model *m, const eg_model *half, eg_dtype type)
{
    assert_int_equal(eg_model_n_tensors(m), eg_model_n_tensors(half));
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_view a = eg_model_view(m, i), b = eg_model_view(half, i);

        for (eg_index k = 0, n = eg_view_size(&a); k < n; k++) {
            uint16_t bits = egi_half_bits((float)eg_view_at(&a, k), type);
            eg_view one = {&bits, type, 0, {0}};

            assert_true(eg_view_at(&b, k) == eg_view_at(&one, 0));
        }
    }
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
        if (eg_export_gpt2(c.model, in_dir("hf"), EG_F32, &err) != EG_OK)
            fail_msg("%s", err.msg);
        computes(in_dir("hf"), "logits", nano ? NANO_LOGITS : GPT2_LOGITS,
                 LOGITS, 1e-13);
        assert_int_equal(eg_export_gpt2(c.model, in_dir("hf"), EG_F32, &err),
                         EG_EINVAL); /* not empty */
        eg_checkpoint_release(&c);
        for (int i = 0; i < 3; i++) (void)remove(in_dir(drop[i]));
        form_release(&f);
        clear();
    }
    /* in halves: each weight is rounded, and read as what it was rounded to */
    gpt2_form(&f, "");
    write_form("model.safetensors", &f);
    write_text("config.json", "{\"n_head\": 2}");
    opens(&c, dir, "float32");
    for (int k = 0; k < 2; k++) {
        const eg_dtype type = k ? EG_F16 : EG_BF16;
        eg_checkpoint half;
        double d;

        if (eg_export_gpt2(c.model, in_dir("hf"), type, &err) != EG_OK)
            fail_msg("%s", err.msg);
        opens(&half, in_dir("hf"), "float64");
        same_rounded(c.model, half.model, type);
        d = differs(&half, "logits", GPT2_LOGITS, LOGITS);
        printf("  logits in %s off by %.1e\n", eg_dtype_name(type), d);
        assert_true(d > 0 && d < (k ? 0.01 : 0.1));
        eg_checkpoint_release(&half);
        for (int i = 0; i < 3; i++) (void)remove(in_dir(drop[i]));
    }
    eg_checkpoint_release(&c);
    form_release(&f);
    clear();
    llama_form(&f);
    write_gguf(&f, "llama");
    opens(&c, dir, "float32");
    assert_int_equal(eg_export_gpt2(c.model, in_dir("hf"), EG_F32, &err),
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
