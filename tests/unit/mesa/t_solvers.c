/* Solvers of least squares in context: each against the formula it stands for,
 * gradients of coefficients against differences, and the losses against the
 * numbers of the specification. */
#include "engram/mesa.h"
#define THEORY_TABLE eg_mesa_theories
#include "memory/theory_helper.h"
#include "base/sweep.h"
#include "memory/dense.h"
#include "mesa/cholesky.h"
#include "mesa/crew.h"

static emitted seen;

static void test_table(void **state)
{
    (void)state;
    check_theory_table();
    for (eg_index i = 0; i < EGI_ICL_KINDS; i++) {
        const eg_field *f = eg_field_find(
            eg_theory_in(eg_mesa_theories, "mesa_solver")->fields, "solver");
        char word[32];

        assert_true(eg_choice(f->choices, i, word, sizeof word));
        assert_string_equal(word, egi_icl_solvers[i].name);
    }
}

enum {
    N = 5,
    T = 12,
    STEPS = 4,
    TWICE = 8,
    ROOM = 16384,
    ALL = T * N,
    SQUARE = N * N,
    ROW = 8 * N
};

typedef struct set {
    egi_icl_source source;
    egi_icl icl;
    double pred[ALL], other[ALL], *work;
} set;

static void set_up_of(set *s, double noise, int n_systems)
{
    egi_icl_data data = {
        .dim = N, .n_ctx = T, .noise = noise, .n_systems = n_systems};

    assert_int_equal(egi_icl_open(&s->source, &data, 7, true, NULL), EG_OK);
    assert_int_equal(egi_icl_new(&s->icl, &s->source, NULL), EG_OK);
    egi_icl_make(&s->icl, &s->source, EG_TEST, 0, 3);
    s->work = eg_calloc(ROOM, sizeof(double));
    assert_non_null(s->work);
}

static void set_up(set *s)
{
    set_up_of(s, .1, 0);
}

static void tear_down(set *s)
{
    egi_icl_release(&s->icl);
    egi_icl_close(&s->source);
    eg_free(s->work);
}

static void predict(set *s, egi_icl_kind kind, const egi_icl_how *how,
                    double *pred)
{
    const egi_icl_solver *solver = &egi_icl_solvers[kind];

    assert_true(solver->work(&s->icl, how) <= ROOM);
    solver->run(&s->icl, how, pred, NULL, s->work);
}

static double distance(const double *x, const double *y, eg_index n)
{
    double worst = 0;

    for (eg_index i = 0; i < n; i++) worst = egi_most(worst, fabs(x[i] - y[i]));
    return worst;
}

/* states: keys are a step behind values; the truth maps one to the next but
 * for the noise. */
static void test_context(void **state)
{
    set s;
    double off = 0;

    (void)state;
    set_up(&s);
    assert_true(egi_norm(s.icl.k, N) == 0);
    for (eg_index t = 1; t < T; t++) {
        assert_memory_equal(s.icl.k + t * N, s.icl.y + (t - 1) * N, ROW);
        assert_memory_equal(s.icl.y + t * N, s.icl.target + (t - 1) * N, ROW);
        assert_memory_equal(s.icl.y + t * N, s.icl.q + t * N, ROW);
    }
    egi_mul_nt(s.pred, s.icl.q, s.icl.truth, T, N, N);
    for (int i = 0; i < T * N; i++)
        off += pow(s.pred[i] - s.icl.target[i], 2) / (T * N);
    printf("noise of the system found: %.4g, expected .1 +- .03\n", sqrt(off));
    assert_true(fabs(sqrt(off) - .1) < .03);
    egi_mul_nt(s.pred, s.icl.truth, s.icl.truth, N, N, N);
    for (eg_index i = 0; i < N; i++) s.pred[i * N + i] -= 1;
    printf("|W W^T - 1| = %.2g\n", egi_norm(s.pred, SQUARE));
    assert_true(egi_norm(s.pred, SQUARE) < 1e-8);
    tear_down(&s);
}

/* With lags keys are the inputs of the step before, targets what is seen. */
static void test_lags(void **state)
{
    egi_icl_data data = {
        .dim = 2, .n_ctx = 6, .noise = .1, .hidden = 5, .lags = 3};
    egi_icl_source source;
    egi_icl c;

    (void)state;
    assert_int_equal(egi_icl_open(&source, &data, 7, false, NULL), EG_OK);
    assert_int_equal(egi_icl_new(&c, &source, NULL), EG_OK);
    egi_icl_make(&c, &source, EG_TEST, 0, 0);
    assert_true(c.m == 6 && c.p == 2 && c.T == 6);
    for (int t = 1; t < 6; t++)
        for (int i = 0; i < 6; i++) {
            assert_true(c.k[t * 6 + i] == c.q[(t - 1) * 6 + i]);
            if (i >= 2) assert_true(c.q[t * 6 + i] == c.k[t * 6 + i - 2]);
            if (i < 2) assert_true(c.y[t * 2 + i] == c.q[t * 6 + i]);
            if (i < 2) assert_true(c.y[t * 2 + i] == c.target[t * 2 - 2 + i]);
        }
    egi_icl_release(&c);
    egi_icl_close(&source);
}

/* Phi <- Phi + a (Y - Phi A), as it stands. */
static void descend(const egi_icl *c, eg_index t, const egi_icl_how *how,
                    double *out)
{
    double a[SQUARE] = {0}, y[SQUARE] = {0}, phi[SQUARE] = {0}, next[SQUARE];
    eg_index last = how->newest ? t : t - 1;

    for (eg_index i = 0; i <= last; i++)
        for (eg_index r = 0; r < N; r++)
            for (eg_index j = 0; j < N; j++) {
                a[r * N + j] += c->k[i * N + r] * c->k[i * N + j];
                y[r * N + j] += c->y[i * N + r] * c->k[i * N + j];
            }
    for (eg_index i = 0; i < N; i++) a[i * N + i] += how->ridge;
    for (eg_index l = 0; l < how->steps; l++) {
        egi_mul(next, phi, a, N, N, N);
        for (int i = 0; i < N * N; i++) phi[i] += how->a[l] * (y[i] - next[i]);
    }
    egi_mul_nt(out, phi, c->q + t * N, N, 1, N);
}

static void test_descent(void **state)
{
    static const double a[STEPS] = {.1, .07, .2, .05};
    set s;

    (void)state;
    set_up(&s);
    for (int newest = 0; newest < 2; newest++) {
        egi_icl_how how = {
            .steps = STEPS, .ridge = .3, .newest = newest, .a = a};
        double gap;

        predict(&s, EGI_ICL_GD, &how, s.pred);
        for (eg_index t = 0; t < T; t++)
            descend(&s.icl, t, &how, s.other + t * N);
        gap = distance(s.pred, s.other, ALL);
        printf("descent, newest %d: gap %.2g\n", newest, gap);
        assert_true(gap < 1e-13);
        how.ridge = 0;
        if (!newest) continue;
        predict(&s, EGI_ICL_GD, &how, s.pred);
        how.clip = 1e6; /* in layers, nothing clipped */
        predict(&s, EGI_ICL_GD, &how, s.other);
        gap = distance(s.pred, s.other, ALL);
        printf("in layers: gap %.2g\n", gap);
        assert_true(gap < 1e-13);
        how.clip = .3;
        predict(&s, EGI_ICL_GD, &how, s.other);
        assert_true(distance(s.pred, s.other, ALL) > 1e-3);
    }
    tear_down(&s);
}

/* What converges, converges to the ridge solution. */
static void test_limits(void **state)
{
    enum { MANY = 64 };
    static const egi_icl_kind kind[] = {EGI_ICL_GD, EGI_ICL_CHEBYSHEV,
                                        EGI_ICL_NEWTON};
    double a[MANY];
    egi_icl_how how = {.steps = MANY, .ridge = 2, .newest = true, .low = .05};
    set s;

    (void)state;
    for (eg_index i = 0; i < MANY; i++) a[i] = .12;
    how.a = a;
    set_up(&s);
    predict(&s, EGI_ICL_RIDGE, &how, s.other);
    for (eg_index i = 0; i < 3; i++) {
        double gap;

        predict(&s, kind[i], &how, s.pred);
        gap = distance(s.pred, s.other, ALL);
        printf("%s, %d steps: %.2g from the ridge solution\n",
               egi_icl_solvers[kind[i]].name, MANY, gap);
        assert_true(gap < 1e-6);
        how.steps = 2;
        predict(&s, kind[i], &how, s.pred);
        assert_true(distance(s.pred, s.other, ALL) > 1e-3);
        how.steps = MANY;
    }
    tear_down(&s);
}

/* The ridge solution is where the gradient of its objective is 0:
 * (Y - Phi A) = 0, seen through the prediction for every unit input. */
static void test_cholesky(void **state)
{
    double a[9] = {4, 99, 99, 2, 5, 99, 1, 3, 6}, b[3] = {1, 2, 3}, x[3];
    double l[9], r0, r1, r2;

    (void)state;
    memcpy(l, a, sizeof a);
    assert_true(egi_cholesky(l, 3));
    egi_cholesky_solve(x, l, b, 3);
    r0 = 4 * x[0] + 2 * x[1] + x[2] - 1;
    r1 = 2 * x[0] + 5 * x[1] + 3 * x[2] - 2;
    r2 = x[0] + 3 * x[1] + 6 * x[2] - 3;
    printf("residuals %.2g %.2g %.2g\n", r0, r1, r2);
    assert_true(fabs(r0) + fabs(r1) + fabs(r2) < 1e-14);
    a[8] = 0;
    assert_false(egi_cholesky(a, 3));
}

static double total(const set *s, const double *pred)
{
    double sum = 0;

    for (int i = 0; i < T * N; i++)
        sum += pow(pred[i] - s->icl.target[i], 2) / 2;
    return sum;
}

static void check_gradient(set *s, egi_icl_kind kind, double clip, bool newest)
{
    double coef[3 * STEPS], grad[3 * STEPS] = {0}, largest = 0;
    const egi_icl_solver *solver = &egi_icl_solvers[kind];
    egi_icl_how how = {.steps = STEPS, .clip = clip, .newest = newest};
    egi_icl_grad g = {grad, &grad[STEPS], &grad[TWICE]};

    how.a = coef;
    how.b = &coef[STEPS];
    how.c = &coef[TWICE];
    for (int i = 0; i < 3 * STEPS; i++) coef[i] = .05 + .02 * (i * 5 % 7);
    if (kind == EGI_ICL_PROP2) how.ridge = .2;
    solver->run(&s->icl, &how, s->pred, &g, s->work);
    for (int i = 0; i < solver->coefs * STEPS; i++) {
        double h = 1e-6, was = coef[i], up, down, slope;

        coef[i] = was + h;
        predict(s, kind, &how, s->other);
        up = total(s, s->other);
        coef[i] = was - h;
        predict(s, kind, &how, s->other);
        down = total(s, s->other);
        coef[i] = was;
        slope = (up - down) / (2 * h);
        if (fabs(slope - grad[i]) > 1e-7 * (1 + fabs(slope)))
            fail_msg("%s, coefficient %d: %.12g, differences %.12g",
                     solver->name, i, grad[i], slope);
        largest = egi_most(largest, fabs(grad[i]));
    }
    printf("%s, clip %g: largest slope %.3g\n", solver->name, clip, largest);
    assert_true(largest > 1e-2);
}

static void test_gradients(void **state)
{
    set s;

    (void)state;
    set_up(&s);
    check_gradient(&s, EGI_ICL_GD, 0, true);
    check_gradient(&s, EGI_ICL_GD, 0, false);
    check_gradient(&s, EGI_ICL_GD, .9, true);
    check_gradient(&s, EGI_ICL_GDPP, 0, true);
    check_gradient(&s, EGI_ICL_GDPP, .9, true);
    check_gradient(&s, EGI_ICL_MOMENTUM, 0, true);
    check_gradient(&s, EGI_ICL_PROP2, 0, true);
    check_gradient(&s, EGI_ICL_PROP2, 0, false);
    tear_down(&s);
}

/* Softmax of the few, by hand. */
static void test_kernel(void **state)
{
    egi_icl_how how = {.sharpness = 1.7, .newest = false};
    set s;

    (void)state;
    set_up(&s);
    predict(&s, EGI_ICL_KERNEL, &how, s.pred);
    memset(s.other, 0, sizeof s.other);
    for (eg_index t = 2; t < T; t++) {
        double score[T], p[T];

        for (eg_index i = 1; i < t; i++)
            score[i - 1] = 1.7 * egi_dot(s.icl.k + i * N, s.icl.q + t * N, N);
        egi_softmax(p, score, t - 1);
        for (eg_index i = 1; i < t; i++)
            egi_axpy(s.other + t * N, p[i - 1], s.icl.y + i * N, N);
    }
    printf("kernel: gap %.2g\n", distance(s.pred, s.other, ALL));
    assert_true(distance(s.pred, s.other, ALL) < 1e-14);
    tear_down(&s);
}

/* Of two systems: the odds of the first, pair by pair. */
static void test_posterior(void **state)
{
    egi_icl_how how = {.newest = true};
    double odds = 0, even = 0; /* positions where neither is sure */
    set s;

    (void)state;
    set_up_of(&s, 3, 2);
    assert_true(s.icl.n_systems == 2);
    predict(&s, EGI_ICL_DMMSE, &how, s.pred);
    for (eg_index t = 0; t < T; t++) {
        double p;

        for (eg_index i = 0; i < N && t > 0; i++) {
            double d[2];

            for (int k = 0; k < 2; k++)
                d[k] = s.icl.y[t * N + i] -
                       egi_dot(s.icl.systems + (eg_index)k * SQUARE + i * N,
                               s.icl.k + t * N, N);
            odds += (d[1] * d[1] - d[0] * d[0]) / (2 * 3 * 3);
        }
        p = 1 / (1 + exp(-odds));
        even += p > .01 && p < .99;
        for (eg_index i = 0; i < N; i++) {
            double a = egi_dot(s.icl.systems + i * N, s.icl.q + t * N, N);
            double b =
                egi_dot(s.icl.systems + SQUARE + i * N, s.icl.q + t * N, N);

            s.other[t * N + i] = p * a + (1 - p) * b;
        }
    }
    printf("dmmse of two: gap %.2g, odds e^%.3g in the end, %g open\n",
           distance(s.pred, s.other, ALL), odds, even);
    assert_true(even >= 3);
    assert_true(distance(s.pred, s.other, ALL) < 1e-12);
    tear_down(&s);
}

/* A loss against the specification's: four standard errors of ours, and what
 * theirs was known to. */
static void check_loss(const char *sets, double expect, double known)
{
    double got, tol;

    theory_run(&seen, "mesa_solver", sets);
    got = emitted_at(&seen, 0, "mean");
    tol = 4 * emitted_at(&seen, 0, "mean_se") + known;
    printf("%s: %.4f, expected %.4f +- %.4f\n", sets, got, expect, tol);
    assert_true(fabs(got - expect) <= tol);
}

static void test_losses(void **state)
{
    (void)state;
    check_loss("solver=zero sequences=1024", 1.685, .005);
    check_loss("solver=oracle sequences=1024", 5e-4, 0);
    check_loss("solver=dmmse n_systems=1 met=true sequences=1024", 5e-4, 0);
    check_loss("solver=gd sequences=1024", .9015, .005);
    check_loss("ridge=0.001 sequences=1024", .1855, .002);
    check_loss("ridge=0.001 newest=false sequences=1024", .2103, .002);
    check_loss("solver=prop2 steps=6 newest=false ridge=0.001 sequences=1024 "
               "alpha=[1.0292,3.8551,3.7469,3.3828,2.9882,2.0934] "
               "beta=[0,.6402,.4798,.8144,1.6680,2.4196]",
               .2317, .002);
    check_loss("solver=prop2 steps=6 newest=false ridge=0.001 sequences=256 "
               "system=nonlinear features=true "
               "alpha=[1.0031,4.0158,3.8662,3.3217,2.7571,2.1693] "
               "beta=[0,.5630,.5661,.9348,1.5603,2.4258]",
               .0467, .001);
    check_loss("solver=gd steps=2 clip=4 tune=grid grid_from=.02 grid_to=.032 "
               "grid_points=4 sequences=1024 tune_sequences=256",
               .739, .02);
    check_loss("solver=gd steps=2 clip=4 tune=adam lr=.005 updates=100 "
               "sequences=1024",
               .646, .02);
}

static void test_refused(void **state)
{
    (void)state;
    check_refused(&seen, "mesa_solver", "ridge=0", "ridge: 0");
    check_refused(&seen, "mesa_solver", "ridge=1 alpha=[1]", "no alpha");
    check_refused(&seen, "mesa_solver", "solver=gd steps=2 alpha=[1]",
                  "expected 2 numbers");
    check_refused(&seen, "mesa_solver", "solver=newton tune=grid",
                  "nothing for a grid");
    check_refused(&seen, "mesa_solver", "ridge=1 tune=adam",
                  "nothing for adam");
    check_refused(&seen, "mesa_solver", "solver=gdpp newest=false", "layers");
    check_refused(&seen, "mesa_solver", "ridge=1 clip=1", "clip");
    check_refused(&seen, "mesa_solver", "solver=chebyshev low=0", "low: 0");
    check_refused(&seen, "mesa_solver", "solver=oracle n_ctx=10", "n_ctx: 10");
    check_refused(&seen, "mesa_solver", "solver=oracle hidden=15", "oracle");
    check_refused(&seen, "mesa_solver", "solver=zero system=nonlinear hidden=9",
                  "hidden");
    check_refused(&seen, "mesa_solver", "solver=dmmse", "n_systems");
    check_refused(&seen, "mesa_solver", "solver=dmmse n_systems=2 noise=0",
                  "by the noise");
    check_refused(&seen, "mesa_solver", "solver=zero met=true", "met:");
    check_refused(&seen, "mesa_solver", "solver=zero features=true",
                  "features:");
    check_refused(&seen, "mesa_solver",
                  "solver=zero n_systems=2 system=nonlinear", "n_systems:");
    check_refused(&seen, "mesa_solver", "tune=grid grid_from=2 grid_to=2",
                  "grid_to: 2");
}

static void test_threads(void **state)
{
    static const char sets[] =
        "solver=gdpp steps=2 clip=4 tune=adam updates=5 sequences=300";
    static emitted one, four;
    eg_err err = {0};

    (void)state;
    assert_int_equal(theory_try(&one, "mesa_solver", sets, 1, &err), EG_OK);
    assert_int_equal(theory_try(&four, "mesa_solver", sets, 4, &err), EG_OK);
    assert_true(one.n > 50);
    assert_memory_equal(&one, &four, sizeof one);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    theory_out_of_memory("mesa_solver",
                         "solver=gd tune=grid grid_points=2 sequences=40 "
                         "tune_sequences=3");
    theory_out_of_memory("mesa_solver", "solver=oracle sequences=3");
    theory_out_of_memory("mesa_solver",
                         "solver=gd tune=adam updates=1 sequences=3 batch=2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),        cmocka_unit_test(test_context),
        cmocka_unit_test(test_descent),      cmocka_unit_test(test_lags),
        cmocka_unit_test(test_limits),       cmocka_unit_test(test_cholesky),
        cmocka_unit_test(test_gradients),    cmocka_unit_test(test_kernel),
        cmocka_unit_test(test_posterior),    cmocka_unit_test(test_losses),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_threads),
        cmocka_unit_test(test_out_of_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
