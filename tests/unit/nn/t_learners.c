/* Online learners as mixers, entry by entry in float64: gates, convolved
 * queries and keys, and z against the update written out with dense matrices;
 * the pattern, which times v is z; and the edges: gates at 0 and 1, strength up
 * to 2, keys that are all the same or nothing. */
#include "nn_test.h"

#include "learner_rules.h"
#include "nn/modules/learners.h"

/* ---- a model, and what it shows -------------------------------------------
 */

typedef struct seen {
    const ref *r;
    const eg_model *m;
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
    sum = eg_view_at(&b, (eg_index)h * width + j);
    for (int i = 0; i < d; i++)
        sum += eg_view_at(&x, (eg_index)t * d + i) *
               (width == 1 ? eg_view_at(&w, (eg_index)i * HEADS + h)
                           : eg_view_at(&w, ((eg_index)h * d + i) * width + j));
    return top / (1 + exp(-sum));
}

/* n numbers of a gate that there may be, which are top / (1 + exp(-x W - b));
 * one that there is not is 1. */
static void gate(seen *s, const eg_acts *a, const char *name, double top, int t,
                 int h, double *out, int n)
{
    eg_view v;
    int width;

    for (int i = 0; i < n; i++) out[i] = 1;
    if (!seen_hook(a, name, &v)) return;
    width = (int)v.shape[2];
    for (int i = 0; i < n; i++) {
        int j = width > 1 ? i : 0;

        out[i] = eg_view_at(&v, ((eg_index)t * HEADS + h) * width + j);
        s->gate = fmax(s->gate,
                       fabs(out[i] - gate_of(s, a, name, top, t, h, j, width)));
    }
}

static double number_of(const seen *s, const char *name, int h)
{
    char full[64];
    eg_view v;
    int i;

    snprintf(full, sizeof full, "blocks.0.attn.%s", name);
    i = eg_model_find(s->m, full);
    if (i < 0) return 0;
    v = eg_model_view(s->m, i);
    return eg_view_at(&v, h);
}

static void read_at(seen *s, const eg_acts *a, int t, int h, at *x)
{
    const eg_model_opts *o = eg_model_options(s->m);
    eg_view q = hook(a, "attn.hook_q"), k = hook(a, "attn.hook_k");
    eg_view v = hook(a, "attn.hook_v");
    eg_index first = (eg_index)t * HEADS + h;
    int n = s->r->steps;

    *x = (at){.eps = o->norm_eps};
    numbers(x->q, &q, first * W, W);
    for (int j = 0; j < n; j++) {
        numbers(x->k[j], &k, (first * n + j) * W, W);
        numbers(x->v[j], &v, (first * n + j) * W, W);
    }
    gate(s, a, "beta", o->beta_max, t, h, x->beta, n);
    gate(s, a, "decay", 1, t, h, x->decay, W);
    gate(s, a, "erase", o->beta_max, t, h, x->erase, W);
    gate(s, a, "write", o->beta_max, t, h, x->write, W);
    gate(s, a, "rate", o->beta_max, t, h, x->rate, W);
    gate(s, a, "momentum", 1, t, h, &x->momentum, 1);
    gate(s, a, "moment_decay", 1, t, h, &x->moment_decay, 1);
    gate(s, a, "moment_beta", 1, t, h, &x->moment_beta, 1);
    for (int i = 0; i < W; i++) {
        x->ttt_w[i] = number_of(s, "ttt_w", h * W + i);
        x->ttt_b[i] = number_of(s, "ttt_b", h * W + i);
        for (int j = 0; j < W; j++)
            x->first[i][j] = number_of(s, "ttt_S", (h * W + i) * W + j);
    }
    x->head = h;
    x->scale = o->scale_scores ? 1 / sqrt(W) : 1;
    x->comba_s = number_of(s, "comba_s", h);
    x->comba_d = number_of(s, "comba_d", h);
    x->precond_c = number_of(s, "precond_c", h);
}

/* z against the formula, and against pattern times v where there is one. */
static void check_head(seen *s, const eg_acts *a, int h)
{
    eg_view v = hook(a, "attn.hook_v"), z = hook(a, "attn.hook_z"), P;
    bool shown = seen_hook(a, "pattern", &P);
    bool gated = seen_hook(a, "v_written", &v); /* what the pattern weighs */
    memory m = {.a = {0}};
    int T = a->n_ctx;

    assert_true(gated == (s->r->step == gdn2 || s->r->step == oja));
    assert_true(shown == (!s->r->nonlinear && s->r->steps == 1));
    for (int t = 0; t < T; t++) {
        at x;

        read_at(s, a, t, h, &x);
        s->r->step(&m, &x);
        for (int j = 0; j < W; j++) {
            eg_index now = ((eg_index)t * HEADS + h) * W + j;
            double have = eg_view_at(&z, now), want = 0, by = 0;

            for (int i = 0; i < W; i++) want += x.scale * x.q[i] * m.S[i][j];
            if (s->r->step == ttt) want = x.z[j];
            for (int u = 0; shown && u < T; u++)
                by += eg_view_at(&P, ((eg_index)h * T + t) * T + u) *
                      eg_view_at(&v, ((eg_index)u * HEADS + h) * W + j);
            assert_true(isfinite(have) && isfinite(by) && isfinite(want));
            s->z = fmax(s->z, fabs(have - want));
            if (shown) s->pattern = fmax(s->pattern, fabs(have - by));
            s->top = fmax(s->top, fabs(have));
            s->n++;
        }
    }
}

static void check(void *ctx, int index, int worker, const eg_acts *a)
{
    (void)index;
    (void)worker;
    for (int h = 0; h < HEADS; h++) check_head(ctx, a, h);
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

    /* no eps, except in a norm of what may be nothing */
    snprintf(model, sizeof model,
             "mixer=%s n_layers=1 n_heads=2 d_head=6 qk=factorised "
             "qk_norm=unit decay_init=0.8 delta_steps=3 ttt_batch=4 "
             "norm_eps=%s %s",
             r->mixer, r->step == ttt ? "1e-3" : "0", e->options);
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
            printf("  %-13s %-20s z off by %.1e of %.2g, pattern %.1e, gates "
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
