/* Few-shot regression: what stands where, and that pairs are pairs. */
#include "task_helper.h"

/* x, y, marks: 'E' the end mark, 'p' a prefix; what stands at each position. */
static void layout(const eg_task *task, const eg_seq *s, char *out)
{
    int n = eg_task_io(task).n_in;

    for (int t = 0; t < eg_task_ctx(task); t++) {
        int prompt = s->prompts ? s->prompts[t] : -1;
        double size = 0;

        for (int k = 0; k < n; k++)
            size += fabs(s->inputs[t * (eg_index)n + k]);
        out[t] = (char)(prompt > 0      ? 'p'
                        : prompt == 0   ? 'E'
                        : s->targets[t] ? 'y'
                                        : 'x');
        assert_int_equal(prompt >= 0, size == 0);
        assert_true(s->targets[t] == 0 || s->targets[t] == -1);
        assert_int_equal(s->targets[t] == 0, s->labels[t] > 0);
    }
    out[eg_task_ctx(task)] = '\0';
}

static void test_layout(void **state)
{
    static const char *const known[][2] = {
        {"kind=regression dim=3 n_ctx=7", "xyxyxyx"},
        {"kind=regression dim=3 n_ctx=8 format=eos", "xyExyExy"},
        {"kind=regression dim=3 n_ctx=9 format=prefix n_prefix=2", "ppxyExyEx"},
    };

    (void)state;
    for (int k = 0; k < 3; k++) {
        eg_task *task = task_make(known[k][0], 1);
        char found[16];
        eg_seq s;

        assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
        for (uint32_t i = 0; i < 3; i++) {
            eg_task_sequence(task, EG_TRAIN, 2, i, &s);
            layout(task, &s, found);
            assert_string_equal(found, known[k][1]);
        }
        if (k == 2) assert_int_equal(s.prompts[1], 2); /* behind the end mark */
        eg_seq_release(&s);
        eg_task_free(task);
    }
}

/* Without noise: the target at x is what stands behind it, one W keeps all
 * angles of a task's pairs, and two have nothing to do with each other. */
static void test_pairs(void **state)
{
    eg_task *task = task_make("kind=regression dim=4 noise=0 n_ctx=24 "
                              "switch_at=5",
                              3);
    double within = 0, across = 0;
    eg_seq s;

    (void)state;
    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    assert_null(s.prompts);
    for (uint32_t i = 0; i < 200; i++) {
        eg_task_sequence(task, EG_TRAIN, 0, i, &s);
        for (eg_index a = 0; a < 12; a++) {
            const double *x = s.inputs + a * 8;

            assert_memory_equal(s.outputs + a * 8, x + 4, 4 * sizeof *x);
            assert_int_equal(s.labels[2 * a],
                             a < 5 ? a + 1 : (1 << 24) + a - 4);
            for (eg_index b = 0; b < a; b++) {
                const double *z = s.inputs + b * 8;
                double off = 0;

                for (int k = 0; k < 4; k++)
                    off += x[k] * z[k] - x[4 + k] * z[4 + k];
                if ((a < 5) == (b < 5))
                    within = fmax(within, fabs(off));
                else
                    across = fmax(across, fabs(off));
            }
        }
    }
    print_message("angles within a task off by %.1e, across by %.1e\n", within,
                  across);
    assert_true(within < 1e-14);
    assert_true(across > 1);
    eg_seq_release(&s);
    eg_task_free(task);
}

/* E x^2 = 1/3 an entry, and y has the noise on top. */
static void test_moments(void **state)
{
    eg_task *task = task_make("kind=regression n_ctx=40 noise=0.3", 3);
    double x = 0, y = 0;
    enum { N = 500 };
    eg_view floor;
    eg_seq s;

    (void)state;
    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    for (uint32_t i = 0; i < N; i++) {
        eg_task_sequence(task, EG_TEST, 0, i, &s);
        for (eg_index t = 0; t < 40; t++)
            for (int k = 0; k < 10; k++)
                *(t % 2 ? &y : &x) += pow(s.inputs[t * 10 + k], 2) / N / 200;
    }
    print_message("E x^2 %.4f, E y^2 %.4f\n", x, y);
    assert_true(fabs(x - 1 / 3.0) < .004);
    assert_true(fabs(y - 1 / 3.0 - .09) < .006);
    assert_true(eg_task_fact(task, "noise_floor", &floor));
    assert_true(fabs(eg_view_at(&floor, 0) - 0.45) < 1e-15);
    eg_seq_release(&s);
    eg_task_free(task);
}

static void test_options(void **state)
{
    static const char *const bad[][2] = {
        {"kind=regression format=eos n_prefix=3",
         "task.n_prefix: an option of task.format prefix alone"},
        {"kind=regression format=prefix n_ctx=20",
         "task.n_prefix: 20: expected fewer than task.n_ctx, 20"},
        {"kind=regression tokens=constructed",
         "task.tokens: an option of kind linear or nonlinear"},
    };

    (void)state;
    for (int i = 0; i < 3; i++) {
        eg_task_opts o = task_opts(bad[i][0]);
        eg_err err = {0};
        eg_task *t;

        assert_int_equal(eg_task_new(&t, &o, 1, &err), EG_EINVAL);
        print_message("%s\n", err.msg);
        assert_non_null(strstr(err.msg, bad[i][1]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
