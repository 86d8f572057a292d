/* Shards: written and read in both formats, across files; what is wrong with a
 * file is said. */
#include "text_helper.h"

#include <sys/stat.h>
#include <unistd.h>

#include "engram/shards.h"
#include "scratch.h"

static char root[64];

static int make_root(void **state)
{
    (void)state;
    scratch_make(root, sizeof root);
    return 0;
}

static int drop_root(void **state)
{
    (void)state;
    scratch_remove(root);
    return 0;
}

static const char *in_root(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void write_ids(const char *stem, eg_shard_format format, int d_vocab,
                      int64_t most, int n)
{
    eg_folder f;
    eg_shard_writer *w;
    eg_err err = {0};

    assert_int_equal(eg_folder_open(&f, root, &err), EG_OK);
    assert_int_equal(
        eg_shard_writer_new(&w, &f, stem, format, d_vocab, most, &err), EG_OK);
    for (int i = 0; i < n; i++) {
        int32_t id = (int32_t)((int64_t)i * 7919 % d_vocab);

        assert_int_equal(eg_shard_write(w, &id, 1, &err), EG_OK);
    }
    assert_int_equal(eg_shard_writer_end(w, &err), EG_OK);
    assert_int_equal(eg_shard_writer_tokens(w), n);
    eg_shard_writer_free(w);
    eg_folder_close(&f);
}

/* Every part of the row, whatever files it lies in. */
static void check_ids(const char *split, int d_vocab, int n, int n_files)
{
    eg_shards *s;
    eg_err err = {0};
    int32_t ids[600];

    if (eg_shards_open_split(&s, root, split, d_vocab, &err) != EG_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(eg_shards_tokens(s), n);
    assert_int_equal(eg_shards_files(s), n_files);
    for (int at = 0; at < n; at += 37) {
        int k = n - at < 600 ? n - at : 600;

        assert_int_equal(eg_shards_read(s, at, k, ids, &err), EG_OK);
        for (int i = 0; i < k; i++)
            assert_int_equal(ids[i], (int64_t)(at + i) * 7919 % d_vocab);
    }
    eg_shards_free(s);
}

static void test_round_trip(void **state)
{
    static const char bytes[] = {0, 0, 0xef - 256, 0x1e};
    char *got;
    size_t n;

    (void)state;
    write_ids("one_train", EG_SHARD_LLMC, 50257, EG_SHARD_MOST, 1000);
    check_ids("one_train", 50257, 1000, 1);
    assert_int_equal(
        eg_file_read(&got, &n, in_root("one_train_000000.bin"), 1 << 20, NULL),
        EG_OK);
    assert_int_equal(n, 1024 + 2 * 1000); /* the published layout */
    assert_memory_equal(got, "\x88\xd8\x34\x01\x01\0\0\0\xe8\x03\0\0", 12);
    assert_memory_equal(got + 1024, bytes, 4);
    eg_free(got);
    write_ids("parts_train", EG_SHARD_LLMC, 50257, 300, 1000);
    check_ids("parts_train", 50257, 1000, 4);
    write_ids("wide_train", EG_SHARD_LLMC, 100000, 300, 1000);
    check_ids("wide_train", 100000, 1000, 4);
    write_ids("nano_val", EG_SHARD_NANOGPT, 65536, 300, 1000);
    check_ids("nano_val", 65536, 1000, 1);
    assert_true(eg_shards_has(root, "nano_val"));
    assert_false(eg_shards_has(root, "nowhere"));
}

/* A file of these bytes, refused. */
static void refused(const void *bytes, size_t n, const char *part)
{
    const char *path = in_root("bad.bin");
    eg_shards *s;
    eg_err err = {0};

    assert_int_equal(eg_file_write(path, bytes, n, NULL), EG_OK);
    assert_int_not_equal(eg_shards_open(&s, &path, 1, 100, &err), EG_OK);
    print_message("%s\n", err.msg);
    assert_null(s);
    assert_non_null(strstr(err.msg, part));
}

static void test_refused(void **state)
{
    int32_t head[264] = {20240520, 1, 8};
    uint16_t ids[600];

    (void)state;
    for (int i = 0; i < 600; i++)
        ids[i] = (uint16_t)(i == 3 ? 100 : 1 + i % 99);
    refused(head, 1024 + 14, "the file has 1038");
    refused(head, 1024 + 18, "the file has 1042");
    refused(head, 100, "the header of such a file");
    head[1] = 2;
    refused(head, 1024 + 16, "expected version 1");
    head[0] = 20240521;
    refused(head, 1024 + 16, "magic 20240521");
    head[0] = 20240801;
    head[1] = 7;
    head[2] = -1;
    refused(head, 1024, "-1 ids");
    refused("", 0, "0 bytes");
    refused("abc", 3, "3 bytes");
    refused(ids, sizeof ids, "id 100 at place 3");
}

/* A file cut behind our back is an error of that read. */
static void test_cut(void **state)
{
    char path[128];
    const char *p = path;
    eg_shards *s;
    int32_t ids[100];
    eg_err err = {0};

    (void)state;
    write_ids("cut_train", EG_SHARD_NANOGPT, 97, 300, 1000);
    (void)snprintf(path, sizeof path, "%s", in_root("cut_train.bin"));
    assert_int_equal(eg_shards_open(&s, &p, 1, 97, &err), EG_OK);
    assert_int_equal(truncate(path, 1000), 0);
    assert_int_equal(eg_shards_read(s, 400, 100, ids, &err), EG_OK);
    assert_int_equal(eg_shards_read(s, 450, 100, ids, &err), EG_EFORMAT);
    print_message("%s\n", err.msg);
    assert_non_null(strstr(err.msg, "no id 500"));
    assert_int_equal(ids[0], 0);
    eg_shards_free(s);
}

/* What was not ended leaves nothing. */
static void test_abandoned(void **state)
{
    eg_folder f;
    eg_shard_writer *w;
    int32_t ids[50] = {1}, wide = 65536;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_folder_open(&f, root, &err), EG_OK);
    assert_int_equal(
        eg_shard_writer_new(&w, &f, "gone_train", EG_SHARD_LLMC, 100, 20, &err),
        EG_OK);
    assert_int_equal(eg_shard_write(w, ids, 50, &err), EG_OK);
    assert_true(eg_shards_has(root, "gone_train"));
    assert_int_equal(eg_shard_write(w, &wide, 1, &err), EG_EINVAL);
    eg_shard_writer_free(w);
    assert_false(eg_shards_has(root, "gone_train"));
    eg_folder_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut), cmocka_unit_test(test_abandoned)};

    return cmocka_run_group_tests(tests, make_root, drop_root);
}
