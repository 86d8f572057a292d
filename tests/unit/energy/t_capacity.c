/* Capacities, associative memories and the Energy Transformer: small cases
 * whose answer is known, and what is refused. */
#include "engram/energy_theory_more.h"
#define THEORY_TABLE eg_energy_theories
#include "memory/theory_helper.h"

static emitted seen;

static void test_capacity(void **state)
{
    (void)state;
    /* one pattern is always a fixed point, of every kind */
    theory_run(&seen, "energy_capacity", "load=0.001 units=[30] draws=3");
    check_range(&seen, 30, "fixed", 1, 1);
    check_range(&seen, 30, "overlap", 1, 1);
    theory_run(&seen, "energy_capacity",
               "kind=exponential load=0.00001 units=[10] draws=3");
    check_range(&seen, 10, "fixed", 1, 1);
    check_refused(&seen, "energy_capacity",
                  "kind=exponential units=[60] draws=1", "2^27");
    theory_run(&seen, "energy_separation", "patterns=[2] dim=3 draws=2");
    /* x = s q with q / (1 - q) = exp(-s^2 (1 - 2 q)), q <= .1, is touched at
     * q = .1: s^2 = log(9) / .8 */
    check_range(&seen, 2, "scaled", sqrt(log(9) / .8) - 1e-6,
                sqrt(log(9) / .8) + 1e-6);
    theory_run(&seen, "energy_sphere", "draws=2");
    check_range(&seen, 20, "c", 3.15455, 3.15465);
    check_range(&seen, 20, "a_ln_b", 1.27325, 1.27335);
    theory_out_of_memory("energy_separation", "patterns=[3] draws=1");
    theory_out_of_memory("energy_capacity", "units=[20] draws=1");
}

static void test_memories(void **state)
{
    (void)state;
    theory_run(&seen, "energy_associative",
               "dims=[2] storage=all embeddings=circle draws=1 items=50");
    check_range(&seen, 2, "error", 0, 0);
    /* far more dimensions than items: no error, no slope */
    theory_run(&seen, "energy_associative",
               "dims=[1024,2048] storage=all items=10 draws=1");
    check_range(&seen, 1024, "error", 0, 0);
    check_refused(&seen, "energy_associative", "embeddings=circle outputs=2",
                  "three");
    theory_run(&seen, "energy_unseen", "samples=[1] items=2 alpha=2");
    /* p = .8 and .2: 2 * .8 * .2 */
    check_range(&seen, 1, "error", .32 - 1e-12, .32 + 1e-12);
    theory_run(&seen, "energy_pairs", "dims=[16] draws=4");
    check_range(&seen, 16, "pairs", 3, 20);
    theory_out_of_memory("energy_associative", "dims=[4] draws=1 items=9");
}

static void test_transformer(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        char sets[128];

        (void)snprintf(sets, sizeof sets,
                       "tokens=5 width=7 memories=9 own=%s init=%s bias=0.2 "
                       "gain=1.5",
                       k & 1 ? "true" : "false", k & 2 ? "newer" : "original");
        theory_run(&seen, "energy_transformer", sets);
        check_range(&seen, 0, "gradient", 0, 1e-6);
        check_range(&seen, 0, "curvature", 0, 10);
        for (int step = 1; step <= 12; step++)
            check_range(&seen, step, "rise", -HUGE_VAL, 0);
    }
    theory_run(&seen, "energy_transformer", "init=newer queries_only=true");
    check_range(&seen, 0, "gradient", 1e-3, 1);
    check_refused(&seen, "energy_transformer", "tokens=1 own=false", "two");
    theory_out_of_memory("energy_transformer", "steps=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_capacity),
                                       cmocka_unit_test(test_memories),
                                       cmocka_unit_test(test_transformer)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
