/* Sums over tokens of every instruction set against plain loops, over awkward
 * shapes, with guards around the output. */
#include "system_helper.h"

#include "engram/kern.h"
#include "engram/rng.h"
#include "flow/rows.h"
#include "kern/particles.h"

enum { MAX_N = 400, MAX_D = 70, GUARD = 77, END = EGI_ROWS * EGI_TILE };

static double x[MAX_N * MAX_D], tiles[(MAX_N + EGI_TILE) * MAX_D];
static double q[EGI_ROWS * MAX_D], log_mass[MAX_N];
static double M[MAX_D * MAX_D];

static void draw(double *a, eg_index n, double size, uint64_t step)
{
    eg_rng rng = eg_rng_make(1, EG_RNG_TEST, step, 0);

    for (eg_index i = 0; i < n; i++) a[i] = size * eg_rng_normal(&rng);
}

static void make(eg_index n, eg_index d, double scores)
{
    draw(x, n * d, 1 / sqrt((double)d), 1);
    draw(q, EGI_ROWS * d, scores, 2);
    draw(log_mass, n, 1, 3);
    draw(M, d * d, 1, 4);
    memset(tiles, 0, sizeof tiles);
    for (eg_index i = 0; i < n; i++)
        for (eg_index k = 0; k < d; k++)
            tiles[i / EGI_TILE * EGI_TILE * d + k * EGI_TILE + i % EGI_TILE] =
                x[i * d + k];
}

/* Error of one row, relative to sums in long double, in units of what rounding
 * of the scores (a random walk over d terms) and of the sums may cost. */
static double row_error(const double *sum, double z, double peak,
                        const double *query, const double *mass, eg_index limit,
                        eg_index d)
{
    double top = -HUGE_VAL, worst = 0, terms = 0;
    long double total = 0, mean[MAX_D] = {0}, size = 0;

    for (int pass = 0; pass < 2; pass++)
        for (eg_index j = 0; j < limit; j++) {
            long double s = mass ? mass[j] : 0, w;

            for (eg_index k = 0; k < d; k++)
                s += (long double)query[k] * x[j * d + k];
            if (pass == 0) {
                double all = 0;

                for (eg_index k = 0; k < d; k++)
                    all += fabs(query[k] * x[j * d + k]);
                terms = fmax(terms, all);
                top = fmax(top, (double)s);
                continue;
            }
            w = expl(s - (long double)peak);
            total += w;
            for (eg_index k = 0; k < d; k++) {
                mean[k] += w * x[j * d + k];
                size += w * fabsl((long double)x[j * d + k]) / d;
            }
        }
    assert_true(fabs(top - peak) <= 1e-13 * (1 + fabs(top)));
    worst = fabs((double)(z / total - 1));
    for (eg_index k = 0; k < d; k++)
        worst = fmax(worst, fabs((double)((sum[k] - mean[k]) / size)));
    return worst / (0x1p-53 * (16 + (2 + sqrt((double)d)) * terms));
}

static double check_shape(const egi_rows_set *set, eg_index n, eg_index d,
                          double scores, bool masses)
{
    static const eg_index cut[EGI_ROWS] = {0, 1, 3, 200};
    double sum[EGI_ROWS * MAX_D + 1], z[EGI_ROWS], peak[EGI_ROWS];
    double scratch[END + 1], worst = 0;
    eg_index limit[EGI_ROWS];
    egi_keys keys = {tiles, masses ? log_mass : NULL, n, d};

    make(n, d, scores);
    for (int r = 0; r < EGI_ROWS; r++) limit[r] = n > cut[r] ? n - cut[r] : 0;
    sum[EGI_ROWS * d] = GUARD;
    scratch[END] = GUARD;
    set->sum(sum, z, peak, q, limit, &keys, scratch);
    assert_true(sum[EGI_ROWS * d] == GUARD);
    assert_true(scratch[END] == GUARD);
    for (int r = 0; r < EGI_ROWS; r++) {
        if (limit[r] == 0) {
            assert_true(z[r] == 0 && sum[r * d] == 0);
            continue;
        }
        worst = fmax(worst, row_error(sum + r * d, z[r], peak[r], q + r * d,
                                      keys.log_mass, limit[r], d));
    }
    return worst;
}

static void check_apply(const egi_rows_set *set, eg_index d)
{
    double out[EGI_ROWS * MAX_D + 1];

    make(1, d, 1);
    out[EGI_ROWS * d] = GUARD;
    set->apply(out, q, M, d);
    assert_true(out[EGI_ROWS * d] == GUARD);
    for (int r = 0; r < EGI_ROWS; r++)
        for (eg_index j = 0; j < d; j++) {
            double s = 0;

            for (eg_index k = 0; k < d; k++) s += q[r * d + k] * M[k * d + j];
            assert_true(fabs(out[r * d + j] - s) < 1e-13 * (double)d);
        }
}

static void test_sets(void **state)
{
    static const eg_index ns[] = {1, 2, 7, 16, 31, 127, 128, 129, 200, 399};
    static const eg_index ds[] = {1, 2, 3, 8, 15, 17, 32, 70};
    static const double scores[] = {0, 1, 30};
    const egi_rows_set *last = NULL;

    (void)state;
    for (int i = 0; eg_kern_name(i); i++) {
        const egi_rows_set *set = egi_rows_pick(eg_kern_name(i));
        double worst = 0;

        assert_non_null(set);
        if (set == last) continue;
        last = set;
        for (size_t a = 0; a < sizeof ns / sizeof *ns; a++)
            for (size_t b = 0; b < sizeof ds / sizeof *ds; b++)
                for (size_t c = 0; c < sizeof scores / sizeof *scores; c++)
                    worst = fmax(worst, check_shape(set, ns[a], ds[b],
                                                    scores[c], c % 2 == 1));
        for (eg_index d = 1; d <= MAX_D; d++) check_apply(set, d);
        printf("%-8s off by at most %.2g of its bound\n", set->name, worst);
        assert_true(worst < 1);
    }
    /* the best set that this machine has, though models have a better one */
    if (strcmp(egi_particles_pick("auto")->name, "ref") != 0)
        assert_string_equal(egi_rows_pick("auto")->name,
                            egi_particles_pick("auto")->name);
    assert_null(egi_rows_pick("none such"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sets)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
