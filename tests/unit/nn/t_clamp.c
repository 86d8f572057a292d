/* train.clamp: the gradient of the model without what is held, from a step to a
 * step, through resumes. */
#include "nn_test.h"

#include <unistd.h>

#define TASK "n_ctx=16 n_triggers=2"

static const char MODEL[] =
    "qk=factorised n_heads=2 norm=pre mlp=gelu pos=learned mlp_bias=true";

static eg_trainer *open_with(setting *s, const char *train, int threads)
{
    variant v = {"clamped", MODEL, train};

    setting_open(s, &v, TASK, threads);
    return trainer_open(s);
}

static double *tensor(eg_trainer *tr, const char *name, int *index)
{
    const eg_model *m = eg_trainer_model(tr);
    double *x;

    *index = eg_model_find(m, name);
    assert_true(*index >= 0);
    x = calloc((size_t)eg_model_tensor(m, *index)->size, sizeof *x);
    assert_non_null(x);
    return x;
}

static double largest(eg_trainer *tr, const char *name)
{
    int i;
    double *g = tensor(tr, name, &i), top = 0;

    eg_trainer_get_grad(tr, i, g);
    for (eg_index k = 0; k < eg_model_tensor(eg_trainer_model(tr), i)->size;
         k++)
        top = fmax(top, fabs(g[k]));
    free(g);
    return top;
}

/* Nothing passes through what is held: its own weights have no gradient, and
 * neither have those that it alone reads. All others have, and central
 * differences of the clamped loss agree with them. */
static void gradient_of_what_is_left(void **state)
{
    static const char *const none[] = {"blocks.0.attn.W_Q", "blocks.0.attn.W_K",
                                       "blocks.0.attn.W_V", "blocks.0.attn.W_O",
                                       "blocks.0.ln1.w",    "blocks.1.mlp.W_in",
                                       "blocks.1.mlp.b_in", "blocks.1.ln2.w"};
    static const char *const some[] = {"W_E",
                                       "W_pos",
                                       "blocks.0.mlp.W_in",
                                       "blocks.1.attn.W_V",
                                       "blocks.1.mlp.b_out",
                                       "W_U"};
    setting s;
    eg_trainer *tr =
        open_with(&s,
                  "loss=all precision=float64 "
                  "clamp=blocks.0.hook_attn_out,blocks.1.mlp.hook_post",
                  2);

    (void)state;
    eg_trainer_gradient(tr, 0, NULL);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_true(largest(tr, none[i]) == 0);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        double *w, *g, lo, hi, *dir, size = 0, along = 0, step = 1e-5;
        eg_model *m = eg_trainer_model(tr);
        int at;

        w = tensor(tr, some[i], &at);
        g = tensor(tr, some[i], &at);
        dir = tensor(tr, some[i], &at);
        eg_index n = eg_model_tensor(m, at)->size;
        eg_trainer_gradient(tr, 0, NULL);
        eg_trainer_get_grad(tr, at, g);
        eg_model_get(m, at, w);
        for (eg_index k = 0; k < n; k++) size += g[k] * g[k];
        for (eg_index k = 0; k < n; k++) along += g[k] * g[k] / sqrt(size);
        for (eg_index k = 0; k < n; k++)
            dir[k] = w[k] + step * g[k] / sqrt(size);
        eg_model_set(m, at, dir);
        eg_trainer_gradient(tr, 0, &hi);
        for (eg_index k = 0; k < n; k++)
            dir[k] = w[k] - step * g[k] / sqrt(size);
        eg_model_set(m, at, dir);
        eg_trainer_gradient(tr, 0, &lo);
        eg_model_set(m, at, w);
        printf("  %-20s %.9e, by differences %.9e\n", some[i], along,
               (hi - lo) / (2 * step));
        assert_true(along > 1e-4);
        assert_true(fabs((hi - lo) / (2 * step) / along - 1) < 1e-6);
        free(w);
        free(g);
        free(dir);
    }
    eg_trainer_free(tr);
    setting_close(&s);
}

/* [65, 12] or [12, 65]. */
static void same_gradient(eg_trainer *a, eg_trainer *b, const char *name)
{
    int at;
    double *g = tensor(a, name, &at), *h = tensor(b, name, &at), worst = 0;

    eg_trainer_get_grad(a, at, g);
    eg_trainer_get_grad(b, at, h);
    for (int k = 0; k < 65 * 12; k++) worst = fmax(worst, fabs(g[k] - h[k]));
    assert_true(worst < 1e-13);
    free(g);
    free(h);
}

/* A head that is held is the model whose W_O is zero there. */
static void a_head(void **state)
{
    setting s, t;
    eg_trainer *a = open_with(&s,
                              "loss=all precision=float64 "
                              "clamp=blocks.1.attn.hook_z.h1",
                              2);
    eg_trainer *b =
        open_with(&t, "loss=all precision=float64 algebra=plain", 1);
    double la, lb, *w;
    int at;

    (void)state;
    w = tensor(b, "blocks.1.attn.W_O", &at);
    eg_model_get(eg_trainer_model(b), at, w);
    memset(w + 72, 0, 72 * sizeof *w);
    eg_model_set(eg_trainer_model(b), at, w);
    free(w);
    eg_trainer_gradient(a, 3, &la);
    eg_trainer_gradient(b, 3, &lb);
    printf("  loss %.12f, without %.12f\n", la, lb);
    assert_true(fabs(la - lb) < 1e-12);
    same_gradient(a, b, "W_E");
    eg_trainer_free(a);
    eg_trainer_free(b);
    setting_close(&s);
    setting_close(&t);
}

static void weights_of(eg_trainer *tr, double *out)
{
    const eg_model *m = eg_trainer_model(tr);

    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_model_get(m, i, out);
        out += eg_model_tensor(m, i)->size;
    }
}

/* Before FROM the run without a clamp, bit for bit; at FROM another loss; from
 * TO on no longer held. The same on any number of threads and when it goes on
 * from a checkpoint within. */
static void from_a_step_to_a_step(void **state)
{
    static const char clamped[] = "loss=all clamp=*.hook_mlp_out@2-4";
    static double w[3][20000];
    char path[64];
    eg_step_info a, b;
    setting s, t, u;
    eg_trainer *x = open_with(&s, clamped, 1);
    eg_trainer *y = open_with(&t, "loss=all algebra=plain", 1), *z;
    eg_err err = {0};

    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/engram-t_clamp-%d", (int)getpid());
    for (int k = 0; k < 6; k++) {
        if (k == 3) assert_int_equal(eg_trainer_save(x, path, &err), EG_OK);
        if (k == 4) { /* from here on both take the same steps */
            weights_of(x, w[2]);
            double *p = w[2];
            for (int i = 0; i < eg_model_n_tensors(eg_trainer_model(y)); i++) {
                eg_model_set(eg_trainer_model(y), i, p);
                p += eg_model_tensor(eg_trainer_model(y), i)->size;
            }
        }
        eg_trainer_step(x, &a);
        eg_trainer_step(y, &b);
        printf("  step %d: loss %.6f, without clamp %.6f\n", k, a.loss, b.loss);
        if (k < 5) /* then momentum differs */
            assert_true((k == 2 || k == 3) == (a.loss != b.loss));
    }
    weights_of(x, w[0]);
    z = open_with(&u, clamped, 3);
    if (eg_trainer_load(z, path, &err) != EG_OK) fail_msg("%s", err.msg);
    int64_t before = eg_mem_query().n_allocs;
    for (int k = 3; k < 6; k++) eg_trainer_step(z, &a);
    assert_int_equal(eg_mem_query().n_allocs, before);
    weights_of(z, w[1]);
    assert_memory_equal(w[0], w[1], sizeof w[0]);
    unlink(path);
    eg_trainer_free(x);
    eg_trainer_free(y);
    eg_trainer_free(z);
    setting_close(&s);
    setting_close(&t);
    setting_close(&u);
}

/* Held at another model's last stream: the loss of that model with this head,
 * whose gradients are the only ones. Nothing is allocated in a step. */
static void another_model(void **state)
{
    static const char *const head[] = {"W_U", "ln_final.w", "ln_final.b"};
    char path[64], train[256];
    double la, lb;
    setting s, t;
    eg_err err = {0};
    eg_step_info info;
    int at;

    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/engram-t_clamp-%d@w",
                   (int)getpid());
    variant v = {"theirs", MODEL, "loss=all precision=float64 algebra=plain"};
    setting_open(&t, &v, TASK, 1);
    t.spec.seed = 6;
    eg_trainer *b = trainer_open(&t);
    assert_int_equal(eg_model_save(eg_trainer_model(b), path, &err), EG_OK);
    (void)snprintf(train, sizeof train,
                   "loss=all precision=float64 clamp="
                   "blocks.1.hook_resid_post=%s@0-2,blocks.0.hook_mlp_out=%s",
                   path, path);
    eg_trainer *a = open_with(&s, train, 3);
    for (int i = 0; i < 3; i++) {
        double *w = tensor(a, head[i], &at);

        eg_model_get(eg_trainer_model(a), at, w);
        eg_model_set(eg_trainer_model(b), at, w);
        free(w);
    }
    eg_trainer_gradient(a, 0, &la);
    eg_trainer_gradient(b, 0, &lb);
    printf("  loss %.12f, theirs %.12f\n", la, lb);
    assert_true(la == lb);
    assert_true(largest(a, "W_E") == 0);
    assert_true(largest(a, "blocks.1.mlp.W_out") == 0);
    same_gradient(a, b, "W_U");
    int64_t before = eg_mem_query().n_allocs;
    for (int k = 0; k < 4; k++) eg_trainer_step(a, &info);
    assert_int_equal(eg_mem_query().n_allocs, before);
    assert_true(largest(a, "W_E") > 0); /* let go at step 2 */
    eg_trainer_free(a);
    eg_trainer_free(b);
    setting_close(&s);
    setting_close(&t);
    unlink(path);
}

static void add_rows(void *ctx, int index, int worker, const eg_acts *acts)
{
    double *row = ctx;
    eg_view v;

    (void)index;
    (void)worker;
    assert_true(eg_acts_hook(acts, "blocks.0.hook_attn_out", &v));
    for (eg_index k = 0; k < eg_view_size(&v); k++)
        row[k % 12] += eg_view_at(&v, k) / (4 * acts->n_ctx);
}

static void add_nll(void *ctx, int index, int worker, const eg_acts *acts)
{
    (void)index;
    (void)worker;
    for (int t = 0; t < acts->n_ctx; t++) *(double *)ctx += acts->nll[t];
}

/* Held at its mean: the loss is that of an evaluator in which the hook is held
 * at the mean over the same batch, at every step anew, and weights behind it
 * learn. */
static void at_the_mean(void **state)
{
    static const char hook[] = "blocks.0.hook_attn_out";
    enum { B = 4, T = 16 };
    double loss[2], row[12], nll[2] = {0, 0};
    int64_t before;
    setting s;
    eg_eval *e;
    eg_err err = {0};
    eg_trainer *tr = open_with(&s,
                               "precision=float64 loss=all "
                               "clamp=blocks.0.hook_attn_out=mean@1-9",
                               2);

    (void)state;
    assert_int_equal(eg_eval_new(&e, eg_trainer_model(tr), s.task, s.pool,
                                 "auto", EG_EVAL_BASIC, &err),
                     EG_OK);
    for (int step = 0; step < 2; step++) {
        eg_hold hold = {.hook = hook, .head = -1, .row = row};

        eg_trainer_gradient(tr, step, &loss[step]);
        memset(row, 0, sizeof row);
        eg_eval_let_go(e);
        for (uint32_t i = 0; i < B; i++) /* one by one: the sum is shared */
            eg_eval_run(e, EG_TRAIN, (uint64_t)step, i, 1, add_rows, row);
        if (step == 1) assert_int_equal(eg_eval_hold(e, &hold, &err), EG_OK);
        for (uint32_t i = 0; i < B; i++)
            eg_eval_run(e, EG_TRAIN, (uint64_t)step, i, 1, add_nll, &nll[step]);
        print_message("  step %d: %.15g, held %.15g\n", step, loss[step],
                      nll[step] / (B * T));
        assert_true(fabs(loss[step] - nll[step] / (B * T)) < 1e-12);
    }
    assert_true(largest(tr, "blocks.0.attn.W_V") == 0);
    assert_true(largest(tr, "blocks.1.attn.W_V") > 0);
    before = eg_mem_query().n_allocs;
    eg_trainer_gradient(tr, 2, &loss[0]);
    assert_int_equal(eg_mem_query().n_allocs, before);
    eg_eval_free(e);
    eg_trainer_free(tr);
    setting_close(&s);
}

static void refused(const char *clamp, const char *words)
{
    variant v = {"refused", MODEL, "loss=all"};
    char train[256];
    setting s;
    eg_trainer *tr = NULL;
    eg_err err = {0};

    (void)snprintf(train, sizeof train, "clamp=%s", clamp);
    setting_open(&s, &v, TASK, 1);
    set_fields(eg_train_fields, &s.spec.train, train);
    assert_int_equal(eg_trainer_new(&tr, &s.spec, &err), EG_EINVAL);
    print_message("  %s\n", err.msg);
    if (!strstr(err.msg, words)) fail_msg("expected '%s'", words);
    setting_close(&s);
}

static void what_is_refused(void **state)
{
    (void)state;
    refused("blocks.1.attn.hook_zz", "did you mean 'blocks.1.attn.hook_z'?");
    refused("blocks.1.attn.hook_pattern@9", "can only be read");
    refused("*.hook_nothing", "no hook that can be held matches");
    refused("blocks.1.attn.hook_z@4-4", "with FROM below TO");
    refused("blocks.1.attn.hook_z@x", "expected HOOK, HOOK@TO");
    refused("blocks.1.attn.hook_z@3-", "expected HOOK, HOOK@TO");
    refused("blocks.1.attn.hook_z=@3", "=zero, =mean or =FILE");
    refused("=zero", "expected HOOK");
    refused("blocks.1.attn.hook_z.h2", "a head from 0 to 1, found 2");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_of_what_is_left),
        cmocka_unit_test(a_head),
        cmocka_unit_test(from_a_step_to_a_step),
        cmocka_unit_test(another_model),
        cmocka_unit_test(at_the_mean),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
