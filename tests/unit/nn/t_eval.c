/* The activation cache: invariants that need no reference, and agreement with
 * the training path. */
#include "nn_test.h"

#define TASK "n_ctx=40 n_triggers=3"

typedef struct sums {
    double nll[64];
    int n[64];
    const eg_group *group;
} sums;

static void count(void *ctx, int index, int worker, const eg_acts *a)
{
    sums *s = ctx;

    (void)worker;
    s->nll[index] = 0;
    s->n[index] = 0;
    for (int t = 0; t < a->n_ctx; t++) {
        if (a->targets[t] < 0 || a->labels[t] < s->group->lo ||
            a->labels[t] > s->group->hi)
            continue;
        s->nll[index] += a->nll[t];
        s->n[index]++;
    }
}

/* The evaluator's mean loss on the training batch is the trainer's. */
static void same_loss(int flags)
{
    for (int k = 0; k < N_VARIANTS; k++) {
        setting s;
        eg_eval *e;
        eg_err err;
        double loss, total = 0;
        int n = 0;
        sums sum = {.group = NULL};

        setting_open(&s, &VARIANTS[k], TASK, 2);
        set_fields(eg_model_fields, &s.spec.model,
                   "dropout=0 dropout_embed=0 dropout_attn=0 dropout_mlp=0");
        eg_trainer *tr = trainer_open(&s);
        eg_trainer_gradient(tr, 0, &loss);
        if (eg_eval_new(&e, eg_trainer_model(tr), s.task, s.pool, "auto", flags,
                        &err) != EG_OK)
            fail_msg("%s", err.msg);
        int64_t before = eg_mem_query().n_allocs;
        sum.group = eg_task_group_find(eg_task_options(s.task)->kind,
                                       s.spec.train.loss);
        eg_eval_run(e, EG_TRAIN, 0, 0, 4, count, &sum);
        assert_int_equal(eg_mem_query().n_allocs, before);
        for (int i = 0; i < 4; i++) {
            total += sum.nll[i];
            n += sum.n[i];
        }
        double d = fabs(total / n - loss) / loss;
        if (d > 2e-6)
            fail_msg("%s: %.8f against %.8f", VARIANTS[k].name, total / n,
                     loss);
        eg_eval_free(e);
        eg_trainer_free(tr);
        setting_close(&s);
    }
}

static void test_same_loss(void **state)
{
    (void)state;
    same_loss(EG_EVAL_FULL);
    same_loss(EG_EVAL_PRED);
}

static void check_pattern(const eg_acts *a, const char *name, bool whole)
{
    eg_view v;

    assert_true(eg_acts_hook(a, name, &v));
    assert_int_equal(v.ndim, 3);
    for (eg_index h = 0; h < v.shape[0]; h++)
        for (eg_index t = 0; t < v.shape[1]; t++) {
            double sum = 0;
            for (eg_index s = 0; s < v.shape[2]; s++) {
                double p =
                    eg_view_at(&v, (h * v.shape[1] + t) * v.shape[2] + s);
                assert_true(p >= 0 && (s <= t || whole || p == 0));
                sum += p;
            }
            assert_true(fabs(sum - 1) < 1e-5);
        }
}

/* What a variant's activations have to satisfy. */
typedef struct claims {
    bool residual; /* mid = pre + attn_out */
    bool softmax;  /* the pattern is one */
    bool linear;   /* or the scores themselves */
    bool whole;    /* which sees what comes later too */
    bool bias;     /* attn_out holds b_O, no head's result does */
} claims;

/* resid_mid - resid_pre = attn_out = sum over heads of result (+ b_O, which is
 * the same at every position) */
static void check_sums(const eg_acts *a, const claims *is)
{
    eg_view pre, out, mid, res;
    double worst = 0, worst2 = 0, first[256] = {0}, top = 1;

    assert_true(eg_acts_hook(a, "blocks.1.hook_resid_pre", &pre));
    assert_true(eg_acts_hook(a, "blocks.1.hook_attn_out", &out));
    assert_true(eg_acts_hook(a, "blocks.1.hook_resid_mid", &mid));
    assert_true(eg_acts_hook(a, "blocks.1.attn.hook_result", &res));
    for (eg_index i = 0; i < eg_view_size(&pre); i++) {
        eg_index t = i / pre.shape[1], j = i % pre.shape[1];
        double sum = 0, o = eg_view_at(&out, i);
        for (eg_index h = 0; h < res.shape[1]; h++)
            sum += eg_view_at(&res, (t * res.shape[1] + h) * res.shape[2] + j);
        if (t == 0 && is->bias) first[j] = o - sum;
        worst2 = fmax(worst2, fabs(sum + first[j] - o));
        top = fmax(top, fabs(o)); /* linear attention divides by nothing */
        worst =
            fmax(worst, fabs(eg_view_at(&mid, i) - eg_view_at(&pre, i) - o));
    }
    if (worst2 > 2e-5 * top) fail_msg("results and attn_out: %g", worst2);
    if (is->residual) assert_true(worst < 2e-5 * top);
}

/* the scores are the pattern, as they stand */
static void check_same(const eg_acts *a)
{
    eg_view s, p;

    assert_true(eg_acts_hook(a, "blocks.0.attn.hook_attn_scores", &s));
    assert_true(eg_acts_hook(a, "blocks.0.attn.hook_pattern", &p));
    for (eg_index i = 0; i < eg_view_size(&s); i++) {
        double want = eg_view_at(&s, i);

        assert_true(eg_view_at(&p, i) == (isinf(want) ? 0 : want));
    }
}

/* softmax of the scores is the pattern */
static void check_scores(const eg_acts *a, bool whole)
{
    eg_view s, p;

    assert_true(eg_acts_hook(a, "blocks.0.attn.hook_attn_scores", &s));
    assert_true(eg_acts_hook(a, "blocks.0.attn.hook_pattern", &p));
    for (eg_index t = 0; t < s.shape[1]; t++) {
        double z = 0;
        eg_index n = whole ? s.shape[1] : t + 1;

        for (eg_index k = 0; k < n; k++)
            z += exp(eg_view_at(&s, t * s.shape[2] + k));
        for (eg_index k = 0; k < n; k++) {
            double want = exp(eg_view_at(&s, t * s.shape[2] + k)) / z;
            assert_true(fabs(want - eg_view_at(&p, t * p.shape[2] + k)) < 1e-5);
        }
        if (n < s.shape[1])
            assert_true(isinf(eg_view_at(&s, t * s.shape[2] + n)));
    }
}

static void inspect(void *ctx, int index, int worker, const eg_acts *a)
{
    (void)index;
    (void)worker;
    const claims *is = ctx;

    if (is->softmax) {
        check_pattern(a, "blocks.0.attn.hook_pattern", is->whole);
        check_scores(a, is->whole);
    } else if (is->linear) {
        check_same(a);
    }
    check_sums(a, is);
}

static void test_invariants(void **state)
{
    (void)state;
    for (int k = 0; k < N_VARIANTS; k++) {
        setting s;
        eg_eval *e;
        eg_err err;
        const char *model = VARIANTS[k].model;
        claims is = {.residual = !strstr(model, "norm=post") &&
                                 !strstr(model, "resid_clip"),
                     .softmax = !strstr(model, "mixer=") ||
                                strstr(model, "mixer=softmax"),
                     .linear = strstr(model, "mixer=linear"),
                     .whole = strstr(model, "causal=false"),
                     .bias = strstr(model, "attn_bias")};

        if (strstr(VARIANTS[k].model, "n_layers=1")) continue;
        setting_open(&s, &VARIANTS[k], TASK, 1);
        eg_trainer *tr = trainer_open(&s);
        assert_int_equal(eg_eval_new(&e, eg_trainer_model(tr), s.task, s.pool,
                                     "auto", EG_EVAL_FULL, &err),
                         EG_OK);
        eg_eval_run(e, EG_TEST, 0, 0, 2, inspect, &is);
        eg_eval_free(e);
        eg_trainer_free(tr);
        setting_close(&s);
    }
}

/* Logits of two sequences that share a beginning agree there: the future
 * cannot change the past. */
typedef struct kept {
    int32_t tokens[2][64];
    double *logits[2];
    int width;
} kept;

static void keep(void *ctx, int index, int worker, const eg_acts *a)
{
    kept *k = ctx;
    eg_view v;

    (void)worker;
    assert_true(eg_acts_hook(a, "logits", &v));
    k->width = (int)v.shape[1];
    k->logits[index] = calloc((size_t)eg_view_size(&v), sizeof(double));
    for (eg_index i = 0; i < eg_view_size(&v); i++)
        k->logits[index][i] = eg_view_at(&v, i);
    memcpy(k->tokens[index], a->tokens, (size_t)a->n_ctx * sizeof(int32_t));
}

/* What rotation at the key means, from the definition: queries are the turned
 * input and keys the turned W_QK x, the paper's W_K x; one head, first block.
 */
typedef struct rotated {
    const eg_model *m;
    double query, key, size; /* largest differences, and the largest key */
} rotated;

/* Entry j of R_t y, pairs (2i, 2i+1) turned by t 10000^(-2i/d). */
static double turned(const double *y, int j, int t, int d)
{
    int i = j / 2 * 2;
    double angle = t * pow(10000, -(double)i / d);
    double c = cos(angle), s = sin(angle);

    return j == i ? c * y[i] - s * y[i + 1] : s * y[i] + c * y[i + 1];
}

static void check_rotation(void *ctx, int index, int worker, const eg_acts *a)
{
    enum { D = 12 };
    rotated *r = ctx;
    double x[D], wx[D], w[D * D];
    eg_view in, q, k;

    (void)index;
    (void)worker;
    eg_model_get(r->m, eg_model_find(r->m, "blocks.0.attn.W_QK"), w);
    assert_true(eg_acts_hook(a, "blocks.0.hook_resid_pre", &in));
    assert_true(eg_acts_hook(a, "blocks.0.attn.hook_q", &q));
    assert_true(eg_acts_hook(a, "blocks.0.attn.hook_k", &k));
    assert_int_equal(in.shape[1], D);
    assert_int_equal(eg_view_size(&k), a->n_ctx * D);
    for (int t = 0; t < a->n_ctx; t++) {
        for (int j = 0; j < D; j++) x[j] = eg_view_at(&in, t * D + j);
        for (int i = 0; i < D; i++) {
            wx[i] = 0;
            for (int j = 0; j < D; j++) wx[i] += w[i * D + j] * x[j];
        }
        for (int j = 0; j < D; j++) {
            double dq = turned(x, j, t, D) - eg_view_at(&q, t * D + j);
            double dk = turned(wx, j, t, D) - eg_view_at(&k, t * D + j);

            r->query = fmax(r->query, fabs(dq));
            r->key = fmax(r->key, fabs(dk));
            r->size = fmax(r->size, fabs(eg_view_at(&k, t * D + j)));
        }
    }
}

static void test_rotation_at_the_key(void **state)
{
    static const variant v = {"key", "qk=merged_key pos=rotary",
                              "loss=all precision=float64"};
    setting s;
    rotated r = {0};
    eg_eval *e;
    eg_err err;

    (void)state;
    setting_open(&s, &v, TASK, 1);
    eg_trainer *tr = trainer_open(&s);
    r.m = eg_trainer_model(tr);
    assert_int_equal(
        eg_eval_new(&e, r.m, s.task, s.pool, "ref", EG_EVAL_FULL, &err), EG_OK);
    eg_eval_run(e, EG_TEST, 0, 0, 2, check_rotation, &r);
    printf("  queries off by %.1e, keys by %.1e of %.2f\n", r.query, r.key,
           r.size);
    assert_true(r.size > 0.5);
    assert_true(r.query < 1e-13 && r.key < 1e-13);
    eg_eval_free(e);
    eg_trainer_free(tr);
    setting_close(&s);
}

/* One model's logits on a test sequence, [n_ctx, V]. */
static void logits_of(const char *model, kept *k)
{
    const variant v = {"one", model, "loss=all precision=float64"};
    setting s;
    eg_eval *e;
    eg_err err;

    setting_open(&s, &v, TASK, 1);
    eg_trainer *tr = trainer_open(&s);
    assert_int_equal(
        eg_eval_new(&e, eg_trainer_model(tr), s.task, s.pool, "ref", 0, &err),
        EG_OK);
    eg_eval_run(e, EG_TEST, 0, 0, 1, keep, k);
    eg_eval_free(e);
    eg_trainer_free(tr);
    setting_close(&s);
}

/* a's logits are b's times factor (not: they differ). */
static void compare_logits(const char *a, const char *b, double factor,
                           bool same)
{
    kept k = {0}, l = {0};
    double worst = 0, size = 0;

    logits_of(a, &k);
    logits_of(b, &l);
    for (int i = 0; i < 40 * k.width; i++) {
        worst = fmax(worst, fabs(k.logits[0][i] - factor * l.logits[0][i]));
        size = fmax(size, fabs(k.logits[0][i]));
    }
    printf("  %s | %s: %.1e of %.2f\n", a, b, worst, size);
    assert_true(same ? worst < 1e-12 * size : worst > 1e-3 * size);
    free(k.logits[0]);
    free(l.logits[0]);
}

static void positions_of(const char *model, double *out)
{
    const variant v = {"one", model, "loss=all precision=float64"};
    setting s;

    setting_open(&s, &v, TASK, 1);
    eg_trainer *tr = trainer_open(&s);
    const eg_model *m = eg_trainer_model(tr);
    eg_model_get(m, eg_model_find(m, "W_pos"), out);
    eg_trainer_free(tr);
    setting_close(&s);
}

/* What the original programs do beside what is done here. */
static void test_originals(void **state)
{
    double plain[40 * 12], scaled[40 * 12];

    (void)state;
    compare_logits("qk=merged_key", "qk=merged", 1, true);
    compare_logits("qk=merged_key pos=rotary", "qk=merged pos=rotary", 1,
                   false);
    compare_logits("tied=true tied_scale=false", "tied=true", 12, true);
    positions_of("pos=sinusoidal", plain);
    positions_of("pos=sinusoidal_scaled", scaled);
    for (int i = 0; i < 40 * 12; i++)
        assert_true(fabs(scaled[i] * sqrt(12) - plain[i]) < 1e-15);
    assert_true(plain[12] == sin(1) && plain[13] == cos(1));
    for (int t = 0; t < 40; t++) /* p[2i], p[2i + 1] at rate 10000^(-2i/d) */
        for (int i = 0; i < 6; i++) {
            double x = t * pow(10000, -2 * i / 12.0);

            assert_true(fabs(plain[t * 12 + 2 * i] - sin(x)) < 1e-14);
            assert_true(fabs(plain[t * 12 + 2 * i + 1] - cos(x)) < 1e-14);
        }
}

static void test_causality(void **state)
{
    /* A context twice as long begins with the same tokens when no trigger law
     * depends on it: the task draws position by position. */
    static const char *const ctx[] = {"n_ctx=20 n_triggers=2",
                                      "n_ctx=40 n_triggers=2"};
    static const variant v = {
        "causal", "pos=sinusoidal norm=pre mlp=relu qk=factorised n_heads=2",
        "loss=all"};
    kept k[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        setting s;
        eg_eval *e;
        eg_err err;
        setting_open(&s, &v, ctx[i], 1);
        eg_trainer *tr = trainer_open(&s);
        assert_int_equal(eg_eval_new(&e, eg_trainer_model(tr), s.task, s.pool,
                                     "ref", 0, &err),
                         EG_OK);
        eg_eval_run(e, EG_TEST, 0, 0, 1, keep, &k[i]);
        eg_eval_free(e);
        eg_trainer_free(tr);
        setting_close(&s);
    }
    assert_memory_equal(k[0].tokens[0], k[1].tokens[0], 20 * sizeof(int32_t));
    for (int i = 0; i < 20 * k[0].width; i++)
        assert_true(fabs(k[0].logits[0][i] - k[1].logits[0][i]) < 1e-6);
    free(k[0].logits[0]);
    free(k[1].logits[0]);
}

static void test_hook_names(void **state)
{
    setting s;
    eg_eval *e;
    eg_err err;
    int n = 0;

    (void)state;
    setting_open(&s, &VARIANTS[21], TASK, 1);
    eg_trainer *tr = trainer_open(&s);
    assert_int_equal(eg_eval_new(&e, eg_trainer_model(tr), s.task, s.pool,
                                 "auto", EG_EVAL_FULL, &err),
                     EG_OK);
    for (const char *name; (name = eg_eval_hook_name(e, n)); n++)
        printf("  %s\n", name);
    assert_true(n > 30);
    eg_eval_free(e);
    eg_trainer_free(tr);
    setting_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_loss),
        cmocka_unit_test(test_invariants),
        cmocka_unit_test(test_causality),
        cmocka_unit_test(test_hook_names),
        cmocka_unit_test(test_rotation_at_the_key),
        cmocka_unit_test(test_originals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
