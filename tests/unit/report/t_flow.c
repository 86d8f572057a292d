/* Pictures of flows: hulls, directions, what of a run is shown, what the page
 * and the figures hold. */

#include "rundir.h"

#include <math.h>
#include "report/flow_view.h"
#include "report/svg.h"

static double triple(const double *a, const double *b, const double *c)
{
    return a[0] * (b[1] * c[2] - b[2] * c[1]) +
           a[1] * (b[2] * c[0] - b[0] * c[2]) +
           a[2] * (b[0] * c[1] - b[1] * c[0]);
}

/* Volume (area) inside a hull about the origin. */
static double inside(const double *x, const int *corner, int n, int dim)
{
    double sum = 0;

    for (int k = 0; dim == 3 && k < n; k += 3)
        sum += triple(x + 3 * (ptrdiff_t)corner[k],
                      x + 3 * (ptrdiff_t)corner[k + 1],
                      x + 3 * (ptrdiff_t)corner[k + 2]) /
               6;
    for (int k = 0; dim == 2 && k < n; k++) {
        const double *a = x + 2 * (ptrdiff_t)corner[k];
        const double *b = x + 2 * (ptrdiff_t)corner[(k + 1) % n];
        sum += (a[0] * b[1] - a[1] * b[0]) / 2;
    }
    return sum;
}

static void test_hull_known(void **state)
{
    /* a square with its middle, corners twice, and a point on a side */
    static const double square[] = {1,  1, -1, 1, 0, 0,  -1, -1,          1,
                                    -1, 1, 1,  0, 1, -1, -1, (double)NAN, 5};
    double cube[10][3] = {{0}};
    static const double line[] = {0, 0, 1, 1, 2, 2, 3, 3};
    int *corner = NULL, n = 0;
    eg_err err = {0};

    (void)state;
    assert_int_equal(egi_hull(&corner, &n, square, 9, 2, &err), EG_OK);
    print_message("square: %d corners, area %.17g\n", n,
                  inside(square, corner, n, 2));
    assert_int_equal(n, 4);
    assert_true(fabs(inside(square, corner, n, 2) - 4) < 1e-15);
    eg_free(corner);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 3; k++) cube[i][k] = i >> k & 1 ? 1 : -1;
    assert_int_equal(egi_hull(&corner, &n, cube[0], 10, 3, &err), EG_OK);
    print_message("cube: %d triangles, volume %.17g\n", n / 3,
                  inside(cube[0], corner, n, 3));
    assert_int_equal(n, 36);
    assert_true(fabs(inside(cube[0], corner, n, 3) - 8) < 1e-14);
    eg_free(corner);
    assert_int_equal(egi_hull(&corner, &n, line, 4, 2, &err), EG_OK);
    assert_int_equal(n, 0); /* flat */
    eg_free(corner);
    for (int i = 0; i < 10; i++) cube[i][2] = 0;
    assert_int_equal(egi_hull(&corner, &n, cube[0], 10, 3, &err), EG_OK);
    assert_int_equal(n, 0);
    eg_free(corner);
}

/* Of many points: none outside, and Euler's count of faces. */
static void test_hull_random(void **state)
{
    enum { N = 300 };
    static double x[N * 3];
    unsigned s = 1;
    int *corner = NULL, n = 0, vertices = 0;
    bool used[N] = {false};
    double worst = -1;

    (void)state;
    for (int i = 0; i < N * 3; i++) {
        s = s * 1664525U + 1013904223U;
        x[i] = (double)s / 4294967296.0 * 2 - 1;
    }
    assert_int_equal(egi_hull(&corner, &n, x, N, 3, NULL), EG_OK);
    for (int k = 0; k < n; k++) used[corner[k]] = true;
    for (int i = 0; i < N; i++) vertices += used[i];
    for (int k = 0; k < n; k += 3) {
        const double *a = x + 3 * (ptrdiff_t)corner[k];
        const double *b = x + 3 * (ptrdiff_t)corner[k + 1];
        const double *c = x + 3 * (ptrdiff_t)corner[k + 2];
        for (int i = 0; i < N; i++) {
            double u[3], v[3], w[3];
            for (int j = 0; j < 3; j++) {
                u[j] = b[j] - a[j];
                v[j] = c[j] - a[j];
                w[j] = x[3 * (ptrdiff_t)i + j] - a[j];
            }
            worst = fmax(worst, triple(w, u, v));
        }
    }
    print_message("%d vertices, %d triangles, farthest outside %.3g\n",
                  vertices, n / 3, worst);
    assert_int_equal(n / 3, 2 * vertices - 4);
    assert_true(worst < 1e-8);
    eg_free(corner);
}

static void test_principal(void **state)
{
    enum { N = 6, D = 5 };
    double x[N * D] = {0}, one[N * D] = {0}, dir[2 * D], work[N], share, dot;

    (void)state;
    for (ptrdiff_t i = 0; i < N; i++) { /* most along e3, some along e1 */
        x[i * D + 3] = i % 2 ? 2 : -2;
        x[i * D + 1] = i < 3 ? 1 : -1;
        x[i * D] = .1;
        for (int k = 0; k < D; k++)
            one[i * D + k] = sin(3.3 * k + 1) * (double)(i + 1);
    }
    share = egi_principal(dir, x, one, N, D, work);
    print_message("share %.12f, directions %.9f %.9f\n", share, fabs(dir[3]),
                  fabs(dir[D + 1]));
    assert_true(fabs(share - 5 / 5.01) < 0.01);
    assert_true(fabs(dir[3]) > .9 && fabs(dir[D + 1]) > .9);
    /* one direction only: the second comes from the other state */
    share = egi_principal(dir, one, x, N, D, work);
    dot = 0;
    for (int k = 0; k < D; k++) dot += dir[k] * dir[D + k];
    print_message("share %.12f, second %.6f, product %.1e\n", share,
                  fabs(dir[D + 3]), dot);
    assert_true(fabs(share - 1) < 1e-12);
    assert_true(fabs(dot) < 1e-14 && fabs(dir[D + 3]) > .5);
}

/* --- run directories --- */

#define CONFIG                                                   \
    "run:\n  name: f\n  kind: flow\n  seed: 3\nflow:\n"          \
    "  model: SA\n  space: sphere\n  beta: 4\n  causal: false\n" \
    "  delta: 0.001\n"
#define ROWS                                                            \
    "{\"step\":0,\"t\":0,\"components\":40,\"energy_shifted\":0.1}\n"   \
    "{\"step\":1,\"t\":0.5,\"components\":20,\"energy_shifted\":0.3}\n" \
    "{\"step\":2,\"t\":4,\"components\":2,\"energy_shifted\":0.5}\n"

enum { TIMES = 3 };

/* n tokens on the circle of R^d that close in on two antipodal ones; radius
 * other than 1: a residual stream. */
static void put_flow(const char *root, const char *config, int n, int d,
                     double radius)
{
    static double x[TIMES * 3000 * 4];
    double t[TIMES] = {0, .5, 4}, merge[] = {.7, 10, 2.5, 2};
    int64_t hist[TIMES * 4] = {1, 2, 3, 4, 0, 0, 5, 5, 5, 0, 0, 5};
    eg_view v = {x, EG_F64, 3, {TIMES, n, d}};
    double *o = x;

    for (int q = 0; q < TIMES; q++)
        for (int i = 0; i < n; i++, o += d) {
            double a = q == 2 ? (i % 2 ? 0 : 3.14159265358979) + 1e-3 * i / n
                              : 6.28 * i / n;
            memset(o, 0, (size_t)d * sizeof *o);
            o[0] = radius * cos(a);
            if (d > 1) o[1] = radius * sin(a);
        }
    test_put(root, "f/config.yaml", config);
    test_put(root, "f/run.json", "{\"name\":\"f\",\"seed\":3}");
    test_put(root, "f/metrics.jsonl", ROWS);
    test_put_array(root, "f/arrays/x.npy", &v);
    v = (eg_view){t, EG_F64, 1, {TIMES}};
    test_put_array(root, "f/arrays/t.npy", &v);
    v = (eg_view){hist, EG_I64, 2, {TIMES, 4}};
    test_put_array(root, "f/arrays/hist.npy", &v);
    v = (eg_view){merge, EG_F64, 2, {2, 2}};
    test_put_array(root, "f/arrays/merges.npy", &v);
}

static void read_flow(egi_flow *f, const char *root, int64_t values,
                      json_t *problems)
{
    char dir[256];
    egi_run r;
    eg_err err = {0};

    (void)snprintf(dir, sizeof dir, "%s/f", root);
    assert_int_equal(egi_run_read(&r, dir, NULL, &err), EG_OK);
    assert_true(r.flow);
    if (egi_flow_read(f, &r, values, problems, &err) != EG_OK)
        fail_msg("%s", err.msg);
    egi_run_release(&r);
}

static void test_tokens(void **state)
{
    char *root = scratch_new();
    json_t *problems = json_array();
    egi_flow f;
    double sum = 0;

    (void)state;
    put_flow(root, CONFIG, 40, 3, 2);
    read_flow(&f, root, 1000000, problems);
    print_message("%td tokens in R^%td, %d x %d x %d shown, %d clusters\n", f.n,
                  f.d, f.n_frames, f.n_tokens, f.dim, f.n_labels);
    assert_int_equal(f.n_frames, TIMES);
    assert_int_equal(f.n_tokens, 40);
    assert_int_equal(f.dim, 3);
    assert_int_equal(f.n_labels, 2);
    assert_true(f.beta > 3.99 && f.beta < 4.01);
    assert_true(f.label[0] != f.label[1] && f.label[0] == f.label[2]);
    /* directions of a residual stream */
    for (int k = 0; k < 3; k++) sum += f.x[k] * f.x[k];
    assert_true(fabs(sum - 1) < 1e-15);
    /* counts 1 2 3 4 in bins of width 1/2 */
    assert_int_equal(f.bins, 4);
    for (int b = 0; b < 4; b++)
        assert_true(fabs(f.hist[b] - .2 * (b + 1)) < 1e-15);
    assert_int_equal(f.n_merges, 2);
    assert_int_equal(egi_flow_nearest(&f, 1.9), 1);
    assert_int_equal(egi_flow_nearest(&f, 100), 2);
    assert_int_equal(json_array_size(problems), 0);
    egi_flow_release(&f);
    json_decref(problems);
    scratch_free(root);
}

/* Limits: tokens give way first, evenly; more dimensions are projected. */
static void test_thin(void **state)
{
    char *root = scratch_new();
    json_t *problems = json_array();
    egi_flow f;
    double worst = 0;

    (void)state;
    put_flow(root, CONFIG, 3000, 4, 1);
    read_flow(&f, root, 1000000, problems);
    assert_int_equal(f.n_tokens, EGI_FLOW_TOKENS);
    assert_int_equal(f.token[0], 0);
    assert_int_equal(f.token[1000], 1500);
    assert_int_equal(f.dim, 2);
    for (ptrdiff_t i = 0; i < f.n_tokens; i++) /* the plane holds all of it */
        worst = fmax(worst, fabs(hypot(f.x[2 * i], f.x[2 * i + 1]) - 1));
    print_message("share %.12f, lengths off by %.1e\n", f.share, worst);
    assert_true(fabs(f.share - 1) < 1e-12 && worst < 1e-12);
    egi_flow_release(&f);
    read_flow(&f, root, 600, problems);
    print_message("%d tokens, %d times\n", f.n_tokens, f.n_frames);
    assert_int_equal(f.n_tokens, 100);
    egi_flow_release(&f);
    read_flow(&f, root, 300, problems);
    assert_int_equal(f.n_tokens, 64);
    assert_int_equal(f.n_frames, 2);
    assert_true(f.t[1] > 3.99); /* the first and the last */
    egi_flow_release(&f);
    assert_int_equal(json_array_size(problems), 0);
    json_decref(problems);
    scratch_free(root);
}

/* Damaged arrays become sentences, and what is left is shown. */
static void test_damaged(void **state)
{
    char *root = scratch_new();
    json_t *problems = json_array();
    egi_flow f;
    char *text;

    (void)state;
    put_flow(root, CONFIG, 10, 2, 1);
    test_put(root, "f/arrays/hist.npy", "\x93NUMPY");
    test_put(root, "f/arrays/t.npy", "");
    test_put(root, "f/arrays/merges.npy", "no");
    read_flow(&f, root, 1000, problems);
    text = json_dumps(problems, JSON_COMPACT);
    print_message("%s\n", text);
    free(text);
    assert_int_equal(json_array_size(problems), 3);
    assert_int_equal(f.n_frames, TIMES);
    assert_int_equal(f.bins, 0);
    assert_true(f.t[2] > 1.99 && f.t[2] < 2.01); /* counted */
    egi_flow_release(&f);
    test_put(root, "f/arrays/x.npy", "no tokens");
    read_flow(&f, root, 1000, problems);
    assert_int_equal(f.n_frames, 0);
    egi_flow_release(&f);
    json_decref(problems);
    scratch_free(root);
}

static int count(const char *text, const char *what)
{
    int n = 0;

    for (; (text = strstr(text, what)); text++) n++;
    return n;
}

/* The figures: which are written, at which times, with how many tokens. */
static void test_svg(void **state)
{
    char *root = scratch_new(), run[256], dir[256], path[300], *text;
    const char *p = run;
    const double times[] = {.4, 3};
    const eg_report_opts o = {.times = times, .n_times = 2};
    int n = 0;
    eg_err err = {0};

    (void)state;
    put_flow(root, CONFIG, 40, 2, 1);
    (void)snprintf(run, sizeof run, "%s/f", root);
    (void)snprintf(dir, sizeof dir, "%s/figures", root);
    assert_int_equal(eg_report_svg(&p, 1, dir, &o, &n, &err), EG_OK);
    assert_int_equal(n, 5); /* tokens, tracks, map, plateaus, clusters */
    (void)snprintf(path, sizeof path, "%s/f-tokens.svg", dir);
    text = test_read(path);
    print_message("%d circles\n", count(text, "<circle"));
    /* per moment: the outline and the tokens; discs only at the end */
    assert_int_equal(count(text, "<circle"), 2 * 41 + 2);
    assert_int_equal(count(text, "t = 0.5"), 1);
    assert_int_equal(count(text, "t = 4"), 1);
    eg_free(text);
    (void)snprintf(path, sizeof path, "%s/f-tracks.svg", dir);
    text = test_read(path);
    assert_int_equal(count(text, "<path stroke=\"#"), 40);
    assert_null(strstr(text, "nan"));
    eg_free(text);
    (void)snprintf(path, sizeof path, "%s/f-clusters.svg", dir);
    text = test_read(path);
    assert_non_null(strstr(text, "time t"));
    assert_int_equal(count(text, "stroke=\"#bbb\""), 2); /* two mergers */
    /* 40, 20, 2 from t = 0 to 4: stairs; the figure starts at x = 58 */
    assert_non_null(strstr(text, "H96.5L96.5"));
    eg_free(text);
    scratch_free(root);
}

/* --- phase diagrams --- */

static void test_phase_names(void **state)
{
    static const struct {
        const char *metric, *name;
        double t;
    } good[] = {{"density_10", "density", 10},
                {"density_d8_2.5", "density_d8", 2.5},
                {"a_1_1000", "a_1", 1000}};
    static const char *const bad[] = {
        "density",     "density_", "_10",         "density_10_sd",
        "density_10x", "cosine_1", "density_9.99"};
    egi_run r = {0};
    char name[64];
    double t = 0;

    (void)state;
    r.n_times = egi_yaml_numbers("run:\n  times: [3]\ntheory:\n  other: [1]\n"
                                 "  times: [2.5, \"10\",\n    1000]\n",
                                 "theory", "times", r.times, EGI_TIMES);
    assert_int_equal(r.n_times, 3);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(egi_phase_split(&r, good[i].metric, name, sizeof name, &t));
        print_message("%s: %s at %g\n", good[i].metric, name, t);
        assert_string_equal(name, good[i].name);
        assert_true(fabs(t - good[i].t) < 1e-12);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(egi_phase_split(&r, bad[i], name, sizeof name, &t));
}

/* Three times, two betas: one map with its line, no curve for its parts. */
static void test_phase_svg(void **state)
{
    char *root = scratch_new(), run[256], dir[256], path[300], *text;
    const char *p = run;
    int n = 0;
    eg_err err = {0};

    (void)state;
    test_put(root, "p/config.yaml",
             "run:\n  name: p\n  kind: theory\n  theory: none\n"
             "theory:\n  times: [0, 1, 2]\n");
    test_put(root, "p/run.json", "{\"name\":\"p\"}");
    test_put(root, "p/metrics.jsonl",
             "{\"step\":1,\"x_0\":0,\"x_1\":0.5,\"x_2\":1,"
             "\"x_2_sd\":0.1,\"boundary\":1}\n"
             "{\"step\":2,\"x_0\":0,\"x_1\":0,\"x_2\":1,"
             "\"x_2_sd\":0.1,\"boundary\":1.5}\n");
    (void)snprintf(run, sizeof run, "%s/p", root);
    (void)snprintf(dir, sizeof dir, "%s/figures", root);
    assert_int_equal(eg_report_svg(&p, 1, dir, NULL, &n, &err), EG_OK);
    assert_int_equal(n, 2); /* the map, the boundary by itself */
    (void)snprintf(path, sizeof path, "%s/p-phase-x.svg", dir);
    text = test_read(path);
    /* violet, green and yellow: columns of one, two and one rectangle */
    print_message("%d violet\n", count(text, "#440154"));
    assert_int_equal(count(text, "height=\"230.00\" fill=\"#440154\""), 1);
    assert_int_equal(count(text, "height=\"115.00\" fill=\"#440154\""), 1);
    assert_int_equal(count(text, "height=\"115.00\" fill=\"#22908c\""), 1);
    assert_int_equal(count(text, "height=\"230.00\" fill=\"#fde725\""), 1);
    /* (1, 1) and (1.5, 2): centres of cells of the frame */
    assert_int_equal(count(text, "M212.0 200.5L263.3 85.5"), 2);
    assert_non_null(strstr(text, ">Line: when tokens that start"));
    eg_free(text);
    scratch_free(root);
}

/* Each allocation fails once: a clean error, or a figure without. */
static void test_no_memory(void **state)
{
    char *root = scratch_new(), run[256], dir[256], out[256];
    const char *p = run;
    eg_report_opts opts = {.out = out};
    int64_t live;
    int k = 1;

    (void)state;
    put_flow(root, CONFIG, 12, 4, 1);
    (void)snprintf(run, sizeof run, "%s/f", root);
    (void)snprintf(dir, sizeof dir, "%s/figures", root);
    (void)snprintf(out, sizeof out, "%s/report.html", root);
    live = eg_mem_query().live_bytes;
    for (int svg = 0; svg < 2; svg++) {
        for (k = 1; k < 3000; k++) {
            eg_err err = {0};
            int64_t before = eg_mem_query().n_allocs;
            eg_status st;
            eg_mem_fail_after(k);
            st = svg ? eg_report_svg(&p, 1, dir, NULL, NULL, &err)
                     : eg_report_write(&p, 1, &opts, &err);
            eg_mem_fail_after(0);
            assert_int_equal(eg_mem_query().live_bytes, live);
            if (st == EG_OK && eg_mem_query().n_allocs - before < k) break;
            assert_true(st == EG_OK || err.msg[0]);
        }
        print_message("%d allocations, each failed once\n", k - 1);
        assert_true(k > 10 && k < 3000);
    }
    scratch_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hull_known),  cmocka_unit_test(test_hull_random),
        cmocka_unit_test(test_principal),   cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_thin),        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_svg),         cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_phase_names), cmocka_unit_test(test_phase_svg),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
