/* Energies, order, inner products, moments: closed forms, identities, plain
 * loops, and the reference trajectories. */
#include "flow/observe_helper.h"

#include "flow/gram.h"
#include "flow/sums.h"

/* How the fast sums would be formed. */
static const char *sums_kind(eg_index n, eg_index d, double beta)
{
    static const char *const name[] = {"?", "direct", "Fourier", "harmonics"};
    egi_sums_plan plan;

    assert_int_equal(egi_sums_choose(&plan, EG_FLOW_SUM_AUTO, n, d, beta,
                                     EG_FLOW_USA, 0, 1e-13, NULL),
                     EG_OK);
    return name[plan.kind];
}

/* Section 1.7: the energy of the uniform measure. */
static void test_uniform_energy(void **state)
{
    static const double beta[] = {1, 4, 9};
    static const double want[] = {0.633032938876, 1.41274024402, 60.754908584};
    double *x = draw_ring(4001, 0.1);

    (void)state;
    for (int b = 0; b < 3; b++) {
        double series = eg_flow_energy(x, 4001, 2, beta[b], NULL);
        double *few = draw_ring(60, 0.2);
        double direct = eg_flow_energy(few, 60, 2, beta[b], NULL);

        printf("d = 2, beta = %g: %.13g by series, %.13g directly, expected "
               "%.12g\n",
               beta[b], series, direct, want[b]);
        check_close("series", series, want[b], 1e-11 * want[b]);
        check_close("direct", direct, want[b], 1e-11 * want[b]);
        eg_free(few);
    }
    eg_free(x);
}

/* Rings at the heights of Gauss and Legendre, weighted, are the uniform measure
 * of S^2 to all degrees that matter; six times over, for the fast sums. */
static void test_uniform_energy_d3(void **state)
{
    static const double beta[] = {1, 4, 9};
    static const double want[] = {0.587600596822, 0.85280991241, 25.0095179141};
    /* nodes and weights of Gauss and Legendre, 12 points */
    static const double node[] = {0.1252334085114689, 0.3678314989981802,
                                  0.5873179542866175, 0.7699026741943047,
                                  0.9041172563704749, 0.9815606342467192};
    static const double weight[] = {0.2491470458134028, 0.2334925365383548,
                                    0.2031674267230659, 0.1600783285433462,
                                    0.1069393259953184, 0.0471753363865118};
    enum { RING = 48, N = 12 * RING, ALL = 6 * N };
    double *x = make_tokens(ALL, 3), *mass = make_tokens(ALL, 1);

    (void)state;
    for (eg_index i = 0; i < N; i++) {
        eg_index r = i / RING, h = r % 6;
        double z = r < 6 ? node[h] : -node[h], s = sqrt(1 - z * z);
        double angle = 2 * M_PI * (double)(i % RING) / RING;

        x[3 * i] = s * cos(angle);
        x[3 * i + 1] = s * sin(angle);
        x[3 * i + 2] = z;
        mass[i] = weight[h];
    }
    for (eg_index i = N; i < ALL; i++) {
        memcpy(x + 3 * i, x + 3 * (i - N), 3 * sizeof *x);
        mass[i] = mass[i - N];
    }
    for (int b = 0; b < 3; b++) {
        double got = eg_flow_energy(x, N, 3, beta[b], mass);
        double fast = eg_flow_energy(x, ALL, 3, beta[b], mass);

        printf("d = 3, beta = %g: %.13g, %s %.13g, expected %.12g\n", beta[b],
               got, sums_kind(ALL, 3, beta[b]), fast, want[b]);
        check_close("energy", got, want[b], 1e-10 * want[b]);
        check_close("fast", fast, got, 1e-13 * (1 + beta[b]) * want[b]);
    }
    eg_free(x);
    eg_free(mass);
}

static double plain_energy(const double *x, eg_index n, eg_index d, double beta,
                           const double *mass)
{
    egi_sum sum = {0}; /* equal terms would all round alike */
    double total = 0;

    for (eg_index i = 0; i < n; i++) {
        total += mass ? mass[i] : 1;
        for (eg_index j = 0; j < n; j++)
            egi_sum_add(&sum, (mass ? mass[i] * mass[j] : 1) *
                                  exp(beta * inner(x + i * d, x + j * d, d)));
    }
    return egi_sum_value(&sum) / (2 * beta * total * total);
}

/* Tiles against plain loops, around the sizes of a tile; weights; rotations;
 * the moments, energy = (1/(2 beta)) sum beta^k m_k / k!. */
static void test_plain(void **state)
{
    static const eg_index sizes[] = {1, 2, 63, 64, 65, 130};
    static const eg_index dims[] = {1, 2, 3, 8, 64, 65, 130};
    eg_rng rng = stream(1);
    double worst = 0, worst_moments = 0, worst_turn = 0;

    (void)state;
    for (int a = 0; a < 6; a++)
        for (int b = 0; b < 7; b++) {
            eg_index n = sizes[a], d = dims[b];
            double *x = draw_clusters(n, d, 5, 0.5, &rng), m[60];
            double *mass = make_tokens(n, 1), beta = 3, sum = 1, term = 1;
            double want, got;

            for (eg_index i = 0; i < n; i++) mass[i] = 1 + eg_rng_uniform(&rng);
            want = plain_energy(x, n, d, beta, mass);
            got = eg_flow_energy(x, n, d, beta, mass);
            worst = fmax(worst, fabs(got / want - 1));
            want = plain_energy(x, n, d, -beta, NULL);
            got = eg_flow_energy(x, n, d, -beta, NULL);
            worst = fmax(worst, fabs(got / want - 1));
            want = plain_energy(x, n, d, beta, NULL);
            got = eg_flow_energy(x, n, d, beta, NULL);
            worst = fmax(worst, fabs(got / want - 1));
            got = eg_flow_energy_shifted(x, n, d, beta);
            worst = fmax(worst, fabs(got * exp(beta) / (2 * beta * want) - 1));
            eg_flow_moments(m, 60, x, n, d);
            for (int k = 0; k < 60; k++) sum += m[k] * (term *= beta / (k + 1));
            worst_moments =
                fmax(worst_moments, fabs(sum / (2 * beta * want) - 1));
            turn(x, n, d, &rng);
            got = eg_flow_energy(x, n, d, beta, NULL);
            worst_turn = fmax(worst_turn, fabs(got / want - 1));
            eg_free(x);
            eg_free(mass);
        }
    printf("relative: tiles %.1e, moments %.1e, turned %.1e\n", worst,
           worst_moments, worst_turn);
    assert_true(worst < 1e-14);
    assert_true(worst_moments < 1e-13);
    assert_true(worst_turn < 1e-13);
}

/* Thousands of tokens: fast sums against tiles, by chopping the sum in two. */
static void test_fast(void **state)
{
    static const double betas[] = {0.1, 1, 9, 100, 2000};
    enum { N = 3600 };
    eg_rng rng = stream(2);

    (void)state;
    for (eg_index d = 2; d <= 4; d++) {
        double *x = draw_clusters(N, d, 5, 0.3, &rng);

        for (int b = 0; b < 5; b++) {
            double beta = betas[b], cross = 0, want, got;

            /* E(all) from halves of 1800, which go directly */
            for (eg_index i = 0; i < N / 2; i++) {
                egi_sum s = {0};

                for (eg_index j = N / 2; j < N; j++)
                    egi_sum_add(
                        &s, exp(beta * (inner(x + i * d, x + j * d, d) - 1)));
                cross += egi_sum_value(&s);
            }
            want = (eg_flow_energy_shifted(x, N / 2, d, beta) +
                    eg_flow_energy_shifted(x + N / 2 * d, N / 2, d, beta)) /
                       4 +
                   2 * cross / N / N;
            got = eg_flow_energy_shifted(x, N, d, beta);
            printf("d = %td, beta = %4g: %s %.15g, directly %.15g, "
                   "relative %.1e\n",
                   d, beta, sums_kind(N, d, beta), got, want, got / want - 1);
            check_close("fast sums", got, want, 1e-13 * (1 + beta) * want);
        }
        eg_free(x);
    }
}

/* What no double holds is infinite; what one holds is right; n = 1. */
static void test_extremes(void **state)
{
    const double x[] = {1, 0, 0, 1, 1, 0, 0, 1}, one[] = {0, 1};
    eg_flow_pairs p;
    int64_t counts[4];

    (void)state;
    assert_true(isinf(eg_flow_energy(x, 4, 2, 4000, NULL)));
    assert_true(isinf(eg_flow_energy(x, 4, 2, -4000, NULL)) == 0);
    check_close("shifted", eg_flow_energy_shifted(x, 4, 2, 4000), 0.5, 0);
    check_close("shifted, one", eg_flow_energy_shifted(one, 1, 2, 4000), 1, 0);
    /* exp(712) overflows, exp(712) / (2 712) / 2 does not */
    check_close("on the edge", log(eg_flow_energy(x, 4, 2, 712, NULL)),
                712 - log(2 * 712) - log(2), 1e-12);
    check_close("beta = 0", eg_flow_energy(x, 4, 2, 0, NULL), 0.25, 1e-16);
    check_close("small beta", eg_flow_energy(x, 4, 2, 1e-6, NULL) - 1 / 2e-6,
                0.25, 1e-6);
    check_close("order, one", eg_flow_order(one, 1, 2), 1, 0);
    check_close("order", eg_flow_order(x, 4, 2), sqrt(0.5), 1e-16);
    eg_flow_pair_stats(&p, one, 1, 2, 1e-3, counts, 4);
    assert_true(isnan(p.mean) && isnan(p.min) && isnan(p.max) &&
                isnan(p.density));
    assert_int_equal(counts[0] + counts[1] + counts[2] + counts[3], 0);
    eg_flow_pair_stats(&p, x, 4, 2, 1e-3, counts, 4);
    check_close("mean", p.mean, 1.0 / 3, 1e-16);
    check_close("density", p.density, 1.0 / 3, 1e-16);
    check_close("min", p.min, 0, 0);
    check_close("max", p.max, 1, 0);
    assert_int_equal(counts[2], 4); /* 0 is in [0, 1/2) */
    assert_int_equal(counts[3], 2);
}

/* Histogram and statistics against plain loops; R^2 = 1/n + (1 - 1/n) mean;
 * the width of bins against sorted numbers. */
static int ascending(const void *a, const void *b)
{
    const double *p = a, *q = b;

    return (*p > *q) - (*p < *q);
}

static void test_pairs(void **state)
{
    enum { N = 150, D = 5, PAIRS = N * (N - 1) / 2, BINS = 10000 };
    eg_rng rng = stream(3);
    double *x = draw_clusters(N, D, 6, 0.3, &rng);
    double *g = make_tokens(PAIRS, 1), mean = 0, R = eg_flow_order(x, N, D);
    static int64_t counts[BINS], want[BINS];
    eg_index n = 0, close = 0;
    eg_flow_pairs p;

    (void)state;
    for (eg_index i = 0; i < N; i++)
        for (eg_index j = i + 1; j < N; j++) {
            double v = inner(x + i * D, x + j * D, D);

            g[n++] = v;
            mean += v / PAIRS;
            close += v > 0.9;
            want[(eg_index)((v + 1) / 2 * BINS)]++;
        }
    eg_flow_pair_stats(&p, x, N, D, 0.1, counts, BINS);
    qsort(g, PAIRS, sizeof *g, ascending);
    printf("mean %.6f, min %.6f, max %.6f, density %.6f, width %.6f\n", p.mean,
           p.min, p.max, p.density, eg_flow_bin_width(counts, BINS));
    check_close("mean", p.mean, mean, 1e-14);
    check_close("R^2", 1.0 / N + (1 - 1.0 / N) * p.mean, R * R, 1e-14);
    check_close("min", p.min, g[0], 1e-15);
    check_close("max", p.max, g[PAIRS - 1], 1e-15);
    check_close("density", p.density, (double)close / PAIRS, 1e-15);
    assert_memory_equal(counts, want, sizeof want);
    check_close("width", eg_flow_bin_width(counts, BINS),
                2 * (g[3 * PAIRS / 4] - g[PAIRS / 4]) / cbrt(PAIRS), 1e-4);
    eg_free(g);
    eg_free(x);
}

/* The circle by sorted angles against tiles: the same tokens in R^3. Random
 * ones, clusters of points, and antipodes. */
static void test_circle(void **state)
{
    enum { N = 2500, BINS = 37 };
    static int64_t got[BINS], want[BINS];
    eg_rng rng = stream(5);

    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        double *x =
            kind ? draw_clusters(N, 2, 6, 0.02, &rng) : draw_sphere(N, 2, &rng);
        double *y = make_tokens(N, 3);
        eg_flow_pairs p = {0}, q;

        for (eg_index i = 0; i < N && kind == 2; i++)
            for (int k = 0; k < 2; k++)
                x[2 * i + k] = i < 5   ? x[k]
                               : i % 9 ? x[2 * (i % 5) + k]
                                       : -x[k];
        for (eg_index i = 0; i < N; i++)
            for (int k = 0; k < 2; k++) y[3 * i + k] = x[2 * i + k];
        for (int k = 0; k < 6; k++) {
            double delta = 1e-5 * pow(12, k);

            eg_flow_pair_stats(&p, x, N, 2, delta, got, BINS);
            eg_flow_pair_stats(&q, y, N, 3, delta, want, BINS);
            check_close("mean", p.mean, q.mean, 1e-14);
            check_close("min", p.min, q.min, 1e-15);
            check_close("max", p.max, q.max, 1e-15);
            check_close("density", p.density, q.density, 0);
            assert_memory_equal(got, want, sizeof got);
        }
        printf("circle: mean %.6f, min %.9f, max %.9f\n", p.mean, p.min, p.max);
        eg_free(x);
        eg_free(y);
    }
}

/* Clusters that are points: density and plateaus of section 5. */
static void test_plateau(void **state)
{
    const int masses[] = {5, 3, 2};
    double x[20], density = 0, plateau = 0;
    eg_flow_pairs p;
    eg_index n = 0;

    (void)state;
    for (int a = 0; a < 3; a++) {
        for (int i = 0; i < masses[a]; i++, n++) {
            x[2 * n] = cos(2.1 * a);
            x[2 * n + 1] = sin(2.1 * a);
        }
        density += masses[a] * (masses[a] - 1) / 90.0;
        plateau += masses[a] * masses[a] / 100.0;
    }
    eg_flow_pair_stats(&p, x, 10, 2, 1e-3, NULL, 0);
    check_close("density", p.density, density, 1e-15);
    check_close("plateau", eg_flow_energy_shifted(x, 10, 2, 4000), plateau,
                1e-12);
}

static void test_field_norms(void **state)
{
    const double dx[] = {3, 4, 0, 0, 0, 12};
    eg_flow_speeds s = eg_flow_field_norms(dx, 3, 2);

    (void)state;
    check_close("max", s.max, 12, 1e-15);
    check_close("rms", s.rms, 13 / sqrt(3), 1e-14);
    check_close("gradient", s.gradient, 13.0 / 3, 1e-14);
}

/* summary_base.csv from the positions of every run of sets A, B, C. */
static void test_reference(void **state)
{
    table summary, run = {0};
    double worst[4] = {0};
    const char *open_run = "";
    eg_index block = 0, checked = 0;

    (void)state;
    SKIP_WITHOUT(&summary, "summary_base.csv");
    for (eg_index r = 0; r < summary.rows; r++) {
        const char *name = summary.word[r * summary.columns];
        eg_index n = (eg_index)at(&summary, r, 2);
        eg_index d = (eg_index)at(&summary, r, 3);
        double beta = at(&summary, r, 4), *x;
        eg_flow_pairs p;

        if (strcmp(name, open_run) != 0) {
            char file[80];

            table_free(&run);
            (void)snprintf(file, sizeof file, "%s.csv", name);
            assert_true(table_read(&run, file));
            open_run = name;
            block = 0;
        }
        if (block >= run.rows) fail_msg("%s: too few times", name);
        check_close("time", at(&run, block, 0), at(&summary, r, 5), 1e-12);
        x = make_tokens(n, d);
        for (eg_index i = 0; i < n * d; i++)
            x[i] = at(&run, block + i / d, 2 + i % d);
        block += n;
        eg_flow_pair_stats(&p, x, n, d, 1e-3, NULL, 0);
        worst[0] = fmax(
            worst[0],
            fabs(eg_flow_energy(x, n, d, beta, NULL) / at(&summary, r, 6) - 1));
        worst[1] = fmax(worst[1], fabs(p.mean - at(&summary, r, 7)));
        worst[2] = fmax(worst[2], fabs(p.min - at(&summary, r, 8)));
        worst[3] =
            fmax(worst[3], fabs(eg_flow_order(x, n, d) - at(&summary, r, 9)));
        {
            int32_t label[64];
            eg_index fine = eg_flow_components(label, x, n, d, 1e-3);
            eg_index coarse = eg_flow_components(label, x, n, d, 0.1);

            if (fine != (eg_index)at(&summary, r, 10) ||
                coarse != (eg_index)at(&summary, r, 11))
                fail_msg("%s, t = %g: %td and %td components", name,
                         at(&summary, r, 5), fine, coarse);
        }
        checked++;
        eg_free(x);
    }
    printf("%td states; largest errors: energy %.1e (relative), mean %.1e, "
           "min %.1e, R %.1e\n",
           checked, worst[0], worst[1], worst[2], worst[3]);
    assert_true(checked > 200);
    /* positions have 17 digits, and the table 15 */
    for (int k = 0; k < 4; k++) assert_true(worst[k] < 5e-14);
    table_free(&run);
    table_free(&summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uniform_energy),
        cmocka_unit_test(test_uniform_energy_d3),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_fast),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_circle),
        cmocka_unit_test(test_plateau),
        cmocka_unit_test(test_field_norms),
        cmocka_unit_test(test_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
