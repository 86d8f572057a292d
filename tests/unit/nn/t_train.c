/* Training as a contract: the same bits for any number of threads, no
 * allocation in a step, resumed equals uninterrupted, freezing, optimisers,
 * divergence, and what the planner announces. */
#include <unistd.h>

#include "engram/file.h"
#include "nn_test.h"

#define TASK "n_ctx=48 n_triggers=3"

static const variant BASIC = {"basic", "d_model=32 mlp=none,linear",
                              "loss=all batch=10 slots=4 "
                              "freeze=W_E,W_U,*W_V,blocks.0.attn.W_O"};
static const variant FULL = {"full",
                             "d_model=32 norm=parallel qk=factorised n_heads=2 "
                             "mlp=relu pos=learned",
                             "loss=all batch=10 slots=4"};
/* with the first feed-forward once for each distinct (token, position) */
static const variant SHEETS = {"sheets",
                               "d_model=32 norm=parallel qk=factorised "
                               "n_heads=2 mlp=relu pos=learned",
                               "loss=all batch=36 slots=5"};

/* with the scores of the first block from tables */
static const variant SCORES = {"scores", "d_model=64 pos=learned",
                               "loss=all batch=116 slots=5"};

static char *temp_path(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "/tmp/engram_t_train_%d_%s", (int)getpid(),
             name);
    return path;
}

static void run(eg_trainer *tr, int steps)
{
    eg_step_info info;
    for (int i = 0; i < steps; i++) {
        eg_trainer_step(tr, &info);
        assert_true(info.finite);
    }
}

/* The bytes of a checkpoint after some steps. */
static char *checkpoint(const variant *v, const char *optim, int threads,
                        int steps, size_t *size)
{
    setting s;
    char *bytes, *path = temp_path("ck");
    eg_err err;

    setting_open(&s, v, TASK, threads);
    set_fields(eg_optim_fields, &s.spec.optim, optim);
    eg_trainer *tr = trainer_open(&s);
    run(tr, steps);
    assert_int_equal(eg_trainer_save(tr, path, &err), EG_OK);
    assert_int_equal(eg_file_read(&bytes, size, path, 1u << 26, &err), EG_OK);
    unlink(path);
    eg_trainer_free(tr);
    setting_close(&s);
    return bytes;
}

static void test_threads(void **state)
{
    static const int threads[] = {2, 3, 8};
    const variant *v[] = {&BASIC, &FULL, &SHEETS, &SCORES};

    (void)state;
    for (int k = 0; k < 4; k++) {
        size_t na, nb;
        char *a = checkpoint(v[k], "kind=adamw lr=1e-2", 1, 5, &na);
        for (int i = 0; i < 3; i++) {
            char *b =
                checkpoint(v[k], "kind=adamw lr=1e-2", threads[i], 5, &nb);
            assert_int_equal(na, nb);
            assert_memory_equal(a, b, na);
            eg_free(b);
        }
        /* and the comparison can fail: one step more is another file */
        char *c = checkpoint(v[k], "kind=adamw lr=1e-2", 1, 6, &nb);
        assert_true(na != nb || memcmp(a, c, na) != 0);
        eg_free(c);
        eg_free(a);
    }
}

static void test_no_allocation(void **state)
{
    const variant *v[] = {&BASIC, &FULL, &SHEETS, &SCORES};

    (void)state;
    for (int k = 0; k < 4; k++) {
        setting s;
        setting_open(&s, v[k], TASK, 2);
        eg_trainer *tr = trainer_open(&s);
        int64_t before = eg_mem_query().n_allocs;
        run(tr, 3);
        assert_int_equal(eg_mem_query().n_allocs, before);
        eg_trainer_free(tr);
        setting_close(&s);
    }
}

static void test_resume(void **state)
{
    const char *optims[] = {"kind=sgd", "kind=adam lr=1e-2",
                            "kind=adamw lr=1e-2 clip=norm clip_at=0.5"};
    (void)state;
    for (int k = 0; k < 3; k++) {
        setting s;
        eg_err err;
        size_t na, nb;
        char *bytes;
        char *a = checkpoint(&FULL, optims[k], 2, 6, &na);

        setting_open(&s, &FULL, TASK, 2);
        set_fields(eg_optim_fields, &s.spec.optim, optims[k]);
        eg_trainer *tr = trainer_open(&s);
        run(tr, 3);
        char *path = temp_path("resume");
        assert_int_equal(eg_trainer_save(tr, path, &err), EG_OK);
        eg_trainer_free(tr);
        tr = trainer_open(&s);
        if (eg_trainer_load(tr, path, &err) != EG_OK) fail_msg("%s", err.msg);
        assert_int_equal(eg_trainer_step_index(tr), 3);
        run(tr, 3);
        assert_int_equal(eg_trainer_save(tr, path, &err), EG_OK);
        assert_int_equal(eg_file_read(&bytes, &nb, path, 1u << 26, &err),
                         EG_OK);
        assert_int_equal(na, nb);
        assert_memory_equal(a, bytes, na);
        unlink(path);
        eg_free(bytes);
        eg_free(a);
        eg_trainer_free(tr);
        setting_close(&s);
    }
}

static void test_foreign_checkpoint(void **state)
{
    setting s, other;
    eg_err err;
    char *path = temp_path("foreign");

    (void)state;
    setting_open(&s, &FULL, TASK, 1);
    setting_open(&other, &BASIC, TASK, 1);
    eg_trainer *a = trainer_open(&s), *b = trainer_open(&other);
    assert_int_equal(eg_trainer_save(b, path, &err), EG_OK);
    const size_t n = (size_t)65 * 32;
    double *w = calloc(n, sizeof *w), *w2 = calloc(n, sizeof *w2);
    eg_model_get(eg_trainer_model(a), 0, w);
    assert_int_not_equal(eg_trainer_load(a, path, &err), EG_OK);
    printf("  %s\n", err.msg);
    eg_model_get(eg_trainer_model(a), 0, w2);
    assert_memory_equal(w, w2, n * sizeof *w); /* nothing lost */
    assert_int_equal(eg_trainer_save(a, path, &err), EG_OK);
    assert_int_equal(eg_trainer_load(a, path, &err), EG_OK);
    w[7] = (double)NAN;
    eg_model_set(eg_trainer_model(a), 0, w);
    assert_int_equal(eg_trainer_save(a, path, &err), EG_OK);
    assert_int_equal(eg_trainer_load(a, path, &err), EG_EFORMAT);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, "W_E: expected finite numbers"));
    free(w);
    free(w2);
    unlink(path);
    eg_trainer_free(a);
    eg_trainer_free(b);
    setting_close(&s);
    setting_close(&other);
}

static double *weights(eg_trainer *tr, const char *name, eg_index *n)
{
    eg_model *m = eg_trainer_model(tr);
    int i = eg_model_find(m, name);
    assert_true(i >= 0);
    *n = eg_model_tensor(m, i)->size;
    double *w = calloc((size_t)*n, sizeof *w);
    eg_model_get(m, i, w);
    return w;
}

static bool moved(eg_trainer *tr, const char *name, int steps)
{
    eg_index n;
    double *a = weights(tr, name, &n);
    run(tr, steps);
    double *b = weights(tr, name, &n);
    bool yes = memcmp(a, b, (size_t)n * sizeof *a) != 0;
    free(a);
    free(b);
    return yes;
}

static void test_freeze(void **state)
{
    setting s;
    eg_err err;
    eg_trainer *tr;
    variant v = {"freeze", "d_model=16",
                 "loss=all freeze=W_E,blocks.1.attn.*@3"};

    (void)state;
    setting_open(&s, &v, TASK, 1);
    tr = trainer_open(&s);
    assert_false(eg_trainer_trains(tr, 0, 1000));
    assert_false(moved(tr, "blocks.1.attn.W_O", 3));
    assert_true(moved(tr, "blocks.1.attn.W_O", 1));
    assert_false(moved(tr, "W_E", 1));
    assert_false(moved(tr, "W_pos", 1)); /* random positions: never */
    assert_true(moved(tr, "blocks.0.attn.W_QK", 1));
    eg_trainer_free(tr);
    set_fields(eg_train_fields, &s.spec.train, "freeze=blocks.1.attn.W_KQ");
    assert_int_equal(eg_trainer_new(&tr, &s.spec, &err), EG_EINVAL);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, "blocks.1.attn.W_QK"));
    set_fields(eg_train_fields, &s.spec.train, "freeze=W_E@soon");
    assert_int_equal(eg_trainer_new(&tr, &s.spec, &err), EG_EINVAL);
    setting_close(&s);
}

/* Two steps of SGD with momentum in PyTorch's convention, by hand. */
static void test_sgd(void **state)
{
    setting s;
    eg_index n;
    double loss;

    (void)state;
    setting_open(&s, &FULL, TASK, 1);
    set_fields(eg_train_fields, &s.spec.train, "precision=float64");
    set_fields(eg_optim_fields, &s.spec.optim,
               "lr=0.1 momentum=0.9 weight_decay=0.01");
    eg_trainer *tr = trainer_open(&s);
    eg_model *m = eg_trainer_model(tr);
    int i = eg_model_find(m, "blocks.0.mlp.W_in");
    double *w = weights(tr, "blocks.0.mlp.W_in", &n);
    double *g = calloc((size_t)n, sizeof *g), *mom = calloc((size_t)n, 8);
    for (int step = 0; step < 2; step++) {
        eg_trainer_gradient(tr, step, &loss);
        eg_trainer_get_grad(tr, i, g);
        for (eg_index j = 0; j < n; j++) {
            double d = g[j] + 0.01 * w[j];
            mom[j] = step == 0 ? d : 0.9 * mom[j] + d;
            w[j] -= 0.1 * mom[j];
        }
        run(tr, 1);
    }
    double *have = weights(tr, "blocks.0.mlp.W_in", &n);
    double d = distance(have, w, n, NULL);
    printf("  SGD against its formula: %.1e\n", d);
    assert_true(d < 1e-14);
    free(w);
    free(g);
    free(mom);
    free(have);
    eg_trainer_free(tr);
    setting_close(&s);
}

static void test_divergence(void **state)
{
    setting s;
    eg_step_info info;
    int step = 0;

    (void)state;
    setting_open(&s, &FULL, TASK, 1);
    set_fields(eg_optim_fields, &s.spec.optim, "lr=1e9");
    set_fields(eg_model_fields, &s.spec.model, "norm=none qk=merged n_heads=1");
    eg_trainer *tr = trainer_open(&s);
    do eg_trainer_step(tr, &info);
    while (info.finite && ++step < 50);
    assert_false(info.finite);
    printf("  diverged at step %d, tensor %d\n", step, info.bad_tensor);
    assert_int_equal(eg_trainer_step_index(tr), info.step); /* not updated */
    assert_true(info.bad_tensor >= 0); /* named, whatever became of the loss */
    eg_trainer_free(tr);
    setting_close(&s);
}

/* Learning rates of 20 steps. */
static void rates(const char *optim, double lr[20])
{
    setting s;
    eg_step_info info;

    setting_open(&s, &BASIC, TASK, 1);
    set_fields(eg_optim_fields, &s.spec.optim, optim);
    eg_trainer *tr = trainer_open(&s);
    for (int i = 0; i < 20; i++) {
        eg_trainer_step(tr, &info);
        lr[i] = info.lr;
    }
    eg_trainer_free(tr);
    setting_close(&s);
}

static void test_schedule(void **state)
{
    double lr[20];

    (void)state;
    rates("lr=0.1 lr_end=0.01 schedule=cosine warmup=4", lr);
    assert_true(fabs(lr[0] - 0.025) < 1e-12 && fabs(lr[3] - 0.1) < 1e-12);
    assert_true(fabs(lr[4] - 0.1) < 1e-12 && fabs(lr[19] - 0.01) < 1e-12);
    for (int i = 5; i < 20; i++) assert_true(lr[i] < lr[i - 1]);
    /* from 0 to the peak at step 4, half way down at 8, at the end from 12 on
     */
    rates("lr=0.1 lr_end=0.02 schedule=cosine warmup=4 warmup_zero=true "
          "schedule_end=12",
          lr);
    assert_true(lr[0] == 0 && fabs(lr[1] - 0.025) < 1e-12);
    assert_true(fabs(lr[4] - 0.1) < 1e-12 && fabs(lr[8] - 0.06) < 1e-12);
    for (int i = 12; i < 20; i++) assert_true(fabs(lr[i] - 0.02) < 1e-12);
    /* nanoGPT's: (it + 1) / (warmup + 1), then cosine from step 4 */
    rates("lr=0.1 lr_end=0.02 schedule=cosine warmup=4 warmup_below=true "
          "schedule_end=12",
          lr);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(lr[i] - 0.1 * (i + 1) / 5) < 1e-12);
    assert_true(fabs(lr[4] - 0.1) < 1e-12 && fabs(lr[8] - 0.06) < 1e-12);
    for (int i = 12; i < 20; i++) assert_true(fabs(lr[i] - 0.02) < 1e-12);
    /* a run that ends before its schedule does */
    rates("lr=0.1 schedule=linear schedule_end=38", lr);
    assert_true(fabs(lr[0] - 0.1) < 1e-12 && fabs(lr[19] - 0.05) < 1e-12);
}

/* Large weight decay at a learning rate without gradients to speak of: what
 * it touches shrinks. */
static void test_decay(void **state)
{
    (void)state;
    for (int only = 0; only < 2; only++) {
        setting s;
        eg_step_info info;
        int shrunk = 0, kept = 0;

        setting_open(&s, &FULL, TASK, 1);
        set_fields(eg_model_fields, &s.spec.model,
                   "attn_bias=true mlp_bias=true unembed_bias=true");
        set_fields(eg_optim_fields, &s.spec.optim,
                   "kind=adamw lr=1e-6 weight_decay=1e5");
        s.spec.optim.decay_matrices = only;
        eg_trainer *tr = trainer_open(&s);
        eg_model *m = eg_trainer_model(tr);
        double *before = calloc((size_t)eg_model_n_tensors(m), sizeof *before);

        for (int i = 0; i < eg_model_n_tensors(m); i++) {
            eg_view v = eg_model_view(m, i);
            before[i] = eg_view_at(&v, 0);
        }
        eg_trainer_step(tr, &info);
        for (int i = 0; i < eg_model_n_tensors(m); i++) {
            const char *name = eg_model_tensor(m, i)->name;
            eg_view v = eg_model_view(m, i);
            double ratio = eg_view_at(&v, 0) / before[i];
            bool bias = strstr(name, ".b") || strstr(name, "ln") ||
                        strcmp(name, "b_U") == 0;

            if (before[i] == 0 || !eg_trainer_trains(tr, i, 0)) continue;
            if (only && bias) {
                assert_true(fabs(ratio - 1) < 0.01);
                kept++;
            } else {
                assert_true(fabs(ratio - 0.9) < 0.01);
                shrunk++;
            }
        }
        printf("  weight decay of %d tensors, not of %d\n", shrunk, kept);
        assert_true(shrunk > 5 && (kept > 5) == (only == 1));
        free(before);
        eg_trainer_free(tr);
        setting_close(&s);
    }
}

/* A step of 480 sequences takes the memory of one of 6: what other programs
 * accumulate gradients for (docs/models.md). */
static void test_batch_is_free(void **state)
{
    static const int batch[] = {6, 480};
    eg_train_plan plan[2];

    (void)state;
    for (int k = 0; k < 2; k++) {
        setting s;
        eg_err err;

        setting_open(&s, &FULL, TASK, 2);
        set_fields(eg_train_fields, &s.spec.train, "algebra=plain slots=6");
        s.spec.train.batch = batch[k];
        if (eg_train_plan_make(&plan[k], &s.spec, &err) != EG_OK)
            fail_msg("%s", err.msg);
        printf("  batch %d: %lld bytes\n", batch[k], (long long)plan[k].total);
        setting_close(&s);
    }
    assert_int_equal(plan[0].total, plan[1].total);
    assert_int_equal(plan[0].slots, plan[1].slots);
}

static void test_plan(void **state)
{
    const variant *v[] = {&BASIC, &FULL, &SHEETS, &SCORES};

    (void)state;
    for (int k = 0; k < 4; k++) {
        setting s;
        eg_train_plan plan;
        eg_err err;

        setting_open(&s, v[k], TASK, 2);
        assert_int_equal(eg_train_plan_make(&plan, &s.spec, &err), EG_OK);
        int64_t before = eg_mem_query().live_bytes;
        eg_trainer *tr = trainer_open(&s);
        int64_t took = eg_mem_query().live_bytes - before;
        double ratio = (double)took / (double)plan.total;
        assert_int_equal(plan.looked_up_per_token > 0, v[k] == &SCORES);
        printf("  %s: announced %.2f MB, took %.2f MB, %.0f flops a token\n",
               v[k]->name, (double)plan.total / 1e6, (double)took / 1e6,
               plan.flops_per_token);
        assert_true(ratio > 0.9 && ratio < 1.1);
        eg_trainer_free(tr);
        setting_close(&s);
    }
}

static const char *kern_of(const variant *v, const char *task,
                           const char *asked)
{
    setting s;
    eg_train_plan plan;
    eg_err err;

    setting_open(&s, v, task, 1);
    s.spec.kern = asked;
    assert_int_equal(eg_train_plan_make(&plan, &s.spec, &err), EG_OK);
    setting_close(&s);
    printf("  %s, %s, kernels %s: %s\n", v->name, task, asked, plan.kern);
    return plan.kern;
}

/* "auto" is the best set, but not the matrix unit where it has little to do. */
static void test_kern(void **state)
{
    const char *best = eg_kern_name(0);
    const char *other = strcmp(best, "amx") == 0 ? eg_kern_name(1) : best;

    (void)state;
    assert_string_equal(kern_of(&FULL, TASK, "auto"), best);
    assert_string_equal(kern_of(&BASIC, "n_ctx=512", "auto"), other);
    assert_string_equal(kern_of(&FULL, TASK, "generic"), "generic");
}

/* The name that a run records is that of the set that computes; the matrix unit
 * has no float64. */
static void test_kern_wide(void **state)
{
    static const variant wide = {"float64", "d_model=64", "precision=float64"};

    (void)state;
    assert_string_equal(kern_of(&wide, TASK, "auto"),
                        eg_kern_pick_f64("auto")->name);
    assert_string_equal(kern_of(&wide, TASK, "ref"), "ref");
    for (int i = 0; eg_kern_name(i); i++) {
        bool amx = strcmp(eg_kern_name(i), "amx") == 0;
        assert_string_equal(kern_of(&wide, TASK, eg_kern_name(i)),
                            amx ? "avx512" : eg_kern_name(i));
    }
}

static void test_allocation_failure(void **state)
{
    (void)state;
    for (int n = 1;; n++) {
        setting s;
        eg_trainer *tr;
        eg_err err;

        setting_open(&s, &FULL, TASK, 2);
        int64_t before = eg_mem_query().live_bytes;
        eg_mem_fail_after(n);
        eg_status st = eg_trainer_new(&tr, &s.spec, &err);
        eg_mem_fail_after(0);
        if (st == EG_OK) {
            eg_trainer_free(tr);
            setting_close(&s);
            printf("  %d allocations, each failed once\n", n - 1);
            assert_true(n > 5);
            return;
        }
        assert_int_equal(st, EG_ENOMEM);
        assert_null(tr);
        assert_int_equal(eg_mem_query().live_bytes, before);
        setting_close(&s);
    }
}

static void test_bad_options(void **state)
{
    static const char *const bad[] = {
        "n_heads=5", "mlp=none,linear,relu", "mlp=cubic",
        "d_head=3 n_heads=2 value=identity", "pos=rotary d_model=9 n_heads=1"};
    (void)state;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        variant v = {"bad", bad[k], ""};
        setting s;
        eg_trainer *tr;
        eg_err err;

        setting_open(&s, &v, TASK, 1);
        assert_int_equal(eg_trainer_new(&tr, &s.spec, &err), EG_EINVAL);
        printf("  %s\n", err.msg);
        assert_null(tr);
        setting_close(&s);
    }
}

/* A loss over later occurrences needs a task that counts them. */
static void test_no_later_occurrences(void **state)
{
    setting s;
    eg_trainer *tr;
    eg_train_plan plan;
    eg_err err;

    (void)state;
    setting_open(&s, &BASIC, TASK " occurrences=one", 1);
    tr = trainer_open(&s);
    run(tr, 2);
    eg_trainer_free(tr);
    set_fields(eg_train_fields, &s.spec.train, "loss=in_context");
    assert_int_equal(eg_train_plan_make(&plan, &s.spec, &err), EG_EINVAL);
    assert_int_equal(eg_trainer_new(&tr, &s.spec, &err), EG_EINVAL);
    assert_null(tr);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, "train.loss"));
    setting_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_no_allocation),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_foreign_checkpoint),
        cmocka_unit_test(test_freeze),
        cmocka_unit_test(test_sgd),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_decay),
        cmocka_unit_test(test_batch_is_free),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_kern),
        cmocka_unit_test(test_kern_wide),
        cmocka_unit_test(test_allocation_failure),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_no_later_occurrences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
