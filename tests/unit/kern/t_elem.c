/* Elementwise kernels, sums and optimisers of every set against float64. */
#include "kern_test.h"

static const eg_index sizes[] = {0,  1,  2,  3,  7,  8,  9,   15,  16,
                                 17, 31, 33, 63, 64, 65, 127, 128, 1000};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

/* The unary functions and their slopes; in place on odd rounds. */
static void activations_case(const kt_set *k, eg_index n, bool in_place,
                             double *worst)
{
    const eg_kern_f64 *t = kt_truth();
    kt_buf x = kt_new(n, 1, 5), y = kt_new(n, 2, 1), dy = kt_new(n, 3, 1);
    kt_buf *out = in_place ? &dy : &y;

    k->relu(y.f, x.f, n);
    t->relu(y.d, x.d, n);
    kt_compare(&y, &y, 0, 0, k->name, worst);
    k->relu_back(out->f, dy.f, x.f, n);
    t->relu_back(out->d, dy.d, x.d, n);
    kt_compare(out, out, 0, 0, k->name, worst);
    k->clip_back(out->f, dy.f, x.f, 0.75f, n);
    t->clip_back(out->d, dy.d, x.d, 0.75, n);
    kt_compare(out, out, 0, 0, k->name, worst);
    k->clip(y.f, x.f, 0.75f, n);
    t->clip(y.d, x.d, 0.75, n);
    kt_compare(&y, &y, 0, 0, k->name, worst);
    k->gelu_back(out->f, dy.f, x.f, n);
    t->gelu_back(out->d, dy.d, x.d, n);
    kt_compare(out, out, 8, 1, k->name, worst);
    out = in_place ? &x : &y;
    k->gelu(out->f, x.f, n);
    t->gelu(out->d, x.d, n);
    kt_compare(out, out, 8, 1, k->name, worst);
    kt_free(&x, k->name);
    kt_free(&y, k->name);
    kt_free(&dy, k->name);
}

static void test_activations(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;
        for (int i = 0; i < N_SIZES; i++) {
            activations_case(k, sizes[i], false, &worst);
            activations_case(k, sizes[i], true, &worst);
        }
        printf("%-8s worst error / bound %.3f\n", k->name, worst);
    }
}

/* From -2^66 to 2^66 the slope of gelu is 0 or 1 far out, never NaN; gelu of
 * a hugely negative number vanishes beside it. */
static void test_activations_far(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        for (int e = 4; e < 67; e++) {
            kt_real a = (kt_real)ldexp(1, e), x[2] = {a, -a}, y[2],
                    dy[2] = {1, 1}, dx[2];
            k->gelu(y, x, 2);
            k->gelu_back(dx, dy, x, 2);
            assert_true(y[0] == a);
            assert_true(fabs((double)y[1]) <= (double)a * 1e-30);
            assert_true(dx[0] == 1 && fabs((double)dx[1]) <= 1e-30);
        }
    }
}

static void test_nan(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        kt_real x[37], y[37], one[37], z[37];
        for (int i = 0; i < 37; i++) x[i] = one[i] = 1;
        x[3] = x[35] = NAN;
        k->relu(y, x, 37);
        assert_true(isnan(y[3]) && isnan(y[35]) && y[4] == 1);
        k->relu_back(y, x, one, 37);
        assert_true(isnan(y[3]) && isnan(y[35]) && y[4] == 1);
        k->clip(y, x, 0.5f, 37);
        assert_true(isnan(y[3]) && isnan(y[35]) && 2 * y[4] == 1);
        k->clip_back(y, one, x, 2, 37);
        assert_true(y[3] == 0 && y[35] == 0 && y[4] == 1);
        k->gelu(y, x, 37);
        assert_true(isnan(y[3]) && isnan(y[35]) && isfinite(y[4]));
        k->gelu_back(y, one, x, 37);
        assert_true(isnan(y[3]) && isnan(y[35]) && isfinite(y[4]));
        assert_true(isnan(k->sumsq(x, 37)) && isnan(k->dot(one, x, 37)));
        memcpy(z, one, sizeof z);
        k->add(z, x, 37);
        assert_true(isnan(z[3]) && isnan(z[35]) && z[4] == 2);
        x[3] = x[35] = INFINITY;
        k->relu(y, x, 37);
        assert_true(isinf(y[3]) && isinf(y[35]));
        assert_true(isinf(k->sumsq(x, 37)) && isinf(k->dot(one, x, 37)));
    }
}

static void linear_case(const kt_set *k, eg_index n, double *worst)
{
    const eg_kern_f64 *t = kt_truth();
    kt_buf x = kt_input(n, 1, 1), y = kt_new(n, 3, 1);
    long double sum = 0; /* whose own rounding is not of the bound */

    k->add(y.f, x.f, n);
    t->add(y.d, x.d, n);
    k->axpy(y.f, 0.3f, x.f, n);
    t->axpy(y.d, (double)0.3f, x.d, n);
    k->scale(y.f, -1.7f, n);
    t->scale(y.d, (double)-1.7f, n);
    kt_compare(&y, &y, 2, 3, k->name, worst);
    for (eg_index i = 0; i < n; i++)
        sum += (long double)x.d[i] * (double)y.f[i];
    kt_close(k->dot(x.f, y.f, n), (double)sum,
             (double)(n + 1) * 4 * DBL_EPSILON, "dot", n, worst);
    sum = 0;
    for (eg_index i = 0; i < n; i++) sum += (long double)x.d[i] * x.d[i];
    kt_close(k->sumsq(x.f, n), (double)sum, (double)(n + 1) * 4 * DBL_EPSILON,
             "sumsq", n, worst);
    kt_free(&x, k->name);
    kt_free(&y, k->name);
}

static void test_linear(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;
        for (int i = 0; i < N_SIZES; i++) linear_case(k, sizes[i], &worst);
        printf("%-8s worst error / bound %.3f\n", k->name, worst);
    }
}

static void optim_case(const kt_set *k, eg_index n, double *worst)
{
    const eg_kern_f64 *t = kt_truth();
    kt_buf w = kt_new(n, 1, 1), m = kt_new(n, 2, 1), v = kt_new(n, 3, 1);

    for (int step = 1; step <= 3; step++) {
        kt_buf g = kt_input(n, 1, 1);
        k->sgd(w.f, m.f, g.f, n, 0.1f, 0.9f, 0.01f, step == 1);
        t->sgd(w.d, m.d, g.d, n, (double)0.1f, (double)0.9f, (double)0.01f,
               step == 1);
        k->sgd(w.f, NULL, g.f, n, 0.1f, 0, 0.5f, step == 1);
        t->sgd(w.d, NULL, g.d, n, (double)0.1f, 0, 0.5, step == 1);
        kt_free(&g, k->name);
    }
    kt_compare(&w, &w, 16, 1, k->name, worst);
    kt_compare(&m, &m, 16, 1, k->name, worst);
    for (eg_index i = 0; i < n; i++) m.f[i] = v.f[i] = 0;
    for (eg_index i = 0; i < n; i++) m.d[i] = v.d[i] = 0;
    for (int step = 1; step <= 3; step++) {
        kt_buf g = kt_input(n, 1, 1);
        double c1 = 1 - pow(0.9, step), c2 = 1 - pow(0.999, step);
        k->adam(w.f, m.f, v.f, g.f, n, 0.01, 0.9, 0.999, 1e-4, 0.02, 0.1, c1,
                c2);
        t->adam(w.d, m.d, v.d, g.d, n, 0.01, 0.9, 0.999, 1e-4, 0.02, 0.1, c1,
                c2);
        kt_free(&g, k->name);
    }
    kt_compare(&w, &w, 32, 1, k->name, worst);
    kt_compare(&m, &m, 32, 1, k->name, worst);
    kt_compare(&v, &v, 32, 0.01, k->name, worst);
    kt_free(&w, k->name);
    kt_free(&m, k->name);
    kt_free(&v, k->name);
}

static void test_optim(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;
        for (int i = 0; i < N_SIZES; i++) optim_case(k, sizes[i], &worst);
        printf("%-8s worst error / bound %.3f\n", k->name, worst);
    }
}

/* The first step reads no momentum, whatever the memory holds. */
static void test_sgd_first(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        kt_real w[21], m[21], g[21];
        for (int i = 0; i < 21; i++) {
            w[i] = 1;
            m[i] = NAN;
            g[i] = 2;
        }
        k->sgd(w, m, g, 21, 0.25f, 0.5f, 0, 1);
        k->sgd(w, m, g, 21, 0.25f, 0.5f, 0, 0);
        for (int i = 0; i < 21; i++) assert_true(4 * w[i] == -1 && m[i] == 3);
    }
}

/* Below e to this, beside a 1, the loss may take 0. */
#ifdef KT_F64
#define EXP_LEAST (-600)
#else
#define EXP_LEAST (-64)
#endif

/* e^x as every softmax uses it, through cross-entropy of two logits: the
 * gradient at logit 0 is 1 / (1 + e^-x) - 1 for the pair (0, -x). */
static void test_exp(void **state)
{
    /* down to where e^x is 0 */
    const double step = log(KT_TRUE_MIN) / 7500;

    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0, largest = 0;
        for (int i = 0; i < 7500; i++) {
            kt_real logits[2] = {0, (kt_real)(step * i)}, d[2];
            int32_t target = 0, pred;
            double nll, want = exp((double)logits[1]);
            double p = want / (1 + want);
            k->xent(d, &nll, &pred, logits, 2, &target, 1, 2, 1);
            if ((double)logits[1] < EXP_LEAST && d[1] == 0) continue;
            kt_close((double)d[1], p, 4 * KT_EPS * p + KT_TRUE_MIN, "exp", i,
                     &worst);
            if (p > KT_MIN) {
                largest = fmax(largest, fabs((double)d[1] - p) / p);
            }
        }
        printf("%-8s largest relative error of the softmax %.2g\n", k->name,
               largest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_activations_far),
        cmocka_unit_test(test_nan),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_optim),
        cmocka_unit_test(test_sgd_first),
        cmocka_unit_test(test_exp),
    };
    return cmocka_run_group_tests_name("elem", tests, NULL, NULL);
}
