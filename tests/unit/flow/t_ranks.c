/* Ranks, entropies, eigenvectors, moments of designs. */
#include <dlfcn.h>

#include "flow/observe_helper.h"

static eg_flow_ranks ranks_of(const double *x, eg_index n, eg_index d)
{
    eg_flow_ranks r;
    eg_err err = {0};

    if (eg_flow_effective_ranks(&r, x, n, d, &err) != EG_OK)
        fail_msg("%s", err.msg);
    return r;
}

/* Two orthogonal clusters of 6 and 2: p = 3/4, 1/4. Both shapes of x. */
static void test_effective(void **state)
{
    static const eg_index dims[] = {2, 5, 40};
    eg_rng rng = stream(1);

    (void)state;
    for (int k = 0; k < 3; k++) {
        eg_index d = dims[k];
        double *x = make_tokens(8, d);
        eg_flow_ranks r;

        for (eg_index i = 0; i < 8; i++) x[i * d + (i < 6 ? 0 : 1)] = 1;
        turn(x, 8, d, &rng);
        r = ranks_of(x, 8, d);
        check_close("entropy", r.entropy,
                    exp(-0.75 * log(0.75) - 0.25 * log(0.25)), 1e-12);
        check_close("participation", r.participation, 1.6, 1e-12);
        assert_int_equal(r.above, 2);
        eg_free(x);
    }
    {
        double one[] = {0.6, 0.8}, none[] = {0, 0};
        eg_flow_ranks r = ranks_of(one, 1, 2);

        check_close("one", r.entropy, 1, 1e-15);
        check_close("one", r.participation, 1, 1e-15);
        r = ranks_of(none, 1, 2);
        assert_true(isnan(r.entropy) && r.above == 0);
    }
}

/* Participation ratio = 1 / m_2, for more tokens than dimensions and fewer. */
static void test_participation(void **state)
{
    eg_rng rng = stream(2);

    (void)state;
    for (eg_index d = 2; d < 200; d = d * 3) {
        double *x = draw_clusters(60, d, 7, 0.3, &rng), m[2];

        eg_flow_moments(m, 2, x, 60, d);
        printf("d = %td: %.12g\n", d, ranks_of(x, 60, d).participation);
        check_close("1/m_2", ranks_of(x, 60, d).participation, 1 / m[1],
                    1e-12 / m[1]);
        eg_free(x);
    }
}

static void test_numerical(void **state)
{
    eg_rng rng = stream(3);
    double a[600], zero[6] = {0}, bad[4] = {1, INFINITY, 0, 0};
    eg_index rank;
    eg_err err = {0};

    (void)state;
    for (eg_index r = 1; r <= 5; r++) { /* products of [20, r] and [r, 30] */
        double *b = draw_sphere(20, r, &rng), *c = draw_sphere(30, r, &rng);

        for (int i = 0; i < 600; i++)
            a[i] = inner(b + i / 30 * r, c + i % 30 * r, r);
        assert_int_equal(eg_flow_numerical_rank(&rank, a, 20, 30, NULL), EG_OK);
        assert_int_equal(rank, r);
        eg_free(b);
        eg_free(c);
    }
    assert_int_equal(eg_flow_numerical_rank(&rank, zero, 2, 3, NULL), EG_OK);
    assert_int_equal(rank, 0);
    assert_int_equal(eg_flow_numerical_rank(&rank, bad, 2, 2, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "inf at [0,1]"));
}

/* Section 4.6: attention of run P6 at t = 0..7. */
static void test_boolean(void **state)
{
    static const eg_index want[] = {11, 13, 16, 12, 8, 5, 2, 1};
    table run;

    (void)state;
    SKIP_WITHOUT(&run, "P6_boolean_d1.csv");
    for (eg_index r = 0; r < run.rows; r += 40) {
        double t = at(&run, r, 0), z[40], A[1600];
        eg_index rank;

        if (t != floor(t) || t > 7) continue;
        for (int i = 0; i < 40; i++) z[i] = at(&run, r + i, 2);
        for (int i = 0; i < 40; i++) {
            double top = -INFINITY, sum = 0;

            for (int j = 0; j < 40; j++)
                top = fmax(top, exp(2 * t) * z[i] * z[j]);
            for (int j = 0; j < 40; j++)
                sum += A[40 * i + j] = exp(exp(2 * t) * z[i] * z[j] - top);
            for (int j = 0; j < 40; j++) A[40 * i + j] /= sum;
        }
        assert_int_equal(eg_flow_numerical_rank(&rank, A, 40, 40, NULL), EG_OK);
        printf("t = %g: rank %td, expected %td; row entropy %.4g\n", t, rank,
               want[(int)t], eg_flow_row_entropy(A, 40));
        assert_int_equal(rank, want[(int)t]);
    }
    table_free(&run);
}

static void test_entropy(void **state)
{
    const double A[] = {0.25, 0.25, 0.25, 0.25, 0, 0,   1, 0,
                        0.5,  0.5,  0,    0,    0, 0.5, 0, 0.5};

    (void)state;
    check_close("entropy", eg_flow_row_entropy(A, 4), log(2), 1e-15);
}

/* Leading eigenvectors of the matrices of section 4.6 and the coordinates in
 * which tokens end in two groups. */
static void test_leading(void **state)
{
    static const double jordan[] = {2, 1, 0, 2}, spin[] = {0, -2, 2, 0};
    static const double skew[] = {1, 4, 0, 3}; /* r = (2, 1), l = (0, 1) */
    double l[3], r[3];
    eg_flow_eigen e;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_flow_leading(&e, l, r, skew, 2, NULL), EG_OK);
    check_close("value", e.value, 3, 1e-15);
    check_close("second", e.second, 1, 1e-15);
    assert_int_equal(e.positive, 2);
    check_close("r", r[0], 2 / sqrt(5), 1e-15);
    check_close("l", l[1], sqrt(5), 1e-14);
    check_close("l", l[0], 0, 1e-15);
    assert_int_equal(eg_flow_leading(&e, l, r, jordan, 2, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "defective"));
    assert_int_equal(eg_flow_leading(&e, l, r, spin, 2, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "2i"));
}

/* The sign of an eigenvector is nobody's: the table's may be the other. */
static void check_hyperplanes(const char *name, eg_index d, double value,
                              double low, double high)
{
    table V, run;
    double l[3], r[3], matrix[9], lo = 0, hi = 0;
    eg_index groups[2] = {0};
    eg_flow_eigen e;
    char file[80];

    (void)snprintf(file, sizeof file, "%s_V.csv", name);
    SKIP_WITHOUT(&V, file);
    (void)snprintf(file, sizeof file, "%s.csv", name);
    SKIP_WITHOUT(&run, file);
    for (eg_index i = 0; i < d * d; i++) matrix[i] = at(&V, i / d, i % d);
    assert_int_equal(eg_flow_leading(&e, l, r, matrix, d, NULL), EG_OK);
    for (eg_index i = 0; i < 20; i++) {
        double phi = 0;

        for (eg_index k = 0; k < d; k++)
            phi += l[k] * at(&run, run.rows - 20 + i, 2 + k);
        groups[phi > 0]++;
        lo = fmin(lo, phi);
        hi = fmax(hi, phi);
    }
    if (fabs(lo - low) > 0.1) {
        double swap = -lo;

        lo = -hi;
        hi = swap;
    }
    printf("%s: eigenvalue %.5f; coordinates end in %.3f (%td) and %.3f "
           "(%td), expected %g and %g\n",
           name, e.value, lo, groups[0], hi, groups[1], low, high);
    check_close("eigenvalue", e.value, value, 1e-5);
    check_close("low", lo, low, 0.01);
    check_close("high", hi, high, 0.01);
    table_free(&V);
    table_free(&run);
}

static void test_hyperplanes(void **state)
{
    (void)state;
    check_hyperplanes("P3_hyper_d2", 2, 1.34799, -5.910, 5.746);
    check_hyperplanes("P3_hyper_d3_negRe", 3, 0.99101, -6.05, 5.78);
    check_hyperplanes("P3_hyper_d3_posRe", 3, 1.07833, -6.29, 4.19);
}

/* Spherical designs: a simplex is a 2-design, a cross-polytope a 3-design, the
 * icosahedron a 5-design, a polygon an (n-1)-design; the next moment is not 0.
 */
static void check_design(const char *name, const double *x, eg_index n,
                         eg_index d, int strength)
{
    double Q[16], zero = 0;

    eg_flow_design_moments(Q, 16, x, n, d);
    for (int l = 0; l < strength; l++) zero = fmax(zero, fabs(Q[l]));
    printf("%s: moments 1..%d below %.1e, the next %.4f\n", name, strength,
           zero, Q[strength]);
    assert_true(zero < 1e-15 * 16 && Q[strength] > 0.01);
}

static void test_designs(void **state)
{
    double phi = (1 + sqrt(5)) / 2, icosahedron[36];
    double cross[32] = {0},
           tetrahedron[] = {1, 1, 1, 1, -1, -1, -1, 1, -1, -1, -1, 1};
    double *ring = draw_ring(9, 0.2);
    eg_index n = 0;

    (void)state;
    for (int k = 0; k < 3; k++)
        for (int s = 0; s < 4; s++, n++) {
            icosahedron[3 * n + k] = 0;
            icosahedron[3 * n + (k + 1) % 3] = s & 1 ? 1 : -1;
            icosahedron[3 * n + (k + 2) % 3] = s & 2 ? phi : -phi;
        }
    unit_rows(icosahedron, 12, 3);
    unit_rows(tetrahedron, 4, 3);
    for (int k = 0; k < 8; k++) cross[4 * k + k % 4] = k < 4 ? 1 : -1;
    check_design("icosahedron", icosahedron, 12, 3, 5);
    check_design("polygon", ring, 9, 2, 8);
    check_design("cross-polytope", cross, 8, 4, 3);
    check_design("simplex", tetrahedron, 4, 3, 2);
    eg_free(ring);
}

/* Legendre polynomials for d = 3, cosines for d = 2, by hand. */
static void test_recurrence(void **state)
{
    eg_rng rng = stream(4);
    double *x = draw_sphere(2, 3, &rng), *c = draw_sphere(70, 2, &rng);
    double g = inner(x, x + 3, 3), Q[80], S[80], worst = 0;

    (void)state;
    eg_flow_design_moments(Q, 4, x, 2, 3);
    check_close("P_1", 2 * Q[0] - 1, g, 1e-15);
    check_close("P_2", 2 * Q[1] - 1, (3 * g * g - 1) / 2, 1e-15);
    check_close("P_3", 2 * Q[2] - 1, (5 * g * g * g - 3 * g) / 2, 1e-15);
    check_close("P_4", 2 * Q[3] - 1, (35 * g * g * g * g - 30 * g * g + 3) / 8,
                1e-15);
    eg_flow_structure(S, 80, c, 70);
    eg_flow_design_moments(Q, 80, c, 70, 2);
    for (int k = 1; k <= 80; k++) {
        double re = 0, im = 0;

        for (eg_index i = 0; i < 70; i++) {
            double angle = atan2(c[2 * i + 1], c[2 * i]);

            re += cos(k * angle) / 70;
            im += sin(k * angle) / 70;
        }
        worst = fmax(worst, fabs(S[k - 1] - re * re - im * im));
        worst = fmax(worst, fabs(S[k - 1] - Q[k - 1]));
    }
    printf("structure against sines and cosines: %.1e\n", worst);
    assert_true(worst < 1e-13);
    eg_free(x);
    eg_free(c);
}

/* What the library says of itself, and the host's OpenBLAS after it: as it was
 * found. Runs last: by then LAPACK is loaded. */
static void test_host_untouched(void **state)
{
    void *blas = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_NOLOAD);
    int (*get)(void) = NULL;
    void (*set)(int n) = NULL;
    char text[256], cut[8];
    eg_err err = {0};

    (void)state;
    if (eg_flow_lapack(text, sizeof text, &err) != EG_OK)
        fail_msg("%s", err.msg);
    printf("%s\n", text);
    assert_non_null(strstr(text, "liblapacke"));
    assert_int_equal(eg_flow_lapack(cut, sizeof cut, NULL), EG_OK);
    assert_string_equal(cut, "liblapa");
    if (!blas) {
        printf("not OpenBLAS\n");
        return;
    }
    *(void **)&get = dlsym(blas, "openblas_get_num_threads");
    *(void **)&set = dlsym(blas, "openblas_set_num_threads");
    assert_true(get && set);
    assert_int_equal(get(), 1);
    for (int n = 1; n <= 3; n++) {
        double x[] = {1, 0, 0, 1};

        set(n);
        ranks_of(x, 2, 2);
        assert_int_equal(get(), n);
    }
    dlclose(blas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_effective),
        cmocka_unit_test(test_participation),
        cmocka_unit_test(test_numerical),
        cmocka_unit_test(test_boolean),
        cmocka_unit_test(test_entropy),
        cmocka_unit_test(test_leading),
        cmocka_unit_test(test_hyperplanes),
        cmocka_unit_test(test_designs),
        cmocka_unit_test(test_recurrence),
        cmocka_unit_test(test_host_untouched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
