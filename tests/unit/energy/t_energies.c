/* Energies: each against the formula written out, gradients against differences
 * of every entry, updates against what they stand for, and what is refused. */
#include "engram/energy_theory.h"
#define THEORY_TABLE eg_energy_theories
#include "memory/theory_helper.h"
#include "base/sweep.h"
#include "energy/energies.h"
#include "memory/dense.h"

static emitted seen;

enum { D = 5, N = 7, KINDS = 6, ALL = D * N };

typedef struct set {
    eg_energy e;
    double pattern[D * N], x[N], work[D + N];
} set;

static void set_up(set *s, int kind, double beta, int power, uint64_t seed)
{
    eg_rng rng = eg_rng_make(seed, EG_RNG_USER, 0, 0);

    egi_fill_normal(s->pattern, ALL, 1, &rng);
    egi_fill_normal(s->x, N, 1, &rng);
    if (eg_energy_signs((eg_energy_kind)kind)) {
        for (int i = 0; i < ALL; i++)
            s->pattern[i] = s->pattern[i] < 0 ? -1 : 1;
        for (int i = 0; i < N; i++) s->x[i] = s->x[i] < 0 ? -1 : 1;
    }
    assert_int_equal(eg_energy_init(&s->e, (eg_energy_kind)kind, s->pattern, D,
                                    N, beta, power, NULL),
                     EG_OK);
}

/* The formulas of energy.h, sums as they stand there. */
static double formula(const set *s, const double *x)
{
    double far[D], dot[D], sum = 0, least = HUGE_VAL, xx = egi_dot(x, x, N);
    double b = s->e.beta, xi2 = 0;

    for (int i = 0; i < D; i++) {
        const double *p = s->pattern + (eg_index)i * N;

        far[i] = egi_square_distance(x, p, N);
        dot[i] = egi_dot(x, p, N);
        least = fmin(least, far[i]);
        xi2 = fmax(xi2, egi_dot(p, p, N));
    }
    switch (s->e.kind) {
    case EG_ENERGY_NEAREST:
        return least;
    case EG_ENERGY_DISTANCE:
        for (int i = 0; i < D; i++) sum += exp(-b * far[i]);
        return -log(sum) / b;
    case EG_ENERGY_MCHN:
        for (int i = 0; i < D; i++) sum += exp(b * dot[i]);
        return -log(sum) / b + xx / 2 + log(D) / b + xi2 / 2;
    case EG_ENERGY_HOPFIELD:
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double w = 0;

                for (eg_index k = 0; k < D; k++)
                    w += s->pattern[k * N + i] * s->pattern[k * N + j] / N;
                if (i != j) sum -= x[i] * w * x[j] / 2;
            }
        return sum;
    case EG_ENERGY_POLYNOMIAL:
        for (int i = 0; i < D; i++) sum -= pow(dot[i], s->e.power);
        return sum;
    default:
        for (int i = 0; i < D; i++) sum += exp(dot[i]);
        return -log(sum);
    }
}

static void test_formulas(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            set s;
            double got, want, g[N], h = 1e-6;

            set_up(&s, kind, .7, 3, seed);
            got = eg_energy_at(&s.e, s.x, s.work);
            want = formula(&s, s.x);
            if (!(fabs(got - want) <= 1e-12 * (1 + fabs(want))))
                fail_msg("kind %d: %.17g, expected %.17g", kind, got, want);
            eg_energy_gradient(g, &s.e, s.x, s.work);
            for (int j = 0; j < N; j++) {
                double up, down;

                s.x[j] += h;
                up = formula(&s, s.x);
                s.x[j] -= 2 * h;
                down = formula(&s, s.x);
                s.x[j] += h;
                want = (up - down) / (2 * h);
                if (!(fabs(g[j] - want) <= 1e-6 * (1 + fabs(want))))
                    fail_msg("kind %d, entry %d: %.12g, expected %.12g", kind,
                             j, g[j], want);
            }
        }
}

/* mchn is attention; distance the mean under Gaussian weights; a sweep over
 * signs tries both and takes the lower. */
static void test_steps(void **state)
{
    (void)state;
    for (int kind = 1; kind < KINDS; kind++)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            set s;
            unsigned char held[N] = {0, 1, 0, 0, 1, 0, 0};
            double want[N], y[N], w[D], sum = 0, before;

            set_up(&s, kind, .7, 4, seed);
            memcpy(want, s.x, sizeof want);
            if (eg_energy_signs((eg_energy_kind)kind)) {
                for (int j = 0; j < N; j++) {
                    double up, down;

                    if (held[j]) continue;
                    before = want[j];
                    want[j] = 1;
                    up = formula(&s, want);
                    want[j] = -1;
                    down = formula(&s, want);
                    want[j] = fabs(up - down) < 1e-9 ? before
                              : up < down            ? 1
                                                     : -1;
                }
            } else {
                for (eg_index i = 0; i < D; i++) {
                    const double *p = s.pattern + i * N;

                    w[i] = kind == EG_ENERGY_MCHN
                               ? exp(.7 * egi_dot(p, s.x, N))
                               : exp(-.7 * egi_square_distance(p, s.x, N));
                    sum += w[i];
                }
                for (eg_index j = 0; j < N; j++) {
                    if (held[j]) continue;
                    want[j] = 0;
                    for (eg_index i = 0; i < D; i++)
                        want[j] += w[i] / sum * s.pattern[i * N + j];
                }
            }
            memcpy(y, s.x, sizeof y);
            before = eg_energy_at(&s.e, y, s.work);
            (void)eg_energy_step(&s.e, y, held, s.work);
            for (int j = 0; j < N; j++)
                if (!(fabs(y[j] - want[j]) < 1e-12))
                    fail_msg(
                        "kind %d, seed %d, entry %d: %.12g, expected %.12g",
                        kind, (int)seed, j, y[j], want[j]);
            assert_true(eg_energy_at(&s.e, y, s.work) <= before + 1e-9);
        }
}

/* Large exponents stay numbers. */
static void test_far(void **state)
{
    set s;

    (void)state;
    set_up(&s, EG_ENERGY_DISTANCE, 1e6, 0, 1);
    for (int j = 0; j < N; j++) s.x[j] *= 1e4;
    assert_true(isfinite(eg_energy_at(&s.e, s.x, s.work)));
    assert_true(eg_energy_step(&s.e, s.x, NULL, s.work) > 0);
    assert_true(isfinite(s.x[0]));
}

static void refused(int kind, const double *p, double beta, int power,
                    const char *why)
{
    eg_energy e;
    eg_err err = {0};

    assert_int_equal(
        eg_energy_init(&e, (eg_energy_kind)kind, p, 1, 2, beta, power, &err),
        EG_EINVAL);
    printf("%s\n", err.msg);
    assert_non_null(strstr(err.msg, why));
}

static void test_refused(void **state)
{
    static const double good[] = {1, -1}, bad[] = {1, (double)NAN},
                        real[] = {1, .5};

    (void)state;
    refused(EG_ENERGY_DISTANCE, good, 0, 0, "beta");
    refused(EG_ENERGY_MCHN, good, (double)NAN, 0, "beta");
    refused(EG_ENERGY_NEAREST, bad, 1, 0, "entry 2: expected a finite");
    refused(EG_ENERGY_HOPFIELD, real, 1, 0, "expected -1 or 1, found 0.5");
    refused(EG_ENERGY_POLYNOMIAL, good, 1, 33, "power");
    check_refused(&seen, "energy_values", "patterns=[1,2,3]", "vectors of 2");
    check_refused(&seen, "energy_values", "side=2001 dim=3 patterns=[1,2,3]",
                  "a million");
    check_refused(&seen, "energy_values", "from=1 to=1", "more than from");
    check_refused(&seen, "energy_bounds", "patterns=[0]", "from 1");
    check_refused(&seen, "energy_bounds", "spreads=[0]", "spreads");
    check_refused(&seen, "energy_basins", "dim=2", "vectors of 2");
    theory_out_of_memory("energy_bounds", "cases=10");
    theory_out_of_memory("energy_descent", "starts=2");
}

static void test_rows(void **state)
{
    (void)state;
    check_theory_table();
    theory_run(&seen, "energy_values", "dim=1 patterns=[-2,0,1] side=17");
    check_range(&seen, 500, "E_1", -.4443857894, -.4443857892);
    check_range(&seen, -4000, "g", 4, 4);
    theory_run(&seen, "energy_values", "side=3");
    check_range(&seen, 5, "E_1", .1015138553, .1015138555); /* (0, 0) */
    check_range(&seen, 2, "g", 4.25, 4.25);                 /* (-4, 0) */
    theory_run(&seen, "energy_basins", "beta=4");
    check_range(&seen, 0, "stored", 3, 3);
    /* two at distance s have an end each from beta s^2 = 2 on */
    theory_run(&seen, "energy_basins", "patterns=[0,1] beta=2.02");
    check_range(&seen, 0, "stored", 2, 2);
    check_range(&seen, 1, "radius", .499999, .500001);
    theory_run(&seen, "energy_basins", "patterns=[0,1] beta=1.98");
    check_range(&seen, 0, "stored", 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas), cmocka_unit_test(test_steps),
        cmocka_unit_test(test_far), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_rows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
