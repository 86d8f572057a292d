/* Balls, losses, power laws: special functions against known values and against
 * each other, fits whose answer is known, and intervals that hold the truth as
 * often as they say. */
#include "engram/energy_theory.h"
#define THEORY_TABLE eg_energy_theories
#include "memory/theory_helper.h"
#include "energy/power_fit.h"
#include "energy/special.h"
#include "engram/rng.h"

static emitted seen;

static void near(const char *what, double got, double want, double tol)
{
    printf("%s: %.15g, expected %.15g\n", what, got, want);
    assert_true(fabs(got - want) <= tol * (1 + fabs(want)));
}

static void test_special(void **state)
{
    (void)state;
    /* gamma(1, x) = 1 - exp(-x), gamma(1/2, x) = sqrt(pi) erf(sqrt x) */
    for (int k = 0; k < 20; k++) {
        double x = 1e-3 * pow(1.7, k);

        near("gamma(1)", egi_log_lower_gamma(1, x), log(-expm1(-x)), 1e-13);
        near("gamma(1/2)", egi_log_lower_gamma(.5, x),
             log(sqrt(M_PI) * erf(sqrt(x))), 1e-13);
        /* gamma(a + 1, x) = a gamma(a, x) - x^a exp(-x) */
        near("recurrence", exp(egi_log_lower_gamma(3.7, x)),
             2.7 * exp(egi_log_lower_gamma(2.7, x)) - pow(x, 2.7) * exp(-x),
             1e-12);
    }
    near("t(1)", egi_student(1, .95), 12.7062047361747, 1e-12);
    near("t(2)", egi_student(2, .95), 4.30265272974946, 1e-12);
    near("t(10)", egi_student(10, .99), 3.16927267261695, 1e-12);
    near("t(1e6)", egi_student(1e6, .95), 1.95996635682141, 1e-9);
    near("W(1)", egi_lambert_of_log(0), .567143290409784, 1e-14);
    near("3.6/W(exp(1.2733))", 3.6 / egi_lambert_of_log(1.2733), 3.1546, 2e-5);
    near("W(exp(1000))", egi_lambert_of_log(1000), 993.099, 1e-6);
    near("W(exp(-30))", egi_lambert_of_log(-30), exp(-30.), 1e-12);
    for (int k = 0; k < 40; k++) {
        double loss = 1 + 1e-6 * pow(1.6, k);

        near("inverse of h", eg_loss_of_log_z(eg_log_z_of_loss(loss)), loss,
             1e-14);
    }
    assert_true(isnan(eg_log_z_of_loss(.99)));
    assert_true(isnan(eg_log_z_of_loss((double)NAN)));
    near("V_3(2)", exp(eg_ball_log_volume(3, 2)), 32 * M_PI / 3, 1e-14);
    near("unit", eg_ball_log_volume(77, eg_ball_unit(77)), 0, 1e-12);
}

static void test_fit(void **state)
{
    static const double x[] = {1, 10, 100, 1000}, y[] = {3, 30, 300, 3000};
    static const double bad[] = {1, 0}, same[] = {2, 2, 2};
    eg_power_fit f;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_power_fit_pairs(&f, x, y, 4, .95, NULL), EG_OK);
    near("slope", f.slope, 1, 1e-14);
    near("intercept", f.intercept, log(3), 1e-14);
    assert_true(f.se < 1e-14 && f.high - f.low < 1e-13);
    assert_int_equal(eg_power_fit_pairs(&f, x, y, 2, .95, NULL), EG_OK);
    assert_true(isnan(f.se) && isinf(f.low) && isinf(f.high));
    assert_int_equal(eg_power_fit_pairs(&f, x, y, 1, .95, &err), EG_EINVAL);
    printf("%s\n", err.msg);
    assert_int_equal(eg_power_fit_pairs(&f, bad, y, 2, .95, &err), EG_EINVAL);
    printf("%s\n", err.msg);
    assert_int_equal(eg_power_fit_pairs(&f, same, y, 3, .95, &err), EG_EINVAL);
    printf("%s\n", err.msg);
    assert_int_equal(eg_power_fit_pairs(&f, x, y, 3, 1, &err), EG_EINVAL);
    printf("%s\n", err.msg);
}

/* The line alone is that of the fit, bit for bit, and has no interval. */
static void test_line(void **state)
{
    static const double x[] = {1, 2, 5, 9}, y[] = {3, 1, 4, 1.5};

    (void)state;
    for (int n = 2; n <= 4; n++) {
        eg_power_fit line, fit;

        assert_int_equal(egi_power_line(&line, x, y, n, NULL), EG_OK);
        assert_int_equal(eg_power_fit_pairs(&fit, x, y, n, .95, NULL), EG_OK);
        assert_true(isinf(line.low) && isinf(line.high));
        assert_true(n == 2 || (isfinite(fit.low) && isfinite(fit.high)));
        line.low = fit.low;
        line.high = fit.high;
        assert_memory_equal(&line, &fit, sizeof fit);
    }
}

/* Of 4000 fits through 4 noisy pairs, nine of ten hold the truth in their 90 %
 * interval; the standard error of that share is .005. */
static void test_coverage(void **state)
{
    enum { FITS = 4000, PAIRS = 4 };
    eg_rng rng = eg_rng_make(5, EG_RNG_USER, 0, 0);
    int held = 0;

    (void)state;
    for (int i = 0; i < FITS; i++) {
        double x[PAIRS], y[PAIRS];
        eg_power_fit f;

        for (int k = 0; k < PAIRS; k++) {
            x[k] = exp(k);
            y[k] = exp(.3 + 1.7 * k + .2 * eg_rng_normal(&rng));
        }
        assert_int_equal(eg_power_fit_pairs(&f, x, y, PAIRS, .9, NULL), EG_OK);
        held += f.low <= 1.7 && 1.7 <= f.high;
    }
    near("share that holds the truth", (double)held / FITS, .9, .01);
}

static void test_rows(void **state)
{
    (void)state;
    theory_run(&seen, "energy_layers", "layers=1 each=1 dim=1 radii=[0.5]");
    check_range(&seen, 500, "z", .92256201282, .92256201283);
    check_range(&seen, 500, "error", -1e-12, 1e-12);
    check_range(&seen, 0, "straight", 0, 1);
    check_refused(&seen, "energy_layers", "radii=[4]", "half the spacing");
    check_refused(&seen, "energy_law", "tokens=[1,2]", "one for each");
    check_refused(&seen, "energy_law", "widths=[5]", "two at least");
    check_refused(&seen, "energy_law", "tokens=[5,5,5]", "differ");
    check_refused(&seen, "energy_ball", "dims=[0]", "from 1");
    check_refused(&seen, "energy_floor", "losses=[0.5]", "from 1");
    theory_run(&seen, "energy_law", "parameters=[1,4,16] tokens=[1,2,4]");
    check_range(&seen, 0, "slope", 2 - 1e-12, 2 + 1e-12);
    check_refused(&seen, "energy_scaling", "tokens=[5]", "one for each");
    check_refused(&seen, "energy_scaling", "compute=[1e20]", "two at least");
    check_refused(&seen, "energy_scaling", "d_ff=[0]", "d_ff");
    theory_run(&seen, "energy_scaling",
               "alpha=1 beta=0.5 a=8 b=2 alpha_n=0.5 alpha_d=0.25 n_c=3 d_c=3 "
               "parameters=[3,4] tokens=[1,4] floor=1");
    check_range(&seen, 1, "kaplan", pow(4, .25) - 1e-12, pow(4, .25) + 1e-12);
    check_range(&seen, 2, "chinchilla", 4 - 1e-12, 4 + 1e-12);
    /* where the loss is least it is flat: known to the root of rounding */
    check_range(&seen, 0, "chinchilla_slope", .5 - 2e-5, .5 + 2e-5);
    check_range(&seen, 0, "kaplan_slope", .5 - 1e-6, .5 + 1e-6);
    theory_out_of_memory("energy_layers", "dim=1 radii=[0.1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special), cmocka_unit_test(test_fit),
        cmocka_unit_test(test_line), cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_rows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
