/* Runs: orders and published errors of the schemes, normalisations, matrices
 * that change, kinks, noise, and what is refused. */
#include "engram/rng.h"
#include "sanitized.h"
#include "system_helper.h"

#include "engram/file.h"
#include "flow/numbers.h"

/* The last state of a run; release with eg_free. */
static double *final_state(const char *sets, eg_flow_stats *stats)
{
    flow_case c = flow_open(sets, NULL, 3, 0);
    eg_flow_stats own;
    double *x = flow_history(&c, stats ? stats : &own), *last;

    last = eg_calloc((size_t)(c.n * c.d), sizeof *last);
    memcpy(last, x + (c.setup->n_times - 1) * c.n * c.d,
           (size_t)(c.n * c.d) * sizeof *last);
    eg_free(x);
    flow_close(&c);
    return last;
}

static void check_order(const char *system, const char *method, int order)
{
    static const char *const h[] = {"0.04", "0.02"};
    char text[512];
    double e[2], *exact;

    (void)snprintf(text, sizeof text, "%s times=0,1 rtol=1e-13 atol=1e-15",
                   system);
    exact = final_state(text, NULL);
    for (int i = 0; i < 2; i++) {
        double *x;

        (void)snprintf(text, sizeof text, "%s times=0,1 method=%s h=%s", system,
                       method, h[i]);
        x = final_state(text, NULL);
        e[i] = largest_difference(x, exact, 60);
        eg_free(x);
    }
    printf("%-9s order %.3f, expected %d  (%s)\n", method, log2(e[0] / e[1]),
           order, system);
    assert_true(fabs(log2(e[0] / e[1]) - order) < 0.2);
    eg_free(exact);
}

static void test_orders(void **state)
{
    static const char *const systems[] = {
        "n=20 d=3 beta=4", "n=20 d=3 beta=2 Q=gaussian K=gaussian V=gaussian",
        "n=20 d=3 beta=2 norm=nGPT", "n=20 d=3 beta=2 norm=sqrt"};

    (void)state;
    for (size_t s = 0; s < sizeof systems / sizeof *systems; s++) {
        check_order(systems[s], "authors", 1);
        check_order(systems[s], "lie", 1);
        check_order(systems[s], "midpoint", 2);
        check_order(systems[s], "rk4", 4);
    }
    check_order("n=20 d=3 beta=2 norm=pre", "authors", 1);
    check_order("n=20 d=3 beta=2 norm=peri", "authors", 1);
    check_order("n=20 d=3 beta=2 norm=peri", "midpoint", 2);
    check_order("n=20 d=3 space=euclidean x0=gaussian V=goe", "authors", 1);
    check_order("n=20 d=3 space=rescaled x0=gaussian V=goe", "lie", 1);
    check_order("n=20 d=3 space=rescaled x0=gaussian V=goe", "rk4", 4);
}

/* Near consensus a step of the original program contracts by 1/(1+h). */
static void test_clock(void **state)
{
    eg_flow_stats stats;
    flow_case c = flow_open("n=2 d=2 x0=ring beta=3 method=authors h=0.1 "
                            "times=0,10,11",
                            NULL, 3, 0);
    double *x, a[2];

    (void)state;
    for (eg_index i = 0; i < 2; i++) { /* a small angle apart */
        c.setup->x0[2 * i] = cos(1e-3 * (double)i);
        c.setup->x0[2 * i + 1] = sin(1e-3 * (double)i);
    }
    x = flow_history(&c, &stats);
    for (eg_index i = 0; i < 2; i++) {
        const double *y = x + 4 * (i + 1);

        a[i] = hypot(y[0] - y[2], y[1] - y[3]);
    }
    printf("rate near consensus %.6f, expected ln(1.1)/0.1 = %.6f\n",
           log(a[0] / a[1]), log(1.1) / 0.1);
    assert_true(fabs(log(a[0] / a[1]) - log(1.1) / 0.1) < 1e-6);
    eg_free(x);
    flow_close(&c);
}

/* Errors of schemes at h = 0.1 as the specification prints them, at t = 2.5,
 * 10 and 30. */
static void test_published_errors(void **state)
{
    static const struct {
        const char *x0;
        int beta;
        const char *method;
        double error[3];
    } rows[] = {
        {"ic_A.csv", 1, "authors", {7.1e-2, 1.5e-1, 1.1e-2}},
        {"ic_A.csv", 1, "lie", {3.3e-2, 9.5e-2, 2.9e-3}},
        {"ic_A.csv", 1, "heun", {6.7e-4, 3.2e-3, 3.8e-5}},
        {"ic_A.csv", 1, "rk4", {1.3e-7, 9.4e-7, 2.0e-8}},
        {"ic_A.csv", 4, "authors", {6.0e-2, 2.9e-2, 3.9e-2}},
        {"ic_A.csv", 4, "lie", {1.1e-2, 8.8e-2, 3.8e-2}},
        {"ic_A.csv", 4, "heun", {4.2e-4, 3.0e-3, 1.8e-3}},
        {"ic_A.csv", 4, "rk4", {1.4e-7, 8.4e-7, 5.3e-7}},
        {"ic_A.csv", 9, "authors", {2.9e-2, 4.3e-3, 4.5e-3}},
        {"ic_A.csv", 9, "heun", {4.1e-4, 6.1e-5, 7.1e-5}},
        {"ic_A.csv", 9, "rk4", {2.3e-7, 1.9e-8, 2.4e-8}},
        {"ic_B.csv", 9, "authors", {7.4e-2, 2.1e-1, 4.3e-3}},
        {"ic_B.csv", 9, "rk4", {1.1e-6, 2.2e-7, 3.2e-7}},
    };
    char path[1024], text[256];
    eg_folder folder;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/reference/flow-peer", shared_dir());
    if (eg_folder_open(&folder, path, NULL) != EG_OK) {
        printf("%s: absent, skipped\n", path);
        skip();
    }
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        double *x[2];
        eg_index size = 0;

        for (int exact = 0; exact < 2; exact++) {
            eg_flow_stats stats;
            flow_case c;

            (void)snprintf(text, sizeof text,
                           "x0=%s beta=%d times=0,2.5,10,30 method=%s h=0.1",
                           rows[r].x0, rows[r].beta,
                           exact ? "dop853" : rows[r].method);
            c = flow_open(text, &folder, 1, 0);
            x[exact] = flow_history(&c, &stats);
            size = c.n * c.d;
            flow_close(&c);
        }
        printf("%s beta=%d %-8s:", rows[r].x0, rows[r].beta, rows[r].method);
        for (int i = 0; i < 3; i++) {
            double e = largest_difference(x[0] + (i + 1) * size,
                                          x[1] + (i + 1) * size, size);

            printf(" %.2e (%.1e)", e, rows[r].error[i]);
            /* printed with two digits */
            assert_true(fabs(e / rows[r].error[i] - 1) < 0.051);
        }
        printf("\n");
        eg_free(x[0]);
        eg_free(x[1]);
    }
}

/* ---- normalisations ---- */

static double gap(const double *x, eg_index d)
{
    double a = 0, b = 0, s = 0;

    for (eg_index k = 0; k < d; k++) {
        a += x[k] * x[k];
        b += x[d + k] * x[d + k];
    }
    for (eg_index k = 0; k < d; k++) {
        double e = x[k] / sqrt(a) - x[d + k] / sqrt(b);

        s += e * e / 2; /* 1 - <u,v> */
    }
    return s;
}

static void test_normalisations(void **state)
{
    static const struct {
        const char *norm;
        int beta;
        double gap[3]; /* at t = 10, 50, 200; 0: not printed */
    } rows[] = {
        {"post", 1, {7.80e-8, 0, 0}},
        {"pre", 1, {1.591e-2, 5.027e-4, 3.003e-5}},
        {"peri", 1, {1.130e-2, 4.698e-4, 2.952e-5}},
        {"nGPT", 1, {6.47e-9, 0, 0}},
        {"sqrt", 1, {3.566e-3, 8.12e-10, 0}},
        {"post", 4, {2.261e-6, 0, 0}},
        {"pre", 4, {5.853e-1, 1.931e-2, 9.351e-4}},
        {"peri", 4, {3.255e-1, 1.453e-2, 8.720e-4}},
        {"nGPT", 4, {1.196e-7, 0, 0}},
        {"sqrt", 4, {9.310e-2, 2.35e-8, 0}},
    };

    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        char text[256];
        eg_flow_stats stats;
        flow_case c;
        double *x;

        (void)snprintf(text, sizeof text,
                       "n=32 d=32 x0=equiangular x0_size=0 norm=%s beta=%d "
                       "times=0,10,50,200",
                       rows[r].norm, rows[r].beta);
        c = flow_open(text, NULL, 1, 0);
        x = flow_history(&c, &stats);
        printf("%-4s beta=%d: 1 - rho", rows[r].norm, rows[r].beta);
        for (eg_index i = 0; i < 3 && rows[r].gap[i] > 0; i++) {
            double e = gap(x + (i + 1) * 1024, 32);

            printf("  %.4g (%.4g)", e, rows[r].gap[i]);
            assert_true(fabs(e / rows[r].gap[i] - 1) < 2e-3);
        }
        printf("\n");
        eg_free(x);
        flow_close(&c);
    }
}

/* A run of two pieces against one run after the other. */
static void check_pieces(const char *whole, const char *first,
                         const char *second, double tol)
{
    double *x = final_state(whole, NULL), worst;
    flow_case a = flow_open(first, NULL, 3, 0);
    flow_case b = flow_open(second, NULL, 3, 0);
    eg_flow_stats stats;
    double *mid = flow_history(&a, &stats), *y;
    eg_index size = a.n * a.d;

    memcpy(b.setup->x0, mid + (a.setup->n_times - 1) * size,
           (size_t)size * sizeof *mid);
    y = flow_history(&b, &stats);
    worst = largest_difference(x, y + (b.setup->n_times - 1) * size, size);
    printf("%s: pieces differ by %.2g\n", whole, worst);
    assert_true(worst < tol);
    eg_free(x);
    eg_free(y);
    eg_free(mid);
    flow_close(&a);
    flow_close(&b);
}

static void test_mix(void **state)
{
    (void)state;
    check_pieces("n=10 d=3 beta=2 norm=mix tau=1.7 times=0,1,5",
                 "n=10 d=3 beta=2 norm=post times=0,1.7",
                 "n=10 d=3 beta=2 norm=pre times=1.7,5", 1e-11);
    check_pieces("n=10 d=3 beta=2 norm=mix tau=1.7 times=0,1,5 method=bdf",
                 "n=10 d=3 beta=2 norm=post times=0,1.7",
                 "n=10 d=3 beta=2 norm=pre times=1.7,5", 1e-9);
}

static void test_intervals(void **state)
{
    double V[3 * 9] = {0};
    eg_flow_spec spec = {.n = 10, .d = 3, .beta = 2, .n_intervals = 3};
    const double changes[] = {0.7, 1.9}, times[] = {0, 1, 1.9, 3};
    double x[30], y[30], worst;
    flow_case c = flow_open("n=10 d=3", NULL, 3, 0);
    eg_flow_solve how = {0};
    eg_flow_stats stats;
    eg_flow *f = NULL;
    eg_err err = {0};

    (void)state;
    for (int i = 0; i < 27; i++) V[i] = sin(1 + i * i);
    memcpy(x, c.setup->x0, sizeof x);
    memcpy(y, x, sizeof y);
    spec.V = V;
    spec.change_time = changes;
    assert_int_equal(eg_flow_new(&f, &spec, NULL, &err), EG_OK);
    assert_int_equal(eg_flow_run(f, x, times, 4, &how, &stats, &err), EG_OK);
    eg_flow_free(f);
    for (eg_index i = 0; i < 3; i++) {
        const double piece[] = {i ? changes[i - 1] : 0, i < 2 ? changes[i] : 3};
        eg_flow_spec one = spec;

        one.n_intervals = 1;
        one.V = V + 9 * i;
        assert_int_equal(eg_flow_new(&f, &one, NULL, &err), EG_OK);
        assert_int_equal(eg_flow_run(f, y, piece, 2, &how, &stats, &err),
                         EG_OK);
        eg_flow_free(f);
    }
    worst = largest_difference(x, y, 30);
    printf("three intervals of V: pieces differ by %.2g\n", worst);
    assert_true(worst < 1e-11);
    flow_close(&c);
}

/* ---- kinks ---- */

/* relu has kinks, which defeat estimates of the error of a step; that is made
 * up for. Against tolerances of 1e-15. */
static void test_kinks(void **state)
{
    double w[12], a[12], b[4], worst = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= (SANITIZED ? 1 : 8); seed++) {
        eg_rng rng = eg_rng_make(seed, EG_RNG_INIT, 9, 0);
        flow_case c =
            flow_open("n=64 d=3 beta=0.5 times=0,0.7,1.4", NULL, seed, 0);
        eg_flow_spec spec = c.setup->spec;
        eg_flow_stats stats;

        for (int k = 0; k < 12; k++) w[k] = eg_rng_normal(&rng);
        for (int k = 0; k < 12; k++) a[k] = eg_rng_normal(&rng);
        for (int k = 0; k < 4; k++) b[k] = 0.5 * eg_rng_normal(&rng);
        spec.ffn = EG_FLOW_FFN_RELU;
        spec.d_mlp = 4;
        spec.w = w;
        spec.a = a;
        spec.b = b;
        eg_flow_free(c.flow);
        assert_int_equal(eg_flow_new(&c.flow, &spec, NULL, NULL), EG_OK);
        double *x = flow_history(&c, &stats);
        c.setup->solve.rtol = 1e-15;
        c.setup->solve.atol = 1e-17;
        double *y = flow_history(&c, &stats);
        worst = fmax(worst, largest_difference(x, y, 3 * c.n * c.d));
        eg_free(x);
        eg_free(y);
        flow_close(&c);
    }
    printf("relu: off by %.2g\n", worst);
    assert_true(worst < 1e-9);
}

/* ---- noise ---- */

static void test_noise(void **state)
{
    static const char *const methods[] = {"authors", "euler", "lie"};

    (void)state;
    for (int m = 0; m < 3; m++) {
        char text[256];
        eg_flow_stats stats;
        flow_case c;
        double *x, mean = 0, expect = exp(-2 * 0.3);

        (void)snprintf(text, sizeof text,
                       "n=4000 d=3 V=0 noise=0.3 h=0.01 times=0,0.5,1 "
                       "method=%s",
                       methods[m]);
        c = flow_open(text, NULL, 3, 0);
        x = flow_history(&c, &stats);
        for (eg_index k = 0; k < c.n * c.d; k++)
            mean += x[k] * x[2 * c.n * c.d + k] / (double)c.n;
        printf("Brownian motion, %-7s: <x(1), x(0)> = %.4f, expected %.4f\n",
               methods[m], mean, expect);
        /* 4 standard errors (one token: below 0.6) and O(h) */
        assert_true(fabs(mean - expect) < 4 * 0.6 / sqrt(4000.0));
        /* continued at t = 0.5: the same increments */
        memcpy(c.setup->x0, x + c.n * c.d,
               (size_t)(c.n * c.d) * sizeof(double));
        c.setup->times[0] = 0.5;
        c.setup->times[1] = 1;
        c.setup->n_times = 2;
        double *y = flow_history(&c, &stats);
        double worst =
            largest_difference(y + c.n * c.d, x + 2 * c.n * c.d, c.n * c.d);
        printf("    continued: off by %.2g\n", worst);
        assert_true(worst < 1e-13);
        eg_free(x);
        eg_free(y);
        flow_close(&c);
    }
}

/* One long geodesic step of noise turns a token by s chi_2, s = sqrt(2 kappa
 * h): <x', x> is cos of it, with mean int r exp(-r^2/2) cos(s r) dr. */
static void test_noise_is_tangent(void **state)
{
    eg_flow_stats stats;
    flow_case c = flow_open(
        "n=20000 d=3 V=0 noise=0.5 h=0.8 times=0,0.8 method=lie", NULL, 3, 0);
    double *x = flow_history(&c, &stats), mean = 0, sd = 0, expect = 0;
    double s = sqrt(2 * 0.5 * 0.8), n = 20000;

    (void)state;
    for (eg_index i = 0; i < 20000; i++) {
        const double *a = x + 3 * i, *b = a + 3 * c.n;
        double dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

        mean += dot / n;
        sd += dot * dot / n;
    }
    sd = sqrt((sd - mean * mean) / n);
    for (int k = 0; k < 10000; k++) {
        double r = 1e-3 * (k + 0.5);

        expect += 1e-3 * r * exp(-r * r / 2) * cos(s * r);
    }
    printf("one step of noise: <x', x> = %.4f +- %.4f, expected %.4f\n", mean,
           sd, expect);
    assert_true(fabs(mean - expect) < 4 * sd);
    eg_free(x);
    flow_close(&c);
}

/* ---- what is refused ---- */

static void refused(const char *sets, const char *says, double poison)
{
    flow_case c = flow_open(sets, NULL, 3, 0);
    eg_flow_stats stats;
    eg_err err = {0};

    if (poison != 1) c.setup->x0[1] = poison;
    if (poison == 0) memset(c.setup->x0, 0, 3 * sizeof(double));
    assert_int_not_equal(eg_flow_run(c.flow, c.setup->x0, c.setup->times,
                                     c.setup->n_times, &c.setup->solve, &stats,
                                     &err),
                         EG_OK);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, says));
    flow_close(&c);
}

static void refused_system(const char *sets, const char *says)
{
    static eg_flow_opts o;
    eg_flow_setup *s = NULL;
    eg_flow *f = NULL;
    eg_err err = {0};

    flow_options(&o, sets);
    assert_int_equal(eg_flow_setup_new(&s, &o, 1, NULL, &err), EG_OK);
    assert_int_not_equal(eg_flow_new(&f, &s->spec, NULL, &err), EG_OK);
    assert_null(f);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, says));
    eg_flow_setup_free(s);
}

/* Adaptive steps on float32 sums: near the flow in float64, with no more steps
 * than that takes; a series, computed in float64, is not concerned. */
static void test_single(void **state)
{
    eg_flow_stats one, two;
    double *x = final_state("n=60 d=4 beta=4 times=0:5:0.5 rtol=1e-6", &two);
    double *y = final_state(
        "n=60 d=4 beta=4 times=0:5:0.5 rtol=1e-6 precision=float32", &one);
    double worst = largest_difference(x, y, 240);

    (void)state;
    printf("float32: %.1e from float64, %lld steps against %lld\n", worst,
           (long long)one.steps, (long long)two.steps);
    assert_true(worst > 0 && worst < 1e-4);
    assert_true(one.steps < 4 * two.steps);
    eg_free(x);
    eg_free(y);
    eg_free(
        final_state("n=60 d=4 times=0,1 precision=float32 method=rk4", NULL));
    eg_free(final_state("n=60 d=3 times=0,1 precision=float32 sum=harmonics",
                        NULL));
}

static void test_refused(void **state)
{
    (void)state;
    refused("n=4 d=3", "found nan in coordinate 1 of token 0", NAN);
    refused("n=4 d=3", "token 0 zero", 0);
    refused("n=4 d=3 noise=1 method=dop853", "authors, euler or lie", 1);
    refused("n=4 d=3 noise=1 method=bdf", "authors, euler or lie", 1);
    refused("n=4 d=3 causal=true fuse=true", "fuse", 1);
    refused("n=4 d=3 norm=sqrt times=-1,0", "sqrt(t + 1)", 1);
    refused("n=4 d=3 space=rescaled x0=cube times=0,10,400 method=heun",
            "overflow at t = 400", 1);
    refused("n=4 d=3 space=euclidean x0=cube V=40 times=0:100:1 method=euler",
            "not finite", 1);
    refused("n=4 d=3 space=euclidean x0=cube V=40 times=0:100:1", "not finite",
            1);
    refused("n=4 d=3 precision=float32", "rtol: expected 1e-06 or more", 1);
    refused("n=4 d=3 precision=float32 method=bdf rtol=9e-7", "fixed steps", 1);
    refused_system("n=4 d=3 beta=4000 model=USA", "USA_shifted");
    refused_system("n=4 d=3 space=rescaled V=1,2", "one head");
    refused_system("n=4 d=3 space=euclidean norm=pre", "norm");
    refused_system("n=4 d=3 norm=pre noise=1", "noise");
}

/* What was reached before an overflow is put out, and x holds it. */
static void test_overflow(void **state)
{
    flow_case c =
        flow_open("n=4 d=3 space=rescaled x0=cube times=0,10,400", NULL, 3, 0);
    double kept[36] = {0};
    flow_kept keep = {.x = kept, .size = 12};
    eg_flow_solve how = c.setup->solve;
    eg_flow_stats stats;

    (void)state;
    how.output = keep_tokens;
    how.ctx = &keep;
    assert_int_equal(
        eg_flow_run(c.flow, c.setup->x0, c.setup->times, 3, &how, &stats, NULL),
        EG_EINVAL);
    assert_true(stats.t == 10);
    assert_memory_equal(c.setup->x0, kept + 12, sizeof(double) * 12);
    for (int i = 0; i < 24; i++) assert_true(isfinite(kept[i]));
    flow_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_orders),
                                       cmocka_unit_test(test_clock),
                                       cmocka_unit_test(test_published_errors),
                                       cmocka_unit_test(test_normalisations),
                                       cmocka_unit_test(test_mix),
                                       cmocka_unit_test(test_intervals),
                                       cmocka_unit_test(test_kinks),
                                       cmocka_unit_test(test_noise),
                                       cmocka_unit_test(test_noise_is_tangent),
                                       cmocka_unit_test(test_single),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_overflow)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
