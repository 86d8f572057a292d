/* Whichever allocation fails, the call says EG_ENOMEM and nothing leaks. */
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/check.h"
#include "engram/pool.h"
#include "engram/yaml.h"

static char dir[200];
static char path[300];

enum { PIPED = 20000 }; /* bytes */

static const float numbers[4] = {1, 2, 3, 4};
static const eg_st_entry entries[2] = {{"a", {numbers, EG_F32, 1, {4}}},
                                       {"b", {numbers, EG_F32, 2, {2, 1}}}};
static const char *const meta[] = {"step", "12", "note", "x"};

typedef eg_status (*attempt)(eg_err *err);

/* Lets the n-th allocation of `try` fail for n = 1, 2, ... until it gets
 * through; expects `count` failures on the way. */
static void sweep(const char *what, attempt try, int count)
{
    int64_t live = eg_mem_query().live_bytes;
    int n = 0;

    for (;;) {
        eg_err err = {0};
        eg_status st = EG_OK;

        eg_mem_fail_after(++n);
        st = try(&err);
        eg_mem_fail_after(0);
        assert_int_equal(eg_mem_query().live_bytes, live);
        if (st == EG_OK) break;
        check_failed(st, EG_ENOMEM, &err, "memory");
    }
    print_message("%s: %d allocations\n", what, n - 1);
    assert_int_equal(n - 1, count);
}

static eg_status try_npy(eg_err *err)
{
    eg_view v;
    eg_status st = eg_npy_read(&v, path, err);

    if (st != EG_OK) assert_null(v.data);
    eg_view_release(&v);
    return st;
}

static eg_status try_st_read(eg_err *err)
{
    eg_safetensors s;
    eg_status st = eg_st_read(&s, path, err);

    if (st != EG_OK) assert_null(s.bytes);
    eg_st_release(&s);
    return st;
}

static eg_status try_st_write(eg_err *err)
{
    return eg_st_write(path, entries, 2, meta, 2, err);
}

static eg_status try_yaml(eg_err *err)
{
    eg_yaml *y = NULL;
    eg_status st = eg_yaml_load(&y, path, err);

    if (st != EG_OK) assert_null(y);
    eg_yaml_free(y);
    return st;
}

static eg_status try_pool(eg_err *err)
{
    eg_pool *pool = NULL;
    eg_status st = eg_pool_new(&pool, 2, err);

    if (st != EG_OK) assert_null(pool);
    eg_pool_free(pool);
    return st;
}

typedef struct sender {
    int fd[2]; /* a pipe */
    char sent[PIPED];
} sender;

/* Writes all of it, unless its reader leaves. */
static void *pipe_writer(void *arg)
{
    sender *s = arg;
    size_t at = 0;
    ssize_t n = 1;

    for (; n > 0 && at < PIPED; at += (size_t)n) {
        n = write(s->fd[1], s->sent + at, PIPED - at);
        if (n < 0) break;
    }
    (void)close(s->fd[1]);
    return NULL;
}

static eg_status try_long_read(eg_err *err)
{
    static sender s;
    char *bytes = NULL, name[40];
    size_t size = 0;
    pthread_t writer;
    eg_status st = EG_OK;

    memset(s.sent, 'x', sizeof s.sent);
    assert_int_equal(pipe(s.fd), 0);
    assert_int_equal(pthread_create(&writer, NULL, pipe_writer, &s), 0);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", s.fd[0]);
    st = eg_file_read(&bytes, &size, name, 1 << 20, err);
    (void)close(s.fd[0]);
    assert_int_equal(pthread_join(writer, NULL), 0);
    if (st == EG_OK) {
        assert_int_equal(size, PIPED);
        assert_memory_equal(bytes, s.sent, PIPED);
    } else {
        assert_null(bytes);
    }
    eg_free(bytes);
    return st;
}

static void test_npy(void **state)
{
    eg_err err = {0};

    (void)state;
    check_ok(eg_npy_write(path, &entries[0].view, &err), &err);
    sweep("npy", try_npy, 2);
}

static void test_safetensors(void **state)
{
    (void)state;
    sweep("safetensors written", try_st_write, 3);
    /* the file, four for its JSON, entries, metadata, three pairs of text */
    sweep("safetensors read", try_st_read, 13);
}

static void test_yaml(void **state)
{
    eg_err err = {0};

    (void)state;
    check_ok(eg_file_write(path, "a: [1, {b: c}]\n", 15, &err), &err);
    sweep("yaml", try_yaml, 6);
}

static void test_pool(void **state)
{
    (void)state;
    sweep("pool", try_pool, 2);
}

/* A pipe claims no length: the buffer grows from 1 byte to 32 KiB. */
static void test_growing_read(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN); /* a read that fails closes the pipe */
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    sweep("growing read", try_long_read, 4);
}

static int setup(void **state)
{
    (void)state;
    scratch_make(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/x", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy),          cmocka_unit_test(test_safetensors),
        cmocka_unit_test(test_yaml),         cmocka_unit_test(test_pool),
        cmocka_unit_test(test_growing_read),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
