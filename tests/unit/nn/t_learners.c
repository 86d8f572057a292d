/* Online learners as mixers, entry by entry in float64: gates, convolved
 * queries and keys, and z against the update written out with dense matrices;
 * the pattern, which times v is z; and the edges: gates at 0 and 1, strength up
 * to 2, keys that are all the same or nothing. */
#include "nn_test.h"

#include "nn/modules/learners.h"

enum { HEADS = 2, W = 6, MOST = 16 };

/* One head at one position, as the rule's formula reads it. */
typedef struct at {
    const double *k, *v;
    double beta;
    double decay[MOST];
} at;

typedef struct ref {
    const char *mixer;
    void (*step)(double S[W][W], const at *x);
} ref;

/* ---- the rules, from their formulas; S [key][value] -----------------------
 */

static void forget(double S[W][W], const at *x)
{
    for (int i = 0; i < W; i++)
        for (int j = 0; j < W; j++) S[i][j] *= x->decay[i];
}

static void write_down(double S[W][W], const at *x, const double *v)
{
    for (int i = 0; i < W; i++)
        for (int j = 0; j < W; j++) S[i][j] += x->beta * x->k[i] * v[j];
}

static void decayed(double S[W][W], const at *x)
{
    forget(S, x);
    write_down(S, x, x->v);
}

/* S = (I - beta k k^T) Diag(g) S + beta k v^T */
static void delta(double S[W][W], const at *x)
{
    double next[W][W] = {{0}};

    forget(S, x);
    for (int i = 0; i < W; i++)
        for (int l = 0; l < W; l++)
            for (int j = 0; j < W; j++)
                next[i][j] +=
                    ((i == l) - x->beta * x->k[i] * x->k[l]) * S[l][j];
    memcpy(S, next, sizeof next);
    write_down(S, x, x->v);
}

static const ref REFS[] = {
    {"decayed", decayed}, {"gla", decayed},       {"delta", delta},
    {"kda", delta},       {"gated_delta", delta},
};

/* ---- a model, and what it shows -------------------------------------------
 */

typedef struct seen {
    const ref *r;
    const eg_model *m;
    const char *gates; /* options that say what they are */
    double z, pattern, gate, top;
    int n;
} seen;

static eg_view hook(const eg_acts *a, const char *name)
{
    char full[64];
    eg_view v;

    snprintf(full, sizeof full, "blocks.0.%s", name);
    if (!eg_acts_hook(a, full, &v)) fail_msg("no hook %s", full);
    return v;
}

static bool seen_hook(const eg_acts *a, const char *name, eg_view *v)
{
    char full[64];

    snprintf(full, sizeof full, "blocks.0.attn.hook_%s", name);
    return eg_acts_hook(a, full, v);
}

static void numbers(double *out, const eg_view *v, eg_index first, int n)
{
    for (int i = 0; i < n; i++) out[i] = eg_view_at(v, first + i);
}

/* Gate number j of head h at t, from what the block reads. */
static double gate_of(const seen *s, const eg_acts *a, const char *name,
                      double top, int t, int h, int j, int width)
{
    eg_view x = hook(a, "hook_resid_pre"), w, b;
    char full[64];
    double sum;
    int d = (int)x.shape[1];

    snprintf(full, sizeof full, "blocks.0.attn.W_%s", name);
    w = eg_model_view(s->m, eg_model_find(s->m, full));
    snprintf(full, sizeof full, "blocks.0.attn.b_%s", name);
    b = eg_model_view(s->m, eg_model_find(s->m, full));
    sum = eg_view_at(&b, h * width + j);
    for (int i = 0; i < d; i++)
        sum += eg_view_at(&x, (eg_index)t * d + i) *
               (width == 1 ? eg_view_at(&w, i * HEADS + h)
                           : eg_view_at(&w, (h * d + i) * width + j));
    return top / (1 + exp(-sum));
}

static void gates_at(seen *s, const eg_acts *a, int t, int h, at *x)
{
    double top = eg_model_options(s->m)->beta_max;
    eg_view v;

    x->beta = 1;
    if (seen_hook(a, "beta", &v)) {
        x->beta = eg_view_at(&v, t * HEADS + h);
        s->gate = fmax(s->gate,
                       fabs(x->beta - gate_of(s, a, "beta", top, t, h, 0, 1)));
    }
    for (int i = 0; i < W; i++) x->decay[i] = 1;
    if (!seen_hook(a, "decay", &v)) return;
    for (int i = 0; i < W; i++) {
        int width = (int)v.shape[2], j = width > 1 ? i : 0;

        x->decay[i] = eg_view_at(&v, (t * HEADS + h) * width + j);
        s->gate =
            fmax(s->gate,
                 fabs(x->decay[i] - gate_of(s, a, "decay", 1, t, h, j, width)));
    }
}

static void check(void *ctx, int index, int worker, const eg_acts *a)
{
    seen *s = ctx;
    eg_view q = hook(a, "attn.hook_q"), k = hook(a, "attn.hook_k");
    eg_view v = hook(a, "attn.hook_v"), z = hook(a, "attn.hook_z");
    eg_view P = hook(a, "attn.hook_pattern");
    int T = a->n_ctx;
    double scale = eg_model_options(s->m)->scale_scores ? 1 / sqrt(W) : 1;

    (void)index;
    (void)worker;
    for (int h = 0; h < HEADS; h++) {
        double S[W][W] = {{0}};

        for (int t = 0; t < T; t++) {
            double key[W], value[W], query[W];
            eg_index first = ((eg_index)t * HEADS + h) * W;
            at x = {.k = key, .v = value};

            numbers(key, &k, first, W);
            numbers(value, &v, first, W);
            numbers(query, &q, first, W);
            gates_at(s, a, t, h, &x);
            s->r->step(S, &x);
            for (int j = 0; j < W; j++) {
                double have = eg_view_at(&z, first + j), want = 0, by = 0;

                for (int i = 0; i < W; i++) want += scale * query[i] * S[i][j];
                for (int u = 0; u < T; u++)
                    by += eg_view_at(&P, ((eg_index)h * T + t) * T + u) *
                          eg_view_at(&v, (u * HEADS + h) * W + j);
                assert_true(isfinite(have) && isfinite(by));
                s->z = fmax(s->z, fabs(have - want));
                s->pattern = fmax(s->pattern, fabs(have - by));
                s->top = fmax(s->top, fabs(have));
                s->n++;
            }
        }
    }
}

/* Entries of a tensor of block 0, all the same; a model that has none stays. */
static void set_all(eg_model *m, const char *name, double to)
{
    char full[64];
    double *all;
    eg_index n;
    int i;

    snprintf(full, sizeof full, "blocks.0.attn.%s", name);
    i = eg_model_find(m, full);
    if (i < 0) return;
    n = eg_model_tensor(m, i)->size;
    all = calloc((size_t)n, sizeof *all);
    for (eg_index j = 0; j < n; j++) all[j] = to;
    eg_model_set(m, i, all);
    free(all);
}

typedef struct edge {
    const char *name, *options, *task;
    const char *tensor[3]; /* entries of which are set to `to` */
    double to[3];
} edge;

#define TASK "n_ctx=18 n_triggers=3"

static const edge EDGES[] = {
    {"plain", "", TASK, {NULL}, {0}},
    {"convolved", "qk_conv=4", TASK, {NULL}, {0}},
    {"unscaled queries", "scale_scores=false", TASK, {NULL}, {0}},
    {"two positions", "", "n_ctx=2 n_triggers=1", {NULL}, {0}},
    {"forgets at once", "", TASK, {"W_decay", "b_decay"}, {0, -1e4}},
    {"forgets nothing", "", TASK, {"W_decay", "b_decay"}, {0, 1e4}},
    {"writes nothing", "", TASK, {"W_beta", "b_beta"}, {0, -1e4}},
    {"writes all", "", TASK, {"W_beta", "b_beta"}, {0, 1e4}},
    {"strength 2", "beta_max=2", TASK, {"W_beta", "b_beta"}, {0, 1e4}},
    {"one key", "attn_bias=true", TASK, {"W_K", "b_K"}, {0, 0.5}},
    {"one key, strength 2",
     "attn_bias=true beta_max=2",
     TASK,
     {"W_K", "b_K", "b_beta"},
     {0, 0.5, 1e4}},
    {"no key", "", TASK, {"W_K", NULL}, {0, 0}},
};

static void run(const ref *r, const edge *e, seen *s)
{
    char model[256];
    const variant v = {e->name, model, "loss=all precision=float64"};
    setting set;
    eg_eval *ev;
    eg_err err;
    double loss, **g;

    snprintf(model, sizeof model,
             "mixer=%s n_layers=1 n_heads=2 d_head=6 qk=factorised "
             "qk_norm=unit norm_eps=0 decay_init=0.8 %s",
             r->mixer, e->options);
    setting_open(&set, &v, e->task, 1);
    eg_trainer *tr = trainer_open(&set);
    eg_model *m = eg_trainer_model(tr);
    for (int i = 0; i < 3 && e->tensor[i]; i++)
        set_all(m, e->tensor[i], e->to[i]);
    *s = (seen){.r = r, .m = m};
    if (eg_eval_new(&ev, m, set.task, set.pool, "auto", EG_EVAL_FULL, &err) !=
        EG_OK)
        fail_msg("%s: %s", e->name, err.msg);
    eg_eval_run(ev, EG_TRAIN, 0, 0, 3, check, s);
    eg_eval_free(ev);
    g = gradients(tr, &loss);
    for (int i = 0; i < eg_model_n_tensors(m); i++)
        for (eg_index j = 0; g[i] && j < eg_model_tensor(m, i)->size; j++)
            if (!isfinite(g[i][j]))
                fail_msg("%s, %s: gradient of %s is %g", r->mixer, e->name,
                         eg_model_tensor(m, i)->name, g[i][j]);
    gradients_free(g, eg_model_n_tensors(m));
    eg_trainer_free(tr);
    setting_close(&set);
}

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFS / sizeof *REFS; i++)
        for (size_t e = 0; e < sizeof EDGES / sizeof *EDGES; e++) {
            seen s;

            run(&REFS[i], &EDGES[e], &s);
            printf("  %-12s %-20s z off by %.1e of %.2g, pattern %.1e, gates "
                   "%.1e\n",
                   REFS[i].mixer, EDGES[e].name, s.z, s.top, s.pattern, s.gate);
            assert_true(s.n > 0);
            assert_true(s.z <= 1e-12 * (1 + s.top));
            assert_true(s.pattern <= 1e-12 * (1 + s.top));
            assert_true(s.gate <= 1e-12);
        }
}

/* Rules of the table without a reference here fail. */
static void test_all(void **state)
{
#define NAME(name, help) #name,
    static const char *const all[] = {EGI_LEARNERS(NAME)};
#undef NAME
    int missing = 0;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool found = false;

        for (size_t k = 0; k < sizeof REFS / sizeof *REFS; k++)
            found |= strcmp(REFS[k].mixer, all[i]) == 0;
        if (!found) printf("  %s has no reference\n", all[i]);
        missing += !found;
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
