/* Gradients against central differences in float64, for every variant, with
 * and without the algebraic shortcuts; every set against the reference. */
#include "nn_test.h"

#define TASK "n_ctx=18 n_triggers=3"

static double loss_at(eg_trainer *tr)
{
    double loss;
    eg_trainer_gradient(tr, 0, &loss);
    return loss;
}

/* Derivative of tr's loss along dir in tensor i, by central differences. */
static double slope(eg_trainer *tr, int i, const double *w, const double *dir,
                    double h)
{
    eg_model *m = eg_trainer_model(tr);
    eg_index n = eg_model_tensor(m, i)->size;
    double *x = calloc((size_t)n, sizeof *x), f[4];
    static const double at[4] = {-2, -1, 1, 2};

    for (int k = 0; k < 4; k++) {
        for (eg_index j = 0; j < n; j++) x[j] = w[j] + at[k] * h * dir[j];
        eg_model_set(m, i, x);
        f[k] = loss_at(tr);
    }
    eg_model_set(m, i, w);
    free(x);
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
}

/* Compares tensor i's gradient g with differences along random directions and
 * single coordinates: the worst difference relative to |g|. */
static double check_tensor(eg_trainer *tr, int i, const double *g, double h,
                           double *cosine)
{
    eg_model *m = eg_trainer_model(tr);
    eg_index n = eg_model_tensor(m, i)->size;
    enum { K = 4 };
    double *w = calloc((size_t)n, sizeof *w),
           *dir = calloc((size_t)n, sizeof *w);
    double want[K], have[K], norm = 0;
    eg_rng rng = eg_rng_make(3, EG_RNG_USER, 0, (uint32_t)i);

    eg_model_get(m, i, w);
    for (eg_index j = 0; j < n; j++) norm += g[j] * g[j];
    norm = sqrt(norm);
    assert_true(norm > 0);
    for (int k = 0; k < K; k++) {
        double len = 0;
        for (eg_index j = 0; j < n; j++) {
            dir[j] = k < 2 ? eg_rng_normal(&rng) : 0;
            len += dir[j] * dir[j];
        }
        if (k >= 2) {
            dir[eg_rng_below(&rng, (uint32_t)n)] = 1;
            len = 1;
        }
        want[k] = 0;
        for (eg_index j = 0; j < n; j++) {
            dir[j] /= sqrt(len);
            want[k] += g[j] * dir[j];
        }
        have[k] = slope(tr, i, w, dir, h);
    }
    free(w);
    free(dir);
    distance(have, want, K, cosine);
    double worst = 0;
    bool same = true;
    for (int k = 0; k < K; k++) {
        worst = fmax(worst, fabs(have[k] - want[k]) / norm);
        same = same && have[k] == want[k];
    }
    assert_false(same); /* a difference quotient is never exact */
    return worst;
}

/* The plain algebra; that the shortcuts give the same is checked below. */
static eg_trainer *plain_open(setting *s, const variant *v, const char *train)
{
    setting_open(s, v, TASK, 1);
    set_fields(eg_train_fields, &s->spec.train,
               "precision=float64 algebra=plain");
    set_fields(eg_train_fields, &s->spec.train, train);
    s->spec.kern = "ref"; /* the truth for the other sets */
    return trainer_open(s);
}

/* Losses are those of a trainer that holds every tensor and computes none of
 * their gradients. */
static void check_variant(const variant *v, double *worst, double *least)
{
    setting s, held;
    double loss, cosine;
    eg_trainer *tr = plain_open(&s, v, ""),
               *at = plain_open(&held, v, "freeze=*");
    eg_model *m = eg_trainer_model(tr);
    double **g = gradients(tr, &loss);

    assert_true(isfinite(loss) && loss > 0);
    assert_true(loss_at(at) == loss);
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        if (!g[i] || no_gradient(v, eg_model_tensor(m, i)->name)) continue;
        /* relu: a step small enough to meet no kink on the way */
        double h = strstr(v->model, "relu") ? 2e-6 : 1e-4;
        double err = check_tensor(at, i, g[i], h, &cosine);
        if (err > *worst) *worst = err;
        if (cosine < *least) *least = cosine;
        if (err > 1e-6 || cosine < 1 - 1e-9)
            fail_msg("%s: %s: relative error %.2e, cosine %.12f", v->name,
                     eg_model_tensor(m, i)->name, err, cosine);
    }
    gradients_free(g, eg_model_n_tensors(m));
    eg_trainer_free(tr);
    eg_trainer_free(at);
    setting_close(&s);
    setting_close(&held);
}

static void test_differences(void **state)
{
    (void)state;
    for (int k = 0; k < N_VARIANTS; k++) {
        double worst = 0, least = 1;
        check_variant(&VARIANTS[k], &worst, &least);
        printf("  %-38s relative error %.1e, 1 - cosine %.1e\n",
               VARIANTS[k].name, worst, 1 - least);
    }
}

/* Gradient and loss of one setting, gradients in a list. */
static double **one(const variant *v, const char *task, const char *opts,
                    const char *kern, double *loss, int *n)
{
    setting s;

    setting_open(&s, v, task, 2);
    set_fields(eg_train_fields, &s.spec.train, opts);
    s.spec.kern = kern;
    eg_trainer *tr = trainer_open(&s);
    double **g = gradients(tr, loss);
    *n = eg_model_n_tensors(eg_trainer_model(tr));
    eg_trainer_free(tr);
    setting_close(&s);
    return g;
}

/* Worst relative distance of a setting's gradient from gb, whose loss is lb. */
static double distance_from(double **gb, double lb, const char *task,
                            const variant *v, const char *opts,
                            const char *kern)
{
    double la, worst;
    int n;
    setting s;
    double **ga = one(v, task, opts, kern, &la, &n);

    setting_open(&s, v, task, 1);
    eg_trainer *tr = trainer_open(&s);
    worst = fabs(la - lb) / fabs(lb);
    for (int i = 0; i < n; i++) {
        if (!ga[i] || !gb[i]) {
            assert_true(!ga[i] && !gb[i]); /* frozen in one, so in both */
            continue;
        }
        if (no_gradient(v, eg_model_tensor(eg_trainer_model(tr), i)->name))
            continue;
        double d = distance(
            ga[i], gb[i], eg_model_tensor(eg_trainer_model(tr), i)->size, NULL);
        if (d > worst) worst = d;
    }
    gradients_free(ga, n);
    eg_trainer_free(tr);
    setting_close(&s);
    return worst;
}

/* The same between two settings. */
static double compare_on(const char *task, const variant *v, const char *a,
                         const char *ka, const char *b, const char *kb)
{
    double lb, worst;
    int n;
    double **gb = one(v, task, b, kb, &lb, &n);

    worst = distance_from(gb, lb, task, v, a, ka);
    gradients_free(gb, n);
    return worst;
}

static double compare(const variant *v, const char *a, const char *ka,
                      const char *b, const char *kb)
{
    return compare_on(TASK, v, a, ka, b, kb);
}

static void test_shortcuts_are_exact(void **state)
{
    (void)state;
    for (int k = 0; k < N_VARIANTS; k++) {
        double d = compare(&VARIANTS[k], "precision=float64 algebra=auto",
                           "ref", "precision=float64 algebra=plain", "ref");
        printf("  %-38s shortcuts against plain %.1e\n", VARIANTS[k].name, d);
        assert_true(d < 1e-11);
    }
}

/* Batches large enough for the first block's feed-forward to be computed once
 * for each distinct (token, position). */
static const variant MANY[] = {
    {"sheets", "norm=parallel qk=factorised n_heads=4 mlp=relu pos=learned",
     "batch=40 loss=all"},
    {"sheets, gelu, in context",
     "norm=parallel qk=factorised n_heads=2 mlp=gelu pos=learned",
     "batch=40 loss=in_context"},
    {"sheets, tied, relu in the first only",
     "tied=true norm=parallel mlp=relu,none pos=none", "batch=40 loss=all"},
    {"sheets, three layers, more slots than sheets",
     "n_layers=3 norm=parallel mlp=relu", "batch=33 slots=32 loss=all"},
    {"sheets, frozen embeddings", "norm=parallel mlp=gelu pos=random",
     "batch=40 loss=all freeze=W_E,W_U"},
    {"sheets, only the first feed-forward", "norm=parallel mlp=relu",
     "batch=40 loss=all freeze=W_*,*.attn.*,*.ln*,ln*,blocks.1.*"},
};

/* Heads wide and batches large enough for the first block's scores to come from
 * tables. */
static const variant WIDE[] = {
    {"scores, paper's trained set", "d_model=64",
     "batch=128 loss=in_context freeze=W_E,W_U,*W_V,blocks.0.attn.W_O"},
    {"scores, all trained", "d_model=66 pos=learned", "batch=128 loss=all"},
    {"scores, one layer, in context", "d_model=64 n_layers=1",
     "batch=128 loss=in_context"},
    {"scores, two merged heads", "d_model=64 n_heads=2 pos=learned",
     "batch=128 loss=all"},
    {"scores, factorised, heads wider than the stream",
     "d_model=40 d_head=72 n_heads=2 qk=factorised pos=learned",
     "batch=128 loss=all"},
    {"scores, factorised, keys alone",
     "d_model=64 qk=factorised scale_scores=false",
     "batch=128 loss=all freeze=W_*,*W_Q,*W_V,*W_O"},
    {"scores, no positions, identity values",
     "d_model=64 pos=none value=identity output=identity",
     "batch=128 loss=all"},
    {"scores, post-norm, relu", "d_model=64 norm=post mlp=relu pos=learned",
     "batch=128 loss=all"},
    {"scores, positions alone trained, tied",
     "d_model=64 tied=true pos=learned", "batch=128 loss=all freeze=W_E"},
    {"scores, merged at the key, unscaled tied head",
     "d_model=64 qk=merged_key pos=sinusoidal_scaled tied=true "
     "tied_scale=false",
     "batch=128 loss=all"},
};

/* Nothing to look up: rotated queries and keys differ at every distance. */
static const variant TURNED = {"no scores, rotary at the key",
                               "d_model=64 qk=merged_key pos=rotary",
                               "batch=128 loss=all"};

static void compare_all(const char *task, const variant *v, size_t n)
{
    const char *plain = "precision=float64 algebra=plain";

    for (size_t k = 0; k < n; k++) {
        double d =
            compare_on(task, &v[k], "precision=float64", "auto", plain, "ref");
        double e = compare_on(task, &v[k], "", "auto", plain, "ref");
        printf("  %-50s against plain %.1e, float32 %.1e\n", v[k].name, d, e);
        assert_true(d < 1e-11);
        assert_true(e < 3e-5);
    }
}

static void test_sheets(void **state)
{
    (void)state;
    compare_all(TASK, MANY, sizeof MANY / sizeof *MANY);
}

static void test_scores(void **state)
{
    setting turned;
    eg_train_plan plan;
    eg_err err;

    (void)state;
    for (size_t k = 0; k < sizeof WIDE / sizeof *WIDE; k++) {
        setting s;

        setting_open(&s, &WIDE[k], "n_ctx=64 n_triggers=3", 1);
        assert_int_equal(eg_train_plan_make(&plan, &s.spec, &err), EG_OK);
        assert_true(plan.looked_up_per_token > 0);
        setting_close(&s);
    }
    compare_all("n_ctx=64 n_triggers=3", WIDE, sizeof WIDE / sizeof *WIDE);
    setting_open(&turned, &TURNED, "n_ctx=64 n_triggers=3", 1);
    assert_int_equal(eg_train_plan_make(&plan, &turned.spec, &err), EG_OK);
    assert_true(plan.looked_up_per_token == 0);
    setting_close(&turned);
    compare_all("n_ctx=64 n_triggers=3", &TURNED, 1);
}

/* Has the name a float64 set of its own, which is not the reference? */
static bool has_wide(const char *name)
{
    return strcmp(name, "ref") != 0 &&
           strcmp(eg_kern_pick_f64(name)->name, name) == 0;
}

/* One variant by every set in both precisions against the reference. */
static void check_sets(const variant *v)
{
    double loss;
    int n;
    double **g =
        one(v, TASK, "precision=float64 algebra=plain", "ref", &loss, &n);

    for (int i = 0; eg_kern_name(i); i++) {
        const char *set = eg_kern_name(i);
        double d = distance_from(g, loss, TASK, v, "algebra=auto", set), e = 0;

        if (has_wide(set))
            e = distance_from(g, loss, TASK, v,
                              "precision=float64 algebra=auto", set);
        if (d > 1e-6 || e > 1e-14)
            printf("  %-8s %-38s float32 against float64 %.1e, float64 "
                   "against the reference %.1e\n",
                   set, v->name, d, e);
        assert_true(d < 3e-5);
        assert_true(e < 1e-11);
    }
    gradients_free(g, n);
}

static void test_sets(void **state)
{
    (void)state;
    for (int k = 0; k < N_VARIANTS; k++) check_sets(&VARIANTS[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_shortcuts_are_exact),
        cmocka_unit_test(test_sheets),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
