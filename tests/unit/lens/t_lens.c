/* Lenses on models whose answers are known. */
#include "probe/rig.h"

#include <jansson.h>
#include <math.h>

#include "engram/flow.h"
#include "engram/lens.h"
#include "engram/mem.h"

/* Uniform tokens, 12 symbols in 16 dimensions; nothing is learnt. */
#define SMALL                                                                  \
    {"task.kind", "uniform"}, {"task.vocabulary", "12"}, {"task.n_ctx", "10"}, \
        {"model.n_layers", "2"}, {"model.d_model", "16"},                      \
        {"model.pos", "none"}, {"train.steps", "0"}, {"train.batch", "1"},     \
        {"probe.snapshots", "0"}, {"probe.batch", "1"},                        \
    {                                                                          \
        "probe.test", "0"                                                      \
    }

static eg_lens_spec spec_of(const rig *r, int sequences)
{
    return (eg_lens_spec){.model = eg_trainer_model(r->trainer),
                          .task = r->task,
                          .pool = r->pool,
                          .sequences = sequences,
                          .seed = 1};
}

static char *text_of(const eg_lens_spec *spec)
{
    char *json;
    eg_err err = {0};

    if (eg_lens_look(&json, NULL, spec, &err) != EG_OK) fail_msg("%s", err.msg);
    return json;
}

static json_t *look(const eg_lens_spec *spec)
{
    char *text = text_of(spec);
    json_t *o = json_loads(text, 0, NULL);

    assert_non_null(o);
    eg_free(text);
    return o;
}

static double num(const json_t *o)
{
    return json_is_null(o) ? (double)NAN : json_number_value(o);
}

static json_t *in(const json_t *o, const char *lens, const char *list, int i,
                  const char *key)
{
    json_t *l = json_object_get(json_object_get(o, lens), list);

    return json_object_get(json_array_get(l, (size_t)i), key);
}

/* R^2 of target k at that depth. */
static double r2(const json_t *o, int depth, int k)
{
    json_t *p = json_object_get(json_object_get(o, "mesa"), "probes");

    return num(json_array_get(
        json_array_get(json_object_get(p, "r2"), (size_t)depth), (size_t)k));
}

#define near(what, x, want, tol)                                   \
    do {                                                           \
        double got = (x), expected = (want);                       \
        printf("  %-28s %.9g, known %.9g\n", what, got, expected); \
        assert_true(fabs(got - expected) <= (tol));                \
    } while (0)

/* The heads write what they read on average, so that scores are 0: the stream
 * is an embedding and means of embeddings. */
static void heads_that_copy(void **state)
{
    static const setting settings[] = {SMALL,
                                       {"model.value", "identity"},
                                       {"model.output", "identity"},
                                       {"model.tied", "true"},
                                       {"model.tied_scale", "false"},
                                       {"model.init", "zero"},
                                       {"model.n_heads", "1"},
                                       {NULL, NULL}};
    rig r;
    json_t *o;

    (void)state;
    rig_new(&r, 1, settings);
    eg_lens_spec spec = spec_of(&r, 400);
    o = look(&spec);
    for (int l = 0; l < 2; l++) {
        /* W_V W_O is the identity, W_E W_U a Gram matrix */
        near("copying", num(in(o, "birth", "memories", l, "copying")), 1, 1e-9);
        near("recall", num(in(o, "birth", "memories", l, "recall")), 1, 0);
        near("radius of W_V W_O", num(in(o, "flow", "spectrum", l, "radius")),
             1, 1e-9);
        near("its trace", num(in(o, "flow", "spectrum", l, "trace")), 1, 1e-9);
        assert_int_equal(json_array_size(in(o, "flow", "spectrum", l, "re")),
                         16);
    }
    near("entropy, even",
         num(json_object_get(
             json_object_get(json_object_get(o, "birth"), "even"), "entropy")),
         num(in(o, "birth", "heads", 0, "entropy")), 1e-5);
    near("current token, depth 0", r2(o, 0, 1), 1, 1e-3);
    printf("  the one before: %.3f, then %.3f\n", r2(o, 0, 0), r2(o, 1, 0));
    assert_true(r2(o, 0, 0) < 0.02); /* nothing of the one before, */
    assert_true(r2(o, 1, 0) >
                r2(o, 0, 0) + 0.01);      /* then its share of a mean */
    assert_true(fabs(r2(o, 0, 2)) < 0.2); /* nobody knows the next one */
    json_decref(o);
    rig_free(&r);
}

/* Values and outputs by matrices, all scores 0: attention is its mean value. */
static void uniform_attention(void **state)
{
    static const setting settings[] = {SMALL,
                                       {"model.qk", "factorised"},
                                       {"model.n_heads", "2"},
                                       {"model.n_kv_heads", "1"},
                                       {NULL, NULL}};
    rig r;
    json_t *o;
    double w[16 * 16 * 2] = {0};
    eg_model *m;

    (void)state;
    rig_new(&r, 1, settings);
    m = eg_trainer_model(r.trainer);
    eg_lens_spec spec = spec_of(&r, 32);
    eg_model_set(m, eg_model_find(m, "blocks.0.attn.W_Q"), w);
    o = look(&spec);
    for (int h = 0; h < 2; h++) {
        near("uniform", num(in(o, "mesa", "linear", h, "uniform")), 1, 1e-9);
        near("linear", num(in(o, "mesa", "linear", h, "linear")), 1, 1e-9);
    }
    /* scores of small matrices: the linear term tells nearly all */
    assert_true(num(in(o, "mesa", "linear", 2, "uniform")) < 1 - 1e-7);
    assert_true(num(in(o, "mesa", "linear", 2, "linear")) >
                num(in(o, "mesa", "linear", 2, "uniform")));
    json_decref(o);
    rig_free(&r);
}

/* Nothing is added to the stream: each depth is as the first. Energy and inner
 * products of one text, by the definition. */
static void tokens_that_stay(void **state)
{
    static const setting settings[] = {
        SMALL, {"model.init", "zero"}, {NULL, NULL}};
    static const int32_t ids[] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};
    double e[12 * 16], x[10 * 16], inner = 0, energy = 0;
    rig r;
    json_t *o;

    (void)state;
    rig_new(&r, 1, settings);
    eg_lens_spec spec = spec_of(&r, 8);
    spec.ids = ids;
    spec.n_ids = 11;
    eg_model_get(spec.model, eg_model_find(spec.model, "W_E"), e);
    for (int t = 0; t < 10; t++) {
        double length = 0;

        for (int j = 0; j < 16; j++) length += pow(e[16 * ids[t] + j], 2);
        for (int j = 0; j < 16; j++)
            x[16 * t + j] = e[16 * ids[t] + j] / sqrt(length);
    }
    for (int a = 0; a < 10; a++)
        for (int b = 0; b < 10; b++) {
            double dot = 0;

            for (int j = 0; j < 16; j++) dot += x[16 * a + j] * x[16 * b + j];
            energy += exp(dot) / 200;
            if (a != b) inner += dot / 90;
        }
    o = look(&spec);
    for (int d = 0; d < 3; d++) {
        near("energy", num(in(o, "flow", "depths", d, "energy")), energy, 1e-5);
        near("inner", num(in(o, "flow", "depths", d, "inner")), inner, 1e-5);
        near("clusters", num(in(o, "flow", "depths", d, "clusters")), 7, 0);
        /* eight times the same text: one pattern */
        near("copies", num(in(o, "energy", "depths", d, "copies")), 8, 0);
    }
    near("loss", num(json_object_get(json_object_get(o, "mesa"), "loss")),
         log(12), 1e-5);
    json_decref(o);
    rig_free(&r);
}

/* Of vectors: no heads by tokens, no memories, and the rest. */
static void vectors(void **state)
{
    static const setting settings[] = {{"task.kind", "linear"},
                                       {"task.dim", "4"},
                                       {"task.n_ctx", "12"},
                                       {"model.n_layers", "1"},
                                       {"model.d_model", "16"},
                                       {"model.qk", "factorised"},
                                       {"model.pos", "none"},
                                       {"train.steps", "0"},
                                       {"train.batch", "1"},
                                       {"probe.snapshots", "0"},
                                       {"probe.batch", "1"},
                                       {"probe.test", "0"},
                                       {NULL, NULL}};
    rig r;
    json_t *o;

    (void)state;
    rig_new(&r, 1, settings);
    eg_lens_spec spec = spec_of(&r, 128);
    o = look(&spec);
    assert_null(json_object_get(o, "birth"));
    assert_int_equal(json_array_size(json_object_get(o, "notes")), 1);
    near("current state, depth 0", r2(o, 0, 1), 1, 1e-3);
    assert_true(isfinite(num(in(o, "flow", "spectrum", 0, "radius"))));
    assert_true(isfinite(num(in(o, "energy", "depths", 1, "median"))));
    spec.ids = (const int32_t[]){1};
    spec.n_ids = 1;
    {
        char *json;
        eg_err err = {0};

        assert_int_equal(eg_lens_look(&json, NULL, &spec, &err), EG_EINVAL);
        printf("  %s\n", err.msg);
    }
    json_decref(o);
    rig_free(&r);
}

static void same_bits(void **state)
{
    static const setting settings[] = {SMALL,
                                       {"model.qk", "factorised"},
                                       {"model.n_heads", "4"},
                                       {"model.mlp", "gelu"},
                                       {"model.norm", "pre"},
                                       {NULL, NULL}};
    char *one = NULL;

    (void)state;
    for (int threads = 1; threads < 4; threads++) {
        rig r;
        char *text;

        rig_new(&r, threads, settings);
        eg_lens_spec spec = spec_of(&r, 40);
        text = text_of(&spec);
        if (one) assert_string_equal(one, text);
        eg_free(one);
        one = text;
        rig_free(&r);
    }
    eg_free(one);
}

/* Blocks of four heads and of two, which share values in pairs: each is told,
 * and none beside them. */
static void heads_by_block(void **state)
{
    static const setting settings[] = {SMALL,
                                       {"model.qk", "factorised"},
                                       {"model.n_heads", "4"},
                                       {"model.d_head", "4"},
                                       {"model.heads", "2, 4"},
                                       {"model.kv_heads", "2, 2"},
                                       {NULL, NULL}};
    static const char *const lists[][2] = {{"birth", "heads"},
                                           {"birth", "memories"},
                                           {"mesa", "linear"},
                                           {"flow", "spectrum"}};
    rig r;
    json_t *o, *map;
    int best;

    (void)state;
    rig_new(&r, 1, settings);
    eg_lens_spec spec = spec_of(&r, 16);
    o = look(&spec);
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(o, "model"), "n_heads")),
                     4);
    for (int k = 0; k < 4; k++) {
        const char *lens = lists[k][0], *list = lists[k][1];

        for (int i = 0; i < 6; i++) {
            assert_int_equal(json_integer_value(in(o, lens, list, i, "layer")),
                             i >= 2);
            assert_int_equal(json_integer_value(in(o, lens, list, i, "head")),
                             i < 2 ? i : i - 2);
        }
        assert_null(in(o, lens, list, 6, "head"));
    }
    for (int i = 0; i < 6; i++) {
        assert_true(num(in(o, "mesa", "linear", i, "linear")) > 0.5);
        assert_true(num(in(o, "flow", "spectrum", i, "radius")) > 0);
    }
    map = json_object_get(json_object_get(o, "birth"), "map");
    best = (int)json_integer_value(json_object_get(map, "head")) +
           2 * (int)json_integer_value(json_object_get(map, "layer"));
    assert_true(isfinite(num(in(o, "birth", "memories", best, "recall"))));
    json_decref(o);
    rig_free(&r);
}

static bool stop(void *ctx, const char *what, double done)
{
    printf("  %s %.2f\n", what, done);
    return ++*(int *)ctx < 3;
}

static void refuse(const eg_lens_spec *spec, const char *why)
{
    char *json;
    eg_err err = {0};

    assert_int_equal(eg_lens_look(&json, NULL, spec, &err), EG_EINVAL);
    assert_null(json);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, why));
}

static void refused(void **state)
{
    static const setting settings[] = {SMALL, {NULL, NULL}};
    static const int32_t ids[11] = {0, 1, 2, 12};
    rig r;
    char *json;
    bool stopped;
    int asked = 0;
    eg_err err = {0};

    (void)state;
    rig_new(&r, 1, settings);
    eg_lens_spec spec = spec_of(&r, 7);
    refuse(&spec, "expected 8 sequences");
    spec.sequences = 8;
    spec.ids = ids;
    spec.n_ids = 10;
    refuse(&spec, "has 10 tokens; expected 11");
    spec.n_ids = 11;
    refuse(&spec, "has the id 12; this model has 12");
    spec.ids = NULL;
    spec.more = stop;
    spec.ctx = &asked;
    assert_int_equal(eg_lens_look(&json, &stopped, &spec, &err), EG_OK);
    assert_true(stopped && !json);
    rig_free(&r);
}

static void out_of_memory(void **state)
{
    static const setting settings[] = {SMALL, {NULL, NULL}};
    rig r;
    char *json = NULL;
    int failed = 0, passed = 0;

    (void)state;
    rig_new(&r, 1, settings);
    eg_lens_spec spec = spec_of(&r, 8);
    for (int k = 1; passed < 3; k += 3) {
        eg_err err = {0};
        eg_status st;

        eg_mem_fail_after(k);
        st = eg_lens_look(&json, NULL, &spec, &err);
        eg_mem_fail_after(0);
        passed = st == EG_OK ? passed + 1 : 0;
        eg_free(json);
        if (st == EG_OK) continue;
        assert_int_equal(st, EG_ENOMEM);
        assert_null(json);
        failed++;
    }
    printf("  %d allocations failed in turn\n", failed);
    assert_true(failed > 20);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_that_copy),  cmocka_unit_test(uniform_attention),
        cmocka_unit_test(tokens_that_stay), cmocka_unit_test(vectors),
        cmocka_unit_test(same_bits),        cmocka_unit_test(heads_by_block),
        cmocka_unit_test(refused),          cmocka_unit_test(out_of_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
