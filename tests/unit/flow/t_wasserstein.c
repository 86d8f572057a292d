/* Wasserstein distances against all permutations, against each other, and
 * where they are known. */
#include "flow/observe_helper.h"

static double distance(const double *x, const double *y, eg_index n, eg_index d,
                       int p, eg_index slices)
{
    eg_err err = {0};
    double w;

    if (eg_flow_wasserstein(&w, x, y, n, d, p, slices, 11, &err) != EG_OK)
        fail_msg("%s", err.msg);
    return w;
}

/* The least over all n! pairings, by Heap's permutations. */
static double brute(const double *x, const double *y, int n, eg_index d, int p)
{
    int at[8], c[8] = {0}, k = 1;
    double best = INFINITY;

    for (int i = 0; i < n; i++) at[i] = i;
    for (;;) {
        double sum = 0;

        for (int i = 0; i < n; i++)
            sum += pow(eg_flow_angle(x + i * d, y + at[i] * d, d), p) / n;
        best = fmin(best, sum);
        while (k < n && c[k] >= k) c[k++] = 0;
        if (k >= n) break;
        {
            int swap = k % 2 ? c[k] : 0, keep = at[k];

            at[k] = at[swap];
            at[swap] = keep;
        }
        c[k]++;
        k = 1;
    }
    return pow(best, 1.0 / p);
}

static void test_brute(void **state)
{
    eg_rng rng = stream(1);
    double worst = 0;

    (void)state;
    for (int trial = 0; trial < 300; trial++) {
        eg_index d = 1 + trial % 4;
        int n = 1 + trial % 7, p = 1 + trial % 3;
        double *x = draw_clusters(n, d, 3, 0.5, &rng);
        double *y = draw_clusters(n, d, 3, 0.5, &rng);
        double got = distance(x, y, n, d, p, 0), want = brute(x, y, n, d, p);

        worst = fmax(worst, fabs(got - want));
        if (fabs(got - want) > 1e-13)
            fail_msg("n = %d, d = %td, p = %d: %.15g, expected %.15g", n, d, p,
                     got, want);
        eg_free(x);
        eg_free(y);
    }
    printf("300 draws against all pairings: largest error %.1e\n", worst);
}

/* The circle's way against assignment of the same tokens put into R^3. */
static void test_circle(void **state)
{
    eg_rng rng = stream(2);
    double worst = 0;

    (void)state;
    for (int trial = 0; trial < 60; trial++) {
        eg_index n = 1 + eg_rng_below(&rng, 60);
        int p = 1 + trial % 3;
        double *x = draw_clusters(n, 2, 4, 0.4, &rng), got, want;
        double *y = draw_clusters(n, 2, 4, 0.4, &rng);
        double *x3 = make_tokens(n, 3), *y3 = make_tokens(n, 3);

        for (eg_index i = 0; i < n; i++)
            for (eg_index k = 0; k < 2; k++) {
                x3[3 * i + k] = x[2 * i + k];
                y3[3 * i + k] = y[2 * i + k];
            }
        got = distance(x, y, n, 2, p, 0);
        want = distance(x3, y3, n, 3, p, 0);
        worst = fmax(worst, fabs(got - want));
        check_close("circle", got, want, 1e-12);
        eg_free(x);
        eg_free(y);
        eg_free(x3);
        eg_free(y3);
    }
    printf("circle against assignment: largest error %.1e\n", worst);
}

/* W_1 on the circle by its formula: the mean distance of the difference of
 * distribution functions from its median, integrated over the circle. */
static int ascending(const void *a, const void *b)
{
    const double *p = a, *q = b;

    return (*p > *q) - (*p < *q);
}

static void test_median(void **state)
{
    enum { N = 200, M = 2 * N };
    static double step[M][2], level[M][2];
    eg_rng rng = stream(3);
    double *x = draw_clusters(N, 2, 3, 0.7, &rng), median = 0, want = 0;
    double *y = draw_sphere(N, 2, &rng), total = 0, f = 0;

    (void)state;
    for (int i = 0; i < M; i++) {
        const double *z =
            i < N ? x + (eg_index)2 * i : y + (eg_index)2 * (i - N);

        step[i][0] = atan2(z[1], z[0]);
        step[i][1] = i < N ? 1.0 / N : -1.0 / N;
    }
    qsort(step, M, sizeof step[0], ascending);
    for (int i = 0; i < M; i++) {
        f += step[i][1];
        level[i][0] = f;
        level[i][1] = i + 1 < M ? step[i + 1][0] - step[i][0]
                                : step[0][0] + 2 * M_PI - step[i][0];
    }
    qsort(level, M, sizeof level[0], ascending);
    for (int i = 0; i < M && total < M_PI; i++) {
        total += level[i][1];
        median = level[i][0];
    }
    for (int i = 0; i < M; i++)
        want += fabs(level[i][0] - median) * level[i][1];
    printf("W_1 = %.15g, by the median %.15g\n", distance(x, y, N, 2, 1, 0),
           want);
    check_close("median", distance(x, y, N, 2, 1, 0), want, 1e-13);
    eg_free(x);
    eg_free(y);
}

/* A turn by an angle a moves a ring of n by the least of a and its step; W_p of
 * anything to itself is 0; a Dirac; antipodes. */
static void test_known(void **state)
{
    eg_rng rng = stream(4);
    double *x = draw_sphere(50, 5, &rng), *y = make_tokens(50, 5);

    (void)state;
    for (int p = 1; p <= 3; p++) {
        double *a = draw_ring(1000, 0.1), *b = draw_ring(1000, 0.102);
        double *c = draw_ring(1000, 0.1 + 2 * M_PI * 37.75 / 1000);

        check_close("turned", distance(a, b, 1000, 2, p, 0), 0.002, 1e-13);
        check_close("turned far", distance(a, c, 1000, 2, p, 0),
                    2 * M_PI * 0.25 / 1000, 1e-13);
        check_close("itself", distance(a, a, 1000, 2, p, 0), 0, 1e-15);
        check_close("itself", distance(x, x, 50, 5, p, 0), 0, 1e-15);
        check_close("itself", distance(x, x, 50, 5, p, 9), 0, 1e-15);
        for (int i = 0; i < 50; i++)
            for (int k = 0; k < 5; k++) y[5 * i + k] = x[35 + k];
        check_close("Dirac", eg_flow_wasserstein_dirac(x, 50, 5, x + 35, p),
                    distance(x, y, 50, 5, p, 0), 1e-14);
        for (int i = 0; i < 250; i++) y[i] = -x[35 + i % 5];
        check_close("antipode", eg_flow_wasserstein_dirac(x + 35, 1, 5, y, p),
                    M_PI, 1e-15);
        eg_free(a);
        eg_free(b);
        eg_free(c);
    }
    eg_free(x);
    eg_free(y);
}

/* The mean of angle^2 over planes through x and y as seen along their normals,
 * by quadrature. */
static double mean_square(const double *x, const double *y)
{
    enum { GRID = 300 };
    double sum = 0;

    for (int i = 0; i < GRID; i++)
        for (int j = 0; j < GRID; j++) {
            double c = -1 + (2 * i + 1.0) / GRID, s = sqrt(1 - c * c);
            double turn = 2 * M_PI * (j + 0.5) / GRID;
            double z[3] = {s * cos(turn), s * sin(turn), c}, p[3], q[3];

            for (int k = 0; k < 3; k++) {
                p[k] = x[k] - inner(x, z, 3) * z[k];
                q[k] = y[k] - inner(y, z, 3) * z[k];
            }
            sum += pow(eg_flow_angle(p, q, 3), 2);
        }
    return sum / GRID / GRID;
}

/* The sliced distance of two points, p = 1, is their angle: its mean over
 * planes is rotation invariant and adds up along a geodesic. p = 2 by
 * quadrature. Keyed by its seed. */
static void test_sliced(void **state)
{
    enum { SLICES = 40000 };
    eg_rng rng = stream(5);
    double x[3] = {0, 0, 1}, y[3] = {sin(0.7), 0, cos(0.7)}, w, again;
    double got = distance(x, y, 1, 3, 1, SLICES), want = mean_square(x, y);

    (void)state;
    printf("sliced: %.5f, expected 0.7\n", got);
    check_close("sliced", got, 0.7, 4 * 0.6 / sqrt(SLICES));
    got = pow(distance(x, y, 1, 3, 2, SLICES), 2);
    printf("sliced, p = 2, squared: %.5f, expected %.5f\n", got, want);
    check_close("sliced", got, want, 4 * 1.5 / sqrt(SLICES));
    {
        double *a = draw_clusters(300, 4, 3, 0.2, &rng);
        double *b = draw_clusters(300, 4, 3, 0.2, &rng);

        assert_int_equal(eg_flow_wasserstein(&w, a, b, 300, 4, 2, 50, 1, NULL),
                         EG_OK);
        assert_int_equal(
            eg_flow_wasserstein(&again, a, b, 300, 4, 2, 50, 1, NULL), EG_OK);
        assert_true(w == again);
        assert_int_equal(
            eg_flow_wasserstein(&again, a, b, 300, 4, 2, 50, 2, NULL), EG_OK);
        assert_true(w != again && fabs(w / again - 1) < 0.5);
        eg_free(a);
        eg_free(b);
    }
}

/* 1e5 tokens on the circle; n = 400 by assignment. */
static void test_large(void **state)
{
    enum { N = 100000 };
    eg_rng rng = stream(6);
    double *x = draw_sphere(N, 2, &rng), *y = draw_ring(N, 0), w;
    double *a = draw_sphere(400, 3, &rng), *b = draw_sphere(400, 3, &rng);

    (void)state;
    w = distance(x, y, N, 2, 2, 0);
    printf("W_2 of 1e5 uniform tokens from a ring: %.5f\n", w);
    /* sqrt(n) W_2 -> 2 pi (int B^2 - (int B)^2)^(1/2), mean of its square
     * (2 pi)^2 / 12: three times that is rarely passed */
    assert_true(w > 0.2 / sqrt(N) && w < 3 * 2 * M_PI / sqrt(12.0 * N));
    w = distance(a, b, 400, 3, 1, 0);
    printf("W_1 of 400 and 400 uniform on S^2: %.5f, sliced %.5f\n", w,
           distance(a, b, 400, 3, 1, 50));
    assert_true(w > 0.05 && w < 0.3);
    eg_free(x);
    eg_free(y);
    eg_free(a);
    eg_free(b);
}

static void test_bad(void **state)
{
    double x[] = {1, 0, 0, NAN, 0, 1}, w;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_flow_wasserstein(&w, x, x, 1, 3, 0, 0, 1, &err),
                     EG_EINVAL);
    assert_non_null(strstr(err.msg, "p = 0"));
    assert_int_equal(eg_flow_wasserstein(&w, x, x, 2, 3, 1, 0, 1, &err),
                     EG_EINVAL);
    assert_non_null(strstr(err.msg, "[1,0]"));
    for (eg_index slices = 0; slices < 2; slices++) {
        int64_t live = eg_mem_query().live_bytes;

        for (int n = 1; n <= 3; n++) {
            eg_mem_fail_after(n);
            assert_int_equal(
                eg_flow_wasserstein(&w, x, x, 1, 3, 1, slices, 1, &err),
                EG_ENOMEM);
            eg_mem_fail_after(0);
            assert_int_equal(eg_mem_query().live_bytes, live);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_brute),  cmocka_unit_test(test_circle),
        cmocka_unit_test(test_median), cmocka_unit_test(test_known),
        cmocka_unit_test(test_sliced), cmocka_unit_test(test_large),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
