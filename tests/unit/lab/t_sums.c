/* The files of checksums in a run directory: of whole arrays, and of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/sum.h"
#include "engram/mem.h"
#include "lab/row_sums.h"
#include "lab/sums.h"
#include "scratch.h"

static char root[64];
static eg_folder folder;

static int set_up(void **state)
{
    (void)state;
    scratch_make(root, sizeof root);
    return eg_folder_open(&folder, root, NULL) == EG_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    eg_folder_close(&folder);
    scratch_remove(root);
    return 0;
}

static void put(const char *name, const void *bytes, size_t size)
{
    assert_int_equal(eg_file_write_in(&folder, name, bytes, size, NULL), EG_OK);
}

static char *get(const char *name, size_t *size)
{
    char *text = NULL;

    assert_int_equal(eg_file_read_in(&text, size, &folder, name, 10000, NULL),
                     EG_OK);
    return text;
}

static void said(eg_status got, eg_status want, const eg_err *err,
                 const char *words)
{
    print_message("%s\n", err->msg);
    assert_int_equal(got, want);
    assert_non_null(strstr(err->msg, words));
}

static void test_arrays(void **state)
{
    static const char *const name[] = {"x.npy", "a.npy", "x.10.npy", "x.9.npy"};
    egi_sums s = {0}, back = {0};
    eg_err err = {0};
    int64_t bytes = 0;
    egi_sum sum;
    size_t size;
    char *text;

    (void)state;
    for (int i = 0; i < 4; i++) {
        put(name[i], name[i], strlen(name[i]));
        assert_int_equal(egi_sum_in(&sum, &bytes, &folder, name[i], &err),
                         EG_OK);
        assert_int_equal(bytes, strlen(name[i]));
        assert_int_equal(egi_sums_put(&s, name[i], (egi_sum){1, 2}, &err),
                         EG_OK);
        assert_int_equal(egi_sums_put(&s, name[i], sum, &err), EG_OK);
    }
    assert_int_equal(s.n, 4);
    assert_int_equal(egi_sums_write(&s, &folder, &err), EG_OK);
    text = get(EGI_SUMS, &size);
    print_message("%s", text); /* what `xxhsum -H2 *.npy` prints */
    assert_string_equal(text, "1eccad9d34c7c61a5bfd87b2cbb9797f  a.npy\n"
                              "db9c6a072b92a8c8296c6d487680a515  x.10.npy\n"
                              "5e71ae9cb35389da3485ab672cedd2ba  x.9.npy\n"
                              "2ab3f633bd60406f3832160477d8b48c  x.npy\n");
    eg_free(text);

    assert_int_equal(egi_sums_read(&back, &folder, &err), EG_OK);
    assert_int_equal(back.n, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(egi_sums_check(&back, &folder, name[i], &bytes, &err),
                         EG_OK);
    assert_null(egi_sums_find(&back, "x"));
    assert_int_equal(egi_sums_check(&back, &folder, "other", &bytes, &err),
                     EG_OK);

    put("x.9.npy", "x.9.npz", 7);
    said(egi_sums_check(&back, &folder, "x.9.npy", &bytes, &err), EG_EFORMAT,
         &err, "/x.9.npy: damaged or edited: expected xxh128 ");
    assert_int_equal(bytes, 7);
    assert_true(eg_folder_remove(&folder, "x.9.npy"));
    said(egi_sums_check(&back, &folder, "x.9.npy", &bytes, &err), EG_EIO, &err,
         "x.9.npy: No such file");
    egi_sums_drop(&back, "x.9.npy");
    egi_sums_drop(&back, "none");
    assert_int_equal(back.n, 3);
    assert_null(egi_sums_find(&back, "x.9.npy"));
    assert_non_null(egi_sums_find(&back, "x.npy"));
    egi_sums_release(&s);
    egi_sums_release(&back);
}

static void test_bad_arrays(void **state)
{
    static const char *const bad[] = {
        "0123456789abcdef0123456789abcdef  a\n0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef a\n",
        "0123456789abcdef0123456789abcdeg  a\n",
        "0123456789abcdef0123456789abcdef  \n", "\n"};
    char longer[400];
    egi_sums s;
    eg_err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put(EGI_SUMS, bad[i], strlen(bad[i]));
        said(egi_sums_read(&s, &folder, &err), EG_EFORMAT, &err, "/sums:");
        assert_int_equal(s.n, 0);
    }
    memset(longer, 'a', sizeof longer);
    memset(longer + 32, ' ', 2);
    put(EGI_SUMS, longer, sizeof longer);
    said(egi_sums_read(&s, &folder, &err), EG_EFORMAT, &err, "/sums:1");
    put(EGI_SUMS, "", 0);
    assert_int_equal(egi_sums_read(&s, &folder, &err), EG_OK);
    assert_true(eg_folder_remove(&folder, EGI_SUMS));
    said(egi_sums_read(&s, &folder, &err), EG_EIO, &err, "sums");
}

static const char *const row[] = {"{\"step\": 0}\n", "{\"step\": 1}\n",
                                  "{\"step\": 2}\n"};

static void put_rows(egi_row_sums *s, int from, int to)
{
    for (int i = from; i < to; i++)
        assert_int_equal(egi_row_sums_put(s, row[i], strlen(row[i]), NULL),
                         EG_OK);
    assert_int_equal(s->n, to);
}

static void test_rows(void **state)
{
    egi_row_sums s;
    egi_sum_list l = {0};
    eg_err err = {0};
    size_t size, again;
    char *text, *other;

    (void)state;
    put("m.sums", "old", 3);
    assert_int_equal(egi_row_sums_new(&s, &folder, "m.sums", 7, &err), EG_OK);
    put_rows(&s, 0, 3);
    egi_row_sums_close(&s);
    text = get("m.sums", &size);
    print_message("%s", text);
    assert_int_equal(size, 4 * EGI_SUM_LINE);
    assert_memory_equal(text, "0000000000000007\n", EGI_SUM_LINE);

    assert_int_equal(egi_sum_list_read(&l, &folder, "m.sums", &err), EG_OK);
    assert_int_equal(l.n, 3);
    assert_false(l.odd);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            assert_int_equal(egi_sum_list_holds(&l, i, row[k], strlen(row[k])),
                             i == k);

    /* gone on with behind its second row: the same bytes */
    assert_int_equal(egi_row_sums_go_on(&s, &folder, "m.sums", &l, 1, &err),
                     EG_OK);
    assert_int_equal(s.n, 1);
    put_rows(&s, 1, 3);
    assert_int_equal(egi_row_sums_cut(&s, 0, &err), EG_OK);
    put_rows(&s, 0, 3);
    assert_int_equal(egi_row_sums_sync(&s, &err), EG_OK);
    egi_row_sums_close(&s);
    egi_row_sums_close(&s);
    other = get("m.sums", &again);
    assert_string_equal(other, text);
    eg_free(other);
    eg_free(text);
    eg_free(l.sum);
}

/* What a process that was killed, or somebody else, may leave. */
static void test_odd_rows(void **state)
{
    static const struct {
        const char *text;
        int rows; /* -1: refused */
        bool odd;
    } file[] = {
        {"", -1, false},
        {"0000000000000007", -1, false},
        {"000000000000000G\n", -1, false},
        {"0000000000000007\n", 0, false},
        {"0000000000000007\n0123456789abc", 0, false},
        {"0000000000000007\n0123456789abcdef\n0", 1, false},
        {"0000000000000007\n0123456789abcdef\n0123456789abcdeX\n", 1, true},
        {"0000000000000007\n0123456789ABCDEF\n0123456789abcdef\n", 0, true},
        {"0000000000000007\n0123456789abcdef \n", 0, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        egi_sum_list l;
        eg_err err = {0};
        eg_status st;

        put("odd.sums", file[i].text, strlen(file[i].text));
        st = egi_sum_list_read(&l, &folder, "odd.sums", &err);
        if (file[i].rows < 0) {
            said(st, EG_EFORMAT, &err, "odd.sums: expected lines of 16");
            assert_null(l.sum);
            continue;
        }
        assert_int_equal(st, EG_OK);
        assert_int_equal(l.n, file[i].rows);
        assert_int_equal(l.odd, file[i].odd);
        eg_free(l.sum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays), cmocka_unit_test(test_bad_arrays),
        cmocka_unit_test(test_rows), cmocka_unit_test(test_odd_rows)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
