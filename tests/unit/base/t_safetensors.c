/* safetensors: round trip, alignment, and hostile headers. */
#include "base/check.h"

#include <float.h>
#include <math.h>

#include "base/array.h"

static char dir[200];
static char path[300];

/* A file of this header and n bytes 0, 1, 2, ... */
static char *make(const char *json, size_t n, size_t *size)
{
    size_t length = strlen(json);
    char *b = eg_calloc(8 + length + n, 1);

    b[0] = (char)(length & 0xff);
    b[1] = (char)(length >> 8);
    (void)put_text(b + 8, json);
    for (size_t i = 0; i < n; i++) b[8 + length + i] = (char)i;
    *size = 8 + length + n;
    return b;
}

static eg_status parse(eg_safetensors *s, const char *json, size_t n,
                       eg_err *err)
{
    size_t size = 0;
    char *b = make(json, n, &size);

    return eg_st_parse_take(s, b, size, "x.st", err);
}

static void test_round_trip(void **state)
{
    static const float f32[6] = {1, 2, 3, 4, 5, 6};
    static const double f64[2] = {0.1, -0.0};
    static const int32_t i32[1] = {-5};
    static const int64_t i64[1] = {INT64_MIN};
    static const unsigned char u8[3] = {7, 8, 255};
    static const eg_st_entry entries[] = {
        {"bytes", {u8, EG_U8, 1, {3}}},
        {"blocks.0.attn.W_Q", {f32, EG_F32, 3, {1, 2, 3}}},
        {"none", {NULL, EG_F32, 2, {0, 9}}},
        {"count", {i32, EG_I32, 0, {0}}},
        {"moments", {f64, EG_F64, 1, {2}}},
        {"step", {i64, EG_I64, 1, {1}}},
    };
    static const char *const meta[] = {"format", "engram", "note",
                                       "\"q\" \\ \xc3\xa9 \n"};
    enum { N = sizeof entries / sizeof entries[0] };
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    eg_safetensors s;

    (void)state;
    check_ok(eg_st_write(path, entries, N, meta, 2, &err), &err);
    check_ok(eg_st_read(&s, path, &err), &err);
    assert_int_equal(s.n_entries, N);
    for (int i = 0; i < N; i++) {
        const eg_view *want = &entries[i].view;
        const eg_st_entry *e = eg_st_find(&s, entries[i].name);
        size_t bytes = (size_t)eg_view_size(want) * eg_dtype_size(want->dtype);

        assert_non_null(e);
        assert_int_equal(e->view.dtype, want->dtype);
        assert_int_equal(e->view.ndim, want->ndim);
        assert_memory_equal(e->view.shape, want->shape, sizeof want->shape);
        assert_int_equal((uintptr_t)e->view.data % eg_dtype_size(want->dtype),
                         0);
        if (bytes) assert_memory_equal(e->view.data, want->data, bytes);
    }
    assert_null(eg_st_find(&s, "absent"));
    assert_string_equal(eg_st_meta(&s, "format"), "engram");
    assert_string_equal(eg_st_meta(&s, "note"), meta[3]);
    assert_null(eg_st_meta(&s, "absent"));
    assert_int_equal(s.n_meta, 3); /* and its checksum */
    assert_true(s.checked);
    eg_st_release(&s);
    eg_st_release(&s);
    assert_int_equal(eg_mem_query().live_bytes, live);
}

static void test_empty_file(void **state)
{
    eg_err err = {0};
    eg_safetensors s;

    (void)state;
    check_ok(eg_st_write(path, NULL, 0, NULL, 0, &err), &err);
    check_ok(eg_st_read(&s, path, &err), &err);
    assert_int_equal(s.n_entries, 0);
    assert_int_equal(s.n_meta, 1); /* its checksum */
    eg_st_release(&s);
}

/* Headers of every length modulo 64: the data is aligned all the same. */
static void test_data_is_aligned_for_any_header(void **state)
{
    char json[300];

    (void)state;
    for (int pad = 0; pad < 64; pad++) {
        eg_err err = {0};
        eg_safetensors s;

        (void)snprintf(json, sizeof json,
                       "{\"a\":{\"dtype\":\"F64\",\"shape\":[2],"
                       "\"data_offsets\":[0,16]}}%*s",
                       pad, "");
        check_ok(parse(&s, json, 16, &err), &err);
        assert_int_equal((uintptr_t)s.entry[0].view.data % 64, 0);
        for (int i = 0; i < 16; i++) {
            assert_int_equal(((const char *)s.entry[0].view.data)[i], i);
        }
        eg_st_release(&s);
    }
}

static void test_foreign_order_is_read(void **state)
{
    eg_err err = {0};
    eg_safetensors s;

    (void)state;
    check_ok(parse(&s,
                   "{\"z\":{\"shape\":[4],\"data_offsets\":[4,8],"
                   "\"dtype\":\"U8\"},\"e\":{\"dtype\":\"F32\",\"shape\":[0],"
                   "\"data_offsets\":[4,4]},\"__metadata__\":{},"
                   "\"a\":{\"dtype\":\"I32\",\"shape\":[],"
                   "\"data_offsets\":[0,4]}}",
                   8, &err),
             &err);
    assert_int_equal(s.n_entries, 3);
    assert_string_equal(s.entry[0].name, "a"); /* in the order of the data */
    assert_string_equal(s.entry[1].name, "e");
    assert_string_equal(s.entry[2].name, "z");
    assert_true(eg_view_at(&s.entry[2].view, 3) == 7.0);
    eg_st_release(&s);
}

#define T(dtype, shape, offsets) \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define ONE(dtype, shape, offsets) "{\"a\":" T(dtype, shape, offsets) "}"
#define TWO(first, second) "{\"a\":" first ",\"b\":" second "}"

static const struct {
    const char *json;
    size_t n;
    eg_status st;
    const char *words;
} broken[] = {
    {"", 0, EG_EFORMAT, "header"},
    {"{", 0, EG_EFORMAT, "header: byte 9"},
    {"[]", 0, EG_EFORMAT, "to be an object"},
    {"{\"a\":3}", 0, EG_EFORMAT, "a: expected dtype, shape and data_offsets"},
    {"{\"a\":{}}", 0, EG_EFORMAT, "expected dtype"},
    {"{} x", 0, EG_EFORMAT, "header: byte"},
    {"{}", 1, EG_EFORMAT, "trailing bytes: tensors end at byte 0 of 1"},
    {ONE("F32", "[2]", "[0,8]"), 9, EG_EFORMAT, "trailing bytes"},
    {ONE("F32", "[2]", "[0,8]"), 7, EG_EFORMAT, "lie outside the 7 bytes"},
    {ONE("F32", "[2]", "[0,4]"), 4, EG_EFORMAT,
     "expected 8 bytes for float32 [2], found 4"},
    {ONE("F32", "[2]", "[8,0]"), 8, EG_EFORMAT, "lie outside"},
    {ONE("F32", "[2]", "[-8,0]"), 8, EG_EFORMAT, "lie outside"},
    {ONE("F32", "[2]", "[0,8.0]"), 8, EG_EFORMAT, "data_offsets [begin, end]"},
    {ONE("F32", "[2]", "[0,8,8]"), 8, EG_EFORMAT, "data_offsets [begin, end]"},
    {ONE("F32", "[2]", "{}"), 8, EG_EFORMAT, "data_offsets [begin, end]"},
    {ONE("F32", "[2]", "[0,9223372036854775807]"), 8, EG_EFORMAT,
     "lie outside"},
    {ONE("F32", "[2]", "[0,9223372036854775808]"), 8, EG_EFORMAT, "header"},
    {ONE("F32", "[4611686018427387904,4]", "[0,0]"), 0, EG_EFORMAT,
     "overflows"},
    {ONE("F32", "[4294967296,4294967296]", "[0,0]"), 0, EG_EFORMAT,
     "overflows"},
    {ONE("F32", "[-2]", "[0,8]"), 8, EG_EFORMAT, "shape[0] is not an extent"},
    {ONE("F32", "[2.0]", "[0,8]"), 8, EG_EFORMAT, "shape[0] is not"},
    {ONE("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, EG_EFORMAT,
     "at most 8 axes, found 9"},
    {ONE("F32", "2", "[0,8]"), 8, EG_EFORMAT, "expected a shape"},
    {ONE("F8_E4M3", "[2]", "[0,2]"), 2, EG_EUNSUPPORTED, "found 'F8_E4M3'"},
    {ONE("BF16", "[2]", "[0,8]"), 8, EG_EFORMAT,
     "expected 4 bytes for bfloat16 [2], found 8"},
    {"{\"a\":{\"dtype\":4,\"shape\":[],\"data_offsets\":[0,4]}}", 4, EG_EFORMAT,
     "has no dtype"},
    {TWO(T("F32", "[1]", "[0,4]"), T("F32", "[1]", "[0,4]")), 4, EG_EFORMAT,
     "b: overlaps another tensor"},
    {TWO(T("F32", "[2]", "[0,8]"), T("F32", "[2]", "[4,12]")), 12, EG_EFORMAT,
     "b: overlaps"},
    {TWO(T("U8", "[1]", "[0,1]"), T("U8", "[1]", "[2,3]")), 3, EG_EFORMAT,
     "b: a hole lies before it"},
    {TWO(T("U8", "[1]", "[0,1]"), T("F32", "[1]", "[1,5]")), 5, EG_EFORMAT,
     "b: misaligned: float32 data at byte 1"},
    {"{\"a\":" T("U8", "[0]", "[0,0]") ",\"a\":" T("U8", "[0]", "[0,0]") "}", 0,
     EG_EFORMAT, "duplicate"},
    {"{\"__metadata__\":[]}", 0, EG_EFORMAT, "__metadata__ to be an object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, EG_EFORMAT, "expected text for 'k'"},
    {"{\"a\\u0000b\":1}", 0, EG_EFORMAT, "header"},
    {"{\"\xff\":1}", 0, EG_EFORMAT, "header"},
};

static void test_broken_headers(void **state)
{
    int64_t live = eg_mem_query().live_bytes;

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        eg_err err = {0};
        eg_safetensors s;

        check_failed(parse(&s, broken[i].json, broken[i].n, &err), broken[i].st,
                     &err, broken[i].words);
        assert_non_null(strstr(err.msg, "x.st: "));
        assert_null(s.bytes);
        assert_int_equal(s.n_entries, 0);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
}

static void test_nesting_and_names_have_limits(void **state)
{
    static char deep[10000];
    char json[400], name[129];
    eg_err err = {0};
    eg_safetensors s;

    (void)state;
    memset(deep, '[', sizeof deep - 1);
    check_failed(parse(&s, deep, 0, &err), EG_EFORMAT, &err, "header");
    memset(name, 'n', sizeof name - 1);
    name[128] = '\0';
    (void)snprintf(json, sizeof json,
                   "{\"%s"
                   "\":" T("U8", "[0]", "[0,0]") "}",
                   name);
    check_failed(parse(&s, json, 0, &err), EG_EFORMAT, &err,
                 "name of 128 bytes, expected at most 127");
}

static void test_header_length(void **state)
{
    eg_err err = {0};
    eg_safetensors s;
    char *b = eg_calloc(8, 1);

    (void)state;
    memset(b, 0xff, 8);
    check_failed(eg_st_parse_take(&s, b, 8, "x.st", &err), EG_EFORMAT, &err,
                 "header of 18446744073709551615 bytes in a file of 8");
    b = eg_calloc((size_t)9 << 20, 1);
    b[2] = (char)0x80; /* 8 MiB and 1 byte */
    b[0] = 1;
    check_failed(eg_st_parse_take(&s, b, (size_t)9 << 20, "x.st", &err),
                 EG_EUNSUPPORTED, &err, "header of 8388609 bytes");
}

static void test_every_truncation_is_an_error(void **state)
{
    size_t size = 0;
    char *whole =
        make(TWO(T("F32", "[2]", "[0,8]"), T("U8", "[1]", "[8,9]")), 9, &size);

    (void)state;
    for (size_t n = 0; n < size; n++) {
        eg_err err = {0};
        eg_safetensors s;
        char *part = eg_calloc(n, 1);

        memcpy(part, whole, n);
        check_failed(eg_st_parse_take(&s, part, n, "x.st", &err), EG_EFORMAT,
                     &err, "x.st: ");
    }
    eg_free(whole);
}

/* Every bit of a file that was written here, header and data: turned over, the
 * file is refused, but for those that make it one without a checksum (who
 * needs one looks at `checked`). */
static void test_every_bit_counts(void **state)
{
    static const double x[3] = {1, -2, 3};
    static const float y[2] = {0.5f, 4};
    static const char *const meta[] = {"step", "12", "note", "\\ \" x"};
    eg_st_entry e[2] = {{"x", {x, EG_F64, 1, {3}}}, {"y", {y, EG_F32, 1, {2}}}};
    eg_err err = {0};
    char *whole = NULL, *b = NULL;
    size_t size = 0, renamed = 0;
    eg_safetensors s;

    (void)state;
    check_ok(eg_st_write(path, e, 2, meta, 2, &err), &err);
    check_ok(eg_file_read(&whole, &size, path, 10000, &err), &err);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        b = eg_calloc(size, 1);
        memcpy(b, whole, size);
        b[bit / 8] = (char)(b[bit / 8] ^ 1 << bit % 8);
        if (eg_st_parse_take(&s, b, size, "x.st", &err) != EG_OK) continue;
        assert_false(s.checked);
        assert_null(eg_st_meta(&s, "engram.xxh128"));
        eg_st_release(&s);
        renamed++;
    }
    print_message("%zu bits, %zu of them rename the checksum\n", 8 * size,
                  renamed);
    assert_true(renamed > 0 && renamed <= 8 * strlen("engram.xxh128"));
    eg_free(whole);
}

/* Sums of a foreign header are believed only where they can be checked. */
static void test_sums_of_others(void **state)
{
    static const struct {
        const char *json, *words;
    } bad[] = {
        {"{\"__metadata__\":{\"engram.xxh128\":\"0\"}}", "cannot be checked"},
        {"{\"__metadata__\":{\"engram.xxh128\": "
         "\"00112233445566778899aabbccddeeff\"}}",
         "cannot be checked"},
        {"{\"__metadata__\":{\"engram.xxh128\":"
         "\"00112233445566778899aabbccddeeff\"}}",
         "says 00112233445566778899aabbccddeeff, its bytes give "},
        {"{\"__metadata__\":{\"engram.xxh12\\u0038\":\"0\"}}",
         "cannot be checked"},
    };
    eg_err err = {0};
    eg_safetensors s;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_failed(parse(&s, bad[i].json, 0, &err), EG_EFORMAT, &err,
                     bad[i].words);
    check_ok(parse(&s, "{\"__metadata__\":{\"a\":\"\\\"engram.xxh128\\\":\"}}",
                   0, &err),
             &err); /* a text that speaks of one */
    assert_false(s.checked);
    eg_st_release(&s);
}

static void test_write_refuses(void **state)
{
    static const char *const meta[] = {"k", "\xff", "k", "v"};
    eg_err err = {0};
    float x = 1;
    eg_st_entry two[2] = {{"a", {&x, EG_F32, 1, {1}}},
                          {"a", {&x, EG_F32, 1, {1}}}};

    (void)state;
    check_failed(eg_st_write(path, two, 2, NULL, 0, &err), EG_EINVAL, &err,
                 "two entries named 'a'");
    check_failed(eg_st_write(path, two, 1, meta, 1, &err), EG_EINVAL, &err,
                 "the value of 'k' is not UTF-8");
    strcpy(two[0].name, "__metadata__");
    check_failed(eg_st_write(path, two, 1, NULL, 0, &err), EG_EINVAL, &err,
                 "two entries named '__metadata__'");
    strcpy(two[0].name, "b");
    two[1].view.shape[0] = -1;
    check_failed(eg_st_write(path, two, 2, NULL, 0, &err), EG_ESHAPE, &err,
                 "a: not a shape");
    check_failed(eg_st_write("/dev/full", two, 1, NULL, 0, &err), EG_EIO, &err,
                 "No space left");
}

static int setup(void **state)
{
    (void)state;
    scratch_make(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/x.safetensors", dir);
    return 0;
}

/* A float of so many bits of exponent and of mantissa, by its definition. */
static double by_formula(unsigned bits, int exponent, int mantissa)
{
    int e = (int)(bits >> mantissa & ((1U << exponent) - 1));
    double m = bits & ((1U << mantissa) - 1);
    double sign = bits >> (exponent + mantissa) & 1 ? -1 : 1;
    int bias = (1 << (exponent - 1)) - 1;

    if (e == (1 << exponent) - 1)
        return m > 0 ? (double)NAN : sign * (double)INFINITY;
    if (e == 0) return sign * ldexp(m, 1 - bias - mantissa);
    return sign * ldexp(m + (1 << mantissa), e - bias - mantissa);
}

/* Every number of either kind, written to a file and read: what the formula
 * says, exactly, and a float32. */
static void test_half_precision(void **state)
{
    enum { ALL = 1 << 16 };
    static uint16_t bits[ALL];
    static const struct {
        eg_dtype dtype;
        int exponent, mantissa, finite;
    } kind[] = {{EG_F16, 5, 10, 63488}, {EG_BF16, 8, 7, 65280}};

    (void)state;
    for (int i = 0; i < ALL; i++) bits[i] = (uint16_t)i;
    for (int k = 0; k < 2; k++) {
        eg_st_entry out = {"x", {bits, kind[k].dtype, 1, {ALL}}};
        eg_err err = {0};
        eg_safetensors s;
        int finite = 0;

        check_ok(eg_st_write(path, &out, 1, NULL, 0, &err), &err);
        check_ok(eg_st_read(&s, path, &err), &err);
        assert_int_equal(s.entry[0].view.dtype, kind[k].dtype);
        for (int i = 0; i < ALL; i++) {
            double x = eg_view_at(&s.entry[0].view, i);
            double want =
                by_formula((unsigned)i, kind[k].exponent, kind[k].mantissa);
            bool same = isnan(want)
                            ? isnan(x)
                            : x == want && !signbit(x) == !signbit(want);

            if (!same)
                fail_msg("%s %04x: expected %a, found %a",
                         eg_dtype_name(kind[k].dtype), (unsigned)i, want, x);
            if (isfinite(x)) assert_true((double)(float)x == x);
            finite += isfinite(x) != 0;
        }
        assert_int_equal(finite, kind[k].finite);
        eg_st_release(&s);
    }
}

/* Rounding to halves: each number of them is itself; between two neighbours the
 * nearer one, in the middle the even one; beyond the last, infinity. */
static void test_rounding_to_halves(void **state)
{
    static const struct {
        eg_dtype dtype;
        unsigned last; /* finite */
    } kind[] = {{EG_F16, 0x7bff}, {EG_BF16, 0x7f7f}};

    (void)state;
    for (int k = 0; k < 2; k++) {
        eg_dtype t = kind[k].dtype;
        unsigned last = kind[k].last;

        for (unsigned i = 0; i < last; i++) {
            uint16_t two[] = {(uint16_t)i, (uint16_t)(i + 1)};
            eg_view v = {two, t, 1, {2}};
            float a = (float)eg_view_at(&v, 0), b = (float)eg_view_at(&v, 1);
            float mid = a + (b - a) / 2;

            assert_int_equal(egi_half_bits(a, t), i);
            assert_int_equal(egi_half_bits(-a, t), i | 0x8000);
            assert_int_equal(egi_half_bits(mid, t), i + (i & 1));
            assert_int_equal(egi_half_bits(nextafterf(mid, 0), t), i);
            assert_int_equal(egi_half_bits(nextafterf(mid, b), t), i + 1);
        }
        assert_int_equal(egi_half_bits(FLT_MAX, t), last + 1);
        assert_int_equal(egi_half_bits(-INFINITY, t), 0x8000 | (last + 1));
        assert_true((egi_half_bits(NAN, t) & 0x7fff) > last + 1);
    }
    assert_int_equal(egi_half_bits(65519, EG_F16), 0x7bff);
    assert_int_equal(egi_half_bits(65520, EG_F16), 0x7c00);
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
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_empty_file),
        cmocka_unit_test(test_data_is_aligned_for_any_header),
        cmocka_unit_test(test_foreign_order_is_read),
        cmocka_unit_test(test_broken_headers),
        cmocka_unit_test(test_nesting_and_names_have_limits),
        cmocka_unit_test(test_header_length),
        cmocka_unit_test(test_every_truncation_is_an_error),
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_sums_of_others),
        cmocka_unit_test(test_write_refuses),
        cmocka_unit_test(test_half_precision),
        cmocka_unit_test(test_rounding_to_halves),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
