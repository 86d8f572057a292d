/* The mesa layer and MesaNet in a model: what their hooks show satisfies the
 * equations of the regression at every position, term by term, over several
 * chunks of keys; their pattern is their attention; without ridge left the mesa
 * layer is linear attention; and a history that no answer keeps a digit of says
 * so. (The recursion itself: kern/t_mesa.) */
#include "nn_test.h"

#define TASK "n_ctx=18 n_triggers=3"

static const variant MESA = {
    "mesa", "mixer=mesa qk=factorised n_heads=4 n_kv_heads=2 pos=learned",
    "loss=all"};

typedef struct seen {
    const double *theta; /* [heads] log lambda of block 0 */
    bool fades; /* what is learnt is forgotten, and the ridge with it */
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

/* ---- MesaNet --------------------------------------------------------------
 */

static const variant NET = {
    "mesanet",
    "mixer=mesanet qk=factorised n_heads=4 n_kv_heads=2 pos=learned "
    "mesa_tol=1e-15 mesa_steps=100",
    "loss=all"};

static const variant DECAY = {
    "mesa_decay",
    "mixer=mesa_decay qk=factorised n_heads=4 n_kv_heads=2 pos=learned "
    "qk_norm=unit decay_init=0.9",
    "loss=all"};

/* What is left at t of what was written at i: b_i g_{i+1} ... g_t; b NULL: 1.
 */
static double left(const eg_view *b, const eg_view *g, eg_index t, eg_index i,
                   eg_index h)
{
    double m = b ? at(b, i, h, 0) : 1;

    for (eg_index s = i + 1; s <= t; s++) m *= at(g, s, h, 0);
    return m;
}

static void check_net(void *ctx, int index, int worker, const eg_acts *a)
{
    seen *sn = ctx;
    eg_view q = hook(a, "blocks.0.attn.hook_q");
    eg_view k = hook(a, "blocks.0.attn.hook_k");
    eg_view v = hook(a, "blocks.0.attn.hook_v");
    eg_view z = hook(a, "blocks.0.attn.hook_z");
    eg_view y = hook(a, "blocks.0.attn.hook_q_star");
    eg_view written = {0};
    const eg_view *b = sn->fades ? NULL : &written;
    eg_view g = hook(a, "blocks.0.attn.hook_decay");
    eg_view p = hook(a, "blocks.0.attn.hook_pattern");
    eg_index T = a->n_ctx, H = q.shape[1], D = q.shape[2];

    (void)index;
    (void)worker;
    if (b) written = hook(a, "blocks.0.attn.hook_beta");
    for (eg_index h = 0; h < H; h++)
        for (eg_index t = 0; t < T; t++) {
            double scale = 1 / sqrt((double)D), off = 0, size = 0;
            double ridge =
                sn->fades ? left(NULL, &g, t, 0, h) * at(&g, 0, h, 0) : 1;

            for (eg_index j = 0; j < D; j++) { /* (H_t + ridge) q* = q */
                double sum = ridge * at(&y, t, h, j) - at(&q, t, h, j);
                double out = at(&z, t, h, j);

                for (eg_index s = 0; s <= t; s++) {
                    double w =
                        left(b, &g, t, s, h) * dot(&k, s, h / 2, &y, t, h);

                    sum += w * at(&k, s, h / 2, j);
                    out -= scale * w * at(&v, s, h / 2, j);
                    sn->attention = fmax(
                        sn->attention,
                        fabs(eg_view_at(&p, (h * T + t) * T + s) - scale * w));
                }
                off += sum * sum;
                size += at(&q, t, h, j) * at(&q, t, h, j);
                sn->attention = fmax(sn->attention, fabs(out));
            }
            sn->solve = fmax(sn->solve, sqrt(off / size));
            sn->n++;
        }
}

/* ---- both -----------------------------------------------------------------
 */

static void look(seen *sn, const variant *v, const char *task,
                 const double *theta)
{
    setting s;
    eg_eval *e;
    eg_err err;

    setting_open(&s, v, task, 1);
    set_fields(eg_train_fields, &s.spec.train, "precision=float64");
    eg_trainer *tr = trainer_open(&s);
    eg_model *m = eg_trainer_model(tr);
    if (v == &DECAY || theta) {
        static const double zero[4] = {0};

        eg_model_set(m, eg_model_find(m, "blocks.0.attn.log_lambda"),
                     theta ? theta : zero);
    }
    *sn = (seen){.theta = theta, .fades = v == &DECAY};
    assert_int_equal(
        eg_eval_new(&e, m, s.task, s.pool, "auto", EG_EVAL_FULL, &err), EG_OK);
    eg_eval_run(e, EG_TRAIN, 0, 0, 2, theta ? check : check_net, sn);
    eg_eval_free(e);
    eg_trainer_free(tr);
    setting_close(&s);
}

static void test_regression(void **state)
{
    static const double theta[4] = {0, -2, 1, 3};
    static const char *const task[] = {TASK, "n_ctx=2 n_triggers=1",
                                       "n_ctx=75 n_triggers=3"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        seen sn;

        look(&sn, &MESA, task[i], theta);
        printf("  %s: %d numbers, regression off by %.1e, attention by %.1e\n",
               task[i], sn.n, sn.solve, sn.attention);
        assert_true(sn.n > 0 && sn.solve < 1e-11 && sn.attention < 1e-13);
    }
}

static void test_net(void **state)
{
    static const char *const task[] = {TASK, "n_ctx=2 n_triggers=1",
                                       "n_ctx=75 n_triggers=3"};

    (void)state;
    for (int i = 0; i < 6; i++) {
        const variant *v = i < 3 ? &NET : &DECAY;
        seen sn;

        look(&sn, v, task[i % 3], NULL);
        printf("  %s, %s: %d rows, residual %.1e, attention off by %.1e\n",
               v->name, task[i % 3], sn.n, sn.solve, sn.attention);
        assert_true(sn.n > 0 && sn.solve < 1e-12 && sn.attention < 1e-12);
    }
}

/* ---- several chunks, backwards --------------------------------------------
 */

static double loss_of(eg_trainer *tr)
{
    double loss;

    eg_trainer_gradient(tr, 0, &loss);
    return loss;
}

/* The derivative along a random direction of tensor i, by steps of length h,
 * less g's, over |g|. */
static double slope_off(eg_trainer *tr, int i, const double *g, double h)
{
    eg_model *m = eg_trainer_model(tr);
    eg_index n = eg_model_tensor(m, i)->size;
    double *w = calloc((size_t)n, sizeof *w), *x = calloc((size_t)n, sizeof *x);
    double *dir = calloc((size_t)n, sizeof *dir), f[4];
    static const double where[4] = {-2, -1, 1, 2};
    double want = 0, norm = 0, len = 0;
    eg_rng rng = eg_rng_make(4, EG_RNG_USER, 0, (uint32_t)i);

    eg_model_get(m, i, w);
    for (eg_index j = 0; j < n; j++) {
        dir[j] = eg_rng_normal(&rng);
        want += g[j] * dir[j];
        norm += g[j] * g[j];
        len += dir[j] * dir[j];
    }
    h /= sqrt(len);
    for (int k = 0; k < 4; k++) {
        for (eg_index j = 0; j < n; j++) x[j] = w[j] + where[k] * h * dir[j];
        eg_model_set(m, i, x);
        f[k] = loss_of(tr);
    }
    eg_model_set(m, i, w);
    free(w);
    free(x);
    free(dir);
    assert_true(norm > 0);
    return fabs((f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h) - want) /
           sqrt(norm * len);
}

static void test_chunks_back(void **state)
{
    static const variant v[] = {
        {"linear", "mixer=linear qk=factorised n_heads=2", "loss=all"},
        {"linear, some rows", "mixer=linear qk=factorised", "loss=in_context"},
        {"mesa", "mixer=mesa qk=factorised n_heads=2 qk_norm=rms", "loss=all"},
        {"mesa, some rows", "mixer=softmax,mesa qk=factorised n_kv_heads=1",
         "loss=in_context"},
        {"linear, wide heads", "mixer=linear qk=factorised d_head=72",
         "loss=all"},
        {"mesa, wide heads, some rows",
         "mixer=mesa qk=factorised d_head=72 qk_norm=unit", "loss=in_context"},
        {"mesa_decay",
         "mixer=mesa_decay qk=factorised n_heads=2 qk_norm=unit "
         "decay_init=0.95",
         "loss=all"},
        {"mesa_decay, some rows",
         "mixer=softmax,mesa_decay qk=factorised qk_norm=unit decay_init=0.95",
         "loss=in_context"},
        {"mesanet",
         "mixer=mesanet qk=factorised n_heads=2 mesa_tol=1e-15 mesa_steps=60",
         "loss=all"},
        {"mesanet, some rows",
         "mixer=softmax,mesanet qk=factorised mesa_tol=1e-15 mesa_steps=60 "
         "qk_norm=unit decay_init=0.7",
         "loss=in_context"}};

    (void)state;
    for (size_t k = 0; k < sizeof v / sizeof *v; k++) {
        setting s;
        double loss, worst = 0;

        setting_open(&s, &v[k], "n_ctx=75 n_triggers=3", 1);
        set_fields(eg_train_fields, &s.spec.train, "precision=float64 batch=2");
        eg_trainer *tr = trainer_open(&s);
        eg_model *m = eg_trainer_model(tr);
        double **g = gradients(tr, &loss);
        for (int i = 0; i < eg_model_n_tensors(m); i++)
            if (g[i] && strstr(eg_model_tensor(m, i)->name, "attn"))
                /* a long step where the loss is nearly flat, else a short one
                 */
                worst = fmax(worst, fmin(slope_off(tr, i, g[i], 2e-3),
                                         slope_off(tr, i, g[i], 1e-4)));
        printf("  %-20s 75 positions: gradients off by %.1e\n", v[k].name,
               worst);
        assert_true(worst < 1e-8);
        gradients_free(g, eg_model_n_tensors(m));
        eg_trainer_free(tr);
        setting_close(&s);
    }
}

static void test_linear_limit(void **state)
{
    static const double theta[4] = {-30, -30, -30, -30};
    seen sn;

    (void)state;
    look(&sn, &MESA, TASK, theta);
    printf("  lambda 1e-13: off linear attention by %.1e\n", sn.linear);
    assert_true(sn.linear < 1e-9);
}

/* One step of AdamW, its learning rate 1, with and without weight decay. */
static void test_undecayed(void **state)
{
    static const char *const name[] = {"blocks.0.attn.softplus_lambda",
                                       "blocks.0.attn.W_beta"};
    double was[2][96] = {{0}};

    (void)state;
    for (int decay = 0; decay < 2; decay++) {
        setting s;
        eg_step_info info;
        double w[96];

        setting_open(&s, &NET, TASK, 1);
        set_fields(eg_optim_fields, &s.spec.optim,
                   decay ? "kind=adamw lr=1 weight_decay=0.5"
                         : "kind=adamw lr=1 weight_decay=0");
        eg_trainer *tr = trainer_open(&s);
        eg_model *m = eg_trainer_model(tr);
        for (int j = 0; j < 96; j++) w[j] = 1; /* away from 0 */
        eg_model_set(m, eg_model_find(m, name[0]), w);
        eg_trainer_step(tr, &info);
        for (int k = 0; k < 2; k++) {
            int i = eg_model_find(m, name[k]);
            size_t n = (size_t)eg_model_tensor(m, i)->size;

            assert_true(n <= 96);
            eg_model_get(m, i, decay ? w : was[k]);
            if (decay)
                assert_int_equal(memcmp(w, was[k], n * sizeof *w) == 0, k == 0);
        }
        eg_trainer_free(tr);
        setting_close(&s);
    }
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

/* All steps that there are, and none too many: with the tolerance 0 a solver
 * that goes on while its residual is not exactly 0 divides, in float32, numbers
 * without digits, and loses its answer. */
static void test_no_tolerance(void **state)
{
    static const char *const tol[2] = {"", "mesa_tol=0 mesa_steps=1000"};
    double loss[2], norm[2];

    (void)state;
    for (int k = 0; k < 2; k++) {
        char model[256];
        setting s;
        eg_step_info info;

        snprintf(model, sizeof model,
                 "mixer=mesanet qk=factorised n_heads=4 qk_norm=unit %s",
                 tol[k]);
        variant v = {"mesanet", model, "loss=all precision=float32"};
        setting_open(&s, &v, TASK, 8);
        eg_trainer *tr = trainer_open(&s);
        eg_trainer_step(tr, &info);
        loss[k] = info.loss;
        norm[k] = info.grad_norm;
        printf("tolerance %s: loss %.9g, gradient %.9g\n", k ? "0" : "1e-6",
               loss[k], norm[k]);
        eg_trainer_free(tr);
        setting_close(&s);
    }
    assert_true(fabs(loss[1] / loss[0] - 1) < 1e-5);
    assert_true(fabs(norm[1] / norm[0] - 1) < 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regression),
        cmocka_unit_test(test_net),
        cmocka_unit_test(test_chunks_back),
        cmocka_unit_test(test_linear_limit),
        cmocka_unit_test(test_undecayed),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_no_tolerance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
