/* GGUF and llm.c files by themselves: what quantised blocks stand for, and
 * counts, sizes and places that no file has. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/models/gguf_build.h"
#include "models/source.h"

enum { F32 = 0, F16 = 1, Q4_0 = 2, Q4_1 = 3, Q8_0 = 8, BF16 = 30, Q6_K = 14 };

static gguf g;

static eg_status parse(egi_source *s, size_t size, eg_err *err)
{
    char *bytes = eg_calloc(size + 1, 1);

    assert_non_null(bytes);
    memcpy(bytes, g.bytes, size);
    *err = (eg_err){0};
    return egi_gguf_take(s, bytes, size, "f.gguf", err);
}

static void refused(const char *says, eg_status want)
{
    egi_source s;
    eg_err err;
    int64_t live = eg_mem_query().live_bytes;

    assert_int_equal(parse(&s, g.n, &err), want);
    printf("  %s\n", err.msg);
    if (!strstr(err.msg, says)) fail_msg("expected '%s'", says);
    assert_int_equal(eg_mem_query().live_bytes, live);
}

/* d = 0.5 (0x3800), m = -1.25 (0xbd00) as binary16. */
static void test_blocks(void **state)
{
    unsigned char q[16];
    int8_t bytes[32];
    uint16_t d = 0x3800, m = 0xbd00, half[32];
    float x[32], plain[32];
    egi_source s;
    eg_err err;

    (void)state;
    for (int i = 0; i < 16; i++) q[i] = (unsigned char)(i | (15 - i) << 4);
    for (int i = 0; i < 32; i++) bytes[i] = (int8_t)(8 * i - 128);
    for (int i = 0; i < 32; i++) plain[i] = (float)i / 3;
    for (int i = 0; i < 32; i++) half[i] = (uint16_t)(0x3c00 + i); /* 1 + .. */
    gguf_begin(&g, 3, 6, 1);
    gguf_key_u32(&g, "general.alignment", 64);
    gguf_tensor(&g, "a", 1, 32, Q4_0, 0);
    gguf_tensor(&g, "b", 1, 32, Q4_1, 64);
    gguf_tensor(&g, "c", 0, 32, Q8_0, 128);
    gguf_tensor(&g, "d", 2, 16, F32, 192);
    gguf_tensor(&g, "e", 0, 32, F16, 320);
    gguf_tensor(&g, "none", 0, 0, F32, 0);
    gguf_align(&g, 64);
    gguf_put(&g, &d, 2);
    gguf_put(&g, q, 16);
    gguf_align(&g, 64);
    gguf_put(&g, &d, 2);
    gguf_put(&g, &m, 2);
    gguf_put(&g, q, 16);
    gguf_align(&g, 64);
    gguf_put(&g, &d, 2);
    gguf_put(&g, bytes, 32);
    gguf_align(&g, 64);
    gguf_put(&g, plain, sizeof plain);
    gguf_put(&g, half, sizeof half);
    if (parse(&s, g.n, &err) != EG_OK) fail_msg("%s", err.msg);
    assert_int_equal(s.n, 6);
    egi_in_row(egi_source_find(&s, "a"), 0, x);
    for (int i = 0; i < 16; i++) {
        assert_true(x[i] == 0.5F * (float)(i - 8));
        assert_true(x[i + 16] == 0.5F * (float)(7 - i));
    }
    egi_in_row(egi_source_find(&s, "b"), 0, x);
    for (int i = 0; i < 16; i++) {
        assert_true(x[i] == 0.5F * (float)i - 1.25F);
        assert_true(x[i + 16] == 0.5F * (float)(15 - i) - 1.25F);
    }
    egi_in_row(egi_source_find(&s, "c"), 0, x);
    for (int i = 0; i < 32; i++) assert_true(x[i] == 0.5F * (float)bytes[i]);
    egi_in_row(egi_source_find(&s, "d"), 1, x);
    assert_memory_equal(x, plain + 16, 16 * sizeof *x);
    egi_in_row(egi_source_find(&s, "e"), 0, x);
    for (int i = 0; i < 32; i++) assert_true(x[i] == 1 + (float)i / 1024);
    assert_int_equal(egi_in_cols(egi_source_find(&s, "none")), 0);
    egi_source_release(&s);
}

static void test_counts(void **state)
{
    (void)state;
    gguf_begin(&g, 3, UINT64_MAX, 0);
    refused("tensors and 0 values of metadata do not fit its 24 bytes",
            EG_EFORMAT);
    gguf_begin(&g, 3, 0, UINT64_MAX / 13);
    refused("do not fit its 24 bytes", EG_EFORMAT);
    gguf_begin(&g, 1, 0, 0);
    refused("expected GGUF version 2 or 3, found 1", EG_EUNSUPPORTED);
    gguf_begin(&g, 0x03000000, 0, 0);
    refused("(big-endian)", EG_EUNSUPPORTED);
    /* a text, an array of numbers and one of texts that go on for ever */
    gguf_begin(&g, 3, 0, 1);
    gguf_u64(&g, UINT64_MAX);
    gguf_u64(&g, 0);
    refused("truncated: a key", EG_EFORMAT);
    for (uint32_t of = 0; of < 14; of++) {
        gguf_begin(&g, 3, 0, 1);
        gguf_text(&g, "list");
        gguf_u32(&g, 9);
        gguf_u32(&g, of);
        gguf_u64(&g, UINT64_MAX / 4 + 2);
        gguf_u64(&g, 0);
        refused(of == 9 || of == 13 ? "an array of numbers or texts"
                                    : "truncated: list",
                EG_EFORMAT);
    }
    gguf_begin(&g, 3, 0, 1);
    gguf_text(&g, "x");
    gguf_u32(&g, 13);
    gguf_u32(&g, 0);
    refused("x: expected a type below 13, found 13", EG_EFORMAT);
}

/* One tensor with that much wrong. */
static void one(uint64_t rows, uint64_t cols, uint32_t type, uint64_t place)
{
    gguf_begin(&g, 3, 1, 0);
    gguf_tensor(&g, "w", rows, cols, type, place);
    gguf_align(&g, 32);
    for (int i = 0; i < 16; i++) gguf_u64(&g, 0);
}

static void test_tensors(void **state)
{
    egi_source s;
    eg_err err;

    (void)state;
    one(4, 8, F32, 0); /* 128 bytes: just there */
    assert_int_equal(parse(&s, g.n, &err), EG_OK);
    egi_source_release(&s);
    for (size_t n = 0; n < g.n; n++) { /* and at no length below */
        assert_int_equal(parse(&s, n, &err), EG_EFORMAT);
        assert_true(err.msg[0] != 0);
    }
    one(4, 8, F32, 8);
    refused("w: its 128 bytes at 8 of the data lie outside the file",
            EG_EFORMAT);
    one(4, 8, F32, UINT64_MAX - 64);
    refused("lie outside the file", EG_EFORMAT);
    one(1ULL << 33, 1ULL << 33, F32, 0);
    refused("more than the file can hold", EG_EFORMAT);
    one(3, UINT64_MAX, Q8_0, 0);
    refused("more than the file can hold", EG_EFORMAT);
    one(0, 33, Q4_1, 0);
    refused("rows of 33 entries do not fill Q4_1's blocks of 32", EG_EFORMAT);
    one(1, 32, Q6_K, 0);
    refused("found GGML's type 14", EG_EUNSUPPORTED);
    gguf_begin(&g, 3, 2, 0);
    gguf_tensor(&g, "w", 0, 1, F32, 0);
    gguf_tensor(&g, "w", 0, 1, F32, 0);
    refused("tensor w stands there twice", EG_EFORMAT);
    gguf_begin(&g, 3, 1, 1);
    gguf_key_u32(&g, "general.alignment", 0);
    gguf_tensor(&g, "w", 0, 1, F32, 0);
    refused("general.alignment: expected 1 to 1048576, found 0", EG_EFORMAT);
    gguf_begin(&g, 3, 0, 1);
    gguf_key_text(&g, "general.alignment", "32");
    refused("general.alignment: expected 1 to 1048576", EG_EFORMAT);
    gguf_begin(&g, 3, 0, 2);
    gguf_key_u32(&g, "k", 1);
    gguf_key_u32(&g, "k", 2);
    refused("key k stands there twice", EG_EFORMAT);
    gguf_begin(&g, 3, 1, 0);
    gguf_text(&g, "w");
    gguf_u32(&g, 5);
    for (int i = 0; i < 6; i++) gguf_u64(&g, 1);
    refused("w: expected at most 4 axes, found 5", EG_EFORMAT);
}

/* ---- llm.c ----------------------------------------------------------------
 */

static void test_llmc(void **state)
{
    static const struct {
        int at, value;
        size_t size;
        const char *says;
        eg_status want;
    } bad[] = {
        {1, 4, 2000, "expected a model of llm.c of version 3", EG_EUNSUPPORTED},
        {6, 0, 2000, "expected sizes of a GPT-2", EG_EFORMAT},
        {4, 1 << 20, 2000, "expected sizes of a GPT-2", EG_EFORMAT},
        {7, 1, 2000, "expected sizes of a GPT-2", EG_EFORMAT},
        {5, 3, 2000, "expected sizes of a GPT-2", EG_EFORMAT},
        {4, 1024, 2000, "expected 304184 bytes", EG_EFORMAT},
        {6, 65536, 2000, "bytes for what its header says", EG_EFORMAT},
        {0, 20240326, 1000, "truncated: a header of 1024 bytes", EG_EFORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int32_t h[256] = {20240326, 3, 2, 3, 1, 2, 2, 3};
        char *bytes = eg_calloc(bad[i].size, 1);
        egi_source s;
        eg_err err = {0};

        h[bad[i].at] = bad[i].value;
        memcpy(bytes, h, bad[i].size < sizeof h ? bad[i].size : sizeof h);
        assert_true(egi_llmc_is(bytes, bad[i].size));
        assert_int_equal(egi_llmc_take(&s, bytes, bad[i].size, "m.bin", &err),
                         bad[i].want);
        printf("  %s\n", err.msg);
        assert_non_null(strstr(err.msg, bad[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_llmc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
