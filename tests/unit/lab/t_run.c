/* Run directories: created once, locked, truncated, read back, indexed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "engram/mem.h"
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
    return eg_config_set(cfg, "run.name=first", NULL) == EG_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    eg_free(cfg);
    scratch_remove(root);
    return 0;
}

static char *slurp(const char *dir, const char *name)
{
    char path[EG_PATH + 64], *text = NULL;
    size_t size = 0;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(eg_file_read(&text, &size, path, 1 << 20, NULL), EG_OK);
    return text;
}

static void put_row(eg_run *run, int64_t step, double a, double b)
{
    eg_row row;

    assert_int_equal(eg_row_init(&row, 4, NULL), EG_OK);
    eg_row_start(&row, step);
    assert_true(eg_row_put(&row, "a", a));
    assert_true(eg_row_put(&row, "b", b));
    assert_int_equal(eg_run_metrics(run, &row, NULL), EG_OK);
    eg_row_release(&row);
}

static void test_create_and_read(void **state)
{
    eg_run *run = NULL;
    eg_metrics m;
    eg_run_info info;
    char dir[EG_PATH], *text;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_run_create(&run, root, NULL, cfg, &err), EG_OK);
    snprintf(dir, sizeof dir, "%s", eg_run_dir(run));
    put_row(run, 0, .1, 1);
    put_row(run, 5, 1e-300, NAN);
    put_row(run, 10, -3, INFINITY);
    put_row(run, 15, -0.0, 0);
    text = slurp(dir, "metrics.jsonl");
    print_message("%s", text);
    assert_string_equal(text, "{\"step\": 0, \"a\": 0.1, \"b\": 1}\n"
                              "{\"step\": 5, \"a\": 1e-300, \"b\": null}\n"
                              "{\"step\": 10, \"a\": -3, \"b\": null}\n"
                              "{\"step\": 15, \"a\": -0.0, \"b\": 0}\n");
    eg_free(text);
    text = slurp(dir, "run.json"); /* all that docs/reproducibility.md says */
    assert_non_null(strstr(text, "\"compiler\": \""));
    assert_non_null(strstr(text, "\"commit\": \""));
    assert_non_null(strstr(text, "\"cpu_features\": \""));
    eg_free(text);
    assert_int_equal(eg_metrics_read(&m, dir, &err), EG_OK);
    assert_int_equal(m.n, 2);
    assert_int_equal(eg_metrics_find(&m, "a")->n, 4);
    assert_true(signbit(eg_metrics_find(&m, "a")->value[3]));
    assert_true(eg_metrics_find(&m, "a")->value[1] == 1e-300);
    assert_true(isnan(eg_metrics_find(&m, "b")->value[1]));
    assert_null(eg_metrics_find(&m, "c"));
    eg_metrics_release(&m);

    /* cut back to the rows before step 10, and go on */
    assert_int_equal(eg_run_keep(run, 2, &err), EG_OK);
    put_row(run, 10, 7, 8);
    text = slurp(dir, "metrics.jsonl");
    assert_non_null(strstr(text, "{\"step\": 10, \"a\": 7, \"b\": 8}\n"));
    assert_null(strstr(text, "\"a\": -3"));
    eg_free(text);

    assert_int_equal(eg_run_record(run, "finished", "", NULL, &err), EG_OK);
    eg_run_close(run);
    assert_int_equal(eg_run_info_read(&info, dir, &err), EG_OK);
    assert_string_equal(info.status, "finished");
    assert_string_equal(info.name, "first");
    assert_int_equal(info.seed, 1);
}

static void test_lock(void **state)
{
    eg_run *run = NULL;
    char dir[EG_PATH];
    int status;
    pid_t child;

    (void)state;
    assert_int_equal(eg_run_create(&run, root, NULL, cfg, NULL), EG_OK);
    snprintf(dir, sizeof dir, "%s", eg_run_dir(run));
    child = fork(); /* locks are per process */
    if (child == 0) {
        eg_run *second = NULL;
        eg_err err = {0};
        eg_status st = eg_run_open(&second, dir, cfg, &err);

        fprintf(stderr, "%s\n", err.msg);
        _exit(st == EG_EBUSY ? 0 : 1);
    }
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 0);
    eg_run_close(run);
    assert_int_equal(eg_run_open(&run, dir, cfg, NULL), EG_OK);
    eg_run_close(run);
}

static void test_refuses(void **state)
{
    eg_run *run = NULL;
    char dir[EG_PATH];
    eg_config *other = eg_calloc(1, sizeof *other);
    eg_err err = {0};

    (void)state;
    snprintf(dir, sizeof dir, "%s/mine", root);
    assert_int_equal(eg_run_create(&run, NULL, dir, cfg, &err), EG_OK);
    eg_run_close(run);
    assert_int_equal(eg_run_create(&run, NULL, dir, cfg, &err), EG_EINVAL);
    print_message("%s\n", err.msg);
    assert_non_null(strstr(err.msg, "--resume"));
    *other = *cfg;
    assert_int_equal(eg_config_set(other, "run.seed=5", NULL), EG_OK);
    assert_int_equal(eg_run_open(&run, dir, other, &err), EG_EINVAL);
    print_message("%s\n", err.msg);
    assert_int_equal(eg_run_create(&run, "/proc/nowhere", NULL, cfg, &err),
                     EG_EIO);
    print_message("%s\n", err.msg);
    eg_free(other);
}

static int64_t last_checkpoint(const char *dir)
{
    int64_t step;

    assert_int_equal(eg_run_last_checkpoint(&step, dir, NULL), EG_OK);
    return step;
}

static void test_checkpoints(void **state)
{
    static const int step[] = {5, 100, 20, 3};
    eg_run *run = NULL;
    char path[EG_PATH + 64];

    (void)state;
    assert_int_equal(eg_run_create(&run, root, NULL, cfg, NULL), EG_OK);
    assert_int_equal(last_checkpoint(eg_run_dir(run)), -1);
    for (int i = 0; i < 4; i++) {
        eg_run_checkpoint_path(run, step[i], path, sizeof path);
        assert_int_equal(eg_file_write(path, "x", 1, NULL), EG_OK);
    }
    snprintf(path, sizeof path, "%s/checkpoints/step-7.safetensors.tmp",
             eg_run_dir(run));
    assert_int_equal(eg_file_write(path, "x", 1, NULL), EG_OK);
    assert_int_equal(last_checkpoint(eg_run_dir(run)), 100);
    eg_run_prune(run, 2);
    assert_int_equal(last_checkpoint(eg_run_dir(run)), 100);
    eg_run_checkpoint_path(run, 20, path, sizeof path);
    assert_true(eg_file_exists(path));
    eg_run_checkpoint_path(run, 5, path, sizeof path);
    assert_false(eg_file_exists(path));
    eg_run_close(run);
}

static void test_hostile_metrics(void **state)
{
    static const struct {
        const char *text;
        eg_status status;
        int series;
    } m[] = {
        {"", EG_OK, 0},
        {"{\"step\": 1, \"a\": 2}\n{\"step\": 2, \"a\"", EG_OK, 1},
        {"{\"a\": 2}\n", EG_EFORMAT, 0},
        {"{\"step\": 1, \"a\": \"x\"}\n", EG_EFORMAT, 0},
        {"{\"step\": 1, \"a\": [1]}\n", EG_EFORMAT, 0},
        {"[1]\n", EG_EFORMAT, 0},
        {"\n", EG_EFORMAT, 0},
        {"{\"step\": 1, \"a\": null}\n", EG_OK, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof m / sizeof *m; i++) {
        eg_metrics out;
        eg_err err = {0};

        assert_int_equal(eg_metrics_parse(&out, m[i].text, strlen(m[i].text),
                                          "m.jsonl", &err),
                         m[i].status);
        print_message("%s\n", err.msg);
        assert_int_equal(out.n, m[i].series);
        eg_metrics_release(&out);
    }
}

static void count(void *ctx, const eg_run_info *info)
{
    (void)info;
    ++*(int *)ctx;
}

static void test_catalogue(void **state)
{
    int n = 0, seen = 0, named = 0, none = 0;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_catalogue_rebuild(root, &n, &err), EG_OK);
    print_message("%d runs\n", n);
    assert_true(n >= 3);
    assert_int_equal(eg_catalogue_each(root, NULL, count, &seen, &err), EG_OK);
    assert_int_equal(seen, n);
    assert_int_equal(eg_catalogue_each(root, "first", count, &named, &err),
                     EG_OK);
    assert_true(named == n);
    assert_int_equal(eg_catalogue_each(root, "x' OR 1", count, &none, &err),
                     EG_OK);
    assert_int_equal(none, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_create_and_read),
                                       cmocka_unit_test(test_lock),
                                       cmocka_unit_test(test_refuses),
                                       cmocka_unit_test(test_checkpoints),
                                       cmocka_unit_test(test_hostile_metrics),
                                       cmocka_unit_test(test_catalogue)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
