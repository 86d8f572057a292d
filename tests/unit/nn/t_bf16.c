/* Gradients of train.precision: bfloat16 against float64. Rounding operands to
 * 8 bits cannot move them much further than rounding the weights alone does,
 * which is measured in float64: models differ in that by a factor of a hundred.
 */
#include "nn_test.h"

#define TASK "n_ctx=18 n_triggers=3"

/* Rounding the weights is half of it, once; activations and gradients are
 * rounded too, at each of a dozen products one behind the other. */
enum { TIMES = 12 };

static double rounded(double x)
{
    float f = (float)x;
    uint32_t u;

    memcpy(&u, &f, sizeof u);
    u = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000;
    memcpy(&f, &u, sizeof f);
    return (double)f;
}

static void round_weights(eg_model *m)
{
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_view v = eg_model_view(m, i);
        eg_index n = eg_model_tensor(m, i)->size;
        double *x = calloc((size_t)n, sizeof *x);

        assert_non_null(x);
        for (eg_index j = 0; j < n; j++) x[j] = rounded(eg_view_at(&v, j));
        eg_model_set(m, i, x);
        free(x);
    }
}

/* The gradient of one setting, a list. */
static double **gradient_of(const variant *v, const char *opts,
                            const char *kern, bool weights_rounded)
{
    setting s;
    double loss;

    setting_open(&s, v, TASK, 2);
    set_fields(eg_train_fields, &s.spec.train, opts);
    s.spec.kern = kern;
    eg_trainer *tr = trainer_open(&s);
    if (weights_rounded) round_weights(eg_trainer_model(tr));
    double **g = gradients(tr, &loss);
    eg_trainer_free(tr);
    setting_close(&s);
    return g;
}

/* How far apart, tensor by tensor, the worst of them. */
static double apart(const variant *v, double **a, double **b)
{
    setting s;
    double worst = 0;

    setting_open(&s, v, TASK, 1);
    eg_trainer *tr = trainer_open(&s);
    eg_model *m = eg_trainer_model(tr);
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        const eg_tensor *t = eg_model_tensor(m, i);

        assert_true(!a[i] == !b[i]);
        if (!a[i] || no_gradient(v, t->name)) continue;
        worst = fmax(worst, distance(a[i], b[i], t->size, NULL));
    }
    eg_trainer_free(tr);
    setting_close(&s);
    return worst;
}

static int tensors(const variant *v)
{
    setting s;
    int n;

    setting_open(&s, v, TASK, 1);
    eg_trainer *tr = trainer_open(&s);
    n = eg_model_n_tensors(eg_trainer_model(tr));
    eg_trainer_free(tr);
    setting_close(&s);
    return n;
}

static void test_float64(void **state)
{
    const char *plain = "precision=float64 algebra=plain";
    double most = 0;

    (void)state;
    for (int k = 0; k < N_VARIANTS; k++) {
        const variant *v = &VARIANTS[k];
        int n = tensors(v);
        double **truth = gradient_of(v, plain, "auto", false);
        double **moved = gradient_of(v, plain, "auto", true);
        double by_weights = apart(v, moved, truth);

        for (int i = 0; eg_kern_name(i) && (i == 0 || k < 6); i++) {
            double **g =
                gradient_of(v, "precision=bfloat16", eg_kern_name(i), false);
            double d = apart(v, g, truth);

            printf("  %-8s %-40s %.1e, weights rounded %.1e\n", eg_kern_name(i),
                   v->name, d, by_weights);
            most = fmax(most, d);
            assert_true(d < TIMES * by_weights);
            gradients_free(g, n);
        }
        gradients_free(moved, n);
        gradients_free(truth, n);
    }
    assert_true(most > 1e-3); /* something was rounded */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_float64)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
