/* Whose folder a run writes into, and what stays of a run that never began. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "engram/mem.h"
#include "lab/run_priv.h"
#include "scratch.h"

static char root[64];
static eg_folder top; /* the same, open */
static eg_config *cfg;

static int n_open; /* before the test */

static int count_open(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(d);
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static int set_up(void **state)
{
    (void)state;
    n_open = count_open();
    scratch_make(root, sizeof root);
    cfg = eg_calloc(1, sizeof *cfg);
    eg_config_default(cfg);
    return eg_folder_open(&top, root, NULL) == EG_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    eg_free(cfg);
    eg_folder_close(&top);
    assert_int_equal(count_open(), n_open); /* nothing stays open */
    scratch_remove(root);
    return 0;
}

static const char *at(const char *name)
{
    static char path[2][EG_PATH];
    static int which;

    which = 1 - which;
    snprintf(path[which], sizeof path[which], "%s/%s", root, name);
    return path[which];
}

static void put(const char *name, const char *text)
{
    assert_int_equal(eg_file_write(at(name), text, strlen(text), NULL), EG_OK);
}

static void check_text(const char *name, const char *want)
{
    char *text = NULL;
    size_t size;

    assert_int_equal(eg_file_read(&text, &size, at(name), 1000, NULL), EG_OK);
    assert_string_equal(text, want);
    eg_free(text);
}

static eg_run *create(const char *name)
{
    eg_run *run = NULL;
    eg_err err = {0};

    if (eg_run_create(&run, NULL, at(name), cfg, &err) != EG_OK)
        fail_msg("%s", err.msg);
    return run;
}

static void test_folders_in_use(void **state)
{
    eg_run *run = NULL;
    eg_err err = {0};

    (void)state;
    assert_int_equal(mkdir(at("mine"), 0700), 0);
    put("mine/notes", "mine");
    put("mine/log", "mine");
    assert_int_equal(eg_run_create(&run, NULL, at("mine"), cfg, &err),
                     EG_EINVAL);
    assert_null(run);
    assert_non_null(strstr(err.msg, "mine is not empty: log is in the way"));
    assert_false(eg_folder_has(&top, "mine/lock"));
    check_text("mine/log", "mine");
    assert_int_equal(symlink("mine", at("link")), 0);
    assert_int_equal(eg_run_create(&run, NULL, at("link"), cfg, &err),
                     EG_EINVAL);
    assert_int_equal(symlink("made", at("dangling")), 0);
    assert_int_equal(eg_run_create(&run, NULL, at("dangling"), cfg, &err),
                     EG_EIO);
    assert_false(eg_folder_has(&top, "made"));
}

/* With the folders above it, as far as they were made. */
static void test_dropped(void **state)
{
    eg_run *run;

    (void)state;
    run = create("a/b/c");
    assert_true(eg_folder_has(&top, "a/b/c/config.yaml"));
    assert_true(egi_run_drop(run));
    eg_run_close(run);
    assert_false(eg_folder_has(&top, "a"));
    assert_int_equal(mkdir(at("a"), 0700), 0);
    run = create("a/b");
    put("a/b/arrays/x.npy", "ours"); /* in a folder that we made */
    put("a/b/notes", "mine");        /* not ours */
    assert_true(egi_run_drop(run));
    eg_run_close(run);
    check_text("a/b/notes", "mine");
    assert_false(eg_folder_has(&top, "a/b/arrays"));
    assert_false(eg_folder_has(&top, "a/b/lock"));
    run = create("begun");
    egi_run_begin(run);
    assert_false(egi_run_drop(run));
    eg_run_close(run);
    assert_true(eg_folder_has(&top, "begun/run.json"));
}

/* Nothing of a run that is gone on with changes until it is entered. */
static void test_entered(void **state)
{
    static const char *const file[] = {"run.json", "metrics.jsonl", "lock",
                                       "log"};
    eg_run *run = NULL;
    eg_err err = {0};
    char name[64];

    (void)state;
    eg_run_close(create("run"));
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "run/%s", file[i]);
        put(name, i == 2 ? "12345\n" : "{}\n");
    }
    put("run/run.json.tmp-12-0", "half");
    assert_int_equal(rmdir(at("run/arrays")), 0);
    assert_int_equal(egi_run_open(&run, at("run"), cfg, &err), EG_OK);
    assert_true(egi_run_drop(run));
    eg_run_close(run);
    check_text("run/lock", "12345\n");
    check_text("run/run.json", "{}\n");
    check_text("run/run.json.tmp-12-0", "half");
    assert_false(eg_folder_has(&top, "run/arrays"));
    assert_int_equal(egi_run_open(&run, at("run"), cfg, &err), EG_OK);
    assert_int_equal(egi_run_enter(run, &err), EG_OK);
    assert_false(egi_run_drop(run));
    assert_true(eg_folder_has(&top, "run/arrays"));
    assert_false(eg_folder_has(&top, "run/run.json.tmp-12-0"));
    eg_run_close(run);
    check_text("run/lock", "");
    assert_int_equal(unlink(at("run/lock")), 0); /* made and taken away again */
    assert_int_equal(egi_run_open(&run, at("run"), cfg, &err), EG_OK);
    assert_true(eg_folder_has(&top, "run/lock"));
    assert_true(egi_run_drop(run));
    eg_run_close(run);
    assert_false(eg_folder_has(&top, "run/lock"));
}

/* What only looks unfinished is somebody's. */
static void test_unfinished(void **state)
{
    static const char *const ours[] = {
        "run.json.tmp-1-0", "config.yaml.tmp-9-2", "arrays/x.npy.tmp-1-0"};
    static const char *const others[] = {
        "notes.tmp-1-0",    "run.json.tmp-",       "run.json.tmp-1",
        "run.json.tmp-1-x", "my-run.json.tmp-1-0", ".tmp-1-0"};
    eg_run *run;
    char name[64];

    (void)state;
    run = create("run");
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "run/%s", i < 3 ? ours[i] : others[i - 3]);
        put(name, "x");
    }
    egi_run_sweep(run);
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "run/%s", i < 3 ? ours[i] : others[i - 3]);
        assert_int_equal(eg_folder_has(&top, name), i >= 3);
    }
    eg_run_close(run);
}

static bool only_begun(const eg_folder *f)
{
    bool only;

    assert_int_equal(egi_only_begun(&only, f, NULL), EG_OK);
    return only;
}

/* Killed before config.yaml was there. */
static void test_only_begun(void **state)
{
    eg_folder f;

    (void)state;
    assert_int_equal(eg_folder_make(&f, at("begun"), NULL), EG_OK);
    assert_true(only_begun(&f));
    put("begun/lock", "12\n");
    put("begun/config.yaml.tmp-12-0", "half");
    assert_true(only_begun(&f));
    put("begun/run.json.tmp-12-0", "half");
    assert_false(only_begun(&f));
    eg_folder_close(&f);
}

/* A run writes where it was made, whatever its path leads to meanwhile. */
static void test_moved(void **state)
{
    eg_run *run;
    eg_err err = {0};

    (void)state;
    assert_int_equal(mkdir(at("victim"), 0700), 0);
    put("victim/run.json", "precious");
    run = create("run");
    assert_int_equal(rename(at("run"), at("moved")), 0);
    assert_int_equal(symlink("victim", at("run")), 0);
    assert_int_equal(eg_run_record(run, "finished", "", NULL, &err), EG_OK);
    assert_int_equal(eg_run_keep(run, 0, &err), EG_OK);
    eg_run_prune(run, 0);
    eg_run_close(run);
    check_text("victim/run.json", "precious");
    check_text("moved/metrics.jsonl", "");
}

#define IN_ROOT(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ROOT(test_folders_in_use), IN_ROOT(test_dropped),
        IN_ROOT(test_entered),        IN_ROOT(test_unfinished),
        IN_ROOT(test_only_begun),     IN_ROOT(test_moved)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
