/* Products of a small matrix with vectors, and its update, of every set against
 * float64: widths around whole vectors, guards, in place, what is no number. */
#include "kern_test.h"

static const eg_index sizes[] = {0,  1,  2,  3,  4,  7,  8,  9,  15,
                                 16, 17, 20, 31, 32, 33, 64, 65, 100};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

static void products_case(const kt_set *k, eg_index m, eg_index n,
                          double *worst)
{
    const eg_kern_f64 *t = kt_truth();
    kt_buf a = kt_input(m * n, 1, 1), b = kt_input(m * n, 2, 1);
    kt_buf x = kt_input(m, 3, 1), v = kt_input(n, 1, 1);
    kt_buf y = kt_new(n, 3, 1), z = kt_new(m, 2, 1);

    k->vecmat(y.f, x.f, a.f, m, n);
    t->vecmat(y.d, x.d, a.d, m, n);
    kt_compare(&y, &y, (double)m + 1, 1, k->name, worst);
    k->rowdot(z.f, a.f, v.f, 0, m, n);
    t->rowdot(z.d, a.d, v.d, 0, m, n);
    kt_compare(&z, &z, (double)n + 1, 1, k->name, worst);
    k->rowdot(z.f, a.f, b.f, n, m, n);
    t->rowdot(z.d, a.d, b.d, n, m, n);
    kt_compare(&z, &z, (double)n + 1, 1, k->name, worst);
    k->muladd(y.f, v.f, a.f, m > 0 ? n : 0);
    t->muladd(y.d, v.d, a.d, m > 0 ? n : 0);
    kt_compare(&y, &y, (double)m + 3, 1, k->name, worst);
    kt_free(&a, k->name);
    kt_free(&b, k->name);
    kt_free(&x, k->name);
    kt_free(&v, k->name);
    kt_free(&y, k->name);
    kt_free(&z, k->name);
}

/* gs -1: without g; in place on even m. */
static void update_case(const kt_set *k, eg_index m, eg_index n, eg_index gs,
                        double *worst)
{
    const eg_kern_f64 *t = kt_truth();
    kt_buf a = kt_new(m * n, 1, 1), y = kt_new(m * n, 2, 1);
    kt_buf g = kt_input(m + 1, 2, 1);
    kt_buf x = kt_input(m, 3, 1), v = kt_input(n, 1, 1);
    kt_buf *out = m % 2 ? &y : &a;

    k->rank1(out->f, a.f, gs < 0 ? NULL : g.f, gs < 0 ? 0 : gs, x.f, v.f, m, n);
    t->rank1(out->d, a.d, gs < 0 ? NULL : g.d, gs < 0 ? 0 : gs, x.d, v.d, m, n);
    kt_compare(out, out, 3, 1, k->name, worst);
    kt_free(&a, k->name);
    kt_free(&y, k->name);
    kt_free(&g, k->name);
    kt_free(&x, k->name);
    kt_free(&v, k->name);
}

static void test_shapes(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;

        for (int i = 0; i < N_SIZES; i++)
            for (int j = 0; j < N_SIZES; j++) {
                products_case(k, sizes[i], sizes[j], &worst);
                for (eg_index gs = -1; gs < 2; gs++)
                    update_case(k, sizes[i], sizes[j], gs, &worst);
            }
        printf("  %-8s worst error / bound %.3f\n", k->name, worst);
    }
}

/* A NaN in a row of the matrix reaches that row's products, and no other's. */
static void test_nan(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        kt_real a[20 * 20] = {0}, x[20], y[20];

        for (int i = 0; i < 20; i++) x[i] = 1;
        a[3 * 20 + 17] = NAN;
        k->rowdot(y, a, x, 0, 20, 20);
        for (int i = 0; i < 20; i++) assert_true(isnan(y[i]) == (i == 3));
        k->vecmat(y, x, a, 20, 20);
        for (int i = 0; i < 20; i++) assert_true(isnan(y[i]) == (i == 17));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
