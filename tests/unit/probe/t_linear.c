/* Linear probes and sensitivities of models whose answers are known. */
#include "rig.h"

#include <math.h>
#include <stdlib.h>

#include "engram/mem.h"
#include "probe/linear.h"

#define SYSTEMS                                                               \
    {"task.kind", "linear"}, {"task.n_ctx", "12"}, {"model.n_layers", "1"},   \
        {"model.qk", "factorised"}, {"model.pos", "none"},                    \
        {"train.steps", "0"}, {"train.batch", "1"}, {"probe.snapshots", "0"}, \
        {"probe.batch", "4"}, {"probe.test", "0"}, {"probe.norms", "false"},  \
        {"probe.recall", "false"},                                            \
    {                                                                         \
        "model.init", "zero"                                                  \
    }

/* A model that leaves its input alone: behind the block as before it, s_t and
 * s_{t-1} are there to the last bits, older states are not, and W is another
 * one in each sequence, so that the next state cannot be told. */
static void tokens_are_seen(void **state)
{
    static const setting settings[] = {
        SYSTEMS,
        {"task.dim", "5"},
        {"task.tokens", "constructed"},
        {"model.input", "identity"},
        {"model.readout", "first"},
        {"model.d_model", "20"},
        {"model.n_heads", "2"},
        {"probe.positions", "[1, 10]"},
        {"probe.linear", "[next, current, token]"},
        {"probe.linear_back", "2"},
        {"probe.linear_sequences", "400"},
        {NULL, NULL}};
    seen s = {0};
    rig r;
    /* half of the mean square, 5/6; of 400 equations 10 are used up */
    double none = 5 / 6.0, in = none * (1 - 10 / 400.0), held = none / .975;
    double wide = 3 * none / sqrt(400);

    (void)state;
    rig_new(&r, 2, settings);
    eg_probes_after(r.probes, 0, keep, &s);
    for (int d = 0; d < 2; d++) {
        char name[64];

        snprintf(name, sizeof name, "linear_held.current.%d.10", d);
        assert_true(value_of(&s, name) < 1e-9);
        snprintf(name, sizeof name, "linear_held.token0.%d.10", d);
        assert_true(value_of(&s, name) < 1e-9);
        snprintf(name, sizeof name, "linear_held.token1.%d.10", d);
        assert_true(value_of(&s, name) < 1e-9);
        snprintf(name, sizeof name, "linear_held.token2.%d.10", d);
        assert_true(fabs(value_of(&s, name) - 1 / 3.0) < .04);
        snprintf(name, sizeof name, "linear.next.%d.10", d);
        assert_true(fabs(value_of(&s, name) - in) < wide);
        snprintf(name, sizeof name, "linear_held.next.%d.10", d);
        assert_true(fabs(value_of(&s, name) - held) < wide);
    }
    assert_true(value_of(&s, "linear.next.0.10") <
                value_of(&s, "linear_held.next.0.10"));
    assert_true(has(&s, "linear.token0.0.1"));
    assert_false(has(&s, "linear.token1.0.1")); /* there is none yet */
    rig_free(&r);
}

/* More columns than sequences: fitted wholly, which says nothing. */
static void too_few_sequences(void **state)
{
    static const setting settings[] = {SYSTEMS,
                                       {"model.init", "uniform"},
                                       {"task.dim", "10"},
                                       {"model.d_model", "32"},
                                       {"model.n_heads", "2"},
                                       {"probe.positions", "[10]"},
                                       {"probe.linear", "[next]"},
                                       {"probe.linear_sequences", "10"},
                                       {NULL, NULL}};
    seen s = {0};
    rig r;

    (void)state;
    rig_new(&r, 1, settings);
    eg_probes_after(r.probes, 0, keep, &s);
    assert_true(value_of(&s, "linear.next.0.10") < 1e-9);
    assert_true(value_of(&s, "linear_held.next.0.10") > 1);
    rig_free(&r);
}

/* The polynomial is an inverse: with many pairs (A + ridge) x is s_t nearly;
 * with none, x stays s_t times what the polynomial is at the ridge. */
static void solved_is_an_inverse(void **state)
{
    enum { n = 3, T = 40 };
    egi_linear p = {.n = n,
                    .n_in = n,
                    .n_at = 1,
                    .at = {T - 1},
                    .n_targets = 1,
                    .target = {{EGI_LINEAR_SOLVED, 0}}};
    double s[T * n], y[n], off = 0, size = 0;
    double *work = eg_calloc((size_t)egi_linear_y_work(&p), sizeof *work);
    eg_rng rng = eg_rng_make(3, EG_RNG_USER, 0, 0);
    eg_acts acts = {.n_ctx = T, .inputs = s};

    (void)state;
    assert_non_null(work);
    for (int i = 0; i < T * n; i++) s[i] = 2 * eg_rng_uniform(&rng) - 1;
    egi_linear_y(&p, y, &acts, work);
    for (int i = 0; i < n; i++) {
        double sum = 0.001 * y[i];

        for (int k = 0; k < T - 1; k++)
            for (int j = 0; j < n; j++)
                sum += s[k * n + i] * s[k * n + j] * y[j];
        off += (sum - s[(T - 1) * n + i]) * (sum - s[(T - 1) * n + i]);
        size += s[(T - 1) * n + i] * s[(T - 1) * n + i];
    }
    printf("  |A x - s| is %.4f of |s|\n", sqrt(off / size));
    assert_true(off < .01 * size);
    eg_free(work);
}

/* The stream is s W_in: its slope in the last state is W_in, in others 0. */
static void slopes_are_known(void **state)
{
    static const setting settings[] = {SYSTEMS,
                                       {"task.dim", "4"},
                                       {"model.d_model", "8"},
                                       {"model.n_heads", "2"},
                                       {"probe.sensitivity", "3"},
                                       {NULL, NULL}};
    seen s = {0};
    double w[32], want = 0;
    const eg_model *m;
    rig r;

    (void)state;
    rig_new(&r, 2, settings);
    m = eg_trainer_model(r.trainer);
    for (int i = 0; i < 32; i++) w[i] = sin(i + 1);
    eg_model_set(eg_trainer_model(r.trainer), eg_model_find(m, "W_in"), w);
    for (int j = 0; j < 8; j++) {
        double square = 0;

        for (int i = 0; i < 4; i++) square += w[i * 8 + j] * w[i * 8 + j];
        want += sqrt(square) / 8;
    }
    eg_probes_after(r.probes, 0, keep, &s);
    assert_true(fabs(value_of(&s, "sensitivity.0") - want) < 1e-4 * want);
    assert_true(value_of(&s, "sensitivity.1") == 0);
    assert_true(value_of(&s, "sensitivity.rest") == 0);
    rig_free(&r);
}

/* phi is no linear map of its state, and is another for another state. */
static void features_are_none_of_it(void **state)
{
    static const setting settings[] = {
        {"task.kind", "nonlinear"},  {"task.n_ctx", "12"},
        {"task.dim", "4"},           {"model.n_layers", "1"},
        {"model.d_model", "8"},      {"model.n_heads", "2"},
        {"model.qk", "factorised"},  {"model.pos", "none"},
        {"train.steps", "0"},        {"train.batch", "1"},
        {"probe.snapshots", "0"},    {"probe.test", "0"},
        {"probe.norms", "false"},    {"probe.recall", "false"},
        {"probe.positions", "[10]"}, {"probe.linear", "[features]"},
        {"probe.linear_back", "1"},  {NULL, NULL}};
    double x[4] = {.3, -.2, .1, .5}, y[4], twice[4], size = 0, off = 0;
    eg_seq seq;
    seen s = {0};
    rig r;

    (void)state;
    rig_new(&r, 2, settings);
    eg_probes_after(r.probes, 0, keep, &s);
    assert_true(value_of(&s, "linear.features0.0.10") > .01);
    assert_true(value_of(&s, "linear.features1.0.10") >
                value_of(&s, "linear.features0.0.10"));
    /* without noise the next state is as long as W phi / |phi|: 1; and phi of
     * twice a state is not twice phi */
    assert_true(eg_task_features(r.task, y, x));
    for (int i = 0; i < 4; i++) x[i] *= 2;
    assert_true(eg_task_features(r.task, twice, x));
    for (int i = 0; i < 4; i++) {
        size += y[i] * y[i];
        off += (twice[i] - 2 * y[i]) * (twice[i] - 2 * y[i]);
    }
    assert_true(off > 1e-3 * size);
    /* the angle of phi's of two states is kept by W: s_2 and s_3 of one
     * sequence, from s_1 and s_2, up to the noise of .01 */
    assert_int_equal(eg_seq_new(&seq, r.task, NULL), EG_OK);
    for (uint32_t i = 0; i < 20; i++) {
        double a = 0, b = 0, c = 0, d = 0;

        eg_task_sequence(r.task, EG_TRAIN, 0, i, &seq);
        assert_true(eg_task_features(r.task, y, seq.inputs));
        assert_true(eg_task_features(r.task, twice, seq.inputs + 4));
        for (int k = 0; k < 4; k++) {
            a += y[k] * twice[k];
            b += y[k] * y[k];
            c += twice[k] * twice[k];
            d += seq.outputs[k] * seq.outputs[4 + k];
        }
        assert_true(fabs(a / sqrt(b * c) - d) < .1);
    }
    eg_seq_release(&seq);
    rig_free(&r);
}

static void refused(const setting *settings, const char *why)
{
    eg_err err = {0};
    rig r;

    rig_begin(&r, 1, settings);
    assert_int_equal(rig_probe(&r, &err), EG_EINVAL);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, why));
    rig_free(&r);
}

static void bad_options(void **state)
{
    static const setting tokens[] = {{"train.batch", "1"},
                                     {"probe.positions", "[3]"},
                                     {"probe.linear", "[next]"},
                                     {NULL, NULL}};
    static const setting nowhere[] = {
        SYSTEMS, {"probe.linear", "[next]"}, {NULL, NULL}};
    static const setting unknown[] = {SYSTEMS,
                                      {"probe.positions", "[3]"},
                                      {"probe.linear", "[nest]"},
                                      {NULL, NULL}};
    static const setting again[] = {SYSTEMS,
                                    {"probe.positions", "[3, 4, 3e0]"},
                                    {"probe.linear", "[next]"},
                                    {NULL, NULL}};
    static const setting both[] = {SYSTEMS,
                                   {"probe.positions", "[3]"},
                                   {"probe.linear", "[token, next, token]"},
                                   {NULL, NULL}};
    static const setting linear[] = {SYSTEMS,
                                     {"probe.positions", "[3]"},
                                     {"probe.linear", "[features]"},
                                     {NULL, NULL}};
    static const setting built[] = {SYSTEMS,
                                    {"task.tokens", "constructed"},
                                    {"probe.sensitivity", "3"},
                                    {NULL, NULL}};

    (void)state;
    refused(tokens,
            "probe.linear: of tasks of vectors, and task.kind is bigram");
    refused(nowhere, "probe.positions says, which is empty");
    refused(linear, "probe.linear: features are of task.kind nonlinear");
    refused(unknown,
            "expected next, current, solved, token or features, found 'nest'");
    refused(again, "probe.positions: expected each once, found '3e0'");
    refused(both, "probe.linear: expected each once, found 'token'");
    refused(built, "probe.sensitivity: of inputs that are states");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_seen),
        cmocka_unit_test(too_few_sequences),
        cmocka_unit_test(solved_is_an_inverse),
        cmocka_unit_test(slopes_are_known),
        cmocka_unit_test(features_are_none_of_it),
        cmocka_unit_test(bad_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
