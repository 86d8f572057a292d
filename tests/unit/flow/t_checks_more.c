/* Rows of eg_flow_theories beyond the theorems: random matrices, histograms,
 * the scripts of the prequel, mean field, exits, feed-forward. */
#include "engram/flow_theory_more.h"
#define THEORY_TABLE eg_flow_theories
#include "memory/theory_helper.h"

static emitted seen;

/* Descent along random scores: towards their lowest eigenvector; along Id:
 * apart. */
static void test_phase(void **state)
{
    (void)state;
    theory_run(&seen, "phase",
               "d=64 betas=[1] times=[10] draws=4 scores=goe values=-scores "
               "dimension=true");
    check_close(&seen, 1000, "density_10", 1, 1e-12);
    check_close(&seen, 1000, "dimension_10", 1, 1e-12);
    theory_run(&seen, "phase",
               "d=64 betas=[1] times=[10] draws=4 values=-scores "
               "dimension=true");
    check_close(&seen, 1000, "density_10", 0, 1e-12);
    check_close(&seen, 1000, "dimension_10", 31, 1e-12); /* a simplex */
    /* rows and columns differ where the matrices are not symmetric only */
    for (int kind = 0; kind < 2; kind++) {
        static const char *const scores[] = {"gaussian", "goe"};
        double found[2], rows, columns;

        for (int c = 0; c < 2; c++) {
            char sets[200];

            (void)snprintf(sets, sizeof sets,
                           "d=16 betas=[3] times=[8] draws=6 values=scores "
                           "scores=%s convention=%s",
                           scores[kind], c ? "columns" : "rows");
            theory_run(&seen, "phase", sets);
            found[c] = emitted_at(&seen, 3000, "density_8");
        }
        rows = found[0];
        columns = found[1];
        printf("%s: rows %.6f, columns %.6f\n", scores[kind], rows, columns);
        assert_true(kind == 1 ? fabs(rows - columns) < 1e-9
                              : fabs(rows - columns) > 1e-3);
    }
}

static void test_layers(void **state)
{
    double n = 64, mean;

    (void)state;
    theory_run(&seen, "layers", "n=64 d=16 beta=5 h=0.25 layers=[0,48]");
    mean = emitted_at(&seen, 0, "mean");
    /* the diagonal adds n ones to n (n - 1) numbers */
    check_close(&seen, 0, "mean_all", (mean * (n - 1) + 1) / n, 1e-12);
    check_close(&seen, 0, "above_all",
                (emitted_at(&seen, 0, "above") * (n - 1) + 1) / n, 1e-12);
    check_range(&seen, 0, "low", -0.5, -0.35);
    check_range(&seen, 0, "high", 0.35, 0.5);
    check_close(&seen, 0, "peaks", 1, 0);
    check_range(&seen, 0, "top_at", -0.15, 0.15);
    check_range(&seen, 48, "above", 0.1, 1);
    check_range(&seen, 48, "median", 0.1, 1);
}

static void test_scripts(void **state)
{
    (void)state;
    theory_run(&seen, "low_rank", "steps=30");
    check_close(&seen, 0, "rank", 40, 0);
    check_range(&seen, 2, "rank", 5, 20);
    check_range(&seen, 25, "rank", 1, 2);
    check_range(&seen, 0, "growth", 0.01, 0.1);
    theory_run(&seen, "leaders", "draws=3");
    check_close(&seen, 0, "first", 20, 0);
    check_range(&seen, 0, "last", 1, 3);
    theory_run(&seen, "sparse_value", "n=32 d=48 steps=100 every=100");
    check_close(&seen, 100, "wrong", 0, 0);
    check_range(&seen, 100, "spread", 0, 1e-3);
    check_range(&seen, 100, "grown", 10, 1e300);
    check_range(&seen, 100, "n_low", 1, 31);
}

static void test_mean_field(void **state)
{
    double ratio;

    (void)state;
    theory_run(&seen, "mean_field",
               "tokens=[200,3200] model=USA times=[1] draws=16");
    ratio = emitted_at(&seen, 200, "W_0") / emitted_at(&seen, 3200, "W_0");
    printf("W_1 from n = 200 to 3200: a factor %.3f, sqrt: 4\n", ratio);
    assert_true(ratio > 2.6 && ratio < 6);
    check_range(&seen, 3200, "growth", 0.3, 0.7);
    check_range(&seen, 3200, "bound", 5.4365, 5.4366);
    theory_run(&seen, "dirac", "n=4000 times=[3,5,6]");
    check_close(&seen, 6000, "rate", 0.5, 0.03);
}

static void test_exit(void **state)
{
    double exits[2], u;

    (void)state;
    theory_run(&seen, "cap_exit", "betas=[4,6]");
    check_close(&seen, 4000, "ratio", 1, 1e-6);
    check_close(&seen, 6000, "ratio", 1, 1e-6);
    exits[0] = emitted_at(&seen, 4000, "exit");
    theory_run(&seen, "cap_exit", "betas=[4] impostor=0.001");
    check_range(&seen, 4000, "ratio", 0.99, 0.995);
    check_close(&seen, 4000, "exit", exits[0], 1e-7 * exits[0]);
    /* with one start exits grow as exp(beta (1 - cos u)) / beta */
    theory_run(&seen, "cap_exit", "betas=[8,10] same=true");
    exits[0] = emitted_at(&seen, 8000, "exit");
    exits[1] = emitted_at(&seen, 10000, "exit");
    u = log(10 * exits[1] / (8 * exits[0])) /
        (2 * emitted_at(&seen, 10000, "slope"));
    printf("1 - cos u = %.4f, u = %.4f\n", u, acos(1 - u));
    assert_true(fabs(acos(1 - u) - 2.5) < 0.15); /* caps lean */
    check_close(&seen, 10000, "slope", 1, 0.04);
    check_range(&seen, 10000, "T2_slope", 0.75, 0.9);
    theory_run(&seen, "cap_exit", "betas=[4,6]");
    check_range(&seen, 6000, "after", 1, 1e6);
    check_range(&seen, 6000, "spread", 0, 1e-6);
}

static void test_extras(void **state)
{
    (void)state;
    theory_run(&seen, "steer", "");
    check_range(&seen, 3, "distance", 0, 1e-6);
    check_range(&seen, 1, "width", 0, 1e-4);
    theory_run(&seen, "steer", "gate=false");
    check_range(&seen, 3, "distance", 0.5, 4);
    theory_run(&seen, "perceptron", "times=[0.3,1,30]");
    check_range(&seen, 1000, "identity", 0, 1e-6);
    check_range(&seen, 1000, "increment", 0, 10);
    check_range(&seen, 30000, "atoms", 1, 6);
    theory_run(&seen, "perceptron", "times=[0.3] gradient=false");
    check_range(&seen, 0, "identity", 0.1, 10);
    theory_run(&seen, "reweight", "times=[1,10]");
    check_range(&seen, 10000, "identity", 0, 1e-6);
    check_range(&seen, 10000, "increment", 0, 1);
    check_close(&seen, 10000, "total", 0, 1e-12);
    check_range(&seen, 10000, "heaviest", 0.05, 1);
    theory_run(&seen, "reweight", "times=[1,10] impostor=0.01");
    check_range(&seen, 10000, "total", -0.02, -1e-3);
    check_range(&seen, 1000, "identity", 1e-3, 1);
    theory_run(&seen, "experts", "draws=1");
    check_close(&seen, 0, "clusters", 4, 0);
    check_close(&seen, 0, "unequal", 0, 0);
    check_close(&seen, 0, "mixed", 0, 0);
    theory_run(&seen, "experts", "draws=1 strength=0");
    check_close(&seen, 0, "clusters", 1, 0);
    theory_run(&seen, "experts", "draws=1 strength=-1");
    check_range(&seen, 0, "unequal", 1, 48);
    check_range(&seen, 0, "mixed", 1, 2000);
}

static void test_refusals(void **state)
{
    static const char *const bad[][3] = {
        {"layers", "layers=[1,2]", "layers: expected 0"},
        {"layers", "layers=[x]", "layers"},
        {"cap_exit", "n=7", "n: expected an even number"},
        {"cap_exit", "betas=[100]", "betas"},
        {"cap_exit", "betas=[2]", "before they have settled"},
        {"steer", "clouds=4", "clouds: expected at most d = 3"},
        {"mean_field", "tokens=[1]", "tokens"},
        {"mean_field", "times=[2,1]", "ascending"},
        {"dirac", "times=[2,1]", "ascending"},
        {"perceptron", "times=[2,1]", "ascending"},
        {"reweight", "times=[2,1]", "ascending"}};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_refused(&seen, bad[i][0], bad[i][1], bad[i][2]);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    theory_out_of_memory(
        "phase", "draws=2 d=3 betas=[1] times=[1] scores=goe dimension=true");
    theory_out_of_memory("layers", "n=4 layers=[0]");
    theory_out_of_memory("low_rank", "n=4 d=3 steps=2");
    theory_out_of_memory("leaders", "n=4 draws=1 steps=2");
    theory_out_of_memory("sparse_value", "n=4 d=4 steps=2");
    theory_out_of_memory("mean_field", "tokens=[4] draws=1 times=[1]");
    theory_out_of_memory("mean_field", "tokens=[4] d=3 draws=1 times=[1]");
    theory_out_of_memory("dirac", "n=4 times=[1]");
    theory_out_of_memory("cap_exit", "n=2 betas=[4]");
    theory_out_of_memory("steer", "n=2");
    theory_out_of_memory("perceptron", "n=4 m=2 times=[1]");
    theory_out_of_memory("reweight", "n=4 times=[1]");
    theory_out_of_memory("experts", "n=4 t=1 draws=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phase),    cmocka_unit_test(test_layers),
        cmocka_unit_test(test_scripts),  cmocka_unit_test(test_mean_field),
        cmocka_unit_test(test_exit),     cmocka_unit_test(test_extras),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_out_of_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
