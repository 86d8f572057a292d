/* Stairs of principal components: the losses of the plateaus against sampled
 * contexts, and how many drops there are. */
#include "engram/mesa.h"
#define THEORY_TABLE eg_mesa_theories
#include "memory/theory_helper.h"
#include "engram/rng.h"

static emitted seen;

enum { D = 3, PAIRS = 4, SAMPLES = 200000 };

/* Loss of (y - sum_{d < m} beta_d u_d x_d)^2 with the best u_d, and its
 * standard error. */
static double sampled(const double *l, int m, double *error)
{
    eg_rng rng = eg_rng_make(3, EG_RNG_USER, 0, (uint32_t)m);
    double sum = 0, squares = 0, trace = 0, u[D];

    for (int d = 0; d < D; d++) trace += l[d];
    for (int d = 0; d < D; d++)
        u[d] = d < m ? 1 / (l[d] + (l[d] + trace) / PAIRS) : 0;
    for (int s = 0; s < SAMPLES; s++) {
        double w[D], x[D], beta[D] = {0}, e = 0;

        for (int d = 0; d < D; d++) w[d] = eg_rng_normal(&rng);
        for (int n = 0; n < PAIRS; n++) {
            double y = 0;

            for (int d = 0; d < D; d++) {
                x[d] = sqrt(l[d]) * eg_rng_normal(&rng);
                y += w[d] * x[d];
            }
            for (int d = 0; d < D; d++) beta[d] += y * x[d] / PAIRS;
        }
        for (int d = 0; d < D; d++) {
            x[d] = sqrt(l[d]) * eg_rng_normal(&rng);
            e += (w[d] - u[d] * beta[d]) * x[d];
        }
        sum += e * e;
        squares += e * e * e * e;
    }
    sum /= SAMPLES;
    *error = sqrt((squares / SAMPLES - sum * sum) / SAMPLES);
    return sum;
}

static void test_formula(void **state)
{
    static const double l[D] = {1.2, .6, .3};

    (void)state;
    theory_run(&seen, "mesa_stairs",
               "eigenvalues=[1.2,0.6,0.3] pairs=[4] init_std=0.001 draws=1 "
               "lr=0.05");
    for (int m = 0; m < D; m++) {
        char name[32];
        double error, mean = sampled(l, m, &error), rest;

        (void)snprintf(name, sizeof name, "formula_%d", m);
        check_range(&seen, PAIRS, name, mean - 4 * error, mean + 4 * error);
        rest = emitted_at(&seen, PAIRS, name);
        (void)snprintf(name, sizeof name, "plateau_%d", m);
        check_range(&seen, PAIRS, name, rest * (1 - 1e-3), rest * (1 + 1e-3));
    }
    check_range(&seen, PAIRS, "drops", 3, 3);
}

static void test_merged(void **state)
{
    (void)state;
    theory_run(&seen, "mesa_stairs", "keys=merged draws=1");
    check_range(&seen, 32, "drops", 1, 1);
    check_range(&seen, 32, "gap", .05, 1);
    check_range(&seen, 32, "final", .132376, .132378);
    theory_run(&seen, "mesa_stairs", "draws=1");
    check_range(&seen, 32, "drops", 4, 4);
    check_range(&seen, 32, "final", .132376, .132378);
    theory_run(&seen, "mesa_stairs", "draws=1 impostor=0.1");
    check_range(&seen, 32, "gap", .01, 1);
}

static void test_refused(void **state)
{
    (void)state;
    check_refused(&seen, "mesa_stairs", "eigenvalues=[1,2]", "2 does not");
    check_refused(&seen, "mesa_stairs", "eigenvalues=[7,6,5,4,3,2,1]",
                  "at most 6");
    check_refused(&seen, "mesa_stairs", "impostor=-1", "impostor");
    theory_out_of_memory("mesa_stairs", "steps=100 draws=2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_formula),
                                       cmocka_unit_test(test_merged),
                                       cmocka_unit_test(test_refused)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
