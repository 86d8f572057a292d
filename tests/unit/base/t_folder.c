/* A folder of ours in hostile hands: what is found below it, and what is not.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/check.h"

static char dir[200], elsewhere[200];
static eg_folder f;

static const char *at(const char *name)
{
    static char path[2][300];
    static int which;

    which = 1 - which;
    (void)snprintf(path[which], sizeof path[which], "%s/%s", dir, name);
    return path[which];
}

static const char *victim(void)
{
    static char path[300];

    (void)snprintf(path, sizeof path, "%s/victim", elsewhere);
    return path;
}

static void check_content(const char *path, const char *want)
{
    eg_err err = {0};
    char *bytes = NULL;
    size_t size = 0;

    check_ok(eg_file_read(&bytes, &size, path, 1000, &err), &err);
    assert_string_equal(bytes, want);
    eg_free(bytes);
}

/* How every way to open `name` ends. */
static void check_refused(const char *name, const char *words)
{
    eg_err err = {0};
    int fd = 7;
    char *bytes = NULL;
    size_t size = 0;

    for (int how = EG_READ; how <= EG_UPDATE; how++) {
        check_failed(eg_folder_fd(&fd, &f, name, (eg_access)how, &err), EG_EIO,
                     &err, words);
        assert_int_equal(fd, -1);
    }
    check_failed(eg_file_read_in(&bytes, &size, &f, name, 10, &err), EG_EIO,
                 &err, words);
    check_failed(eg_file_write_in(&f, name, "x", 1, &err), EG_EIO, &err, words);
    check_failed(eg_lock_take(&fd, &f, name, &err), EG_EIO, &err, words);
    assert_false(eg_lock_free(&f, name));
    check_content(victim(), "precious");
}

static void test_files(void **state)
{
    eg_err err = {0};
    eg_folder arrays;
    FILE *s = NULL;
    char *bytes = NULL;
    size_t size = 0;

    (void)state;
    check_ok(eg_folder_sub(&arrays, &f, "arrays", true, &err), &err);
    eg_folder_close(&arrays);
    check_failed(eg_folder_sub(&arrays, &f, "arrays", true, &err), EG_EIO, &err,
                 "arrays: File exists");
    check_ok(eg_folder_sub(&arrays, &f, "arrays", false, &err), &err);
    check_ok(eg_file_write_in(&f, "arrays/x", "12", 2, &err), &err);
    check_ok(eg_folder_stream(&s, &arrays, "x", EG_APPEND, &err), &err);
    assert_true(fputs("34", s) >= 0);
    assert_int_equal(fclose(s), 0);
    check_ok(eg_file_read_in(&bytes, &size, &f, "arrays/x", 4, &err), &err);
    assert_string_equal(bytes, "1234");
    eg_free(bytes);
    check_failed(eg_file_read_in(&bytes, &size, &f, "arrays/x", 3, &err),
                 EG_EFORMAT, &err, "arrays/x: expected at most 3 bytes");
    check_ok(eg_folder_rename(&f, "arrays/x", "arrays/y", &err), &err);
    assert_false(eg_folder_has(&f, "arrays/x"));
    assert_true(eg_folder_has(&arrays, "y"));
    assert_true(eg_folder_remove(&arrays, "y"));
    assert_false(eg_folder_remove(&f, "arrays"));
    assert_int_equal(rmdir(at("arrays")), 0);
    eg_folder_close(&arrays);
}

static void test_links_lead_nowhere(void **state)
{
    eg_err err = {0};
    eg_folder sub;

    (void)state;
    assert_int_equal(symlink(victim(), at("a")), 0);
    check_refused("a", "/a: is a link");
    assert_int_equal(unlink(at("a")), 0);
    assert_int_equal(symlink("nowhere", at("a")), 0);
    check_refused("a", "/a: is a link");
    assert_false(eg_folder_has(&f, "nowhere"));
    assert_true(eg_folder_has(&f, "a"));
    /* a link in the middle of the way */
    assert_int_equal(symlink(elsewhere, at("arrays")), 0);
    check_refused("arrays/victim", "/arrays: is a link");
    check_failed(eg_folder_sub(&sub, &f, "arrays", false, &err), EG_EIO, &err,
                 "arrays: is a link");
    assert_false(eg_folder_remove(&f, "arrays/victim"));
    check_failed(eg_folder_rename(&f, "a", "arrays/victim", &err), EG_EIO, &err,
                 "arrays: is a link");
    check_content(victim(), "precious");
}

static void test_what_is_no_file(void **state)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(mkfifo(at("fifo"), 0600), 0);
    check_refused("fifo", "fifo: is a pipe");
    assert_int_equal(mkdir(at("folder"), 0700), 0);
    check_refused("folder", "folder: is a folder");
    assert_int_equal(rmdir(at("folder")), 0);
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", at("socket"));
    assert_int_equal(bind(s, (struct sockaddr *)&name, sizeof name), 0);
    check_refused("socket", "socket: is a socket");
    (void)close(s);
}

/* Changed in place, a hard link would change another's file; replaced or read,
 * it does not. */
static void test_hard_links(void **state)
{
    eg_err err = {0};
    int fd;

    (void)state;
    assert_int_equal(link(victim(), at("a")), 0);
    check_failed(eg_folder_fd(&fd, &f, "a", EG_APPEND, &err), EG_EIO, &err,
                 "has 2 names");
    check_failed(eg_folder_fd(&fd, &f, "a", EG_UPDATE, &err), EG_EIO, &err,
                 "has 2 names");
    check_failed(eg_lock_take(&fd, &f, "a", &err), EG_EIO, &err, "has 2 names");
    check_content(at("a"), "precious");
    check_ok(eg_file_write_in(&f, "a", "ours", 4, &err), &err);
    check_content(at("a"), "ours");
    check_content(victim(), "precious");
}

static void test_names(void **state)
{
    static const char *const bad[] = {"",      ".",    "..",   "../a", "a/..",
                                      "a/./b", "/etc", "a//b", "a/"};
    eg_err err = {0};
    int fd;

    (void)state;
    assert_int_equal(mkdir(at("a"), 0700), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_failed(eg_folder_fd(&fd, &f, bad[i], EG_READ, &err), EG_EINVAL,
                     &err, "is not the name of a file");
    check_ok(eg_folder_fd(&fd, &f, "...", EG_NEW, &err), &err);
    (void)close(fd);
    check_failed(eg_folder_fd(&fd, &f, "...", EG_NEW, &err), EG_EIO, &err,
                 "File exists");
    assert_int_equal(rmdir(at("a")), 0);
}

/* The folder itself is the user's: a link is followed, once. What is done is
 * done in the folder that was opened, whatever the path leads to now. */
static void test_the_folder_stays_the_same(void **state)
{
    eg_err err = {0};
    eg_folder g;
    char moved[220];

    (void)state;
    assert_int_equal(symlink(".", at("self")), 0);
    check_ok(eg_folder_open(&g, at("self"), &err), &err);
    (void)snprintf(moved, sizeof moved, "%s-moved", dir);
    assert_int_equal(rename(dir, moved), 0);
    assert_int_equal(symlink(elsewhere, dir), 0);
    check_ok(eg_file_write_in(&g, "victim", "ours", 4, &err), &err);
    check_content(victim(), "precious");
    assert_int_equal(unlink(dir), 0);
    assert_int_equal(rename(moved, dir), 0);
    check_content(at("victim"), "ours");
    eg_folder_close(&g);
}

static void test_empty(void **state)
{
    eg_err err = {0};

    (void)state;
    check_ok(eg_folder_empty(&f, NULL, &err), &err);
    check_ok(eg_file_write_in(&f, "b", "", 0, &err), &err);
    check_ok(eg_folder_empty(&f, "b", &err), &err);
    check_failed(eg_folder_empty(&f, NULL, &err), EG_EINVAL, &err,
                 "is not empty: b is in the way");
    assert_int_equal(symlink("nowhere", at(".hidden")), 0);
    check_failed(eg_folder_empty(&f, "b", &err), EG_EINVAL, &err,
                 "is not empty: .hidden is in the way");
}

static void test_own(void **state)
{
    eg_err err = {0};

    (void)state;
    check_ok(eg_folder_own(&f, "by us", &err), &err);
    check_ok(eg_file_write_in(&f, "b", "made by us", 10, &err), &err);
    check_ok(eg_folder_own(&f, "by us", &err), &err);
    check_ok(eg_file_write_in(&f, "d", "mine", 4, &err), &err);
    assert_int_equal(symlink("b", at("c")), 0);
    check_failed(eg_folder_own(&f, "by us", &err), EG_EINVAL, &err,
                 "is in use: c was not written by engram");
}

static void test_made_and_unmade(void **state)
{
    eg_err err = {0};
    eg_folder g;
    char longer[257], deep[900];

    (void)state;
    check_ok(eg_folder_make(&g, at("x//y/z/"), &err), &err);
    eg_folder_unmake(&g);
    assert_false(eg_folder_has(&f, "x"));
    assert_int_equal(mkdir(at("x"), 0700), 0);
    check_ok(eg_folder_make(&g, at("x/y/z"), &err), &err);
    check_ok(eg_file_write_in(&f, "x/y/mine", "", 0, &err), &err);
    eg_folder_unmake(&g);
    assert_true(eg_folder_has(&f, "x/y/mine")); /* what is not ours stays */
    assert_false(eg_folder_has(&f, "x/y/z"));
    assert_true(eg_folder_remove(&f, "x/y/mine"));
    assert_int_equal(rmdir(at("x/y")), 0);
    check_ok(eg_folder_make(&g, at("x"), &err), &err);
    eg_folder_unmake(&g);
    assert_true(eg_folder_has(&f, "x")); /* it was there before */
    memset(longer, 'n', 256);
    longer[256] = '\0';
    (void)snprintf(deep, sizeof deep, "%s/%s", at("x/y/z"), longer);
    check_failed(eg_folder_make(&g, deep, &err), EG_EIO, &err, "name too long");
    assert_false(eg_folder_has(&f, "x/y")); /* made, and removed again */
    check_ok(eg_folder_make(&g, at("x/y/../z"), &err), &err);
    eg_folder_close(&g);
    assert_int_equal(rmdir(at("x/y")), 0);
    check_ok(eg_folder_make(&g, at("x/y/../z"), &err), &err);
    eg_folder_unmake(&g);
    assert_true(eg_folder_has(&f, "x/z")); /* found after y was made */
    assert_int_equal(rmdir(at("x/z")), 0);
    assert_int_equal(rmdir(at("x/y")), 0);
    assert_int_equal(rmdir(at("x")), 0);
}

static void test_lock(void **state)
{
    eg_err err = {0};
    int a = -1, b = -1;
    char pid[40];

    (void)state;
    (void)snprintf(pid, sizeof pid, "in use by process %ld", (long)getpid());
    assert_false(eg_lock_free(&f, "lock"));
    assert_false(eg_folder_has(&f, "lock")); /* asking makes nothing */
    check_ok(eg_lock_take(&a, &f, "lock", &err), &err);
    check_failed(eg_lock_take(&b, &f, "lock", &err), EG_EBUSY, &err,
                 "in use by another process");
    check_ok(eg_lock_sign(a, &err), &err);
    check_failed(eg_lock_take(&b, &f, "lock", &err), EG_EBUSY, &err, pid);
    assert_int_equal(b, -1);
    assert_false(eg_lock_free(&f, "lock"));
    eg_lock_drop(a);
    assert_true(eg_lock_free(&f, "lock"));
    check_content(at("lock"), "");
    check_ok(eg_lock_take(&b, &f, "lock", &err), &err);
    eg_lock_drop(b);
    eg_lock_drop(-1);
}

/* Taken and dropped without having been signed, it is as it was; and what is
 * no lock is not touched. */
static void test_lock_of_others(void **state)
{
    static const char *const text[] = {
        "12\n\n", "12 34",       "-1",
        "notes",  "99999999999", "111111111111111111111111111111"};
    eg_err err = {0};
    int fd;

    (void)state;
    check_ok(eg_file_write_in(&f, "lock", "12\n", 3, &err), &err);
    check_ok(eg_lock_take(&fd, &f, "lock", &err), &err);
    eg_lock_drop(fd);
    check_content(at("lock"), "12\n");
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        check_ok(eg_file_write_in(&f, "lock", text[i], strlen(text[i]), &err),
                 &err);
        check_failed(eg_lock_take(&fd, &f, "lock", &err), EG_EFORMAT, &err,
                     "expected a lock");
        check_content(at("lock"), text[i]);
    }
}

static void test_lock_dies_with_its_holder(void **state)
{
    eg_err err = {0};
    int fd = -1, ready[2], status = 0;
    char byte = 0;
    pid_t pid = 0;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (eg_lock_take(&fd, &f, "lock", &err) != EG_OK) _exit(1);
        if (eg_lock_sign(fd, &err) != EG_OK) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        (void)alarm(30); /* should the parent never come to kill it */
        for (;;) (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    check_failed(eg_lock_take(&fd, &f, "lock", &err), EG_EBUSY, &err,
                 "in use by process");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(eg_lock_free(&f, "lock"));
    check_ok(eg_lock_take(&fd, &f, "lock", &err), &err);
    eg_lock_drop(fd);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

/* A lock whose file others remove all the time is had or was just removed, and
 * nothing else. */
static void test_lock_that_comes_and_goes(void **state)
{
    enum { TIMES = 20000 };
    eg_err err = {0};
    int fd, status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        (void)alarm(60);
        for (;;) (void)eg_folder_remove(&f, "lock");
    }
    for (int i = 0; i < TIMES; i++) {
        eg_status st = eg_lock_take(&fd, &f, "lock", &err);

        if (st == EG_OK)
            eg_lock_drop(fd);
        else
            check_failed(st, EG_EBUSY, &err, "was just removed");
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static int n_open; /* before the test */

static int setup(void **state)
{
    eg_err err = {0};

    (void)state;
    n_open = scratch_count("/proc/self/fd");
    scratch_make(dir, sizeof dir);
    scratch_make(elsewhere, sizeof elsewhere);
    if (eg_file_write(victim(), "precious", 8, &err) != EG_OK) return -1;
    return eg_folder_open(&f, dir, &err) == EG_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    eg_folder_close(&f);
    assert_int_equal(scratch_count("/proc/self/fd"), n_open);
    scratch_remove(dir);
    scratch_remove(elsewhere);
    return 0;
}

#define IN_SCRATCH(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(test_files),
        IN_SCRATCH(test_links_lead_nowhere),
        IN_SCRATCH(test_what_is_no_file),
        IN_SCRATCH(test_hard_links),
        IN_SCRATCH(test_names),
        IN_SCRATCH(test_the_folder_stays_the_same),
        IN_SCRATCH(test_empty),
        IN_SCRATCH(test_own),
        IN_SCRATCH(test_made_and_unmade),
        IN_SCRATCH(test_lock),
        IN_SCRATCH(test_lock_of_others),
        IN_SCRATCH(test_lock_dies_with_its_holder),
        IN_SCRATCH(test_lock_that_comes_and_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
