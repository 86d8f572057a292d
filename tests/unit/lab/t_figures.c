/* Figures of benchmarks: written and read back, refused when they are none, and
 * compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engram/figures.h"
#include "engram/file.h"
#include "engram/mem.h"

static char path[64];

static int make_path(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "t_figures.%ld.json", (long)getpid());
    return 0;
}

static int drop_path(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void put(eg_figures *f, const char *name, bool less, double low,
                double median, double high, int n)
{
    (void)eg_figures_put(f, name, "u", less, n, low, median, high, high);
}

static void test_quartiles(void **state)
{
    double x[] = {5, 1, 4, 2, 3}, share[] = {0.9, 0.5, 0.7};
    eg_figures f;
    eg_figure *r;

    (void)state;
    eg_figures_begin(&f, "kernels", "ref", 2);
    assert_true(f.machine.cores >= 1 && f.machine.nodes >= 1);
    assert_true(f.machine.cpu[0] && f.machine.kernels[0]);
    r = eg_figures_add(&f, "one", "GFLOP/s", false, x, 5);
    eg_figure_share(r, 10, share, 3);
    eg_figure_peer_add(r, "oneDNN", 7);
    eg_figure_peer_add(r, "none", 0);
    r = &f.row[0];
    assert_true(r->low == 2 && r->median == 3 && r->high == 4 && r->best == 5);
    assert_true(r->share == 0.7 && r->share_low == 0.6);
    assert_int_equal(r->n_peers, 1);
    r = eg_figures_add(&f, "two", "s", true, x, 5);
    assert_true(r->best == 1);
    eg_figures_release(&f);
}

static void test_round_trip(void **state)
{
    eg_figures f, g;
    eg_err err = {0};

    (void)state;
    eg_figures_begin(&f, "flow", "avx2", 3);
    put(&f, "a \"name\"", true, 1, 2, 3, 9);
    eg_figure_share_put(&f.row[0], 8, 0.2, 0.25, 0.3);
    eg_figure_peer_add(&f.row[0], "PyTorch", 1.5);
    for (int i = 0; i < 40; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "b%d", i);
        put(&f, name, false, i + 1, i + 2, i + 3, 4);
    }
    assert_int_equal(eg_figures_write(&f, path, &err), EG_OK);
    assert_int_equal(eg_figures_write(&f, path, &err), EG_OK);
    assert_int_equal(eg_figures_read(&g, path, &err), EG_OK);
    assert_int_equal(g.n, 41);
    assert_string_equal(g.bench, "flow");
    assert_string_equal(g.kernels, "avx2");
    assert_string_equal(g.date, f.date);
    assert_string_equal(g.machine.cpu, f.machine.cpu);
    assert_int_equal(g.threads, 3);
    assert_int_equal(g.machine.l2, f.machine.l2);
    assert_string_equal(g.row[0].name, "a \"name\"");
    assert_true(g.row[0].less && !g.row[1].less);
    assert_true(g.row[0].share == 0.25 && g.row[0].limit == 8);
    assert_true(g.row[0].peer[0].value == 1.5);
    assert_true(g.row[40].median == 41 && g.row[40].high == 42);
    eg_figures_release(&f);
    eg_figures_release(&g);
}

static void check_refused(const char *text, const char *words)
{
    int64_t live = eg_mem_query().live_bytes;
    eg_figures f;
    eg_err err = {0};

    (void)unlink(path);
    assert_int_equal(eg_file_write(path, text, strlen(text), &err), EG_OK);
    assert_int_equal(eg_figures_read(&f, path, &err), EG_EFORMAT);
    if (!strstr(err.msg, words)) print_error("found: %s\n", err.msg);
    assert_non_null(strstr(err.msg, words));
    assert_non_null(strstr(err.msg, path));
    assert_int_equal(eg_mem_query().live_bytes, live);
}

#define HEAD_OF(threads)                                                \
    "{\"format\": \"engram bench 1\", \"bench\": \"b\", \"version\": "  \
    "\"1\", \"commit\": \"c\", \"date\": \"d\", \"kernels\": \"ref\", " \
    "\"threads\": " threads ", "
#define HEAD HEAD_OF("1")
#define MACHINE                                                          \
    "\"machine\": {\"cpu\": \"c\", \"system\": \"s\", \"kernel_sets\": " \
    "\"ref\", \"clock_source\": \"tsc\", \"cores\": 1, \"nodes\": 1, "   \
    "\"l1_bytes\": 0, \"l2_bytes\": 0, \"l3_bytes\": 0, "                \
    "\"memory_bytes\": 0, \"load\": 0.5}, "

#define ROW(name, more)                                           \
    "{\"name\": \"" name                                          \
    "\", \"unit\": \"u\", \"better\": \"less\", \"samples\": 3, " \
    "\"low\": 1, \"median\": 2, \"high\": 3, \"best\": 1" more "}"

/* More than anything measures would be compared for minutes. */
static void test_many(void **state)
{
    enum { MANY = 10001 };
    size_t size = 256 * (size_t)MANY, n = 0;
    char *text = eg_calloc(size, 1);

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < MANY; i++)
        n += (size_t)snprintf(text + n, size - n, "%s" ROW("%d", ""),
                              i ? ", " : HEAD MACHINE "\"figures\": [", i);
    (void)snprintf(text + n, size - n, "]}");
    check_refused(text, "figures: expected a list of at most 10000");
    eg_free(text);
}

static void test_refused(void **state)
{
    eg_figures f = {0};
    eg_err err = {0};

    (void)state;
    check_refused("no JSON", "no file of `engram bench --out`");
    check_refused("[]", "expected the format 'engram bench 1', found none");
    check_refused("{\"format\": \"engram bench 2\"}", "found 'engram bench 2'");
    check_refused(HEAD "\"machine\": 3}", "machine: it: expected an object");
    check_refused(HEAD MACHINE "\"figures\": 3}", "figures: expected a list");
    check_refused(HEAD MACHINE "\"figures\": [{\"name\": \"x\", \"unit\": "
                               "\"u\", \"better\": \"odd\"}]}",
                  "x: better: expected less or more");
    check_refused(HEAD MACHINE
                  "\"figures\": [{\"name\": \"x\", \"unit\": \"u\", "
                  "\"better\": \"less\", \"samples\": 3, \"low\": 2, "
                  "\"median\": 1, \"high\": 3, \"best\": 1}]}",
                  "x: median: expected a number from low to high");
    check_refused(HEAD MACHINE "\"figures\": [" ROW("x", "") ", " ROW(
                      "y", "") ", " ROW("x", "") "]}",
                  "x: name: expected one that stands once");
    check_refused(HEAD MACHINE "\"figures\": [" ROW("x", ", \"peers\": 3") "]}",
                  "x: peers: expected an object");
    /* of 33 bits: it would be 1 in an int */
    check_refused(HEAD_OF("4294967297") MACHINE "\"figures\": []}",
                  "threads: expected a count from 1 to 2147483647");
    check_refused(HEAD_OF("-0") MACHINE "\"figures\": []}",
                  "threads: expected a count");
    check_refused("{}", "found none");
    assert_int_equal(eg_figures_write(&f, path, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "not written by engram"));
}

/* ---- comparison -----------------------------------------------------------
 */

static eg_figures_change compare(const eg_figures *a, const eg_figures *b)
{
    eg_figures_change c;
    eg_err err = {0};

    assert_int_equal(eg_figures_compare(&c, a, b, &err), EG_OK);
    return c;
}

static void test_changes(void **state)
{
    static const struct {
        const char *name;
        bool less;
        double a[3], b[3];
        int n;
        eg_change what;
    } row[] = {
        {"noise of 3 %",
         false,
         {100, 100, 100},
         {97.1, 97.1, 97.1},
         9,
         EG_CHANGE_NONE},
        {"slower",
         false,
         {100, 100, 100},
         {96.9, 96.9, 96.9},
         9,
         EG_CHANGE_SLOWER},
        {"faster",
         false,
         {100, 100, 100},
         {104, 104, 104},
         9,
         EG_CHANGE_FASTER},
        {"seconds",
         true,
         {100, 100, 100},
         {104, 104, 104},
         9,
         EG_CHANGE_SLOWER},
        {"within a's range",
         false,
         {95, 100, 105},
         {91, 91, 91},
         9,
         EG_CHANGE_NONE},
        {"within b's range",
         false,
         {100, 100, 100},
         {84, 91, 95},
         9,
         EG_CHANGE_NONE},
        {"beyond both",
         false,
         {95, 100, 105},
         {85, 89, 93},
         9,
         EG_CHANGE_SLOWER},
        {"few", false, {100, 100, 100}, {91, 91, 91}, 3, EG_CHANGE_NONE},
        {"few, far", false, {100, 100, 100}, {89, 89, 89}, 3, EG_CHANGE_SLOWER},
    };
    enum { N = sizeof row / sizeof *row };
    eg_figures a, b;
    eg_figures_change c;

    (void)state;
    eg_figures_begin(&a, "b", "ref", 1);
    eg_figures_begin(&b, "b", "ref", 1);
    for (int i = N - 1; i >= 0; i--) /* names count, not the order */
        put(&a, row[i].name, row[i].less, row[i].a[0], row[i].a[1], row[i].a[2],
            row[i].n);
    put(&a, "gone", false, 1, 1, 1, 9);
    for (int i = 0; i < N; i++)
        put(&b, row[i].name, row[i].less, row[i].b[0], row[i].b[1], row[i].b[2],
            row[i].n);
    put(&b, "new", false, 1, 1, 1, 9);
    c = compare(&a, &b);
    assert_int_equal(c.n, N + 2);
    assert_false(c.by_share);
    assert_string_equal(c.why, "");
    for (int i = 0; i < N; i++) {
        const eg_figure_change *r = &c.row[N - 1 - i];

        if (r->what != row[i].what)
            print_error("%s: expected %d, found %d\n", row[i].name,
                        (int)row[i].what, (int)r->what);
        assert_int_equal(r->what, row[i].what);
    }
    assert_int_equal(c.row[N].what, EG_CHANGE_ONLY_A);
    assert_int_equal(c.row[N + 1].what, EG_CHANGE_ONLY_B);
    assert_int_equal(c.n_slower, 4);
    assert_int_equal(c.n_faster, 1);
    assert_int_equal(c.n_same, 4);
    eg_figures_change_release(&c);
    eg_figures_release(&a);
    eg_figures_release(&b);
}

static void test_other_machines(void **state)
{
    eg_figures a, b;
    eg_figures_change c;

    (void)state;
    eg_figures_begin(&a, "b", "ref", 1);
    eg_figures_begin(&b, "b", "avx2", 4);
    (void)snprintf(b.machine.cpu, sizeof b.machine.cpu, "another CPU");
    put(&a, "x", false, 100, 100, 100, 9);
    eg_figure_share_put(&a.row[0], 200, 0.5, 0.5, 0.5);
    put(&a, "y", true, 1, 1, 1, 9);
    put(&b, "x", false, 900, 900, 900, 9);
    eg_figure_share_put(&b.row[0], 2000, 0.45, 0.45, 0.45);
    put(&b, "y", true, 2, 2, 2, 9);
    c = compare(&a, &b);
    assert_true(c.by_share);
    assert_non_null(strstr(c.why, "another CPU"));
    assert_non_null(strstr(c.why, "kernels ref and avx2"));
    assert_non_null(strstr(c.why, "threads 1 and 4"));
    assert_int_equal(c.row[0].what, EG_CHANGE_SLOWER);
    assert_int_equal(c.row[1].what, EG_CHANGE_UNKNOWN);
    eg_figures_change_release(&c);
    eg_figures_release(&a);
    eg_figures_release(&b);
}

static void test_nothing_in_common(void **state)
{
    eg_figures a, b;
    eg_figures_change c;
    eg_err err = {0};

    (void)state;
    eg_figures_begin(&a, "b", "ref", 1);
    eg_figures_begin(&b, "b", "ref", 1);
    put(&a, "x", false, 1, 1, 1, 9);
    put(&b, "y", false, 1, 1, 1, 9);
    assert_int_equal(eg_figures_compare(&c, &a, &b, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "no figure is in both"));
    (void)snprintf(b.bench, sizeof b.bench, "other");
    assert_int_equal(eg_figures_compare(&c, &a, &b, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "of one benchmark, found b and other"));
    eg_figures_release(&a);
    eg_figures_release(&b);
}

static void test_memory_runs_out(void **state)
{
    int64_t live = eg_mem_query().live_bytes;

    (void)state;
    for (int k = 1; k < 40; k++) {
        eg_figures f;
        char *text = NULL;
        eg_err err = {0};
        eg_status st;

        eg_mem_fail_after(k);
        eg_figures_begin(&f, "b", "ref", 1);
        put(&f, "x", false, 1, 1, 1, 9);
        st = eg_figures_json(&text, &f, &err);
        eg_mem_fail_after(0);
        assert_true(st == EG_OK || st == EG_ENOMEM);
        assert_true((st == EG_OK) == (text != NULL));
        eg_free(text);
        eg_figures_release(&f);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quartiles),
        cmocka_unit_test_setup_teardown(test_round_trip, make_path, drop_path),
        cmocka_unit_test_setup_teardown(test_refused, make_path, drop_path),
        cmocka_unit_test_setup_teardown(test_many, make_path, drop_path),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_other_machines),
        cmocka_unit_test(test_nothing_in_common),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
