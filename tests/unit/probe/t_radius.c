/* Radii of vectors whose distances are known, and the probe on models. */
#include "rig.h"

#include <math.h>

#include "engram/mem.h"
#include "engram/radius.h"
#include "engram/rng.h"

static eg_radius measure(const float *x, eg_index m, eg_index n)
{
    eg_neighbours_spec spec = {.m = m, .n = n, .x = x};
    eg_radius r;
    bool stopped;
    eg_err err = {0};

    if (eg_radius_measure(&r, NULL, &stopped, &spec, 1, &err) != EG_OK)
        fail_msg("%s", err.msg);
    assert_false(stopped);
    printf("  m %td n %td: mean %.6g median %.6g null %.6g dimension %.4g\n", m,
           n, r.part[3].mean, r.part[3].median, r.null_mean, r.dimension);
    return r;
}

/* Theory's radius, from the table of energy.md 1.6 in its digits. */
static void expected(void **state)
{
    static const struct {
        eg_index n;
        double r;
    } known[] = {
        {512, 5.475172}, {768, 6.705689}, {1024, 7.743063}, {1280, 8.657008}};

    (void)state;
    for (int i = 0; i < 4; i++) {
        printf("  n %td: %.6f, known %.6f\n", known[i].n,
               eg_radius_expected(known[i].n), known[i].r);
        assert_true(fabs(eg_radius_expected(known[i].n) - known[i].r) < 5e-7);
    }
}

/* 0, 1, 3, 6, 10, ... on a line: the nearest is the one before. */
static void by_hand(void **state)
{
    float x[8 * 2] = {0};
    eg_radius r;
    int64_t all = 0;

    (void)state;
    for (int i = 0; i < 8; i++) x[(eg_index)2 * i] = (float)(i * (i + 1)) / 2;
    r = measure(x, 8, 2);
    /* distances 1 1 2 3 4 5 6 7, of the first four 1 1 2 3 */
    assert_true(r.part[3].mean == 29 / 8.0 && r.part[3].median == 3.5);
    assert_true(r.part[1].mean == 7 / 4.0 && r.part[1].median == 1.5);
    assert_true(r.part[0].size == 2 && r.part[0].mean == 1);
    assert_true(r.radius == 29 / 16.0 && r.top == 7);
    for (int b = 0; b < EG_RADIUS_BINS; b++) all += r.part[3].bin[b];
    assert_int_equal(all, 8);
    assert_int_equal(r.part[3].bin[EG_RADIUS_BINS - 1], 1);
    assert_int_equal(r.part[3].bin[EG_RADIUS_BINS / 7], 2); /* the two ones */
    /* a line through four points, farther apart with their number */
    assert_true(isinf(r.dimension));
    x[14] = x[12]; /* a copy counts once */
    r = measure(x, 8, 2);
    assert_int_equal(r.part[3].copies, 2);
    assert_int_equal(r.part[3].distinct, 7);
    assert_true(r.part[3].mean == 22 / 7.0);
    r = measure(x, 1, 2);
    assert_true(isnan(r.radius) && isnan(r.dimension) && isnan(r.null_mean));
}

/* Points of a plane in ten dimensions: distances fall as one over the root of
 * their number; dealt out anew, they leave it. */
static void a_plane(void **state)
{
    eg_index m = 3000, n = 10;
    float *x = eg_calloc((size_t)(m * n), sizeof *x);
    eg_rng rng = eg_rng_make(3, EG_RNG_USER, 0, 0);
    eg_radius r;

    (void)state;
    for (eg_index i = 0; i < m; i++) {
        double a = eg_rng_normal(&rng), b = eg_rng_normal(&rng);

        for (eg_index j = 0; j < n; j++)
            x[i * n + j] = (float)(a * cos((double)j) + b * sin((double)j));
    }
    r = measure(x, m, n);
    assert_true(fabs(r.dimension - 2) < 0.2);
    assert_true(r.null_mean > 10 * r.part[3].mean);
    /* coordinates that are free of each other look the same dealt out */
    for (eg_index k = 0; k < m * n; k++) x[k] = (float)eg_rng_normal(&rng);
    r = measure(x, m, n);
    assert_true(fabs(r.null_mean / r.part[3].mean - 1) < 0.01);
    assert_true(r.dimension > 5 && r.dimension < 15);
    eg_free(x);
}

/* A model that leaves its input alone and has no positions: behind every block
 * the vector of the last token, of which there are as many as symbols; behind
 * the last norm it is as long as the root of the width. */
static void of_a_model(void **state)
{
    static const setting settings[] = {{"task.kind", "uniform"},
                                       {"task.vocabulary", "50"},
                                       {"task.n_ctx", "8"},
                                       {"model.n_layers", "2"},
                                       {"model.d_model", "16"},
                                       {"model.init", "zero"},
                                       {"model.pos", "none"},
                                       {"model.norm", "pre"},
                                       {"train.steps", "0"},
                                       {"train.batch", "1"},
                                       {"probe.snapshots", "0"},
                                       {"probe.batch", "4"},
                                       {"probe.test", "0"},
                                       {"probe.norms", "false"},
                                       {"probe.recall", "false"},
                                       {"probe.attention", "false"},
                                       {"probe.radius", "600"},
                                       {"probe.radius_position", "5"},
                                       {NULL, NULL}};
    seen s = {0}, again = {.quiet = true};
    double e[50 * 16], near = 0, normed = 0;
    rig r;

    (void)state;
    rig_new(&r, 2, settings);
    eg_probes_after(r.probes, 0, keep, &s);
    eg_model_get(eg_trainer_model(r.trainer), 0, e);
    assert_string_equal(eg_model_tensor(eg_trainer_model(r.trainer), 0)->name,
                        "W_E");
    for (int i = 0; i < 50; i++) {
        double best = INFINITY;

        for (int j = 0; j < 50; j++) {
            double d = 0;

            for (int k = 0; k < 16; k++)
                d += pow(e[16 * (eg_index)i + k] - e[16 * (eg_index)j + k], 2);
            if (j != i) best = fmin(best, d);
        }
        near += sqrt(best) / 50;
    }
    for (int d = 0; d < 3; d++) {
        char name[64];

        snprintf(name, sizeof name, "radius.%d.100", d);
        printf("  %s %.9g, by hand %.9g\n", name, value_of(&s, name), near / 2);
        assert_true(fabs(value_of(&s, name) - near / 2) < 1e-6);
        snprintf(name, sizeof name, "radius_copies.%d", d);
        assert_true(value_of(&s, name) == 600);
    }
    normed = value_of(&s, "radius.3.100");
    assert_true(normed > 0.5 && normed < 4); /* of vectors of length 4 */
    assert_false(has(&s, "radius.4.100"));
    eg_probes_after(r.probes, 0, keep, &again);
    assert_int_equal(s.n, again.n);
    for (int i = 0; i < s.n; i++)
        assert_true(s.row[i].value == again.row[i].value);
    rig_free(&r);
}

static void refused(void **state)
{
    static const setting settings[] = {{"task.n_ctx", "8"},
                                       {"train.steps", "0"},
                                       {"train.batch", "1"},
                                       {"probe.radius", "10"},
                                       {"probe.radius_position", "9"},
                                       {NULL, NULL}};
    eg_err err = {0};
    rig r;

    (void)state;
    rig_begin(&r, 1, settings);
    assert_int_equal(rig_probe(&r, &err), EG_EINVAL);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, "expected 0 to 8, found 9"));
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expected), cmocka_unit_test(by_hand),
        cmocka_unit_test(a_plane), cmocka_unit_test(of_a_model),
        cmocka_unit_test(refused)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
