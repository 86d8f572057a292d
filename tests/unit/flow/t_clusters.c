/* Clusters in numbers and the history of their merging. */
#include "flow/observe_helper.h"

static void put(double *x, const double *angle, eg_index n)
{
    for (eg_index i = 0; i < n; i++) {
        x[2 * i] = cos(angle[i]);
        x[2 * i + 1] = sin(angle[i]);
    }
}

/* Angles to rounding where arc cosines lose half the digits. */
static void test_angle(void **state)
{
    static const double angle[] = {0, 1e-150, 1e-9, 0.5, 1.5, M_PI - 1e-9};
    const double x[] = {3, 0}, y[] = {-2, 0};

    (void)state;
    for (int k = 0; k < 6; k++) {
        double z[] = {5 * cos(angle[k]), 5 * sin(angle[k])};

        check_close("angle", eg_flow_angle(x, z, 2), angle[k],
                    4 * DBL_EPSILON * angle[k]);
    }
    check_close("antipodes", eg_flow_angle(x, y, 2), M_PI, 0);
}

static void test_clusters(void **state)
{
    static const double angle[] = {2, 0.1, 2.01, 4, 0, 0.11, 2};
    static const double mass[] = {1, 1, 1, 9, 1, 1, 2};
    static const double close[] = {1, 1, 1, 3.5, 1, 1, 2};
    double x[14];
    eg_flow_clusters c;

    (void)state;
    put(x, angle, 7);
    assert_int_equal(eg_flow_clusters_init(&c, x, 7, 2, 0.01, NULL, NULL),
                     EG_OK);
    assert_int_equal(c.count, 3); /* {0, 2, 6}, {1, 4, 5}, {3} */
    assert_int_equal(c.first, 0);
    assert_int_equal(c.second, 1);
    assert_int_equal(c.size[0], 3);
    check_close("mass", c.mass[1], 3, 0);
    check_close("total", c.total, 7, 0);
    check_close("angle", c.angle,
                atan2(2 * sin(2) + sin(2.01), 2 * cos(2) + cos(2.01)) -
                    atan2(sin(0.1) + sin(0.11), 1 + cos(0.1) + cos(0.11)),
                1e-14);
    check_close("unit mean", hypot(c.mean[0], c.mean[1]), 1, 1e-15);
    eg_flow_clusters_release(&c);
    assert_int_equal(eg_flow_clusters_init(&c, x, 7, 2, 0.01, mass, NULL),
                     EG_OK);
    assert_int_equal(c.first, 2);
    assert_int_equal(c.second, 0);
    check_close("heaviest", c.mass[c.first], 9, 0);
    check_close("second", c.mass[c.second], 4, 0);
    check_close("total", c.total, 16, 0);
    eg_flow_clusters_release(&c);
    assert_int_equal(eg_flow_clusters_init(&c, x, 7, 2, 0.01, close, NULL),
                     EG_OK);
    assert_int_equal(c.first, 0);
    assert_int_equal(c.second, 2);
    eg_flow_clusters_release(&c);
    assert_int_equal(eg_flow_clusters_init(&c, x, 1, 2, 0.01, NULL, NULL),
                     EG_OK);
    assert_int_equal(c.second, -1);
    assert_true(isnan(c.angle));
    eg_flow_clusters_release(&c);
}

static void add(eg_flow_history *h, double t, const double *angle, eg_index n)
{
    double x[40];
    eg_err err = {0};

    put(x, angle, n);
    if (eg_flow_history_add(h, t, x, &err) != EG_OK) fail_msg("%s", err.msg);
}

/* A pair, a triple at once, a split, and all. */
static void test_history(void **state)
{
    static const double step[5][6] = {{0, 1, 2, 3, 4, 5},
                                      {0, 0.01, 2, 3, 4, 5},
                                      {0, 0.01, 4, 4, 4.01, 5},
                                      {0, 0.5, 4, 4, 4.01, 5},
                                      {1, 1, 1, 1, 1, 1}};
    static const double mass[] = {1, 2, 3, 4, 5, 6};
    const eg_flow_merge *m;
    eg_flow_history *h;
    eg_index n;

    (void)state;
    assert_int_equal(eg_flow_history_new(&h, 6, 2, 1e-3, mass, NULL), EG_OK);
    assert_null(eg_flow_history_last(h));
    for (int k = 0; k < 5; k++) add(h, 10 * k, step[k], 6);
    m = eg_flow_history_merges(h, &n);
    assert_int_equal(n, 3);
    assert_int_equal(eg_flow_history_splits(h), 1);
    for (eg_index k = 0; k < n; k++)
        printf("%g..%g: %td parts, masses %g and %g to %g, angle %g, %td "
               "components\n",
               m[k].apart, m[k].t, m[k].parts, m[k].mass[0], m[k].mass[1],
               m[k].mass_after, m[k].angle, m[k].components);
    check_close("apart", m[0].apart, 0, 0);
    check_close("t", m[0].t, 10, 0);
    check_close("heavier", m[0].mass[0], 2, 0);
    check_close("lighter", m[0].mass[1], 1, 0);
    check_close("after", m[0].mass_after, 3, 0);
    check_close("angle", m[0].angle, 1, 1e-14);
    assert_int_equal(m[0].components, 5);
    assert_int_equal(m[1].parts, 3);
    check_close("heavier", m[1].mass[0], 5, 0);
    check_close("lighter", m[1].mass[1], 4, 0);
    check_close("after", m[1].mass_after, 12, 0);
    assert_int_equal(m[1].components, 3);
    assert_int_equal(m[2].parts, 4);
    check_close("heavier", m[2].mass[0], 12, 0);
    check_close("lighter", m[2].mass[1], 6, 0);
    assert_int_equal(m[2].components, 1);
    assert_int_equal(eg_flow_history_last(h)->count, 1);
    eg_flow_history_free(h);
}

/* Section 4.8 and 9, the kinetic run: five tokens, merges in the order of the
 * stored times, the last between 300 and 350. */
static void test_kinetic(void **state)
{
    table run;
    eg_flow_history *h;
    const eg_flow_merge *m;
    eg_index n, components = 5;
    double x[10];

    (void)state;
    SKIP_WITHOUT(&run, "kinetic_n5_SA_beta4.csv");
    assert_int_equal(eg_flow_history_new(&h, 5, 2, 1e-3, NULL, NULL), EG_OK);
    for (eg_index r = 0; r < run.rows; r += 5) {
        for (eg_index i = 0; i < 10; i++) x[i] = at(&run, r + i / 2, 2 + i % 2);
        assert_int_equal(eg_flow_history_add(h, at(&run, r, 0), x, NULL),
                         EG_OK);
    }
    m = eg_flow_history_merges(h, &n);
    for (eg_index k = 0; k < n; k++) {
        printf("%g..%g: masses %g + %g, angle %.4f, %td components\n",
               m[k].apart, m[k].t, m[k].mass[0], m[k].mass[1], m[k].angle,
               m[k].components);
        components -= m[k].parts - 1;
        assert_int_equal(m[k].components, components);
    }
    assert_true(n >= 2);
    check_close("apart", m[n - 1].apart, 300, 0);
    check_close("t", m[n - 1].t, 350, 0);
    assert_int_equal(m[n - 1].components, 1);
    assert_int_equal(eg_flow_history_splits(h), 0);
    eg_flow_history_free(h);
    table_free(&run);
}

static void test_memory(void **state)
{
    static const double apart[] = {0, 1, 2, 3}, near[] = {0, 0, 1, 1};
    static const double mass[] = {1, 2, 3, 4};
    int64_t live = eg_mem_query().live_bytes;
    double x[8], y[8];
    eg_status st = EG_ENOMEM;
    int n = 0;

    (void)state;
    put(x, apart, 4);
    put(y, near, 4);
    while (st != EG_OK) {
        eg_flow_history *h = NULL;
        eg_err err = {0};

        eg_mem_fail_after(++n);
        st = eg_flow_history_new(&h, 4, 2, 1e-3, mass, &err);
        if (st == EG_OK) st = eg_flow_history_add(h, 0, x, &err);
        if (st == EG_OK) st = eg_flow_history_add(h, 1, y, &err);
        eg_mem_fail_after(0);
        eg_flow_history_free(h);
        assert_true(st == EG_OK || st == EG_ENOMEM);
        assert_true(st == EG_OK || err.msg[0]);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
    printf("%d allocations, each made to fail\n", n - 1);
    assert_true(n > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_angle),   cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_history), cmocka_unit_test(test_kinetic),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
