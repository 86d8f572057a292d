/* Integrators: every method shows its order and keeps its manifold, adaptive
 * ones follow their tolerance, dense output has its order, jumps cost nothing,
 * and steps do no more work than they should. */
#include <stdbool.h>

#include "ode_test.h"

/* ---- Two points of the sphere in R^3 going to e = (0, 0, 1) along great
 * circles, x' = g(t) (e - <e, x> x), g = 1 + cos(t)/2. Off the sphere the field
 * is this formula as it stands: nothing brings a state back but projection. */
static const double sphere_start[2][2] = {{2.5, 0.3}, {1.2, -2}};

static void sphere_rhs(void *ctx, double t, const double *y, double *dy)
{
    double g = 1 + 0.5 * cos(t);

    (void)ctx;
    for (int p = 0; p < 2; p++, y += 3, dy += 3)
        for (int a = 0; a < 3; a++) dy[a] = g * ((a == 2) - y[2] * y[a]);
}

static void sphere_jvp(void *ctx, double t, const double *y, const double *v,
                       double *dv)
{
    double g = 1 + 0.5 * cos(t);

    (void)ctx;
    for (int p = 0; p < 2; p++, y += 3, v += 3, dv += 3)
        for (int a = 0; a < 3; a++) dv[a] = -g * (v[2] * y[a] + y[2] * v[a]);
}

static void sphere_project(void *ctx, double *y)
{
    (void)ctx;
    for (int p = 0; p < 2; p++, y += 3) {
        double r = sqrt(y[0] * y[0] + y[1] * y[1] + y[2] * y[2]);
        for (int a = 0; a < 3; a++) y[a] /= r;
    }
}

static void sphere_exact(double t, double *y)
{
    for (int p = 0; p < 2; p++, y += 3) {
        double slow = exp(-(t + 0.5 * sin(t)));
        double angle = 2 * atan(tan(sphere_start[p][0] / 2) * slow);
        y[0] = sin(angle) * cos(sphere_start[p][1]);
        y[1] = sin(angle) * sin(sphere_start[p][1]);
        y[2] = cos(angle);
    }
}

/* Lie-Euler, the midpoint rule on great circles, and x <- N(x + h f). */
static void sphere_step(void *ctx, int method, double t, double h, double *y)
{
    double f[6], mid[6];

    sphere_rhs(ctx, t, y, f);
    if (method == EGI_ODE_MIDPOINT) {
        for (int i = 0; i < 6; i++) mid[i] = y[i] + h / 2 * f[i];
        sphere_project(ctx, mid);
        sphere_rhs(ctx, t + h / 2, mid, f);
    }
    for (eg_index p = 0; p < 2 && method != EGI_ODE_MAP; p++) {
        double *x = y + 3 * p, *v = f + 3 * p, along = 0, speed = 0;
        for (int a = 0; a < 3; a++) along += v[a] * x[a];
        for (int a = 0; a < 3; a++) v[a] -= along * x[a];
        for (int a = 0; a < 3; a++) speed += v[a] * v[a];
        speed = sqrt(speed);
        double turn = speed > 0 ? sin(h * speed) / speed : h;
        for (int a = 0; a < 3; a++) x[a] = cos(h * speed) * x[a] + turn * v[a];
    }
    for (int i = 0; i < 6 && method == EGI_ODE_MAP; i++) y[i] += h * f[i];
    sphere_project(ctx, y);
}

static problem sphere(void)
{
    problem p = {.ode = {.size = 6,
                         .rhs = sphere_rhs,
                         .project = sphere_project,
                         .step = sphere_step,
                         .jvp = sphere_jvp},
                 .exact = sphere_exact,
                 .sphere = true};
    p.exact(0, p.y0);
    return p;
}

static double error_of(run *r, const problem *p, egi_ode_opts o, double end)
{
    double times[2] = {0, end};
    eg_status st = run_problem(r, p, o, times, 2);

    if (st != EG_OK) print_message("%s\n", r->err.msg);
    assert_int_equal(st, EG_OK);
    assert_int_equal(r->n_outputs, 2);
    assert_true(r->stats.t == end && !r->stats.step_too_small);
    return r->worst;
}

/* Halving h divides the error by 2^order, on the sphere with projection and
 * with a field that leaves the sphere as it likes. */
static void test_fixed_order(void **state)
{
    static const struct {
        int method;
        double h, order;
    } rows[] = {{EGI_ODE_MAP, 0.01, 1},  {EGI_ODE_EULER, 0.01, 1},
                {EGI_ODE_LIE, 0.01, 1},  {EGI_ODE_MIDPOINT, 0.02, 2},
                {EGI_ODE_HEUN, 0.02, 2}, {EGI_ODE_RK4, 0.05, 4}};
    problem p = sphere();
    run *r = run_new();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        egi_ode_opts o = {.method = rows[i].method, .h = rows[i].h};
        double coarse = error_of(r, &p, o, 2);
        double steps = (double)r->stats.steps;
        o.h /= 2;
        double fine = error_of(r, &p, o, 2), order = log2(coarse / fine);
        print_message("%-8s h %g: errors %.3g %.3g, order %.3f, off the "
                      "sphere %.1g\n",
                      method_names[o.method], rows[i].h, coarse, fine, order,
                      r->off);
        assert_true(fabs(order - rows[i].order) < 0.1);
        assert_true(steps == 2 / rows[i].h);
        assert_true(r->off < 1e-15);
    }
    free(r);
}

/* Outputs off the grid have the accuracy of the method and leave the
 * trajectory as it is, to the bit. */
static void test_fixed_grid(void **state)
{
    static const int methods[] = {EGI_ODE_EULER, EGI_ODE_LIE, EGI_ODE_MIDPOINT,
                                  EGI_ODE_HEUN, EGI_ODE_RK4};
    static const double plain[] = {0, 3};
    static const double odd[] = {0,   0.01, 0.01, 0.1 + 1e-17, 0.1234, 0.15,
                                 0.3, 1.05, 2.95, 2.99,        3};
    problem p = sphere();
    run *r = run_new();

    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        egi_ode_opts o = {.method = methods[i], .h = 0.1};
        double y[6];
        assert_int_equal(run_problem(r, &p, o, plain, 2), EG_OK);
        memcpy(y, r->y, sizeof y);
        double at_end = r->worst;
        int64_t steps = r->stats.steps;
        assert_int_equal(run_problem(r, &p, o, odd, 11), EG_OK);
        print_message("%-8s error at the end %.3g, at odd times %.3g\n",
                      method_names[o.method], at_end, r->worst);
        assert_memory_equal(y, r->y, sizeof y);
        assert_int_equal(r->stats.steps, steps);
        assert_int_equal(steps, 30);
        assert_true(r->worst < 20 * at_end);
        for (int k = 0; k < 11; k++) assert_true(r->t[k] == odd[k]);
    }
    /* times that are on the grid but for rounding cost nothing */
    egi_ode_opts o = {.method = EGI_ODE_RK4, .h = 0.1};
    double sums[31] = {0};
    for (int k = 1; k < 31; k++) sums[k] = sums[k - 1] + 0.1;
    assert_true(sums[30] != 30 * 0.1 && sums[9] != 9 * 0.1);
    assert_int_equal(run_problem(r, &p, o, sums, 31), EG_OK);
    assert_int_equal(r->stats.steps, 30);
    assert_int_equal(r->stats.evaluations, 4 * 30);
    /* a last time off the grid: a shortened last step */
    double end = error_of(r, &p, o, 0.35);
    print_message("rk4 to t = 0.35: %lld steps, error %.3g\n",
                  (long long)r->stats.steps, end);
    assert_int_equal(r->stats.steps, 4);
    assert_true(end < 1e-5);
    free(r);
}

/* MAP has no states between its steps: the first grid time >= the time. */
static void test_map_times(void **state)
{
    static const double times[] = {0, 0.05, 0.1, 0.15, 0.3, 0.61, 0.7};
    static const double want[] = {0, 0.1, 0.1, 0.2, 0.3, 0.7, 0.7};
    problem p = sphere();
    run *r = run_new();
    egi_ode_opts o = {.method = EGI_ODE_MAP, .h = 0.1};

    (void)state;
    p.exact = NULL;
    assert_int_equal(run_problem(r, &p, o, times, 7), EG_OK);
    for (int i = 0; i < 7; i++) {
        print_message("asked %.17g, got %.17g\n", times[i], r->t[i]);
        assert_true(fabs(r->t[i] - want[i]) < 1e-15);
    }
    assert_int_equal(r->stats.steps, 7);
    free(r);
}

/* The error goes down with rtol, and stays within a constant of it. */
static void test_adaptive_tolerance(void **state)
{
    static const double times[] = {0,   0.1, 0.5, 0.55, 0.6, 1,
                                   1.5, 2,   2.5, 3,    3.5, 4};
    static const double factor[] = {[EGI_ODE_DOPRI5] = 30,
                                    [EGI_ODE_DOP853] = 30,
                                    [EGI_ODE_ADAMS] = 300,
                                    [EGI_ODE_BDF] = 300};
    problem p = sphere();
    run *r = run_new();

    (void)state;
    for (int m = EGI_ODE_DOPRI5; m <= EGI_ODE_BDF; m++) {
        double before = HUGE_VAL;
        for (int digits = 4; digits <= 12; digits += 2) {
            double rtol = pow(10, -digits);
            egi_ode_opts o = {.method = m, .rtol = rtol, .atol = rtol / 100};
            eg_status st = run_problem(r, &p, o, times, 12);
            if (st != EG_OK) print_message("%s\n", r->err.msg);
            assert_int_equal(st, EG_OK);
            print_message("%-7s rtol %.0e: error %.3g, %lld steps, %lld "
                          "rejected, %lld evaluations, off %.1g\n",
                          method_names[m], rtol, r->worst,
                          (long long)r->stats.steps,
                          (long long)r->stats.rejected,
                          (long long)r->stats.evaluations, r->off);
            assert_true(r->worst < factor[m] * rtol);
            assert_true(r->worst < before / 5);
            assert_true(r->off < 1e-15);
            before = r->worst;
        }
    }
    free(r);
}

/* Forces steps of length h by stop times, each begun afresh: order of the end
 * points and of the dense output between them. rtol = 1 accepts anything. */
static void test_pair_orders(void **state)
{
    static const struct {
        int method;
        double h, order, inside;
    } rows[] = {{EGI_ODE_DOPRI5, 0.2, 5, 5}, {EGI_ODE_DOP853, 0.4, 8, 8}};
    enum { PARTS = 16 };
    double stops[64], times[64 * PARTS + 1], at_end[2], inside[2];
    problem p = sphere();
    run *r = run_new();

    (void)state;
    p.ode.project = NULL; /* the bare pair */
    p.ode.stop = stops;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        egi_ode_opts o = {.method = rows[i].method, .rtol = 1, .atol = 1};
        for (int k = 0; k < 2; k++) {
            double h = rows[i].h / (1 << k);
            int n = (int)(2 / h + 0.5);
            for (int j = 0; j <= n; j++) stops[j] = j * h;
            p.ode.n_stops = n;
            at_end[k] = error_of(r, &p, o, n * h);
            assert_int_equal(r->stats.steps, n);
            for (int j = 0; j <= n * PARTS; j++) times[j] = j * h / PARTS;
            /* one step: the interpolation alone */
            assert_int_equal(run_problem(r, &p, o, times, PARTS + 1), EG_OK);
            assert_int_equal(r->stats.steps, 1);
            inside[k] = r->worst;
        }
        double order = log2(at_end[0] / at_end[1]);
        double order_inside = log2(inside[0] / inside[1]);
        print_message("%s: at the end %.3g %.3g, order %.2f; inside a step "
                      "%.3g %.3g, local order %.2f\n",
                      method_names[o.method], at_end[0], at_end[1], order,
                      inside[0], inside[1], order_inside);
        assert_true(fabs(order - rows[i].order) < 0.5);
        assert_true(fabs(order_inside - rows[i].inside) < 0.5);
    }
    free(r);
}

/* Many output times cost no steps and no accuracy. */
static void test_many_outputs(void **state)
{
    enum { MANY = 10001 };
    double *times = malloc(MANY * sizeof *times), two[2] = {0, 5};
    problem p = sphere();
    run *r = run_new();

    (void)state;
    for (int i = 0; i < MANY; i++) times[i] = 5.0 * i / (MANY - 1);
    for (int m = EGI_ODE_DOPRI5; m <= EGI_ODE_BDF; m++) {
        egi_ode_opts o = {.method = m, .rtol = 1e-12, .atol = 1e-14};
        assert_int_equal(run_problem(r, &p, o, two, 2), EG_OK);
        int64_t few = r->stats.steps, work = r->stats.evaluations;
        assert_int_equal(run_problem(r, &p, o, times, MANY), EG_OK);
        print_message("%-7s %lld steps, %lld evaluations for 2 times; %lld, "
                      "%lld for %d, error %.3g\n",
                      method_names[m], (long long)few, (long long)work,
                      (long long)r->stats.steps,
                      (long long)r->stats.evaluations, MANY, r->worst);
        assert_true(r->stats.steps <= few + 1);
        assert_true((double)r->stats.evaluations <= 1.3 * (double)work);
        assert_true(r->worst < (m > EGI_ODE_DOP853 ? 100 : 10) * o.rtol);
    }
    free(times);
    free(r);
}

static void line_rhs(void *ctx, double t, const double *y, double *dy)
{
    (void)ctx;
    dy[0] = cos(t) * y[0];
}

/* Field evaluations: the last stage of a step is the first of the next, and is
 * taken again when a projection has moved the state. */
static void shift_up(void *ctx, double *y)
{
    (void)ctx;
    y[0] += 1e-9;
}

static void test_evaluations(void **state)
{
    problem p = {.ode = {.size = 1, .rhs = line_rhs}, .y0 = {1}};
    run *r = run_new();
    double times[2] = {0, 3};

    (void)state;
    for (int moved = 0; moved < 2; moved++)
        for (int m = EGI_ODE_DOPRI5; m <= EGI_ODE_DOP853; m++) {
            egi_ode_opts o = {.method = m, .rtol = 1e-9, .atol = 1e-9};
            p.ode.project = moved ? shift_up : NULL;
            assert_int_equal(run_problem(r, &p, o, times, 2), EG_OK);
            int64_t n = r->stats.steps, no = r->stats.rejected;
            int64_t want = m == EGI_ODE_DOP853
                               ? 2 + 12 * n + 11 * no
                               : 2 + 6 * (n + no) + (moved ? n : 0);
            print_message("%s%s: %lld steps, %lld rejected, %lld evaluations\n",
                          method_names[m], moved ? ", moved" : "", (long long)n,
                          (long long)no, (long long)r->stats.evaluations);
            assert_true(no > 0 || m == EGI_ODE_DOPRI5);
            assert_int_equal(r->stats.evaluations, want);
        }
    free(r);
}

/* y' = a y, a jumping at odd times, one of them a grid time up to rounding and
 * one an output time. */
static const double jumps[] = {0.1234, 0.6000000000000001, 1.7};
static const double slopes[] = {1, -2, 3, -0.5};

static void jumpy_rhs(void *ctx, double t, const double *y, double *dy)
{
    int k = 0;

    (void)ctx;
    while (k < 3 && t >= jumps[k]) k++;
    dy[0] = slopes[k] * y[0];
}

static void jumpy_step(void *ctx, int method, double t, double h, double *y)
{
    double f;

    jumpy_rhs(ctx, t, y, &f);
    if (method == EGI_ODE_MIDPOINT) {
        double mid = y[0] + h / 2 * f;
        jumpy_rhs(ctx, t + h / 2, &mid, &f);
    }
    y[0] += h * f;
}

static void jumpy_exact(double t, double *y)
{
    double log_y = 0, from = 0;

    int k = 0;
    while (k < 3 && jumps[k] < t) {
        log_y += slopes[k] * (jumps[k] - from);
        from = jumps[k++];
    }
    y[0] = exp(log_y + slopes[k] * (t - from));
}

static void test_jumps(void **state)
{
    static const struct {
        int method;
        double h, order;
    } rows[] = {{EGI_ODE_EULER, 0.0125, 1},
                {EGI_ODE_LIE, 0.0125, 1},
                {EGI_ODE_MIDPOINT, 0.0125, 2},
                {EGI_ODE_HEUN, 0.0125, 2},
                {EGI_ODE_RK4, 0.05, 4}};
    static const double times[] = {0, 0.1, 0.2, 0.6, 0.65, 1.7, 1.75, 2};
    problem p = {.ode = {.size = 1,
                         .rhs = jumpy_rhs,
                         .step = jumpy_step,
                         .stop = jumps,
                         .n_stops = 3},
                 .y0 = {1},
                 .exact = jumpy_exact};
    run *r = run_new();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double e[2];
        for (int k = 0; k < 2; k++) {
            egi_ode_opts o = {.method = rows[i].method,
                              .h = rows[i].h / (1 << k)};
            assert_int_equal(run_problem(r, &p, o, times, 8), EG_OK);
            e[k] = r->worst;
        }
        print_message("%-8s over jumps: errors %.3g %.3g, order %.3f\n",
                      method_names[rows[i].method], e[0], e[1],
                      log2(e[0] / e[1]));
        assert_true(fabs(log2(e[0] / e[1]) - rows[i].order) < 0.15);
    }
    for (int m = EGI_ODE_DOPRI5; m <= EGI_ODE_BDF; m++) {
        egi_ode_opts o = {.method = m, .rtol = 1e-12, .atol = 1e-14};
        assert_int_equal(run_problem(r, &p, o, times, 8), EG_OK);
        print_message("%-8s over jumps: error %.3g, %lld steps\n",
                      method_names[m], r->worst, (long long)r->stats.steps);
        double largest = 12; /* of y */
        assert_true(r->worst <
                    (m > EGI_ODE_DOP853 ? 300 : 10) * o.rtol * largest);
    }
    free(r);
}

/* Decay at rates 1000, 1 and 1e-6 to t = 10^6. */
static void stiff_rhs(void *ctx, double t, const double *y, double *dy)
{
    const double *rate = ctx;

    (void)t;
    for (int i = 0; i < 3; i++) dy[i] = -rate[i] * y[i];
}

static void stiff_jvp(void *ctx, double t, const double *y, const double *v,
                      double *dv)
{
    (void)y;
    stiff_rhs(ctx, t, v, dv);
}

static void test_long_horizon(void **state)
{
    double stiff[] = {1000, 1, 1e-6}, slow[] = {1e-5, 3e-6, 1e-6};
    double times[] = {0, 1e6};
    problem p = {.ode = {.size = 3, .rhs = stiff_rhs}, .y0 = {1, 1, 1}};
    run *r = run_new();

    (void)state;
    for (int k = 0; k < 3; k++) {
        egi_ode_opts o = {.method = k < 2 ? EGI_ODE_BDF : EGI_ODE_ADAMS,
                          .rtol = 1e-8,
                          .atol = 1e-10};
        p.ode.ctx = k < 2 ? stiff : slow;
        p.ode.jvp = k == 1 ? stiff_jvp : NULL;
        assert_int_equal(run_problem(r, &p, o, times, 2), EG_OK);
        double error = fabs(r->y[2] - exp(-1));
        print_message("%s%s to t = 1e6: error %.3g, fast ones %.1g %.1g, %lld "
                      "steps, %lld evaluations\n",
                      method_names[o.method], k == 1 ? " (jvp)" : "", error,
                      r->y[0], r->y[1], (long long)r->stats.steps,
                      (long long)r->stats.evaluations);
        assert_true(r->stats.t == 1e6);
        assert_true(error < 1e-6 && r->stats.steps < 1000);
        if (k < 2) assert_true(fabs(r->y[0]) < 1e-8 && fabs(r->y[1]) < 1e-8);
    }
    free(r);
}

/* Round a circle for t = 1000 at the speed of x/|x|: whoever drifts off the
 * circle is late or early. */
static void turn_rhs(void *ctx, double t, const double *y, double *dy)
{
    double r = hypot(y[0], y[1]);

    (void)ctx;
    (void)t;
    dy[0] = -y[1] / r;
    dy[1] = y[0] / r;
}

static void turn_project(void *ctx, double *y)
{
    double r = hypot(y[0], y[1]);

    (void)ctx;
    y[0] /= r;
    y[1] /= r;
}

static void turn_exact(double t, double *y)
{
    y[0] = cos(t);
    y[1] = sin(t);
}

static void test_no_drift(void **state)
{
    static const double times[] = {0, 1000};
    problem p = {.ode = {.size = 2, .rhs = turn_rhs, .project = turn_project},
                 .y0 = {1, 0},
                 .exact = turn_exact};
    run *r = run_new();

    (void)state;
    for (int m = EGI_ODE_DOPRI5; m <= EGI_ODE_BDF; m++) {
        egi_ode_opts o = {.method = m, .rtol = 1e-10, .atol = 1e-12};
        assert_int_equal(run_problem(r, &p, o, times, 2), EG_OK);
        print_message("%-7s 1000 radians: error %.3g, %lld steps\n",
                      method_names[m], r->worst, (long long)r->stats.steps);
        assert_true(r->worst < 10 * 1000 * o.rtol);
    }
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_order),
        cmocka_unit_test(test_fixed_grid),
        cmocka_unit_test(test_map_times),
        cmocka_unit_test(test_adaptive_tolerance),
        cmocka_unit_test(test_pair_orders),
        cmocka_unit_test(test_many_outputs),
        cmocka_unit_test(test_evaluations),
        cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_long_horizon),
        cmocka_unit_test(test_no_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
