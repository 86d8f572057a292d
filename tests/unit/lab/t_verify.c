/* What eg_run_verify finds in a run directory; the tool's own tests turn over
 * bits in every kind of file (cli/t_verify). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engram/mem.h"
#include "engram/verify.h"
#include "lab/run_priv.h"

static char root[64];
static eg_config *cfg;

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/engram-t_verify-XXXXXX");
    if (!mkdtemp(root)) return -1;
    cfg = eg_calloc(1, sizeof *cfg);
    eg_config_default(cfg);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    eg_free(cfg);
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command); /* NOLINT(cert-env33-c): our own folder */
}

static void put_row(eg_run *run, int64_t step, double value)
{
    eg_row row;

    assert_int_equal(eg_row_init(&row, 4, NULL), EG_OK);
    eg_row_start(&row, step);
    assert_true(eg_row_put(&row, "a", value));
    assert_int_equal(eg_run_metrics(run, &row, NULL), EG_OK);
    assert_int_equal(eg_run_timing(run, &row, NULL), EG_OK);
    eg_row_release(&row);
}

/* A run of three rows and an array; status "": it is left as if killed. */
static void make(char dir[128], const char *name, const char *status)
{
    const float x[2] = {1, 2};
    const eg_view v = {x, EG_F32, 1, {2}};
    eg_run *run = NULL;

    snprintf(dir, 128, "%s/%s", root, name);
    assert_int_equal(eg_run_create(&run, NULL, dir, cfg, NULL), EG_OK);
    for (int i = 0; i < 3; i++) put_row(run, i, 0.5 * i);
    assert_int_equal(
        eg_npy_write_in(&run->sub[EGI_ARRAYS], "m.2.npy", &v, NULL), EG_OK);
    assert_int_equal(egi_run_sum_snapshot(run, 2, NULL), EG_OK);
    if (status[0])
        assert_int_equal(eg_run_record(run, status, "", NULL, NULL), EG_OK);
    eg_run_close(run);
}

typedef struct list {
    char text[2000];
    int n, damaged;
} list;

static void add(void *ctx, const eg_finding *f)
{
    list *l = ctx;
    size_t n = strlen(l->text);

    l->n++;
    l->damaged += f->sound == EG_DAMAGED;
    snprintf(l->text + n, sizeof l->text - n, "%s %s %s;",
             eg_sound_name(f->sound), f->file, f->why);
}

static list found(const char *dir, eg_verify_what what)
{
    list l = {.n = 0};
    eg_err err = {0};

    if (eg_run_verify(dir, what, add, &l, &err) != EG_OK)
        fail_msg("%s", err.msg);
    print_message("%s\n", l.text);
    return l;
}

static void write_in(const char *dir, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(eg_file_write(path, text, strlen(text), NULL), EG_OK);
}

static void test_finished(void **state)
{
    char dir[128];
    list l;

    (void)state;
    make(dir, "done", "finished");
    l = found(dir, EG_VERIFY_ALL);
    assert_string_equal(l.text, "whole run.json ;whole config.yaml ;whole "
                                "metrics.jsonl ;whole timing.jsonl ;whole "
                                "arrays/sums ;whole arrays/m.2.npy ;");
    assert_int_equal(found(dir, EG_VERIFY_RECORD).n, 5);
    write_in(dir, "metrics.jsonl", "{\"step\": 0, \"a\": 0}\n");
    l = found(dir, EG_VERIFY_RECORD);
    assert_int_equal(l.damaged, 1);
    assert_non_null(strstr(l.text, "damaged metrics.jsonl damaged or edited: "
                                   "expected 62 bytes, found 20;"));
    write_in(dir, "arrays/mine.npy", "x");
    write_in(dir, "arrays/m.2.npy", "x");
    write_in(dir, "arrays/notes.txt", "x"); /* no business of ours */
    l = found(dir, EG_VERIFY_ALL);
    assert_int_equal(l.damaged, 2);
    assert_non_null(strstr(l.text, "damaged arrays/m.2.npy damaged or edited"));
    assert_non_null(strstr(l.text, "unchecked arrays/mine.npy arrays/sums does "
                                   "not list it;"));
    assert_null(strstr(l.text, "notes"));
}

static void test_killed(void **state)
{
    char dir[128];
    list l;

    (void)state;
    make(dir, "dead", "");
    l = found(dir, EG_VERIFY_ALL);
    assert_int_equal(l.damaged, 0);
    assert_null(strstr(l.text, "unchecked"));
    write_in(dir, "metrics.jsonl",
             "{\"step\": 0, \"a\": 0}\n"
             "{\"step\": 1, \"a\": 0.6}\n"
             "{\"step\": 2, \"a\": 1}\n");
    write_in(dir, "timing.jsonl", "{\"step\": 0, \"a\": 0}\n");
    l = found(dir, EG_VERIFY_ALL);
    assert_int_equal(l.damaged, 2);
    assert_non_null(strstr(l.text, "damaged metrics.jsonl line 2 is not what "
                                   "was written;"));
    assert_non_null(strstr(l.text, "damaged timing.jsonl 2 of its 3 rows are "
                                   "lost, from line 2 on;"));
}

static void test_last(void **state)
{
    static const char *const status[] = {"finished", "interrupted"};
    char dir[128];

    (void)state;
    for (int i = 0; i < 2; i++) {
        eg_metrics m;
        list l = {.n = 0};
        eg_err err = {0};

        make(dir, status[i], status[i]);
        assert_int_equal(eg_run_last(&m, dir, add, &l, &err), EG_OK);
        assert_int_equal(l.damaged, 0);
        assert_int_equal(m.n, 1);
        assert_int_equal(m.series[0].n, 1);
        assert_true(m.series[0].value[0] == 1);
        eg_metrics_release(&m);
        write_in(dir, "metrics.jsonl", "{\"step\": 7, \"a\": 9}\nrubbish\n");
        assert_int_equal(eg_run_last(&m, dir, add, &l, &err), EG_EFORMAT);
        print_message("%s\n", err.msg);
        assert_non_null(strstr(err.msg, "metrics.jsonl:2: not a JSON object"));
        assert_int_equal(l.damaged, 1);
        assert_int_equal(m.n, 0);
    }
}

static void test_no_folder(void **state)
{
    list l = {.n = 0};
    eg_err err = {0};

    (void)state;
    assert_int_equal(
        eg_run_verify("/nowhere/run", EG_VERIFY_ALL, add, &l, &err), EG_EIO);
    assert_non_null(strstr(err.msg, "/nowhere/run"));
    assert_int_equal(l.n, 0);
}

/* Whichever allocation fails: no memory, nothing damaged, no leak. */
static void test_no_memory(void **state)
{
    char dir[128];
    int64_t live;
    int failed = 0;

    (void)state;
    make(dir, "memory", "interrupted");
    live = eg_mem_query().live_bytes;
    for (int n = 1; n < 200; n++) {
        list l = {.n = 0};
        eg_err err = {0};
        eg_status st;

        eg_mem_fail_after(n);
        st = eg_run_verify(dir, EG_VERIFY_ALL, add, &l, &err);
        eg_mem_fail_after(0);
        assert_int_equal(eg_mem_query().live_bytes, live);
        if (l.damaged) fail_msg("allocation %d: %s", n, l.text);
        if (st == EG_OK) continue;
        assert_int_equal(st, EG_ENOMEM);
        failed++;
    }
    print_message("%d allocations\n", failed);
    assert_true(failed > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finished), cmocka_unit_test(test_killed),
        cmocka_unit_test(test_last), cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_no_memory)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
