/* The local learning coefficient: half the weights of a quadratic loss, the
 * same to the last bit on every rerun, and a run that does not notice. */
#include "rig.h"

#include <math.h>

#include "engram/mem.h"

/* One matrix of 4 x 4 behind blocks that do nothing: the loss is quadratic. */
#define QUADRATIC                                                    \
    {"task.kind", "linear"}, {"task.dim", "4"}, {"task.n_ctx", "8"}, \
        {"task.noise", "0.01"}, {"model.d_model", "4"},              \
        {"model.n_layers", "1"}, {"model.init", "zero"},             \
        {"model.pos", "none"}, {"model.input", "identity"},          \
        {"train.freeze", "blocks.*"}, {"train.batch", "32"},         \
        {"train.precision", "float64"}, {"probe.test", "0"},         \
        {"probe.batch", "4"}, {"probe.snapshots", "0"},              \
    {                                                                \
        "probe.norms", "false"                                       \
    }

static void measure(rig *r, int64_t step, seen *s)
{
    s->n = 0;
    eg_probes_after(r->probes, step, keep, s);
}

/* The minimum of the loss is at 0, since every sequence has a W of its own and
 * E W = 0; curvature is E s_i^2, .33 to .5, for each of 16 weights. With nbeta
 * c far above the pull the coefficient is 8. */
static void half_the_weights(void **state)
{
    const setting settings[] = {QUADRATIC,
                                {"probe.llc", "1600"},
                                {"probe.llc_chains", "2"},
                                {"probe.llc_step", "4e-3"},
                                {"probe.llc_nbeta", "50"},
                                {"probe.llc_pull", "0.01"},
                                {NULL, NULL}};
    rig r;
    seen s = {0};
    double llc;

    (void)state;
    rig_new(&r, 2, settings);
    measure(&r, 0, &s);
    llc = value_of(&s, "llc");
    printf("llc %.3f +- %.3f, expected 8\n", llc, value_of(&s, "llc_se"));
    assert_true(fabs(llc - 8) < 1.2);
    rig_free(&r);
}

/* A pull as strong as the curvature halves it. */
static void pulled(void **state)
{
    const setting settings[] = {QUADRATIC,
                                {"probe.llc", "1600"},
                                {"probe.llc_step", "4e-3"},
                                {"probe.llc_nbeta", "50"},
                                {"probe.llc_pull", "16.7"},
                                {NULL, NULL}};
    rig r;
    seen s = {0};

    (void)state;
    rig_new(&r, 2, settings);
    measure(&r, 0, &s);
    printf("llc %.3f, expected 4\n", value_of(&s, "llc"));
    assert_true(fabs(value_of(&s, "llc") - 4) < .8);
    rig_free(&r);
}

static void same_bits(void **state)
{
    const setting settings[] = {QUADRATIC, {"probe.llc", "20"}, {NULL, NULL}};
    rig r;
    seen once = {0}, again = {0}, four = {0};

    (void)state;
    rig_new(&r, 1, settings);
    measure(&r, 5, &once);
    measure(&r, 5, &again);
    rig_free(&r);
    rig_new(&r, 4, settings);
    measure(&r, 5, &four);
    assert_true(value_of(&once, "llc") == value_of(&again, "llc"));
    assert_true(value_of(&once, "llc") == value_of(&four, "llc"));
    measure(&r, 6, &again);
    assert_true(value_of(&once, "llc") != value_of(&again, "llc"));
    rig_free(&r);
}

/* Ten steps of training, measured after each or not. */
static void unnoticed(void **state)
{
    const setting with[] = {{"task.kind", "linear"}, {"model.d_model", "16"},
                            {"train.batch", "4"},    {"train.steps", "10"},
                            {"optim.kind", "adam"},  {"optim.lr", "0.001"},
                            {"probe.batch", "4"},    {"probe.test", "0"},
                            {"probe.llc", "5"},      {NULL, NULL}};
    double w[2][16 * 16];
    rig r;
    seen s = {.quiet = true};

    (void)state;
    for (int measured = 0; measured < 2; measured++) {
        rig_new(&r, 2, with);
        for (int t = 0; t < 10; t++) {
            eg_step_info info;

            eg_trainer_step(r.trainer, &info);
            if (measured) measure(&r, t, &s);
        }
        eg_model_get(
            eg_trainer_model(r.trainer),
            eg_model_find(eg_trainer_model(r.trainer), "blocks.0.attn.W_V"),
            w[measured]);
        rig_free(&r);
    }
    assert_true(has(&s, "llc"));
    assert_memory_equal(w[0], w[1], sizeof w[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_the_weights), cmocka_unit_test(pulled),
        cmocka_unit_test(same_bits), cmocka_unit_test(unnoticed)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
