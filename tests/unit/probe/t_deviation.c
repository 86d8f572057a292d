/* Deviations of a bfloat16 run: of every metric that a forward pass tells, the
 * metric less the same by float32 products; none in a float32 run, or where
 * they are not wanted. */
#include "rig.h"

#include <math.h>

#include "engram/kern.h"

static const setting settings[] = {
    {"model.d_model", "32"},     {"model.n_heads", "2"},
    {"model.mlp", "none, relu"}, {"task.n_ctx", "80"},
    {"train.batch", "8"},        {"train.precision", "bfloat16"},
    {"probe.batch", "5"},        {"probe.test", "7"},
    {"probe.train", "3"},        {"probe.snapshots", "0"},
    {"probe.heads", "true"},     {NULL, NULL}};

static void measure(seen *out, rig *r, const char *kern)
{
    eg_err err = {0};

    *out = (seen){.quiet = true};
    eg_probes_free(r->probes);
    if (eg_probes_new(&r->probes, &r->opts, r->trainer, r->task, r->pool, kern,
                      &err) != EG_OK)
        fail_msg("%s", err.msg);
    eg_probes_before(r->probes, 3, keep, out);
    eg_probes_after(r->probes, 3, keep, out);
}

/* What weights alone tell has no deviation. */
static bool of_weights(const char *name)
{
    return strncmp(name, "norm.", 5) == 0 ||
           strncmp(name, "grad_norm.", 10) == 0 ||
           strncmp(name, "recall_", 7) == 0 || strncmp(name, "kl_", 3) == 0;
}

static void test_difference(void **state)
{
    const char *rounding = eg_kern_pick_bf16("auto")->name;
    const char *plain = eg_kern_beside(rounding);
    seen mixed, rounded, exact;
    double most = 0;
    eg_step_info info;
    rig r;
    int n = 0;

    (void)state;
    rig_begin(&r, 2, settings);
    for (int i = 0; i < 4; i++) eg_trainer_step(r.trainer, &info);
    measure(&mixed, &r, rounding);
    measure(&exact, &r, plain);
    r.opts.deviation = false;
    measure(&rounded, &r, rounding);
    for (int i = 0; i < rounded.n; i++) {
        const char *name = rounded.row[i].name;
        char of[128];

        assert_null(strstr(name, "deviation."));
        assert_null(strstr(exact.row[i].name, "deviation."));
        snprintf(of, sizeof of, "deviation.%s", name);
        assert_true(has(&mixed, of) == !of_weights(name));
        if (of_weights(name)) continue;
        double want = rounded.row[i].value - value_of(&exact, name);
        double got = value_of(&mixed, of);
        if (got > want || got < want)
            fail_msg("%s: %.17g, expected %.17g", of, got, want);
        assert_true(fabs(value_of(&mixed, name) - rounded.row[i].value) <= 0);
        if (strncmp(name, "loss", 4) == 0) {
            printf("  %-34s %.3e\n", of, got);
            most = fmax(most, fabs(got));
        }
        n++;
    }
    assert_true(n > 10);
    assert_true(most > 0 && most < 1e-2);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_difference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
