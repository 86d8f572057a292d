/* The statements on MesaNet's solver: numbers as few digits keep them, and what
 * the solver and its states come to. */
#include "engram/mesa.h"
#define THEORY_TABLE eg_mesa_theories
#include "memory/theory_helper.h"
#include "mesa/narrow.h"

static emitted seen;

static void test_narrow(void **state)
{
    /* by hand, from the layouts: 1 + 10 and 1 + 7 digits behind the point */
    static const struct {
        int format;
        double x, want;
    } known[] = {
        {EGI_F16, 1.0 / 3, 0x1.554p-2},
        {EGI_BF16, 1.0 / 3, 0x1.56p-2},
        {EGI_F16, 2049, 2048},
        {EGI_F16, 2051, 2052},
        {EGI_F16, -65519, -65504},
        {EGI_F16, 65520, HUGE_VAL},
        {EGI_F16, 0x1p-24, 0x1p-24},
        {EGI_F16, 0x1.8p-25, 0x1p-24},
        {EGI_F16, 0x1p-26, 0},
        {EGI_F16, 0x1.004p-14, 0x1.004p-14},
        {EGI_BF16, 257, 256},
        {EGI_BF16, -259, -260},
        {EGI_BF16, 1e39, HUGE_VAL},
        {EGI_F32, 16777217, 16777216},
        {EGI_F16, 0, 0},
    };
    uint64_t s = 1;

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        double y = egi_narrow(known[i].x, &egi_formats[known[i].format]);

        if (y != known[i].want)
            fail_msg("%s of %a: %a, expected %a",
                     egi_formats[known[i].format].name, known[i].x, y,
                     known[i].want);
    }
    assert_true(isnan(egi_narrow(NAN, &egi_formats[EGI_F16])));
    for (int i = 0; i < 100000; i++) { /* float32 is what the machine does */
        double x;

        s = s * 6364136223846793005u + 1442695040888963407u;
        x = ldexp((double)(int64_t)s, (int)(s >> 40) % 280 - 200);
        assert_true(egi_narrow(x, &egi_formats[EGI_F32]) == (double)(float)x);
    }
}

static void test_solver(void **state)
{
    (void)state;
    theory_run(&seen, "mesa_cg", "dim=12 tokens=30 steps=[0,12,40] draws=4");
    assert_true(fabs(emitted_at(&seen, 0, "residual") - 1) < 1e-12);
    assert_true(emitted_at(&seen, 12, "residual") < 1e-9); /* dim steps */
    assert_true(emitted_at(&seen, 40, "residual") < 1e-14);
    /* no keys: one step, x = q / lambda */
    theory_run(&seen, "mesa_cg",
               "dim=12 tokens=1 strength=0 steps=[1] draws=2");
    assert_true(emitted_at(&seen, 1, "residual") < 1e-14);
    theory_run(&seen, "mesa_cg", "dim=12 tokens=30 guard=1e-3 steps=[40]");
    assert_true(emitted_at(&seen, 40, "residual") > 1e-4);
}

static void test_states(void **state)
{
    static const char *const name[] = {"float32", "float16", "bfloat16"};
    double last = 0;

    (void)state;
    theory_run(&seen, "mesa_precision",
               "dim=16 rank=3 tokens=[256,4096] chunk=32 draws=2");
    for (int i = 0; i < 3; i++) {
        char key[64];
        double off;

        snprintf(key, sizeof key, "error_%s", name[i]);
        off = emitted_at(&seen, 4096, key);
        assert_true(off > 4 * last && off > emitted_at(&seen, 256, key));
        last = off;
    }
    assert_true(emitted_at(&seen, 4096, "indefinite_float32") == 0);
    assert_true(emitted_at(&seen, 4096, "solution_float32") < 1e-2);
    assert_true(emitted_at(&seen, 4096, "indefinite_bfloat16") == 1);
    assert_true(emitted_at(&seen, 4096, "solution_bfloat16") == 1);
}

static void test_refused(void **state)
{
    (void)state;
    check_refused(&seen, "mesa_cg", "steps=[-1]", "steps: '-1'");
    check_refused(&seen, "mesa_precision", "tokens=[0]", "tokens: '0'");
}

static void test_threads(void **state)
{
    static emitted one, four;
    eg_err err = {0};
    static const char set[] = "dim=16 tokens=[64,100] draws=5";

    (void)state;
    assert_int_equal(theory_try(&one, "mesa_precision", set, 1, &err), EG_OK);
    assert_int_equal(theory_try(&four, "mesa_precision", set, 4, &err), EG_OK);
    assert_true(one.n > 10);
    assert_memory_equal(&one, &four, sizeof one);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    theory_out_of_memory("mesa_cg", "dim=8 draws=2");
    theory_out_of_memory("mesa_precision", "dim=8 tokens=[9] draws=2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_narrow),  cmocka_unit_test(test_solver),
        cmocka_unit_test(test_states),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_out_of_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
