/* A matrix times one vector, from either side, of every set against float64:
 * sizes around whole vectors and blocks of rows, guards, row strides, and
 * columns taken in parts with the same bits. */
#include "kern_test.h"

static const eg_index sizes[] = {0,  1,  3,  4,  7,  8,  9,   15, 16,
                                 17, 31, 32, 33, 64, 65, 100, 259};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

static void one_case(const kt_set *k, eg_index m, eg_index n, eg_index gap,
                     double *worst)
{
    const eg_kern_f64 *t = kt_truth();
    eg_index lda = n + gap;
    kt_buf a = kt_input(m * lda, 1, 1), x = kt_input(m, 2, 1);
    kt_buf v = kt_input(n, 3, 1), y = kt_new(n, 1, 1), z = kt_new(m, 2, 1);

    k->gemv(y.f, x.f, a.f, lda, m, n);
    t->gemv(y.d, x.d, a.d, lda, m, n);
    kt_compare(&y, &y, (double)m + 1, 1, k->name, worst);
    k->gemv_t(z.f, a.f, lda, v.f, m, n);
    t->gemv_t(z.d, a.d, lda, v.d, m, n);
    kt_compare(&z, &z, (double)n + 1, 1, k->name, worst);
    kt_free(&a, k->name);
    kt_free(&x, k->name);
    kt_free(&v, k->name);
    kt_free(&y, k->name);
    kt_free(&z, k->name);
}

static void test_shapes(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;

        for (int i = 0; i < N_SIZES; i++)
            for (int j = 0; j < N_SIZES; j++)
                for (eg_index gap = 0; gap < 6; gap += 5)
                    one_case(k, sizes[i], sizes[j], gap, &worst);
        printf("  %-8s worst error / bound %.3f\n", k->name, worst);
    }
}

static void test_softmax(void **state)
{
    const eg_kern_f64 *t = kt_truth();

    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;

        for (int i = 1; i < N_SIZES; i++) {
            kt_buf x = kt_new(sizes[i], 1, 30);

            k->softmax(x.f, 0.7f, sizes[i]);
            t->softmax(x.d, (double)0.7f, sizes[i]);
            kt_compare(&x, &x, 60, 0, k->name, &worst);
            kt_free(&x, k->name);
        }
        printf("  %-8s worst error / bound %.3f\n", k->name, worst);
    }
}

/* Whoever takes which columns or rows, the bits are the same. */
static void test_parts(void **state)
{
    enum { M = 37, N = 200 };

    (void)state;
    KT_FOR_SETS(k)
    {
        kt_buf a = kt_input((eg_index)M * N, 0, 1), x = kt_input(N, 0, 1);
        kt_real whole[N], parts[N];

        k->gemv(whole, x.f, a.f, N, M, N);
        for (eg_index n = 0; n < N; n += 64)
            k->gemv(parts + n, x.f, a.f + n, N, M, N - n < 64 ? N - n : 64);
        assert_memory_equal(whole, parts, sizeof whole);
        k->gemv_t(whole, a.f, N, x.f, M, N);
        for (eg_index m = 0; m < M; m += 16)
            k->gemv_t(parts + m, a.f + m * N, N, x.f, M - m < 16 ? M - m : 16,
                      N);
        assert_memory_equal(whole, parts, M * sizeof *whole);
        kt_free(&a, k->name);
        kt_free(&x, k->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
