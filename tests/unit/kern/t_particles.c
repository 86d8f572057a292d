/* Particle kernels: every set against the reference over awkward sizes, with
 * guard values around what is written. */
#include "kern/kern_test.h"
#include "kern/particles.h"

#define FOR_SETS(p)                                                            \
    for (int s_ = 0; eg_kern_name(s_); s_++)                                   \
        for (const egi_particles *p = egi_particles_pick(eg_kern_name(s_)); p; \
             p = NULL)

#define GUARD 777.25

typedef struct block {
    double *v, *base;
    eg_index n;
} block;

static block block_new(eg_index n)
{
    block b = {.n = n, .base = malloc((size_t)(n + 32) * sizeof(double))};

    assert_non_null(b.base);
    for (eg_index i = 0; i < n + 32; i++) b.base[i] = GUARD;
    b.v = b.base + 16;
    return b;
}

static void block_free(block *b)
{
    for (eg_index i = 0; i < 16; i++)
        assert_true(b->base[i] == GUARD && b->base[b->n + 16 + i] == GUARD);
    free(b->base);
}

/* n unit vectors of R^d; every third near the first. */
static void unit_vectors(double *x, eg_index n, eg_index d)
{
    for (eg_index i = 0; i < n; i++) {
        double norm = 0;
        for (eg_index k = 0; k < d; k++) {
            double near = i % 3 == 1 ? 50 * x[k] : 0;
            x[i * d + k] = kt_uniform() + near;
            norm += x[i * d + k] * x[i * d + k];
        }
        for (eg_index k = 0; k < d; k++) x[i * d + k] /= sqrt(norm);
    }
}

/* Largest difference relative to the largest entry. */
static double compare(const double *a, const double *b, eg_index n)
{
    double worst = 0, top = 0;

    for (eg_index i = 0; i < n; i++) {
        if (!(fabs(a[i] - b[i]) <= worst)) worst = fabs(a[i] - b[i]);
        top = fmax(top, fabs(b[i]));
    }
    return top > 0 ? worst / top : worst;
}

enum { N = 160 };

/* A cloud of both precisions on the same (rounded) numbers. */
typedef struct clouds {
    egi_cloud_f32 f;
    egi_cloud_f64 d;
    float *floats;
    double *doubles;
} clouds;

static clouds clouds_new(eg_index d, double beta)
{
    clouds c = {0};
    eg_index size = (3 * d + 1) * N;
    double s = sqrt(0.5 * fabs(beta) * M_LOG2E), sign = beta < 0 ? -1 : 1;
    double *x = malloc((size_t)(N * d) * sizeof *x);

    c.doubles = calloc((size_t)size, sizeof *c.doubles);
    c.floats = calloc((size_t)size, sizeof *c.floats);
    assert_true(c.doubles && c.floats && x);
    unit_vectors(x, N, d);
    for (eg_index i = 0; i < N - 5; i++) { /* the last five are padding */
        double m = 1 + kt_uniform() / 2;
        for (eg_index k = 0; k < d; k++) {
            double *at = c.doubles + k * N + i;
            at[0] = (double)(float)(s * x[i * d + k]);
            at[d * N] = sign * at[0];
            at[2 * d * N] = (double)(float)(m * x[i * d + k]);
        }
        c.doubles[3 * d * N + i] = (double)(float)m;
    }
    for (eg_index i = 0; i < size; i++) c.floats[i] = (float)c.doubles[i];
    c.d = (egi_cloud_f64){.ld = N,
                          .d = d,
                          .shift = -fabs(beta) * M_LOG2E,
                          .q = c.doubles,
                          .r = c.doubles + d * N,
                          .mx = c.doubles + 2 * d * N,
                          .m = c.doubles + 3 * d * N};
    c.f = (egi_cloud_f32){.ld = N,
                          .d = d,
                          .shift = (float)c.d.shift,
                          .q = c.floats,
                          .r = c.floats + d * N,
                          .mx = c.floats + 2 * d * N,
                          .m = c.floats + 3 * d * N};
    free(x);
    return c;
}

/* way 0: pairs one way, 1: both ways, 2: rows. */
static void run_pairs(const egi_particles *p, clouds *c, int way, block *f,
                      block *d)
{
    eg_index j0 = way == 1 ? 96 : 0, j1 = way == 1 ? 160 : 96;

    c->f.S = f->v;
    c->f.F = f->v + N;
    c->d.S = d->v;
    c->d.F = d->v + N;
    for (eg_index i = 0; i < d->n; i++) f->v[i] = d->v[i] = 0.25;
    if (way == 2) {
        p->rows_f32(&c->f, 32, 96, j0, j1);
        p->rows_f64(&c->d, 32, 96, j0, j1);
    } else {
        p->pairs_f32(&c->f, 32, 96, j0, j1, way == 1);
        p->pairs_f64(&c->d, 32, 96, j0, j1, way == 1);
    }
}

static void test_pairs(void **state)
{
    const double betas[] = {0, 1, 9, -4, 300};
    const eg_index dims[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 40};

    (void)state;
    FOR_SETS(p)
    {
        double wf = 0, wd = 0, tf, td;
        for (int b = 0; b < 5; b++) {
            for (int i = 0; i < 11; i++) {
                for (int way = dims[i] > EGI_CLOUD_SMALL_D ? 2 : 0; way < 3;
                     way++) {
                    clouds c = clouds_new(dims[i], betas[b]);
                    eg_index n = (dims[i] + 1) * N;
                    block f = block_new(n), d = block_new(n);
                    block rf = block_new(n), rd = block_new(n);

                    run_pairs(p, &c, way, &f, &d);
                    run_pairs(&egi_particles_ref, &c, way, &rf, &rd);
                    tf = compare(f.v, rf.v, n);
                    td = compare(d.v, rd.v, n);
                    /* an exponent is off by eps times its size, which is
                     * beta: float32 always, float64 where d is large */
                    assert_true(tf < (30 + fabs(betas[b])) * 1.2e-7);
                    assert_true(td <
                                (30 + (way == 2 ? 2 * fabs(betas[b]) : 0)) *
                                    2.3e-16);
                    wf = fmax(wf, tf);
                    wd = fmax(wd, td);
                    block_free(&f);
                    block_free(&d);
                    block_free(&rf);
                    block_free(&rd);
                    free(c.floats);
                    free(c.doubles);
                }
            }
        }
        printf("%-8s pairs: float32 %.1e, float64 %.1e\n", p->name, wf, wd);
    }
}

/* Two blocks around two points, as near each other as the short way allows
 * (`wide` times that); one of the second block has all the mass, so that S is
 * the weight 2^t of a pair. Returns the largest relative error of one above
 * 2^-60, over a + log(2) (3 + d / 2) |t|: t is a sum of d squares of rounded
 * differences, and what comes after it is off by `a` halves of an eps. */
static double near_weight(const egi_particles *p, eg_index d, double beta,
                          double wide, bool single, double a)
{
    enum { B = EGI_CLOUD_BLOCK, ALL = 2 * B };
    double s = sqrt(0.5 * fabs(beta) * M_LOG2E), worst = 0;
    double r = wide * sqrt((single ? 0.5 : 0.42) / 2); /* of a block */
    double *q = calloc((size_t)(3 * d + 1) * ALL, sizeof *q);
    float *f = calloc((size_t)(3 * d + 1) * ALL, sizeof *f);
    block out = block_new((d + 1) * ALL);
    egi_cloud_f64 c = {.ld = ALL, .d = d, .q = q};
    egi_cloud_f32 cf = {.ld = ALL, .d = d, .q = f};
    double centre[2][8];

    assert_true(q && f);
    c.r = q + d * ALL;
    cf.r = f + d * ALL;
    for (int b = 0; b < 2; b++) unit_vectors(centre[b], 1, d);
    for (eg_index i = 0; i < ALL; i++) {
        double step[8], norm = 0;

        unit_vectors(step, 1, d);
        norm = r * fabs(kt_uniform());
        for (eg_index k = 0; k < d; k++) {
            double v = s * centre[i >= B][k] + norm * step[k];
            f[k * ALL + i] = f[(d + k) * ALL + i] = (float)v;
            if (single) v = (double)(float)v;
            q[k * ALL + i] = q[(d + k) * ALL + i] = v;
        }
    }
    for (eg_index j = B; j < ALL; j += 5) {
        memset(q + 2 * d * ALL, 0, (size_t)((d + 1) * ALL) * sizeof *q);
        memset(f + 2 * d * ALL, 0, (size_t)((d + 1) * ALL) * sizeof *f);
        q[3 * d * ALL + j] = f[3 * d * ALL + j] = 1;
        for (eg_index i = 0; i < out.n; i++) out.v[i] = 0;
        c.shift = -fabs(beta) * M_LOG2E;
        cf.shift = (float)c.shift;
        c.mx = q + 2 * d * ALL;
        c.m = q + 3 * d * ALL;
        cf.mx = f + 2 * d * ALL;
        cf.m = f + 3 * d * ALL;
        c.S = cf.S = out.v;
        c.F = cf.F = out.v + ALL;
        if (single)
            p->pairs_f32(&cf, 0, B, B, ALL, j % 2);
        else
            p->pairs_f64(&c, 0, B, B, ALL, j % 2);
        for (eg_index i = 0; i < B; i++) {
            long double t = 0, w;
            for (eg_index k = 0; k < d; k++) {
                long double u = (long double)q[k * ALL + i] - q[k * ALL + j];
                t -= u * u;
            }
            w = exp2l(t);
            if (t > -60)
                worst = fmax(worst, (double)fabsl(out.v[i] / w - 1) /
                                        (a + 0.7 * (3 + 0.5 * (double)d) *
                                                 (double)fabsl(t)));
        }
    }
    block_free(&out);
    free(q);
    free(f);
    return worst;
}

static void test_near(void **state)
{
    (void)state;
    FOR_SETS(p)
    {
        /* float64: two exponentials of 2.3 each, seven roundings; float32: the
         * fifth power of a rounded number, a rounded table, and those */
        const double most[2] = {12, 20};
        double worst[2] = {0, 0};

        if (p == &egi_particles_ref) continue;
        for (int single = 0; single < 2; single++)
            for (eg_index d = 1; d <= EGI_CLOUD_SMALL_D; d++)
                for (int b = 0; b < 4; b++)
                    for (int i = 0; i < 7; i++)
                        worst[single] = fmax(worst[single],
                                             near_weight(p, d, 0.5 * pow(3, b),
                                                         0.01 * (1 << i),
                                                         single, most[single]));
        printf("%-8s a weight of near blocks: float32 %.1e, float64 %.1e\n",
               p->name, most[1] * worst[1], most[0] * worst[0]);
        assert_true(worst[1] < 0x1p-24 && worst[0] < 0x1p-53);
    }
}

/* Sums and fields of a series: random coefficients, so that every one counts.
 */
static double series(const egi_particles *p, eg_index n, eg_index K, eg_index d,
                     bool masses)
{
    const egi_particles *ref = &egi_particles_ref;
    eg_index terms = d == 2 ? K + 1 : egi_sphere_size(K);
    eg_index n_g = terms * 2 * (d + 1);
    double *x = malloc((size_t)(n * d + 1) * sizeof *x), worst;
    double *mass = malloc((size_t)(n + 1) * sizeof *mass);
    double *g = malloc((size_t)n_g * sizeof *g);
    double *gamma = malloc((size_t)terms * sizeof *gamma);
    double *work =
        aligned_alloc(64, (size_t)(2 * terms * EGI_SERIES_LANES) * 8);
    block M = block_new(2 * terms), Mr = block_new(2 * terms);
    block out = block_new(n * (d + 1)), outr = block_new(n * (d + 1));

    assert_true(x && mass && g && gamma && work);
    unit_vectors(x, n, d);
    for (eg_index i = 0; i < n; i++) mass[i] = 1 + kt_uniform() / 2;
    for (eg_index i = 0; i < n_g; i++) g[i] = kt_uniform();
    for (eg_index i = 0; i < terms; i++) gamma[i] = 0.25 + kt_uniform() / 9;
    if (d == 2) {
        p->circle_moments(M.v, x, masses ? mass : NULL, n, K, work);
        ref->circle_moments(Mr.v, x, masses ? mass : NULL, n, K, work);
        p->circle_field(out.v, out.v + n, x, n, K, g);
        ref->circle_field(outr.v, outr.v + n, x, n, K, g);
    } else {
        p->sphere_moments(M.v, x, masses ? mass : NULL, n, K, gamma, work);
        ref->sphere_moments(Mr.v, x, masses ? mass : NULL, n, K, gamma, work);
        p->sphere_field(out.v, out.v + n, x, n, K, gamma, g);
        ref->sphere_field(outr.v, outr.v + n, x, n, K, gamma, g);
    }
    worst = fmax(compare(M.v, Mr.v, 2 * terms),
                 compare(out.v, outr.v, n * (d + 1)));
    block_free(&M);
    block_free(&Mr);
    block_free(&out);
    block_free(&outr);
    free(x);
    free(mass);
    free(g);
    free(gamma);
    free(work);
    return worst;
}

static void test_series(void **state)
{
    const eg_index sizes[] = {0, 1, 7, 8, 9, 31, 64, 65, 255, 257, 600};
    const eg_index degrees[] = {0, 1, 2, 5, 24};

    (void)state;
    FOR_SETS(p)
    {
        double worst = 0;
        for (int i = 0; i < 11; i++)
            for (int k = 0; k < 5; k++)
                for (int d = 2; d <= 3; d++)
                    worst = fmax(
                        worst, series(p, sizes[i], degrees[k], d, i % 2 == 0));
        printf("%-8s series: %.1e\n", p->name, worst);
        assert_true(worst < 40 * 2.3e-16);
    }
}

static double swarm(const egi_particles *p, eg_index n, eg_index d, double beta)
{
    const egi_particles *ref = &egi_particles_ref;
    enum { L = EGI_SWARM_LANES };
    double *one = malloc((size_t)(n * d + 1) * sizeof *one), worst;
    double *x = aligned_alloc(64, (size_t)(n * d * L + L) * sizeof *x);
    double *work = aligned_alloc(64, (size_t)(4 * n * L + L) * sizeof *work);
    double *y = aligned_alloc(64, (size_t)(n * d * L + L) * sizeof *y);
    uint8_t *link = malloc((size_t)(n * n + 2)), *want;
    block A = block_new(n * (d + 1) * L), B = block_new(n * (d + 1) * L);
    eg_index pairs = n * (n - 1) / 2;

    want = malloc((size_t)(n * n + 2));
    assert_true(one && x && y && work && link && want);
    for (int lane = 0; lane < L; lane++) {
        unit_vectors(one, n, d);
        for (eg_index i = 0; i < n * d; i++) x[i * L + lane] = one[i];
    }
    p->swarm(A.v, A.v + n * d * L, x, n, d, beta, work);
    ref->swarm(B.v, B.v + n * d * L, x, n, d, beta, work);
    worst = compare(A.v, B.v, A.n);
    link[pairs] = 99;
    p->swarm_links(link, x, n, d, 0.9);
    ref->swarm_links(want, x, n, d, 0.9);
    assert_true(memcmp(link, want, (size_t)pairs) == 0 && link[pairs] == 99);
    /* any u will do; unit vectors would leave nothing but rounding */
    for (eg_index i = 0; i < n * d * L; i++) x[i] = 0.3 * kt_uniform();
    p->swarm_rate(A.v, B.v, B.v + n * d * L, 3, x, n, d, n % 2);
    ref->swarm_rate(B.v, B.v, B.v + n * d * L, 3, x, n, d, n % 2);
    worst = fmax(worst, compare(A.v, B.v, n * d * L));
    p->swarm_rate(A.v, B.v, NULL, 3, x, n, d, n % 3);
    ref->swarm_rate(B.v, B.v, NULL, 3, x, n, d, n % 3);
    worst = fmax(worst, compare(A.v, B.v, n * d * L));
    ref->swarm(B.v, B.v + n * d * L, x, n, d, beta, work);
    for (eg_index i = 0; i < n * d * L; i++) y[i] = x[i];
    p->swarm_step(y, B.v, n % 5 ? B.v + n * d * L : NULL, 0.3, n, d, n % 2);
    ref->swarm_step(x, B.v, n % 5 ? B.v + n * d * L : NULL, 0.3, n, d, n % 2);
    worst = fmax(worst, compare(y, x, n * d * L));
    for (eg_index i = 0; i < d; i++) B.v[i * L] = 0;
    p->swarm_unit(A.v, B.v, n, d);
    ref->swarm_unit(B.v, B.v, n, d);
    worst = fmax(worst, compare(A.v, B.v, n * d * L));
    block_free(&A);
    block_free(&B);
    free(one);
    free(x);
    free(y);
    free(work);
    free(link);
    free(want);
    return worst;
}

static void test_swarm(void **state)
{
    const eg_index dims[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 31};
    const eg_index sizes[] = {1, 2, 3, 5, 32};
    const double betas[] = {0, 1, 9, 60, -2};

    (void)state;
    FOR_SETS(p)
    {
        double worst = 0;
        for (int i = 0; i < 11; i++) {
            for (int k = 0; k < 5; k++) {
                for (int b = 0; b < 5; b++) {
                    double e = swarm(p, sizes[k], dims[i], betas[b]);
                    assert_true(e < (20 + 4 * fabs(betas[b])) * 2.3e-16);
                    worst = fmax(worst, e);
                }
            }
        }
        printf("%-8s swarm: %.1e\n", p->name, worst);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_swarm),
    };
    return cmocka_run_group_tests_name("particles", tests, NULL, NULL);
}
