/* Networks built by hand are their solvers, and not when a weight is off. */
#include "engram/mesa.h"
#define THEORY_TABLE eg_mesa_theories
#include "memory/theory_helper.h"
#include "base/sweep.h"
#include "mesa/built.h"

static emitted seen;

static double worst_gap(const char *sets)
{
    double worst = 0;

    theory_run(&seen, "mesa_construction", sets);
    for (int i = 0; i < seen.n; i++)
        if (strcmp(seen.row[i].name, "gap") == 0)
            worst = egi_most(worst, seen.row[i].value);
    printf("%s: gap %.2g\n", sets, worst);
    return worst;
}

static void test_exact(void **state)
{
    (void)state;
    assert_true(worst_gap("construction=prop1 steps=[1]") < 1e-14);
    assert_true(worst_gap("construction=gd steps=[1,3,5]") < 1e-14);
    assert_true(worst_gap("construction=gdpp steps=[1,3,5]") < 1e-14);
    assert_true(worst_gap("construction=prop2 steps=[1,3,5]") < 1e-14);
    assert_true(worst_gap("construction=mesa steps=[1]") < 1e-11);
    assert_true(worst_gap("construction=mesa steps=[1] ridge=2") < 1e-14);
    assert_true(worst_gap("construction=gd steps=[2] dim=3 n_ctx=2") < 1e-14);
}

static void test_impostors(void **state)
{
    (void)state;
    assert_true(worst_gap("construction=prop1 steps=[1] impostor=1e-6") > 1e-9);
    assert_true(worst_gap("construction=gd steps=[2] impostor=1e-6") > 1e-9);
    assert_true(worst_gap("construction=gdpp steps=[2] impostor=1e-6") > 1e-9);
    assert_true(worst_gap("construction=prop2 steps=[2] impostor=1e-6") > 1e-9);
    assert_true(worst_gap("construction=mesa steps=[1] impostor=1e-6") > 1e-9);
    assert_true(worst_gap("construction=prop2 steps=[2] as_printed=true") > .1);
}

/* Blocks lie where they are said to. */
static void test_blocks(void **state)
{
    egi_built_spec spec = {.mixer = "linear",
                           .layers = 2,
                           .heads = 2,
                           .channels = 3,
                           .n = 2,
                           .n_ctx = 4,
                           .head_channels = 2};
    static const double m[] = {1, 2, 3, 4};
    egi_built b;
    double w[2][6][4];
    int i;

    (void)state;
    assert_int_equal(egi_built_new(&b, &spec, NULL), EG_OK);
    egi_built_put(&b, 1, "attn.W_V", 1, 2, 1, m);
    egi_built_join(&b, 1, "attn.W_V", 1, 2, 1, 10);
    i = eg_model_find(b.model, "blocks.1.attn.W_V");
    assert_int_equal(eg_model_tensor(b.model, i)->size, 48);
    eg_model_get(b.model, i, &w[0][0][0]);
    assert_true(w[1][4][2] == 11 && w[1][4][3] == 2);
    assert_true(w[1][5][2] == 3 && w[1][5][3] == 14);
    w[1][4][2] = w[1][4][3] = w[1][5][2] = w[1][5][3] = 0;
    for (int k = 0; k < 48; k++) assert_true((&w[0][0][0])[k] == 0);
    egi_built_release(&b);
}

static void test_refused(void **state)
{
    (void)state;
    check_refused(&seen, "mesa_construction", "construction=mesa",
                  "steps: 2: expected 1");
    check_refused(&seen, "mesa_construction", "construction=prop1 steps=[3]",
                  "steps: 3: expected 1");
    check_refused(&seen, "mesa_construction", "dim=17", "dim: 17");
    check_refused(&seen, "mesa_construction",
                  "construction=mesa steps=[1] ridge=0", "ridge: 0");
    check_refused(&seen, "mesa_construction", "steps=[0]", "steps: '0'");
}

static void test_threads(void **state)
{
    static const char sets[] = "construction=prop2 steps=[1,2]";
    static emitted one, four;
    eg_err err = {0};

    (void)state;
    assert_int_equal(theory_try(&one, "mesa_construction", sets, 1, &err),
                     EG_OK);
    assert_int_equal(theory_try(&four, "mesa_construction", sets, 4, &err),
                     EG_OK);
    assert_memory_equal(&one, &four, sizeof one);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    theory_out_of_memory("mesa_construction",
                         "construction=prop2 steps=[1] dim=2 sequences=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),   cmocka_unit_test(test_impostors),
        cmocka_unit_test(test_blocks),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_out_of_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
