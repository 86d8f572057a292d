/* Scaled Bessel functions against their power series in long double, closed
 * forms and printed values; tails of the zonal expansion. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "flow/bessel.h"

enum { MANY = 400 };

/* exp(-beta) a_l(beta): every term of the series is positive. */
static long double series(eg_index l, eg_index d, double beta)
{
    long double nu = 0.5L * (long double)d - 1, h = 0.5L * (long double)beta;
    long double x = (long double)l, term, sum;

    term = expl(x * logl(h) + lgammal(nu + 1) - lgammal(x + nu + 1) -
                (long double)beta);
    sum = term;
    for (int m = 1; m < 20000 && term > sum * 1e-22L; m++) {
        term *= h * h / ((long double)m * (x + nu + (long double)m));
        sum += term;
    }
    return sum;
}

static void test_series(void **state)
{
    const double betas[] = {1e-9, 1e-5, 2e-4, 0.1, 1, 4, 9, 100, 1000};
    const eg_index dims[] = {2, 3, 4, 5, 8, 32, 128, 1024};
    double a[MANY], worst = 0;

    (void)state;
    for (int b = 0; b < 9; b++) {
        for (int i = 0; i < 8; i++) {
            egi_bessel_zonal(a, MANY, dims[i], betas[b]);
            for (eg_index l = 0; l < MANY; l += l < 20 ? 1 : 7) {
                long double want = series(l, dims[i], betas[b]);
                double e;
                if (want < 1e-290L) break;
                e = (double)fabsl((long double)a[l] / want - 1);
                if (e > worst) worst = e;
                if (e > 1e-13)
                    printf("beta %g d %td l %td: %.17g, series %.17Lg\n",
                           betas[b], dims[i], l, a[l], want);
            }
        }
    }
    printf("zonal coefficients: largest relative error %.1e\n", worst);
    assert_true(worst < 1e-13);
}

/* Closed forms of half-integer order; large beta by the asymptotic series. */
static void test_closed(void **state)
{
    double I[3];

    (void)state;
    for (int i = 0; i < 6; i++) {
        double b = 0.25 * pow(7, i), half = -expm1(-2 * b) / (2 * b);
        egi_bessel_i(I, 3, 1, b);
        double want = half * sqrt(2 * b / M_PI);
        double next =
            sqrt(2 * b / M_PI) * ((1 + exp(-2 * b)) / (2 * b) - half / b);
        printf("I_1/2(%g) %.16g, %.16g; I_3/2 %.16g, %.16g\n", b, I[0], want,
               I[1], next);
        assert_true(fabs(I[0] / want - 1) < 1e-14);
        assert_true(fabs(I[1] / next - 1) < 1e-13 * (1 + 1 / (b * b)));
    }
    for (int i = 0; i < 3; i++) {
        double b = pow(100, i + 2), z = 1 / (8 * b);
        double want =
            (1 + z + 4.5 * z * z + 37.5 * z * z * z + 459.375 * z * z * z * z) /
            sqrt(2 * M_PI * b);
        egi_bessel_i(I, 3, 0, b);
        printf("I_0(%g) %.16g, %.16g\n", b, I[0], want);
        assert_true(fabs(I[0] / want - 1) < 1e-13);
    }
}

/* Beta 0, negative beta, and energies of the uniform measure as printed in the
 * specification. */
static void test_values(void **state)
{
    static const struct {
        eg_index d;
        double beta, energy;
    } row[] = {
        {2, 1, 0.633032938876}, {2, 4, 1.41274024402},  {2, 9, 60.754908584},
        {3, 1, 0.587600596822}, {3, 4, 0.85280991241},  {3, 9, 25.0095179141},
        {8, 1, 0.532042198184}, {8, 4, 0.312869604227}, {8, 9, 2.3655937517}};
    double a[6], b[6];

    (void)state;
    for (int i = 0; i < 9; i++) {
        egi_bessel_zonal(a, 1, row[i].d, row[i].beta);
        double e = a[0] * exp(row[i].beta) / (2 * row[i].beta);
        printf("d %td beta %g: %.12g, printed %.12g\n", row[i].d, row[i].beta,
               e, row[i].energy);
        assert_true(fabs(e / row[i].energy - 1) < 1e-11);
    }
    egi_bessel_zonal(a, 6, 3, -2.5);
    egi_bessel_zonal(b, 6, 3, 2.5);
    for (int l = 0; l < 6; l++) assert_true(a[l] == (l % 2 ? -b[l] : b[l]));
    egi_bessel_zonal(a, 6, 4, 0);
    assert_true(a[0] == 1 && a[1] == 0 && a[5] == 0);
    egi_bessel_i(a, 6, 0, 0);
    assert_true(a[0] == 1 && a[1] == 0);
}

/* N_l, the number of harmonics. */
static double harmonics(eg_index l, eg_index d)
{
    double n = 1;
    if (l == 0) return 1;
    if (d == 2) return 2;
    for (eg_index k = 1; k <= d - 3; k++) n *= (double)(l + k) / (double)k;
    return n * (double)(2 * l + d - 2) / (double)(d - 2);
}

/* The tail is what the coefficients add up to, and the degree the smallest;
 * the degrees of the specification's tables are met within one. */
static void test_degree(void **state)
{
    static const struct {
        eg_index d;
        double beta, eps;
        eg_index degree; /* printed, for a largest error without the sum */
    } row[] = {{2, 1, 1e-6, 7},     {2, 1, 1e-13, 12},    {2, 9, 1e-10, 22},
               {2, 100, 1e-13, 76}, {2, 1000, 1e-6, 155}, {3, 4, 1e-10, 16},
               {3, 9, 1e-13, 27},   {3, 100, 1e-10, 69},  {5, 20, 1e-12, 0},
               {3, 0.05, 1e-14, 0}, {2, 3e-5, 1e-16, 0}};
    double a[MANY];

    (void)state;
    for (int i = 0; i < 11; i++) {
        double tail, sum = 0, more;
        eg_index d = row[i].d;
        eg_index L = egi_zonal_degree(&tail, d, row[i].beta, row[i].eps);

        egi_bessel_zonal(a, MANY, d, row[i].beta);
        for (eg_index l = MANY - 1; l > L; l--) sum += harmonics(l, d) * a[l];
        more = sum + harmonics(L, d) * a[L];
        printf("d %td beta %g: degree %td (%td printed), tail %.3e (%.3e)\n", d,
               row[i].beta, L, row[i].degree, tail, sum);
        assert_true(sum <= tail * (1 + 1e-9) && tail <= row[i].eps);
        assert_true(more > row[i].eps * (1 - 1e-9));
        if (row[i].beta > 1e-3) assert_true(fabs(tail / sum - 1) < 1e-9);
        if (row[i].degree) assert_true(labs(L - row[i].degree) <= 1);
    }
    egi_zonal_degree(a, 2, 0, 1e-16);
    assert_true(a[0] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_degree),
    };
    return cmocka_run_group_tests_name("bessel", tests, NULL, NULL);
}
