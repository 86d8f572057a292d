/* Linear attention of every set against the formula in float64: widths around
 * vectors and strips, rows at every key, at some, several at one. */
#include "kern_test.h"

#define KEYS ((eg_index)23)
static const eg_index widths[] = {0,  1,  3,  4,  8,  12, 15, 16,
                                  17, 20, 24, 33, 48, 64, 65, 100};
enum { N_WIDTHS = sizeof widths / sizeof *widths };

static const int32_t every[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
static const int32_t some[] = {2, 3, 7, 12, 22};
static const int32_t several[] = {1, 1, 1, 4, 9, 9, 10, 10, 23, 23};
static const struct {
    const int32_t *limit;
    eg_index rows;
} rows_of[] = {{every, 23}, {some, 5}, {several, 10}, {every, 0}, {every, 1}};
enum { N_ROWS = sizeof rows_of / sizeof *rows_of };

static void check(const kt_set *K, eg_index kw, eg_index vw, int which,
                  double *worst)
{
    const eg_kern_f64 *t = kt_truth();
    const int32_t *limit = rows_of[which].limit;
    eg_index rows = rows_of[which].rows, lk = kw + 3, lv = vw + 1;
    kt_buf q = kt_input(rows * lk, 1, 1), k = kt_input(KEYS * lk, 2, 1);
    kt_buf v = kt_input(KEYS * lv, 1, 1), z = kt_new(rows * lv, 1, 1);
    kt_buf dz = kt_input(rows * lv, 3, 1), dv = kt_new(KEYS * lv, 1, 1);
    kt_buf work = kt_new(K->linatt_work(kw, vw), 1, 1);
    kt_buf *all[] = {&q, &k, &v, &z, &dz, &dv, &work};
    char what[64];

    snprintf(what, sizeof what, "%s linatt %td %td, rows %d", K->name, kw, vw,
             which);
    K->linatt(z.f, lv, q.f, lk, limit, rows, k.f, lk, v.f, lv, kw, vw, 0.7f,
              work.f);
    t->linatt(z.d, lv, q.d, lk, limit, rows, k.d, lk, v.d, lv, kw, vw,
              (double)0.7f, NULL);
    kt_compare(&z, &z, KEYS, sqrt((double)kw) + 1, what, worst);
    K->linatt_back(dv.f, lv, k.f, lk, KEYS, q.f, lk, dz.f, lv, limit, rows, kw,
                   vw, 0.7f, work.f);
    t->linatt_back(dv.d, lv, k.d, lk, KEYS, q.d, lk, dz.d, lv, limit, rows, kw,
                   vw, (double)0.7f, NULL);
    kt_compare(&dv, &dv, KEYS, sqrt((double)kw) + 1, what, worst);
    for (int i = 0; i < 7; i++) kt_free(all[i], what);
}

static void test_sets(void **state)
{
    (void)state;
    KT_FOR_SETS(K)
    {
        double worst = 0;

        for (int i = 0; i < N_WIDTHS; i++)
            for (int j = 0; j < N_WIDTHS; j++)
                for (int which = 0; which < N_ROWS; which++)
                    check(K, widths[i], widths[j], which, &worst);
        printf("%-8s worst error / bound %.3f\n", K->name, worst);
    }
}

/* Rows by themselves give the bits that they give together. */
static void test_rows_apart(void **state)
{
    const eg_index WIDTH = 20;

    (void)state;
    KT_FOR_SETS(K)
    {
        kt_buf q = kt_input(KEYS * WIDTH, 1, 1),
               k = kt_input(KEYS * WIDTH, 1, 1);
        kt_buf v = kt_input(KEYS * WIDTH, 1, 1);
        kt_buf one = kt_new(KEYS * WIDTH, 1, 1), two = kt_copy(&one, 2);
        kt_buf work = kt_new(K->linatt_work(WIDTH, WIDTH), 1, 1);

        K->linatt(one.f, WIDTH, q.f, WIDTH, every, KEYS, k.f, WIDTH, v.f, WIDTH,
                  WIDTH, WIDTH, 1, work.f);
        for (eg_index r = 0; r < KEYS; r += 5)
            K->linatt(two.f + r * WIDTH, WIDTH, q.f + r * WIDTH, WIDTH,
                      every + r, KEYS - r < 5 ? KEYS - r : 5, k.f, WIDTH, v.f,
                      WIDTH, WIDTH, WIDTH, 1, work.f);
        assert_memory_equal(one.f, two.f,
                            (size_t)(KEYS * WIDTH) * sizeof *one.f);
        kt_buf *all[] = {&q, &k, &v, &one, &two, &work};
        for (int i = 0; i < 6; i++) kt_free(all[i], K->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_rows_apart),
    };
    return cmocka_run_group_tests_name("linatt", tests, NULL, NULL);
}
