/* Every row of eg_flow_theories with small options, against the numbers of the
 * papers and of independent programs. */
#include "engram/flow_theory.h"
#define THEORY_TABLE eg_flow_theories
#include "memory/theory_helper.h"

static emitted seen;

static void test_table(void **state)
{
    (void)state;
    check_theory_table();
}

static void test_scalar(void **state)
{
    (void)state;
    theory_run(&seen, "scalar", "betas=[4]");
    check_close(&seen, 4000, "SA_half", 3.431732315859, 6e-13);
    check_close(&seen, 4000, "USA_level", 1.1307703413, 6e-12);
    check_close(&seen, 4000, "SA_rate", 2, 1e-8);
    check_range(&seen, 4000, "quadrature", 0, 1e-13);
    theory_run(&seen, "scalar_bounds", "n=1 betas=[0]");
    check_close(&seen, 0, "SA_always", log(2) - 0.25, 1e-12); /* at t = 0 */
    check_range(&seen, 0, "SA_after", -100, 0);
    theory_run(&seen, "scalar_flow", "times=[2,5]");
    check_close(&seen, 2000, "simulated", 0.104052096244, 1e-12);
    check_close(&seen, 5000, "gamma", 0.870860201697, 1e-12);
    check_range(&seen, 5000, "spread", 0, 1e-13);
    theory_run(&seen, "scheme_lag", "betas=[6]");
    check_close(&seen, 6000, "exact", 15.9953, 6e-5);
    check_range(&seen, 6000, "ratio", 1.07, 1.11);
}

static void test_schemes(void **state)
{
    (void)state;
    theory_run(&seen, "schemes", "n=32 beta=4 times=[10] flow=false");
    check_close(&seen, 10000, "post", 2.261e-6, 5e-10);
    check_close(&seen, 10000, "pre", 0.5853, 5e-5);
    check_close(&seen, 10000, "peri", 0.3255, 5e-5);
    check_close(&seen, 10000, "nGPT", 1.196e-7, 5e-11);
    check_close(&seen, 10000, "sqrt", 9.310e-2, 5e-6);
    theory_run(&seen, "schemes", "n=8 times=[4]");
    check_close(&seen, 4000, "flow_pre", emitted_at(&seen, 4000, "pre"), 1e-10);
    check_close(&seen, 4000, "flow_peri", emitted_at(&seen, 4000, "peri"),
                1e-10);
    check_close(&seen, 4000, "flow_nGPT", emitted_at(&seen, 4000, "nGPT"),
                1e-10);
    check_close(&seen, 4000, "flow_sqrt", emitted_at(&seen, 4000, "sqrt"),
                1e-10);
}

static void test_energy(void **state)
{
    (void)state;
    theory_run(&seen, "energy_identity", "betas=[3] draws=2");
    check_range(&seen, 3000, "SA", 0, 1e-9);
    check_range(&seen, 3000, "USA", 0, 1e-9);
    check_range(&seen, 3000, "wedge_SA", 0, 1e-14);
    check_range(&seen, 3000, "wedge_USA", 0, 1e-14);
    theory_run(&seen, "energy_path", "matrix=symmetric times=[1,2]");
    check_range(&seen, 2000, "increment", 1e-6, 1e6);
    theory_run(&seen, "energy_path", "matrix=-symmetric times=[1,2]");
    check_range(&seen, 2000, "increment", -1e6, -1e-6);
    theory_run(&seen, "energy_uniform", "dims=[2,8] betas=[4] draws=20");
    check_close(&seen, 4000, "energy_d2", 1.41274024402, 6e-12);
    check_close(&seen, 4000, "energy_d8", 0.312869604227, 6e-13);
    check_range(&seen, 4000, "quadrature_d8", 0, 1e-12);
    check_close(&seen, 4000, "sample_d2", 1, 0.05);
    theory_run(&seen, "cross_ratio", "dims=[3] n=5");
    check_range(&seen, 3, "change", 0, 1e-12);
    theory_run(&seen, "cross_ratio", "dims=[3] n=5 beta=1");
    check_range(&seen, 3, "change", 0.01, 1e9);
}

static void test_ring(void **state)
{
    (void)state;
    theory_run(&seen, "ring_rates", "beta=9");
    check_close(&seen, 4, "SA", 0.7045, 6e-5);
    check_close(&seen, 4, "field_SA", emitted_at(&seen, 4, "SA"), 1e-8);
    check_close(&seen, 4, "field_USA", emitted_at(&seen, 4, "USA"), 1e-8);
    theory_run(&seen, "fastest_modes", "betas=[9,100]");
    check_close(&seen, 9000, "degree_d2", 4, 0);
    check_close(&seen, 100000, "degree_d3", 14, 0);
    check_close(&seen, 9000, "reach", 0.3302, 6e-5);
    check_close(&seen, 9000, "steepest", emitted_at(&seen, 9000, "reach"),
                1e-7);
    theory_run(&seen, "mode_selection", "n=2000 draws=1 t=3");
    check_range(&seen, 1, "growth", 0.7, 1.3);
    check_range(&seen, 1, "dominant", 3, 7);
    check_close(&seen, 1, "off", fabs(emitted_at(&seen, 1, "dominant") - 4), 0);
    theory_run(&seen, "kuramoto", "n=12");
    check_range(&seen, 100, "identity", 0, 1e-14);
    check_close(&seen, 100, "per_beta", emitted_at(&seen, 10000, "per_beta"),
                0.5);
}

static void test_clusters(void **state)
{
    (void)state;
    theory_run(&seen, "two_clusters", "times=[10,20]");
    /* The angle at 20 from an integration with 25 digits. */
    check_close(&seen, 20000, "ode", 1.700451716599776, 1e-12);
    check_close(&seen, 20000, "flow", 1.700451716599776, 1e-11);
    check_close(&seen, 20000, "weighted", 1.700451716599776, 1e-11);
    theory_run(&seen, "cluster_life", "betas=[2]");
    check_close(&seen, 2000, "life", 7.97267912, 1e-7);
    theory_run(&seen, "clustering", "n=8 times=[2,8]");
    check_close(&seen, 8000, "rate", 2, 0.1);
    check_range(&seen, 8000, "risen", -1e-14, 1);
    check_range(&seen, 8000, "bound", 1, 1e9);
    theory_run(&seen, "clustering", "n=8 sign=negative times=[2,8]");
    check_range(&seen, 2000, "risen", -2, -1e-3);
    check_range(&seen, 8000, "bound", -1e9, 1);
    theory_run(&seen, "clustering", "n=4 d=6 start=uniform times=[2,10]");
    check_range(&seen, 10000, "gap", 0, 1e-3);
    theory_run(&seen, "concentration", "dims=[16,64] n=8 draws=4");
    check_range(&seen, 64, "scaled", 0.5, 2);
    theory_run(&seen, "wendel", "points=[8] dims=[2,3] draws=4000");
    check_close(&seen, 8, "formula_d3", 0.2265625, 0);
    check_close(&seen, 8, "share_d3", 0.2265625, 0.027); /* 4 deviations */
    check_close(&seen, 8, "share_d2", 0.0625, 0.016);
}

/* What the options for controls change, and that nothing else does. */
static void test_impostors(void **state)
{
    double T1, T2, t;

    (void)state;
    theory_run(&seen, "caps", "betas=[8]");
    T1 = emitted_at(&seen, 8000, "T1");
    T2 = emitted_at(&seen, 8000, "T2");
    theory_run(&seen, "caps", "betas=[8] impostor=99");
    check_close(&seen, 8000, "T1", T1 / 100, 1e-12 * T1);
    check_close(&seen, 8000, "T2", T2 * 100, 1e-12 * T2);
    check_range(&seen, 8000, "apart", 0.5, 100);
    theory_run(&seen, "caps", "betas=[8] impostor=3999 horizon=1e12");
    check_range(&seen, 8000, "inside", -2, -0.5);
    theory_run(&seen, "staircase", "betas=[500]");
    t = emitted_at(&seen, 500, "t_999");
    theory_run(&seen, "staircase", "betas=[500] impostor=0.02");
    check_close(&seen, 500, "t_999", t / 1.02, 1e-4);
    theory_run(&seen, "strong_centres", "n=24 draws=1 causal=false");
    check_range(&seen, 1, "moved", 0.5, 2);
    t = emitted_at(&seen, 1, "shortest");
    theory_run(&seen, "strong_centres", "n=24 draws=1 impostor=999");
    check_close(&seen, 1, "shortest", 1000 * t, 1e-9 * t);
    check_range(&seen, 1, "moved", 1, 100);
}

static void test_metastable(void **state)
{
    (void)state;
    theory_run(&seen, "caps", "betas=[8]");
    check_range(&seen, 8000, "apart", 0, 1);
    check_range(&seen, 8000, "inside", 0, 1);
    check_range(&seen, 8000, "lambda_printed", 0, 1e-9);
    check_close(&seen, 8000, "bound",
                2 * exp(-8 * emitted_at(&seen, 8000, "lambda")), 1e-16);
    theory_run(&seen, "kinetic", "t=330");
    check_close(&seen, 1, "t", 328.364, 1e-3);
    theory_run(&seen, "kinetic", "method=authors t=370");
    check_close(&seen, 1, "t", 364.1, 1e-9);
    theory_run(&seen, "staircase", "betas=[500]");
    check_close(&seen, 500, "t_36", 0.01684, 1e-4);
    check_close(&seen, 500, "t_48", 0.04688, 1e-4);
    check_close(&seen, 500, "t_76", 0.11308, 1e-4);
    check_close(&seen, 500, "t_999", 0.12185, 1e-4);
}

static void test_prequel(void **state)
{
    (void)state;
    theory_run(&seen, "rescaled", "times=[2,5,8]");
    check_range(&seen, 5000, "shrunk", -1e-9, 100);
    check_range(&seen, 8000, "candidates", 0, 1e-3);
    theory_run(&seen, "rescaled", "d=1 side=1 times=[12]");
    check_range(&seen, 12000, "rank", 1, 3);
    check_range(&seen, 12000, "boolean", 0, 1e-6);
    theory_run(&seen, "rescaled", "V=[1,0,0,-0.5] times=[1,8]");
    check_range(&seen, 8000, "three", 0, 0.05);
    check_range(&seen, 8000, "groups", 1, 3);
    check_range(&seen, 8000, "shrunk", -1e9, 0);
    theory_run(&seen, "repulsive", "times=[1000]");
    check_close(&seen, 1000000, "decay", 1, 1e-3);
    check_range(&seen, 1000000, "uniformity", 0, 0.01);
    theory_run(&seen, "programs", "steps=[10]");
    check_range(&seen, 10, "rk4_euler", 0, 1e-14);
    check_range(&seen, 10, "rk4_flow", 1e-2, 1);
    check_range(&seen, 10, "true_rk4", 1e-6, 1e-3);
    check_range(&seen, 10, "linear", 0, 1e-5);
    check_range(&seen, 10, "linear_flow", 0.01, 10);
}

static void test_sharp(void **state)
{
    (void)state;
    theory_run(&seen, "sharp", "t=400 draws=1");
    check_range(&seen, 1, "deviation", 0, 1e-6);
    check_close(&seen, 1, "moment_3", 5.0 / 9, 1e-6);
    theory_run(&seen, "hardmax", "steps=[1000]");
    check_range(&seen, 1000, "bent", 0, 1e-12);
    check_range(&seen, 1000, "to_vertex", 0, 1e-12);
    check_close(&seen, 1000, "own_moved", 0, 0);
    check_range(&seen, 1000, "vertex_moved", 1e-3, 10);
    check_range(&seen, 1000, "bent_other", 1e-3, 10);
    check_range(&seen, 1000, "to_other", 1e-3, 10);
}

static void test_follow_ups(void **state)
{
    (void)state;
    theory_run(&seen, "phase", "draws=64 betas=[4] times=[30]");
    check_range(&seen, 4000, "density_30", 0.45, 0.6);
    check_range(&seen, 4000, "components_30", 1.8, 2.4);
    check_range(&seen, 4000, "clusters_2_30", 0.7, 1);
    theory_run(&seen, "causal", "n=8 times=[1000]");
    check_close(&seen, 1000000, "first_moved", 0, 1e-14);
    check_range(&seen, 1000000, "distance", 0, 1e-10);
    theory_run(&seen, "causal", "n=8 values=[2,1,1] times=[1000]");
    check_range(&seen, 1000000, "to_axis", 0, 1e-8);
    theory_run(&seen, "renyi", "n=500 deltas=[0.5] draws=50");
    check_close(&seen, 500, "strong", 6.28, 0.6);
    check_close(&seen, 500, "centres", 9.3, 0.6);
    check_close(&seen, 500, "parking", 9.394, 1e-3);
    theory_run(&seen, "strong_centres", "n=24 draws=1 horizon=100");
    check_range(&seen, 1, "moved", 1e-9, 1);
    theory_run(&seen, "noise_threshold", "betas=[1,4]");
    check_close(&seen, 1000, "kappa_d2", 1.769413, 6e-7);
    check_close(&seen, 1000, "kappa_d3", 2.718281828459, 1e-12);
    check_close(&seen, 1000, "continuous_d8", 1.266553, 6e-7);
    theory_run(&seen, "noise_run", "n=200 draws=1");
    check_range(&seen, 2000, "order", 0.5, 1);
    check_range(&seen, 500, "order", 0, 0.35);
    theory_run(&seen, "long_context", "exponents=[32]");
    check_close(&seen, 32, "cosine_1", 1, 1e-12);
    check_close(&seen, 32, "cosine_2", 0.8, 1e-12);
    check_close(&seen, 32, "cosine_3", 0.5, 1e-12);
    theory_run(&seen, "orders", "n=8 times=[2.5]");
    check_close(&seen, 2500, "order", 1, 0.2);
    theory_run(&seen, "orders", "n=8 times=[2.5] method=rk4");
    check_close(&seen, 2500, "order", 4, 0.3);
}

/* An impostor of one part in a thousand is seen by what the row compares, and
 * by nothing else. */
static void test_false_sides(void **state)
{
    (void)state;
    theory_run(&seen, "scalar", "betas=[4] impostor=1e-3");
    check_range(&seen, 4000, "quadrature", 1e-4, 1e-2);
    check_close(&seen, 4000, "SA_half", 3.431732315859, 6e-13);
    theory_run(&seen, "scalar_flow", "n=8 times=[2]");
    check_range(&seen, 2000, "off", 0, 1e-13);
    theory_run(&seen, "scalar_flow", "n=8 times=[2] impostor=1e-3");
    check_range(&seen, 2000, "off", 1e-6, 1e-3);
    check_range(&seen, 2000, "spread", 0, 1e-13);
    theory_run(&seen, "scalar_flow", "n=8 times=[2] uneven=1e-3");
    check_range(&seen, 2000, "spread", 1e-4, 1e-2);
    theory_run(&seen, "energy_identity", "betas=[3] draws=1 impostor=1e-3");
    check_range(&seen, 3000, "SA", 1e-5, 1e-1);
    check_range(&seen, 3000, "USA", 1e-5, 1e-1);
    check_range(&seen, 3000, "wedge_SA", 1e-6, 1e-2);
    check_range(&seen, 3000, "wedge_USA", 1e-6, 1e-2);
    theory_run(&seen, "energy_uniform", "dims=[3] draws=2 impostor=1e-3");
    check_range(&seen, 4000, "quadrature_d3", 1e-4, 1e-1);
    check_close(&seen, 4000, "energy_d3", 0.85280991241, 6e-12);
    theory_run(&seen, "kuramoto", "n=12 impostor=1e-3");
    check_range(&seen, 100, "identity", 1e-6, 1e-2);
    theory_run(&seen, "two_clusters", "times=[20] impostor=1e-3");
    check_close(&seen, 20000, "flow", 1.700451716599776, 1e-11);
    check_range(&seen, 20000, "ode", 1.7007, 1.71);
    theory_run(&seen, "concentration", "dims=[64] n=8 draws=4 impostor=0.5");
    check_range(&seen, 64, "scaled", 1.6, 10);
}

/* Row, options, a piece of the message. */
static void test_refusals(void **state)
{
    static const char *const bad[][3] = {
        {"scalar", "betas=[0]", "betas"},
        {"scalar_flow", "times=[2,1]", "ascending"},
        {"scalar_flow", "start=-0.5", "start"},
        {"scalar_flow", "model=USA_shifted", "model"},
        {"energy_uniform", "dims=[1]", "dims"},
        {"ring_rates", "n=8", "n: expected more than 10"},
        {"two_clusters", "m=20", "m: expected less"},
        {"wendel", "dims=[33]", "dims"},
        {"caps", "n=200 betas=[6]", "says nothing"},
        {"kinetic", "x0=[1]", "x0: token 0"},
        {"kinetic", "x0=[0_0]", "x0: token 0"},
        {"rescaled", "V=[1,2,3]", "V: expected 4 numbers, found 3"},
        {"programs", "steps=[5,2]", "ascending"},
        {"causal", "values=[1]", "values: expected 3 numbers"},
        {"long_context", "exponents=[0]", "exponents"},
        {"phase", "betas=[x]", "betas"}};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_refused(&seen, bad[i][0], bad[i][1], bad[i][2]);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    theory_out_of_memory("scalar_flow", "n=4 times=[1]");
    theory_out_of_memory("schemes", "n=4 times=[1]");
    theory_out_of_memory("scheme_lag", "n=4 betas=[1]");
    theory_out_of_memory("energy_identity", "n=4 betas=[1] draws=1");
    theory_out_of_memory("energy_path", "n=4 times=[1]");
    theory_out_of_memory("energy_uniform", "n=4 draws=2");
    theory_out_of_memory("cross_ratio", "n=4 dims=[2]");
    theory_out_of_memory("ring_rates", "n=12");
    theory_out_of_memory("mode_selection", "n=20 draws=1 t=1");
    theory_out_of_memory("kuramoto", "n=4 betas=[0.01] t=1");
    theory_out_of_memory("two_clusters", "times=[1]");
    theory_out_of_memory("clustering", "n=4 times=[1]");
    theory_out_of_memory("concentration", "n=4 dims=[4] draws=1 t=0.1");
    theory_out_of_memory("wendel", "draws=10 points=[4] dims=[2]");
    theory_out_of_memory("kinetic", "t=1");
    theory_out_of_memory("rescaled", "times=[1]");
    theory_out_of_memory("repulsive", "times=[1]");
    theory_out_of_memory("programs", "steps=[1]");
    theory_out_of_memory("sharp", "t=1 draws=1");
    theory_out_of_memory("hardmax", "steps=[1]");
    theory_out_of_memory("phase", "draws=2 betas=[1] times=[1]");
    theory_out_of_memory("causal", "n=4 times=[1]");
    theory_out_of_memory("renyi", "n=10 draws=2");
    theory_out_of_memory("strong_centres", "n=4 draws=1 horizon=1");
    theory_out_of_memory("noise_run", "n=4 draws=1 t=0.1");
    theory_out_of_memory("orders", "n=4 times=[1]");
}

/* The numbers do not depend on the number of threads. */
static void test_threads(void **state)
{
    static const char *const row[][2] = {
        {"wendel", "points=[8] dims=[3] draws=2000"},
        {"concentration", "dims=[8] n=4 draws=4"},
        {"energy_identity", "betas=[1] draws=1"},
        {"noise_run", "n=50 draws=1 t=1"}};
    static emitted one;

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_int_equal(theory_try(&one, row[i][0], row[i][1], 1, NULL),
                         EG_OK);
        assert_int_equal(theory_try(&seen, row[i][0], row[i][1], 3, NULL),
                         EG_OK);
        assert_int_equal(one.n, seen.n);
        for (int k = 0; k < one.n; k++)
            assert_memory_equal(&one.row[k].value, &seen.row[k].value,
                                sizeof one.row[k].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),      cmocka_unit_test(test_scalar),
        cmocka_unit_test(test_schemes),    cmocka_unit_test(test_energy),
        cmocka_unit_test(test_ring),       cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_metastable), cmocka_unit_test(test_impostors),
        cmocka_unit_test(test_prequel),    cmocka_unit_test(test_sharp),
        cmocka_unit_test(test_follow_ups), cmocka_unit_test(test_false_sides),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_threads)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
