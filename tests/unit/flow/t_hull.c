/* Hulls: known solids, everything degenerate, random points against the plain
 * definition, and the polytopes of the reference runs. */
#include "flow/observe_helper.h"

#include "flow/hull.h"

typedef struct hull {
    double measure;
    bool corner[3000];
    eg_index corners;
} hull;

static hull hull_of(const double *x, eg_index n, eg_index d)
{
    static hull h;
    eg_err err = {0};

    assert_true(n <= 3000);
    if (eg_flow_hull(&h.measure, h.corner, x, n, d, &err) != EG_OK)
        fail_msg("%s", err.msg);
    h.corners = 0;
    for (eg_index i = 0; i < n; i++) h.corners += h.corner[i];
    return h;
}

static void test_solids(void **state)
{
    static const double square[] = {0, 0, 1, 0, 1, 1, 0, 1, 0.5, 0.5, 0.5, 0};
    static const double line[] = {3, -1, 2, 3, -1};
    double cube[81], phi = (1 + sqrt(5)) / 2, icosahedron[36], cross[18] = {0};
    eg_index n = 0;
    hull h = hull_of(square, 6, 2);

    (void)state;
    check_close("square", h.measure, 1, 0);
    assert_int_equal(h.corners, 4); /* neither inside nor on an edge */
    h = hull_of(line, 5, 1);
    check_close("line", h.measure, 4, 0);
    assert_true(h.corner[0] && h.corner[1] && h.corners == 2);
    for (eg_index i = 0; i < 27; i++) { /* and the middles of all its parts */
        eg_index at[3] = {i / 9, i / 3 % 3, i % 3};

        for (int k = 0; k < 3; k++) cube[3 * i + k] = (double)at[k];
    }
    h = hull_of(cube, 27, 3);
    check_close("cube", h.measure, 8, 0);
    assert_int_equal(h.corners, 8);
    for (int i = 0; i < 27; i++)
        assert_int_equal(h.corner[i],
                         i / 9 != 1 && i / 3 % 3 != 1 && i % 3 != 1);
    for (int k = 0; k < 3; k++)
        for (int s = 0; s < 4; s++, n++) {
            icosahedron[3 * n + k] = 0;
            icosahedron[3 * n + (k + 1) % 3] = s & 1 ? 1 : -1;
            icosahedron[3 * n + (k + 2) % 3] = s & 2 ? phi : -phi;
        }
    h = hull_of(icosahedron, 12, 3);
    check_close("icosahedron", h.measure, 5 * (3 + sqrt(5)) / 12 * 8, 1e-13);
    assert_int_equal(h.corners, 12);
    for (int k = 0; k < 6; k++) cross[3 * k + k % 3] = k < 3 ? 1 : -1;
    h = hull_of(cross, 6, 3);
    check_close("octahedron", h.measure, 4.0 / 3, 1e-15);
    assert_int_equal(h.corners, 6);
    for (int m = 3; m < 3000; m = m * 3 + 1) {
        double *ring = draw_ring(m, 0.4);

        h = hull_of(ring, m, 2);
        check_close("polygon", h.measure, m * sin(2 * M_PI / m) / 2, 1e-13);
        assert_int_equal(h.corners, m);
        eg_free(ring);
    }
}

/* Fewer points than dimensions, points on a plane or a line in general
 * position, coincident points. */
static void test_degenerate(void **state)
{
    static const double twice[] = {1, 2, 3, 1, 2, 3, 1, 2, 3, 4, 5, 6, 1, 2, 3};
    double p[300];
    eg_rng rng = stream(1);
    hull h = hull_of(twice, 3, 3);

    (void)state;
    assert_true(h.measure == 0 && h.corners == 1 && h.corner[0]);
    h = hull_of(twice, 5, 3);
    assert_true(h.measure == 0 && h.corners == 2 && h.corner[0] && h.corner[3]);
    h = hull_of(twice, 1, 3);
    assert_true(h.measure == 0 && h.corners == 1);
    h = hull_of(twice, 2, 2);
    assert_true(h.measure == 0 && h.corners == 2);
    h = hull_of(twice, 1, 1);
    assert_true(h.measure == 0 && h.corners == 1);
    for (eg_index i = 0; i < 100;
         i++) { /* whole numbers on x + 2 y + 3 z = 5 */
        double a = eg_rng_below(&rng, 7), b = eg_rng_below(&rng, 7);

        p[3 * i] = 5 - 2 * a - 3 * b;
        p[3 * i + 1] = a;
        p[3 * i + 2] = b;
    }
    for (eg_index c = 0; c < 4; c++) {
        p[3 * c + 1] = c & 1 ? 6 : 0;
        p[3 * c + 2] = c & 2 ? 6 : 0;
        p[3 * c] = 5 - 2 * p[3 * c + 1] - 3 * p[3 * c + 2];
    }
    h = hull_of(p, 100, 3);
    assert_true(h.measure == 0 && h.corners == 4);
    assert_true(h.corner[0] && h.corner[1] && h.corner[2] && h.corner[3]);
    for (eg_index i = 0; i < 100; i++)
        for (int k = 0; k < 3; k++)
            p[3 * i + k] = (double)((k + 1) * (i % 17) - 5);
    h = hull_of(p, 100, 3);
    assert_true(h.measure == 0 && h.corners == 2 && h.corner[0] &&
                h.corner[16]);
}

/* A corner is a point without whose copies the hull shrinks, and the first of
 * them. */
static void check_definition(const double *x, eg_index n, eg_index d)
{
    hull all = hull_of(x, n, d);
    double *less = make_tokens(n, d);

    for (eg_index i = 0; i < n; i++) {
        bool repeated = false;
        double without;
        eg_index m = 0;

        for (eg_index j = 0; j < n; j++) {
            bool same =
                memcmp(x + i * d, x + j * d, (size_t)d * sizeof *x) == 0;

            repeated = repeated || (same && j < i);
            if (same) continue;
            memcpy(less + m++ * d, x + j * d, (size_t)d * sizeof *x);
        }
        without = m > 0 ? hull_of(less, m, d).measure : 0;
        if (all.measure > 0 &&
            all.corner[i] != (!repeated && without < all.measure * (1 - 1e-14)))
            fail_msg("n = %td, d = %td, token %td: corner %d, measure %g, "
                     "%g without it",
                     n, d, i, all.corner[i], all.measure, without);
        if (repeated && all.corner[i]) fail_msg("token %td is repeated", i);
    }
    eg_free(less);
}

/* Coordinates of a few whole numbers: coplanar, collinear and coincident points
 * without end. */
static void test_whole_numbers(void **state)
{
    eg_rng rng = stream(2);
    eg_index solid = 0;

    (void)state;
    for (int trial = 0; trial < 400; trial++) {
        eg_index d = 2 + trial % 2, n = 1 + eg_rng_below(&rng, 30);
        uint32_t width = 2 + eg_rng_below(&rng, 4);
        double *x = make_tokens(n, d);

        for (eg_index i = 0; i < n * d; i++) x[i] = eg_rng_below(&rng, width);
        solid += hull_of(x, n, d).measure > 0;
        check_definition(x, n, d);
        eg_free(x);
    }
    printf("400 draws, %td with a positive measure\n", solid);
    assert_true(solid > 200);
}

/* Faces: a closed surface of outward triangles with all points behind, Euler's
 * formula, the same volume by the divergence theorem. */
static void check_faces(const double *x, eg_index n)
{
    hull h = hull_of(x, n, 3);
    int32_t *f;
    eg_index faces;
    double volume = 0;

    assert_int_equal(eg_flow_hull_faces(&f, &faces, x, n, 3, NULL), EG_OK);
    assert_int_equal(faces, 2 * h.corners - 4);
    for (eg_index k = 0; k < faces; k++) {
        const double *a = x + (eg_index)3 * f[3 * k];
        const double *b = x + (eg_index)3 * f[3 * k + 1];
        const double *c = x + (eg_index)3 * f[3 * k + 2];

        for (eg_index i = 0; i < n; i++)
            assert_true(egi_orient3(a, b, c, x + 3 * i) <= 0);
        volume += (a[0] * (b[1] * c[2] - b[2] * c[1]) +
                   a[1] * (b[2] * c[0] - b[0] * c[2]) +
                   a[2] * (b[0] * c[1] - b[1] * c[0])) /
                  6;
    }
    check_close("volume", h.measure, volume, 1e-13 * (1 + volume));
    eg_free(f);
}

static void test_random(void **state)
{
    eg_rng rng = stream(3);

    (void)state;
    for (eg_index n = 4; n < 700; n = n * 2 + 1) {
        double *ball = make_tokens(n, 3), *sphere = draw_sphere(n, 3, &rng);
        double before;
        hull h;

        for (eg_index i = 0; i < 3 * n; i++) ball[i] = eg_rng_normal(&rng);
        check_faces(ball, n);
        check_faces(sphere, n);
        assert_int_equal(hull_of(sphere, n, 3).corners, n);
        before = hull_of(ball, n, 3).measure;
        turn(ball, n, 3, &rng);
        h = hull_of(ball, n, 3);
        check_close("turned", h.measure, before, 1e-13 * before);
        printf("n = %3td: %td corners, volume %.12g\n", n, h.corners,
               h.measure);
        eg_free(ball);
        eg_free(sphere);
    }
    for (int trial = 0; trial < 20; trial++) {
        double x[60];

        for (int i = 0; i < 60; i++) x[i] = eg_rng_normal(&rng);
        check_definition(x, 20, 3);
        check_definition(x, 30, 2);
    }
}

/* Edges of a polygon go round it counterclockwise. */
static void test_edges(void **state)
{
    static const double x[] = {0, 0, 2, 0, 1, 0, 2, 2, 1, 1, 0, 2};
    int32_t *f;
    eg_index faces;

    (void)state;
    assert_int_equal(eg_flow_hull_faces(&f, &faces, x, 6, 2, NULL), EG_OK);
    assert_int_equal(faces, 4);
    for (eg_index k = 0; k < faces; k++)
        assert_int_equal(f[2 * k + 1], f[2 * ((k + 1) % faces)]);
    assert_int_equal(f[0], 0);
    assert_int_equal(f[1], 1);
    eg_free(f);
    assert_int_equal(eg_flow_hull_faces(&f, &faces, x, 3, 2, NULL), EG_OK);
    assert_int_equal(faces, 0);
    eg_free(f);
}

/* Nearly on a line, nearly in a plane: signs by 128-bit whole numbers. */
static void test_signs(void **state)
{
    eg_rng rng = stream(4);
    int64_t zero = 0;

    (void)state;
    for (int trial = 0; trial < 20000; trial++) {
        double p[4][3];
        __extension__ __int128 u[3][3], det;
        int want, got;

        for (int i = 0; i < 4; i++) /* on a plane, but for some units */
            for (int k = 0; k < 3; k++) p[i][k] = eg_rng_below(&rng, 1 << 20);
        for (int k = 0; k < 3; k++) {
            int tilt = trial % 2 ? 0 : (int)eg_rng_below(&rng, 3) - 1;

            p[3][k] = p[0][k] + 2 * (p[1][k] - p[0][k]) -
                      3 * (p[2][k] - p[0][k]) + tilt;
        }
        for (int i = 0; i < 3; i++)
            for (int k = 0; k < 3; k++)
                u[i][k] = (int64_t)p[i + 1][k] - (int64_t)p[0][k];
        det = u[0][0] * (u[1][1] * u[2][2] - u[1][2] * u[2][1]) +
              u[0][1] * (u[1][2] * u[2][0] - u[1][0] * u[2][2]) +
              u[0][2] * (u[1][0] * u[2][1] - u[1][1] * u[2][0]);
        want = (det > 0) - (det < 0);
        /* far from the origin, where differences are still exact */
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < 3; k++) p[i][k] = p[i][k] * 0x1p-20 + 4096;
        got = egi_orient3(p[0], p[1], p[2], p[3]);
        zero += want == 0;
        if (got != want) fail_msg("sign %d, expected %d", got, want);
        det = u[0][0] * u[1][1] - u[0][1] * u[1][0];
        want = (det > 0) - (det < 0);
        assert_int_equal(egi_orient2(p[0], p[1], p[2], 0, 1), want);
    }
    printf("%lld of 20000 exactly in a plane\n", (long long)zero);
    assert_true(zero >= 10000 && zero < 20000);
    {
        /* differences that do round: (0.5, 0.5) + i ulps against a line */
        double q[2] = {12, 12}, r[2] = {24, 24};

        for (int i = 0; i < 64; i++)
            for (int j = 0; j < 64; j++) {
                double a[2] = {0.5 + i * 0x1p-53, 0.5 + j * 0x1p-53};

                /* above the diagonal, a, q, r turn left */
                assert_int_equal(egi_orient2(a, q, r, 0, 1),
                                 (a[0] < a[1]) - (a[0] > a[1]));
            }
    }
}

static void test_bad(void **state)
{
    double x[] = {0, 1, NAN, 3, 4, 5}, measure;
    bool corner[6];
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_flow_hull(&measure, corner, x, 2, 3, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "[0,2]"));
    assert_int_equal(eg_flow_hull(&measure, corner, x, 1, 4, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "found 4"));
    {
        eg_rng rng = stream(5);
        double *y = draw_sphere(200, 3, &rng);
        int64_t live = eg_mem_query().live_bytes;
        eg_status st = EG_ENOMEM;
        bool c[200];
        int n = 0;

        while (st != EG_OK) {
            eg_mem_fail_after(++n);
            st = eg_flow_hull(&measure, c, y, 200, 3, &err);
            eg_mem_fail_after(0);
            assert_true(st == EG_OK || st == EG_ENOMEM);
            assert_int_equal(eg_mem_query().live_bytes, live);
        }
        printf("%d allocations, each made to fail\n", n - 1);
        assert_true(n > 8);
        eg_free(y);
    }
}

/* Section 4.6: P1 and P2 at t = 0..5. */
static void check_polytope(const char *file, eg_index d, const double *want,
                           double digit, eg_index first, eg_index last)
{
    table run;
    double x[60];

    SKIP_WITHOUT(&run, file);
    for (eg_index t = 0; t <= 5; t++) {
        hull h;

        for (eg_index i = 0; i < 20; i++)
            for (eg_index k = 0; k < d; k++) {
                eg_index row = 2 * t * 20 + i; /* stored each 0.5 */

                check_close("time", at(&run, row, 0), (double)t, 1e-12);
                x[i * d + k] = at(&run, row, 2 + k);
            }
        h = hull_of(x, 20, d);
        printf("%s, t = %td: %.6f, expected %g; %td corners\n", file, t,
               h.measure, want[t], h.corners);
        check_close("measure", h.measure, want[t], digit / 2);
        if (t == 0) assert_int_equal(h.corners, first);
        if (t == 5) assert_int_equal(h.corners, last);
        if (t == 5) { /* Theorem 3.1: all are in S, or on their way */
            double gap[20], worst = 0;

            assert_int_equal(
                eg_flow_candidates(gap, x, 20, d, NULL, h.corner, NULL), EG_OK);
            for (int i = 0; i < 20; i++) {
                assert_true(gap[i] >= -1e-12);
                worst = fmax(worst, gap[i]);
            }
            printf("  largest distance from S %.3g\n", worst);
        }
    }
    table_free(&run);
}

static void test_reference_plane(void **state)
{
    static const double want[] = {52.443, 49.058, 45.625,
                                  44.077, 43.489, 43.270};

    (void)state;
    check_polytope("P1_polytope_d2.csv", 2, want, 1e-3, 9, 8);
}

static void test_reference_space(void **state)
{
    static const double want[] = {340.74, 297.98, 280.00,
                                  273.35, 270.89, 269.98};

    (void)state;
    check_polytope("P2_polytope_d3.csv", 3, want, 1e-2, 13, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_solids),
        cmocka_unit_test(test_degenerate),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_reference_plane),
        cmocka_unit_test(test_reference_space),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
