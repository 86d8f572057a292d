/* Numbers of several runs as one: against values worked out elsewhere, and
 * against how often an interval must hold the truth. */
#include <math.h>

#include "base/check.h"
#include "engram/aggregate.h"
#include "engram/rng.h"

#define N(x) ((int)(sizeof(x) / sizeof *(x)))
static const double never = INFINITY;

static eg_estimate of(const double *v, const double *until, int n,
                      const eg_bootstrap *how)
{
    eg_estimate e;
    eg_err err = {0};

    check_ok(eg_estimate_make(&e, v, until, n, how, &err), &err);
    return e;
}

static void near(double got, double want)
{
    if (fabs(got - want) <= 1e-12 * (1 + fabs(want))) return;
    fail_msg("%.17g, expected %.17g", got, want);
}

static void test_plain(void **state)
{
    static const double v[] = {4, 1, 3, 2}, one[] = {7};
    eg_estimate e = of(v, NULL, 4, NULL);

    (void)state;
    near(e.mean, 2.5);
    near(e.median, 2.5);
    near(e.sd, sqrt(5.0 / 3));
    near(e.min, 1);
    near(e.max, 4);
    assert_int_equal(e.n, 4);
    assert_true(e.mean_low >= 1 && e.mean_low < 2.5);
    assert_true(e.mean_high <= 4 && e.mean_high > 2.5);
    e = of(v, NULL, 3, NULL);
    near(e.median, 3);
    e = of(one, NULL, 1, NULL);
    near(e.mean, 7);
    near(e.median, 7);
    assert_true(isnan(e.sd) && isnan(e.mean_low) && isnan(e.mean_high) &&
                isnan(e.median_low) && isnan(e.median_high));
    e = of(v, NULL, 0, NULL);
    assert_true(e.n == 0 && isnan(e.mean) && isnan(e.median) && isnan(e.min));
}

/* Three numbers have 27 equally likely resamples: their means, of 0, 1 and 5,
 * are 0 with probability 1/27 and 1/3 with 3/27; 5 with 1/27, 11/3 with 3/27.
 * Counts of 10,000 draws are off by less than 6 sigma, which is 114. */
static void test_percentiles(void **state)
{
    static const double v[] = {5, 0, 1};
    eg_bootstrap how = {.confidence = 0.95, .resamples = 10000};
    eg_estimate e = of(v, NULL, 3, &how);

    (void)state;
    near(e.mean_low, 0);
    near(e.mean_high, 5);
    how.confidence = 0.9; /* 5 % at each end, 1/27 is 3.7 % */
    e = of(v, NULL, 3, &how);
    near(e.mean_low, 1.0 / 3);
    near(e.mean_high, 11.0 / 3);
    /* of the median: 0 where at least two of three are: 7/27 = 26 % */
    near(e.median_low, 0);
    near(e.median_high, 5);
    how.confidence = 0.4; /* 30 % at each end */
    e = of(v, NULL, 3, &how);
    near(e.median_low, 1);
    near(e.median_high, 1);
}

/* The 42 patients of Freireich et al. (1963), weeks in remission; + is still
 * in it. Medians as every textbook has them: 23 and 8. */
static void test_censored(void **state)
{
    static const double treated[] = {6,     6,     6,     never, 7,     never,
                                     10,    never, never, 13,    16,    never,
                                     never, never, 22,    23,    never, never,
                                     never, never, never},
                        weeks[] = {6,  6,  6,  6,  7,  9,  10, 10, 11, 13, 16,
                                   17, 19, 20, 22, 23, 25, 32, 32, 34, 35},
                        placebo[] = {1, 1, 2,  2,  3,  4,  4,  5,  5,  8, 8,
                                     8, 8, 11, 11, 12, 12, 15, 17, 22, 23};
    eg_estimate e = of(treated, weeks, N(treated), NULL);

    (void)state;
    print_message("treated %g [%g, %g], placebo", e.median, e.median_low,
                  e.median_high);
    near(e.median, 23);
    assert_int_equal(e.n, 9);
    assert_int_equal(e.n_never, 12);
    assert_true(isnan(e.mean) && isnan(e.sd) && isnan(e.mean_low));
    assert_true(isinf(e.max));
    assert_true(e.median_low >= 10 && e.median_low < 23);
    assert_true(isinf(e.median_high));
    e = of(placebo, NULL, N(placebo), NULL);
    print_message(" %g [%g, %g]\n", e.median, e.median_low, e.median_high);
    near(e.median, 8);
    assert_int_equal(e.n_never, 0);
    assert_true(e.median_low >= 4 && e.median_high <= 12);
}

static void test_never(void **state)
{
    const double half[] = {20, never, 10, never}, third[] = {never, 10, never},
                 none[] = {never, never}, lost[] = {NAN, 3, -INFINITY, 5};
    const double until[] = {0, 50, 0, 50};
    eg_estimate e = of(half, until, 4, NULL);

    (void)state;
    near(e.median, 20);
    assert_true(isinf(e.median_high));
    assert_true(isinf(of(third, NULL, 3, NULL).median));
    e = of(none, NULL, 2, NULL);
    assert_true(isinf(e.median) && isinf(e.median_low) && e.n == 0);
    /* one watched for too short to tell counts for less than one in vain */
    {
        const double v[] = {10, 20, never, never, 30},
                     short_[] = {0, 0, 5, 5, 0}, long_[] = {0, 0, 99, 99, 0};

        near(of(v, short_, 5, NULL).median, 20);
        near(of(v, long_, 5, NULL).median, 30);
    }
    e = of(lost, NULL, 4, NULL);
    assert_int_equal(e.n_missing, 2);
    assert_int_equal(e.n, 2);
    near(e.mean, 4);
}

/* Of 1,000 samples of 20 normal numbers the interval of the mean must hold the
 * truth about as often as it says; the percentile bootstrap is known to fall
 * short of 95 % by about 2 at this size, and more at 5. */
static double coverage(int n, bool median)
{
    enum { SAMPLES = 1000 };
    const eg_bootstrap how = {.resamples = 400};
    double v[64];
    int held = 0;

    for (int s = 0; s < SAMPLES; s++) {
        eg_rng r = eg_rng_make(5, EG_RNG_USER, (uint64_t)s, (uint32_t)n);
        eg_estimate e;

        for (int i = 0; i < n; i++) v[i] = eg_rng_normal(&r);
        e = of(v, NULL, n, &how);
        held += median ? e.median_low <= 0 && e.median_high >= 0
                       : e.mean_low <= 0 && e.mean_high >= 0;
    }
    return (double)held / SAMPLES;
}

static void test_coverage(void **state)
{
    static const int n[] = {3, 5, 10, 20, 40};

    (void)state;
    for (int i = 0; i < N(n); i++)
        print_message("n = %2d: holds the mean in %.3f, the median in %.3f\n",
                      n[i], coverage(n[i], false), coverage(n[i], true));
    assert_true(coverage(20, false) > 0.89 && coverage(20, false) < 0.97);
    assert_true(coverage(20, true) > 0.89 && coverage(20, true) < 0.98);
    assert_true(coverage(3, false) < 0.85);
}

static void test_draws_are_a_value(void **state)
{
    double v[12];
    eg_bootstrap how = {.seed = 1};
    eg_estimate a, b, c;

    (void)state;
    for (int i = 0; i < 12; i++) v[i] = sin(i);
    a = of(v, NULL, 12, &how);
    b = of(v, NULL, 12, &how);
    assert_memory_equal(&a, &b, sizeof a);
    how.seed = 2;
    c = of(v, NULL, 12, &how);
    assert_true(a.mean_low != c.mean_low);
    assert_true(fabs(a.mean_low - c.mean_low) < 0.05);
}

static void test_refused(void **state)
{
    static const double v[] = {1, 2};
    eg_bootstrap how = {.confidence = 1};
    eg_estimate e;
    eg_err err = {0};

    (void)state;
    check_failed(eg_estimate_make(&e, v, NULL, 2, &how, &err), EG_EINVAL, &err,
                 "between 0 and 1, found 1");
    how = (eg_bootstrap){.resamples = 3};
    check_failed(eg_estimate_make(&e, v, NULL, 2, &how, &err), EG_EINVAL, &err,
                 "resamples: expected 100 to 1000000, found 3");
    for (int i = 1; i < 4; i++) {
        eg_mem_fail_after(i);
        assert_int_equal(eg_estimate_make(&e, v, NULL, 2, NULL, &err),
                         EG_ENOMEM);
    }
    eg_mem_fail_after(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_censored),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_draws_are_a_value),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
