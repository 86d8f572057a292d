/* A program as a table: multiply-adds by hand, totals as the plan announces
 * them, what the rewrites say of themselves; and no weights. */
#include "nn_test.h"

#include "engram/program.h"

#define TASK "n_ctx=18 n_triggers=3"

/* Are two sums of multiply-adds one number but for rounding? */
static void expect_near(double a, double b, double scale)
{
    assert_true(fabs(a - b) <= 1e-9 * scale);
}

static void table_of(eg_program_table *t, const setting *s)
{
    eg_err err;

    if (eg_program_table_make(t, &s->spec, &err) != EG_OK)
        fail_msg("%s (%s)", err.msg, err.where);
}

static const eg_op_row *op_of(const eg_program_table *t, const char *value)
{
    int k = 0;

    while (k < t->n_ops && strcmp(t->op[k].name, value) != 0) k++;
    if (k == t->n_ops) fail_msg("no op makes %s", value);
    return &t->op[k];
}

static void expect_op(const eg_program_table *t, const char *value,
                      const char *kind, double forward, double backward)
{
    const eg_op_row *op = op_of(t, value);

    printf("  %-26s %-8s %10.0f %10.0f  %s\n", value, op->kind, op->forward,
           op->backward, op->reads);
    assert_string_equal(op->kind, kind);
    expect_near(op->forward, forward, forward);
    expect_near(op->backward, backward, forward);
}

/* d 12, T 18, B 4, V 65: every product of rows counted by hand. */
static void test_by_hand(void **state)
{
    const variant v = {"plain", "n_layers=1 pos=learned mlp=relu d_mlp=20",
                       "loss=all algebra=plain freeze=W_U"};
    double rows = 4 * 18, pairs = rows * 19 / 2;
    eg_program_table t;
    setting s;

    (void)state;
    setting_open(&s, &v, TASK, 1);
    table_of(&t, &s);
    assert_true(t.tokens == rows);
    expect_op(&t, "blocks.0.attn.hook_q", "linear", rows * 144, rows * 288);
    expect_op(&t, "blocks.0.attn.hook_z", "softmax", pairs * 24, pairs * 48);
    expect_op(&t, "blocks.0.mlp.hook_pre", "linear", rows * 240, rows * 480);
    expect_op(&t, "logits", "linear", rows * 12 * 65, rows * 12 * 65);
    assert_string_equal(op_of(&t, "hook_embed")->reads, "W_E");
    assert_int_equal(op_of(&t, "logits")->bytes, 18 * 65 * 4);
    for (int i = 0; i < t.n_rewrites; i++)
        assert_false(t.rewrite[i].tried || t.rewrite[i].changed);
    for (int i = 0; i < t.n_tensors; i++)
        assert_int_equal(t.tensor[i].trained,
                         strcmp(t.tensor[i].tensor.name, "W_U") != 0);
    eg_program_table_release(&t);
    setting_close(&s);
}

/* On rows of sequences, as the plan counts them; and the sums. */
static void test_totals(void **state)
{
    (void)state;
    for (int k = 0; k < N_VARIANTS; k++) {
        eg_program_table t;
        double rows = 0, all = 0, looked = 0;
        setting s;

        setting_open(&s, &VARIANTS[k], TASK, 1);
        s.spec.train.batch = 200;
        table_of(&t, &s);
        for (int i = 0; i < t.n_ops; i++) {
            double both = t.op[i].forward + t.op[i].backward;

            assert_true(t.op[i].forward >= 0 && t.op[i].backward >= 0);
            all += both;
            looked += t.op[i].looked_up;
            if (strcmp(t.op[i].rows_of, "weight") != 0)
                rows += both + t.op[i].looked_up;
        }
        expect_near(all, t.forward + t.backward, all);
        expect_near(2 * rows / t.tokens, t.plan.flops_per_token,
                    t.plan.flops_per_token);
        expect_near(2 * looked / t.tokens, t.plan.looked_up_per_token,
                    t.plan.flops_per_token);
        assert_int_equal(t.rewrite[t.n_rewrites - 1].n_ops, t.n_ops);
        expect_near(t.rewrite[t.n_rewrites - 1].madds, all, all);
        eg_program_table_release(&t);
        setting_close(&s);
    }
}

/* Of a rewrite over all networks that were looked at. */
typedef struct outcome {
    const char *name;
    int taken, left;
} outcome;

/* Each of these is taken somewhere and left alone elsewhere, and says why. */
static void test_reasons(void **state)
{
    outcome of[] = {{"narrow", 0, 0}, {"inputs", 0, 0}, {"fold", 0, 0},
                    {"merge", 0, 0},  {"table", 0, 0},  {"scores", 0, 0},
                    {"sheets", 0, 0}, {"subset", 0, 0}};
    const size_t n_of = sizeof of / sizeof *of;
    static const variant some[] = {
        {"all", "d_model=64 mlp=relu norm=parallel pos=learned",
         "loss=in_context batch=200"},
        {"scores", "d_model=66 pos=learned mlp=none,linear",
         "loss=in_context batch=200"},
        {"few", "d_model=12 n_heads=2", "loss=all batch=2"},
        {"vectors",
         "task.kind=linear task.dim=3 d_model=40 readout=first pos=none "
         "mixer=linear qk=factorised n_heads=2",
         "loss=all batch=200"},
    };

    (void)state;
    for (size_t k = 0; k < sizeof some / sizeof *some; k++) {
        eg_program_table t;
        setting s;

        setting_open(&s, &some[k], "n_ctx=64 n_triggers=3", 1);
        table_of(&t, &s);
        for (int i = 0; i < t.n_rewrites; i++) {
            const eg_rewrite_row *r = &t.rewrite[i];

            printf("  %-7s %-8s %d of %d places, %.3g against %.3g %s\n",
                   some[k].name, r->name, r->taken, r->places, r->cost, r->gain,
                   r->why);
            for (size_t j = 0; j < n_of; j++)
                if (strcmp(of[j].name, r->name) == 0) {
                    of[j].taken += r->changed;
                    of[j].left += !r->changed;
                }
            if (r->places > 0) assert_int_equal(r->changed, r->taken > 0);
            if (r->why[0]) assert_false(r->changed);
        }
        eg_program_table_release(&t);
        setting_close(&s);
    }
    for (size_t j = 0; j < n_of; j++) {
        assert_int_equal(of[j].taken + of[j].left, sizeof some / sizeof *some);
        assert_true(of[j].taken > 0 && of[j].left > 0);
    }
}

/* 64 blocks of width 16384 have 2^37 weights. */
static void test_no_weights(void **state)
{
    const variant v = {"large", "n_layers=64 d_model=16384 mlp=gelu n_heads=64",
                       "loss=all"};
    eg_program_table t;
    setting s;

    (void)state;
    setting_open(&s, &v, TASK, 1);
    table_of(&t, &s);
    assert_true(t.plan.n_params > (int64_t)1 << 37);
    eg_program_table_release(&t);
    setting_close(&s);
}

static void test_no_memory(void **state)
{
    const variant v = {"one", "", "loss=in_context"};
    eg_status st = EG_ENOMEM;
    eg_program_table t;
    setting s;
    eg_err err;
    int n = 0;

    (void)state;
    setting_open(&s, &v, TASK, 1);
    while (st == EG_ENOMEM) {
        eg_mem_fail_after(++n);
        st = eg_program_table_make(&t, &s.spec, &err);
        eg_mem_fail_after(0);
    }
    printf("  %d allocations\n", n);
    assert_int_equal(st, EG_OK);
    eg_program_table_release(&t);
    setting_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),   cmocka_unit_test(test_totals),
        cmocka_unit_test(test_reasons),   cmocka_unit_test(test_no_weights),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
