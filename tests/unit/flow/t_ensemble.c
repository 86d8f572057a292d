/* Ensembles against plain loops over single systems, against the recorded
 * statistics of an independent program, and their bits for any threads. */
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
#include "flow/ensemble.h"

/* The random matrices of the draw at hand, or NULL. */
static const double *plain_B, *plain_V;

static double plain_score(const double *x, const double *y, eg_index d)
{
    double s = 0;

    for (eg_index a = 0; a < d; a++)
        for (eg_index b = 0; b < d; b++)
            if (plain_B || a == b)
                s += x[a] * (plain_B ? plain_B[a * d + b] : 1) * y[b];
    return s;
}

/* a <- V' a, or V a by columns. */
static void plain_value(double *a, const eg_flow_ensemble *e)
{
    double to[64] = {0};

    if (!plain_V) return;
    for (eg_index i = 0; i < e->d; i++)
        for (eg_index j = 0; j < e->d; j++)
            to[i] += plain_V[e->columns ? i * e->d + j : j * e->d + i] * a[j];
    memcpy(a, to, (size_t)e->d * sizeof *a);
}

/* Drive of the plain loop. */
static void plain_drive(double *A, const double *x, const eg_flow_ensemble *e)
{
    for (eg_index i = 0; i < e->n; i++) {
        double z = 0;
        double *a = A + i * e->d;

        for (eg_index k = 0; k < e->d; k++) a[k] = 0;
        for (eg_index j = 0; j < e->n; j++) {
            double dot = plain_score(x + i * e->d, x + j * e->d, e->d), w;
            w = exp(e->beta * (e->model == EG_FLOW_USA ? dot : dot - 1));
            z += w;
            for (eg_index k = 0; k < e->d; k++) a[k] += w * x[j * e->d + k];
        }
        if (e->model != EG_FLOW_SA) z = (double)e->n;
        for (eg_index k = 0; k < e->d; k++) a[k] /= z;
        plain_value(a, e);
    }
}

static void plain_unit(double *x, const eg_flow_ensemble *e)
{
    for (eg_index i = 0; i < e->n; i++) {
        double s = 0;
        for (eg_index k = 0; k < e->d; k++)
            s += x[i * e->d + k] * x[i * e->d + k];
        for (eg_index k = 0; k < e->d; k++) x[i * e->d + k] /= sqrt(s);
    }
}

/* A - <A,u> u at u = y / |y|. */
static void plain_field(double *f, const double *y, const eg_flow_ensemble *e)
{
    double *u = malloc((size_t)(e->n * e->d) * sizeof *u);

    assert_non_null(u);
    memcpy(u, y, (size_t)(e->n * e->d) * sizeof *u);
    plain_unit(u, e);
    plain_drive(f, u, e);
    for (eg_index i = 0; i < e->n; i++) {
        double r = 0;
        for (eg_index k = 0; k < e->d; k++)
            r += f[i * e->d + k] * u[i * e->d + k];
        for (eg_index k = 0; k < e->d; k++)
            f[i * e->d + k] -= r * u[i * e->d + k];
    }
    free(u);
}

static void plain_step(double *x, const eg_flow_ensemble *e)
{
    eg_index size = e->n * e->d;
    double *f = malloc((size_t)size * sizeof *f);
    double *y = malloc((size_t)size * sizeof *y);
    double *sum = malloc((size_t)size * sizeof *sum);
    static const double at[] = {0.5, 0.5, 1, 0}, weight[] = {1, 2, 2, 1};

    assert_true(f && y && sum);
    if (e->method == EG_FLOW_RK4) {
        memcpy(y, x, (size_t)size * sizeof *x);
        memcpy(sum, x, (size_t)size * sizeof *x);
        for (int k = 0; k < 4; k++) {
            plain_field(f, y, e);
            for (eg_index i = 0; i < size; i++) {
                sum[i] += e->h * weight[k] / 6 * f[i];
                y[i] = x[i] + e->h * at[k] * f[i];
            }
        }
        memcpy(x, sum, (size_t)size * sizeof *x);
    } else {
        if (e->method == EG_FLOW_AUTHORS)
            plain_drive(f, x, e);
        else
            plain_field(f, x, e);
        for (eg_index i = 0; i < size; i++) x[i] += e->h * f[i];
    }
    plain_unit(x, e);
    free(f);
    free(y);
    free(sum);
}

/* Pairs together, and components by labels. */
static eg_index plain_census(const double *x, const eg_flow_ensemble *e,
                             int64_t *pairs)
{
    eg_index *label = malloc((size_t)e->n * sizeof *label), components = e->n;

    assert_non_null(label);
    for (eg_index i = 0; i < e->n; i++) label[i] = i;
    *pairs = 0;
    for (eg_index i = 0; i < e->n; i++) {
        for (eg_index j = i + 1; j < e->n; j++) {
            double dot = 0;
            eg_index from = label[j], to = label[i];
            for (eg_index k = 0; k < e->d; k++)
                dot += x[i * e->d + k] * x[j * e->d + k];
            if (!(dot > 1 - e->delta)) continue;
            (*pairs)++;
            components -= from != to;
            for (eg_index k = 0; k < e->n; k++)
                if (label[k] == from) label[k] = to;
        }
    }
    free(label);
    return components;
}

static void against_plain(eg_flow_ensemble e)
{
    eg_flow_census c[4], want[4] = {0};
    double *x = malloc((size_t)(e.n * e.d) * sizeof *x);
    double all = 0.5 * (double)(e.n * (e.n - 1)), mean[4] = {0}, sq[4] = {0};
    double D = (double)e.draws;
    bool random = e.scores || e.values;
    double *M = calloc((size_t)(3 * e.d * e.d), sizeof *M);
    eg_index done;
    eg_err err = {0};

    assert_true(x && M);
    e.dimension = true;
    assert_int_equal(eg_flow_ensemble_run(c, &done, &e, NULL, NULL, NULL, &err),
                     EG_OK);
    assert_int_equal(done, e.draws);
    for (eg_index r = 0; r < e.draws; r++) {
        int steps = 0;
        egi_ensemble_draw(x, &e, r);
        if (random) {
            egi_ensemble_matrices(M, M + e.d * e.d, M + 2 * e.d * e.d, &e, r);
            plain_B = M;
            plain_V = M + e.d * e.d;
        }
        for (eg_index t = 0; t < e.n_times; t++) {
            int64_t pairs;
            for (; steps * e.h < e.times[t] - 1e-9; steps++) plain_step(x, &e);
            eg_index k = plain_census(x, &e, &pairs);
            double share = (double)pairs / all;
            eg_flow_ranks ranks;
            assert_int_equal(eg_flow_effective_ranks(&ranks, x, e.n, e.d, &err),
                             EG_OK);
            want[t].dimension += (double)ranks.above / D;
            mean[t] += share / D;
            sq[t] += share * share;
            want[t].components += (double)k / D;
            want[t].together += (double)pairs >= all ? 1 / D : 0;
            want[t].histogram[k <= 16 ? k : 0]++;
        }
    }
    for (eg_index t = 0; t < e.n_times; t++) {
        double sd = sqrt(fmax(0, sq[t] - D * mean[t] * mean[t]) / (D - 1));
        printf("model %d method %d d %td beta %g t %g: density %.6f (%.6f), "
               "sd %.6f (%.6f), components %.3f (%.3f)\n",
               e.model, e.method, e.d, e.beta, e.times[t], c[t].density,
               mean[t], c[t].density_sd, sd, c[t].components,
               want[t].components);
        assert_true(fabs(c[t].density - mean[t]) < 1e-12);
        assert_true(fabs(c[t].density_sd - sd) < 1e-7);
        assert_true(fabs(c[t].components - want[t].components) < 1e-12);
        assert_true(fabs(c[t].dimension - want[t].dimension) < 1e-12);
        assert_true(fabs(c[t].together - want[t].together) < 1e-12);
        assert_memory_equal(c[t].histogram, want[t].histogram,
                            sizeof c[t].histogram);
    }
    plain_B = plain_V = NULL;
    free(x);
    free(M);
}

static void test_plain(void **state)
{
    static const double early[] = {0, 1, 4, 15}, soon[] = {0, 0.03, 0.3, 0.6};
    const eg_flow_ensemble base = {.n = 20,
                                   .d = 2,
                                   .beta = 4,
                                   .h = 0.1,
                                   .method = EG_FLOW_AUTHORS,
                                   .delta = 1e-3,
                                   .draws = 21,
                                   .seed = 5,
                                   .times = early,
                                   .n_times = 4};
    eg_flow_ensemble e = base;

    (void)state;
    against_plain(e);
    e.method = EG_FLOW_RK4;
    e.d = 3;
    against_plain(e);
    e.method = EG_FLOW_EULER;
    e.d = 11;
    e.n = 18;
    against_plain(e);
    e.method = EG_FLOW_AUTHORS;
    e.d = 40;
    e.n = 7;
    against_plain(e);
    e = base;
    e.model = EG_FLOW_USA;
    e.times = soon;
    e.h = 0.01;
    against_plain(e);
    e.model = EG_FLOW_USA_SHIFTED;
    e.times = early;
    e.d = 4;
    against_plain(e);
    e = base;
    e.beta = -1;
    against_plain(e);
}

/* Matrices of its own for every draw, against the same plain loop. */
static void test_random(void **state)
{
    static const double times[] = {0.05, 3, 3.02, 9};
    eg_flow_ensemble e = {.n = 12,
                          .d = 6,
                          .beta = 3,
                          .h = 0.1,
                          .method = EG_FLOW_AUTHORS,
                          .delta = 1e-2,
                          .draws = 11,
                          .seed = 3,
                          .times = times,
                          .n_times = 4};

    (void)state;
    e.scores = EG_FLOW_SCORES_GAUSSIAN;
    against_plain(e);
    e.values = EG_FLOW_VALUES_PLUS;
    against_plain(e);
    e.columns = true;
    e.values = EG_FLOW_VALUES_MINUS;
    against_plain(e);
    e.scores = EG_FLOW_SCORES_GOE;
    e.method = EG_FLOW_RK4;
    against_plain(e);
    e.scores = EG_FLOW_SCORES_IDENTITY;
    e.model = EG_FLOW_USA_SHIFTED;
    against_plain(e);
    e.values = EG_FLOW_VALUES_GRAM;
    e.model = EG_FLOW_SA;
    against_plain(e);
}

/* Variances of entries over many draws, and how V hangs on B. */
static void test_matrices(void **state)
{
    static const double diagonal[] = {1, 2, 1}; /* of the three kinds */
    enum { D = 8, DRAWS = 2000 };
    double B[D * D], V[D * D], work[D * D];

    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        eg_flow_ensemble e = {.d = D, .scores = kind + 1, .seed = 9};
        double on = 0, off = 0, skew = 0, c = kind == 1 ? sqrt(D + 1) : sqrt(D);

        for (eg_index r = 0; r < DRAWS; r++) {
            e.values = EG_FLOW_VALUES_MINUS;
            egi_ensemble_matrices(B, V, work, &e, r);
            for (int i = 0; i < D; i++)
                for (int j = 0; j < D; j++) {
                    double b = B[i * D + j];

                    if (i == j)
                        on += b * b / (DRAWS * D);
                    else
                        off += b * b / (DRAWS * D * (D - 1));
                    skew += fabs(b - B[j * D + i]);
                    assert_true(fabs(V[i * D + j] * c + b) < 1e-14);
                }
        }
        printf("kind %d: variances %.4f on the diagonal, %.4f off it\n", kind,
               on, off);
        /* 4 standard errors; products of Gaussians have kurtosis above 3 */
        assert_true(fabs(off - 1) < (kind == 0 ? 0.04 : 0.025));
        assert_true(fabs(on - diagonal[kind]) < 0.1);
        assert_true(kind == 0 ? skew > 1 : !(skew > 0));
        e.values = EG_FLOW_VALUES_GRAM;
        double trace = 0;
        for (eg_index r = 0; r < DRAWS; r++) {
            egi_ensemble_matrices(B, V, work, &e, r);
            for (int i = 0; i < D; i++) {
                trace += V[i * D + i] / (DRAWS * D);
                assert_true(V[i * D + i] > 0);
                for (int j = 0; j < i; j++)
                    assert_true(fabs(V[i * D + j] - V[j * D + i]) < 1e-13);
            }
        }
        printf("W'W / sqrt d: mean %.4f on the diagonal\n", trace);
        assert_true(fabs(trace - sqrt(D)) < 0.05); /* 6 standard errors */
    }
}

/* A row of phase_stats.csv. */
typedef struct row {
    int d, n, draws;
    double beta, h, t, density, together, components;
    char model[8];
} row;

static bool read_row(FILE *f, row *r)
{
    char line[256];

    while (fgets(line, sizeof line, f)) {
        char *at = line;
        double v[10];
        int i;

        for (i = 0; i < 10; i++) {
            char *end = strchr(at, ',');
            if (!end) break;
            if (i == 3)
                snprintf(r->model, sizeof r->model, "%.*s", (int)(end - at),
                         at);
            v[i] = strtod(at, NULL);
            at = end + 1;
        }
        if (i < 10 || v[0] < 1) continue;
        r->d = (int)v[0];
        r->n = (int)v[1];
        r->beta = v[2];
        r->h = v[4];
        r->t = v[5];
        r->draws = (int)v[6];
        r->density = v[7];
        r->together = v[8];
        r->components = v[9];
        return true;
    }
    return false;
}

/* Cells whose numbers are compared, at t = 5, 10 and 30. */
static bool in_subset(const row *r)
{
    static const double cell[][2] = {{2, 1}, {2, 4}, {2, 9},
                                     {3, 4}, {8, 5}, {32, 6}};

    if (r->n != 32 || fabs(r->h - 0.1) > 1e-9 || strcmp(r->model, "SA") != 0 ||
        (fabs(r->t - 5) > 1e-9 && fabs(r->t - 10) > 1e-9 &&
         fabs(r->t - 30) > 1e-9))
        return false;
    for (int i = 0; i < 6; i++)
        if (r->d == (int)cell[i][0] && fabs(r->beta - cell[i][1]) < 1e-9)
            return true;
    return false;
}

static void test_statistics(void **state)
{
    const char *folder = getenv("ENGRAM_SHARED");
    char path[512];
    FILE *f;
    row r;
    int compared = 0;

    (void)state;
    snprintf(path, sizeof path, "%s/reference/flow-peer/phase_stats.csv",
             folder ? folder : EG_SHARED_DIR);
    f = fopen(path, "r");
    if (!f) {
        printf("no %s: skipped\n", path);
        skip();
    }
    while (read_row(f, &r)) {
        eg_flow_ensemble e = {.n = r.n,
                              .d = r.d,
                              .beta = r.beta,
                              .h = r.h,
                              .method = EG_FLOW_AUTHORS,
                              .delta = 1e-3,
                              .draws = r.d > 8 ? 128 : 1024,
                              .seed = 11,
                              .times = &r.t,
                              .n_times = 1};
        eg_flow_census c;
        eg_err err = {0};
        eg_index done;
        double sd, sdt;

        if (!in_subset(&r)) continue;
        assert_int_equal(
            eg_flow_ensemble_run(&c, &done, &e, NULL, NULL, NULL, &err), EG_OK);
        sd = c.density_sd * sqrt(1.0 / (double)e.draws + 1.0 / (double)r.draws);
        sdt = sqrt(fmax(r.together * (1 - r.together), 1e-3) *
                   (1.0 / (double)e.draws + 1.0 / (double)r.draws));
        printf("d %d beta %g t %g: density %.4f, recorded %.4f (%.1f s.d.); "
               "together %.3f, %.3f (%.1f s.d.); components %.3f, %.3f\n",
               r.d, r.beta, r.t, c.density, r.density,
               (c.density - r.density) / sd, c.together, r.together,
               (c.together - r.together) / sdt, c.components, r.components);
        assert_true(fabs(c.density - r.density) < 3 * sd + 1e-5);
        assert_true(fabs(c.together - r.together) < 3 * sdt);
        compared++;
    }
    fclose(f);
    assert_true(compared >= 18);
}

/* Bits, and stopping early. */
static bool stop_at_half(void *ctx, double part)
{
    *(double *)ctx = part;
    return part < 0.5;
}

static void test_threads(void **state)
{
    static const double times[] = {0, 2, 5, 7.5};
    eg_flow_ensemble e = {.n = 9,
                          .d = 3,
                          .beta = 3,
                          .h = 0.1,
                          .method = EG_FLOW_RK4,
                          .delta = 1e-3,
                          .draws = 205,
                          .seed = 2,
                          .times = times,
                          .n_times = 4};
    eg_flow_census c[3][4], half[4];
    eg_index done;
    eg_err err = {0};
    double part = 0;

    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        eg_pool *pool;
        assert_int_equal(eg_pool_new(&pool, threads, &err), EG_OK);
        assert_int_equal(eg_flow_ensemble_run(c[threads - 1], &done, &e, pool,
                                              NULL, NULL, &err),
                         EG_OK);
        eg_pool_free(pool);
    }
    assert_memory_equal(c[0], c[1], sizeof c[0]);
    assert_memory_equal(c[0], c[2], sizeof c[0]);
    assert_int_equal(
        eg_flow_ensemble_run(half, &done, &e, NULL, stop_at_half, &part, &err),
        EG_OK);
    printf("stopped after %td of %td draws\n", done, e.draws);
    assert_true(done >= 103 && done < 205 &&
                fabs(part - (double)done / 205) < 1e-12);
    e.scores = EG_FLOW_SCORES_GOE; /* and with matrices */
    e.draws = 30;
    e.dimension = true;
    for (int threads = 1; threads <= 2; threads++) {
        eg_pool *pool;
        assert_int_equal(eg_pool_new(&pool, threads, &err), EG_OK);
        assert_int_equal(eg_flow_ensemble_run(c[threads - 1], &done, &e, pool,
                                              NULL, NULL, &err),
                         EG_OK);
        eg_pool_free(pool);
    }
    assert_memory_equal(c[0], c[1], sizeof c[0]);
    e.scores = EG_FLOW_SCORES_IDENTITY;
    e.dimension = false;
    e.draws = 205;
    assert_int_equal(
        eg_flow_ensemble_run(half, &done, &e, NULL, stop_at_half, &part, &err),
        EG_OK);
    e.draws = done; /* the draws done are the first ones */
    assert_int_equal(
        eg_flow_ensemble_run(c[1], &done, &e, NULL, NULL, NULL, &err), EG_OK);
    assert_memory_equal(half, c[1], sizeof half);
}

/* What cannot be is an error; one token is not. */
static void test_errors(void **state)
{
    static const double times[] = {1, 2}, bad[] = {2, 1};
    const eg_flow_ensemble good = {.n = 1,
                                   .d = 2,
                                   .beta = 1,
                                   .h = 0.1,
                                   .method = EG_FLOW_AUTHORS,
                                   .delta = 1e-3,
                                   .draws = 3,
                                   .times = times,
                                   .n_times = 2};
    eg_flow_ensemble e[9];
    eg_flow_census c[2];
    eg_index done;
    eg_err err = {0};

    (void)state;
    for (int i = 0; i < 9; i++) e[i] = good;
    e[0].h = 0;
    e[1].n = 0;
    e[2].draws = 0;
    e[3].times = bad;
    e[4].method = EG_FLOW_BDF;
    e[5].delta = 0;
    e[6].beta = -301;
    e[7].beta = 701;
    e[7].model = EG_FLOW_USA;
    e[8].beta = NAN;
    for (int i = 0; i < 9; i++) {
        assert_int_equal(
            eg_flow_ensemble_run(c, &done, &e[i], NULL, NULL, NULL, &err),
            EG_EINVAL);
        printf("%s\n", err.msg);
    }
    assert_int_equal(
        eg_flow_ensemble_run(c, &done, &good, NULL, NULL, NULL, &err), EG_OK);
    assert_true(isnan(c[0].density) && c[0].components == 1 &&
                c[0].histogram[1] == 3);
    e[0] = good;
    e[0].scores = EG_FLOW_SCORES_GAUSSIAN;
    e[0].dimension = true;
    for (int at = 1; at <= 14; at++) {
        int64_t live = eg_mem_query().live_bytes;
        eg_mem_fail_after(at);
        assert_int_equal(eg_flow_ensemble_run(c, &done, at <= 5 ? &good : &e[0],
                                              NULL, NULL, NULL, &err),
                         EG_ENOMEM);
        eg_mem_fail_after(0);
        assert_true(eg_mem_query().live_bytes == live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),    cmocka_unit_test(test_random),
        cmocka_unit_test(test_matrices), cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_threads),  cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests_name("ensemble", tests, NULL, NULL);
}
