/* Laying out the tasks of a step on threads: what must hold of any schedule,
 * cases that are known, and steps that were recorded. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engram/config.h"
#include "engram/lab.h"
#include "engram/mem.h"
#include "engram/rng.h"
#include "engram/scaling.h"

static double on(const eg_schedule *s, eg_schedule_on how)
{
    double seconds = -1;
    eg_err err = {0};

    assert_int_equal(eg_schedule_seconds(&seconds, s, &how, &err), EG_OK);
    return seconds;
}

static double on_threads(const eg_schedule *s, int threads)
{
    return on(s, (eg_schedule_on){.threads = threads});
}

static void add(eg_schedule *s, double seconds)
{
    eg_err err = {0};

    assert_int_equal(eg_schedule_task(s, seconds, &err), EG_OK);
}

static void close_phase(eg_schedule *s, double before, double bytes)
{
    eg_err err = {0};

    assert_int_equal(eg_schedule_phase(s, before, bytes, &err), EG_OK);
}

static void check_near(const char *what, double got, double want)
{
    if (fabs(got - want) <= 1e-12 * fabs(want)) return;
    print_error("%s: expected %.17g, found %.17g\n", what, want, got);
    fail();
}

static void test_known(void **state)
{
    eg_schedule s = {0};

    (void)state;
    for (int i = 0; i < 8; i++) add(&s, 2);
    close_phase(&s, 1, 0);
    add(&s, 3);
    close_phase(&s, 0, 0);
    s.after = 4;
    check_near("1 thread", on_threads(&s, 1), 24);
    check_near("2", on_threads(&s, 2), 16);
    check_near("3: rounds of 3, 3, 2", on_threads(&s, 3), 14);
    check_near("8", on_threads(&s, 8), 10);
    check_near("100", on_threads(&s, 100), 10);
    check_near("a wake a phase that is shared",
               on(&s, (eg_schedule_on){.threads = 8, .wake = 0.5}), 10.5);
    eg_schedule_release(&s);
    /* in order, to who is free: 5 | 1 1 1 1 4 ends at 8, not at 7 */
    add(&s, 5);
    for (int i = 0; i < 4; i++) add(&s, 1);
    add(&s, 4);
    close_phase(&s, 0, 0);
    check_near("in order", on_threads(&s, 2), 8);
    eg_schedule_release(&s);
}

static void test_memory_is_shared(void **state)
{
    eg_schedule s = {0};
    eg_schedule_on how = {
        .threads = 4, .bytes_per_s_one = 10, .bytes_per_s = 20};

    (void)state;
    for (int i = 0; i < 4; i++) add(&s, 1);
    close_phase(&s, 0, 40);
    check_near("two threads' worth of memory", on(&s, how), 2);
    how.bytes_per_s = 100;
    check_near("four's", on(&s, how), 1);
    how.bytes_per_s = 1;
    check_near("no longer than alone", on(&s, how), 4);
    how.bytes_per_s = 0;
    how.bytes_per_s_one = 5;
    check_near("as each can", on(&s, how), 2);
    how.threads = 1;
    check_near("alone it is what was measured", on(&s, how), 4);
    eg_schedule_release(&s);
}

/* Of any schedule: one thread takes the sum, very many the longest chain, and
 * so many in between never less than either bound, nor twice the best. */
static void test_bounds(void **state)
{
    eg_rng rng = eg_rng_make(7, EG_RNG_USER, 0, 0);

    (void)state;
    for (int k = 0; k < 200; k++) {
        eg_schedule s = {0};
        double sum = 0, chain = 0;

        for (uint32_t p = eg_rng_below(&rng, 6); p-- > 0;) {
            double longest = 0, before = eg_rng_uniform(&rng);

            for (uint32_t i = eg_rng_below(&rng, 40); i-- > 0;) {
                double t = eg_rng_uniform(&rng);

                add(&s, t);
                sum += t;
                longest = fmax(longest, t);
            }
            close_phase(&s, before, 0);
            sum += before;
            chain += before + longest;
        }
        s.after = 0.5;
        sum += s.after;
        chain += s.after;
        assert_true(fabs(on_threads(&s, 1) - sum) <= 1e-12 * sum);
        assert_true(fabs(on_threads(&s, 1000) - chain) <= 1e-12 * chain);
        for (int t = 2; t < 40; t++) {
            double got = on_threads(&s, t);

            assert_true(got >= chain * (1 - 1e-12));
            assert_true(got >= sum / t * (1 - 1e-12));
            assert_true(got <= (sum / t + chain) * (1 + 1e-12));
        }
        eg_schedule_release(&s);
    }
}

static void test_refused(void **state)
{
    eg_schedule s = {0};
    double seconds;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_schedule_seconds(&seconds, &s,
                                         &(eg_schedule_on){.threads = 0}, &err),
                     EG_EINVAL);
}

/* A recorded step has the slots' tasks, and on one thread takes what it took.
 */
static void test_recorded(void **state)
{
    static const char *const set[] = {"task.n_ctx=32", "model.d_model=16",
                                      "train.batch=12", "train.slots=6"};
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_pool *one = NULL, *two = NULL;
    eg_schedule s;
    eg_task *task = NULL;
    eg_trainer *tr = NULL;
    eg_train_spec spec;
    eg_err err = {0};
    int slots = 0;
    double start, all;

    (void)state;
    eg_config_default(cfg);
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        assert_int_equal(eg_config_set(cfg, set[i], &err), EG_OK);
    assert_int_equal(eg_pool_new(&one, 1, &err), EG_OK);
    assert_int_equal(eg_pool_new(&two, 2, &err), EG_OK);
    assert_int_equal(eg_task_new(&task, &cfg->task, 1, &err), EG_OK);
    spec = eg_config_train(cfg);
    spec.task = task;
    spec.pool = one;
    spec.kern = "ref";
    assert_int_equal(eg_trainer_new(&tr, &spec, &err), EG_OK);
    start = eg_clock();
    assert_int_equal(eg_schedule_record(&s, tr, one, 3, &err), EG_OK);
    all = eg_clock() - start;
    for (int i = 0; i < s.n_phases; i++) slots += s.phase[i].n == 6;
    assert_true(slots >= 1);
    assert_true(on_threads(&s, 1) > 0 && on_threads(&s, 1) <= all);
    assert_true(on_threads(&s, 6) < on_threads(&s, 1));
    eg_schedule_release(&s);
    assert_int_equal(eg_schedule_record(&s, tr, two, 3, &err), EG_EINVAL);
    assert_int_equal(eg_schedule_record(&s, tr, one, 0, &err), EG_EINVAL);
    assert_int_equal(eg_schedule_record(&s, tr, one, 65, &err), EG_EINVAL);
    assert_true(eg_schedule_wake(two) > 0);
    eg_trainer_free(tr);
    eg_task_free(task);
    eg_pool_free(one);
    eg_pool_free(two);
    eg_free(cfg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known), cmocka_unit_test(test_memory_is_shared),
        cmocka_unit_test(test_bounds), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_recorded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
