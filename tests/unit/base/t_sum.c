/* Checksums against those of the xxhsum program, in parts and in rows. */
#include <fcntl.h>

#include "base/check.h"
#include "base/sum.h"

/* Byte i of the input. */
static unsigned char byte(size_t i)
{
    return (unsigned char)(i * 7 + i / 256);
}

/* What `xxhsum -H2` and `xxhsum -H3` of Debian 12 print for these bytes. */
static const struct {
    size_t size;
    const char *sum;
} known[] = {
    {0, "99aa06d3014798d86001c324468d497f"},
    {1, "a6cd5e9392000f6ac44bdff4074eecdb"},
    {3, "656e81c56e41fe02c3489259e968ad9e"},
    {16, "ddf6c1254d70f76794eaa17b20756f46"},
    {17, "263f67af63088041735fe434ded90c3c"},
    {128, "dd9e5aa9bd51cc9cc6bd21ecc865f29f"},
    {129, "00433635cf8d872e7f4accb76587485b"},
    {240, "89e3a0a2ee355d25d10beb4e0599e4b3"},
    {241, "75f4da43f23cce5a541b19226f0052e8"},
    {1000, "bae798f9321bda6cd1db6a0afea2cc82"},
    {4096, "08ef8fc6d37a71915c722d9ceb6f9064"},
    {100000, "4e53faeda1b5812bb25cea78018497ff"},
};

static void test_known(void **state)
{
    static unsigned char data[100000];

    (void)state;
    for (size_t i = 0; i < sizeof data; i++) data[i] = byte(i);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        egi_sum s = egi_sum_of(data, known[i].size), back = {0};
        char hex[EGI_SUM_HEX];

        egi_sum_print(s, hex);
        print_message("%zu bytes: %s\n", known[i].size, hex);
        assert_string_equal(hex, known[i].sum);
        assert_true(egi_sum_read(&back, hex));
        assert_true(egi_sum_same(s, back));
    }
}

static void test_text(void **state)
{
    static const char *const bad[] = {"", "06b05ab6733a618578af5f94892f395",
                                      "06B05ab6733a618578af5f94892f3950",
                                      "06b05ab6733a618578af5f94892f395g"};
    egi_sum s = {1, 2};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(egi_sum_read(&s, bad[i]));
    assert_true(s.hi == 1 && s.lo == 2);
    assert_true(egi_sum_read(&s, "0123456789abcdeffedcba9876543210  x"));
    assert_true(s.hi == UINT64_C(0x0123456789abcdef));
    assert_true(s.lo == UINT64_C(0xfedcba9876543210));
    assert_false(egi_sum_same(s, (egi_sum){s.hi, 0}));
    assert_false(egi_sum_same(s, (egi_sum){0, s.lo}));
}

static void test_parts(void **state)
{
    static unsigned char data[5000];
    egi_sum want;

    (void)state;
    for (size_t i = 0; i < sizeof data; i++) data[i] = byte(i);
    want = egi_sum_of(data, sizeof data);
    for (size_t part = 1; part < 2000; part += 37) {
        egi_summer s;

        egi_summer_init(&s);
        for (size_t at = 0; at < sizeof data; at += part) {
            size_t left = sizeof data - at;

            egi_summer_add(&s, data + at, part < left ? part : left);
        }
        egi_summer_add(&s, NULL, 0);
        assert_true(egi_sum_same(egi_summer_end(&s), want));
    }
}

/* A row's checksum speaks of the row and of all before it. */
static void test_rows(void **state)
{
    uint64_t a = egi_sum_row(0, "one", 3), b = egi_sum_row(a, "two", 3);

    (void)state;
    assert_true(a ==
                UINT64_C(0x911faba7321fe1a0)); /* xxhsum -H3, without a seed */
    assert_true(b != egi_sum_row(0, "two", 3));
    assert_true(b != egi_sum_row(a, "twp", 3));
    assert_true(b != egi_sum_row(egi_sum_row(0, "onf", 3), "two", 3));
    assert_true(b == egi_sum_row(egi_sum_row(0, "one", 3), "two", 3));
}

static void test_file(void **state)
{
    static unsigned char data[200001];
    char dir[200], path[300];
    egi_sum s;
    int64_t bytes = 0;
    eg_err err = {0};
    int fd;

    (void)state;
    scratch_make(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/x", dir);
    for (size_t i = 0; i < sizeof data; i++) data[i] = byte(i);
    check_ok(eg_file_write(path, data, sizeof data, &err), &err);
    fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    check_ok(egi_sum_file(&s, &bytes, fd, path, &err), &err);
    assert_int_equal(bytes, sizeof data);
    assert_true(egi_sum_same(s, egi_sum_of(data, sizeof data)));
    check_ok(egi_sum_file(&s, &bytes, fd, path, &err), &err); /* at its end */
    assert_int_equal(bytes, 0);
    (void)close(fd);
    fd = open(dir, O_RDONLY);
    check_failed(egi_sum_file(&s, &bytes, fd, dir, &err), EG_EIO, &err, dir);
    (void)close(fd);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known), cmocka_unit_test(test_text),
        cmocka_unit_test(test_parts), cmocka_unit_test(test_rows),
        cmocka_unit_test(test_file)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
