/* The benchmark of the kernels: every set is verified in it, every entry of
 * the table is there, rates are positive. Nothing about how fast. */
#include "kern_test.h"

#include "engram/bench.h"
#include "sanitized.h"

typedef struct seen {
    int rows;
    char names[4096];
} seen;

static void on_row(void *ctx, const eg_bench_row *row)
{
    seen *s = ctx;
    size_t used = strlen(s->names);

    s->rows++;
    if (!row->verified) {
        fail_msg("%s %s %s: error %.2g", row->kernel, row->form, row->shape,
                 row->error);
    }
    assert_true(row->rate > 0 && row->best >= row->rate && row->limit > 0);
    assert_true(row->share > 0 && row->seconds > 0);
    if (!strstr(s->names, row->kernel)) {
        snprintf(s->names + used, sizeof s->names - used, " %s ", row->kernel);
    }
}

static void test_rows(void **state)
{
    static const char *const kernels[] = {
        "gemm",       "gemm_packed", "attn", "attn_back", "layernorm",
        "gelu",       "gelu_back",   "relu", "relu_back", "layernorm_back",
        "xent",       "add",         "axpy", "scale",     "dot",
        "sumsq",      "embed",       "sgd",  "adam",      "gather",
        "gather_back"};
    eg_err err;
    seen s = {0};
    (void)state;

    if (!SANITIZED) {
        assert_int_equal(
            eg_bench_kernels("auto", false, NULL, 0, on_row, &s, &err), EG_OK);
        printf("%d rows:%s\n", s.rows, s.names);
    }
    for (size_t i = 0; !SANITIZED && i < sizeof kernels / sizeof kernels[0];
         i++) {
        char name[32];
        snprintf(name, sizeof name, " %s ", kernels[i]);
        assert_non_null(strstr(s.names, name));
    }
    assert_int_equal(eg_bench_kernels("none", false, NULL, 0, on_row, &s, &err),
                     EG_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "none"));
}

/* The same kernels in float64, on fewer shapes: the reference is slow. With a
 * sanitizer these are all in float32, too. */
static void test_wide(void **state)
{
    static const char *const parts[] = {"gemm NN M 64 N 64 K 64",
                                        "gemm_packed TN M 256 N 64",
                                        "attn T 256 d_head 32",
                                        "attn_back T 256 d_head 32",
                                        "attn_table T 256 d_head 64",
                                        "layernorm",
                                        "gelu",
                                        "relu",
                                        "xent",
                                        "add",
                                        "axpy",
                                        "scale",
                                        "dot",
                                        "sumsq",
                                        "embed",
                                        "gather",
                                        "sgd",
                                        "adam"};
    (void)state;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        for (int wide = !SANITIZED; wide < 2; wide++) {
            eg_err err;
            seen s = {0};

            assert_int_equal(eg_bench_kernels("auto", wide == 1, parts[p], 0,
                                              on_row, &s, &err),
                             EG_OK);
            assert_true(s.rows > 0);
        }
    }
}

/* The reference against itself. */
static void test_reference(void **state)
{
    static const char *const parts[] = {
        "gemm NN M 64 N 64 K 64", "gemm_packed NT M 64 N 64 K 64",
        "attn_table_back T 256 d_head 64", "layernorm", "xent"};
    (void)state;
    for (size_t p = 0; p < 2 * (sizeof parts / sizeof *parts); p++) {
        eg_err err;
        seen s = {0};

        assert_int_equal(eg_bench_kernels("ref", p % 2 == 1, parts[p / 2], 0,
                                          on_row, &s, &err),
                         EG_OK);
        assert_true(s.rows > 0);
    }
}

/* A part by its name; products too large for the reference. */
static void test_only(void **state)
{
    eg_err err;
    seen s = {0};
    (void)state;

    assert_int_equal(eg_bench_kernels("auto", false,
                                      "gemm_packed TN M 3072 N 768", 0, on_row,
                                      &s, &err),
                     EG_OK);
    assert_int_equal(s.rows, 3); /* sums over 64, 256 and 1024 rows */
    assert_int_equal(
        eg_bench_kernels("auto", false, "gelu 1 x", 0, on_row, &s, &err),
        EG_OK);
    assert_int_equal(s.rows, 4);
    assert_int_equal(
        eg_bench_kernels("auto", false, "gelu 3", 0, on_row, &s, &err),
        EG_EINVAL);
    assert_non_null(strstr(err.msg, "'gelu 3'"));
    assert_int_equal(s.rows, 4);
}

static void test_peaks(void **state)
{
    (void)state;
    for (int i = 0; eg_kern_name(i); i++) {
        double peak = eg_bench_peak_fma(eg_kern_name(i), false, 0.01);
        printf("%-8s %.1f GFLOP/s\n", eg_kern_name(i), peak);
        assert_true(peak > 0);
    }
    assert_true(eg_bench_peak_fma("none", true, 0.01) <= 0);
    for (int n = 1; n <= 3; n += 2) {
        eg_pool *pool;
        assert_int_equal(eg_pool_new(&pool, n, NULL), EG_OK);
        double peak = eg_bench_peak_threads("auto", n == 3, pool, 0.01);
        printf("%d threads at once %.1f GFLOP/s\n", n, peak);
        assert_true(peak > 0);
        assert_true(eg_bench_peak_threads("none", false, pool, 0.01) <= 0);
        bool amx = strcmp(eg_kern_name(0), "amx") == 0;
        peak = eg_bench_peak_tiles(pool, 0.01);
        printf("on the matrix unit %.1f GFLOP/s\n", peak);
        assert_true(amx ? peak > 0 : peak <= 0);
        eg_pool_free(pool);
    }
    assert_true(eg_bench_read_l2(0.01) > 0);
    assert_null(eg_bench_yardstick(-1));
    assert_null(eg_bench_yardstick(EG_BENCH_YARDSTICKS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_wide),
        cmocka_unit_test(test_reference), cmocka_unit_test(test_only),
        cmocka_unit_test(test_peaks),
    };
    return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
