/* Files read whole, files never half written, folders made. What is found
 * below a folder of ours is in t_folder.c. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/check.h"

static char dir[200];

static const char *at(const char *name)
{
    static char path[1600];

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
    check_failed(eg_file_read(&bytes, &size, "/dev/zero", 100000, &err), EG_EIO,
                 &err, "/dev/zero: is a device");
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
    if (eg_mkdirs(at("sub/sub"), &err) != EG_EIO) return 4;
    if (!strstr(err.msg, "sub: Permission denied")) return 5;
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

/* A child writes after a moment, or never, or too much. */
static const char *fifo_fed_with(size_t n, int after_ms)
{
    static char name[1600];
    pid_t pid = -1;

    (void)snprintf(name, sizeof name, "%s", at("fifo"));
    (void)unlink(name);
    assert_int_equal(mkfifo(name, 0600), 0);
    if (n == 0) return name;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct timespec wait = {.tv_nsec = after_ms * 1000000L};
        int fd;

        (void)signal(SIGPIPE, SIG_IGN);
        (void)alarm(30);
        (void)nanosleep(&wait, NULL);
        fd = open(name, O_WRONLY);
        for (size_t i = 0; i < n && write(fd, "p", 1) == 1;) i++;
        _exit(0);
    }
    return name;
}

static void test_fifo(void **state)
{
    eg_err err = {0};
    char *bytes = NULL, buf[16];
    size_t size = 0;
    eg_infile in;

    (void)state;
    check_ok(eg_file_read(&bytes, &size, fifo_fed_with(5, 100), 10, &err),
             &err);
    assert_int_equal(size, 5);
    eg_free(bytes);
    check_failed(eg_file_read(&bytes, &size, fifo_fed_with(11, 0), 10, &err),
                 EG_EFORMAT, &err, "larger than 10 bytes");
    check_failed(eg_file_read(&bytes, &size, fifo_fed_with(0, 0), 10, &err),
                 EG_EIO, &err, "is a pipe that nobody writes to");
    check_ok(eg_infile_open(&in, fifo_fed_with(9, 0), 8, &err), &err);
    err = (eg_err){0};
    for (size = 1; size > 0 && err.status == EG_OK;)
        (void)eg_infile_read(&in, buf, sizeof buf, &size, &err);
    check_failed(err.status, EG_EFORMAT, &err, "more than");
    eg_infile_close(&in);
    while (wait(NULL) > 0) {
    }
    check_failed(eg_file_write(fifo_fed_with(0, 0), "x", 1, &err), EG_EIO, &err,
                 "is a pipe that nobody reads");
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
    memset(longer + 1, 'y', 300);
    longer[301] = '\0';
    check_failed(eg_file_write(at(longer), "x", 1, &err), EG_EIO, &err,
                 "name too long");
    memset(longer, 'x', 302);
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

/* A link where a file is to go: nothing is written, here or there. Devices are
 * reached through links, /dev/stdout is one. */
static void test_link_in_place_of_a_file(void **state)
{
    eg_err err = {0};

    (void)state;
    check_ok(eg_file_write(at("victim"), "old", 3, &err), &err);
    assert_int_equal(symlink("victim", at("link")), 0);
    assert_int_equal(symlink("nowhere", at("dangling")), 0);
    assert_int_equal(symlink("/dev/null", at("null")), 0);
    check_failed(eg_file_write(at("link"), "new", 3, &err), EG_EIO, &err,
                 "link: is a link");
    check_failed(eg_file_write(at("dangling"), "new", 3, &err), EG_EIO, &err,
                 "dangling: is a link");
    check_ok(eg_file_write(at("null"), "new", 3, &err), &err);
    check_content(at("victim"), "old");
    assert_int_equal(scratch_count(dir), 4);
}

static eg_status write_own(const char *name, const char *text, eg_err *err)
{
    eg_outfile o;
    eg_status st = eg_outfile_open_own(&o, NULL, at(name), "made by us", err);

    if (st != EG_OK) return st;
    eg_outfile_write(&o, text, strlen(text));
    return eg_outfile_commit(&o, err);
}

static void test_own_files_are_replaced(void **state)
{
    eg_err err = {0};
    eg_outfile o;

    (void)state;
    check_ok(write_own("a", "# made by us: 1", &err), &err);
    check_ok(write_own("a", "# made by us: 2", &err), &err);
    check_content(at("a"), "# made by us: 2");
    check_ok(eg_file_write(at("a"), "mine", 4, &err), &err);
    check_failed(eg_output_own(at("a"), "made by us", &err), EG_EINVAL, &err,
                 "a is there and was not written by engram");
    check_failed(write_own("a", "# made by us: 3", &err), EG_EINVAL, &err,
                 "a is there and was not written by engram");
    check_ok(eg_output_own(at("b"), "made by us", &err), &err);
    check_content(at("a"), "mine");
    /* put there while we wrote */
    check_ok(eg_outfile_open_own(&o, NULL, at("b"), "made by us", &err), &err);
    check_ok(eg_file_write(at("b"), "mine", 4, &err), &err);
    check_failed(eg_outfile_commit(&o, &err), EG_EIO, &err, "File exists");
    check_content(at("b"), "mine");
    assert_int_equal(scratch_count(dir), 2);
}

static void test_output_apart_from_input(void **state)
{
    eg_err err = {0};
    char here[1600], same[1600], hard[1600];
    const char *const in[] = {"/nonexistent", here};

    (void)state;
    (void)snprintf(here, sizeof here, "%s", at("a"));
    (void)snprintf(same, sizeof same, "%s/../%s/./a", dir,
                   strrchr(dir, '/') + 1);
    (void)snprintf(hard, sizeof hard, "%s", at("hard"));
    check_ok(eg_output_apart(here, in, 2, &err), &err); /* not there yet */
    check_ok(eg_file_write(here, "x", 1, &err), &err);
    assert_int_equal(link(here, hard), 0);
    check_failed(eg_output_apart(here, in, 2, &err), EG_EINVAL, &err,
                 "is read");
    check_failed(eg_output_apart(same, in, 2, &err), EG_EINVAL, &err,
                 "is read");
    check_failed(eg_output_apart(hard, in, 2, &err), EG_EINVAL, &err,
                 "is read");
    check_ok(eg_file_write(hard, "x", 1, &err), &err); /* a file of its own */
    check_ok(eg_output_apart(hard, in, 2, &err), &err);
}

/* mkdir says why, and not what looking for the folder said afterwards. */
static void test_mkdirs(void **state)
{
    eg_err err = {0};
    char deep[300], longer[301];

    (void)state;
    (void)snprintf(deep, sizeof deep, "%s/x/y//z/", dir);
    check_ok(eg_mkdirs(deep, &err), &err);
    check_ok(eg_mkdirs(deep, &err), &err); /* again */
    assert_true(eg_file_exists(at("x/y/z")));
    check_ok(eg_file_write(at("x/f"), "", 0, &err), &err);
    check_failed(eg_mkdirs(at("x/f/g"), &err), EG_EIO, &err,
                 "x/f: Not a directory");
    check_failed(eg_mkdirs("", &err), EG_EINVAL, &err, "folder name");
    check_failed(eg_mkdirs("/proc/engram/x", &err), EG_EIO, &err,
                 "cannot create folder /proc/engram: No such file");
    memset(longer, 'n', 300);
    longer[300] = '\0';
    check_failed(eg_mkdirs(at(longer), &err), EG_EIO, &err, "name too long");
    assert_int_equal(symlink("loop", at("loop")), 0);
    check_failed(eg_mkdirs(at("loop/x"), &err), EG_EIO, &err, "levels of symb");
    assert_int_equal(symlink("nowhere", at("dangling")), 0);
    check_failed(eg_mkdirs(at("dangling/x"), &err), EG_EIO, &err,
                 "dangling: is a link that leads nowhere");
    assert_false(eg_file_exists(at("nowhere")));
    assert_int_equal(unlink(at("x/f")), 0);
    assert_int_equal(rmdir(at("x/y/z")), 0);
    assert_int_equal(rmdir(at("x/y")), 0);
    assert_int_equal(rmdir(at("x")), 0);
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
        IN_SCRATCH(test_fifo),
        IN_SCRATCH(test_write_refuses),
        IN_SCRATCH(test_abort_leaves_nothing),
        IN_SCRATCH(test_link_in_place_of_a_file),
        IN_SCRATCH(test_own_files_are_replaced),
        IN_SCRATCH(test_output_apart_from_input),
        IN_SCRATCH(test_mkdirs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
