/* Tasks of vectors against the moments that their laws have (arXiv 2309.05858,
 * section 4 and appendix E), and how states are written as tokens. */
#include "task_helper.h"
#include "task/system.h"

enum { N = 5000 }; /* sequences a moment: seconds */

/* Mean of |s_t|^2 / 2 over N sequences: at[0] of the first input, at[t] of the
 * t-th output; tokens are raw. sd: of at[0], one sequence. */
static void half_squares(const char *sets, double *at, double *sd)
{
    eg_task *task = task_make(sets, 1);
    int n = eg_task_io(task).n_out, T = eg_task_ctx(task);
    double square = 0;
    eg_seq s;

    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    memset(at, 0, (size_t)(T + 1) * sizeof *at);
    for (uint32_t i = 0; i < N; i++) {
        eg_task_sequence(task, EG_TRAIN, 0, i, &s);
        for (int t = 0; t <= T; t++) {
            const double *x = t ? s.outputs + (eg_index)(t - 1) * n : s.inputs;
            double sum = 0;

            for (int k = 0; k < n; k++) sum += x[k] * x[k] / 2;
            at[t] += sum / N;
            if (t == 0) square += sum * sum / N;
        }
        assert_memory_equal(s.inputs + n, s.outputs,
                            (size_t)(T - 1) * (size_t)n * sizeof(double));
        for (int t = 0; t < T; t++) assert_int_equal(s.targets[t], 0);
    }
    *sd = sqrt(square - at[0] * at[0]);
    eg_seq_release(&s);
    eg_task_free(task);
}

static void check_moment(const char *what, double found, double want, double by)
{
    print_message("%-34s %.4f, expected %.4f +- %.4f\n", what, found, want, by);
    assert_true(fabs(found - want) < by);
}

static double mean_after_first(const double *at, int T)
{
    double sum = 0;

    for (int t = 1; t <= T; t++) sum += at[t] / T;
    return sum;
}

/* n/6 at t = 1, and the noise of each step on top: 1.667 and 1.70. */
static void test_orthogonal(void **state)
{
    double at[64], sd;

    (void)state;
    half_squares("kind=linear n_ctx=49", at, &sd);
    check_moment("orthogonal, t = 1", at[0], 10 / 6.0, 5 * sd / sqrt(N));
    check_moment("orthogonal, t = 50", at[49], 10 / 6.0 + 49 * 5e-4,
                 5 * sd / sqrt(N));
    /* the noise by itself: from 0 on, t sigma^2 n / 2 */
    half_squares("kind=linear n_ctx=20 start_width=1e-9 noise=0.5", at, &sd);
    check_moment("noise alone, t = 2", at[1], 0.5 * 10 * .25, .06);
    check_moment("noise alone, t = 21", at[20], 20 * 0.5 * 10 * .25, .8);
}

/* Known: an independent program's (NumPy), over 100,000 sequences; one standard
 * error of the 5,000 here is .08, the tails of M^-1 are long. */
static void test_contracting(void **state)
{
    static const double known[] = {10 / 6.0, 3.931, 4.024, 3.845, 3.555, 3.299};
    double at[64], sd;
    char what[32];

    (void)state;
    half_squares("kind=linear system=contracting n_ctx=50", at, &sd);
    for (int t = 0; t < 6; t++) {
        snprintf(what, sizeof what, "contracting, t = %d", t + 1);
        check_moment(what, at[t], known[t], t == 0 ? 5 * sd / sqrt(N) : .3);
    }
    check_moment("contracting, t = 20", at[19], 1.962, .3);
    check_moment("contracting, zero predictor", mean_after_first(at, 50),
                 2.1785, .25);
}

/* |C h|^2 / 2 = n m std^2 E h^2 / 2, and the noise of what is seen. */
static void test_partial(void **state)
{
    double at[64], sd, want = 0.5 * 5 * 15 * .25 / 3;

    (void)state;
    half_squares("kind=linear hidden=15 dim=5 n_ctx=50", at, &sd);
    check_moment("partial, t = 1", at[0], want + 2.5e-4, 5 * sd / sqrt(N));
    check_moment("partial, zero predictor", mean_after_first(at, 50),
                 want + 2.5e-4 + 25.5 * 1e-4 * 75 * .125, 5 * sd / sqrt(N));
    half_squares("kind=linear hidden=15 dim=5 n_ctx=3 noise=0 seen_std=0 "
                 "seen_noise=0.5",
                 at, &sd);
    check_moment("partial, its noise alone", at[2], 0.5 * 5 * .25, .06);
}

/* |psi| is 1, so that |s|^2 / 2 is 1/2 and the noise's. */
static void test_nonlinear(void **state)
{
    double at[64], sd;

    (void)state;
    half_squares("kind=nonlinear n_ctx=50", at, &sd);
    check_moment("nonlinear, t = 1", at[0], 10 * .0625 / 6, 5 * sd / sqrt(N));
    check_moment("nonlinear, zero predictor", mean_after_first(at, 50), .5005,
                 2e-4);
}

/* W W^T = I, E W_ij = 0, E W_11^2 = 1/n, E W_11^4 = 3 / (n (n + 2)); the sum of
 * the eigenvalues of the other sort. */
static void test_matrices(void **state)
{
    enum { n = 10, M = 4000 };
    double w[n * n], worst = 0, one = 0, two = 0, four = 0, trace = 0, sq = 0;
    eg_rng rng = eg_rng_make(3, EG_RNG_USER, 0, 0);

    (void)state;
    for (int i = 0; i < M; i++) {
        egi_draw_orthogonal(w, n, &rng);
        for (int r = 0; r < n; r++)
            for (int c = 0; c < n; c++) {
                double sum = r == c ? -1 : 0;

                for (int k = 0; k < n; k++) sum += w[r * n + k] * w[c * n + k];
                worst = fmax(worst, fabs(sum));
            }
        one += w[0] / M;
        two += w[0] * w[0] / M;
        four += pow(w[0], 4) / M;
    }
    print_message("W W^T - I: %.1e\n", worst);
    assert_true(worst < 1e-14);
    check_moment("E W_11", one, 0, 5 * sqrt(.1 / M));
    check_moment("E W_11^2", two, .1, 5 * sqrt((.025 - .01) / M));
    check_moment("E W_11^4", four, 3 / 120.0, .004);
    for (int i = 0; i < M; i++) {
        double sum = 0;

        egi_draw_contracting(w, n, .3, .9, &rng);
        for (int k = 0; k < n; k++) sum += w[k * n + k];
        trace += sum / M;
        sq += sum * sum / M;
    }
    check_moment("sum of eigenvalues", trace, .9 + 9 * .6, 5 * sqrt(.27 / M));
    check_moment("its variance", sq - trace * trace, 9 * .36 / 12, .04);
}

/* One eigenvalue is hi: in two dimensions det W = hi (trace W - hi). */
static void test_largest(void **state)
{
    eg_rng rng = eg_rng_make(5, EG_RNG_USER, 0, 0);
    double w[4], worst = 0, lo = 1, hi = 0;

    (void)state;
    for (int draw = 0; draw < 500; draw++) {
        double det, other, size = 0;

        egi_draw_contracting(w, 2, .3, .9, &rng);
        for (int k = 0; k < 4; k++) size = fmax(size, fabs(w[k]));
        det = w[0] * w[3] - w[1] * w[2];
        other = w[0] + w[3] - .9;
        lo = fmin(lo, other);
        hi = fmax(hi, other);
        worst = fmax(worst, fabs(det - .9 * other) / (size * size + 1));
    }
    print_message("det is .9 times the other to %.1e, others %.3f to %.3f\n",
                  worst, lo, hi);
    assert_true(worst < 1e-12);
    assert_true(lo > .299 && lo < .31 && hi > .89 && hi < .901);
}

/* Without noise the map from state to state keeps lengths and angles, and of
 * all pairs of sequences it is another one: the mean of W is 0. */
static void test_map(void **state)
{
    eg_task *task = task_make("kind=linear n_ctx=20 noise=0 dim=4", 1);
    double along = 0, worst = 0;
    eg_view floor;
    eg_seq s;

    (void)state;
    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    for (uint32_t i = 0; i < 4000; i++) {
        eg_task_sequence(task, EG_PROBE, 0, i, &s);
        for (eg_index t = 1; t < 20; t++) {
            double before = 0, after = 0, size = 0;

            for (int k = 0; k < 4; k++) {
                const double *x = s.inputs + 4 * t - 4,
                             *y = s.outputs + 4 * t - 4;

                before += x[k] * x[4 + k];
                after += y[k] * y[4 + k];
                size += x[k] * x[k];
            }
            worst = fmax(worst, fabs(before - after));
            if (t == 1) along += before / size;
        }
    }
    print_message("angles kept to %.1e, mean of W %.3f\n", worst, along / 4000);
    assert_true(worst < 1e-14);
    assert_true(fabs(along / 4000) < .03);
    assert_true(eg_task_fact(task, "noise_floor", &floor));
    assert_true(eg_view_at(&floor, 0) == 0);
    assert_false(eg_task_fact(task, "bigram", &floor));
    eg_seq_release(&s);
    eg_task_free(task);
}

/* Where one W serves all sequences, the first n pairs of others tell it; a
 * second seed has the same, another draw another. In the test batch too. */
static void test_fixed(void **state)
{
    enum { n = 3 };
    double gram[4];
    int k = 0;

    (void)state;
    for (int other = 0; other < 4; other++) {
        eg_task *task = task_make(other == 3 ? "kind=linear system=fixed dim=3 "
                                               "noise=0 n_ctx=4 draw=2"
                                             : "kind=linear system=fixed dim=3 "
                                               "noise=0 n_ctx=4",
                                  other == 1 ? 77 : 1);
        double sum = 0;
        eg_seq s;

        /* E s_2 . s_1 over many sequences: trace W / 3 (width 1) */
        assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
        for (uint32_t i = 0; i < 20000; i++) {
            eg_task_sequence(task, other == 2 ? EG_TEST : EG_TRAIN, 0, i, &s);
            for (int j = 0; j < n; j++)
                sum += 3 * s.inputs[j] * s.outputs[j] / 20000;
        }
        gram[k++] = sum;
        eg_seq_release(&s);
        eg_task_free(task);
    }
    print_message("trace of W: %.3f, seed 77 %.3f, tests %.3f, draw 2 %.3f\n",
                  gram[0], gram[1], gram[2], gram[3]);
    assert_true(fabs(gram[1] - gram[0]) < .05);
    assert_true(fabs(gram[2] - gram[0]) < .05);
    assert_true(fabs(gram[3] - gram[0]) > .2);
}

static double fact(const char *sets)
{
    eg_task *task = task_make(sets, 1);
    eg_view v;
    double x;

    assert_true(eg_task_fact(task, "noise_floor", &v));
    x = eg_view_at(&v, 0);
    eg_task_free(task);
    return x;
}

/* Who knows W and the state loses the floor: measured where W is known, 1 in
 * one dimension. */
static void test_floor(void **state)
{
    double loss = 0, floor;
    eg_task *task = task_make(
        "kind=linear system=contracting dim=1 eig_min=1 eig_max=1 noise=0.1 "
        "n_ctx=8",
        1);
    eg_seq s;

    (void)state;
    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    for (uint32_t i = 0; i < N; i++) {
        eg_task_sequence(task, EG_TRAIN, 0, i, &s);
        loss += pow(s.outputs[0] - s.inputs[0], 2) / 2 / N;
    }
    eg_seq_release(&s);
    eg_task_free(task);
    floor = fact("kind=linear dim=1 noise=0.1");
    check_moment("floor", loss, floor, 5 * floor * sqrt(2.0 / N));
    assert_true(fabs(fact("kind=linear") - 5e-4) < 1e-15);
    assert_true(fabs(fact("kind=nonlinear") - 5e-4) < 1e-15);
    assert_true(fabs(fact("kind=linear dim=5 hidden=15") -
                     2.5 * 1e-4 * (15 * .25 + 1)) < 1e-15);
}

/* Which of the systems takes x to y in all n pairs; -1: none. */
static int which(const eg_view *w, const double *x, const double *y, eg_index n,
                 int pairs, int stride)
{
    const double *one = w->data;

    for (int k = 0; k < w->shape[0]; k++, one += n * n) {
        double off = 0;

        for (eg_index t = 0; t < pairs; t++)
            for (eg_index i = 0; i < n; i++) {
                double sum = -y[t * stride * n + i];

                for (eg_index j = 0; j < n; j++)
                    sum += one[i * n + j] * x[t * stride * n + j];
                off = fmax(off, fabs(sum));
            }
        if (off < 1e-12) return k;
    }
    return -1;
}

/* Sequences of training and probes are of the systems that the task names, each
 * of them; those of the test batch of none, and another seed has others. */
static void test_few_systems(void **state)
{
    static const char *const laws[] = {
        "kind=linear dim=3 noise=0 n_ctx=6 n_systems=3",
        "kind=linear system=contracting bound=1e9 dim=3 noise=0 n_ctx=6 "
        "n_systems=3",
        "kind=regression dim=3 noise=0 n_ctx=12 n_systems=3"};

    (void)state;
    for (int l = 0; l < 3; l++) {
        eg_task *task = task_make(laws[l], 1), *twin = task_make(laws[l], 2);
        int met[3] = {0}, stride = l == 2 ? 2 : 1, others = 0;
        eg_view w, v;
        eg_seq s;

        assert_true(eg_task_fact(task, "systems", &w));
        assert_true(eg_task_fact(twin, "systems", &v));
        assert_true(w.ndim == 3 && w.shape[0] == 3 && w.shape[1] == 3);
        assert_true(fabs(eg_view_at(&w, 0) - eg_view_at(&v, 0)) > 1e-6);
        assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
        for (uint32_t i = 0; i < 300; i++) {
            int k;

            eg_task_sequence(task, i % 2 ? EG_TRAIN : EG_PROBE, i / 7, i, &s);
            k = which(&w, s.inputs, s.outputs, 3, 5, stride);
            assert_in_range(k, 0, 2);
            met[k]++;
            eg_task_sequence(task, EG_TEST, 0, i, &s);
            others += which(&w, s.inputs, s.outputs, 3, 5, stride) < 0;
        }
        print_message("%s: %d %d %d sequences\n", laws[l], met[0], met[1],
                      met[2]);
        for (int k = 0; k < 3; k++) assert_in_range(met[k], 60, 140);
        assert_int_equal(others, 300);
        eg_seq_release(&s);
        eg_task_free(task);
        eg_task_free(twin);
    }
}

/* The bound holds for the first state too. */
static void test_bound(void **state)
{
    eg_task *task = task_make("kind=linear n_ctx=5 start_width=3 bound=0.5", 1);
    double top = 0;
    eg_seq s;

    (void)state;
    assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
    for (uint32_t i = 0; i < 100; i++) {
        eg_task_sequence(task, EG_TRAIN, 0, i, &s);
        for (int k = 0; k < 50; k++)
            top = fmax(top, fmax(fabs(s.inputs[k]), fabs(s.outputs[k])));
    }
    assert_true(top == 0.5);
    eg_seq_release(&s);
    eg_task_free(task);
}

/* Every sort of token is made of the states that raw ones show. */
static void test_tokens(void **state)
{
    enum { n = 3, T = 5 };
    static const struct {
        const char *sets;
        int slots, lag[4]; /* -1: zeros */
    } sorts[] = {{"tokens=constructed", 4, {-1, 0, 0, 1}},
                 {"tokens=constructed_one", 4, {-1, -1, 0, 1}},
                 {"tokens=lagged lags=3", 3, {0, 1, 2}}};

    (void)state;
    for (int k = 0; k < 3; k++) {
        char sets[96];
        eg_task *raw = task_make("kind=linear dim=3 n_ctx=5", 9), *task;
        eg_seq r, s;

        snprintf(sets, sizeof sets, "kind=linear dim=3 n_ctx=5 %s",
                 sorts[k].sets);
        task = task_make(sets, 9);
        assert_int_equal(eg_task_io(task).n_in, n * sorts[k].slots);
        assert_int_equal(eg_task_io(task).n_out, n);
        assert_int_equal(eg_seq_new(&r, raw, NULL), EG_OK);
        assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
        eg_task_sequence(raw, EG_TRAIN, 4, 2, &r);
        for (int j = 0; j < T * n * sorts[k].slots; j++) s.inputs[j] = 99;
        eg_task_sequence(task, EG_TRAIN, 4, 2, &s);
        assert_memory_equal(r.outputs, s.outputs, sizeof(double[n * T]));
        assert_memory_equal(r.labels, s.labels, T * sizeof(int32_t));
        for (int t = 0; t < T; t++)
            for (int j = 0; j < sorts[k].slots; j++)
                for (int i = 0; i < n; i++) {
                    int lag = sorts[k].lag[j];
                    double want =
                        lag < 0 || lag > t ? 0 : r.inputs[(t - lag) * n + i];

                    assert_true(s.inputs[(t * sorts[k].slots + j) * n + i] ==
                                want);
                }
        eg_seq_release(&r);
        eg_seq_release(&s);
        eg_task_free(raw);
        eg_task_free(task);
    }
}

/* Positions from which on the system is determined. */
static void test_groups(void **state)
{
    static const struct {
        const char *sets;
        int over;
    } known[] = {{"kind=linear n_ctx=50", 10},
                 {"kind=nonlinear n_ctx=50 dim=4", 4},
                 {"kind=linear dim=5 hidden=15 n_ctx=50", 17}};

    (void)state;
    for (int k = 0; k < 3; k++) {
        eg_task *task = task_make(known[k].sets, 1);
        eg_seq s;

        assert_int_equal(eg_seq_new(&s, task, NULL), EG_OK);
        eg_task_sequence(task, EG_TRAIN, 0, 0, &s);
        for (int t = 0; t < 50; t++)
            assert_int_equal(s.labels[t], t >= known[k].over);
        eg_seq_release(&s);
        eg_task_free(task);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orthogonal),  cmocka_unit_test(test_contracting),
        cmocka_unit_test(test_partial),     cmocka_unit_test(test_nonlinear),
        cmocka_unit_test(test_matrices),    cmocka_unit_test(test_largest),
        cmocka_unit_test(test_map),         cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_few_systems), cmocka_unit_test(test_floor),
        cmocka_unit_test(test_bound),       cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
