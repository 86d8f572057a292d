/* From options to numbers: words, files, and everything that is wrong with
 * them. */
#include "system_helper.h"

#include "base/check.h"
#include "flow/numbers.h"

static char dir[200];
static eg_folder folder; /* the same, open */

static int make_dir(void **state)
{
    (void)state;
    scratch_make(dir, sizeof dir);
    assert_int_equal(eg_folder_open(&folder, dir, NULL), EG_OK);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    eg_folder_close(&folder);
    scratch_remove(dir);
    return 0;
}

/* Files of the tests. */
static void put_csv(const char *name, const char *text)
{
    char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(eg_file_write(path, text, strlen(text), NULL), EG_OK);
}

static void put_npy(const char *name, const void *data, eg_dtype type, int ndim,
                    eg_index a, eg_index b, eg_index c)
{
    char path[256];
    eg_view v = {data, type, ndim, {a, b, c}};

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(eg_npy_write(path, &v, NULL), EG_OK);
}

static eg_flow_setup *setup(const char *sets, uint64_t seed)
{
    static eg_flow_opts o;
    eg_flow_setup *s = NULL;
    eg_err err = {0};

    flow_options(&o, sets);
    if (eg_flow_setup_new(&s, &o, seed, &folder, &err) != EG_OK)
        fail_msg("%s: %s", sets, err.msg);
    return s;
}

static void refused(const char *sets, eg_status status, const char *says)
{
    static eg_flow_opts o;
    eg_flow_setup *s = NULL;
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};

    flow_options(&o, sets);
    assert_int_equal(eg_flow_setup_new(&s, &o, 1, &folder, &err), status);
    assert_null(s);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, says));
    assert_int_equal(eg_mem_query().live_bytes, live);
}

/* ---- tokens ---- */

static double dot(const double *x, const double *y, eg_index d)
{
    double s = 0;

    for (eg_index k = 0; k < d; k++) s += x[k] * y[k];
    return s;
}

static void test_words(void **state)
{
    static const char *const sets[] = {"n=2000 d=3",
                                       "n=2000 d=3 x0=hemisphere",
                                       "n=2000 d=3 x0=cap x0_size=0.4",
                                       "n=2000 d=10 x0=cap x0_size=1.5",
                                       "n=2000 d=4 x0=cap x0_size=2.5",
                                       "n=2000 d=2 x0=ring x0_size=0.01",
                                       "n=2000 d=1",
                                       "n=2000 d=1 x0=cap x0_size=0.1"};

    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        eg_flow_setup *s = setup(sets[i], 5);
        eg_index d = s->spec.d;
        double off = 0, first = 1, last = 1, mean = 0;

        for (eg_index k = 0; k < 2000; k++) {
            const double *x = s->x0 + k * d;

            off = fmax(off, fabs(dot(x, x, d) - 1));
            first = fmin(first, x[0]);
            last = fmin(last, x[d - 1]);
            mean += x[0] / 2000;
        }
        printf("%-32s norms off by %.1g, lowest x_1 %.4f, mean %.4f\n", sets[i],
               off, first, mean);
        assert_true(off < 1e-14);
        if (i == 1) assert_true(last >= 0 && first < -0.9);
        if (i == 2) {
            /* uniform in a cap of S^2: x_1 uniform on [cos a, 1] */
            assert_true(first >= cos(0.4) && first < cos(0.4) + 1e-3);
            assert_true(fabs(mean - (1 + cos(0.4)) / 2) < 2e-3);
        }
        if (i == 3) assert_true(first >= cos(1.5));
        if (i == 4) assert_true(first >= cos(2.5) && first < cos(2.5) + 0.05);
        if (i == 7) assert_true(first == 1);
        eg_flow_setup_free(s);
    }
}

/* The wide and the narrow way of drawing a cap agree: d = 5, angle with
 * cos = 1/sqrt(5) is their border. E x_1 by quadrature. */
static void test_cap(void **state)
{
    static const char *const angle[] = {"1.107", "1.108"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        char text[128];
        double a = strtod(angle[i], NULL), up = 0, down = 0, mean = 0, sd = 0;
        eg_flow_setup *s;

        (void)snprintf(text, sizeof text, "n=20000 d=5 x0=cap x0_size=%s",
                       angle[i]);
        s = setup(text, 6);
        for (int k = 0; k < 10000; k++) {
            double t = a * (k + 0.5) / 10000, w = pow(sin(t), 3);

            up += w * cos(t);
            down += w;
        }
        for (int k = 0; k < 20000; k++) mean += s->x0[5L * k] / 20000;
        for (int k = 0; k < 20000; k++)
            sd += (s->x0[5L * k] - mean) * (s->x0[5L * k] - mean);
        sd = sqrt(sd) / 20000;
        printf("cap of %s: mean x_1 %.5f, expected %.5f +- %.5f\n", angle[i],
               mean, up / down, sd);
        assert_true(fabs(mean - up / down) < 4 * sd);
        eg_flow_setup_free(s);
    }
}

static void test_equiangular(void **state)
{
    static const struct {
        const char *sets;
        double g;
    } rows[] = {
        {"n=6 d=6 x0=equiangular x0_size=0", 0},
        {"n=6 d=9 x0=equiangular x0_size=0.7", 0.7},
        {"n=6 d=6 x0=equiangular x0_size=-0.15", -0.15},
        {"n=5 d=4 x0=equiangular x0_size=-0.25", -0.25},
        {"n=5 d=7 x0=equiangular x0_size=-0.25", -0.25},
        {"n=2 d=1 x0=equiangular x0_size=-1", -1},
        {"n=3 d=3 x0=equiangular", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        eg_flow_setup *s = setup(rows[i].sets, 1);
        eg_index d = s->spec.d;
        double worst = 0;

        for (eg_index a = 0; a < s->spec.n; a++)
            for (eg_index b = 0; b < s->spec.n; b++)
                worst = fmax(worst, fabs(dot(s->x0 + a * d, s->x0 + b * d, d) -
                                         (a == b ? 1 : rows[i].g)));
        printf("%-40s Gram off by %.2g\n", rows[i].sets, worst);
        assert_true(worst < 1e-14);
        eg_flow_setup_free(s);
    }
    refused("n=6 d=5 x0=equiangular x0_size=0", EG_EINVAL, "d >= n");
    refused("n=6 d=9 x0=equiangular x0_size=-0.21", EG_EINVAL, "-0.2 to 1");
}

static void test_seeds(void **state)
{
    eg_flow_setup *a = setup("n=10 d=3 Q=gaussian", 5);
    eg_flow_setup *b = setup("n=20 d=3 Q=gaussian", 5);
    eg_flow_setup *c = setup("n=10 d=3 Q=gaussian,gaussian K=gaussian", 6);

    (void)state;
    assert_memory_equal(a->x0, b->x0, 30 * sizeof(double));
    assert_memory_equal(a->spec.Q, b->spec.Q, 9 * sizeof(double));
    assert_memory_not_equal(a->x0, c->x0, 30 * sizeof(double));
    assert_memory_not_equal(c->spec.Q, c->spec.Q + 9, 9 * sizeof(double));
    assert_memory_not_equal(c->spec.Q, c->spec.K, 9 * sizeof(double));
    eg_flow_setup_free(a);
    eg_flow_setup_free(b);
    eg_flow_setup_free(c);
}

static void test_files(void **state)
{
    static const double x[] = {1, 0, 0, 0, 0.6, 0.8};
    static const float f[] = {0.6F, 0.8F, 1, 0};
    eg_flow_setup *s;

    (void)state;
    put_npy("x.npy", x, EG_F64, 2, 2, 3, 0);
    put_npy("f.npy", f, EG_F32, 2, 2, 2, 0);
    put_csv("x.csv", "# made by hand\nx0,x1,x2\n1,0,0\n\n 0 , 0.6,8e-1 \r\n");
    put_csv("long.csv", "3,4\n0,2\n");
    s = setup("x0=x.npy n=77", 1);
    assert_int_equal(s->spec.n, 2);
    assert_memory_equal(s->x0, x, sizeof x);
    assert_string_equal(s->notice, "");
    eg_flow_setup_free(s);
    s = setup("x0=x.csv", 1);
    assert_int_equal(s->spec.d, 3);
    assert_memory_equal(s->x0, x, sizeof x);
    eg_flow_setup_free(s);
    s = setup("x0=f.npy", 1);
    printf("  %s\n", s->notice);
    assert_true(fabs(dot(s->x0, s->x0, 2) - 1) < 1e-15);
    eg_flow_setup_free(s);
    put_csv("mark.csv", "\xEF\xBB\xBF\"a\", b,nu\n1,0,0\n0,1,0\n");
    s = setup("x0=mark.csv", 1);
    assert_int_equal(s->spec.n, 2);
    eg_flow_setup_free(s);
    put_csv("mark.csv", "\xEF\xBB\xBF"
                        "1,0,0\n0,1,0\n");
    s = setup("x0=mark.csv", 1);
    assert_int_equal(s->spec.n, 2);
    eg_flow_setup_free(s);
    s = setup("x0=long.csv units=normalise", 1);
    printf("  %s\n", s->notice);
    assert_non_null(strstr(s->notice, "2 of 2 tokens normalised"));
    assert_true(s->x0[0] == 0.6 && s->x0[3] == 1);
    eg_flow_setup_free(s);
    s = setup("x0=long.csv space=euclidean", 1);
    assert_true(s->x0[0] == 3);
    eg_flow_setup_free(s);
    s = setup("x0=long.csv norm=pre", 1);
    assert_true(s->x0[0] == 3);
    eg_flow_setup_free(s);
    refused("x0=long.csv", EG_EINVAL, "found |x| = 5 of token 0");
}

/* What pandas writes above columns without names is no token. */
static void test_numbering(void **state)
{
    eg_flow_setup *s;

    (void)state;
    put_csv("pandas.csv", "0,1,2\n0.0,1.0,0.0\n1.0,0.0,0.0\n");
    s = setup("x0=pandas.csv space=euclidean", 1);
    assert_int_equal(s->spec.n, 2);
    assert_true(s->x0[1] == 1);
    eg_flow_setup_free(s);
    put_csv("pandas.csv", "0,1,2,3\r\n# x\r\n5e-1,.5,0.5,0.5\r\n");
    s = setup("x0=pandas.csv space=euclidean", 1);
    assert_int_equal(s->spec.n, 1);
    eg_flow_setup_free(s);
    /* whole numbers above whole numbers are numbers */
    put_csv("hand.csv", "0,1,2\n1,2,0\n");
    s = setup("x0=hand.csv space=euclidean", 1);
    assert_int_equal(s->spec.n, 2);
    assert_true(s->x0[2] == 2);
    eg_flow_setup_free(s);
    put_csv("hand.csv", "0,1\n1,0\n");
    s = setup("x0=hand.csv", 1);
    assert_int_equal(s->spec.n, 2);
    eg_flow_setup_free(s);
    put_csv("hand.csv", "0.0,1.0\n0.6,0.8\n");
    s = setup("x0=hand.csv", 1);
    assert_int_equal(s->spec.n, 2);
    eg_flow_setup_free(s);
    put_csv("either.csv", "0,1\n0.6,0.8\n");
    refused("x0=either.csv", EG_EFORMAT,
            "either.csv:1: expected names of columns or numbers, found 0,1");
}

static void test_bad_tokens(void **state)
{
    static const double cube[8] = {0};

    (void)state;
    put_npy("cube.npy", cube, EG_F64, 3, 2, 2, 2);
    put_npy("none.npy", cube, EG_F64, 2, 0, 3, 0);
    put_csv("zero.csv", "1,0\n0,0\n");
    put_csv("nan.csv", "1,0\nnan,1\n");
    put_csv("ragged.csv", "1,0\n1\n");
    put_csv("word.csv", "1,0\n1,zwei\n");
    put_csv("empty.csv", "a,b\n");
    put_csv("semicolon.csv", "1;0\n0,1\n");
    put_csv("blank.csv", "1 0\n0 1\n");
    put_csv("first.csv", "one,0\n0,1\n");
    put_csv("index.csv", ",a,b\n0,1,0\n");
    refused("x0=absent.npy", EG_EIO, "absent.npy");
    refused("x0=cube.npy", EG_ESHAPE, "found [2,2,2]");
    refused("x0=none.npy", EG_ESHAPE, "found [0,3]");
    refused("x0=zero.csv", EG_EINVAL, "token 1 zero");
    refused("x0=nan.csv", EG_EINVAL, "found nan in row 1, column 0");
    refused("x0=ragged.csv", EG_EFORMAT, "ragged.csv:2: expected 2 numbers");
    refused("x0=word.csv", EG_EFORMAT,
            "word.csv:2: expected a number, found "
            "'zwei'");
    refused("x0=empty.csv", EG_EFORMAT, "found none");
    /* a first line that is not understood is not taken for names */
    refused("x0=semicolon.csv", EG_EFORMAT, "semicolon.csv:1: expected a n");
    refused("x0=blank.csv", EG_EFORMAT, "blank.csv:1: expected a number");
    refused("x0=first.csv", EG_EFORMAT, "first.csv:1: expected a number");
    refused("x0=index.csv", EG_EFORMAT, "index.csv:1: expected a number");
    refused("x0=unifrom", EG_EINVAL, "found 'unifrom'");
    refused("x0=ring d=3", EG_EINVAL, "d = 2");
    refused("x0=cap x0_size=4", EG_EINVAL, "0 to pi");
}

/* ---- matrices ---- */

static void test_matrices(void **state)
{
    double timed[12];
    eg_flow_setup *s;

    (void)state;
    for (int i = 0; i < 12; i++) timed[i] = i;
    put_npy("timed.npy", timed, EG_F64, 3, 3, 2, 2);
    put_csv("m.csv", "1,2\n3,4\n");
    s = setup("d=2 n=3 Q=m.csv,-identity K=0.5 V=timed.npy,identity "
              "changes=1,2.5",
              1);
    assert_int_equal(s->spec.n_heads, 2);
    assert_int_equal(s->spec.n_intervals, 3);
    assert_true(s->spec.change_time[1] == 2.5);
    for (int t = 0; t < 3; t++) {
        const double *Q = s->spec.Q + 8L * t, *V = s->spec.V + 8L * t;

        assert_true(Q[0] == 1 && Q[1] == 2 && Q[3] == 4 && Q[4] == -1);
        assert_memory_equal(V, timed + 4L * t, 4 * sizeof *V);
        assert_true(V[4] == 1 && V[5] == 0);
        assert_true(s->spec.K[8L * t + 7] == 0.5);
    }
    eg_flow_setup_free(s);
    s = setup("d=2 n=3", 1);
    assert_null(s->spec.Q);
    assert_null(s->spec.change_time);
    eg_flow_setup_free(s);
    refused("d=3 n=3 Q=m.csv", EG_ESHAPE,
            "Q: m.csv: expected [3,3], found "
            "[2,2]");
    refused("d=3 n=3 V=timed.npy", EG_ESHAPE,
            "expected [intervals,3,3], found [3,2,2]");
    refused("d=2 n=3 V=timed.npy", EG_EINVAL, "changes: expected 2 times");
    refused("d=2 n=3 changes=1", EG_EINVAL, "changes: expected 0 times");
    refused("d=2 n=3 V=timed.npy changes=2,1", EG_EINVAL, "ascending");
    refused("d=2 n=3 Q=1,2 K=1,2,3", EG_EINVAL,
            "Q: expected 1 matrix or one "
            "for each of 3 heads");
    refused("d=2 n=3 K=identitty", EG_EINVAL, "found 'identitty'");
}

static void test_drawn_matrices(void **state)
{
    eg_flow_setup *s = setup("d=200 n=1 Q=gaussian V=goe", 3);
    double q = 0, v = 0, trace = 0;

    (void)state;
    for (eg_index i = 0; i < 200; i++)
        for (eg_index j = 0; j < 200; j++) {
            q += s->spec.Q[200 * i + j] * s->spec.Q[200 * i + j] / 200;
            v += s->spec.V[200 * i + j] * s->spec.V[200 * i + j] / 200;
            if (i == j) trace += s->spec.V[201 * i] * s->spec.V[201 * i] / 2;
            assert_true(s->spec.V[200 * i + j] == s->spec.V[200 * j + i]);
        }
    /* entries of variance 1/d; goe's diagonal has 2/d */
    printf("mean squares of rows: gaussian %.4f, goe %.4f, its diagonal %.3f\n",
           q, v, trace);
    assert_true(fabs(q - 1) < 0.03 && fabs(v - 1) < 0.04);
    assert_true(fabs(trace - 1) < 0.4);
    eg_flow_setup_free(s);
}

static void test_feed_forward(void **state)
{
    eg_flow_setup *s;

    (void)state;
    put_csv("w.csv", "1,2,3\n4,5,6\n");
    put_csv("a.csv", "1,2\n3,4\n5,6\n");
    put_csv("b.csv", "7\n8\n9\n");
    put_csv("b_row.csv", "7,8,9\n");
    s = setup("d=2 n=3 ffn=gelu w=w.csv a=a.csv b=b_row.csv", 1);
    assert_int_equal(s->spec.d_mlp, 3);
    assert_true(s->spec.w[5] == 6 && s->spec.a[5] == 6 && s->spec.b[2] == 9);
    eg_flow_setup_free(s);
    refused("d=2 n=3 ffn=relu", EG_EINVAL, "a: expected a .npy or .csv file");
    refused("d=2 n=3 w=w.csv", EG_EINVAL, "ffn");
    refused("d=2 n=3 ffn=relu a=a.csv w=a.csv", EG_ESHAPE,
            "w: a.csv: expected [2,3], found [3,2]");
    refused("d=2 n=3 ffn=relu a=w.csv w=w.csv", EG_ESHAPE,
            "a: w.csv: expected [any,2], found [2,3]");
    put_csv("mass.csv", "1\n2\n3\n");
    s = setup("d=2 n=3 mass=mass.csv", 1);
    assert_true(s->spec.mass[2] == 3);
    eg_flow_setup_free(s);
    refused("d=2 n=4 mass=mass.csv", EG_ESHAPE,
            "mass: mass.csv: expected "
            "[4,1], found [3,1]");
}

/* ---- times ---- */

static void test_times(void **state)
{
    eg_flow_setup *s;

    (void)state;
    s = setup("n=3", 1);
    assert_int_equal(s->n_times, 151);
    assert_true(s->times[150] == 15);
    eg_flow_setup_free(s);
    put_csv("t.csv", "5\n7\n1e3\n");
    s = setup("n=3 times=-1,0:1:0.25,2,t.csv", 1);
    assert_int_equal(s->n_times, 10);
    assert_true(s->times[0] == -1 && s->times[2] == 0.25 && s->times[6] == 2 &&
                s->times[9] == 1000);
    eg_flow_setup_free(s);
    s = setup("n=3 times=0:1:0.5,1:3:1", 1); /* 1 once */
    assert_int_equal(s->n_times, 5);
    eg_flow_setup_free(s);
    s = setup("n=3 times=0:0.3:0.1,0.3,1", 1); /* 3 * 0.1 is not 0.3 */
    assert_int_equal(s->n_times, 5);
    assert_true(s->times[3] == 0.3);
    eg_flow_setup_free(s);
    refused("n=3 times=0,2,1", EG_EINVAL, "found 1 after 2");
    refused("n=3 times=0,1,1,2", EG_EINVAL, "found 1 after 1");
    put_csv("twice.csv", "0\n1\n1\n2\n");
    refused("n=3 times=twice.csv", EG_EINVAL, "found 1 after 1");
    refused("n=3 times=0:1:0", EG_EINVAL, "step > 0");
    refused("n=3 times=0:1:1e-12", EG_EINVAL, "at most");
    refused("n=3 times=0:1", EG_EINVAL, "found '0:1'");
    refused("n=3 times=0,nan", EG_EINVAL, "found nan");
}

/* Every allocation failing in turn: clean errors, no leak. */
static void test_no_memory(void **state)
{
    static eg_flow_opts o;
    int64_t live = eg_mem_query().live_bytes;
    eg_status st = EG_ENOMEM;
    int n = 0;

    (void)state;
    put_csv("square.csv", "1,2\n3,4\n");
    flow_options(&o, "d=2 n=5 Q=square.csv V=goe fuse=true times=0,1");
    while (st != EG_OK) {
        eg_flow_setup *s = NULL;
        eg_flow *f = NULL;
        eg_flow_stats stats;
        eg_err err = {0};

        eg_mem_fail_after(++n);
        st = eg_flow_setup_new(&s, &o, 1, &folder, &err);
        if (st == EG_OK) st = eg_flow_new(&f, &s->spec, NULL, &err);
        if (st == EG_OK)
            st = eg_flow_run(f, s->x0, s->times, s->n_times, &s->solve, &stats,
                             &err);
        eg_mem_fail_after(0);
        if (st != EG_OK) {
            assert_int_equal(st, EG_ENOMEM);
            assert_true(err.msg[0] != 0);
        }
        eg_flow_free(f);
        eg_flow_setup_free(s);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
    printf("%d allocations, each made to fail\n", n - 1);
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_cap),
                                       cmocka_unit_test(test_equiangular),
                                       cmocka_unit_test(test_seeds),
                                       cmocka_unit_test(test_files),
                                       cmocka_unit_test(test_numbering),
                                       cmocka_unit_test(test_bad_tokens),
                                       cmocka_unit_test(test_matrices),
                                       cmocka_unit_test(test_drawn_matrices),
                                       cmocka_unit_test(test_feed_forward),
                                       cmocka_unit_test(test_times),
                                       cmocka_unit_test(test_no_memory)};

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
