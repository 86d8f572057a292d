/* Special functions and the closed inverse of the scalar equation, against 18
 * digits of an independent computation and the printed tables. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "engram/flow.h"
#include "flow/special.h"

static void near_to(const char *what, double x, double got, double expect,
                    double relative)
{
    double error = fabs(got / expect - 1);

    printf("%s(%g) = %.17g, expected %.17g, off by %.1e\n", what, x, got,
           expect, error);
    assert_true(error <= relative);
}

static void test_exponential_integrals(void **state)
{
    static const double value[][3] = {
        {0.001, -6.3295393640250382, 6.33153936413614931},
        {0.1, -1.62281281396927661, 1.82292395841939062},
        {0.3725, -0.0000288741831887459646, 0.750795803872526365},
        {0.5, 0.45421990486317358, 0.559773594776160812},
        {1, 1.89511781635593676, 0.219383934395520274},
        {5, 40.1852753558031775, 0.0011482955912753258},
        {20, 25615652.6640565888, 9.83552529064988169e-11},
        {46, 2.1113423886478242e+18, 2.24153175974429975e-22},
        {100, 2.71555274485387982e+41, 3.68359776168203218e-46}};

    (void)state;
    for (size_t i = 0; i < sizeof value / sizeof *value; i++) {
        near_to("Ei", value[i][0], egi_ei(value[i][0]), value[i][1], 1e-14);
        near_to("E1", value[i][0], egi_e1(value[i][0]), value[i][2], 1e-14);
    }
}

/* The pieces of each function meet. */
static void test_seams(void **state)
{
    static const double seam[] = {0.2, 45};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        double x = seam[i], below = nextafter(x, 0);
        double slope = exp(x) / x * (x - below);

        near_to("Ei seam", x, egi_ei(below) + slope, egi_ei(x), 1e-14);
    }
    near_to("E1 seam", 1, egi_e1(nextafter(1, 2)), egi_e1(1), 1e-14);
}

static double sine(const void *ctx, double x)
{
    return *(const double *)ctx * sin(x);
}

static void test_integral(void **state)
{
    double two = 2;

    (void)state;
    near_to("integral", M_PI, egi_integral(sine, &two, 0, M_PI, 1), 4, 1e-14);
    near_to("integral", M_PI, egi_integral(sine, &two, 0, M_PI, 7), 4, 1e-14);
}

/* The table of times, all printed digits. */
static void test_table(void **state)
{
    static const struct {
        double n, beta, sa_half, sa_late, usa_half, usa_late;
    } row[] = {
        {32, 0.1, 1.752974139983, 5.192063118174, 1.71856248265, 4.86072269817},
        {32, 1, 1.819934884477, 5.270283907586, 1.4869867643, 2.89704862299},
        {32, 4, 3.431732315859, 6.953501848808, 1.01870790258, 1.1307703413},
        {32, 9, 174.652240442652, 178.730929519039, 0.683033259489,
         0.685987668877},
        {128, 0.1, 2.431621697992, 5.881385164886, 2.39735738853,
         5.55023138376},
        {128, 1, 2.456411474287, 5.909020396812, 2.14200785613, 3.5578591959},
        {128, 4, 3.098858381511, 6.569549892778, 1.61279796299, 1.72568190364},
        {128, 9, 78.981230884704, 82.593357501981, 1.2095394239,
         1.21253420318}};

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const double expect[4] = {row[i].sa_half, row[i].sa_late,
                                  row[i].usa_half, row[i].usa_late};

        for (int k = 0; k < 4; k++) {
            double got =
                egi_scalar_time(k / 2 ? EG_FLOW_USA : EG_FLOW_SA, row[i].n,
                                row[i].beta, k % 2 ? 0.001 : 0.5);

            printf("n %g, beta %g: %.12f, expected %.12f\n", row[i].n,
                   row[i].beta, got, expect[k]);
            assert_true(fabs(got - expect[k]) < (k < 2 ? 6e-13 : 6e-12));
        }
    }
}

/* Inverse of the inverse; rate as its derivative; edges. */
static void test_scalar(void **state)
{
    static const double n[] = {1, 2, 16, 1000}, beta[] = {0, 1e-3, 1, 9, 60};
    double worst = 0, slope = 0;

    (void)state;
    for (int model = EG_FLOW_SA; model <= EG_FLOW_USA; model++)
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < 5; k++)
                for (int p = 0; p < 25; p++) {
                    double u = 0.99 * pow(0.3, p);
                    double t = egi_scalar_time(model, n[i], beta[k], u);
                    double back = egi_scalar_at(model, n[i], beta[k], 1, t);
                    double h = 1e-4 * u;
                    double dt = (egi_scalar_time(model, n[i], beta[k], u - h) -
                                 egi_scalar_time(model, n[i], beta[k], u + h)) /
                                (2 * h);
                    double rate = egi_scalar_rate(model, n[i], beta[k], u);

                    worst =
                        fmax(worst, fabs(back / u - 1) / (1 + t * rate / u));
                    slope = fmax(slope, fabs(dt * rate - 1) /
                                            (1 + t / (h * dt) * 1e-10));
                }
    printf("u(t(u)) off by %.1e (conditioned), slope by %.1e\n", worst, slope);
    assert_true(worst < 1e-12);
    assert_true(slope < 1e-4);
    near_to("beta = 0", 3, 1 - egi_scalar_at(EG_FLOW_SA, 32, 0, 1, 3),
            (exp(6) - 1) / (exp(6) + 31), 1e-13);
    near_to("start", 0.5, egi_scalar_at(EG_FLOW_SA, 32, 4, 0.5, 0), 0.5, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponential_integrals),
        cmocka_unit_test(test_seams), cmocka_unit_test(test_integral),
        cmocka_unit_test(test_table), cmocka_unit_test(test_scalar)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
