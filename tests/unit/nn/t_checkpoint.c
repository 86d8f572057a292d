/* Checkpoints that are not what was written: every bit counts, versions are
 * told apart, and a file that is refused leaves the trainer as it was. */
#include "nn/nn_test.h"

#include <fcntl.h>
#include <unistd.h>

#include "engram/file.h"

static const variant SMALL = {"small", "d_model=2 n_layers=1", "loss=all"};
static const char TASK[] = "n_ctx=8 n_triggers=1";

static char path[64];
static setting set;
static eg_trainer *trainer;

static int setup(void **state)
{
    eg_step_info info;

    (void)state;
    snprintf(path, sizeof path, "/tmp/engram-t_checkpoint-%d", (int)getpid());
    setting_open(&set, &SMALL, TASK, 1);
    set_fields(eg_optim_fields, &set.spec.optim, "kind=sgd momentum=0.9");
    trainer = trainer_open(&set);
    for (int i = 0; i < 3; i++) eg_trainer_step(trainer, &info);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    eg_trainer_free(trainer);
    setting_close(&set);
    return 0;
}

static char *saved(size_t *size)
{
    char *bytes = NULL;
    eg_err err;

    assert_int_equal(eg_trainer_save(trainer, path, &err), EG_OK);
    assert_int_equal(eg_file_read(&bytes, size, path, 1 << 20, &err), EG_OK);
    return bytes;
}

static void put_byte(int fd, size_t at, char byte)
{
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void test_every_bit_counts(void **state)
{
    size_t size = 0;
    char *bytes = saved(&size);
    int fd = open(path, O_RDWR);
    eg_model *m = eg_trainer_model(trainer);
    eg_err err = {0};

    (void)state;
    assert_true(fd >= 0);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        put_byte(fd, bit / 8, (char)(bytes[bit / 8] ^ 1 << bit % 8));
        if (eg_trainer_load(trainer, path, &err) == EG_OK ||
            eg_model_load(m, path, &err) == EG_OK)
            fail_msg("bit %zu of %zu was not noticed", bit, 8 * size);
        assert_non_null(strstr(err.msg, path));
        put_byte(fd, bit / 8, bytes[bit / 8]);
    }
    print_message("%zu bits, all of them noticed: %s\n", 8 * size, err.msg);
    assert_int_equal(eg_trainer_load(trainer, path, &err), EG_OK);
    assert_int_equal(eg_model_load(m, path, &err), EG_OK);
    close(fd);
    eg_free(bytes);
}

/* Writes bytes with `old`, once, replaced by `new` of the same length. */
static void replace(const char *bytes, size_t size, const char *old,
                    const char *new)
{
    size_t n = strlen(old);
    char *copy = eg_calloc(size, 1);
    eg_err err;

    memcpy(copy, bytes, size);
    assert_int_equal(n, strlen(new));
    for (size_t i = 0; i + n <= size; i++) {
        if (memcmp(bytes + i, old, n) != 0) continue;
        memcpy(copy + i, new, n);
        assert_int_equal(eg_file_write(path, copy, size, &err), EG_OK);
        eg_free(copy);
        return;
    }
    fail_msg("no %s", old);
}

static void refused(const char *words)
{
    eg_err err = {0};

    assert_int_equal(eg_trainer_load(trainer, path, &err), EG_EFORMAT);
    print_message("%s\n", err.msg);
    assert_non_null(strstr(err.msg, path));
    assert_non_null(strstr(err.msg, words));
}

static void test_versions(void **state)
{
    size_t size = 0;
    char *bytes = saved(&size), *old = NULL;
    eg_err err = {0};

    (void)state;
    replace(bytes, size, "\"engram.xxh128\"", "\"somebodys.sum\"");
    refused("expected the checksum that engram-checkpoint version 2 carries");
    replace(bytes, size, "\"step\":\"3\"", "\"step\":\"4\"");
    refused("damaged: its engram.xxh128 says ");

    /* of another version, in a file that is otherwise sound */
    replace(bytes, size, "\"engram.xxh128\"", "\"somebodys.sum\"");
    assert_int_equal(eg_file_read(&old, &size, path, 1 << 20, &err), EG_OK);
    replace(old, size, "\"version\":\"2\"", "\"version\":\"3\"");
    refused("expected version 2 of engram-checkpoint, or none, found '3'");

    /* the first version said none, and had no checksum */
    replace(old, size, "\"version\":\"2\"", "\"curious\":\"2\"");
    assert_int_equal(eg_trainer_load(trainer, path, &err), EG_OK);
    assert_int_equal(eg_model_load(eg_trainer_model(trainer), path, &err),
                     EG_OK);
    eg_free(old);
    eg_free(bytes);
}

/* Weights by themselves have one as well; other people's need none. */
static void test_weights(void **state)
{
    eg_model *m = eg_trainer_model(trainer);
    char *bytes = NULL;
    size_t size = 0;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_model_save(m, path, &err), EG_OK);
    assert_int_equal(eg_model_load(m, path, &err), EG_OK);
    assert_int_equal(eg_file_read(&bytes, &size, path, 1 << 20, &err), EG_OK);
    bytes[size - 2] ^= 1; /* of the last weight */
    assert_int_equal(eg_file_write(path, bytes, size, &err), EG_OK);
    assert_int_equal(eg_model_load(m, path, &err), EG_EFORMAT);
    print_message("%s\n", err.msg);
    replace(bytes, size, "\"engram.xxh128\"", "\"somebodys.sum\"");
    assert_int_equal(eg_model_load(m, path, &err), EG_EFORMAT);
    print_message("%s\n", err.msg);
    eg_free(bytes);
    assert_int_equal(eg_file_read(&bytes, &size, path, 1 << 20, &err), EG_OK);
    replace(bytes, size, "\"engram-weights\"", "\"another file..\"");
    assert_int_equal(eg_model_load(m, path, &err), EG_OK);
    eg_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_bit_counts),
                                       cmocka_unit_test(test_versions),
                                       cmocka_unit_test(test_weights)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
