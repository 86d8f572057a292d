/* Nodes of memory, from folders that look like a machine's, and pools on
 * them. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): glibc's switch for affinity */
#define _GNU_SOURCE
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/pool_priv.h"
#include "base/topology.h"

static char folder[64];
static cpu_set_t allowed;
static int cores[2], n_cores; /* the first two that we may run on */

static int begin(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "t_topology.%ld", (long)getpid());
    assert_int_equal(mkdir(folder, 0777), 0);
    CPU_ZERO(&allowed);
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    n_cores = 0;
    for (int c = 0; c < CPU_SETSIZE && n_cores < 2; c++)
        if (CPU_ISSET((size_t)c, &allowed)) cores[n_cores++] = c;
    return 0;
}

static void path_of(char *path, int node, const char *file)
{
    (void)snprintf(path, 128, "%s/node%d%s", folder, node, file);
}

static int end(void **state)
{
    char path[128];

    (void)state;
    for (int i = 0; i < 9; i++) {
        path_of(path, i, "/cpulist");
        (void)unlink(path);
        path_of(path, i, "");
        (void)rmdir(path);
    }
    return rmdir(folder);
}

static void write_node(int node, const char *list)
{
    char path[128];
    eg_err err = {0};

    path_of(path, node, "");
    (void)mkdir(path, 0777);
    path_of(path, node, "/cpulist");
    check_ok(eg_file_write(path, list, strlen(list), &err), &err);
}

/* All cores of ours but the second, and the second, as two nodes. */
static void write_two(int one, int two)
{
    char text[4096] = "", *at = text;

    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET((size_t)c, &allowed) && c != cores[1])
            at += sprintf(at, "%s%d", at > text ? "," : "", c);
    (void)sprintf(at, "\n");
    write_node(one, text);
    (void)sprintf(text, "%d-%d,100000\n", cores[1], cores[1]);
    write_node(two, text);
}

static int count(const egi_topology *t)
{
    int n = 0;

    for (int i = 0; i < t->n_nodes; i++) n += t->n_cpus[i];
    return n;
}

static void test_one_node(void **state)
{
    static const char *const odd[] = {"nonsense", "0-", "", "0,x"};
    egi_topology t;

    (void)state;
    egi_topology_read(&t, "no such folder");
    assert_int_equal(t.n_nodes, 1);
    assert_int_equal(count(&t), eg_cpu_count());
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        write_node(0, odd[i]);
        egi_topology_read(&t, folder);
        assert_int_equal(t.n_nodes, 1);
        assert_int_equal(count(&t), eg_cpu_count());
    }
    egi_topology_read(&t, EGI_TOPOLOGY_FOLDER);
    assert_true(t.n_nodes >= 1);
    assert_int_equal(count(&t), eg_cpu_count());
}

static void test_two_nodes(void **state)
{
    egi_topology t;
    char twice[16];

    (void)state;
    if (n_cores < 2) skip();
    write_two(0, 3);          /* numbers may be missing */
    write_node(5, "90000\n"); /* and nodes be none of ours */
    egi_topology_read(&t, folder);
    assert_int_equal(t.n_nodes, 2);
    assert_int_equal(t.n_cpus[0], eg_cpu_count() - 1);
    assert_int_equal(t.n_cpus[1], 1);
    assert_int_equal(t.cpu[t.first[1]], cores[1]);
    write_node(3, "90000\n"); /* a core of ours is in none: no belief */
    egi_topology_read(&t, folder);
    assert_int_equal(t.n_nodes, 1);
    (void)snprintf(twice, sizeof twice, "%d\n", cores[0]);
    write_two(0, 3); /* nor where one is in two, and another in none */
    write_node(3, twice);
    egi_topology_read(&t, folder);
    assert_int_equal(t.n_nodes, 1);
}

/* Nodes of 4 and 2 cores. */
static void test_workers_of_nodes(void **state)
{
    egi_topology t = {.n_nodes = 2, .n_cpus = {4, 2}, .first = {0, 4}};
    static const int n[] = {1, 2, 3, 6, 7, 12};
    static const int in_first[] = {0, 1, 2, 4, 4, 8};

    (void)state;
    for (size_t k = 0; k < sizeof n / sizeof *n; k++) {
        int got = 0;

        for (int w = 0; w < n[k]; w++) {
            int node = egi_topology_node(&t, w, n[k]);

            assert_true(node == (w >= in_first[k]));
            got += node == 0;
        }
        assert_int_equal(got, in_first[k]);
    }
}

/* ---- pools ----------------------------------------------------------------
 */

typedef struct seen {
    atomic_int task[64], each[16];
    cpu_set_t on[16];
} seen;

static void note_task(void *ctx, int i, int worker)
{
    seen *s = ctx;

    atomic_fetch_add(&s->task[i], 1);
    assert_true(worker >= 0 && worker < 16);
}

static void note_worker(void *ctx, int i, int worker)
{
    seen *s = ctx;

    assert_int_equal(i, worker);
    atomic_fetch_add(&s->each[worker], 1);
    (void)sched_getaffinity(0, sizeof s->on[worker], &s->on[worker]);
}

static void check_pool(eg_pool *p, int nodes)
{
    static seen s;
    int size = eg_pool_size(p);

    for (int n = 0; n <= 64; n += n < 20 ? 1 : 11) {
        memset(&s, 0, sizeof s);
        eg_pool_run(p, n, note_task, &s);
        for (int i = 0; i < 64; i++)
            assert_int_equal(atomic_load(&s.task[i]), i < n);
        egi_pool_each(p, note_worker, &s);
        for (int w = 0; w < 16; w++)
            assert_int_equal(atomic_load(&s.each[w]), w < size);
    }
    assert_int_equal(egi_pool_nodes(p), nodes);
    for (int n = 0; n < 40; n++) { /* parts are all, each once */
        int next = 0;

        for (int w = 0; w < size; w++) {
            int from, to;

            egi_pool_part(p, n, w, &from, &to);
            assert_int_equal(from, next);
            next = to;
        }
        assert_int_equal(next, n);
    }
    for (int w = nodes > 1 ? 1 : 0; w < size; w++) {
        bool second = w >= size * (eg_cpu_count() - 1) / eg_cpu_count();
        cpu_set_t want = allowed;

        if (nodes > 1) CPU_CLR((size_t)cores[1], &want);
        if (nodes > 1 && second) CPU_ZERO(&want);
        if (nodes > 1 && second) CPU_SET((size_t)cores[1], &want);
        if (!CPU_EQUAL(&s.on[w], &want)) print_error("worker %d\n", w);
        assert_true(CPU_EQUAL(&s.on[w], &want));
    }
}

static void test_pools(void **state)
{
    eg_err err = {0};
    eg_pool *p;

    (void)state;
    for (int n = 1; n <= 5; n++) {
        check_ok(egi_pool_new_on(&p, n, "no such folder", &err), &err);
        check_pool(p, 1);
        eg_pool_free(p);
    }
    if (n_cores < 2) return;
    write_two(0, 1);
    for (int n = 4; n <= 16; n += 3) { /* threads above cores too */
        check_ok(egi_pool_new_on(&p, n, folder, &err), &err);
        check_pool(p, 2);
        eg_pool_free(p);
    }
}

/* ---- who watches ----------------------------------------------------------
 */

typedef struct watched {
    int n, runs;
    double bytes, last;
} watched;

static void watch(void *ctx, const egi_pool_event *e)
{
    watched *w = ctx;

    assert_int_equal(e->task, w->n % e->n_tasks);
    assert_true(e->start >= w->last && e->end >= e->start);
    w->last = e->end;
    w->n++;
    w->runs += e->task + 1 == e->n_tasks;
    w->bytes += e->bytes;
}

static void test_watch(void **state)
{
    static seen s;
    eg_err err = {0};
    eg_pool *p;
    watched w = {0};

    (void)state;
    check_ok(eg_pool_new(&p, 1, &err), &err);
    egi_pool_watch(p, watch, &w);
    egi_pool_moves(p, 7);
    eg_pool_run(p, 3, note_task, &s);
    eg_pool_run(p, 3, note_task, &s);
    egi_pool_watch(p, NULL, NULL);
    eg_pool_run(p, 3, note_task, &s);
    assert_int_equal(w.n, 6);
    assert_int_equal(w.runs, 2);
    assert_true(w.bytes == 21);
    eg_pool_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_node, begin, end),
        cmocka_unit_test_setup_teardown(test_two_nodes, begin, end),
        cmocka_unit_test(test_workers_of_nodes),
        cmocka_unit_test_setup_teardown(test_pools, begin, end),
        cmocka_unit_test(test_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
