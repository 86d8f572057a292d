/* Programs: what rewrites leave as it was, loss and gradients of every variant
 * and of random models in float64; and rooms. The plain program itself is held
 * against differences in t_gradient. */
#define EG_REAL_DOUBLE
#include "nn_test.h"

#include "nn/real/exec.h"
#include "nn/rewrite.h"
#include "nn/trainer.h"

#define TASK "n_ctx=18 n_triggers=3"

typedef struct compared {
    double worst;
    size_t bytes; /* of a room */
    int shape;    /* a number that differs where programs do */
} compared;

/* Loss and gradient of step 0. */
static double run_program(const eg_trainer *tr, const egi_program *p,
                          double *grad)
{
    const egi_engine_spec spec = {.program = p,
                                  .task = tr->spec.task,
                                  .pool = tr->spec.pool,
                                  .kern = "ref",
                                  .slots = (int)tr->spec.train.slots,
                                  .batch = (int)tr->spec.train.batch,
                                  .seed = tr->spec.seed};
    egi_engine *e;
    eg_err err;
    double sum;
    int64_t n;

    if (egi_engine_f64.make(&e, &spec, &err) != EG_OK) fail_msg("%s", err.msg);
    egi_engine_f64.gradient(e, 1, grad, &sum, &n, NULL); /* leaves rooms used */
    egi_engine_f64.gradient(e, 0, grad, &sum, &n, NULL);
    egi_engine_f64.free(e);
    return n > 0 ? sum / (double)n : 0;
}

static void look_at(compared *c, const egi_program *p)
{
    exec_f64 e;
    eg_err err;

    if (exec_plan_f64(&e, p, "ref", 1, &err) != EG_OK) fail_msg("%s", err.msg);
    for (int k = 0; k < p->n_ops; k++)
        c->shape += (k + 1) * (1 + (int)p->op[k].kind) + p->op[k].in[2] +
                    (int)p->op[k].attr.width;
    c->bytes = room_bytes_f64(&e);
    exec_release_f64(&e);
}

/* Largest difference of a gradient's entries, relative to its largest. */
static double largest(const double *a, const double *b, eg_index n)
{
    double top = 0, off = 0;

    for (eg_index i = 0; i < n; i++) {
        top = fmax(top, fabs(b[i]));
        if (!(fabs(a[i] - b[i]) <= off)) off = fabs(a[i] - b[i]);
    }
    return top > 0 ? off / top : off;
}

/* The program of a variant, rewritten by the rewrites of `which`, against the
 * plain one. */
static compared compare(const variant *v, bool named, unsigned which)
{
    setting s;
    double loss, *grad;
    compared c = {0};
    egi_program p;
    eg_err err;
    bool trains[256];

    setting_open(&s, v, TASK, 1);
    set_fields(eg_train_fields, &s.spec.train,
               "precision=float64 algebra=plain");
    s.spec.kern = "ref";
    eg_trainer *tr = trainer_open(&s);
    const eg_model *m = tr->m;
    egi_load load = {
        .batch = 1000, .slots = 3, .rows = tr->program.loss->lo > 0 ? 0.3 : 1};
    double **g = gradients(tr, &loss);
    assert_in_range(m->n_tensors, 1, 256);
    for (int i = 0; i < m->n_tensors; i++) trains[i] = g[i] != NULL;
    if (egi_program_build(&p, m, tr->program.loss,
                          EGI_TRAINING |
                              (named ? EGI_HOOKS_FULL : EGI_HOOKS_NONE),
                          &err) != EG_OK ||
        egi_program_rewrite(&p, trains, &load, which, &err) != EG_OK)
        fail_msg("%s", err.msg);
    grad = calloc((size_t)m->n_params, sizeof *grad);
    look_at(&c, &p);
    c.worst = fabs(run_program(tr, &p, grad) - loss) / loss;
    for (int i = 0; i < m->n_tensors; i++) {
        if (!g[i] || no_gradient(v, m->tensor[i].name)) continue;
        double d = largest(grad + m->tensor[i].offset, g[i], m->tensor[i].size);
        if (!(d <= c.worst)) c.worst = d;
        if (!(d < 1e-12)) fail_msg("%s: %s: %g", v->name, m->tensor[i].name, d);
    }
    free(grad);
    gradients_free(g, m->n_tensors);
    egi_program_release(&p);
    eg_trainer_free(tr);
    setting_close(&s);
    return c;
}

static void test_rooms(void **state)
{
    (void)state;
    for (int k = 0; k < N_VARIANTS; k++) {
        compared c = compare(&VARIANTS[k], false, 0);
        compared kept = compare(&VARIANTS[k], true, 0);

        printf("  %-42s %.1e %.1e, room %zu of %zu bytes\n", VARIANTS[k].name,
               c.worst, kept.worst, c.bytes, kept.bytes);
        assert_true(c.worst < 1e-12 && kept.worst < 1e-12);
        assert_true(c.bytes < kept.bytes);
    }
}

/* Each rewrite alone, and behind those before it, on every variant; the latter
 * changes some. */
static void test_rewrites(void **state)
{
    (void)state;
    for (int i = 0; egi_rewrite_name(i); i++) {
        unsigned before = (1u << i) - 1, with = before | 1u << i;
        double worst = 0;
        int changed = 0, n = 0;

        for (int k = 0; variant_at(k); k++, n++) {
            compared alone = compare(variant_at(k), k % 2, 1u << i);
            compared c = compare(variant_at(k), false, with);
            compared kept = compare(variant_at(k), true, with);

            changed += c.shape != compare(variant_at(k), false, before).shape;
            worst = fmax(worst, fmax(alone.worst, fmax(c.worst, kept.worst)));
        }
        printf("  %-8s changes %2d of %d programs, %.1e\n", egi_rewrite_name(i),
               changed, n, worst);
        assert_true(worst < 1e-12);
        assert_true(changed > 0);
    }
}

/* One of the items of a list "a|b|c". */
static const char *any(eg_rng *rng, const char *list, char buf[64])
{
    int n = 0;

    while (eg_choice(list, n, buf, 64)) n++;
    eg_choice(list, (int)eg_rng_below(rng, (uint32_t)n), buf, 64);
    return buf;
}

/* A model and a loss at random. */
static void draw(eg_rng *rng, char *model, char *train, size_t size)
{
    static const char *const key[][2] = {
        {"n_layers", "1|2|3"},
        {"d_model", "12|24|72"},
        {"n_heads", "1|1|2|3"},
        {"norm", "none|none|pre|post|parallel"},
        {"norm_kind", "layer|layer|layer_no_bias|rms"},
        {"mixer", "softmax|softmax|linear|gated_delta|gla"},
        {"mlp", "none|linear|relu|gelu|gelu_erf|silu|swiglu|geglu"},
        {"attn_bias", "false|true"},
        {"mlp_bias", "false|true"},
        {"qk_norm", "none|none|none|layer|rms|unit"},
        {"head_norm", "none|none|none|layer|rms|unit"},
        {"resid_clip", "0|0|0|2"},
        {"qk", "merged|factorised"},
        {"value", "matrix|matrix|identity"},
        {"output", "matrix|matrix|identity"},
        {"pos", "none|learned|random|sinusoidal|rotary|relative|concatenated"},
        {"pos_layers", "0|0|1"},
        {"dropout", "0|0|0.2"},
        {"dropout_embed", "0|0|0.3"},
        {"dropout_attn", "0|0|0.25"},
        {"scale_scores", "true|false"},
        {"tied", "false|false|true"},
        {"readout", "matrix|matrix|matrix|matrix|first"},
    };
    static const char *const task[] = {"", "",
                                       "task.kind=markov task.n_states=5 ",
                                       "task.kind=linear task.dim=5 "};
    static const char *const losses[] = {"all|in_context", "all|global",
                                         "all|later", "all|over|under"};
    static const char *const freeze[] = {
        "",
        "freeze=W_E",
        "freeze=W_*",
        "freeze=*.attn.*",
        "freeze=W_E,blocks.0.*",
        "freeze=blocks.*",
    };
    uint32_t kind = eg_rng_below(rng, sizeof task / sizeof *task);
    size_t at = (size_t)snprintf(model, size, "%s", task[kind]);
    char one[64];

    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        const char *value = any(rng, key[i][1], one);

        if (strcmp(key[i][0], "pos_layers") == 0 &&
            !strstr(model, "pos=relative") && !strstr(model, "pos=conc"))
            continue;
        at += (size_t)snprintf(model + at, size - at, "%s%s=%s", i ? " " : "",
                               key[i][0], value);
    }
    snprintf(train, size, "loss=%s %s", any(rng, losses[kind], one),
             freeze[eg_rng_below(rng, sizeof freeze / sizeof *freeze)]);
}

/* Are there such models? */
static bool fits(const char *model)
{
    if (strstr(model, "readout=first") && !strstr(model, "kind=linear"))
        return false;
    if (!strstr(model, "mixer=softmax") &&
        (strstr(model, "pos=relative") || !strstr(model, "dropout_attn=0 ")))
        return false;
    return !strstr(model, "qk=merged") || !strstr(model, "pos=concatenated");
}

static void test_random(void **state)
{
    eg_rng rng = eg_rng_make(17, EG_RNG_USER, 0, 0);
    double worst = 0;

    (void)state;
    for (int k = 0; k < 200; k++) {
        char model[512], train[512];
        variant v = {model, model, train};

        draw(&rng, model, train, sizeof model);
        if (strstr(model, "tied=true") && strstr(train, "freeze=W_E")) continue;
        if (strstr(model, "kind=linear") &&
            (strstr(model, "tied=true") || strstr(train, "W_E")))
            continue;
        if (!fits(model)) continue;
        compared c = compare(&v, false, ~0u);
        compared d = compare(
            &v, k % 2, (unsigned)eg_rng_below(&rng, 1u << EGI_N_REWRITES));
        worst = fmax(worst, fmax(c.worst, d.worst));
    }
    printf("  200 random programs, %.1e\n", worst);
    assert_true(worst < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rooms),
        cmocka_unit_test(test_rewrites),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
