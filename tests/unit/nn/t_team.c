/* One sum of gradients, whose ops all threads share: the same bits whatever
 * their number, and the gradient of several sums; and models whose gradient is
 * large, which have one unless more are asked for. */
#include "team_test.h"

#include "nn/trainer.h"

#define N_SYMBOLS 3000
#define WIDE_TASK "n_ctx=130 n_triggers=3"

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
    many_symbols(path, sizeof path, N_SYMBOLS);
    (void)snprintf(task, sizeof task, "n_ctx=1400 stats=%s", path);
    nothing_packed(&TIED, task);
    same_bits(&TIED, task);
    same_bits(&UNTIED, task);
    same_gradient(&TIED, task, "algebra=auto", "algebra=plain", 1e-4);
    same_gradient(&UNTIED, task, "algebra=auto", "algebra=plain", 1e-4);
    (void)remove(path);
}

#define LARGE "d_model=1024 qk=factorised n_heads=8 mlp=relu"

/* Eight times 20 million parameters are one sum, unless they are asked for: not
 * those of a thread each then, either. */
static void test_slots_by_size(void **state)
{
    static const variant open = {"large", LARGE, "loss=all batch=8 slots=0"},
                         asked = {"large", LARGE, "loss=all batch=8 slots=8"},
                         two = {"large", LARGE, "loss=all batch=8 slots=2"};
    static const variant *const v[] = {&open, &asked, &two};
    static const int slots[] = {1, 8, 2};
    static const bool team[] = {true, true, false};

    (void)state;
    for (int i = 0; i < 3; i++) {
        setting s;
        eg_train_plan plan;
        eg_trainer *tr;
        eg_err err;

        setting_open(&s, v[i], "n_ctx=64", 1);
        assert_int_equal(eg_train_plan_make(&plan, &s.spec, &err), EG_OK);
        assert_int_equal(egi_trainer_planned(&tr, &s.spec, &err), EG_OK);
        printf("  %.0f MB of parameters, %.0f MB of gradients\n",
               (double)plan.params / 1e6, (double)plan.grads / 1e6);
        assert_int_equal(plan.slots, slots[i]);
        assert_true((plan.grads < 2 * plan.params) == (slots[i] == 1));
        assert_true(tr->program.team == team[i]);
        assert_true(tr->program.direct == (slots[i] == 1));
        eg_trainer_free(tr);
        setting_close(&s);
    }
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
