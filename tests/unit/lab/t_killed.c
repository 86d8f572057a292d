/* Runs that die anywhere, and runs in which any byte is changed meanwhile: they
 * are gone on with to the same bytes, or not at all.
 *
 * A process dies at its n-th call that changes the disk, for every n: those
 * calls are taken over here. It takes some seconds: there are hundreds of
 * places to die at, and each is a run. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/flow_run.h"

enum { DIED = 77 };
static int left; /* calls until this process dies; 0: it does not */

static void tick(void)
{
    if (left > 0 && --left == 0) _exit(DIED);
}

ssize_t write(int fd, const void *buf, size_t n)
{
    tick();
    return syscall(SYS_write, fd, buf, n);
}

int ftruncate(int fd, off_t size)
{
    tick();
    return (int)syscall(SYS_ftruncate, fd, size);
}

int fsync(int fd) /* the machine does not die */
{
    (void)fd;
    tick();
    return 0;
}

int renameat(int a, const char *from, int b, const char *to)
{
    tick();
    return (int)syscall(SYS_renameat2, a, from, b, to, 0);
}

int unlinkat(int at, const char *name, int flags)
{
    tick();
    return (int)syscall(SYS_unlinkat, at, name, flags);
}

int mkdirat(int at, const char *name, mode_t mode)
{
    tick();
    return (int)syscall(SYS_mkdirat, at, name, mode);
}

/* ---- runs in processes of their own ---------------------------------------
 */

static void shell(const char *fmt, ...) EG_PRINTF(1, 2);

static void shell(const char *fmt, ...)
{
    char command[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    if (system(command) != 0) /* NOLINT(cert-env33-c): our own folder */
        fail_msg("failed: %s", command);
}

static char said[600];    /* by the child that failed */
static int64_t back = -1; /* the step that runs go back to; -1: they do not */

/* 0: finished; 1: refused, with a sentence in said; DIED. */
static int child(const eg_config *c, const char *name, bool resume, int dies)
{
    int fd[2], status = 0;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(fd), 0);
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char dir[128];
        eg_lab_opts o = {
            .dir = dir, .resume = resume, .go_back = back >= 0, .from = back};
        eg_lab_result r;
        eg_err err = {0};

        snprintf(dir, sizeof dir, "%s/%s", root, name);
        if (eg_pool_new(&o.pool, 1, &err) != EG_OK) _exit(2);
        left = dies;
        if (eg_lab_run(&r, c, &o, &err) == EG_OK)
            _exit(r.outcome == EG_FINISHED ? 0 : 2);
        left = 0;
        _exit(write(fd[1], err.msg, strlen(err.msg)) > 0 ? 1 : 2);
    }
    close(fd[1]);
    n = read(fd[0], said, sizeof said - 1);
    said[n > 0 ? n : 0] = '\0';
    close(fd[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool alike(const char *a, const char *b, const char *but)
{
    char command[400];

    snprintf(command, sizeof command,
             "cd %s && diff -r -x run.json -x timing.jsonl -x log -x lock %s "
             "%s %s >diff 2>&1",
             root, but, a, b);
    return system(command) == 0; /* NOLINT(cert-env33-c): our own folder */
}

static void show_diff(void)
{
    shell("cat %s/diff >&2", root);
}

static void make_whole(const eg_config *c)
{
    shell("rm -rf %s/whole %s/part", root, root);
    if (child(c, "whole", false, 0) != 0) fail_msg("%s", said);
}

static bool has(const char *name)
{
    char path[200];

    snprintf(path, sizeof path, "%s/part/%s", root, name);
    return eg_file_exists(path);
}

/* Goes on with what is left of part, from nothing if it is nothing. */
static int go_on(const eg_config *c, int dies)
{
    bool begun = has("config.yaml") || has("lock");

    return child(c, "part", begun, dies);
}

/* ---- dying ----------------------------------------------------------------
 */

static void check_part(const eg_config *c, const char *what, int n,
                       const char *but)
{
    int code = go_on(c, 0);

    if (code != 0) fail_msg("%s, died at call %d: %d %s", what, n, code, said);
    if (alike("whole", "part", but)) return;
    show_diff();
    fail_msg("%s, died at call %d: another result", what, n);
}

static void check_dying(const char *text, const char *set, const char *what)
{
    eg_config *c = config_of(text, set);
    int n = 1, code;

    make_whole(c);
    for (;; n++) {
        shell("rm -rf %s/part", root);
        code = child(c, "part", false, n);
        if (code == 0) break;
        assert_int_equal(code, DIED);
        if (n % 3 == 0) (void)go_on(c, 1 + n / 2); /* and on its way again */
        /* files of checksums may be left when it dies between its last record
         * and their removal */
        check_part(c, what, n, "-x '*.sums'");
    }
    print_message("%s: died at each of %d calls, ended alike\n", what, n - 1);
    assert_true(n > 20);
    assert_true(alike("whole", "part", "")); /* nothing is left over */
    eg_free(c);
}

/* A run that was finished goes back, and dies. */
static void check_dying_again(const char *text, int64_t step)
{
    eg_config *c = config_of(text, "");
    int n = 1, code;

    make_whole(c);
    for (;; n++) {
        shell("rm -rf %s/part; cp -r %s/whole %s/part", root, root, root);
        back = step;
        code = child(c, "part", true, n);
        back = -1;
        if (code == 0) break;
        assert_int_equal(code, DIED);
        /* one that is still finished is left as it is */
        check_part(c, "gone back", n, "-x '*.sums' -x '*.tmp-*' -x '*.aside'");
    }
    print_message("gone back to %d: died at each of %d calls\n", (int)step,
                  n - 1);
    assert_true(n > 20);
    eg_free(c);
}

static const char flow[] = "run: {name: t, kind: flow, seed: 7}\n"
                           "flow: {n: 6, d: 2, beta: 4, bins: 5, delta: 0.5, "
                           "times: [\"0:4:0.5\"]}\n";
static const char train[] =
    "run: {name: t}\ntask: {n_ctx: 16, n_triggers: 1}\n"
    "model: {d_model: 4, n_layers: 1}\ntrain: {steps: 12, batch: 2}\n"
    "probe: {every: 3, batch: 1, test: 1, snapshots: 2}\n"
    "checkpoint: {every: 4, keep: 2}\n";
static const char theory[] =
    "run: {name: t, kind: theory, theory: two_clusters}\n";

static void test_dying(void **state)
{
    (void)state;
    check_dying(flow, "", "flow");
    check_dying(train, "", "training");
    check_dying(theory, "", "statement");
    check_dying_again(train, 8);
}

/* ---- bytes that change ----------------------------------------------------
 */

static void flip(const char *file, off_t at)
{
    char path[300], byte;
    int fd;

    snprintf(path, sizeof path, "%s/part/%s", root, file);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static off_t size_of(const char *file)
{
    char path[300];
    struct stat info;

    snprintf(path, sizeof path, "%s/dead/%s", root, file);
    return stat(path, &info) == 0 ? info.st_size : 0;
}

/* Every so many-th byte of a file: noticed and left alone, or of no
 * consequence. Gives how many were noticed. */
static int check_bytes(const eg_config *c, const char *file, int some)
{
    off_t size = size_of(file), step = size / some + 1;
    int noticed = 0, n = 0;

    assert_true(size > 0);
    for (off_t at = step / 2; at < size; at += step, n++) {
        int code;

        shell("rm -rf %s/part && cp -r %s/dead %s/part", root, root, root);
        flip(file, at);
        shell("rm -rf %s/kept && cp -r %s/part %s/kept", root, root, root);
        code = child(c, "part", true, 0);
        if (code == 1 && alike("kept", "part", "")) {
            noticed++;
            continue;
        }
        if (code == 0 && alike("whole", "part", "-x '*.sums'")) continue;
        show_diff();
        fail_msg("%s, byte %ld: %d %s", file, (long)at, code, said);
    }
    print_message("%s: %d of %d changes noticed\n", file, noticed, n);
    return noticed;
}

/* A run that dies when it is half done, as dead; another as whole. */
static eg_config *die_half_way(const char *text, int n)
{
    eg_config *c = config_of(text, "");

    make_whole(c);
    assert_int_equal(child(c, "part", false, n), DIED);
    shell("rm -rf %s/dead && mv %s/part %s/dead", root, root, root);
    return c;
}

static void test_flow_bytes(void **state)
{
    static const char *const file[] = {
        "arrays/x.npy.part",    "arrays/x.npy.sums", "arrays/t.npy.part",
        "arrays/hist.npy.part", "metrics.jsonl",     "metrics.jsonl.sums",
        "timing.jsonl",         "timing.jsonl.sums", "config.yaml"};
    eg_config *c = die_half_way(flow, 80);

    (void)state;
    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        assert_true(check_bytes(c, file[i], 12) > 0);
    (void)check_bytes(c, "run.json", 12);
    (void)check_bytes(c, "arrays/merges.npy.part", 12);
    eg_free(c);
}

static void test_train_bytes(void **state)
{
    static const char *const file[] = {"checkpoints/step-8.safetensors",
                                       "metrics.jsonl",
                                       "metrics.jsonl.sums",
                                       "timing.jsonl",
                                       "timing.jsonl.sums",
                                       "config.yaml"};
    eg_config *c = config_of(train, "");
    int n = 60;

    (void)state;
    make_whole(c);
    for (; !has("checkpoints/step-8.safetensors"); n++) {
        shell("rm -rf %s/part", root);
        assert_int_equal(child(c, "part", false, n), DIED);
    }
    shell("rm -rf %s/dead && mv %s/part %s/dead", root, root, root);
    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        assert_true(check_bytes(c, file[i], 12) > 0);
    assert_int_equal(check_bytes(c, file[0], 30), 30);
    (void)check_bytes(c, "run.json", 12);
    (void)check_bytes(c, "checkpoints/step-4.safetensors", 10);
    eg_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dying),
                                       cmocka_unit_test(test_flow_bytes),
                                       cmocka_unit_test(test_train_bytes)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
