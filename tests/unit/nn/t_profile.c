/* The time of every op: what was run is what the program says, the numbers of
 * training stay the same to the bit, and nothing is allocated. */
#include "nn_test.h"

#include "engram/program.h"

#define TASK "n_ctx=18 n_triggers=3"

static const variant SHEETS = {
    "sheets",
    "d_model=24 norm=parallel qk=factorised n_heads=2 mlp=relu pos=learned",
    "loss=in_context batch=36 slots=5"};
static const variant PLAIN = {
    "plain", "norm=pre mlp=gelu pos=learned attn_bias=true n_heads=2",
    "loss=all algebra=plain"};

static eg_trainer *open_profile(setting *s, const variant *v, int threads,
                                bool profile)
{
    setting_open(s, v, TASK, threads);
    s->spec.train.profile = profile;
    return trainer_open(s);
}

static void run(eg_trainer *tr, int steps)
{
    for (int i = 0; i < steps; i++) {
        eg_step_info info;

        eg_trainer_step(tr, &info);
        assert_true(info.finite);
    }
}

static void times_of(eg_op_times *t, const eg_trainer *tr)
{
    eg_err err;

    if (eg_trainer_times(t, tr, &err) != EG_OK) fail_msg("%s", err.msg);
}

static void same_parameters(eg_model *a, eg_model *b)
{
    for (int i = 0; i < eg_model_n_tensors(a); i++) {
        size_t n = (size_t)eg_model_tensor(a, i)->size * sizeof(float);

        assert_memory_equal(eg_model_view(a, i).data, eg_model_view(b, i).data,
                            n);
    }
}

static void test_same_bits(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        setting s, q;
        eg_trainer *with = open_profile(&s, &SHEETS, threads, true);
        eg_trainer *without = open_profile(&q, &SHEETS, 2, false);

        run(with, 5);
        run(without, 5);
        same_parameters(eg_trainer_model(with), eg_trainer_model(without));
        eg_trainer_free(with);
        eg_trainer_free(without);
        setting_close(&s);
        setting_close(&q);
    }
}

/* Multiply-adds by op and direction: those of the table, times the steps. */
static void test_counts(void **state)
{
    const int steps = 3;
    eg_program_table p;
    eg_op_times t;
    double sum = 0;
    int seen = 0;
    setting s;
    eg_err err;
    eg_trainer *tr = open_profile(&s, &PLAIN, 2, true);

    (void)state;
    run(tr, 1);
    eg_trainer_times_begin(tr);
    run(tr, steps);
    times_of(&t, tr);
    assert_int_equal(eg_program_table_make(&p, &s.spec, &err), EG_OK);
    assert_int_equal(t.steps, steps);
    for (int i = 0; i < t.n; i++) {
        const eg_op_time *row = &t.row[i];
        const eg_op_row *op = row->op < 0 ? NULL : &p.op[row->op];
        double want = 0;

        assert_true(row->seconds >= 0 && row->calls > 0);
        assert_true(i == 0 || row->seconds <= t.row[i - 1].seconds);
        sum += row->seconds;
        if (!op) continue;
        want = steps * (row->backward ? op->backward : op->forward);
        printf("  %2d %-10s %-26s %-8s %8.0f in %.1e s\n", row->op, row->what,
               row->name, row->backward ? "backward" : "forward", row->madds,
               row->seconds);
        assert_string_equal(row->what, op->kind);
        assert_string_equal(row->name, op->name);
        assert_true(fabs(row->madds - want) <= 1e-9 * want);
        seen += !row->backward;
        if (strcmp(op->rows_of, "weight") != 0)
            assert_int_equal(row->calls, 4 * steps);
    }
    assert_int_equal(seen, p.n_ops);
    assert_true(sum > 0 && sum <= t.seconds * 1.001);
    eg_op_times_release(&t);
    eg_program_table_release(&p);
    eg_trainer_free(tr);
    setting_close(&s);
}

/* One slot: all threads share each op, and its time counts for all of them. */
static void test_team(void **state)
{
    static const variant v = {"team", "d_model=64 mlp=gelu pos=learned",
                              "loss=all batch=8 slots=1"};
    eg_op_times t;
    double sum = 0;
    setting s;
    eg_trainer *tr = open_profile(&s, &v, 3, true);

    (void)state;
    run(tr, 2);
    eg_trainer_times_begin(tr);
    run(tr, 20);
    times_of(&t, tr);
    for (int i = 0; i < t.n; i++) sum += t.row[i].seconds;
    printf("  %.0f %% of the time is in rows\n", 100 * sum / t.seconds);
    assert_true(sum > 0.5 * t.seconds && sum <= 1.001 * t.seconds);
    eg_op_times_release(&t);
    eg_trainer_free(tr);
    setting_close(&s);
}

static void test_no_allocation(void **state)
{
    setting s;
    eg_trainer *tr = open_profile(&s, &SHEETS, 2, true);
    int64_t before;

    (void)state;
    run(tr, 2);
    before = eg_mem_query().n_allocs;
    run(tr, 5);
    assert_int_equal(eg_mem_query().n_allocs, before);
    eg_trainer_free(tr);
    setting_close(&s);
}

static void test_off(void **state)
{
    setting s;
    eg_op_times t;
    eg_err err;
    eg_trainer *tr = open_profile(&s, &PLAIN, 1, false);

    (void)state;
    run(tr, 1);
    assert_int_equal(eg_trainer_times(&t, tr, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "train.profile"));
    eg_trainer_times_begin(tr);
    eg_op_times_release(&t);
    eg_trainer_free(tr);
    setting_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_counts),
        cmocka_unit_test(test_team),      cmocka_unit_test(test_no_allocation),
        cmocka_unit_test(test_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
