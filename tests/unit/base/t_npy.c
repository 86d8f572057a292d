/* .npy against bytes that NumPy 2 writes, and against broken files. */
#include "base/check.h"

#include <math.h>
#include <unistd.h>
#include "base/array.h"

static char dir[200];
static char path[300];

/* Bytes of a file with this header text padded to `length` and n bytes of
 * data; released with eg_free. */
static char *make(int version, const char *dict, size_t length, size_t n,
                  size_t *size)
{
    size_t at = version == 1 ? 10 : 12;
    char *b = eg_calloc(at + length + n, 1);

    (void)put_text(b, "\x93NUMPY");
    b[6] = (char)version;
    b[8] = (char)(length & 0xff);
    b[9] = (char)(length >> 8);
    memset(b + at, ' ', length);
    (void)put_text(b + at, dict);
    b[at + length - 1] = '\n';
    for (size_t i = 0; i < n; i++) b[at + length + i] = (char)i;
    *size = at + length + n;
    return b;
}

/* The file at path. */
static eg_status open_file(egi_npy *m, eg_err *err)
{
    eg_folder f;
    eg_status st = eg_folder_open(&f, dir, err);

    *m = (egi_npy){0};
    if (st != EG_OK) return st;
    st = egi_npy_open(m, &f, "x.npy", err);
    eg_folder_close(&f);
    return st;
}

static void check_bytes(const eg_view *v, size_t n, const char *dict)
{
    eg_err err = {0};
    size_t size = 0, want_size = 0;
    char *found = NULL, *want = make(1, dict, 118, n, &want_size);
    eg_view back;
    egi_npy file;

    memcpy(want + 128, v->data, n);
    check_ok(eg_npy_write(path, v, &err), &err);
    check_ok(eg_file_read(&found, &size, path, 10000, &err), &err);
    assert_int_equal(size, want_size);
    assert_memory_equal(found, want, size);
    check_ok(eg_npy_read(&back, path, &err), &err);
    assert_int_equal(back.dtype, v->dtype);
    assert_int_equal(back.ndim, v->ndim);
    assert_memory_equal(back.shape, v->shape, sizeof v->shape);
    assert_memory_equal(back.data, v->data, n);
    eg_view_release(&back);
    check_ok(open_file(&file, &err), &err);
    assert_int_equal(file.view.dtype, v->dtype);
    assert_memory_equal(file.view.shape, v->shape, sizeof v->shape);
    for (eg_index i = 0; i < eg_view_size(v); i++)
        assert_true(egi_npy_at(&file, i) == eg_view_at(v, i));
    assert_false(file.failed);
    egi_npy_close(&file);
    egi_npy_close(&file); /* nothing the second time */
    eg_free(found);
    eg_free(want);
}

/* The header texts are those of numpy.save (NumPy 2). */
static void test_written_as_numpy_writes(void **state)
{
    static const float f32[6] = {1, 2, 3, 4, 5, 6};
    static const double f64[1] = {2.5};
    static const int32_t i32[1] = {0};
    static const int64_t i64[3] = {0, 1, -2};
    static const unsigned char u8[6] = {0, 1, 2, 3, 4, 5};

    (void)state;
    check_bytes(&(eg_view){f32, EG_F32, 2, {2, 3}}, sizeof f32,
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
    check_bytes(&(eg_view){f64, EG_F64, 0, {0}}, sizeof f64,
                "{'descr': '<f8', 'fortran_order': False, 'shape': (), }");
    check_bytes(&(eg_view){i32, EG_I32, 2, {0, 4}}, 0,
                "{'descr': '<i4', 'fortran_order': False, 'shape': (0, 4), }");
    check_bytes(&(eg_view){i64, EG_I64, 1, {3}}, sizeof i64,
                "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }");
    check_bytes(
        &(eg_view){u8, EG_U8, 3, {1, 2, 3}}, sizeof u8,
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3), }");
}

static void test_view_at_does_not_need_alignment(void **state)
{
    static const double f64[2] = {0.1, -7};
    static const int64_t i64[2] = {3, -4};
    char odd[40];
    eg_view v = {odd + 1, EG_F64, 1, {2}};

    (void)state;
    memcpy(odd + 1, f64, sizeof f64);
    assert_true(eg_view_at(&v, 0) == 0.1 && eg_view_at(&v, 1) == -7.0);
    memcpy(odd + 1, i64, sizeof i64);
    v.dtype = EG_I64;
    assert_true(eg_view_at(&v, 1) == -4.0);
    odd[2] = (char)200;
    v.dtype = EG_U8;
    assert_true(eg_view_at(&v, 1) == 200.0);
    assert_int_equal(eg_view_size(&v), 2);
    assert_string_equal(eg_dtype_name(EG_F32), "float32");
    assert_int_equal(eg_dtype_size(EG_I64), 8);
}

static void test_variants_are_read(void **state)
{
    static const struct {
        int version;
        const char *dict;
        size_t n;
    } cases[] = {
        {2, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24},
        {1, "{\"shape\":(6,),'descr':\"<f4\",'fortran_order':True}", 24},
        {1, " { 'shape' : ( 3 , 2 , ) , 'fortran_order':False,'descr':'<f4'}",
         24},
        {1, "{'descr': '<f8', 'fortran_order': True, 'shape': ()}", 8},
        {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 5)}", 0},
        {1,
         "{'descr':'|u1','fortran_order':False,'shape':"
         "(1,1,1,1,1,1,1,2)}",
         2},
        {1,
         "{'descr':'|u1','fortran_order':False,'shape':"
         "(9223372036854775807,9223372036854775807,0)}",
         0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eg_err err = {0};
        eg_view v;
        size_t size = 0;
        char *b = make(cases[i].version, cases[i].dict, 118, cases[i].n, &size);

        check_ok(eg_npy_parse(&v, b, size, "x.npy", &err), &err);
        assert_int_equal((size_t)eg_view_size(&v) * eg_dtype_size(v.dtype),
                         cases[i].n);
        eg_view_release(&v);
        eg_free(b);
    }
}

/* numpy.save writes the transpose of an array so. */
static void test_fortran_order(void **state)
{
    static const unsigned char c_order[2][12] = {
        {0, 2, 4, 1, 3, 5}, {0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11}};
    static const struct {
        const char *dict;
        size_t n;
    } cases[] = {
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", 6},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2)}", 12},
        {"{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3)}", 24},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        eg_err err = {0};
        eg_view v;
        egi_npy m;
        size_t size = 0;
        char *b = make(1, cases[i].dict, 118, cases[i].n, &size);

        check_ok(eg_npy_parse(&v, b, size, "x.npy", &err), &err);
        if (i < 2) {
            assert_memory_equal(v.data, c_order[i], cases[i].n);
        } else { /* whole numbers, not bytes, change places */
            const unsigned char *bytes = v.data;

            for (int k = 0; k < 24; k++)
                assert_int_equal(bytes[k], 4 * c_order[0][k / 4] + k % 4);
        }
        eg_view_release(&v);
        check_ok(eg_file_write(path, b, size, &err), &err);
        check_failed(open_file(&m, &err), EG_EUNSUPPORTED, &err,
                     "Fortran order");
        eg_free(b);
    }
}

static const struct {
    const char *dict;
    size_t n;
    eg_status st;
    const char *words;
} broken[] = {
#define D(descr, shape) \
    "{'descr': '" descr "', 'fortran_order': False, 'shape': " shape "}"
    {D("<f4", "(2, 3)"), 23, EG_EFORMAT, "float32 [2,3] does not fill the 23"},
    {D("<f4", "(2, 3)"), 25, EG_EFORMAT, "does not fill the 25 bytes"},
    {D("<f4", "(2, 3)"), 0, EG_EFORMAT, "does not fill"},
    {D("<f4", "(4611686018427387904, 4)"), 0, EG_EFORMAT, "does not fill"},
    {D("<f4", "(4294967296, 4294967296)"), 0, EG_EFORMAT, "does not fill"},
    {D("<f4", "(9223372036854775808,)"), 0, EG_EFORMAT, "not understood"},
    {D("<f4", "(-1,)"), 0, EG_EFORMAT, "not understood"},
    {D("<f4", "(3)"), 12, EG_EFORMAT, "not understood"},
    {D("<f4", "(1,1,1,1,1,1,1,1,1)"), 4, EG_EFORMAT, "at most 8 axes"},
    {D("<f4", "(1,,2)"), 8, EG_EFORMAT, "not understood"},
    {D("<f4", "[2]"), 8, EG_EFORMAT, "not understood"},
    {D(">f4", "(2,)"), 8, EG_EUNSUPPORTED, "found '>f4'"},
    {D("<f2", "(2,)"), 4, EG_EUNSUPPORTED, "found '<f2'"},
    {D("|O", "(2,)"), 8, EG_EUNSUPPORTED, "found '|O'"},
    {D("<f4<f4<f4<f4", "(2,)"), 8, EG_EFORMAT, "not understood"},
    {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}", 24, EG_EFORMAT,
     "not understood"},
    {"{'descr': '<f4', 'shape': (2, 3)}", 24, EG_EFORMAT, "not understood"},
    {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
     8, EG_EFORMAT, "not understood"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'extra': 1}", 8,
     EG_EFORMAT, "not understood"},
    {D("<f4", "(2,)") " x", 8, EG_EFORMAT, "not understood"},
    {"{", 8, EG_EFORMAT, "not understood"},
    {"{'descr", 8, EG_EFORMAT, "not understood"},
    {"", 8, EG_EFORMAT, "not understood"},
#undef D
};

static void test_broken_files(void **state)
{
    int64_t live = eg_mem_query().live_bytes;

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        eg_err err = {0};
        eg_view v = {.ndim = 77};
        egi_npy m;
        size_t size = 0;
        char *b = make(1, broken[i].dict, 118, broken[i].n, &size);

        check_failed(eg_npy_parse(&v, b, size, "x.npy", &err), broken[i].st,
                     &err, broken[i].words);
        assert_non_null(strstr(err.msg, "x.npy: "));
        assert_null(v.data);
        assert_int_equal(v.ndim, 0);
        check_ok(eg_file_write(path, b, size, &err), &err);
        check_failed(open_file(&m, &err), broken[i].st, &err, broken[i].words);
        assert_false(m.open);
        eg_free(b);
    }
    assert_int_equal(eg_mem_query().live_bytes, live);
}

/* Unaligned data, headers that are too long, and a file that shrinks. */
static void test_open(void **state)
{
    static const char dict[] =
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2000,)}";
    size_t size = 0;
    char *b = make(2, dict, 118, 16000, &size), *longer;
    eg_err err = {0};
    egi_npy m;
    eg_view v;

    (void)state;
    check_ok(eg_npy_parse(&v, b, size, "x", &err), &err);
    check_ok(eg_file_write(path, b, size, &err), &err);
    check_ok(open_file(&m, &err), &err); /* the data start at 130 */
    for (eg_index i = 1999; i >= 0; i -= 7)
        assert_memory_equal(&(double){egi_npy_at(&m, i)},
                            &(double){eg_view_at(&v, i)}, 8);
    assert_false(m.failed);
    assert_int_equal(truncate(path, 8000), 0);
    (void)egi_npy_at(&m, 10);
    assert_false(m.failed);
    assert_true(isnan(egi_npy_at(&m, 1999)) && m.failed);
    egi_npy_close(&m);
    eg_view_release(&v);
    longer = make(1, dict, 5000, 16000, &size);
    check_ok(eg_file_write(path, longer, size, &err), &err);
    check_failed(open_file(&m, &err), EG_EUNSUPPORTED, &err, "at most 4096");
    check_ok(eg_file_write(path, b, 0, &err), &err);
    check_failed(open_file(&m, &err), EG_EFORMAT, &err, "not a .npy");
    assert_int_equal(unlink(path), 0);
    check_failed(open_file(&m, &err), EG_EIO, &err, "x.npy: No such file");
    eg_free(longer);
    eg_free(b);
}

static void test_every_truncation_is_an_error(void **state)
{
    for (int version = 1; version <= 2; version++) {
        size_t size = 0;
        char *whole = make(
            version, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}",
            118, 16, &size);

        (void)state;
        for (size_t n = 0; n < size; n++) {
            eg_err err = {0};
            eg_view v;
            char *part = eg_calloc(n, 1); /* exact, for ASan */

            memcpy(part, whole, n);
            check_failed(eg_npy_parse(&v, part, n, "x", &err), EG_EFORMAT, &err,
                         "x: ");
            eg_free(part);
        }
        eg_free(whole);
    }
}

static void test_other_magic_and_version(void **state)
{
    eg_err err = {0};
    eg_view v;
    size_t size = 0;
    char *b = make(3, "{}", 118, 8, &size);

    (void)state;
    check_failed(eg_npy_parse(&v, b, size, "x", &err), EG_EUNSUPPORTED, &err,
                 "found 3.0");
    b[0] = 'x';
    check_failed(eg_npy_parse(&v, b, size, "x", &err), EG_EFORMAT, &err,
                 "not a .npy file");
    eg_free(b);
    check_failed(eg_npy_read(&v, "/nowhere/x.npy", &err), EG_EIO, &err,
                 "/nowhere/x.npy");
}

static void test_write_refuses(void **state)
{
    eg_err err = {0};
    float x = 1;

    (void)state;
    check_failed(eg_npy_write(path, &(eg_view){&x, EG_F32, 1, {-1}}, &err),
                 EG_ESHAPE, &err, "not a shape");
    check_failed(eg_npy_write(path, &(eg_view){&x, EG_F32, 9, {1}}, &err),
                 EG_ESHAPE, &err, "not a shape");
    check_failed(
        eg_npy_write("/dev/full", &(eg_view){&x, EG_F32, 1, {1}}, &err), EG_EIO,
        &err, "No space left");
}

static int setup(void **state)
{
    (void)state;
    scratch_make(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/x.npy", dir);
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
        cmocka_unit_test(test_written_as_numpy_writes),
        cmocka_unit_test(test_view_at_does_not_need_alignment),
        cmocka_unit_test(test_variants_are_read),
        cmocka_unit_test(test_fortran_order),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_every_truncation_is_an_error),
        cmocka_unit_test(test_other_magic_and_version),
        cmocka_unit_test(test_write_refuses),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
