/* Matrix products of every set against float64: all storage forms, awkward
 * sizes, strides wider than the matrix, accumulation, alpha, K = 0. The bound
 * is the textbook one, (K + 4) eps sum |a||b|. */
#include "kern_test.h"
#include "sanitized.h"

typedef struct shape {
    eg_index M, N, K;
} shape;

typedef struct form {
    int a_turned, b_turned, acc, packed, off, pad;
    kt_real alpha;
} form;

enum { SETS = 16 };

/* The inputs of a product, and what it comes to: the same for all sets. */
typedef struct product {
    kt_buf a, b, before;
    eg_index lda, ldb, ldc;
    double *c, *mass; /* [M, ldc], [M, N] */
} product;

static product product_make(shape s, form f)
{
    const eg_kern_f64 *t = kt_truth();
    product p = {.lda = (f.a_turned ? s.M : s.K) + f.pad,
                 .ldb = (f.b_turned ? s.K : s.N) + f.pad,
                 .ldc = s.N + f.pad};
    eg_index rs = f.a_turned ? 1 : p.lda, cs = f.a_turned ? p.lda : 1;
    eg_index brs = f.b_turned ? 1 : p.ldb, bcs = f.b_turned ? p.ldb : 1;
    kt_buf work = kt_new(t->pack_size(s.K, s.N), 0, 1);

    p.a = kt_input((f.a_turned ? s.K : s.M) * p.lda, f.off, 1);
    p.b = kt_input((f.b_turned ? s.N : s.K) * p.ldb, f.off, 1);
    p.before = kt_new(s.M * p.ldc, f.off, 1);
    p.c = calloc((size_t)(s.M * p.ldc + 1), sizeof *p.c);
    p.mass = calloc((size_t)(s.M * s.N + 1), sizeof *p.mass);
    assert_true(p.c && p.mass);
    memcpy(p.c, p.before.d, (size_t)p.before.n * sizeof *p.c);
    t->gemm(p.c, p.ldc, p.a.d, rs, cs, p.b.d, brs, bcs, s.M, s.N, s.K,
            (double)f.alpha, f.acc, work.d);
    for (eg_index i = 0; i < p.a.n; i++) p.a.d[i] = fabs(p.a.d[i]);
    for (eg_index i = 0; i < p.b.n; i++) p.b.d[i] = fabs(p.b.d[i]);
    t->gemm(p.mass, s.N, p.a.d, rs, cs, p.b.d, brs, bcs, s.M, s.N, s.K,
            fabs((double)f.alpha), 0, work.d);
    kt_free(&work, "truth");
    return p;
}

static void product_free(product *p)
{
    kt_free(&p->a, "a");
    kt_free(&p->b, "b");
    kt_free(&p->before, "c as it was");
    free(p->c);
    free(p->mass);
}

static void check_set(const kt_set *k, const product *p, shape s, form f,
                      double *worst)
{
    eg_index rs = f.a_turned ? 1 : p->lda, cs = f.a_turned ? p->lda : 1;
    eg_index brs = f.b_turned ? 1 : p->ldb, bcs = f.b_turned ? p->ldb : 1;
    kt_buf c = kt_copy(&p->before, f.off);
    kt_buf work = kt_new(k->pack_size(s.K, s.N), f.off, 1);
    char what[160];

    snprintf(what, sizeof what,
             "%s gemm M %td N %td K %td a%c b%c acc %d packed %d pad %d",
             k->name, s.M, s.N, s.K, f.a_turned ? 't' : 'n',
             f.b_turned ? 't' : 'n', f.acc, f.packed, f.pad);
    if (f.packed) {
        k->pack(work.f, p->b.f, brs, bcs, s.K, s.N);
        k->gemm_packed(c.f, p->ldc, p->a.f, rs, cs, work.f, s.M, s.N, s.K,
                       f.alpha, f.acc);
    } else {
        k->gemm(c.f, p->ldc, p->a.f, rs, cs, p->b.f, brs, bcs, s.M, s.N, s.K,
                f.alpha, f.acc, work.f);
    }
    for (eg_index m = 0; m < s.M; m++) {
        for (eg_index n = 0; n < p->ldc; n++) {
            eg_index i = m * p->ldc + n;
            double old = f.acc ? fabs(p->before.d[i]) : 0, tol = 0;

            if (n < s.N)
                tol = KT_EPS / 2 * (double)(s.K + 4) *
                      (p->mass[m * s.N + n] + old);
            kt_close((double)c.f[i], p->c[i], tol, what, i, worst);
        }
    }
    kt_check_guards(&p->a, what);
    kt_check_guards(&p->b, what);
    kt_free(&c, what);
    kt_free(&work, what);
}

/* One product by every set; worst [SETS] of the set's number. */
static void run(shape s, form f, double *worst)
{
    product p = product_make(s, f);

    KT_FOR_SETS(k)
    {
        assert_in_range(set_, 0, SETS - 1);
        check_set(k, &p, s, f, &worst[set_]);
    }
    product_free(&p);
}

static void tell(const double *worst)
{
    KT_FOR_SETS(k)
    printf("%-8s worst error / bound %.3f\n", k->name, worst[set_]);
}

static const shape shapes[] = {
    {0, 5, 5},
    {5, 0, 5},
    {5, 5, 0},
    {1, 1, 1},
    {1, 65, 9},
    {7, 8, 31},
    {8, 31, 7},
    {9, 33, 64},
    {31, 9, 65},
    {33, 64, 8},
    {64, 65, 1},
    {65, 127, 33},
    {127, 32, 65},
    {13, 16, 128},
    {130, 48, 20},
    {14, 17, 3},
    {6, 15, 400},
    {129, 96, 390},
    {3, 63, 1000},
    /* a column more than tiles have, a step of k more, both */
    {40, 65, 64},
    {37, 48, 65},
    {70, 65, 65},
    {33, 497, 353},
    /* a last vector of some columns beside two whole ones */
    {9, 21, 130},
    {70, 42, 390},
    {66, 35, 20},
    {17, 86, 257},
};

/* Of the forms of every shape one in three with a sanitizer, others for the
 * next shape: all of them take minutes there. */
enum { STRIDE = SANITIZED ? 3 : 1 };

static void test_forms(void **state)
{
    double worst[SETS] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (int v = (int)i % STRIDE; v < 32; v += STRIDE) {
            form f = {.a_turned = v & 1,
                      .b_turned = v >> 1 & 1,
                      .acc = v >> 2 & 1,
                      .packed = v >> 3 & 1,
                      .off = v >> 4,
                      .pad = (v >> 4) * 3,
                      .alpha = v & 16 ? -0.75f : 1.0f};
            run(shapes[i], f, worst);
        }
    }
    tell(worst);
}

/* Around the blocks of products with 512 columns and more (64 or 66 rows, 1024
 * values of k, panels of 32 columns or fewer), and results of 8 MiB. */
static const shape large[] = {
    {64, 512, 64},  {65, 513, 9},    {129, 530, 21}, {31, 543, 6},
    {9, 513, 1025}, {33, 545, 1026}, {3, 560, 2051}, {67, 512, 66},
    {66, 511, 70},  {132, 515, 5},   {7, 1024, 3},   {64, 519, 512},
    {300, 40, 130}, {270, 515, 260}, {9, 16400, 5},  {40, 1030, 300},
};
static const shape huge[] = {{1027, 2064, 2}, {1030, 2048, 5}};

static void test_large(void **state)
{
    double worst[SETS] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        for (int v = (int)i % STRIDE; v < 8; v += STRIDE) {
            int odd = v % 3;
            form f = {.a_turned = v & 1,
                      .b_turned = v >> 1 & 1,
                      .packed = v >> 2 & 1,
                      .acc = odd == 1,
                      .off = odd == 2,
                      .pad = odd == 2 ? 3 : 0,
                      .alpha = odd == 2 ? 1.0f : -0.75f};
            run(large[i], f, worst);
        }
    }
    for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) {
        for (int v = (int)i % STRIDE; v < 4; v += STRIDE) { /* 0: on a line */
            form f = {
                .a_turned = v & 1, .packed = v >> 1, .off = 4 * v, .alpha = 1};
            run(huge[i], f, worst);
        }
    }
    tell(worst);
}

/* A row of the result does not depend on how many rows there are: products of
 * the first rows and of the rest give the same numbers. */
static void check_rows(const kt_set *k, shape s, form f, eg_index first)
{
    eg_index rs = f.a_turned ? 1 : s.K, cs = f.a_turned ? s.M : 1;
    eg_index brs = f.b_turned ? 1 : s.N, bcs = f.b_turned ? s.K : 1;
    kt_buf a = kt_input(s.M * s.K, 0, 1), b = kt_input(s.N * s.K, 0, 1);
    kt_buf whole = kt_new(s.M * s.N, 0, 1), parts = kt_new(s.M * s.N, 0, 1);
    kt_buf work = kt_new(k->pack_size(s.K, s.N), 0, 1);
    const eg_index begin[] = {0, 0, first}, end[] = {s.M, first, s.M};

    for (int i = 0; i < 3; i++) {
        kt_real *c = (i == 0 ? whole.f : parts.f) + begin[i] * s.N;
        const kt_real *ai = a.f + begin[i] * rs;
        eg_index rows = end[i] - begin[i];

        if (f.packed) {
            k->pack(work.f, b.f, brs, bcs, s.K, s.N);
            k->gemm_packed(c, s.N, ai, rs, cs, work.f, rows, s.N, s.K, 1, 0);
        } else {
            k->gemm(c, s.N, ai, rs, cs, b.f, brs, bcs, rows, s.N, s.K, 1, 0,
                    work.f);
        }
    }
    for (eg_index i = 0; i < whole.n; i++) {
        if (whole.f[i] != parts.f[i]) {
            fail_msg("%s M %td N %td K %td a%d b%d packed %d, first %td: entry "
                     "%td is %.9g, in parts %.9g",
                     k->name, s.M, s.N, s.K, f.a_turned, f.b_turned, f.packed,
                     first, i, (double)whole.f[i], (double)parts.f[i]);
        }
    }
    kt_free(&a, "a");
    kt_free(&b, "b");
    kt_free(&whole, "c");
    kt_free(&parts, "parts of c");
    kt_free(&work, "work");
}

static void test_rows(void **state)
{
    static const shape of[] = {{70, 513, 1025}, {129, 577, 300},
                               {70, 65, 400},   {67, 257, 390},
                               {70, 513, 500},  {70, 529, 500}};
    (void)state;
    KT_FOR_SETS(k)
    {
        if (strcmp(k->name, "amx") == 0) continue; /* promises less */
        for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
            for (int v = (int)i % STRIDE; v < 8; v += STRIDE) {
                form f = {.a_turned = v & 1,
                          .b_turned = v >> 1 & 1,
                          .packed = v >> 2 & 1};
                check_rows(k, of[i], f, 1);
                check_rows(k, of[i], f, 37);
            }
        }
    }
}

/* A new array that begins on a cache line. */
static kt_buf on_a_line(eg_index n)
{
    const eg_index line = 64 / sizeof(kt_real);
    kt_buf b = kt_new(n + line, 0, 1);
    eg_index skip = (eg_index)(-(uintptr_t)b.f % 64 / sizeof *b.f);

    b.f += skip;
    b.n = n;
    b.after += line - skip;
    for (eg_index i = 0; i < skip; i++) b.f[i - skip] = (kt_real)KT_GUARD_VALUE;
    for (eg_index i = skip; i < line; i++)
        b.f[n + i - skip] = (kt_real)KT_GUARD_VALUE;
    for (eg_index i = 0; i < n; i++) b.d[i] = (double)b.f[i];
    return b;
}

/* n reals and nothing else: without the float64 copies of a kt_buf. */
static kt_real *reals(eg_index n)
{
    kt_real *x = malloc((size_t)(n + 1) * sizeof *x);

    assert_non_null(x);
    for (eg_index i = 0; i < n; i++) x[i] = (kt_real)kt_uniform();
    return x;
}

/* How a product is done may depend on its number of columns; its result is that
 * of two products with about half of them each, up to tol. */
static void check_halves(const kt_set *k, shape s, form f, double tol)
{
    eg_index lda = f.a_turned ? s.M : s.K, ldb = f.b_turned ? s.K : s.N;
    eg_index rs = f.a_turned ? 1 : lda, cs = f.a_turned ? lda : 1;
    eg_index brs = f.b_turned ? 1 : ldb, bcs = f.b_turned ? ldb : 1;
    eg_index ldc = (s.N + 15) / 16 * 16, half = s.N / 64 * 32;
    const eg_index first[] = {0, 0, half}, cols[] = {s.N, half, s.N - half};
    kt_real *a = reals(s.M * s.K), *b = reals(s.K * s.N);
    kt_real *work = reals(k->pack_size(s.K, s.N));
    kt_buf whole = on_a_line(s.M * ldc), halves = kt_copy(&whole, 0);

    for (int i = 0; i < 3; i++) {
        kt_real *c = (i == 0 ? whole.f : halves.f) + first[i];
        const kt_real *bi = b + first[i] * bcs;

        if (f.packed) {
            k->pack(work, bi, brs, bcs, s.K, cols[i]);
            k->gemm_packed(c, ldc, a, rs, cs, work, s.M, cols[i], s.K, f.alpha,
                           0);
        } else {
            k->gemm(c, ldc, a, rs, cs, bi, brs, bcs, s.M, cols[i], s.K, f.alpha,
                    0, work);
        }
    }
    for (eg_index i = 0; i < whole.n; i++) {
        if (!(fabs((double)(whole.f[i] - halves.f[i])) <= tol)) {
            fail_msg("%s M %td N %td K %td a%d b%d packed %d: entry %td is "
                     "%.9g, in halves %.9g",
                     k->name, s.M, s.N, s.K, f.a_turned, f.b_turned, f.packed,
                     i, (double)whole.f[i], (double)halves.f[i]);
        }
    }
    free(a);
    free(b);
    free(work);
    kt_free(&whole, "c");
    kt_free(&halves, "halves of c");
}

/* Results of 8 MiB and more, which may be written past the caches: sums of one
 * step, of none, of a whole block of k, of more; a last cell of 16 columns, of
 * fewer, of few rows. */
static void test_halves(void **state)
{
    static const shape of[] = {{1024, 2064, 32},  {1030, 2090, 64},
                               {1043, 2050, 130}, {1025, 2084, 256},
                               {1024, 2064, 0},   {1025, 2064, 300}};
    (void)state;
    KT_FOR_SETS(k)
    {
        if (strcmp(k->name, "ref") == 0) continue; /* one loop for all */
        for (int i = 0; i < (SANITIZED ? 6 : 12); i++) {
            int v = (5 * i + i / 6) % 8; /* two forms each, all eight of them */
            form f = {.a_turned = v & 1,
                      .b_turned = v >> 1 & 1,
                      .packed = v >> 2,
                      .alpha = v % 3 == 0 ? 1 : -0.75f};
            check_halves(k, of[i % 6], f, 0);
        }
    }
}

/* From 2^24 entries of B on the set for the matrix unit packs it otherwise. */
static void test_wide(void **state)
{
    static const shape of[] = {{130, 4155, 4100}, {291, 33000, 510}};
    const kt_set *k = KT_PICK("amx");
    (void)state;

    if (!k || strcmp(k->name, "amx") != 0) {
        skip();
        return;
    }
    for (int v = 0; v < 3; v++) {
        form f = {.a_turned = v & 1,
                  .b_turned = v == 1,
                  .packed = v < 2,
                  .alpha = v == 1 ? -0.75f : 1};
        shape s = of[v % 2];
        /* the sums of blocks of k are added up in another order */
        double blocks = (double)s.K / 128 + 1;
        check_halves(k, s, f, blocks * KT_EPS * sqrt((double)s.K));
    }
}

/* Small integers: every product and sum is exact, so is the result. */
static void test_exact(void **state)
{
    const eg_index M = 37, N = 50, K = 45;
    (void)state;
    KT_FOR_SETS(k)
    {
        kt_buf a = kt_input(M * K, 1, 1), b = kt_input(K * N, 1, 1);
        kt_buf c = kt_new(M * N, 1, 1);
        kt_buf work = kt_new(k->pack_size(K, N), 0, 1);

        for (eg_index i = 0; i < a.n; i++) a.f[i] = (kt_real)(i % 7 - 3);
        for (eg_index i = 0; i < b.n; i++) b.f[i] = (kt_real)(i % 5 - 2);
        k->gemm(c.f, N, a.f, K, 1, b.f, N, 1, M, N, K, 1, 0, work.f);
        for (eg_index m = 0; m < M; m++) {
            for (eg_index n = 0; n < N; n++) {
                eg_index sum = 0;
                for (eg_index i = 0; i < K; i++) {
                    sum += ((m * K + i) % 7 - 3) * ((i * N + n) % 5 - 2);
                }
                if (c.f[m * N + n] != (kt_real)sum) {
                    fail_msg("%s (%td,%td): %g, expected %td", k->name, m, n,
                             (double)c.f[m * N + n], sum);
                }
            }
        }
        kt_free(&a, "a");
        kt_free(&b, "b");
        kt_free(&c, "c");
        kt_free(&work, "work");
    }
}

/* A NaN in one row of A reaches that row of C and no other. */
static void test_nan(void **state)
{
    const eg_index M = 19, N = 40, K = 23;
    (void)state;
    KT_FOR_SETS(k)
    {
        kt_buf a = kt_input(M * K, 0, 1), b = kt_input(K * N, 0, 1);
        kt_buf c = kt_new(M * N, 0, 1);
        kt_buf work = kt_new(k->pack_size(K, N), 0, 1);

        a.f[11 * K + 5] = NAN;
        k->gemm(c.f, N, a.f, K, 1, b.f, N, 1, M, N, K, 1, 0, work.f);
        for (eg_index i = 0; i < c.n; i++) {
            assert_int_equal(isnan(c.f[i]) != 0, i / N == 11);
        }
        kt_free(&a, "a");
        kt_free(&b, "b");
        kt_free(&c, "c");
        kt_free(&work, "work");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms), cmocka_unit_test(test_large),
        cmocka_unit_test(test_rows),  cmocka_unit_test(test_halves),
        cmocka_unit_test(test_wide),  cmocka_unit_test(test_exact),
        cmocka_unit_test(test_nan),
    };
    return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}
