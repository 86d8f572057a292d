/* Means of hooks: of one that is known, by heads, and on any number of
 * threads. */
#include "rig.h"

#include <math.h>

#include "probe/probes.h"

enum { CTX = 24, WIDE = 16, COUNT = 7 };

static const setting small[] = {
    {"task.n_ctx", "24"},     {"model.d_model", "16"},  {"model.n_heads", "4"},
    {"train.batch", "1"},     {"probe.batch", "2"},     {"probe.test", "0"},
    {"probe.norms", "false"}, {"probe.snapshots", "0"}, {NULL, NULL}};

static void mean_of(double *row, const rig *r, const char *hook, int head)
{
    eg_err err = {0};

    if (eg_hook_mean(row, eg_probes_eval(r->probes), hook, head, EG_PROBE, 0,
                     COUNT, CTX, &err) != EG_OK)
        fail_msg("%s", err.msg);
}

static void means(void **state)
{
    double z[3][WIDE], part[WIDE / 4], pos[WIDE];
    eg_err err = {0};
    rig r;

    (void)state;
    for (int k = 0; k < 3; k++) {
        rig_new(&r, k + 1, small);
        mean_of(z[k], &r, "blocks.1.attn.hook_z", -1);
        for (int h = 0; h < 4; h++) {
            mean_of(part, &r, "blocks.1.attn.hook_z", h);
            assert_memory_equal(part, z[k] + (eg_index)h * (WIDE / 4),
                                sizeof part);
        }
        rig_free(&r);
        assert_memory_equal(z[0], z[k], sizeof z[0]);
    }

    rig_new(&r, 1, small);
    eg_view w =
        eg_model_view(r.probes->model, eg_model_find(r.probes->model, "W_pos"));
    mean_of(pos, &r, "hook_pos_embed", -1);
    for (int c = 0; c < WIDE; c++) {
        double want = 0;

        for (int t = 0; t < CTX; t++)
            want += eg_view_at(&w, (eg_index)t * WIDE + c) / CTX;
        assert_true(fabs(pos[c] - want) < 1e-14);
        assert_true(fabs(want) > 1e-6);
    }
    assert_int_equal(eg_hook_mean(pos, eg_probes_eval(r.probes), "hook_nothing",
                                  -1, EG_PROBE, 0, 1, CTX, &err),
                     EG_EINVAL);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(means)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
