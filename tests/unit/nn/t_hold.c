/* Hooks that are held: what reads them reads what they are held at, and nothing
 * else changes. */
#include "nn_test.h"

enum { T = 12, V = 65, COUNT = 5, WIDE = 12 };
#define TASK "n_ctx=12 n_triggers=2"

static const variant model = {
    "two heads",
    "qk=factorised n_heads=2 norm=pre mlp=gelu pos=learned mlp_bias=true",
    "loss=all"};

/* Logits of COUNT sequences and the hook that was asked for. */
typedef struct found {
    const char *hook;
    float logits[COUNT][T * V], at[COUNT][T * WIDE];
} found;

static void keep(void *ctx, int index, int worker, const eg_acts *a)
{
    found *f = ctx;
    eg_view v;

    (void)worker;
    assert_true(eg_acts_hook(a, "logits", &v));
    memcpy(f->logits[index], v.data, sizeof f->logits[index]);
    if (!f->hook) return;
    assert_true(eg_acts_hook(a, f->hook, &v));
    assert_int_equal(eg_view_size(&v), T * WIDE);
    memcpy(f->at[index], v.data, sizeof f->at[index]);
}

static found *look(eg_eval *e, const char *hook)
{
    found *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->hook = hook;
    eg_eval_run(e, EG_TEST, 0, 0, COUNT, keep, f);
    return f;
}

/* A model by its seed, and an evaluator. */
typedef struct bench {
    setting set;
    eg_trainer *tr;
    eg_eval *e;
} bench;

static void bench_open(bench *b, int threads, uint64_t seed)
{
    eg_err err = {0};

    setting_open(&b->set, &model, TASK, threads);
    b->set.spec.seed = seed;
    b->tr = trainer_open(&b->set);
    if (eg_eval_new(&b->e, eg_trainer_model(b->tr), b->set.task, b->set.pool,
                    "auto", EG_EVAL_BASIC, &err) != EG_OK)
        fail_msg("%s", err.msg);
}

static void bench_close(bench *b)
{
    eg_eval_free(b->e);
    eg_trainer_free(b->tr);
    setting_close(&b->set);
}

static void hold(eg_eval *e, const char *hook, int head, const double *row,
                 eg_eval *other)
{
    const eg_hold h = {hook, head, row, other};
    eg_err err = {0};

    if (eg_eval_hold(e, &h, &err) != EG_OK) fail_msg("%s", err.msg);
}

/* The tensor is zero in its part from .. from + n - 1. */
static void zero_part(bench *b, const char *name, eg_index from, eg_index n)
{
    eg_model *m = eg_trainer_model(b->tr);
    int i = eg_model_find(m, name);
    double *w;

    assert_true(i >= 0);
    w = calloc((size_t)eg_model_tensor(m, i)->size, sizeof *w);
    assert_non_null(w);
    eg_model_get(m, i, w);
    memset(w + from, 0, (size_t)n * sizeof *w);
    eg_model_set(m, i, w);
    free(w);
}

static double far(const found *a, const found *b)
{
    double worst = 0;

    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < T * V; k++)
            worst = fmax(
                worst, fabs((double)a->logits[i][k] - (double)b->logits[i][k]));
    return worst;
}

/* Holding what a layer, or one of its heads, writes at zero is the model whose
 * output matrix is zero there; letting go is the model as it was. */
static void zero_is_a_model_without(void **state)
{
    static const struct {
        const char *hook;
        int head;
        const char *tensor;
        eg_index from, n;
    } cases[] = {
        {"blocks.0.hook_attn_out", -1, "blocks.0.attn.W_O", 0, 144},
        {"blocks.1.attn.hook_z", 0, "blocks.1.attn.W_O", 0, 72},
        {"blocks.1.attn.hook_z", 1, "blocks.1.attn.W_O", 72, 72},
        {"blocks.0.attn.hook_v", 1, "blocks.0.attn.W_V", 72, 72},
        {"blocks.1.mlp.hook_post", -1, "blocks.1.mlp.W_out", 0, 576},
        {"hook_pos_embed", -1, "W_pos", 0, 144},
    };

    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        bench a, b;
        found *was, *held, *without, *again;

        bench_open(&a, 2, 5);
        bench_open(&b, 1, 5);
        zero_part(&b, cases[k].tensor, cases[k].from, cases[k].n);
        was = look(a.e, NULL);
        hold(a.e, cases[k].hook, cases[k].head, NULL, NULL);
        held = look(a.e, NULL);
        without = look(b.e, NULL);
        eg_eval_let_go(a.e);
        again = look(a.e, NULL);
        printf("  %s %d: %.1e from the model without, %.1e from with\n",
               cases[k].hook, cases[k].head, far(held, without),
               far(held, was));
        assert_true(far(held, without) < 1e-6);
        assert_true(far(held, was) > 1e-3);
        assert_memory_equal(was->logits, again->logits, sizeof was->logits);
        free(was);
        free(held);
        free(without);
        free(again);
        bench_close(&a);
        bench_close(&b);
    }
}

/* A row is there at every position, also where a second hold writes over it. */
static void a_row_everywhere(void **state)
{
    static const char hook[] = "blocks.0.hook_mlp_out";
    double row[WIDE], half[WIDE / 2];
    bench a;
    found *f;

    (void)state;
    bench_open(&a, 3, 5);
    for (int i = 0; i < WIDE; i++) row[i] = i + 0.5;
    hold(a.e, hook, -1, NULL, NULL);
    hold(a.e, hook, -1, row, NULL);
    row[0] = 99; /* it was copied */
    f = look(a.e, hook);
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < T * WIDE; k++)
            assert_true(f->at[i][k] == (float)(k % WIDE) + 0.5F);
    free(f);

    eg_eval_let_go(a.e);
    for (int i = 0; i < WIDE / 2; i++) half[i] = -i;
    hold(a.e, "blocks.1.attn.hook_q", 1, half, NULL);
    f = look(a.e, "blocks.1.attn.hook_q");
    for (int k = 0; k < T * WIDE; k++) {
        int c = k % WIDE - WIDE / 2;

        if (c >= 0) assert_true(f->at[2][k] == (float)-c);
        if (c == -1) assert_true(f->at[2][k] != -(float)WIDE / 2 + 1);
    }
    free(f);
    bench_close(&a);
}

/* Another model's last residual stream, read by the same norm and head, gives
 * its logits; on any number of threads. */
static void another_model(void **state)
{
    static const char *const same[] = {"W_U", "ln_final.w", "ln_final.b"};
    static double w[WIDE * V];
    found *held[2], *theirs[2], *own;

    (void)state;
    for (int k = 0; k < 2; k++) {
        bench a, b;

        bench_open(&a, k ? 3 : 1, 5);
        bench_open(&b, k ? 3 : 1, 6);
        for (int i = 0; i < 3; i++) {
            eg_model *from = eg_trainer_model(b.tr);
            int at = eg_model_find(from, same[i]);

            eg_model_get(from, at, w);
            eg_model_set(eg_trainer_model(a.tr), at, w);
        }
        own = look(a.e, NULL);
        hold(a.e, "blocks.1.hook_resid_post", -1, NULL, b.e);
        held[k] = look(a.e, "blocks.1.hook_resid_post");
        theirs[k] = look(b.e, "blocks.1.hook_resid_post");
        assert_memory_equal(held[k]->logits, theirs[k]->logits,
                            sizeof own->logits);
        assert_memory_equal(held[k]->at, theirs[k]->at, sizeof own->at);
        assert_true(far(held[k], own) > 1e-3);
        free(own);
        bench_close(&a);
        bench_close(&b);
    }
    assert_memory_equal(held[0]->logits, held[1]->logits,
                        sizeof held[0]->logits);
    for (int k = 0; k < 2; k++) {
        free(held[k]);
        free(theirs[k]);
    }
}

static void refused(eg_eval *e, const char *hook, int head, const char *words)
{
    const eg_hold h = {hook, head, NULL, NULL};
    eg_err err = {0};

    assert_int_equal(eg_eval_columns(e, hook, head), 0);
    assert_int_equal(eg_eval_hold(e, &h, &err), EG_EINVAL);
    print_message("  %s\n", err.msg);
    if (!strstr(err.msg, words)) fail_msg("expected '%s'", words);
}

static void what_cannot_be_held(void **state)
{
    bench a;

    (void)state;
    bench_open(&a, 1, 5);
    assert_int_equal(eg_eval_columns(a.e, "blocks.1.attn.hook_z", -1), WIDE);
    assert_int_equal(eg_eval_columns(a.e, "blocks.1.attn.hook_z", 1), WIDE / 2);
    refused(a.e, "blocks.1.attn.hook_zz", -1,
            "did you mean 'blocks.1.attn.hook_z'?");
    refused(a.e, "blocks.0.attn.hook_pattern", -1, "can only be read");
    refused(a.e, "blocks.0.ln1.hook_scale", -1, "can only be read");
    refused(a.e, "blocks.0.attn.hook_z", 2, "a head from 0 to 1, found 2");
    refused(a.e, "blocks.0.hook_mlp_out", 0, "has no heads");
    bench_close(&a);
}

/* Any allocation may fail: an error, nothing is held and nothing lost. */
static void no_memory(void **state)
{
    static const char hook[] = "blocks.0.hook_mlp_out";
    const double row[WIDE] = {1};
    const eg_hold h = {hook, -1, row, NULL};
    eg_status st = EG_ENOMEM;
    int64_t live;
    found *was, *is;
    bench a;
    int n = 0;

    (void)state;
    bench_open(&a, 2, 5);
    was = look(a.e, NULL);
    live = eg_mem_query().live_bytes;
    while (st != EG_OK) {
        eg_err err = {0};

        hold(a.e, "hook_embed", -1, NULL, NULL); /* one that is there before */
        eg_mem_fail_after(++n);
        st = eg_eval_hold(a.e, &h, &err);
        eg_mem_fail_after(0);
        assert_true(st == EG_OK || st == EG_ENOMEM);
        if (st == EG_OK) break;
        /* both are gone, or only the new one never came */
        eg_eval_let_go(a.e);
        is = look(a.e, NULL);
        assert_memory_equal(was->logits, is->logits, sizeof was->logits);
        assert_int_equal(eg_mem_query().live_bytes, live);
        free(is);
    }
    printf("  %d allocations, each failed once\n", n - 1);
    assert_true(n > 3);
    eg_eval_let_go(a.e);
    assert_int_equal(eg_mem_query().live_bytes, live);
    free(was);
    bench_close(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_a_model_without),
        cmocka_unit_test(a_row_everywhere),
        cmocka_unit_test(another_model),
        cmocka_unit_test(what_cannot_be_held),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
