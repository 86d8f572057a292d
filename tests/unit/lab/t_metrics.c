/* Rows of metrics are read fast, and mean what they mean to jansson: a line
 * read alone is always left to jansson, so a file must be the sum of its
 * lines. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engram/mem.h"
#include "engram/rng.h"
#include "engram/run.h"
#include "lab/blocks.h"
#include "lab/row_scan.h"
#include "scratch.h"

static bool same(double a, double b)
{
    return (a == b && signbit(a) == signbit(b)) || (isnan(a) && isnan(b));
}

/* Points read so far of one series, while lines are read one by one. */
typedef struct points {
    char name[96];
    int n;
} points;

/* Every line of text alone, in order, against m, which is all of them. */
static void check_lines(const char *text, size_t size, const eg_metrics *m)
{
    static points seen[5000];
    int n_seen = 0;
    const char *end;

    while (size > 0 && (end = memchr(text, '\n', size))) {
        size_t n = (size_t)(end - text) + 1;
        eg_metrics one;
        eg_err err = {0};

        if (eg_metrics_parse(&one, text, n, "line", &err) != EG_OK)
            fail_msg("taken in company, refused alone: %.*s%s", (int)n, text,
                     err.msg);
        for (int i = 0; i < one.n; i++) {
            const eg_series *s = eg_metrics_find(m, one.series[i].name);
            int k = 0;

            if (!s) {
                fail_msg("no series %s", one.series[i].name);
                return;
            }
            assert_int_equal(one.series[i].n, 1);
            while (k < n_seen && strcmp(seen[k].name, one.series[i].name) != 0)
                k++;
            if (k == n_seen) {
                seen[n_seen++] = (points){.n = 0};
                snprintf(seen[k].name, sizeof seen[k].name, "%s",
                         one.series[i].name);
                assert_true(s == &m->series[k]); /* in the same order */
            }
            if (seen[k].n >= s->n) fail_msg("series %d", k);
            assert_true(same(s->step[seen[k].n], one.series[i].step[0]));
            if (!same(s->value[seen[k].n], one.series[i].value[0]))
                fail_msg("%s: %.17g in company, %.17g alone: %.*s", s->name,
                         s->value[seen[k].n], one.series[i].value[0], (int)n,
                         text);
            seen[k].n++;
        }
        eg_metrics_release(&one);
        text += n;
        size -= n;
    }
    assert_int_equal(m->n, n_seen);
    for (int k = 0; k < n_seen; k++)
        assert_int_equal(m->series[k].n, seen[k].n);
}

static bool all_lines_good(const char *text, size_t size)
{
    const char *end;
    bool good = true;

    while (good && size > 0 && (end = memchr(text, '\n', size))) {
        size_t n = (size_t)(end - text) + 1;
        eg_metrics one;

        good = eg_metrics_parse(&one, text, n, "line", NULL) == EG_OK;
        eg_metrics_release(&one);
        text += n;
        size -= n;
    }
    return good;
}

static char dir[64], path[96];

/* The same text as a file, of which only the last values are asked. */
static void check_last(const char *text, size_t size, const eg_metrics *m)
{
    FILE *f;
    eg_metrics last;
    eg_err err = {0};
    eg_status st;

    (void)unlink(path); /* to truncate it would wait for the disk */
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    st = eg_metrics_last(&last, dir, &err);
    assert_int_equal(st, m ? EG_OK : EG_EFORMAT);
    for (int i = 0; m && i < m->n; i++) {
        const eg_series *all = &m->series[i], *one = &last.series[i];

        assert_string_equal(one->name, all->name);
        assert_int_equal(one->n, 1);
        assert_true(same(one->step[0], all->step[all->n - 1]));
        assert_true(same(one->value[0], all->value[all->n - 1]));
    }
    if (m) assert_int_equal(last.n, m->n);
    eg_metrics_release(&last);
}

/* Gives whether the text was taken. */
static bool check(const char *text, size_t size)
{
    eg_metrics m;
    eg_err err = {0};
    eg_status st = eg_metrics_parse(&m, text, size, "m.jsonl", &err);

    if (st == EG_OK)
        check_lines(text, size, &m);
    else if (all_lines_good(text, size))
        fail_msg("refused in company, taken line by line: %s", err.msg);
    check_last(text, size, st == EG_OK ? &m : NULL);
    eg_metrics_release(&m);
    return st == EG_OK;
}

/* Rows after a plain one of the same names; what is odd about them decides. */
static void test_chosen(void **state)
{
    static const char *const value[] = {"1",
                                        "-1",
                                        "0",
                                        "-0",
                                        "0.0",
                                        "-0.0",
                                        "1.5e3",
                                        "1E-7",
                                        "1e+3",
                                        "null",
                                        "0.30000000000000004",
                                        "123456789012345678",
                                        "1234567890123456789",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "9223372036854775808",
                                        "1e308",
                                        "1e309",
                                        "-1e309",
                                        "1e-999",
                                        "01",
                                        "-",
                                        "+1",
                                        ".5",
                                        "5.",
                                        "1e",
                                        "1e+",
                                        "1.e5",
                                        "0x10",
                                        "nan",
                                        "NaN",
                                        "inf",
                                        "Infinity",
                                        "true",
                                        "\"1\"",
                                        "nul",
                                        "nulll",
                                        "1 ",
                                        " 1",
                                        "1\t",
                                        "1e99",
                                        "12345678901e299",
                                        "1e100",
                                        "1\r",
                                        "1,",
                                        "{}",
                                        "[]",
                                        "1 2",
                                        "1\v",
                                        "1e5.5",
                                        "--1",
                                        "1.5.5",
                                        "",
                                        "00",
                                        "-01",
                                        "1\xff"};
    char text[512];
    int good = 0;

    (void)state;
    for (size_t i = 0; i < sizeof value / sizeof *value; i++) {
        int n = snprintf(text, sizeof text,
                         "{\"step\": 1, \"a\": 2, \"b\": 3}\n"
                         "{\"step\": 2, \"a\": %s, \"b\": 4}\n"
                         "{\"step\": %s, \"a\": 5, \"b\": 6}\n",
                         value[i], "3");

        good += check(text, (size_t)n);
        n = snprintf(text, sizeof text,
                     "{\"step\": 1, \"a\": 2}\n{\"step\": %s, \"a\": 2}\n",
                     value[i]);
        good += check(text, (size_t)n);
    }
    print_message("%d taken\n", good);
    assert_int_equal(good, 45);
}

/* -0 keeps its sign, as the first row (jansson's way) and in later ones, as a
 * run writes it and as runs wrote it before; and a run writes it so that others
 * see it, too. */
static void test_minus_zero(void **state)
{
    static const char *const way[] = {"-0", "-0.0", "-0e5"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        const char *z = way[i];
        int n = snprintf(text, sizeof text,
                         "{\"step\": 0, \"a\": %s}\n{\"step\": 1, \"a\": 0}\n"
                         "{\"step\": 2, \"a\": %s}\n",
                         z, z);
        eg_metrics m;

        assert_int_equal(eg_metrics_parse(&m, text, (size_t)n, "m.jsonl", NULL),
                         EG_OK);
        for (int k = 0; k < 3; k++) {
            print_message("%s: %g\n", z, m.series[0].value[k]);
            assert_true(same(m.series[0].value[k], k == 1 ? 0.0 : -0.0));
        }
        eg_metrics_release(&m);
        assert_true(check(text, (size_t)n));
    }
}

static void test_shapes(void **state)
{
    static const char *const line[] = {"{\"step\": 1, \"a\": 2, \"a\": 3}",
                                       "{\"a\": 2, \"step\": 4}",
                                       "{ \"step\" : 5 , \"a\" : 2 }",
                                       "{\"step\": 6}",
                                       "{}",
                                       "{\"step\": 7, \"\\u0061\": 8}",
                                       "{\"step\": 8, \"\xc3\xa4\": 9}",
                                       "{\"step\": 9, \"a\": 1}  \r",
                                       "{\"step\": 9, \"a\": 1} x",
                                       "",
                                       "{\"step\": 1, \"step\": 2, \"a\": 3}",
                                       "{\"step\": 1, \"\": 3}",
                                       "{\"step\": 1, \"a\": 2,}",
                                       "{\"step\": 1, \"a\" 2}",
                                       "{\"step\": null}",
                                       "[1]",
                                       "{\"step\": 1, \"a\": 2}{}",
                                       "{\"a\": 1}",
                                       "{\"step\": 1, \"b\": 2}"};
    char text[1024];
    enum { N = sizeof line / sizeof *line };

    (void)state;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            int n = snprintf(text, sizeof text, "%s\n%s\n%s\n%s\n%s\n", line[i],
                             line[k], line[i], line[k], line[i]);

            (void)check(text, (size_t)n);
        }
}

/* Rows of several shapes in any order, then with a byte changed. */
static void test_random(void **state)
{
    static const char odd[] = "0123456789+-.eE, \":{}nul\\\t\n";
    static char text[8000];
    eg_rng rng = eg_rng_make(1, EG_RNG_USER, 0, 0);
    int good = 0;

    (void)state;
    for (int round = 0; round < 1000; round++) {
        size_t n = 0;
        uint32_t lines = 1 + eg_rng_below(&rng, 12);

        for (uint32_t i = 0; i < lines; i++) {
            uint32_t names = 1 + eg_rng_below(&rng, 12);

            n += (size_t)snprintf(text + n, sizeof text - n, "{\"step\": %u",
                                  10 * i);
            for (uint32_t k = 0; k < names; k++)
                n += (size_t)snprintf(
                    text + n, sizeof text - n, ", \"metric%u\": %.*g", k,
                    (int)(1 + eg_rng_below(&rng, 17)), eg_rng_normal(&rng));
            n += (size_t)snprintf(text + n, sizeof text - n, "}\n");
        }
        good += check(text, n);
        for (int k = 0; k < 3; k++) {
            text[eg_rng_below(&rng, (uint32_t)n)] =
                odd[eg_rng_below(&rng, sizeof odd - 1)];
            good += check(text, n);
        }
    }
    print_message("%d of 4000 taken\n", good);
    assert_true(good > 1200 && good < 3800);
}

/* More shapes than are remembered, and shapes that never come again. */
static void test_many_shapes(void **state)
{
    static char text[400000];
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 2000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "{\"step\": %d, \"x%d\": %d, \"all\": 0.1}\n", i,
                              i % 20, i);
    for (int i = 0; i < 2000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "{\"step\": %d, \"y%d\": %d, \"all\": 0.2}\n", i,
                              i, i);
    assert_true(check(text, n));
}

/* Lines far longer than a block, and a last one that has no end. */
static void test_blocks(void **state)
{
    static const size_t size[] = {
        0, 1, 100, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20, 5};
    enum { N = sizeof size / sizeof *size };
    egi_blocks b;
    const char *block = NULL;
    size_t n = 0;
    int line = 0;
    eg_infile in;
    size_t at = 0;
    FILE *f = fopen(path, "w+b");
    eg_err err = {0};

    (void)state;
    assert_non_null(f);
    for (int i = 0; i < N; i++) {
        for (size_t k = 0; k < size[i]; k++) fputc('a' + i, f);
        fputc('\n', f);
    }
    fputs("cut", f);
    assert_int_equal(fflush(f), 0);
    assert_int_equal(eg_infile_open(&in, path, 0, &err), EG_OK);
    egi_blocks_open(&b, &in);
    for (;;) {
        assert_int_equal(egi_blocks_next(&b, &block, &n, &err), EG_OK);
        if (n == 0) break;
        assert_int_equal(block[n - 1], '\n');
        for (size_t i = 0; i < n; i++) {
            if (block[i] != '\n') {
                assert_int_equal(block[i], 'a' + line);
                at++;
                continue;
            }
            assert_int_equal(at, size[line++]);
            at = 0;
        }
    }
    assert_int_equal(line, N);
    assert_int_equal(b.n - b.from, 3);
    assert_memory_equal(b.buf + b.from, "cut", 3);
    egi_blocks_release(&b);
    eg_infile_close(&in);
    fclose(f);
}

/* Whichever allocation fails: no memory, or (a shape that was not learnt) all
 * the same. */
static void test_no_memory(void **state)
{
    static const char text[] = "{\"step\": 1, \"a\": 2, \"b\": 3}\n"
                               "{\"step\": 2, \"a\": 3, \"b\": 4}\n"
                               "{\"step\": 3, \"c\": 3}\n{\"step\": 4}\n";
    int64_t live = eg_mem_query().live_bytes;
    int failed = 0;

    (void)state;
    for (int n = 1; n < 40; n++) {
        eg_metrics m;
        eg_err err = {0};
        eg_status st;

        eg_mem_fail_after(n);
        st = eg_metrics_parse(&m, text, sizeof text - 1, "m", &err);
        eg_mem_fail_after(0);
        failed += st != EG_OK;
        if (st == EG_OK)
            check_lines(text, sizeof text - 1, &m);
        else
            assert_int_equal(st, EG_ENOMEM);
        eg_metrics_release(&m);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
    print_message("%d allocations cannot fail without saying so\n", failed);
    assert_true(failed >= 4);
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(dir, sizeof dir);
    snprintf(path, sizeof path, "%s/metrics.jsonl", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chosen),      cmocka_unit_test(test_minus_zero),
        cmocka_unit_test(test_shapes),      cmocka_unit_test(test_random),
        cmocka_unit_test(test_many_shapes), cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_no_memory)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
