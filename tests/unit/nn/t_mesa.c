/* The mesa layer in a model: what its hooks show satisfies the equations of the
 * regression at every position; its pattern is its attention; without ridge
 * left it is linear attention; and a history that no answer keeps a digit of
 * says so. (The recursion itself: kern/t_mesa.) */
#include "nn_test.h"

#define TASK "n_ctx=18 n_triggers=3"

static const variant MESA = {
    "mesa", "mixer=mesa qk=factorised n_heads=4 n_kv_heads=2 pos=learned",
    "loss=all"};

typedef struct seen {
    const double *theta; /* [heads] log lambda of block 0 */
    double solve, attention, linear;
    int n;
} seen;

static eg_view hook(const eg_acts *a, const char *name)
{
    eg_view v;

    if (!eg_acts_hook(a, name, &v)) fail_msg("no hook %s", name);
    return v;
}

static double at(const eg_view *v, eg_index t, eg_index h, eg_index j)
{
    return eg_view_at(v, (t * v->shape[1] + h) * v->shape[2] + j);
}

static double dot(const eg_view *x, eg_index t, eg_index h, const eg_view *y,
                  eg_index s, eg_index g)
{
    double sum = 0;

    for (eg_index j = 0; j < x->shape[2]; j++)
        sum += at(x, t, h, j) * at(y, s, g, j);
    return sum;
}

static void check(void *ctx, int index, int worker, const eg_acts *a)
{
    seen *sn = ctx;
    eg_view q = hook(a, "blocks.0.attn.hook_q");
    eg_view k = hook(a, "blocks.0.attn.hook_k");
    eg_view v = hook(a, "blocks.0.attn.hook_v");
    eg_view z = hook(a, "blocks.0.attn.hook_z");
    eg_view y = hook(a, "blocks.0.attn.hook_q_star");
    eg_view p = hook(a, "blocks.0.attn.hook_pattern");
    eg_index T = a->n_ctx, H = q.shape[1], D = q.shape[2];

    (void)index;
    (void)worker;
    assert_true(H == 4 && k.shape[1] == 2);
    for (eg_index h = 0; h < H; h++)
        for (eg_index t = 0; t < T; t++) {
            double lambda = exp(sn->theta[h]), scale = 1 / sqrt((double)D);

            for (eg_index j = 0; j < D; j++) { /* R^-1 q* = q */
                double sum = at(&y, t, h, j) / lambda;

                for (eg_index s = 0; s <= t; s++)
                    sum += at(&k, s, h / 2, j) * dot(&k, s, h / 2, &y, t, h);
                sn->solve = fmax(sn->solve, fabs(sum / at(&q, t, h, j) - 1));
            }
            for (eg_index j = 0; j < D; j++) { /* z = P v */
                double sum = 0, hebb = 0;

                for (eg_index s = 0; s <= t; s++) {
                    double w = scale * dot(&k, s, h / 2, &y, t, h);

                    sn->attention =
                        fmax(sn->attention,
                             fabs(eg_view_at(&p, (h * T + t) * T + s) - w));
                    sum += w * at(&v, s, h / 2, j);
                    hebb += scale * dot(&k, s, h / 2, &q, t, h) *
                            at(&v, s, h / 2, j);
                }
                sn->attention =
                    fmax(sn->attention, fabs(sum - at(&z, t, h, j)));
                sn->linear =
                    fmax(sn->linear, fabs(at(&z, t, h, j) / lambda - hebb));
                sn->n++;
            }
        }
}

static void look(seen *sn, const char *task, const double *theta)
{
    setting s;
    eg_eval *e;
    eg_err err;

    setting_open(&s, &MESA, task, 1);
    set_fields(eg_train_fields, &s.spec.train, "precision=float64");
    eg_trainer *tr = trainer_open(&s);
    eg_model *m = eg_trainer_model(tr);
    eg_model_set(m, eg_model_find(m, "blocks.0.attn.log_lambda"), theta);
    *sn = (seen){.theta = theta};
    assert_int_equal(
        eg_eval_new(&e, m, s.task, s.pool, "auto", EG_EVAL_FULL, &err), EG_OK);
    eg_eval_run(e, EG_TRAIN, 0, 0, 2, check, sn);
    eg_eval_free(e);
    eg_trainer_free(tr);
    setting_close(&s);
}

static void test_regression(void **state)
{
    static const double theta[4] = {0, -2, 1, 3};
    static const char *const task[] = {TASK, "n_ctx=2 n_triggers=1"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        seen sn;

        look(&sn, task[i], theta);
        printf("  %s: %d numbers, regression off by %.1e, attention by %.1e\n",
               task[i], sn.n, sn.solve, sn.attention);
        assert_true(sn.n > 0 && sn.solve < 1e-11 && sn.attention < 1e-13);
    }
}

static void test_linear_limit(void **state)
{
    static const double theta[4] = {-30, -30, -30, -30};
    seen sn;

    (void)state;
    look(&sn, TASK, theta);
    printf("  lambda 1e-13: off linear attention by %.1e\n", sn.linear);
    assert_true(sn.linear < 1e-9);
}

/* lambda of e^800 is infinite: the loss is no number, and nothing hides it. */
static void test_lost(void **state)
{
    static const double theta[4] = {0, 0, 800, 0};
    setting s;
    double loss;

    (void)state;
    setting_open(&s, &MESA, TASK, 1);
    eg_trainer *tr = trainer_open(&s);
    eg_model *m = eg_trainer_model(tr);
    eg_model_set(m, eg_model_find(m, "blocks.0.attn.log_lambda"), theta);
    eg_trainer_gradient(tr, 0, &loss);
    assert_true(isnan(loss));
    eg_trainer_free(tr);
    setting_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regression),
        cmocka_unit_test(test_linear_limit),
        cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
