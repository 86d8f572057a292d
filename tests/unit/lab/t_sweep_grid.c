/* The grid of a sweep: values, ranges, order of the points, and its YAML. */
#include "engram/sweep.h"
#include "engram/mem.h"
#include "scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static eg_config base;

static void add(eg_grid *g, const char *text)
{
    eg_err err = {0};

    if (eg_grid_add(g, &base, text, &err) != EG_OK)
        fail_msg("%s: %s", text, err.msg);
}

static void refuse(const char *text, const char *part)
{
    eg_grid g = {.n_axes = 0};
    eg_err err = {0};

    assert_int_equal(eg_grid_add(&g, &base, text, &err), EG_EINVAL);
    if (!strstr(err.msg, part))
        fail_msg("%s: expected \"%s\", found \"%s\"", text, part, err.msg);
    assert_int_equal(g.n_axes, 0);
    eg_grid_release(&g);
}

static void expect_values(const char *text, eg_scale scale, const char *joined)
{
    eg_grid g = {.n_axes = 0};
    char all[512] = "";
    size_t n = 0;

    add(&g, text);
    for (int i = 0; i < g.axis[0].n; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? " " : "",
                              g.axis[0].value[i]);
    assert_string_equal(all, joined);
    assert_int_equal(g.axis[0].scale, scale);
    eg_grid_release(&g);
}

static void values(void **state)
{
    (void)state;
    expect_values("optim.lr=0.1,2,3e-4", EG_SCALE_LIST, "0.1 2 3e-4");
    expect_values("optim.lr=0:1:5", EG_SCALE_LINEAR, "0 0.25 0.5 0.75 1");
    expect_values("optim.lr=1:-1:3", EG_SCALE_LINEAR, "1 0 -1");
    expect_values("optim.lr=0.001:1:4log", EG_SCALE_LOG, "0.001 0.01 0.1 1");
    expect_values("model.d_model=16:64:4", EG_SCALE_LINEAR, "16 32 48 64");
    expect_values("model.d_model=8:128:5log", EG_SCALE_LOG, "8 16 32 64 128");
    expect_values("model.d_model=10:1000:4log", EG_SCALE_LOG, "10 46 215 1000");
    /* a list has commas of its own */
    expect_values("train.freeze=[W_E,W_U],[W_E]", EG_SCALE_LIST,
                  "[W_E,W_U] [W_E]");
    /* what is no number keeps its colons */
    expect_values("run.name=1:2:3", EG_SCALE_LIST, "1:2:3");
}

static void refused(void **state)
{
    (void)state;
    refuse("nonsense", "expected section.key=a,b,c");
    refuse("optim.lr=", "expected section.key=a,b,c");
    refuse("optim.lr=0:1:1", "n from 2 to");
    refuse("optim.lr=0:1:x", "n from 2 to");
    refuse("optim.lr=0:1:3lin", "n from 2 to");
    refuse("optim.lr=0:1:3log", "expected positive ends");
    refuse("model.d_model=1:3:5", "the value 2 twice");
}

static void order(void **state)
{
    static const char *const label[] = {"optim.lr=0.1 model.d_model=8 seed=5",
                                        "optim.lr=0.1 model.d_model=8 seed=7",
                                        "optim.lr=0.1 model.d_model=16 seed=5",
                                        "optim.lr=0.1 model.d_model=16 seed=7",
                                        "optim.lr=0.2 model.d_model=8 seed=5",
                                        "optim.lr=0.2 model.d_model=8 seed=7",
                                        "optim.lr=0.2 model.d_model=16 seed=5",
                                        "optim.lr=0.2 model.d_model=16 seed=7"};
    eg_grid g = {.n_axes = 0};
    eg_err err = {0};
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    char text[128];

    (void)state;
    assert_non_null(cfg);
    add(&g, "optim.lr=5");
    add(&g, "model.d_model=8,16");
    add(&g, "optim.lr=0.1,0.2"); /* in place of the first */
    assert_int_equal(eg_seeds_add(&g.seeds, "5,7", &err), EG_OK);
    assert_int_equal(eg_grid_points(&g), 8);
    for (int i = 0; i < 8; i++) {
        *cfg = base;
        assert_int_equal(eg_grid_set(&g, i, cfg, text, sizeof text, &err),
                         EG_OK);
        assert_string_equal(text, label[i]);
        assert_int_equal(eg_grid_index(&g, i, 0), i / 4);
        assert_int_equal(eg_grid_index(&g, i, 1), i / 2 % 2);
        assert_int_equal(eg_grid_seed_index(&g, i), i % 2);
        assert_int_equal(cfg->model.d_model, i / 2 % 2 ? 16 : 8);
        assert_int_equal(cfg->run.seed, i % 2 ? 7 : 5);
    }
    for (int k = 0; k < 4; k++) { /* too many to count */
        snprintf(text, sizeof text, "%s=0:1:1000",
                 ((const char *const[]){"optim.lr", "optim.beta1",
                                        "optim.beta2", "optim.eps"})[k]);
        add(&g, text);
    }
    assert_int_equal(eg_grid_points(&g), INT32_MAX);
    eg_grid_release(&g);
    eg_free(cfg);
}

static void write_file(const char *name, const char *text)
{
    assert_int_equal(eg_file_write(name, text, strlen(text), NULL), EG_OK);
}

static void load_says(const char *text, const char *part)
{
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_grid g;
    char name[EG_TEXT];
    eg_err err = {0};

    assert_non_null(cfg);
    write_file("bad.yaml", text);
    assert_int_equal(eg_sweep_load(cfg, &g, name, "bad.yaml", &err), EG_EINVAL);
    if (!strstr(err.msg, part))
        fail_msg("expected \"%s\", found \"%s\"", part, err.msg);
    eg_free(cfg);
}

static void yaml(void **state)
{
    char folder[64], name[EG_TEXT];
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_grid g;
    eg_err err = {0};

    (void)state;
    assert_non_null(cfg);
    scratch_make(folder, sizeof folder);
    assert_int_equal(chdir(folder), 0);
    write_file("base.yaml", "model: {d_model: 24}\noptim: {lr: 0.5}\n");
    write_file("sweep.yaml",
               "base: base.yaml\ntrain: {steps: 7}\n"
               "sweep:\n  name: two\n  grid:\n    optim.lr: [0.1, 0.2]\n"
               "    model.d_model: 8:16:2\n    train.freeze: [[W_E, W_U], "
               "[W_E]]\n  seeds: 0-2\n");
    if (eg_sweep_load(cfg, &g, name, "sweep.yaml", &err) != EG_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(name, "two");
    assert_int_equal(cfg->model.d_model, 24);
    assert_int_equal(cfg->train.steps, 7);
    assert_int_equal(eg_grid_points(&g), 24);
    assert_string_equal(g.axis[2].value[0], "[W_E, W_U]");
    assert_int_equal(g.axis[1].scale, EG_SCALE_LINEAR);
    eg_grid_release(&g);
    /* a configuration without a sweep is one of no axes */
    assert_int_equal(eg_sweep_load(cfg, &g, name, "base.yaml", &err), EG_OK);
    assert_int_equal(eg_grid_points(&g), 1);
    assert_string_equal(name, "");
    /* and a sweep is no configuration */
    assert_int_equal(eg_config_load(cfg, "sweep.yaml", &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "`engram sweep` runs it"));
    load_says("sweep: {grids: {}}\n", "did you mean 'grid'");
    load_says("sweep: {grid: {optim.lr: []}}\n", "an empty list");
    load_says("sweep: {grid: [1]}\n", "expected {key: values}");
    load_says("sweep: 3\n", "expected {name, grid, seeds}");
    load_says("sweep: {seeds: 3-1}\n", "seeds: expected seeds such as");
    load_says("base: 3.yaml\n", "unknown key 'base'");
    eg_free(cfg);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values), cmocka_unit_test(refused),
        cmocka_unit_test(order), cmocka_unit_test(yaml)};

    eg_config_default(&base);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
