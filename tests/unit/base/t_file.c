/* Files read whole, files never half written, folders and locks. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/check.h"

static char dir[200];

static const char *at(const char *name)
{
    static char path[300];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void check_content(const char *path, const char *want)
{
    eg_err err = {0};
    char *bytes = NULL;
    size_t size = 0;

    check_ok(eg_file_read(&bytes, &size, path, 1000, &err), &err);
    assert_int_equal(size, strlen(want));
    assert_string_equal(bytes, want); /* a 0 stands behind the last byte */
    eg_free(bytes);
}

static void test_write_and_read(void **state)
{
    eg_err err = {0};

    (void)state;
    check_ok(eg_file_write(at("a"), "first", 5, &err), &err);
    check_content(at("a"), "first");
    check_ok(eg_file_write(at("a"), "second one", 10, &err), &err);
    check_content(at("a"), "second one");
    check_ok(eg_file_write(at("a"), NULL, 0, &err), &err);
    check_content(at("a"), "");
    assert_int_equal(scratch_count(dir), 1); /* no temporary file stays */
    assert_true(eg_file_exists(at("a")));
    assert_false(eg_file_exists(at("b")));
}

static void test_read_refuses(void **state)
{
    eg_err err = {0};
    char *bytes = NULL;
    size_t size = 9;

    (void)state;
    check_ok(eg_file_write(at("a"), "12345", 5, &err), &err);
    check_failed(eg_file_read(&bytes, &size, at("a"), 4, &err), EG_EFORMAT,
                 &err, "expected at most 4 bytes, found 5");
    assert_null(bytes);
    check_failed(eg_file_read(&bytes, &size, at("none"), 4, &err), EG_EIO, &err,
                 "No such file");
    check_failed(eg_file_read(&bytes, &size, dir, 4, &err), EG_EIO, &err,
                 "is a folder");
    /* endless, and it claims a length of 0 */
    check_failed(eg_file_read(&bytes, &size, "/dev/zero", 100000, &err),
                 EG_EFORMAT, &err, "larger than 100000");
    assert_null(bytes);
}

static void test_read_what_claims_no_length(void **state)
{
    eg_err err = {0};
    char *bytes = NULL;
    size_t size = 0;
    int fd[2];
    char path[40];
    static char sent[30000];

    (void)state;
    memset(sent, 'p', sizeof sent);
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(write(fd[1], sent, sizeof sent), sizeof sent);
    (void)close(fd[1]);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", fd[0]);
    check_ok(eg_file_read(&bytes, &size, path, sizeof sent, &err), &err);
    assert_int_equal(size, sizeof sent);
    assert_memory_equal(bytes, sent, sizeof sent);
    eg_free(bytes);
    (void)close(fd[0]);
}

/* A limit on file size stands in for a full disk. */
static void test_full_disk_keeps_the_old_file(void **state)
{
    static char big[100000];
    eg_err err = {0};
    struct rlimit old, small;

    (void)state;
    check_ok(eg_file_write(at("kept"), "precious", 8, &err), &err);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 50000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    check_failed(eg_file_write(at("kept"), big, sizeof big, &err), EG_EIO, &err,
                 "cannot write: File too large");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    print_message("%s\n", err.msg);
    check_content(at("kept"), "precious");
    assert_int_equal(scratch_count(dir), 1);
}

static void test_full_device(void **state)
{
    eg_err err = {0};

    (void)state;
    check_failed(eg_file_write("/dev/full", "x", 1, &err), EG_EIO, &err,
                 "No space left");
    check_ok(eg_file_write("/dev/null", "x", 1, &err), &err);
    assert_true(eg_file_exists("/dev/null"));
}

/* In a child, as root may write anywhere: 0 when all went as it should. */
static int try_unwritable(void)
{
    eg_err err = {0};
    const uid_t nobody = 65534;

    if (geteuid() == 0 && (setgid(nobody) != 0 || setuid(nobody) != 0)) {
        return 1;
    }
    if (eg_file_write(at("kept"), "new", 3, &err) != EG_EIO) return 2;
    if (!strstr(err.msg, "Permission denied")) return 3;
    return 0;
}

static void test_unwritable_folder_keeps_the_old_file(void **state)
{
    eg_err err = {0};
    int status = 0;
    pid_t pid = 0;

    (void)state;
    check_ok(eg_file_write(at("kept"), "precious", 8, &err), &err);
    assert_int_equal(chmod(dir, 0555), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) _exit(try_unwritable());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    check_content(at("kept"), "precious");
    assert_int_equal(scratch_count(dir), 1);
}

static void test_write_refuses(void **state)
{
    eg_err err = {0};
    char longer[1100];

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    check_failed(eg_file_write(dir, "x", 1, &err), EG_EIO, &err, "is a folder");
    check_failed(eg_file_write(at("no/such"), "x", 1, &err), EG_EIO, &err,
                 "cannot create");
    check_failed(eg_file_write("", "x", 1, &err), EG_EINVAL, &err, "file name");
    check_failed(eg_file_write(longer, "x", 1, &err), EG_EINVAL, &err,
                 "found 1099");
}

static void test_abort_leaves_nothing(void **state)
{
    eg_err err = {0};
    eg_outfile o, other;

    (void)state;
    check_ok(eg_file_write(at("a"), "old", 3, &err), &err);
    check_ok(eg_outfile_open(&o, at("a"), &err), &err);
    check_ok(eg_outfile_open(&other, at("a"), &err), &err); /* own name */
    assert_true(fputs("new", o.f) >= 0);
    assert_true(fputs("newer", other.f) >= 0);
    eg_outfile_abort(&o);
    eg_outfile_abort(&o);
    check_content(at("a"), "old");
    check_ok(eg_outfile_commit(&other, &err), &err);
    eg_outfile_abort(&other);
    check_content(at("a"), "newer");
    assert_int_equal(scratch_count(dir), 1);
}

static void test_mkdirs(void **state)
{
    eg_err err = {0};
    char deep[300];

    (void)state;
    (void)snprintf(deep, sizeof deep, "%s/x/y//z/", dir);
    check_ok(eg_mkdirs(deep, &err), &err);
    check_ok(eg_mkdirs(deep, &err), &err); /* again */
    assert_true(eg_file_exists(at("x/y/z")));
    check_ok(eg_file_write(at("x/f"), "", 0, &err), &err);
    check_failed(eg_mkdirs(at("x/f/g"), &err), EG_EIO, &err, "x/f");
    check_failed(eg_mkdirs("", &err), EG_EINVAL, &err, "folder name");
    assert_int_equal(unlink(at("x/f")), 0);
    assert_int_equal(rmdir(at("x/y/z")), 0);
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
    check_ok(eg_lock_take(&a, at("lock"), &err), &err);
    check_failed(eg_lock_take(&b, at("lock"), &err), EG_EBUSY, &err, pid);
    assert_int_equal(b, -1);
    eg_lock_drop(a);
    check_ok(eg_lock_take(&b, at("lock"), &err), &err);
    eg_lock_drop(b);
    eg_lock_drop(-1);
    check_failed(eg_lock_take(&b, at("no/lock"), &err), EG_EIO, &err,
                 "no/lock");
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
        if (eg_lock_take(&fd, at("lock"), &err) != EG_OK) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        (void)alarm(30); /* should the parent never come to kill it */
        for (;;) (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    check_failed(eg_lock_take(&fd, at("lock"), &err), EG_EBUSY, &err,
                 "in use by process");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    check_ok(eg_lock_take(&fd, at("lock"), &err), &err);
    eg_lock_drop(fd);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static int setup(void **state)
{
    (void)state;
    scratch_make(dir, sizeof dir);
    return chmod(dir, 0755);
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(dir);
    return 0;
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(test_write_and_read),
        IN_SCRATCH(test_read_refuses),
        IN_SCRATCH(test_read_what_claims_no_length),
        IN_SCRATCH(test_full_disk_keeps_the_old_file),
        IN_SCRATCH(test_full_device),
        IN_SCRATCH(test_unwritable_folder_keeps_the_old_file),
        IN_SCRATCH(test_write_refuses),
        IN_SCRATCH(test_abort_leaves_nothing),
        IN_SCRATCH(test_mkdirs),
        IN_SCRATCH(test_lock),
        IN_SCRATCH(test_lock_dies_with_its_holder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
