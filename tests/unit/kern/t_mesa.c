/* Recursive least squares: the float64 set against a factorisation from scratch
 * at every position; every other set against it; limits; and histories that
 * have no answer, or keep no digit of it, which give NaN and nothing else. */
#include "kern_test.h"

enum { ROWS_MOST = 40 };
#define ROWS ((eg_index)ROWS_MOST)
#ifdef KT_F64
#define MESA_TOL(exact) (2 * (exact)) /* both are so near the solution */
#define LOSES 1e9
#else
#define MESA_TOL(exact) ((double)FLT_EPSILON) /* of the result alone */
#define LOSES 1e6f
#endif

static const double one = 1;

/* ---- the truth ------------------------------------------------------------
 */

/* y = (sum_{s <= t} f_s k_s k_s^T + f I / lambda)^-1 x, f_s and f what g has
 * left of each, by Cholesky's factorisation; a [n, n] is scratch. */
static void solve(double *y, double *a, const double *k, eg_index ldk,
                  const double *g, eg_index t, const double *x, eg_index n,
                  double lambda)
{
    double left = 1;

    memset(a, 0, (size_t)(n * n) * sizeof *a);
    for (eg_index s = t; s >= 0; s--) {
        for (eg_index i = 0; i < n * n; i++)
            a[i] += left * k[s * ldk + i / n] * k[s * ldk + i % n];
        left *= g ? g[s] : 1;
    }
    for (eg_index i = 0; i < n; i++) a[i * (n + 1)] += left / lambda;
    for (eg_index j = 0; j < n; j++) {
        for (eg_index i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (eg_index m = 0; m < j; m++) sum -= a[i * n + m] * a[j * n + m];
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * (n + 1)];
        }
    }
    for (eg_index i = 0; i < n; i++) {
        y[i] = x[i];
        for (eg_index m = 0; m < i; m++) y[i] -= a[i * n + m] * y[m];
        y[i] /= a[i * (n + 1)];
    }
    for (eg_index i = n - 1; i >= 0; i--) {
        for (eg_index m = i + 1; m < n; m++) y[i] -= a[m * n + i] * y[m];
        y[i] /= a[i * (n + 1)];
    }
}

/* A history: keys, queries, forgetting, all in double and float. */
typedef struct history {
    eg_index w, T, ld;
    kt_buf k, x, y, g;
    int32_t limit[1024];
} history;

static void history_open(history *h, eg_index w, eg_index T, double size)
{
    eg_index ld = w + 3;

    *h = (history){.w = w, .T = T, .ld = ld};
    h->k = kt_input(T * ld, 1, size);
    h->x = kt_input(T * ld, 2, 1);
    h->y = kt_new(T * ld, 1, 1);
    h->g = kt_input(T, 0, 1);
    if (!h->g.f || !h->g.d) abort();
    for (eg_index t = 0; t < T; t++) {
        h->limit[t] = (int32_t)(t + 1);
        h->g.f[t] = 1 - (kt_real)0.1 * (kt_real)fabs((double)h->g.f[t]);
        h->g.d[t] = (double)h->g.f[t];
    }
}

static void history_close(history *h)
{
    kt_free(&h->k, "keys");
    kt_free(&h->x, "queries");
    kt_free(&h->y, "answers");
    kt_free(&h->g, "forgetting");
}

static void run64(history *h, bool forget, double lambda)
{
    const eg_kern_f64 *K = kt_truth();
    double *work = malloc((size_t)K->mesa_work(h->w) * sizeof *work);

    K->mesa(h->y.d, h->ld, h->x.d, h->ld, h->limit, h->T, h->k.d, h->ld,
            forget ? h->g.d : NULL, 1, h->w, 1, 1, &lambda, 0, NULL, work);
    free(work);
}

static void run32(history *h, const kt_set *K, bool forget, double lambda)
{
    eg_index n = K->mesa_work(h->w);
    kt_buf work = kt_new(n, 1, 1);

    K->mesa(h->y.f, h->ld, h->x.f, h->ld, h->limit, h->T, h->k.f, h->ld,
            forget ? h->g.f : NULL, 1, h->w, 1, 1, &lambda, 0, NULL, work.f);
    kt_free(&work, "scratch");
}

/* The largest distance of float64 rows to the truth, relative to |row|. */
static double distance64(const history *h, bool forget, double lambda)
{
    double *a = malloc((size_t)((h->w + 1) * (h->w + 1)) * sizeof *a);
    double *y = malloc((size_t)(h->w + 1) * sizeof *y), worst = 0;

    for (eg_index t = 0; t < h->T; t++) {
        double d = 0, len = 0;

        solve(y, a, h->k.d, h->ld, forget ? h->g.d : NULL, t,
              h->x.d + t * h->ld, h->w, lambda);
        for (eg_index i = 0; i < h->w; i++) {
            double e = h->y.d[t * h->ld + i] - y[i];
            d += e * e;
            len += y[i] * y[i];
        }
        if (len > 0 || d > 0) worst = fmax(worst, sqrt(d / len));
    }
    free(a);
    free(y);
    return worst;
}

/* The same of float32 rows to the float64 ones. */
static double distance32(const history *h)
{
    double worst = 0;

    for (eg_index t = 0; t < h->T; t++) {
        double d = 0, len = 0;

        for (eg_index i = 0; i < h->w; i++) {
            double want = h->y.d[t * h->ld + i];
            double e = (double)h->y.f[t * h->ld + i] - want;
            d += e * e;
            len += want * want;
        }
        if (!(d <= len)) return INFINITY; /* NaN too */
        if (len > 0) worst = fmax(worst, sqrt(d / len));
    }
    return worst;
}

static const eg_index widths[] = {0,  1,  2,  3,  4,  7,  8,  9,  15, 16,
                                  17, 20, 24, 31, 32, 33, 40, 64, 65, 100};
enum { N_WIDTHS = sizeof widths / sizeof *widths };

static void test_exact(void **state)
{
    double worst = 0;

    (void)state;
    for (int i = 0; i < N_WIDTHS; i++)
        for (int forget = 0; forget < 2; forget++)
            for (int l = 0; l < 3; l++) {
                static const double lambda[] = {1, 0.01, 30};
                history h;

                history_open(&h, widths[i], ROWS, 1);
                run64(&h, forget, lambda[l]);
                worst = fmax(worst, distance64(&h, forget, lambda[l]));
                history_close(&h);
            }
    printf("float64 against Cholesky's factorisation: %.1e\n", worst);
    assert_true(worst < 1e-12 * kt_tol_scale());
}

static void test_sets(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;

        for (int i = 0; i < N_WIDTHS; i++)
            for (int forget = 0; forget < 2; forget++) {
                history h;

                history_open(&h, widths[i], ROWS, 1);
                run64(&h, forget, 1);
                run32(&h, k, forget, 1);
                worst = fmax(worst, distance32(&h));
                history_close(&h);
            }
        printf("%-8s against float64: %.1e\n", k->name, worst);
        assert_true(worst < MESA_TOL(1e-12) * kt_tol_scale());
    }
}

/* A thousand keys of norm 2.2: what float32 keeps is a rounding of the result,
 * however long the history. */
static void test_long(void **state)
{
    (void)state;
    for (int forget = 0; forget < 2; forget++) {
        history h;
        double exact;

        history_open(&h, 20, 1000, 2.2 / sqrt(20.0 / 3));
        run64(&h, forget, 1);
        exact = distance64(&h, forget, 1);
        assert_true(exact < 1e-12 * kt_tol_scale());
        KT_FOR_SETS(k)
        {
            run32(&h, k, forget, 1);
            printf("%-8s T 1000%s: %.1e, float64 %.1e\n", k->name,
                   forget ? ", forgetting" : "", distance32(&h), exact);
            assert_true(distance32(&h) < MESA_TOL(1e-12) * kt_tol_scale());
        }
        history_close(&h);
    }
}

/* Over 20 000 keys a twentieth forgotten at each: what is summed from key to
 * key must not grow by what is forgotten. */
static void test_forgetting_for_long(void **state)
{
    enum { LONG = 20000, WIDTH = 5 };
    int32_t last = LONG;

    (void)state;
    KT_FOR_SETS(K)
    {
        kt_buf k = kt_input((eg_index)LONG * WIDTH, 0, 1);
        kt_buf x = kt_input(WIDTH, 0, 1), y = kt_new(WIDTH, 0, 1);
        kt_buf g = kt_input(LONG, 0, 1);
        kt_buf work = kt_new(K->mesa_work(WIDTH), 0, 1);
        double left[WIDTH], a[WIDTH * WIDTH];

        for (int t = 0; t < LONG; t++) {
            g.f[t] = 0.95f;
            g.d[t] = (double)g.f[t];
        }
        K->mesa(y.f, WIDTH, x.f, WIDTH, &last, 1, k.f, WIDTH, g.f, 1, WIDTH, 1,
                1, &one, 0, NULL, work.f);
        solve(left, a, k.d + (eg_index)(LONG - 1000) * WIDTH, WIDTH, g.d, 999,
              x.d, WIDTH, 1e9); /* the rest is e^-51 */
        for (int i = 0; i < WIDTH; i++)
            assert_true(fabs((double)y.f[i] - left[i]) <
                        1e-6 * (1 + fabs(left[i])));
        kt_buf *all[] = {&k, &x, &y, &g, &work};
        for (int i = 0; i < 5; i++) kt_free(all[i], K->name);
    }
}

/* Rows that do not ask at every key, or more than once. */
static void test_limits(void **state)
{
    static const int32_t limit[] = {1, 1, 4, 5, 5, 5, 9, 30};
    enum { N = sizeof limit / sizeof *limit };

    (void)state;
    KT_FOR_SETS(k)
    {
        history h;

        history_open(&h, 20, ROWS, 1);
        for (int i = 0; i < N; i++) h.limit[i] = limit[i];
        h.T = N;
        run64(&h, true, 1);
        run32(&h, k, true, 1);
        assert_true(distance32(&h) < MESA_TOL(1e-12) * kt_tol_scale());
        /* row 4 in the place of row 3 gets row 4's answer */
        assert_true(h.y.d[4 * h.ld] != h.y.d[3 * h.ld]);
        history_close(&h);
    }
}

/* In place: y may be x. */
static void test_in_place(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        history h;

        history_open(&h, 20, ROWS, 1);
        run32(&h, k, false, 1);
        eg_index n = k->mesa_work(h.w);
        kt_buf work = kt_new(n, 1, 1), x = kt_copy(&h.x, 1);
        k->mesa(x.f, h.ld, x.f, h.ld, h.limit, h.T, h.k.f, h.ld, NULL, 0, h.w,
                1, 1, &one, 0, NULL, work.f);
        for (eg_index t = 0; t < h.T; t++)
            assert_memory_equal(x.f + t * h.ld, h.y.f + t * h.ld,
                                (size_t)h.w * sizeof *x.f);
        kt_free(&work, "scratch");
        kt_free(&x, "in place");
        history_close(&h);
    }
}

/* Key by key, each call behind what the last one left: the same bits; and what
 * is no number stays none. */
static void test_going_on(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        for (int forget = 0; forget < 2; forget++) {
            history h;

            history_open(&h, 20, ROWS, 1);
            h.k.f[2 * h.ld] = forget ? 1 : LOSES; /* lost from there on */
            run32(&h, k, forget, 1);
            kt_buf work = kt_new(k->mesa_work(h.w), 1, 1);
            kt_buf y = kt_copy(&h.y, 1);
            assert_true(forget || isnan(h.y.f[(h.T - 1) * h.ld]));
            for (eg_index t = 0; t < h.T; t++)
                k->mesa(y.f + t * h.ld, h.ld, h.x.f + t * h.ld, h.ld, h.limit,
                        1, h.k.f + t * h.ld, h.ld, forget ? h.g.f + t : NULL, 1,
                        h.w, 1, 1, &one, t > 0, NULL, work.f);
            for (eg_index t = 0; t < h.T; t++)
                assert_memory_equal(y.f + t * h.ld, h.y.f + t * h.ld,
                                    (size_t)h.w * sizeof *y.f);
            kt_free(&work, "scratch");
            kt_free(&y, "going on");
            history_close(&h);
        }
    }
}

/* Heads side by side, two of them to a head of keys: each as if it were alone,
 * to the bit, and so what its keys took off. */
static void test_heads(void **state)
{
    enum { HEADS = 6, SHARED = 2, WIDTH = 7, LD = HEADS * WIDTH + 3 };
    const double lambda[HEADS] = {1, 0.5, 2, 1, 30, 0.01};
    eg_index each = ROWS * WIDTH;

    (void)state;
    KT_FOR_SETS(K)
    {
        eg_index n = K->mesa_work(WIDTH);
        kt_buf x = kt_input(ROWS * LD, 1, 1), k = kt_input(ROWS * LD, 2, 1);
        kt_buf g = kt_input(ROWS * HEADS, 0, 1), y = kt_new(ROWS * LD, 1, 1);
        kt_buf a = kt_new(ROWS * LD, 1, 1), work = kt_new(HEADS * n, 1, 1);
        double *taken = calloc((size_t)(HEADS * each), sizeof *taken);
        double *alone = calloc((size_t)each, sizeof *alone);
        int32_t limit[ROWS_MOST];

        for (int t = 0; t < ROWS_MOST; t++) limit[t] = t + 1;
        for (eg_index i = 0; i < ROWS * HEADS; i++)
            g.f[i] = 1 - (kt_real)0.1 * (kt_real)fabs((double)g.f[i]);
        for (int forget = 0; forget < 2; forget++) {
            K->mesa(y.f, LD, x.f, LD, limit, ROWS, k.f, LD, forget ? g.f : NULL,
                    HEADS, WIDTH, HEADS, SHARED, lambda, 0, taken, work.f);
            for (eg_index h = 0; h < HEADS; h++) {
                eg_index at = h * WIDTH;

                K->mesa(a.f + at, LD, x.f + at, LD, limit, ROWS,
                        k.f + h / SHARED * WIDTH, LD, forget ? g.f + h : NULL,
                        HEADS, WIDTH, 1, 1, lambda + h, 0, alone, work.f);
                for (eg_index t = 0; t < ROWS; t++)
                    assert_memory_equal(a.f + t * LD + at, y.f + t * LD + at,
                                        WIDTH * sizeof *a.f);
                assert_memory_equal(alone, taken + h * each,
                                    (size_t)each * sizeof *alone);
            }
        }
        kt_buf *all[] = {&x, &k, &g, &y, &a, &work};
        for (int i = 0; i < 6; i++) kt_free(all[i], K->name);
        free(taken);
        free(alone);
    }
}

/* The answers from what the keys took off: the recursion's, wherever rows ask;
 * and no number where that has none. */
static void test_again(void **state)
{
    static const int32_t some[] = {1, 1, 4, 5, 5, 5, 9, 30};
    enum { SOME = sizeof some / sizeof *some };

    (void)state;
    KT_FOR_SETS(K)
    {
        double worst = 0;

        for (int i = 0; i < 4 * N_WIDTHS; i++) {
            eg_index w = widths[i / 4];
            bool forget = i % 2, few = i / 2 % 2;
            history h;

            history_open(&h, w, ROWS, 1);
            for (int t = 0; few && t < SOME; t++) h.limit[t] = some[t];
            if (few) h.T = SOME;
            double *taken = calloc((size_t)(ROWS * w) + 1, sizeof *taken);
            kt_buf work = kt_new(K->mesa_work(w), 1, 1);
            kt_buf a = kt_new(ROWS * h.ld, 1, 1);

            K->mesa(h.y.f, h.ld, h.x.f, h.ld, h.limit, h.T, h.k.f, h.ld,
                    forget ? h.g.f : NULL, 1, w, 1, 1, &one, 0, taken, work.f);
            for (eg_index j = 0; j < ROWS * h.ld; j++) {
                h.y.d[j] = (double)h.y.f[j];
                h.y.f[j] = 0;
            }
            K->mesa_again(h.y.f, h.ld, h.x.f, h.ld, h.limit, h.T, taken,
                          forget ? h.g.f : NULL, 1, w, 1, work.f);
            worst = fmax(worst, distance32(&h));
            if (w > 0) taken[2 * w] = (double)NAN; /* as where none is left */
            K->mesa_again(a.f, h.ld, h.x.f, h.ld, h.limit, h.T, taken,
                          forget ? h.g.f : NULL, 1, w, 1, work.f);
            for (eg_index t = 0; w > 0 && t < h.T; t++)
                assert_true(isnan((double)a.f[t * h.ld]) == (h.limit[t] > 2));
            kt_free(&work, "scratch");
            kt_free(&a, "again");
            history_close(&h);
            free(taken);
        }
        printf("%-8s again: %.1e\n", K->name, worst);
        assert_true(worst < MESA_TOL(1e-12) * kt_tol_scale());
    }
}

/* ---- histories that are singular, or nearly ------------------------------ */

enum { ZERO, SAME, TURNS, LARGE, PLANE, N_HARD };
static const char *const hard_name[N_HARD] = {
    "zero keys", "one key again and again", "two opposite keys in turn",
    "keys of norm 100", "keys of three dimensions"};

static void harden(history *h, int kind)
{
    for (eg_index t = 0; t < h->T; t++)
        for (eg_index i = 0; i < h->w; i++) {
            eg_index at = t * h->ld + i;
            double x = h->k.d[at];

            if (kind == ZERO) x = 0;
            if (kind == SAME) x = h->k.d[i];
            if (kind == TURNS) x = h->k.d[i] * (t % 2 ? -1 : 1);
            if (kind == LARGE) x *= 100 / sqrt((double)h->w / 3);
            if (kind == PLANE && i >= 3) x = 0;
            h->k.f[at] = (kt_real)x;
            h->k.d[at] = (double)h->k.f[at];
        }
}

static void test_hard(void **state)
{
    (void)state;
    for (int kind = 0; kind < N_HARD; kind++) {
        history h;
        double exact, worst = 0;
        /* of the state's condition, which is 1e6 for large keys at most */
        double bound = kind == LARGE ? 1e-11 : 1e-12;

        history_open(&h, 20, ROWS, 1);
        harden(&h, kind);
        run64(&h, false, 1);
        exact = distance64(&h, false, 1);
        KT_FOR_SETS(k)
        {
            run32(&h, k, false, 1);
            worst = fmax(worst, distance32(&h));
        }
        printf("%-26s reference %.1e, sets %.1e\n", hard_name[kind], exact,
               worst);
        assert_true(exact < bound * kt_tol_scale());
        assert_true(worst < MESA_TOL(bound) * kt_tol_scale());
        history_close(&h);
    }
}

/* y -> lambda x for lambda -> 0 */
static void test_no_ridge_left(void **state)
{
    const double lambda = 1e-9;
    history h;

    (void)state;
    history_open(&h, 20, ROWS, 1);
    run64(&h, false, lambda);
    for (eg_index t = 0; t < h.T; t++)
        for (eg_index i = 0; i < h.w; i++) {
            eg_index at = t * h.ld + i;
            assert_true(fabs(h.y.d[at] / lambda - h.x.d[at]) < 1e-6);
        }
    history_close(&h);
}

/* Rows 0 .. from - 1 are numbers, the others are NaN. */
static void check_lost(const history *h, eg_index from, const char *what)
{
    for (eg_index t = 0; t < h->T; t++)
        for (eg_index i = 0; i < h->w; i++) {
            eg_index at = t * h->ld + i;

            if (isnan(h->y.d[at]) != (t >= from) ||
                isnan((double)h->y.f[at]) != (t >= from))
                fail_msg("%s: row %td: %g and %g", what, t, h->y.d[at],
                         (double)h->y.f[at]);
        }
}

static void test_lost(void **state)
{
    static const double bad[] = {0, -1, INFINITY, NAN};
    const eg_index at = 11;

    (void)state;
    KT_FOR_SETS(k)
    {
        history h;

        history_open(&h, 20, ROWS, 1);
        for (int i = 0; i < 4; i++) {
            run64(&h, false, bad[i]);
            run32(&h, k, false, bad[i]);
            check_lost(&h, 0, "lambda");
        }
        h.g.f[at] = 0;
        h.g.d[at] = 0; /* nothing is left, and one key is no basis */
        run64(&h, true, 1);
        run32(&h, k, true, 1);
        check_lost(&h, at, "all forgotten");
        h.k.f[at * h.ld + 3] = INFINITY;
        h.k.d[at * h.ld + 3] = (double)INFINITY;
        run64(&h, false, 1);
        run32(&h, k, false, 1);
        check_lost(&h, at, "infinite key");
        history_close(&h);
        history_open(&h, 20, ROWS, 1);
        h.k.f[at * h.ld + 3] = 1e9f;
        h.k.d[at * h.ld + 3] = 1e9;
        run64(&h, false, 1);
        run32(&h, k, false, 1);
        check_lost(&h, at, "a key of 1e9");
        history_close(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_going_on),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_forgetting_for_long),
        cmocka_unit_test(test_hard),
        cmocka_unit_test(test_no_ridge_left),
        cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests_name("mesa", tests, NULL, NULL);
}
