/* Programs: what rewrites leave as it was, loss and gradients of every variant
 * and of random models in float64; and rooms. The plain program itself is held
 * against differences in t_gradient. */
#define EG_REAL_DOUBLE
#include "nn_test.h"

#include "nn/real/exec.h"
#include "nn/rewrite.h"
#include "nn/trainer.h"
#include "sanitized.h"

#define TASK "n_ctx=18 n_triggers=3"

typedef struct compared {
    double worst;
    size_t bytes;   /* of a room */
    uint64_t shape; /* a number that differs where programs do */
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

/* FNV-1a, a number at a time. */
static void mix(uint64_t *hash, double x)
{
    unsigned char byte[sizeof x];

    memcpy(byte, &x, sizeof x);
    for (size_t i = 0; i < sizeof x; i++)
        *hash = (*hash ^ byte[i]) * UINT64_C(0x100000001b3);
}

static void mix_op(uint64_t *hash, const egi_op *op)
{
    const egi_attr *a = &op->attr;
    const double with[] = {
        op->kind,  a->heads,  a->k_heads,    a->v_heads,       a->scale,
        a->eps,    a->theta,  (double)a->at, (double)a->width, a->drop,
        a->stream, a->turned, a->steps,      a->guarded,       a->whole,
        a->halves, a->erases, a->before,     a->across,
    };

    for (size_t i = 0; i < sizeof with / sizeof *with; i++) mix(hash, with[i]);
    for (int i = 0; i < EGI_INS; i++) mix(hash, op->in[i]);
    for (int i = 0; i < EGI_OUTS; i++) mix(hash, op->out[i]);
}

static void mix_value(uint64_t *hash, const egi_value *v)
{
    const double of[] = {(double)v->rows, (double)v->cols, (double)v->entries,
                         v->cls,          v->maker,        v->tensor,
                         v->grad,         v->kept,         v->cached,
                         v->by_product};

    for (size_t i = 0; i < sizeof of / sizeof *of; i++) mix(hash, of[i]);
}

static void look_at(compared *c, const egi_program *p)
{
    exec_f64 e;
    eg_err err;

    if (exec_plan_f64(&e, p, "ref", 1, &err) != EG_OK) fail_msg("%s", err.msg);
    c->shape = UINT64_C(0xcbf29ce484222325);
    for (int k = 0; k < p->n_ops; k++) mix_op(&c->shape, &p->op[k]);
    for (int k = 0; k < p->n_values; k++) mix_value(&c->shape, &p->value[k]);
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

/* A variant, and the plain program's loss and gradient, which all others are
 * held against. */
typedef struct plain {
    const variant *v;
    setting s;
    eg_trainer *tr;
    double loss, **g;
    bool trains[256];
    compared seen[64]; /* programs that were held against it */
    int n_seen;
} plain;

static void plain_open(plain *a, const variant *v)
{
    a->v = v;
    a->n_seen = 0;
    setting_open(&a->s, v, TASK, 1);
    set_fields(eg_train_fields, &a->s.spec.train,
               "precision=float64 algebra=plain");
    a->s.spec.kern = "ref";
    a->tr = trainer_open(&a->s);
    a->g = gradients(a->tr, &a->loss);
    assert_in_range(a->tr->m->n_tensors, 1, 256);
    for (int i = 0; i < a->tr->m->n_tensors; i++)
        a->trains[i] = a->g[i] != NULL;
}

static void plain_close(plain *a)
{
    gradients_free(a->g, a->tr->m->n_tensors);
    eg_trainer_free(a->tr);
    setting_close(&a->s);
}

/* Its program, rewritten by the rewrites of `which`. */
static compared rewritten(egi_program *p, const plain *a, bool named,
                          unsigned which)
{
    const eg_group *loss = a->tr->program.loss;
    egi_load load = {
        .batch = 1000, .slots = 3, .n = 1, .rows = loss->lo > 0 ? 0.3 : 1};
    egi_hooks hooks = named ? EGI_HOOKS_FULL : EGI_HOOKS_NONE;
    compared c = {0};
    eg_err err;

    if (egi_program_build(p, a->tr->m, loss, EGI_TRAINING | hooks, &err) !=
            EG_OK ||
        egi_program_rewrite(p, a->trains, &load, which, &err) != EG_OK)
        fail_msg("%s", err.msg);
    look_at(&c, p);
    return c;
}

static const compared *seen(const plain *a, uint64_t shape)
{
    for (int i = 0; i < a->n_seen; i++)
        if (a->seen[i].shape == shape) return &a->seen[i];
    return NULL;
}

/* That program against the plain one; a program that came up before is what it
 * was then. */
static compared compare(plain *a, bool named, unsigned which)
{
    const eg_model *m = a->tr->m;
    egi_program p;
    compared c = rewritten(&p, a, named, which);
    const compared *before = seen(a, c.shape);
    double *grad;

    if (before) {
        egi_program_release(&p);
        return *before;
    }
    grad = calloc((size_t)m->n_params, sizeof *grad);
    c.worst = fabs(run_program(a->tr, &p, grad) - a->loss) / a->loss;
    for (int i = 0; i < m->n_tensors; i++) {
        const eg_tensor *t = &m->tensor[i];
        double d;

        if (!a->g[i] || no_gradient(a->v, t->name)) continue;
        d = largest(grad + t->offset, a->g[i], t->size);
        if (!(d <= c.worst)) c.worst = d;
        if (!(d < 1e-12)) fail_msg("%s: %s: %g", a->v->name, t->name, d);
    }
    free(grad);
    egi_program_release(&p);
    assert_true(a->n_seen < 64);
    a->seen[a->n_seen++] = c;
    return c;
}

static void test_rooms(void **state)
{
    (void)state;
    for (int k = 0; k < N_VARIANTS; k++) {
        plain a;
        compared c, kept;

        plain_open(&a, &VARIANTS[k]);
        c = compare(&a, false, 0);
        kept = compare(&a, true, 0);
        printf("  %-42s %.1e %.1e, room %zu of %zu bytes\n", VARIANTS[k].name,
               c.worst, kept.worst, c.bytes, kept.bytes);
        assert_true(c.worst < 1e-12 && kept.worst < 1e-12);
        assert_true(c.bytes < kept.bytes);
        plain_close(&a);
    }
}

/* Of each rewrite, over all variants. */
typedef struct told {
    double worst;
    int changed;
} told;

/* Each rewrite alone, and behind those before it. */
static void rewrite_all(told of[EGI_N_REWRITES], const variant *v, bool named)
{
    egi_program p;
    plain a;
    uint64_t before;

    plain_open(&a, v);
    before = rewritten(&p, &a, false, 0).shape;
    egi_program_release(&p);
    for (int i = 0; egi_rewrite_name(i); i++) {
        unsigned with = (2u << i) - 1;
        compared alone = compare(&a, named, 1u << i);
        compared c = compare(&a, false, with);
        compared kept = compare(&a, true, with);

        of[i].changed += c.shape != before;
        of[i].worst =
            fmax(fmax(of[i].worst, alone.worst), fmax(c.worst, kept.worst));
        before = c.shape;
    }
    plain_close(&a);
}

/* On every variant; the rewrites change some. */
static void test_rewrites(void **state)
{
    told of[EGI_N_REWRITES] = {{0}};
    int n = 0;

    (void)state;
    for (; variant_at(n); n++) rewrite_all(of, variant_at(n), n % 2);
    for (int i = 0; egi_rewrite_name(i); i++) {
        printf("  %-8s changes %2d of %d programs, %.1e\n", egi_rewrite_name(i),
               of[i].changed, n, of[i].worst);
        assert_true(of[i].worst < 1e-12);
        assert_true(of[i].changed > 0);
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

enum { N_RANDOM = SANITIZED ? 50 : 200 };

static void test_random(void **state)
{
    eg_rng rng = eg_rng_make(17, EG_RNG_USER, 0, 0);
    double worst = 0;

    (void)state;
    for (int k = 0; k < N_RANDOM; k++) {
        char model[512], train[512];
        variant v = {model, model, train};
        compared c, d;
        plain a;

        draw(&rng, model, train, sizeof model);
        if (strstr(model, "tied=true") && strstr(train, "freeze=W_E")) continue;
        if (strstr(model, "kind=linear") &&
            (strstr(model, "tied=true") || strstr(train, "W_E")))
            continue;
        if (!fits(model)) continue;
        plain_open(&a, &v);
        c = compare(&a, false, ~0u);
        d = compare(&a, k % 2,
                    (unsigned)eg_rng_below(&rng, 1u << EGI_N_REWRITES));
        plain_close(&a);
        worst = fmax(worst, fmax(c.worst, d.worst));
    }
    printf("  %d random programs, %.1e\n", N_RANDOM, worst);
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
