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
#include "scratch.h"

static char root[64];
static eg_config *cfg;

static int set_up(void **state)
{
    (void)state;
    scratch_make(root, sizeof root);
    cfg = eg_calloc(1, sizeof *cfg);
    eg_config_default(cfg);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    eg_free(cfg);
    scratch_remove(root);
    return 0;
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

/* A checkpoint of two weights; b was updated as often as a. */
static void put_checkpoint(const char *dir, int64_t step, float a, float b)
{
    const float x[2] = {a, b};
    const int64_t updates[2] = {step, step};
    eg_st_entry e[3] = {
        {"A", {&x[0], EG_F32, 1, {1}}},
        {"B", {&x[1], EG_F32, 1, {1}}},
        {"optim.updates", {updates, EG_I64, 1, {2}}},
    };
    char number[32], path[256];
    const char *meta[] = {"format", "engram-checkpoint", "version", "2", "step",
                          number};

    snprintf(number, sizeof number, "%d", (int)step);
    snprintf(path, sizeof path, "%s/checkpoints/step-%d.safetensors", dir,
             (int)step);
    assert_int_equal(eg_st_write(path, e, 3, meta, 3, NULL), EG_OK);
}

static void test_weights_that_stay(void **state)
{
    char dir[128];
    list l;

    (void)state;
    make(dir, "still", "");
    put_checkpoint(dir, 1, 1, 2);
    put_checkpoint(dir, 2, 1.5F, 2.5F);
    assert_null(strstr(found(dir, EG_VERIFY_ALL).text, "odd"));
    put_checkpoint(dir, 3, 1.75F, 2.5F);
    l = found(dir, EG_VERIFY_ALL);
    assert_int_equal(l.damaged, 0);
    assert_non_null(strstr(l.text, "odd checkpoints/step-3.safetensors trained "
                                   "since step 2 and bit for bit as it was "
                                   "then: B;"));
}

/* Rows of these steps, of a run that measures every fifth of 18. */
static void with_rows(char dir[128], const char *name, int done,
                      const int64_t *step, int n)
{
    const eg_run_facts facts = {.steps = 18, .steps_done = done};
    eg_run *run = NULL;

    snprintf(dir, 128, "%s/%s", root, name);
    cfg->train.steps = 18;
    cfg->probe.every = 5;
    assert_int_equal(eg_run_create(&run, NULL, dir, cfg, NULL), EG_OK);
    for (int i = 0; i < n; i++) put_row(run, step[i], 0.5 * i);
    assert_int_equal(
        eg_run_record(run, done ? "interrupted" : "running", "", &facts, NULL),
        EG_OK);
    eg_run_close(run);
}

static void test_histories(void **state)
{
    static const struct {
        int done, n;
        int64_t step[6];
        const char *why; /* NULL: nothing is odd */
    } row[] = {
        {18, 5, {0, 5, 10, 15, 17}, NULL},
        {12, 3, {0, 5, 10}, NULL},
        {0, 2, {0, 5}, NULL},
        /* a run that was made longer has one of its earlier end */
        {18, 6, {0, 5, 8, 10, 15, 17}, NULL},
        {18,
         4,
         {0, 5, 15, 17},
         "odd metrics.jsonl row 3 is of step 15, expected one of step 10"},
        {18,
         4,
         {0, 5, 10, 15},
         "odd metrics.jsonl 18 steps were done, expected a row of step 17"},
        {0,
         4,
         {0, 5, 10, 10},
         "odd metrics.jsonl row 4 is of step 10, behind one of step 10"},
        {0,
         1,
         {5},
         "odd metrics.jsonl row 1 is of step 5, expected one of "
         "step 0"},
        {19,
         5,
         {0, 5, 10, 15, 17},
         "odd run.json interrupted, with 19 of 18 steps done"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char dir[128], name[16];
        list l;

        snprintf(name, sizeof name, "h%zu", i);
        with_rows(dir, name, row[i].done, row[i].step, row[i].n);
        l = found(dir, EG_VERIFY_ALL);
        if (!row[i].why)
            assert_null(strstr(l.text, "odd"));
        else if (!strstr(l.text, row[i].why))
            fail_msg("expected '%s'", row[i].why);
    }
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_finished),
                                       cmocka_unit_test(test_killed),
                                       cmocka_unit_test(test_weights_that_stay),
                                       cmocka_unit_test(test_histories),
                                       cmocka_unit_test(test_last),
                                       cmocka_unit_test(test_no_folder),
                                       cmocka_unit_test(test_no_memory)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
