/* One sum of gradients, whose ops all threads share: the same bits whatever
 * their number, and the gradient of several sums; and models whose gradient is
 * large, which have no more than one. */
#include "nn_test.h"

#include <unistd.h>

#define WIDE_TASK "n_ctx=130 n_triggers=3"
#define N_SYMBOLS 3000

/* Parts of columns and of rows, and a last one; enough parameters and
 * multiply-adds that threads do share. */
static const variant WIDE = {
    "wide",
    "d_model=264 d_mlp=1100 n_heads=4 qk=factorised norm=pre mlp=gelu "
    "pos=learned attn_bias=true mlp_bias=true",
    "loss=all slots=1 batch=2"};
static const variant GROUPED = {
    "grouped keys, in context",
    "d_model=264 d_mlp=1100 n_heads=4 n_kv_heads=2 qk=factorised norm=parallel "
    "norm_kind=rms mlp=swiglu pos=rotary",
    "loss=in_context slots=1 batch=2"};
static const variant MERGED = {"keys of one head", "d_model=264 n_heads=2",
                               "loss=all slots=1 batch=2"};
static const variant RELATIVE = {
    "relative positions, dropped",
    "d_model=264 n_heads=4 n_kv_heads=2 qk=factorised norm=pre mlp=gelu "
    "pos=relative dropout=0.1 dropout_attn=0.2 dropout_embed=0.1",
    "loss=all slots=1 batch=2"};
static const variant LEARNERS = {
    "online learners",
    "d_model=264 n_layers=3 n_heads=4 mixer=gated_delta,titans,ttt "
    "qk=factorised qk_norm=unit qk_conv=4 norm=pre pos=learned",
    "loss=in_context slots=1 batch=2"};
/* More logits than a thread keeps. */
static const variant TIED = {
    "large vocabulary, tied",
    "n_layers=1 d_model=48 tied=true tied_scale=false pos=learned norm=pre",
    "loss=all slots=1 batch=1"};
static const variant UNTIED = {"large vocabulary, in context",
                               "n_layers=1 d_model=48 pos=learned",
                               "loss=in_context slots=1 batch=1"};

/* Statistics of a text of so many symbols. */
static void many_symbols(char *path, size_t size)
{
    char text[64];
    eg_err err;
    FILE *f;

    (void)snprintf(text, sizeof text, "/tmp/engram-team-%d.txt", (int)getpid());
    (void)snprintf(path, size, "/tmp/engram-team-%d.stats", (int)getpid());
    f = fopen(text, "wb");
    assert_non_null(f);
    for (int i = 0; i < 2 * N_SYMBOLS; i++) {
        unsigned c = 0x4e00 + (unsigned)(i * 7 % N_SYMBOLS);

        (void)fprintf(f, "%c%c%c", (int)(0xe0 | c >> 12),
                      (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
    }
    assert_int_equal(fclose(f), 0);
    if (eg_stats_measure(text, path, "a test", &err) != EG_OK)
        fail_msg("%s", err.msg);
    (void)remove(text);
}

/* All parameters after a few steps. */
static double *trained(const variant *v, const char *task, int threads,
                       size_t *n, double *loss)
{
    setting s;
    double *x;
    size_t at = 0;

    setting_open(&s, v, task, threads);
    set_fields(eg_optim_fields, &s.spec.optim,
               "kind=adamw lr=1e-3 clip=norm clip_at=0.01");
    eg_trainer *tr = trainer_open(&s);
    const eg_model *m = eg_trainer_model(tr);
    for (int i = 0; i < 3; i++) {
        eg_step_info info;

        eg_trainer_step(tr, &info);
        *loss = info.loss;
    }
    *n = 0;
    for (int i = 0; i < eg_model_n_tensors(m); i++)
        *n += (size_t)eg_model_tensor(m, i)->size;
    x = calloc(*n + 1, sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_model_get(m, i, x + at);
        at += (size_t)eg_model_tensor(m, i)->size;
    }
    eg_trainer_free(tr);
    setting_close(&s);
    return x;
}

static void same_bits(const variant *v, const char *task)
{
    static const int threads[] = {2, 3, 8};
    size_t n, m;
    double loss, again, *one = trained(v, task, 1, &n, &loss);

    assert_true(isfinite(loss) && loss > 0);
    for (int i = 0; i < 3; i++) {
        double *more = trained(v, task, threads[i], &m, &again);

        assert_int_equal(n, m);
        assert_true(loss == again);
        if (memcmp(one, more, n * sizeof *one) != 0)
            fail_msg("%s: %d threads", v->name, threads[i]);
        free(more);
    }
    printf("  %s: loss %.6f\n", v->name, loss);
    free(one);
}

/* The gradient against that of other options: sums, algebra, kernels. */
static void same_gradient(const variant *v, const char *task, const char *mine,
                          const char *other, double bound)
{
    double loss[2], worst = 0;
    double **g[2];
    int n = 0;

    for (int k = 0; k < 2; k++) {
        setting s;

        setting_open(&s, v, task, 2);
        set_fields(eg_train_fields, &s.spec.train, k ? other : mine);
        eg_trainer *tr = trainer_open(&s);
        g[k] = gradients(tr, &loss[k]);
        n = eg_model_n_tensors(eg_trainer_model(tr));
        for (int i = 0; k == 1 && i < n; i++) {
            const eg_tensor *t = eg_model_tensor(eg_trainer_model(tr), i);
            double d;

            assert_true(!g[0][i] == !g[1][i]);
            if (!g[0][i] || !g[1][i] || no_gradient(v, t->name)) continue;
            d = distance(g[0][i], g[1][i], t->size, NULL);
            if (!(d <= worst)) worst = d;
            if (!(d < bound)) fail_msg("%s: %s: %g", v->name, t->name, d);
        }
        eg_trainer_free(tr);
        setting_close(&s);
    }
    printf("  %s: %s | %s: %.1e, loss %.1e\n", v->name, mine, other, worst,
           fabs(loss[0] - loss[1]));
    assert_true(fabs(loss[0] - loss[1]) <= bound * loss[1]);
    gradients_free(g[0], n);
    gradients_free(g[1], n);
}

static void test_threads(void **state)
{
    (void)state;
    same_bits(&WIDE, WIDE_TASK);
    same_bits(&GROUPED, WIDE_TASK);
    same_bits(&MERGED, WIDE_TASK);
    same_bits(&RELATIVE, WIDE_TASK);
    same_bits(&LEARNERS, WIDE_TASK);
}

static void test_gradient(void **state)
{
    (void)state;
    same_gradient(&WIDE, WIDE_TASK, "precision=float64", "slots=2", 1e-4);
    same_gradient(&GROUPED, WIDE_TASK, "slots=1", "slots=2", 1e-5);
    same_gradient(&RELATIVE, WIDE_TASK, "slots=1", "slots=2", 1e-5);
    same_gradient(&MERGED, WIDE_TASK, "slots=1", "slots=2", 1e-5);
}

/* No W_U of a tied head lies anywhere, nor is W_E packed. */
static void nothing_packed(const variant *v, const char *task)
{
    setting s;
    eg_train_plan plan;
    eg_err err;

    setting_open(&s, v, task, 1);
    assert_int_equal(eg_train_plan_make(&plan, &s.spec, &err), EG_OK);
    printf("  %.0f kB of packs\n", (double)plan.packs / 1e3);
    assert_true(plan.packs < (int64_t)N_SYMBOLS * 48 * 4);
    setting_close(&s);
}

static void test_large_vocabulary(void **state)
{
    char path[64], task[128];

    (void)state;
    many_symbols(path, sizeof path);
    (void)snprintf(task, sizeof task, "n_ctx=1400 stats=%s", path);
    nothing_packed(&TIED, task);
    same_bits(&TIED, task);
    same_bits(&UNTIED, task);
    same_gradient(&TIED, task, "algebra=auto", "algebra=plain", 1e-4);
    same_gradient(&UNTIED, task, "algebra=auto", "algebra=plain", 1e-4);
    (void)remove(path);
}

/* Eight times 20 million parameters do not fit. */
static void test_slots_by_size(void **state)
{
    static const variant large = {
        "large", "d_model=1024 qk=factorised n_heads=8 mlp=relu",
        "loss=all batch=8 slots=8"};
    setting s;
    eg_train_plan plan;
    eg_err err;

    (void)state;
    setting_open(&s, &large, "n_ctx=64", 1);
    assert_int_equal(eg_train_plan_make(&plan, &s.spec, &err), EG_OK);
    printf("  %.0f MB of parameters, %.0f MB of gradients\n",
           (double)plan.params / 1e6, (double)plan.grads / 1e6);
    assert_true(plan.grads < 2 * plan.params);
    setting_close(&s);
}

static int slots_of(const variant *v, const char *task)
{
    setting s;
    eg_train_plan plan;
    eg_err err;

    setting_open(&s, v, task, 2);
    assert_int_equal(eg_train_plan_make(&plan, &s.spec, &err), EG_OK);
    setting_close(&s);
    printf("  %s: %d sums\n", v->name, plan.slots);
    return plan.slots;
}

/* Left open, their number follows from the shapes: more where a batch pays for
 * them, never more than sequences; and threads have no say in it. */
static void test_slots_open(void **state)
{
    static const variant few = {"three sequences", "", "batch=3 slots=0"},
                         small = {"a small batch", "", "batch=8 slots=0"},
                         large = {"a large batch", "", "batch=999 slots=0"},
                         wide = {"wide", "d_model=256", "batch=20 slots=0"},
                         steps = {"large, trained", "d_model=16",
                                  "batch=999 slots=0 steps=2"};

    (void)state;
    assert_int_equal(slots_of(&few, "n_ctx=64"), 3);
    assert_int_equal(slots_of(&small, "n_ctx=64"), 8);
    assert_int_equal(slots_of(&large, "n_ctx=64"), 32);
    assert_int_equal(slots_of(&large, "n_ctx=256"), 64);
    assert_int_equal(slots_of(&wide, "n_ctx=16"), 8);
    same_bits(&steps, "n_ctx=32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_large_vocabulary),
        cmocka_unit_test(test_slots_by_size),
        cmocka_unit_test(test_slots_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
