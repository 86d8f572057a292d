/* Integrators: events at known times, systems that shrink, what stops a run,
 * bad input, and memory. */
#include <stdbool.h>

#include "ode_test.h"

/* y_i' = -rate_i y_i from 1; size follows a shrinking system. */
enum { N_DECAYS = 6 };
typedef struct decays {
    double rate[N_DECAYS];
    eg_index size;
} decays;
static const decays all_decays = {{5, 2, 1.0100001, 1.01, 1, 0.25}, N_DECAYS};
static decays now;

static void decay_rhs(void *ctx, double t, const double *y, double *dy)
{
    const decays *d = ctx;

    (void)t;
    for (eg_index i = 0; i < d->size; i++) dy[i] = -d->rate[i] * y[i];
}

static void decay_step(void *ctx, int method, double t, double h, double *y)
{
    const decays *d = ctx;

    (void)t;
    for (eg_index i = 0; i < d->size; i++) {
        double x = h * d->rate[i];
        y[i] *= method == EGI_ODE_MIDPOINT ? 1 - x + x * x / 2 : 1 - x;
    }
}

static void decay_exact(double t, double *y)
{
    for (int i = 0; i < N_DECAYS; i++) y[i] = exp(-all_decays.rate[i] * t);
}

static problem decay(void)
{
    now = all_decays;
    return (problem){.ode = {.size = N_DECAYS,
                             .rhs = decay_rhs,
                             .step = decay_step,
                             .ctx = &now},
                     .y0 = {1, 1, 1, 1, 1, 1},
                     .exact = decay_exact};
}

static eg_index above_half(void *ctx, const double *y)
{
    eg_index n = 0;

    (void)ctx;
    for (eg_index i = 0; i < now.size; i++) n += y[i] > 0.5;
    return n;
}

/* Each y_i falls below 1/2 at log 2 / rate_i: three of them in one step. */
static void test_falls(void **state)
{
    static const double times[] = {0, 0.5, 0.69, 0.7, 0.71, 3};
    problem p = decay();
    run *r = run_new();

    (void)state;
    for (int m = EGI_ODE_RK4; m <= EGI_ODE_BDF; m++) {
        egi_ode_opts o = {.method = m,
                          .h = 0.002,
                          .rtol = 1e-12,
                          .atol = 1e-14,
                          .count = above_half};
        double worst = 0, within = m == EGI_ODE_BDF ? 1e-9 : 1e-10;
        assert_int_equal(run_problem(r, &p, o, times, 6), EG_OK);
        assert_int_equal(r->n_falls, N_DECAYS);
        assert_true(r->in_order);
        for (int i = 0; i < N_DECAYS; i++) {
            double want = log(2) / all_decays.rate[i];
            worst = fmax(worst, fabs(r->fall[i] - want));
            assert_int_equal(r->fallen_to[i], N_DECAYS - 1 - i);
        }
        print_message("%-7s falls within %.2g of their times, %lld steps\n",
                      method_names[m], worst, (long long)r->stats.steps);
        assert_true(worst < within);
    }
    /* bisection is not what limits RK4: its order is */
    double e[2];
    for (int k = 0; k < 2; k++) {
        egi_ode_opts o = {
            .method = EGI_ODE_RK4, .h = 0.1 / (1 << k), .count = above_half};
        assert_int_equal(run_problem(r, &p, o, times, 6), EG_OK);
        e[k] = fabs(r->fall[4] - log(2));
    }
    print_message("rk4: a fall is off by %.3g, with h/2 by %.3g\n", e[0], e[1]);
    assert_true(fabs(log2(e[0] / e[1]) - 4) < 0.3);
    /* MAP knows its grid times only */
    egi_ode_opts o = {.method = EGI_ODE_MAP, .h = 0.1, .count = above_half};
    assert_int_equal(run_problem(r, &p, o, times, 6), EG_OK);
    for (int i = 0; i < r->n_falls; i++) {
        double k = r->fall[i] / 0.1;
        assert_true(fabs(k - floor(k + 0.5)) < 1e-12);
    }
    assert_true(r->in_order);
    free(r);
}

static void wave_rhs(void *ctx, double t, const double *y, double *dy)
{
    (void)ctx;
    (void)t;
    dy[0] = -y[1];
    dy[1] = y[0];
}

static eg_index positive(void *ctx, const double *y)
{
    (void)ctx;
    return y[0] > 0;
}

/* cos t: falls at pi/2 and 5 pi/2, rises at 3 pi/2 without a word. */
static void test_rises_are_silent(void **state)
{
    static const double times[] = {0, 8};
    problem p = {.ode = {.size = 2, .rhs = wave_rhs}, .y0 = {1, 0}};
    run *r = run_new();
    egi_ode_opts o = {.method = EGI_ODE_DOP853,
                      .rtol = 1e-12,
                      .atol = 1e-14,
                      .count = positive};

    (void)state;
    assert_int_equal(run_problem(r, &p, o, times, 2), EG_OK);
    assert_int_equal(r->n_falls, 2);
    double pi = acos(-1),
           off = fmax(fabs(r->fall[0] - pi / 2), fabs(r->fall[1] - 5 * pi / 2));
    print_message("falls at %.15g and %.15g, off by %.2g\n", r->fall[0],
                  r->fall[1], off);
    assert_true(off < 1e-11);
    free(r);
}

/* Components below 1e-4 are taken out. */
static bool drop_small(void *ctx, double t, double *y, eg_index *size)
{
    eg_index kept = 0;

    (void)ctx;
    (void)t;
    for (eg_index i = 0; i < *size; i++)
        if (y[i] >= 1e-4) {
            now.rate[kept] = now.rate[i];
            y[kept++] = y[i];
        }
    bool fell = kept < *size;
    *size = now.size = kept;
    return fell;
}

static void test_reduce(void **state)
{
    static const double times[] = {0, 1, 20};
    problem p = decay();
    run *r = run_new();

    (void)state;
    p.exact = NULL;
    for (int m = EGI_ODE_MAP; m <= EGI_ODE_BDF; m++) {
        egi_ode_opts o = {.method = m,
                          .h = 0.01,
                          .rtol = 1e-10,
                          .atol = 1e-12,
                          .reduce = drop_small};
        now = all_decays;
        assert_int_equal(run_problem(r, &p, o, times, 3), EG_OK);
        double error = fabs(r->y[0] / exp(-0.25 * 20) - 1);
        print_message("%-8s %td left, relative error %.2g, %lld steps\n",
                      method_names[m], now.size, error,
                      (long long)r->stats.steps);
        assert_int_equal(now.size, 1);
        assert_true(error < (m < EGI_ODE_MIDPOINT ? 0.05
                             : m < EGI_ODE_RK4    ? 1e-4
                                                  : 1e-7));
        /* the same with a solver that is used twice */
        egi_solver *s;
        double y[N_DECAYS];
        o.reduce = drop_small;
        assert_int_equal(egi_solver_new(&s, &p.ode, &o, &r->err), EG_OK);
        for (int k = 0; k < 2; k++) {
            now = all_decays;
            memcpy(y, p.y0, sizeof y);
            assert_int_equal(egi_solver_run(s, y, times, 3, NULL, &r->err),
                             EG_OK);
            assert_true(y[0] == r->y[0]);
        }
        egi_solver_free(s);
    }
    free(r);
}

/* output's false stops there, and the state is that of this time. */
static void test_stop(void **state)
{
    static const double times[] = {0, 0.31, 0.32, 0.33, 2};
    problem p = decay();
    run *r = run_new();

    (void)state;
    for (int m = EGI_ODE_EULER; m <= EGI_ODE_BDF; m++) {
        egi_ode_opts o = {.method = m, .h = 0.1, .rtol = 1e-9, .atol = 1e-9};
        r->stop_at = 2;
        assert_int_equal(run_problem(r, &p, o, times, 5), EG_OK);
        assert_true(r->stats.stopped && r->stats.t == 0.32);
        assert_int_equal(r->n_outputs, 3);
        double error = fabs(r->y[4] - exp(-0.32));
        assert_true(error < (m < EGI_ODE_MIDPOINT ? 0.02
                             : m < EGI_ODE_RK4    ? 1e-3
                                                  : 1e-6));
    }
    r->stop_at = 0;
    egi_ode_opts o = {.method = EGI_ODE_RK4, .h = 0.1};
    assert_int_equal(run_problem(r, &p, o, times, 5), EG_OK);
    assert_true(r->stats.stopped && r->stats.t == 0 && r->stats.steps == 0);
    free(r);
}

/* ---- Fields that go wrong ---- */
static double bad_from;

static void broken_rhs(void *ctx, double t, const double *y, double *dy)
{
    (void)ctx;
    dy[0] = t < bad_from ? -y[0] : nan("");
}

static void broken_step(void *ctx, int method, double t, double h, double *y)
{
    double f;

    (void)method;
    broken_rhs(ctx, t, y, &f);
    y[0] += h * f;
}

static void test_nan(void **state)
{
    static const double times[] = {0, 0.25, 2};
    problem p = {.ode = {.size = 1, .rhs = broken_rhs, .step = broken_step},
                 .y0 = {1}};
    run *r = run_new();

    (void)state;
    for (int late = 0; late < 2; late++)
        for (int m = EGI_ODE_MAP; m <= EGI_ODE_BDF; m++) {
            egi_ode_opts o = {
                .method = m, .h = 0.1, .rtol = 1e-6, .atol = 1e-6};
            bad_from = late ? 0.5 : 0;
            assert_int_equal(run_problem(r, &p, o, times, 3), EG_EINVAL);
            print_message("%-8s %s\n", method_names[m], r->err.msg);
            const char *at = strstr(r->err.msg, "t = ");
            assert_non_null(at);
            double t = strtod(at + 4, NULL);
            assert_true(fabs(t - bad_from) <=
                        (m < EGI_ODE_DOPRI5 ? 0.11 : 0.02));
            /* what was reached stands */
            assert_true(isfinite(r->y[0]));
            assert_int_equal(r->n_outputs, late ? 2 : 1);
        }
    free(r);
}

static void explosion_rhs(void *ctx, double t, const double *y, double *dy)
{
    (void)ctx;
    (void)t;
    dy[0] = y[0] * y[0];
}

/* y' = y^2 from 1 is infinite at t = 1: an outcome, not an error. */
static void test_step_too_small(void **state)
{
    static const double times[] = {0, 0.5, 2};
    problem p = {.ode = {.size = 1, .rhs = explosion_rhs}, .y0 = {1}};
    run *r = run_new();

    (void)state;
    for (int m = EGI_ODE_DOPRI5; m <= EGI_ODE_BDF; m++) {
        egi_ode_opts o = {.method = m, .rtol = 1e-8, .atol = 1e-8};
        eg_status st = run_problem(r, &p, o, times, 3);
        print_message("%-7s t = %.12g, y = %.3g, %lld steps%s\n",
                      method_names[m], r->stats.t, r->y[0],
                      (long long)r->stats.steps, st ? r->err.msg : "");
        assert_int_equal(st, EG_OK);
        assert_true(r->stats.step_too_small);
        assert_true(fabs(r->stats.t - 1) < 1e-6 && r->y[0] > 1e5);
        assert_int_equal(r->n_outputs, 2);
    }
    free(r);
}

static void test_out_of_steps(void **state)
{
    static const double times[] = {0, 0.1, 5};
    problem p = decay();
    run *r = run_new();

    (void)state;
    for (int m = EGI_ODE_MAP; m <= EGI_ODE_BDF; m++) {
        egi_ode_opts o = {.method = m,
                          .h = 0.05,
                          .rtol = 1e-11,
                          .atol = 1e-11,
                          .max_steps = 8};
        assert_int_equal(run_problem(r, &p, o, times, 3), EG_OK);
        assert_true(r->stats.out_of_steps && !r->stats.step_too_small);
        assert_true(r->stats.steps + r->stats.rejected <= 10);
        assert_true(r->stats.t > 0 && r->stats.t < 5);
    }
    free(r);
}

static void jump_rhs(void *ctx, double t, const double *y, double *dy)
{
    (void)ctx;
    (void)t;
    dy[0] = y[0] > 0 ? -1 : 1;
}

/* y' = -sign(y) holds a method at y = 0: it is seen that the end is out of
 * reach, long before the steps have run out. */
static void test_no_pace(void **state)
{
    static const double times[] = {0, 0.5, 1e6};
    problem p = {.ode = {.size = 1, .rhs = jump_rhs}, .y0 = {0.9}};
    egi_ode_opts o = {.method = EGI_ODE_DOP853, .rtol = 1e-12, .atol = 1e-14};
    run *r = run_new();

    (void)state;
    assert_int_equal(run_problem(r, &p, o, times, 3), EG_OK);
    print_message("t = %.12g after %lld steps\n", r->stats.t,
                  (long long)r->stats.steps);
    assert_true(r->stats.out_of_steps && r->n_outputs == 2);
    assert_true(r->stats.steps + r->stats.rejected < 1000000);
    assert_true(r->stats.t > 0.5 && r->stats.t < 1e6);
    free(r);
}

/* 3e8 steps are out of reach; that is seen after a few hundred thousand of the
 * ten million that may be taken. */
static void test_far(void **state)
{
    static const double times[] = {0, 3e8};
    problem p = {.ode = {.size = 1, .rhs = jump_rhs}, .y0 = {0.9}};
    egi_ode_opts o = {.method = EGI_ODE_EULER, .h = 1};
    run *r = run_new();

    (void)state;
    assert_int_equal(run_problem(r, &p, o, times, 2), EG_OK);
    print_message("%lld steps\n", (long long)r->stats.steps);
    assert_true(r->stats.out_of_steps && r->stats.steps > 200000);
    assert_true(r->stats.steps < 1000000);
    free(r);
}

/* ---- Times and options ---- */
static void test_times(void **state)
{
    static const struct {
        double t[3];
        eg_index n;
        const char *says; /* NULL: fine */
    } rows[] = {{{2}, 1, NULL},
                {{2, 2, 2}, 3, NULL},
                {{2, 2.1, 2.1}, 3, NULL},
                {{-1, 0, 0.5}, 3, NULL},
                {{0}, 0, "at least one"},
                {{0, 1, 0.5}, 3, "ascending"},
                {{0, 0.5, NAN}, 3, "found nan at place 2"},
                {{0, HUGE_VAL}, 2, "found inf at place 1"}};
    problem p = decay();
    run *r = run_new();

    (void)state;
    p.exact = NULL;
    for (int m = EGI_ODE_MAP; m <= EGI_ODE_BDF; m++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            egi_ode_opts o = {
                .method = m, .h = 0.1, .rtol = 1e-8, .atol = 1e-8};
            eg_status st = run_problem(r, &p, o, rows[i].t, rows[i].n);
            if (rows[i].says) {
                assert_int_equal(st, EG_EINVAL);
                if (m == 1) print_message("%s\n", r->err.msg);
                assert_non_null(strstr(r->err.msg, rows[i].says));
                continue;
            }
            assert_int_equal(st, EG_OK);
            assert_int_equal(r->n_outputs, rows[i].n);
            double past = rows[i].t[rows[i].n - 1] - rows[i].t[0];
            if (past == 0) assert_int_equal(r->stats.steps, 0);
            assert_true(fabs(r->stats.t - rows[i].t[rows[i].n - 1]) < 1e-14);
            assert_true(fabs(r->y[5] - exp(-0.25 * past)) < 0.01);
        }
    /* times one rounding apart, far from 0, cost a step and no more */
    for (int m = EGI_ODE_EULER; m <= EGI_ODE_BDF; m++) {
        egi_ode_opts o = {.method = m, .h = 0.1, .rtol = 1e-8, .atol = 1e-8};
        double t[3] = {1000, nextafter(1000, 2000), 1001},
               ends[2] = {t[0], t[2]};
        assert_int_equal(run_problem(r, &p, o, ends, 2), EG_OK);
        int64_t few = r->stats.steps;
        assert_int_equal(run_problem(r, &p, o, t, 3), EG_OK);
        assert_true(r->n_outputs == 3 && r->stats.t == 1001);
        print_message("%-8s %lld steps, %lld with a time between\n",
                      method_names[m], (long long)few,
                      (long long)r->stats.steps);
        assert_true(r->stats.steps <= few + 2);
        assert_int_equal(run_problem(r, &p, o, t, 2), EG_OK);
        assert_true(r->n_outputs == 2 && r->stats.t == t[1]);
    }
    free(r);
}

static void test_options(void **state)
{
    static const double back[] = {1, 0.5};
    static const struct {
        egi_ode_opts o;
        const char *says;
    } rows[] = {
        {{.method = 0}, "integrator"},
        {{.method = EGI_ODE_BDF + 1}, "integrator"},
        {{.method = EGI_ODE_RK4}, "step"},
        {{.method = EGI_ODE_MAP, .h = -1}, "step"},
        {{.method = EGI_ODE_RK4, .h = NAN}, "step"},
        {{.method = EGI_ODE_BDF, .rtol = 0}, "relative tolerance"},
        {{.method = EGI_ODE_DOPRI5, .rtol = NAN}, "relative tolerance"},
        {{.method = EGI_ODE_DOP853, .rtol = 1e-3, .atol = -1}, "absolute"}};
    static const double times[] = {0, 1};
    problem p = decay();
    run *r = run_new();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(run_problem(r, &p, rows[i].o, times, 2), EG_EINVAL);
        print_message("%s\n", r->err.msg);
        assert_non_null(strstr(r->err.msg, rows[i].says));
    }
    egi_ode_opts o = {.method = EGI_ODE_RK4, .h = 0.1};
    p.ode.stop = back;
    p.ode.n_stops = 2;
    assert_int_equal(run_problem(r, &p, o, times, 2), EG_EINVAL);
    assert_non_null(strstr(r->err.msg, "found 0.5 at place 1"));
    p.ode.n_stops = 0;
    p.y0[3] = NAN;
    assert_int_equal(run_problem(r, &p, o, times, 2), EG_EINVAL);
    print_message("%s\n", r->err.msg);
    assert_non_null(strstr(r->err.msg, "place 3"));
    free(r);
}

/* Nothing is allocated after egi_solver_new; that cleans up when it fails. */
static void test_memory(void **state)
{
    static const double times[] = {0, 0.17, 0.18, 3};
    static const double stops[] = {0.4, 1};
    problem p = decay();
    run *r = run_new();

    (void)state;
    r->p = &p;
    p.exact = NULL;
    p.ode.stop = stops;
    p.ode.n_stops = 2;
    for (int m = EGI_ODE_MAP; m <= EGI_ODE_BDF; m++) {
        egi_ode_opts o = {.method = m,
                          .h = 0.05,
                          .rtol = 1e-9,
                          .atol = 1e-9,
                          .count = above_half,
                          .fell = keep_fall,
                          .reduce = drop_small,
                          .ctx = r};
        egi_solver *s = NULL;
        double y[N_DECAYS];
        int64_t live = eg_mem_query().live_bytes;
        eg_status st = EG_ENOMEM;
        int failures = 0;
        for (int n = 1; st != EG_OK; n++) {
            eg_mem_fail_after(n);
            st = egi_solver_new(&s, &p.ode, &o, &r->err);
            eg_mem_fail_after(0);
            if (st == EG_OK) break;
            failures++;
            assert_int_equal(st, EG_ENOMEM);
            assert_null(s);
            assert_int_equal(eg_mem_query().live_bytes, live);
        }
        assert_true(failures >= 3);
        now = all_decays;
        memcpy(y, p.y0, sizeof y);
        r->n_falls = 0;
        int64_t before = eg_mem_query().n_allocs;
        assert_int_equal(egi_solver_run(s, y, times, 4, NULL, &r->err), EG_OK);
        assert_int_equal(eg_mem_query().n_allocs, before);
        assert_true(r->n_falls >= 4);
        egi_solver_free(s);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_falls),
        cmocka_unit_test(test_rises_are_silent),
        cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_nan),
        cmocka_unit_test(test_step_too_small),
        cmocka_unit_test(test_no_pace),
        cmocka_unit_test(test_far),
        cmocka_unit_test(test_out_of_steps),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
