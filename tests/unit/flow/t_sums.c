/* Fast sums against all pairs in long double: Fourier, harmonics and direct
 * sums in both precisions; bounds that bound; bits and threads; the choice. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engram/mem.h"
#include "engram/rng.h"
#include "flow/nearby.h"
#include "flow/sums.h"

/* Uniform, or most of them in a few tight clusters; poles included. */
static double *draw(eg_index n, eg_index d, bool clustered, uint32_t which)
{
    double *x = malloc((size_t)(n * d) * sizeof *x);
    eg_rng r = eg_rng_make(3, EG_RNG_TEST, (uint64_t)d, which);

    assert_non_null(x);
    for (eg_index i = 0; i < n; i++) {
        double norm = 0, spread = i % 9 == 3 ? 1e-1 : 1e-9;
        for (eg_index k = 0; k < d; k++) {
            double v = eg_rng_normal(&r);
            if (clustered && i > 2 && i % 7)
                v = x[(i % 3) * d + k] + spread * v;
            if (!clustered && i < 2) v = k == d - 1 ? 1 - 2 * (double)i : 0;
            x[i * d + k] = v;
            norm += v * v;
        }
        for (eg_index k = 0; k < d; k++) x[i * d + k] /= sqrt(norm);
    }
    return x;
}

/* The same in long double, of the directions of x. */
static void truth(long double *S, long double *F, const double *x,
                  const double *mass, eg_index n, eg_index d, double beta)
{
    long double *u = malloc((size_t)(n * d) * sizeof *u);

    assert_non_null(u);
    for (eg_index i = 0; i < n; i++) {
        long double norm = 0;
        for (eg_index k = 0; k < d; k++)
            norm += (long double)x[i * d + k] * (long double)x[i * d + k];
        for (eg_index k = 0; k < d; k++)
            u[i * d + k] = (long double)x[i * d + k] / sqrtl(norm);
    }
    for (eg_index i = 0; i < n; i++) {
        S[i] = 0;
        for (eg_index k = 0; k < d; k++) F[i * d + k] = 0;
        for (eg_index j = 0; j < n; j++) {
            long double dot = 0, w;
            for (eg_index k = 0; k < d; k++) dot += u[i * d + k] * u[j * d + k];
            w = (mass ? (long double)mass[j] : 1) *
                expl((long double)beta * dot - fabsl((long double)beta));
            S[i] += w;
            for (eg_index k = 0; k < d; k++) F[i * d + k] += w * u[j * d + k];
        }
    }
    free(u);
}

typedef struct result {
    double error;    /* of S and F, relative to the total mass */
    double velocity; /* of the tangential part of F/S */
    egi_sums_plan plan;
} result;

static result one(int kind, eg_index n, eg_index d, double beta, bool clustered,
                  bool masses, int precision, double tol)
{
    double *x = draw(n, d, clustered, 1), *mass = NULL, total = (double)n;
    double *S = malloc((size_t)n * sizeof *S);
    double *F = malloc((size_t)(n * d) * sizeof *F);
    long double *S0 = malloc((size_t)n * sizeof *S0);
    long double *F0 = malloc((size_t)(n * d) * sizeof *F0);
    egi_sums *s;
    result r = {0};
    eg_err err = {0};

    assert_true(S && F && S0 && F0);
    if (masses) {
        mass = malloc((size_t)n * sizeof *mass);
        assert_non_null(mass);
        total = 0;
        for (eg_index i = 0; i < n; i++) total += mass[i] = 1 + (double)(i % 5);
    }
    assert_int_equal(egi_sums_choose(&r.plan, kind, n, d, beta, EG_FLOW_SA,
                                     precision, tol, &err),
                     EG_OK);
    assert_int_equal(
        egi_sums_new(&s, &r.plan, n, d, beta, precision, NULL, &err), EG_OK);
    egi_sums_eval(s, S, F, x, mass, n);
    truth(S0, F0, x, mass, n, d, beta);
    for (eg_index i = 0; i < n; i++) {
        long double e2 = 0, v2 = 0, radial = 0;
        double e = (double)fabsl((long double)S[i] - S0[i]) / total;

        r.error = isnan(e) ? 1e300 : fmax(r.error, e);
        for (eg_index k = 0; k < d; k++) {
            long double f = (long double)F[i * d + k];
            long double v = f / (long double)S[i] - F0[i * d + k] / S0[i];
            e2 += (f - F0[i * d + k]) * (f - F0[i * d + k]);
            v2 += v * v;
            radial += v * (long double)x[i * d + k];
        }
        r.error = fmax(r.error, (double)sqrtl(e2) / total);
        r.velocity =
            fmax(r.velocity, (double)sqrtl(fmaxl(0, v2 - radial * radial)));
    }
    egi_sums_free(s);
    free(x);
    free(mass);
    free(S);
    free(F);
    free(S0);
    free(F0);
    return r;
}

static const double betas[] = {0,   1e-6, 0.1, 1,    4,    9,
                               100, 1000, -1,  -2.5, -9.0, -40};
enum { N_BETAS = 12 };

/* Every way within its own bound, series within 1e-13 of all pairs. */
static void check_kind(int kind, eg_index d, const char *name)
{
    for (int b = 0; b < N_BETAS; b++) {
        for (int how = 0; how < 4; how++) {
            result r = one(kind, 157, d, betas[b], how & 1, how & 2, 0, 1e-13);
            if (how == 0 || !(r.error < r.plan.error) || r.error > 1e-13)
                printf("%s d %td beta %g: degree %td, error %.1e, bound %.1e, "
                       "SA velocity %.1e\n",
                       name, d, betas[b], r.plan.degree, r.error, r.plan.error,
                       r.velocity);
            assert_true(r.error <= r.plan.error && r.error < 1e-13);
            if (betas[b] >= 0)
                assert_true(r.velocity <= 2 * 157 * 5 * r.plan.error &&
                            r.velocity < 1e-12);
        }
    }
}

static void test_fourier(void **state)
{
    (void)state;
    check_kind(EG_FLOW_SUM_FOURIER, 2, "fourier");
}

static void test_harmonics(void **state)
{
    (void)state;
    check_kind(EG_FLOW_SUM_HARMONICS, 3, "harmonics");
}

static void test_direct(void **state)
{
    (void)state;
    for (eg_index d = 1; d <= 8; d++)
        check_kind(EG_FLOW_SUM_DIRECT, d, "direct");
    for (int b = 0; b < N_BETAS; b++) {
        for (eg_index d = 9; d <= 40; d += 31) {
            result r = one(EG_FLOW_SUM_DIRECT, 157, d, betas[b], b & 1, b & 2,
                           0, 1e-13);
            printf("direct d %td beta %g: error %.1e, bound %.1e\n", d,
                   betas[b], r.error, r.plan.error);
            assert_true(r.error <= r.plan.error);
        }
    }
}

/* float32: within its bound, and no worse for more tokens. */
static void test_single(void **state)
{
    (void)state;
    for (eg_index d = 2; d <= 20; d += d < 8 ? 1 : 12) {
        for (int b = 0; b < N_BETAS; b++) {
            result r = one(EG_FLOW_SUM_DIRECT, 157, d, betas[b], b & 1, b & 2,
                           1, 1e-13);
            if (d == 3 || r.error > r.plan.error)
                printf("float32 d %td beta %g: error %.1e, bound %.1e\n", d,
                       betas[b], r.error, r.plan.error);
            assert_true(r.error <= r.plan.error);
        }
    }
    result few = one(EG_FLOW_SUM_DIRECT, 256, 3, 4, false, false, 1, 1e-13);
    result many = one(EG_FLOW_SUM_DIRECT, 2500, 3, 4, false, false, 1, 1e-13);
    printf("float32 d 3 beta 4: error %.1e for n = 256, %.1e for n = 2500\n",
           few.error, many.error);
    assert_true(many.error < 1.5 * few.error);
}

/* A looser tolerance takes fewer terms and still bounds the error, closely
 * enough to be a bound of this and not of something else. */
static void test_bound(void **state)
{
    const double tols[] = {1e-4, 1e-7, 1e-10};

    (void)state;
    for (int d = 2; d <= 3; d++) {
        for (int b = 3; b < 8; b++) {
            for (int t = 0; t < 3; t++) {
                result r =
                    one(d == 2 ? EG_FLOW_SUM_FOURIER : EG_FLOW_SUM_HARMONICS, 3,
                        d, betas[b], false, false, 0, tols[t]);
                printf("d %d beta %g tol %g: degree %td, error %.1e, bound "
                       "%.1e, velocity %.1e\n",
                       d, betas[b], tols[t], r.plan.degree, r.error,
                       r.plan.error, r.velocity);
                assert_true(r.error <= r.plan.error);
                assert_true(r.error >= 1e-3 * r.plan.error);
                assert_true(r.velocity <= tols[t]);
            }
        }
    }
}

/* Same bits for 1, 2 and 3 threads, and nothing allocated. */
static void test_threads(void **state)
{
    enum { N = 3000 };
    static double F[3][N * 4];
    const struct {
        eg_index d;
        int kind, precision;
    } way[] = {{3, EG_FLOW_SUM_DIRECT, 0},
               {3, EG_FLOW_SUM_DIRECT, 1},
               {12, EG_FLOW_SUM_DIRECT, 0},
               {2, EG_FLOW_SUM_FOURIER, 0},
               {3, EG_FLOW_SUM_HARMONICS, 0}};
    eg_err err = {0};

    (void)state;
    for (int w = 0; w < 5; w++) {
        eg_index d = way[w].d, n = d == 12 ? 700 : N;
        double *x = draw(n, d, false, 2);
        egi_sums_plan plan;

        assert_int_equal(egi_sums_choose(&plan, way[w].kind, n, d, 4,
                                         EG_FLOW_SA, way[w].precision, 1e-13,
                                         &err),
                         EG_OK);
        for (int threads = 1; threads <= 3; threads++) {
            double *out = F[threads - 1];
            eg_pool *pool;
            egi_sums *s;
            int64_t before;

            assert_int_equal(eg_pool_new(&pool, threads, &err), EG_OK);
            assert_int_equal(
                egi_sums_new(&s, &plan, n, d, 4, way[w].precision, pool, &err),
                EG_OK);
            before = eg_mem_query().n_allocs;
            egi_sums_eval(s, out, out + n, x, NULL, n);
            assert_true(eg_mem_query().n_allocs == before);
            egi_sums_free(s);
            eg_pool_free(pool);
        }
        size_t bytes = (size_t)(n * (d + 1)) * sizeof(double);
        bytes = bytes < sizeof F[0] ? bytes : sizeof F[0];
        assert_memory_equal(F[0], F[1], bytes);
        assert_memory_equal(F[0], F[2], bytes);
        free(x);
    }
}

/* The choice, and its errors. */
/* The mean radius of blocks of 64 tokens in the order of p. */
static double radius(const egi_place *p, const double *x, eg_index n,
                     eg_index d)
{
    double sum = 0;

    for (eg_index b = 0; b < n; b += 64) {
        eg_index end = b + 64 < n ? b + 64 : n;
        double worst = 0, mean[8] = {0};

        for (eg_index i = b; i < end; i++)
            for (eg_index k = 0; k < d; k++)
                mean[k] += x[p[i].token * d + k] / (double)(end - b);
        for (eg_index i = b; i < end; i++) {
            double r = 0;
            for (eg_index k = 0; k < d; k++)
                r += pow(x[p[i].token * d + k] - mean[k], 2);
            worst = fmax(worst, sqrt(r));
        }
        sum += worst * (double)(end - b);
    }
    return sum / (double)n;
}

static void test_nearby(void **state)
{
    const eg_index sizes[] = {0, 1, 63, 64, 65, 129, 1000, 4097};

    (void)state;
    for (int c = 0; c < 2; c++) {
        for (int s = 0; s < 8; s++) {
            for (eg_index d = 1; d <= 4; d++) {
                eg_index n = sizes[s];
                double *x = draw(n + 1, d, c, 5), before, after;
                egi_place *p = calloc((size_t)n + 1, sizeof *p);
                char *seen = calloc((size_t)n + 1, 1);

                assert_true(p && seen);
                for (eg_index i = 0; i < n; i++) p[i].token = (int32_t)i;
                before = n > 0 ? radius(p, x, n, d) : 0;
                egi_nearby(p, x, n, d, 64);
                after = n > 0 ? radius(p, x, n, d) : 0;
                for (eg_index i = 0; i < n; i++) {
                    assert_in_range(p[i].token, 0, n - 1);
                    assert_true(!seen[p[i].token]);
                    seen[p[i].token] = 1;
                }
                if (n == 4097)
                    printf("%s d %td: blocks of 64 of %td tokens: radius %.3f, "
                           "as drawn %.3f\n",
                           c ? "clustered" : "uniform", d, n, after, before);
                /* a cap of 64 of n tokens has radius 2 sqrt(64 / n), d = 3 */
                if (n == 4097 && d == 3 && !c)
                    assert_true(after < 1.5 * 2 * sqrt(64.0 / (double)n));
                if (n >= 1000 && d > 1) assert_true(after < before);
                free(x);
                free(p);
                free(seen);
            }
        }
    }
    /* equal tokens, and no numbers: an order all the same */
    for (int c = 0; c < 2; c++) {
        double x[300];
        egi_place p[300];
        int64_t sum = 0;

        for (int i = 0; i < 300; i++) x[i] = c && i % 2 ? NAN : 1;
        egi_nearby(p, x, 300, 1, 64);
        for (int i = 0; i < 300; i++) sum += p[i].token;
        assert_int_equal(sum, 299 * 150);
    }
}

static void test_choose(void **state)
{
    static const struct {
        eg_index n, d;
        double beta;
        int model, kind;
    } row[] = {{16, 2, 4, EG_FLOW_SA, EG_FLOW_SUM_DIRECT},
               {100000, 2, 9, EG_FLOW_SA, EG_FLOW_SUM_FOURIER},
               {100000, 3, 9, EG_FLOW_SA, EG_FLOW_SUM_HARMONICS},
               {500, 3, 100, EG_FLOW_USA, EG_FLOW_SUM_DIRECT},
               {100000, 4, 9, EG_FLOW_SA, EG_FLOW_SUM_DIRECT},
               {100000, 3, 1e6, EG_FLOW_SA, EG_FLOW_SUM_DIRECT},
               {100000, 2, -9, EG_FLOW_SA, EG_FLOW_SUM_DIRECT},
               {100000, 2, -9, EG_FLOW_USA, EG_FLOW_SUM_FOURIER},
               {1, 1, 0, EG_FLOW_SA, EG_FLOW_SUM_DIRECT}};
    egi_sums_plan p;
    eg_err err = {0};

    (void)state;
    for (int i = 0; i < 9; i++) {
        assert_int_equal(egi_sums_choose(&p, EG_FLOW_SUM_AUTO, row[i].n,
                                         row[i].d, row[i].beta, row[i].model, 0,
                                         1e-13, &err),
                         EG_OK);
        printf("n %td d %td beta %g: %s\n", row[i].n, row[i].d, row[i].beta,
               p.why);
        assert_int_equal(p.kind, row[i].kind);
    }
    assert_int_equal(
        egi_sums_choose(&p, EG_FLOW_SUM_FOURIER, 9, 3, 1, 0, 0, 1e-13, &err),
        EG_EINVAL);
    printf("%s\n", err.msg);
    assert_int_equal(
        egi_sums_choose(&p, EG_FLOW_SUM_HARMONICS, 9, 2, 1, 0, 0, 1e-13, &err),
        EG_EINVAL);
    printf("%s\n", err.msg);
    /* of scores without measure, at once and not after sqrt(beta) steps */
    for (eg_index d = 2; d <= 3; d++) {
        assert_int_equal(egi_sums_choose(&p, EG_FLOW_SUM_AUTO, 9, d, 1e300,
                                         EG_FLOW_SA, 0, 1e-13, &err),
                         EG_OK);
        assert_int_equal(p.kind, EG_FLOW_SUM_DIRECT);
    }
    assert_int_equal(egi_sums_choose(&p, EG_FLOW_SUM_HARMONICS, 9, 3, -1e300,
                                     EG_FLOW_SA, 0, 1e-13, &err),
                     EG_EINVAL);
    assert_int_equal(egi_sums_choose(&p, EG_FLOW_SUM_HARMONICS, 9, 3, 1e5, 0, 0,
                                     1e-13, &err),
                     EG_EINVAL);
    printf("%s\n", err.msg);
}

/* Out of memory anywhere: an error, and nothing left behind. */
static void test_memory(void **state)
{
    const int kinds[] = {EG_FLOW_SUM_DIRECT, EG_FLOW_SUM_FOURIER,
                         EG_FLOW_SUM_HARMONICS};
    int64_t live = eg_mem_query().live_bytes;

    (void)state;
    for (int k = 0; k < 3; k++) {
        eg_index d = kinds[k] == EG_FLOW_SUM_FOURIER ? 2 : 3;
        egi_sums_plan p;
        eg_err err = {0};
        egi_sums *s = NULL;
        int failed = 0;

        egi_sums_choose(&p, kinds[k], 50, d, 4, EG_FLOW_SA, 1, 1e-13, &err);
        for (int at = 1; !s; at++) {
            eg_mem_fail_after(at);
            eg_status st = egi_sums_new(&s, &p, 50, d, 4, 1, NULL, &err);
            eg_mem_fail_after(0);
            if (st != EG_OK) failed++;
            assert_true((st == EG_ENOMEM) == !s);
        }
        egi_sums_free(s);
        assert_true(failed >= 3);
        assert_true(eg_mem_query().live_bytes == live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fourier), cmocka_unit_test(test_harmonics),
        cmocka_unit_test(test_direct),  cmocka_unit_test(test_single),
        cmocka_unit_test(test_bound),   cmocka_unit_test(test_threads),
        cmocka_unit_test(test_nearby),  cmocka_unit_test(test_choose),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests_name("sums", tests, NULL, NULL);
}
