/* Probes of whole models with known answers: memories built by hand, random
 * initialisation, and models that lack a part. */
#include "built.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "probe/probes.h"

/* ------------------------------------------------------ built by hand -- */

/* The intended memories are recalled, looked up and used. At this width an
 * independent program finds accuracy .985 and attention to t - 1 everywhere. */
static void memories_built_by_hand(void **state)
{
    static const setting settings[] = {
        BUILT_SETTINGS,       {"probe.batch", "16"},
        {"probe.test", "0"},  {"probe.norms", "false"},
        {"train.batch", "1"}, {"probe.snapshots", "0"},
        {NULL, NULL}};
    seen s = {0};
    rig r;

    (void)state;
    rig_new(&r, 2, settings);
    build_memories(&r);
    eg_probes_before(r.probes, 0, keep, &s);
    eg_probes_after(r.probes, 0, keep, &s);
    assert_true(value_of(&s, "recall_W_O2") == 1);
    assert_true(value_of(&s, "recall_W_K2") == 1);
    assert_true(value_of(&s, "recall_W_K1") == 1);
    assert_true(value_of(&s, "recall_W_K1_early") == 1);
    assert_true(value_of(&s, "attn_prev") > .99);
    assert_true(value_of(&s, "attn_cond") > .95);
    assert_true(value_of(&s, "acc_in_context") > .95);
    assert_true(value_of(&s, "pred_attended") > .95);
    assert_false(has(&s, "kl_W_F"));
    rig_free(&r);
}

/* ----------------------------------------------- random initialisation -- */

/* At chance 1/65 a recall of 65 tokens exceeds 5 hits once in 1000 draws, one
 * of 255 positions at 1/255 exceeds 5 once in 2000. */
static void random_weights_are_at_chance(void **state)
{
    static const setting settings[] = {{"model.mlp", "none, linear"},
                                       {"probe.snapshots", "0"},
                                       {"train.batch", "1"},
                                       {NULL, NULL}};
    static double zero[128 * 128];
    seen s = {0};
    rig r;

    (void)state;
    rig_new(&r, 2, settings);
    eg_probes_before(r.probes, 0, keep, &s);
    eg_probes_after(r.probes, 0, keep, &s);
    assert_true(value_of(&s, "recall_W_O2") <= 5. / 65);
    assert_true(value_of(&s, "recall_W_K2") <= 5. / 65);
    assert_true(value_of(&s, "recall_W_K1") <= 5. / 255);
    assert_true(value_of(&s, "recall_W_K1_early") <= 5. / 63);
    assert_true(value_of(&s, "acc_in_context") < .1);
    assert_true(fabs(value_of(&s, "loss_global") - log(65)) < .7);
    assert_true(fabs(value_of(&s, "loss_in_context_test") - log(65)) < .7);
    /* the original program has 2.34 at another seed */
    assert_true(fabs(value_of(&s, "kl_W_F") - 2.34) < .05);
    /* every d x d matrix: sqrt(d / 3) = 6.53 */
    assert_true(fabs(value_of(&s, "norm.blocks.0.attn.W_QK") - 6.532) < .06);
    assert_false(has(&s, "norm.W_pos"));

    /* uniform predictions: mean over tokens of ln 65 - H(pi_b(.|z)) */
    s.n = 0;
    set(&r, "blocks.1.mlp.W_F", zero);
    eg_probes_after(r.probes, 0, keep, &s);
    assert_true(fabs(value_of(&s, "kl_W_F") - 2.2655) < 5e-5);
    rig_free(&r);
}

/* --------------------------------------------------------- tied output -- */

/* With W_F = 3 I the logits of z are 3 w_E(z) . w_E(v) / d_model. */
static void tied_output_is_scaled(void **state)
{
    enum { SMALL = 16 };
    static const setting settings[] = {
        {"model.d_model", "16"},  {"model.tied", "true"},
        {"model.mlp", "linear"},  {"train.batch", "1"},
        {"probe.snapshots", "0"}, {"probe.test", "0"},
        {"probe.norms", "false"}, {NULL, NULL}};
    static double E[V * SMALL], W[SMALL * SMALL];
    double kl = 0;
    seen s = {0};
    rig r;

    (void)state;
    rig_new(&r, 1, settings);
    get(&r, "W_E", E);
    for (int i = 0; i < SMALL; i++) W[i * SMALL + i] = 3;
    set(&r, "blocks.1.mlp.W_F", W);
    for (int z = 0; z < V; z++) {
        const double *p = eg_task_bigram(r.task) + (eg_index)z * V;
        double sum = DBL_MIN;
        for (int v = 0; v < V; v++) {
            double logit = 0;
            for (int i = 0; i < SMALL; i++) {
                logit += 3 * E[z * SMALL + i] * E[v * SMALL + i] / SMALL;
            }
            sum += exp(logit);
            if (p[v] > 0) kl += p[v] * (log(p[v]) - logit) / V;
        }
        kl += log(sum) / V;
    }
    eg_probes_after(r.probes, 0, keep, &s);
    assert_true(fabs(value_of(&s, "kl_W_F") - kl) < 1e-12);
    rig_free(&r);
}

/* -------------------------------------------------------- other models -- */

typedef struct expectation {
    const char *about;
    setting settings[8];
    const char *present[6], *absent[6];
} expectation;

static const expectation expectations[] = {
    {"one block",
     {{"model.n_layers", "1"}, {"model.mlp", "linear"}},
     {"acc_in_context", "attn_prev", "recall_W_K1"},
     {"recall_W_O2", "recall_W_K2", "kl_W_F", "attn_answer", "attn_cond"}},
    {"rotary",
     {{"model.pos", "rotary"}},
     {"recall_W_O2", "recall_W_K2", "attn_answer"},
     {"recall_W_K1", "recall_W_K1_early", "attn_prev.h0"}},
    {"no positions", {{"model.pos", "none"}}, {"attn_prev"}, {"recall_W_K1"}},
    {"full",
     {{"model.n_heads", "4"},
      {"model.qk", "factorised"},
      {"model.norm", "parallel"},
      {"model.mlp", "relu"},
      {"model.pos", "learned"}},
     {"recall_W_K1", "kl_W_F", "attn_prev", "attn_prev.h3", "attn_cond.h0",
      "norm.W_pos"},
     {"attn_prev.h4"}},
    {"linear",
     {{"model.mixer", "linear"}, {"model.n_heads", "2"}, {"optim.lr", "1e-6"}},
     {"attn_prev.h1", "attn_cond.h0", "recall_W_O2", "recall_W_K1"},
     {"kl_W_F"}},
    {"linear, one block",
     {{"model.mixer", "linear"}, {"model.n_layers", "1"}, {"optim.lr", "1e-6"}},
     {"attn_prev", "recall_W_K1"},
     {"attn_answer", "attn_cond", "recall_W_K2"}},
    {"grouped, three blocks, mixed",
     {{"model.mixer", "linear, softmax, linear"},
      {"model.n_layers", "3"},
      {"model.n_heads", "4"},
      {"model.n_kv_heads", "2"},
      {"optim.lr", "1e-6"},
      {"model.qk", "factorised"}},
     {"attn_prev.h3", "attn_cond.h3", "recall_W_K1", "recall_W_O2"},
     {"attn_prev.h4"}},
    {"lean",
     {{"model.value", "identity"},
      {"model.output", "identity"},
      {"model.tied", "true"},
      {"model.pos", "sinusoidal"}},
     {"recall_W_O2", "recall_W_K2", "recall_W_K1"},
     {"norm.W_U", "norm.blocks.0.attn.W_V", "norm.W_pos"}},
    {"fixed triggers, frozen",
     {{"task.triggers", "fixed"},
      {"model.mlp", "gelu"},
      {"train.freeze", "W_E, blocks.1.attn.W_O@9"}},
     {"recall_W_K2", "kl_W_F", "norm.blocks.1.attn.W_O",
      "grad_norm.blocks.0.attn.W_QK"},
     {"norm.W_E", "grad_norm.W_E", "grad_norm.blocks.1.attn.W_O"}},
    {"nothing asked for",
     {{"probe.attention", "false"},
      {"probe.recall", "false"},
      {"probe.norms", "false"},
      {"probe.test", "0"}},
     {"loss_global"},
     {"attn_prev", "recall_W_O2", "norm.W_E", "acc_all_test"}},
};

static void models_emit_what_they_have(void **state)
{
    static const setting small[] = {{"model.d_model", "32"},
                                    {"task.n_ctx", "96"},
                                    {"train.batch", "2"},
                                    {"probe.batch", "3"},
                                    {"probe.test", "3"}};

    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const expectation *e = &expectations[i];
        setting settings[16] = {{NULL, NULL}};
        eg_step_info info;
        seen s = {.quiet = true};
        rig r;

        memcpy(settings, small, sizeof small);
        memcpy(settings + 5, e->settings, sizeof e->settings);
        rig_new(&r, 1, settings);
        eg_probes_before(r.probes, 0, keep, &s);
        eg_trainer_step(r.trainer, &info);
        eg_probes_after(r.probes, 0, keep, &s);
        printf("%s: %d values\n", e->about, s.n);
        for (int k = 0; k < 6 && e->present[k]; k++) {
            (void)value_of(&s, e->present[k]);
        }
        for (int k = 0; k < 6 && e->absent[k]; k++) {
            if (has(&s, e->absent[k])) fail_msg("emitted %s", e->absent[k]);
        }
        for (int k = 0; k < s.n; k++) {
            if (!isfinite(s.row[k].value))
                fail_msg("%s: %g", s.row[k].name, s.row[k].value);
        }
        rig_free(&r);
    }
}

/* A forward pass that offers no pattern, as one of a mixer that has none: what
 * needs a pattern is not there, the rest is. */
static void no_pattern_no_probe(void **state)
{
    static const setting settings[] = {{"model.d_model", "32"},
                                       {"task.n_ctx", "96"},
                                       {"train.batch", "2"},
                                       {"probe.batch", "3"},
                                       {NULL, NULL}};
    egi_measure m = {.n_heads = 1, .n_ctx = 96, .count = 3};
    eg_eval *blind = NULL;
    seen s = {.quiet = true};
    rig r;

    (void)state;
    rig_new(&r, 1, settings);
    assert_int_equal(egi_measure_offers(r.probes->eval),
                     EGI_NEEDS_LOOK1 | EGI_NEEDS_LOOK2);
    assert_int_equal(eg_eval_new(&blind, r.probes->model, r.task, r.pool,
                                 "auto", EG_EVAL_PRED, NULL),
                     EG_OK);
    m.has = egi_measure_offers(blind);
    assert_int_equal(m.has, EGI_NEEDS_NOTHING);
    m.has = egi_measure_told(r.task);
    assert_int_equal(egi_measure_init(&m, EGI_ON_BATCH, 1, NULL), EG_OK);
    egi_measure_run(&m, blind, EG_PROBE, 0);
    egi_measure_emit(&m, keep, &s);
    assert_true(has(&s, "loss_global"));
    assert_false(has(&s, "attn_prev"));
    assert_false(has(&s, "attn_cond"));
    egi_measure_release(&m);
    eg_eval_free(blind);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memories_built_by_hand),
        cmocka_unit_test(random_weights_are_at_chance),
        cmocka_unit_test(tied_output_is_scaled),
        cmocka_unit_test(models_emit_what_they_have),
        cmocka_unit_test(no_pattern_no_probe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
