/* What runs measured, exported as tables and archives, and read back by readers
 * that share nothing with the writers; and what stays when it fails: nothing.
 */
#include "export_rig.h"

#include "lab/zip.h"

/* ---- csv ------------------------------------------------------------------
 */

static void test_csv(void **state)
{
    eg_export_runs one = of(1, false);
    eg_err err = {0};
    size_t size;
    char *text, *line, *rest = NULL;

    (void)state;
    snprintf(path, sizeof path, "%s/one.csv", root);
    assert_int_equal(eg_export_csv(&one, path, false, &err), EG_OK);
    text = (char *)slurp(path, &size);
    print_message("%s", text);
    line = strtok_r(text, "\n", &rest);
    assert_string_equal(line, "step,loss,norm.W_E");
    for (int k = 0; k < 6; k++) {
        char *end;
        double v;

        line = strtok_r(NULL, "\n", &rest);
        assert_int_equal(strtol(line, &end, 10), 10 * k);
        v = strtod(end + 1, &end); /* no locale was set */
        assert_true(v == odd[k] && signbit(v) == signbit(odd[k]));
        if (k % 2 == 0)
            assert_string_equal(end, ",");
        else if (k == 3)
            assert_string_equal(end, ",nan");
        else
            assert_true(strtod(end + 1, NULL) == k);
    }
    assert_null(strtok_r(NULL, "\n", &rest));
    eg_free(text);
    /* what is there stays */
    assert_int_equal(eg_export_csv(&one, path, true, &err), EG_EINVAL);
    print_message("%s\n", err.msg);
    assert_non_null(strstr(err.msg, "is there already"));
}

static void test_csv_long(void **state)
{
    eg_export_runs all = of(3, true);
    char *text;
    size_t size;
    int lines = 0;

    (void)state;
    snprintf(path, sizeof path, "%s/all.csv", root);
    assert_int_equal(eg_export_csv(&all, path, true, NULL), EG_OK);
    text = (char *)slurp(path, &size);
    for (const char *c = text; *c; c++) lines += *c == '\n';
    assert_int_equal(lines, 1 + 3 * (6 + 3));
    assert_memory_equal(text, "run,optim.lr,seed,step,metric,value\n", 36);
    assert_non_null(strstr(text, "\nfirst/0,0.1,1,20,loss,-7.25\n"));
    assert_non_null(strstr(text, "\nfirst/1,0.25,4,10,norm.W_E,1\n"));
    assert_non_null(strstr(text, "\nfirst/2,0.25,1,0,loss,2.1\n"));
    eg_free(text);
}

/* ---- archives -------------------------------------------------------------
 */

/* Where a member's data lie, by the directory at the end; NULL: it has none.
 * Every size and place is of 64 bits when the archive says so. */
static const unsigned char *member(const unsigned char *zip, size_t size,
                                   const char *name, size_t *bytes)
{
    const unsigned char *end = zip + size - 22, *at;
    uint64_t n, place;

    assert_int_equal(little(end, 4), 0x06054b50);
    n = little(end + 10, 2);
    place = little(end + 16, 4);
    if (n == 0xffff) {
        const unsigned char *locator = end - 20, *large;

        assert_int_equal(little(locator, 4), 0x07064b50);
        large = zip + little(locator + 8, 8);
        assert_int_equal(little(large, 4), 0x06064b50);
        n = little(large + 32, 8);
        place = little(large + 48, 8);
    }
    for (at = zip + place; n > 0; n--) {
        size_t length = little(at + 28, 2), extra = little(at + 30, 2);
        uint64_t from = little(at + 42, 4);

        assert_int_equal(little(at, 4), 0x02014b50);
        *bytes = little(at + 24, 4);
        if (*bytes == 0xffffffff) {
            assert_int_equal(little(at + 46 + length, 4), 24 << 16 | 1);
            *bytes = little(at + 50 + length, 8);
            from = little(at + 66 + length, 8);
        }
        if (length == strlen(name) && memcmp(at + 46, name, length) == 0) {
            const unsigned char *local = zip + from;

            assert_int_equal(little(local, 4), 0x04034b50);
            assert_memory_equal(local + 30, name, length);
            return local + 30 + length + little(local + 28, 2);
        }
        at += 46 + length + extra;
    }
    return NULL;
}

static eg_view array(const unsigned char *zip, size_t size, const char *name)
{
    eg_view v;
    size_t bytes = 0;
    const unsigned char *data = member(zip, size, name, &bytes);

    if (!data) fail_msg("no member %s", name);
    assert_int_equal(eg_npy_parse(&v, (const char *)data, bytes, name, NULL),
                     EG_OK);
    return v;
}

static void test_npz(void **state)
{
    eg_export_runs one = of(1, false);
    size_t size, bytes = 0;
    unsigned char *zip;
    eg_view v;

    (void)state;
    snprintf(path, sizeof path, "%s/one.npz", root);
    assert_int_equal(eg_export_npz(&one, path, NULL), EG_OK);
    zip = slurp(path, &size);
    v = array(zip, size, "loss.npy");
    for (int k = 0; k < 6; k++) assert_true(eg_view_at(&v, k) == odd[k]);
    eg_view_release(&v);
    v = array(zip, size, "norm.W_E.npy");
    assert_true(isnan(eg_view_at(&v, 0)) && eg_view_at(&v, 1) == 1);
    eg_view_release(&v);
    v = array(zip, size, "step.npy");
    assert_int_equal(v.dtype, EG_I64);
    assert_true(eg_view_at(&v, 5) == 50);
    eg_view_release(&v);
    v = array(zip, size, "timing/seconds.npy");
    assert_true(eg_view_at(&v, 3) == 4.5);
    eg_view_release(&v);
    v = array(zip, size, "arrays/x.npy");
    assert_true(v.ndim == 2 && v.shape[0] == 2 && v.shape[1] == 2);
    assert_true(eg_view_at(&v, 0) == 1 && eg_view_at(&v, 3) == 4);
    eg_view_release(&v);
    v = array(zip, size, "arrays/x.steps.npy");
    assert_true(eg_view_at(&v, 0) == 5 && eg_view_at(&v, 1) == 10);
    eg_view_release(&v);
    v = array(zip, size, "arrays/x.100.npy");
    assert_true(v.shape[0] == 3 && eg_view_at(&v, 2) == 9);
    eg_view_release(&v);
    v = array(zip, size, "arrays/once.npy");
    assert_true(v.ndim == 1 && eg_view_at(&v, 0) == 9);
    eg_view_release(&v);
    assert_non_null(member(zip, size, "config.yaml", &bytes));
    assert_true(bytes > 100);
    assert_null(member(zip, size, "none", &bytes));
    eg_free(zip);
}

/* The forms of 64 bits, as if sizes asked for them. */
static void test_zip64(void **state)
{
    egi_piece piece[] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    egi_zip z;
    eg_outfile to;
    size_t size, bytes = 0;
    unsigned char *zip;

    (void)state;
    snprintf(path, sizeof path, "%s/large.zip", root);
    assert_int_equal(eg_outfile_open_new(&to, path, NULL), EG_OK);
    egi_zip_begin(&z, &to);
    z.limit = 3;
    egi_zip_put(&z, "one", piece, 1);
    egi_zip_put(&z, "two", piece, 3);
    assert_int_equal(egi_zip_end(&z, NULL), EG_OK);
    assert_int_equal(eg_outfile_commit(&to, NULL), EG_OK);
    egi_zip_release(&z);
    zip = slurp(path, &size);
    assert_non_null(member(zip, size, "one", &bytes));
    assert_memory_equal(member(zip, size, "one", &bytes), "ab", 2);
    assert_int_equal(bytes, 2);
    assert_memory_equal(member(zip, size, "two", &bytes), "abcde", 5);
    assert_int_equal(bytes, 5);
    eg_free(zip);
}

/* ---- what stays -----------------------------------------------------------
 */

static bool second(void *ctx, int i)
{
    (void)ctx;
    return i == 0;
}

/* Interrupted, or failed in the middle: nothing stays. */
static void test_nothing_stays(void **state)
{
    eg_export_runs all = of(3, true);
    char broken[EG_PATH + 32], kept[EG_PATH + 48];
    eg_err err = {0};

    (void)state;
    snprintf(path, sizeof path, "%s/none/of/it", root);
    all.next = second;
    assert_int_equal(eg_export_tensorboard(&all, path, NULL), EG_OK);
    assert_true(all.stopped);
    assert_int_equal(eg_export_npz(&all, path, NULL), EG_OK);
    assert_true(all.stopped);
    assert_int_equal(eg_export_csv(&all, path, true, NULL), EG_EIO);
    all.next = NULL;
    snprintf(broken, sizeof broken, "%s/metrics.jsonl", dirs[2]);
    snprintf(kept, sizeof kept, "%s.kept", broken);
    assert_int_equal(rename(broken, kept), 0);
    assert_int_equal(eg_file_write(broken, "no row\n", 7, NULL), EG_OK);
    assert_int_equal(eg_export_tensorboard(&all, path, &err), EG_EFORMAT);
    print_message("%s\n", err.msg);
    assert_int_equal(eg_export_npz(&all, path, NULL), EG_EFORMAT);
    snprintf(path, sizeof path, "%s/none", root);
    assert_false(eg_file_exists(path));
    assert_int_equal(eg_export_csv(&all, path, false, NULL), EG_EFORMAT);
    assert_false(eg_file_exists(path));
    assert_int_equal(rename(kept, broken), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv), cmocka_unit_test(test_csv_long),
        cmocka_unit_test(test_npz), cmocka_unit_test(test_zip64),
        cmocka_unit_test(test_nothing_stays)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
