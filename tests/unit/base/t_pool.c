/* The pool runs every task exactly once, whatever its size. */
#include <stdatomic.h>

#include "base/check.h"
#include "engram/pool.h"

enum { MAX_TASKS = 1000, MAX_WORKERS = 8 };

typedef struct tally {
    atomic_int runs[MAX_TASKS];
    int by_worker[MAX_WORKERS]; /* not atomic: a worker runs one at a time */
    atomic_int strangers;       /* worker numbers out of range */
    int n_workers;
} tally;

static void count_task(void *ctx, int task, int worker)
{
    tally *t = ctx;

    atomic_fetch_add(&t->runs[task], 1);
    if (worker < 0 || worker >= t->n_workers) {
        atomic_fetch_add(&t->strangers, 1);
        return;
    }
    t->by_worker[worker]++;
}

static void check_pool(int n_threads)
{
    static const int sizes[] = {0, 1, 2, 3, 7, 8, 9, 64, MAX_TASKS};
    eg_err err = {0};
    eg_pool *pool = NULL;
    int64_t live = eg_mem_query().live_bytes, allocs = 0;

    check_ok(eg_pool_new(&pool, n_threads, &err), &err);
    assert_int_equal(eg_pool_size(pool), n_threads);
    allocs = eg_mem_query().n_allocs;
    for (int round = 0; round < 200; round++) {
        int n = sizes[round % 9], sum = 0;
        tally t = {.n_workers = n_threads};

        eg_pool_run(pool, n, count_task, &t);
        for (int i = 0; i < MAX_TASKS; i++) {
            assert_int_equal(t.runs[i], i < n ? 1 : 0);
        }
        assert_int_equal(t.strangers, 0);
        for (int w = 0; w < n_threads; w++) sum += t.by_worker[w];
        assert_int_equal(sum, n);
    }
    assert_int_equal(eg_mem_query().n_allocs, allocs);
    eg_pool_free(pool);
    assert_int_equal(eg_mem_query().live_bytes, live);
}

static void test_each_task_once(void **state)
{
    (void)state;
    check_pool(1);
    check_pool(2);
    check_pool(3);
    check_pool(8);
}

/* Two tasks that wait for each other end only if two threads run them. */
typedef struct meeting {
    atomic_int arrived;
    int worker[2]; /* of task 0 and 1 */
} meeting;

static void meet(void *ctx, int task, int worker)
{
    meeting *m = ctx;

    m->worker[task] = worker;
    atomic_fetch_add(&m->arrived, 1);
    while (atomic_load(&m->arrived) < 2) {
    }
}

static void test_threads_run_at_the_same_time(void **state)
{
    eg_err err = {0};
    eg_pool *pool = NULL;
    meeting m = {.worker = {-1, -1}};

    (void)state;
    check_ok(eg_pool_new(&pool, 2, &err), &err);
    eg_pool_run(pool, 2, meet, &m);
    assert_int_equal(m.arrived, 2);
    assert_int_equal(m.worker[0] + m.worker[1], 1); /* 0 and 1 */
    eg_pool_free(pool);
}

static void test_sizes(void **state)
{
    eg_err err = {0};
    eg_pool *pool = NULL;

    (void)state;
    check_ok(eg_pool_new(&pool, 0, &err), &err);
    print_message("one thread a core: %d\n", eg_pool_size(pool));
    assert_int_equal(eg_pool_size(pool), eg_cpu_count());
    eg_pool_free(pool);
    check_failed(eg_pool_new(&pool, -1, &err), EG_EINVAL, &err, "found -1");
    assert_null(pool);
    check_failed(eg_pool_new(&pool, 5000, &err), EG_EINVAL, &err, "found 5000");
    eg_pool_free(NULL);
}

static void test_clock_does_not_go_back(void **state)
{
    double last = eg_clock();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        double now = eg_clock();

        assert_true(now >= last);
        last = now;
    }
    assert_true(last > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_task_once),
        cmocka_unit_test(test_threads_run_at_the_same_time),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_clock_does_not_go_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
