/* The list: which runs there are, how far and how fast they are. */
#include <math.h>
#include "engram/pool.h"
#include "engram/watch.h"
#include "watch/rundir.h"

static eg_board *board_of(const char *root)
{
    eg_board *b;
    eg_err err = {0};

    assert_int_equal(eg_board_new(&b, root, &err), EG_OK);
    return b;
}

static bool look(eg_board *b)
{
    bool changed;
    eg_err err = {0};

    if (eg_board_look(b, &changed, &err) != EG_OK) fail_msg("%s", err.msg);
    return changed;
}

/* Looks until the list is made anew, which it is every other second. */
static void look_until(eg_board *b, int count)
{
    double end = eg_clock() + 30;

    while (eg_board_count(b) != count && eg_clock() < end) (void)look(b);
    assert_int_equal(eg_board_count(b), count);
}

static void test_running(void **state)
{
    char *root = scratch_new();
    const eg_board_run *r;
    eg_board *b;
    int lock;

    (void)state;
    test_record(root, "a/1", "running", 200, 0);
    lock = test_lock(root, "a/1");
    test_rows(root, "a/1", 0, 5); /* steps 0 to 40, two seconds each ten */
    test_record(root, "b/2", "finished", 100, 100);
    b = board_of(root);
    assert_true(look(b));
    assert_int_equal(eg_board_count(b), 2);
    r = eg_board_find(b, "a/1");
    assert_non_null(r);
    assert_string_equal(r->info.status, "running");
    assert_string_equal(r->metric, "loss");
    print_message("step %lld, %g a second, eta %g, %s %g, %d points\n",
                  (long long)r->step, r->per_s, r->eta, r->metric, r->value,
                  r->n_spark);
    assert_int_equal(r->step, 41);
    assert_true(fabs(r->per_s - 5) < 1e-12);
    assert_true(r->eta <= 159 / 5.0 && r->eta > 159 / 5.0 - 20);
    assert_true(r->value == 960);
    assert_int_equal(r->n_spark, 5);
    assert_true(r->spark[0] == 1000 && r->spark[4] == 960);
    r = eg_board_find(b, "b/2");
    assert_int_equal(r->step, 100);
    assert_true(r->per_s == 10 && isnan(r->eta) && r->n_spark == 0);
    assert_null(eg_board_find(b, "b/3"));
    assert_null(eg_board_find(b, "../etc"));
    /* nothing new, then a row, then the end */
    assert_false(look(b));
    test_rows(root, "a/1", 50, 1);
    assert_true(look(b));
    assert_int_equal(eg_board_find(b, "a/1")->step, 51);
    test_record(root, "a/1", "finished", 200, 200);
    eg_lock_drop(lock);
    assert_true(look(b));
    r = eg_board_find(b, "a/1");
    assert_string_equal(r->info.status, "finished");
    assert_int_equal(r->step, 200);
    assert_int_equal(r->n_spark, 6); /* its past is still known */
    eg_board_free(b);
    scratch_free(root);
}

/* A process that died leaves a free lock behind. */
static void test_killed(void **state)
{
    char *root = scratch_new();
    eg_board *b;
    int lock;

    (void)state;
    test_record(root, "a/1", "running", 200, 0);
    lock = test_lock(root, "a/1");
    b = board_of(root);
    (void)look(b);
    assert_string_equal(eg_board_at(b, 0)->info.status, "running");
    assert_true(isnan(eg_board_at(b, 0)->per_s));
    eg_lock_drop(lock);
    assert_true(look(b));
    assert_string_equal(eg_board_at(b, 0)->info.status, "killed");
    eg_board_free(b);
    scratch_free(root);
}

/* Runs come and go, and those that stay keep what is known of them. */
static void test_come_and_go(void **state)
{
    char *root = scratch_new(), command[256];
    eg_board *b;
    int lock;

    (void)state;
    b = board_of(root);
    (void)look(b);
    assert_int_equal(eg_board_count(b), 0);
    test_record(root, "m/1", "running", 200, 0);
    lock = test_lock(root, "m/1");
    test_rows(root, "m/1", 0, 3);
    look_until(b, 1);
    assert_int_equal(eg_board_find(b, "m/1")->step, 21);
    test_record(root, "a/1", "finished", 5, 5);
    test_record(root, "z/1", "finished", 5, 5);
    look_until(b, 3);
    assert_int_equal(eg_board_find(b, "m/1")->step, 21);
    assert_int_equal(eg_board_find(b, "m/1")->n_spark, 3);
    (void)snprintf(command, sizeof command, "rm -r '%s/a'", root);
    assert_int_equal(system(command), 0);
    look_until(b, 2);
    assert_int_equal(eg_board_find(b, "m/1")->n_spark, 3);
    eg_lock_drop(lock);
    eg_board_free(b);
    scratch_free(root);
}

/* A step that no run has is not counted. */
static void test_odd_step(void **state)
{
    static const char *const step[] = {"1e300", "-1e300", "9007199254740992"};
    char *root = scratch_new();
    int lock;

    (void)state;
    test_record(root, "a/1", "running", 200, 7);
    lock = test_lock(root, "a/1");
    for (size_t i = 0; i < sizeof step / sizeof *step; i++) {
        char row[128];
        eg_board *b;

        (void)snprintf(row, sizeof row, "{\"step\":%s,\"loss\":1}\n", step[i]);
        test_put(root, "a/1", "metrics.jsonl", "w", row);
        b = board_of(root);
        (void)look(b);
        assert_int_equal(eg_board_at(b, 0)->step, 7);
        eg_board_free(b);
    }
    eg_lock_drop(lock);
    scratch_free(root);
}

/* A folder that is not there has no runs. */
static void test_no_folder(void **state)
{
    eg_board *b = board_of("/tmp/engram-there-is-no-such-folder");

    (void)state;
    (void)look(b);
    assert_int_equal(eg_board_count(b), 0);
    assert_null(eg_board_at(b, 0));
    eg_board_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_running), cmocka_unit_test(test_killed),
        cmocka_unit_test(test_come_and_go), cmocka_unit_test(test_odd_step),
        cmocka_unit_test(test_no_folder)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
