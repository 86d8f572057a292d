/* Components against union of all pairs, by each of the three ways. */
#include "flow/observe_helper.h"

#include "flow/components.h"
#include "flow/sorting.h"

/* All pairs, relabelled until nothing changes: slow and plain. */
static eg_index brute(int32_t *label, const double *x, eg_index n, eg_index d,
                      double delta)
{
    int32_t count = 0;
    bool changed = true;

    for (eg_index i = 0; i < n; i++) label[i] = (int32_t)i;
    while (changed) {
        changed = false;
        for (eg_index i = 0; i < n; i++)
            for (eg_index j = 0; j < n; j++) {
                double gap = 0;

                for (eg_index k = 0; k < d; k++)
                    gap += pow(x[i * d + k] - x[j * d + k], 2);
                if (gap < 2 * delta && label[j] < label[i]) {
                    label[i] = label[j];
                    changed = true;
                }
            }
    }
    for (eg_index i = 0; i < n; i++) {
        if (label[i] == i)
            label[i] = count++;
        else
            label[i] = label[label[i]];
    }
    return count;
}

static void compare(const char *what, const double *x, eg_index n, eg_index d,
                    double delta)
{
    int32_t *got = eg_calloc((size_t)n, sizeof *got);
    int32_t *want = eg_calloc((size_t)n, sizeof *want);
    eg_index g, w;

    assert_true(got && want);
    g = eg_flow_components(got, x, n, d, delta);
    w = brute(want, x, n, d, delta);
    if (g != w || memcmp(got, want, (size_t)n * sizeof *got) != 0)
        fail_msg("%s: n = %td, d = %td, delta = %g: %td components, "
                 "expected %td",
                 what, n, d, delta, g, w);
    eg_free(got);
    eg_free(want);
}

static void test_random(void **state)
{
    static const eg_index dims[] = {1, 2, 3, 4, 40};
    static const double deltas[] = {1e-9, 1e-5, 1e-3, 1e-2, 0.1, 0.5, 1, 2};
    eg_rng rng = stream(1);
    eg_index tried = 0, between = 0;

    (void)state;
    for (int a = 0; a < 5; a++)
        for (int b = 0; b < 8; b++)
            for (eg_index n = 1; n <= 150; n = n * 3 / 2 + 1) {
                double *x = draw_sphere(n, dims[a], &rng);
                double *y =
                    draw_clusters(n, dims[a], 7, 0.4 * sqrt(deltas[b]), &rng);
                eg_index k;

                compare("uniform", x, n, dims[a], deltas[b]);
                compare("clusters", y, n, dims[a], deltas[b]);
                {
                    int32_t label[200];

                    k = eg_flow_components(label, y, n, dims[a], deltas[b]);
                    between += k > 1 && k < n;
                }
                tried++;
                eg_free(x);
                eg_free(y);
            }
    printf("%td draws of clusters, %td with more than 1 and fewer than n "
           "components\n",
           tried, between);
    assert_true(between > tried / 4);
}

/* The smallest delta an option allows, and coincident tokens. */
static void test_tight(void **state)
{
    eg_rng rng = stream(2);

    (void)state;
    for (eg_index d = 2; d <= 5; d++) {
        double *x = draw_clusters(120, d, 9, 4e-8, &rng);

        compare("tight", x, 120, d, 1e-15);
        compare("tighter than cells", x, 120, d, 1e-19);
        for (eg_index i = 0; i < 60 * d; i++) x[60 * d + i] = x[i];
        compare("twice each", x, 120, d, 1e-15);
        compare("nothing", x, 120, d, 0);
        eg_free(x);
    }
}

/* A ring of n at spacing s is one component if 1 - cos s < delta, else n. */
static void test_ring(void **state)
{
    int32_t label[1000];

    (void)state;
    for (eg_index n = 2; n <= 1000; n = n * 3 - 1) {
        double *x = draw_ring(n, 0.3), gap = 1 - cos(2 * M_PI / (double)n);

        assert_int_equal(eg_flow_components(label, x, n, 2, gap * 1.0001), 1);
        assert_int_equal(eg_flow_components(label, x, n, 2, gap * 0.9999), n);
        assert_int_equal(label[n - 1], n - 1);
        eg_free(x);
    }
}

/* Chains that close only across the cut of the angle, and two tokens that are
 * antipodal. */
static void test_ends(void **state)
{
    const double x[] = {cos(3.1), sin(3.1), 1, 0, cos(-3.1), sin(-3.1)};
    const double pair[] = {1, 0, 0, -1, 0, 0};
    int32_t label[3];

    (void)state;
    assert_int_equal(eg_flow_components(label, x, 3, 2, 0.01), 2);
    assert_int_equal(label[0], 0);
    assert_int_equal(label[1], 1);
    assert_int_equal(label[2], 0);
    assert_int_equal(eg_flow_components(label, pair, 2, 3, 1.99), 2);
    assert_int_equal(eg_flow_components(label, pair, 2, 3, 2.01), 1);
    assert_int_equal(eg_flow_components(label, pair, 1, 3, 0.1), 1);
}

/* NaN is near nobody, in every dimension. */
static void test_nan(void **state)
{
    (void)state;
    for (eg_index d = 2; d <= 4; d++) {
        double *x = make_tokens(5, d);
        int32_t label[5];

        for (eg_index i = 0; i < 5; i++) x[i * d] = 1;
        x[1 * d + 1] = NAN;
        x[3 * d] = NAN;
        assert_int_equal(eg_flow_components(label, x, 5, d, 0.1), 3);
        assert_int_equal(label[4], 0);
        assert_int_equal(label[3], 2);
        eg_free(x);
    }
}

/* 2e5 tokens in R^3 and R^2 at once; a chain of dense clusters. The answers
 * are known: every token lies within reach of its cluster's others only. */
static void test_many(void **state)
{
    eg_index n = 200000;
    int32_t *label = eg_calloc((size_t)n, sizeof *label);

    (void)state;
    assert_non_null(label);
    for (eg_index d = 2; d <= 3; d++) {
        eg_rng rng = stream(3);
        double *x = make_tokens(n, d);
        eg_index clusters = 100;

        for (eg_index i = 0; i < n; i++) {
            eg_index c = i % clusters;
            double angle = 2 * M_PI * (double)c / (double)clusters +
                           1e-4 * (eg_rng_uniform(&rng) - 0.5);

            x[i * d] = cos(angle);
            x[i * d + 1] = sin(angle);
        }
        assert_int_equal(eg_flow_components(label, x, n, d, 1e-3), clusters);
        for (eg_index i = 0; i < n; i++)
            assert_int_equal(label[i], i % clusters);
        /* 0.0628 apart: reached when delta > 0.00197 */
        assert_int_equal(eg_flow_components(label, x, n, d, 2e-3), 1);
        eg_free(x);
    }
    eg_free(label);
}

/* Watching allocates nothing; running out of memory says -1. */
static void test_memory(void **state)
{
    (void)state;
    for (eg_index d = 2; d <= 4; d++) {
        eg_rng rng = stream(4);
        double *x = draw_sphere(64, d, &rng);
        egi_components c = {0};
        eg_mem_info before;
        eg_index count[65];
        int32_t label[64];
        int allocations = 0;

        assert_int_equal(egi_components_init(&c, 64, d, NULL), EG_OK);
        before = eg_mem_query();
        for (eg_index n = 1; n <= 64; n++)
            count[n] = egi_components_count(&c, NULL, x, n, 0.1);
        assert_int_equal(eg_mem_query().n_allocs, before.n_allocs);
        for (eg_index n = 1; n <= 64; n++)
            assert_int_equal(count[n], eg_flow_components(label, x, n, d, 0.1));
        egi_components_release(&c);
        before = eg_mem_query();
        for (eg_index got = -1; got < 0;) {
            eg_mem_fail_after(++allocations);
            got = eg_flow_components(label, x, 64, d, 0.1);
            eg_mem_fail_after(0);
            assert_int_equal(eg_mem_query().live_bytes, before.live_bytes);
        }
        printf("d = %td: %d allocations, each made to fail\n", d,
               allocations - 1);
        assert_true(allocations > 2);
        eg_free(x);
    }
}

static void test_sorting(void **state)
{
    static egi_keyed a[3000], tmp[3000];
    eg_rng rng = stream(5);

    (void)state;
    for (eg_index n = 0; n <= 3000; n = n * 5 / 4 + 1) {
        for (eg_index i = 0; i < n; i++)
            a[i] = (egi_keyed){eg_rng_below(&rng, 100), (int32_t)i};
        egi_sort_keyed(a, tmp, n);
        for (eg_index i = 1; i < n; i++)
            assert_true(a[i - 1].key < a[i].key ||
                        (a[i - 1].key == a[i].key && a[i - 1].i < a[i].i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorting), cmocka_unit_test(test_random),
        cmocka_unit_test(test_tight),   cmocka_unit_test(test_ring),
        cmocka_unit_test(test_ends),    cmocka_unit_test(test_nan),
        cmocka_unit_test(test_many),    cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
