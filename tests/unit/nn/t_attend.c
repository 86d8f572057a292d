/* Positions that attention alone sees, and what training drops: against the
 * formula entry by entry; masks that follow from seed, step and sequence; and
 * nothing of it outside training. */
#include "nn_test.h"

#include "nn/draw.h"

#define TASK "n_ctx=18 n_triggers=3"

static eg_trainer *open_one(setting *s, const variant *v, int threads,
                            const char *train)
{
    setting_open(s, v, TASK, threads);
    set_fields(eg_train_fields, &s->spec.train, "precision=float64");
    set_fields(eg_train_fields, &s->spec.train, train);
    return trainer_open(s);
}

/* ---- forms ----------------------------------------------------------------
 */

typedef struct seen {
    const eg_model *m;
    double worst;
    int n;
} seen;

static eg_view hook(const eg_acts *a, const char *name)
{
    eg_view v;

    if (!eg_acts_hook(a, name, &v)) fail_msg("no hook %s", name);
    return v;
}

static eg_view tensor(const eg_model *m, const char *name)
{
    int i = eg_model_find(m, name);

    if (i < 0) fail_msg("no tensor %s", name);
    return eg_model_view(m, i);
}

static void note(seen *s, double have, double want)
{
    s->worst = fmax(s->worst, fabs(have - want));
    s->n++;
}

/* score(t, s) = q_t . (k_s + R[t - s]) / sqrt(D), P its softmax. */
static void check_relative(void *ctx, int index, int worker, const eg_acts *a)
{
    seen *sn = ctx;
    eg_view q = hook(a, "blocks.0.attn.hook_q");
    eg_view k = hook(a, "blocks.0.attn.hook_k");
    eg_view x = hook(a, "blocks.0.attn.hook_attn_scores");
    eg_view p = hook(a, "blocks.0.attn.hook_pattern");
    eg_view R = tensor(sn->m, "blocks.0.attn.W_rel");
    eg_index T = a->n_ctx, D = q.shape[2];

    (void)index;
    (void)worker;
    for (eg_index h = 0; h < 2; h++)
        for (eg_index t = 0; t < T; t++) {
            double sum = 0;

            for (eg_index s = 0; s <= t; s++) {
                double dot = 0;

                for (eg_index j = 0; j < D; j++)
                    dot += eg_view_at(&q, (t * 2 + h) * D + j) *
                           (eg_view_at(&k, (s * 2 + h) * D + j) +
                            eg_view_at(&R, (t - s) * D + j));
                dot /= sqrt((double)D);
                note(sn, eg_view_at(&x, (h * T + t) * T + s), dot);
                sum += exp(dot);
            }
            for (eg_index s = 0; s < T; s++) {
                eg_index at = (h * T + t) * T + s;
                double want = s <= t ? exp(eg_view_at(&x, at)) / sum : 0;

                note(sn, eg_view_at(&p, at), want);
            }
        }
}

/* q_t = [x_t, P_t] W_Q */
static void check_concatenated(void *ctx, int index, int worker,
                               const eg_acts *a)
{
    seen *sn = ctx;
    eg_view q = hook(a, "blocks.0.attn.hook_q");
    eg_view x = hook(a, "blocks.0.hook_resid_pre");
    eg_view P = tensor(sn->m, "W_pos_qk"),
            W = tensor(sn->m, "blocks.0.attn.W_Q");
    eg_index d = x.shape[1], D = q.shape[2];

    (void)index;
    (void)worker;
    assert_int_equal(W.shape[1], 2 * d);
    for (eg_index t = 0; t < a->n_ctx; t++)
        for (eg_index h = 0; h < 2; h++)
            for (eg_index j = 0; j < D; j++) {
                double sum = 0;

                for (eg_index i = 0; i < d; i++)
                    sum += eg_view_at(&x, t * d + i) *
                               eg_view_at(&W, (h * 2 * d + i) * D + j) +
                           eg_view_at(&P, t * d + i) *
                               eg_view_at(&W, (h * 2 * d + d + i) * D + j);
                note(sn, eg_view_at(&q, (t * 2 + h) * D + j), sum);
            }
}

static void test_forms(void **state)
{
    static const variant form[] = {
        {"relative", "pos=relative qk=factorised n_heads=2", "loss=all"},
        {"concatenated", "pos=concatenated qk=factorised n_heads=2",
         "loss=all"}};
    static const eg_acts_fn check[] = {check_relative, check_concatenated};

    (void)state;
    for (int i = 0; i < 2; i++) {
        setting s;
        eg_trainer *tr = open_one(&s, &form[i], 1, "");
        seen sn = {.m = eg_trainer_model(tr)};
        eg_eval *e;
        eg_err err;

        assert_int_equal(
            eg_eval_new(&e, sn.m, s.task, s.pool, "auto", EG_EVAL_FULL, &err),
            EG_OK);
        eg_eval_run(e, EG_TRAIN, 0, 0, 2, check[i], &sn);
        printf("  %-12s %d numbers, off by %.1e\n", form[i].name, sn.n,
               sn.worst);
        assert_true(sn.n > 100 && sn.worst < 1e-12);
        eg_eval_free(e);
        eg_trainer_free(tr);
        setting_close(&s);
    }
}

/* ---- dropout --------------------------------------------------------------
 */

static const variant DROPPED = {
    "dropped",
    "dropout=0.2 dropout_embed=0.3 dropout_attn=0.25 qk=factorised n_heads=2 "
    "pos=learned mlp=relu norm=pre",
    "loss=all batch=9 slots=5"};

/* The gradient of a step, all tensors. */
static double *gradient_of(int threads, const char *train, int64_t step,
                           uint64_t seed, eg_index *n)
{
    setting s;
    double *g;
    eg_index at = 0;

    setting_open(&s, &DROPPED, TASK, threads);
    set_fields(eg_train_fields, &s.spec.train, train);
    s.spec.seed = seed;
    eg_trainer *tr = trainer_open(&s);
    const eg_model *m = eg_trainer_model(tr);
    *n = 0;
    for (int i = 0; i < eg_model_n_tensors(m); i++)
        *n += eg_model_tensor(m, i)->size;
    g = calloc((size_t)*n + 1, sizeof *g);
    eg_trainer_gradient(tr, 7, NULL); /* another step leaves nothing behind */
    eg_trainer_gradient(tr, step, NULL);
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_trainer_get_grad(tr, i, g + at);
        at += eg_model_tensor(m, i)->size;
    }
    eg_trainer_free(tr);
    setting_close(&s);
    return g;
}

static void test_same_bits(void **state)
{
    eg_index n;
    double *one = gradient_of(1, "", 2, 5, &n);

    (void)state;
    for (int threads = 2; threads <= 5; threads++) {
        double *g = gradient_of(threads, "", 2, 5, &n);

        assert_memory_equal(one, g, (size_t)n * sizeof *g);
        free(g);
    }
    free(one);
}

/* Masks change with the step; the model does not depend on the options. */
static void test_draws(void **state)
{
    setting s;
    double loss[4];

    (void)state;
    eg_trainer *tr = open_one(&s, &DROPPED, 2, "algebra=plain");
    for (int i = 0; i < 4; i++) eg_trainer_gradient(tr, i % 2, &loss[i]);
    assert_true(loss[0] == loss[2] && loss[1] == loss[3]);
    assert_true(loss[0] != loss[1]);
    eg_trainer_free(tr);
    setting_close(&s);
}

typedef struct total {
    double nll[16];
} total;

static void add_nll(void *ctx, int index, int worker, const eg_acts *a)
{
    total *t = ctx;

    (void)worker;
    t->nll[index] = 0;
    for (int i = 0; i < a->n_ctx; i++) t->nll[index] += a->nll[i];
}

/* The evaluator drops nothing, with hooks and without. */
static void test_training_only(void **state)
{
    static const int flags[] = {EG_EVAL_FULL, EG_EVAL_PRED};

    (void)state;
    for (int f = 0; f < 2; f++) {
        total sum[2];

        for (int k = 0; k < 2; k++) {
            setting s;
            eg_eval *e;
            eg_err err;

            setting_open(&s, &DROPPED, TASK, 2);
            if (k == 1)
                set_fields(eg_model_fields, &s.spec.model,
                           "dropout=0 dropout_embed=0 dropout_attn=0");
            eg_trainer *tr = trainer_open(&s);
            assert_int_equal(eg_eval_new(&e, eg_trainer_model(tr), s.task,
                                         s.pool, "auto", flags[f], &err),
                             EG_OK);
            eg_eval_run(e, EG_TRAIN, 0, 0, 16, add_nll, &sum[k]);
            eg_eval_free(e);
            eg_trainer_free(tr);
            setting_close(&s);
        }
        assert_memory_equal(&sum[0], &sum[1], sizeof sum[0]);
    }
}

/* Shares and correlations of masks: by step, sequence, op and entry. */
static void test_masks(void **state)
{
    const double drop[] = {0.1, 0.5, 0.9};
    enum { N = 200000 };

    (void)state;
    for (int d = 0; d < 3; d++) {
        uint64_t key[5] = {egi_draw_of(1, 0, 0), egi_draw_of(1, 1, 0),
                           egi_draw_of(1, 0, 1), egi_draw_of(2, 0, 0),
                           egi_mix(egi_draw_of(1, 0, 0) + egi_mix(3))};
        double sd = sqrt(drop[d] * (1 - drop[d]) / N), worst = 0;

        for (int a = 0; a < 5; a++)
            for (int b = 0; b < 5; b++) {
                double want = 1 - drop[d], have = 0;
                eg_index shift = a == b ? 1 : 0; /* neighbours of one mask */

                for (uint64_t i = 0; i < N; i++)
                    have +=
                        egi_kept(key[a], i << 24, drop[d]) &&
                        egi_kept(key[b], (i << 24) + (uint64_t)shift, drop[d]);
                want *= 1 - drop[d];
                worst = fmax(worst, fabs(have / N - want) / sd);
            }
        printf("  drop %.1f: pairs kept together off by %.2f sd at most\n",
               drop[d], worst);
        assert_true(worst < 4.5);
    }
}

static void test_refused(void **state)
{
    static const char *const bad[][3] = {
        {"pos=concatenated", "model.pos: concatenated", "model.qk: factorised"},
        {"pos=relative mixer=softmax,linear", "model.pos: relative",
         "found linear in block 1"},
        {"error=squared", "model.error: squared is of vectors",
         "the task predicts tokens"},
        {"error=cubic", "expected cross_entropy", "found 'cubic'"},
        {"mixer=linaer", "model.mixer: expected a name of `engram list mixers`",
         "found 'linaer'; did you mean 'linear'?"},
        {"mlp=reul", "model.mlp: expected none", "or geglu, found 'reul'"},
        {"mixer=softmax,ttt qk=factorised norm_eps=0", "model.norm_eps",
         "ttt in block 1"},
        {"mixer=oja", "model.mixer: oja in block 0 needs", "n_kv_heads: 0"},
        {"qk_conv=4", "model.qk_conv", "found merged"},
        {"qk_norm=unit,none,rms", "model.qk_norm: expected 1 item",
         "each of the 2 blocks"},
        {"qk_norm=unti", "model.qk_norm: expected none", "or unit, found"},
        {"dropout_attn=0.1 mixer=linear", "model.dropout_attn",
         "found linear in block 0"}};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        variant v = {"bad", bad[i][0], "loss=all"};
        setting s;
        eg_trainer *tr;
        eg_err err;

        setting_open(&s, &v, TASK, 1);
        assert_int_equal(eg_trainer_new(&tr, &s.spec, &err), EG_EINVAL);
        printf("  %s\n", err.msg);
        assert_non_null(strstr(err.msg, bad[i][1]));
        assert_non_null(strstr(err.msg, bad[i][2]));
        setting_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),         cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_draws),         cmocka_unit_test(test_masks),
        cmocka_unit_test(test_training_only), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
