/* Precision bfloat16: products of matrices are the same to the bit in all sets,
 * for operands of every kind, and near the float64 products of the rounded
 * operands; attention is near the reference set's. */
#include "kern_test.h"

#define FOR_SETS(k)                                                           \
    for (int set_ = 0; eg_kern_name(set_); set_++)                            \
        for (const eg_kern_f32 *k = eg_kern_pick_bf16(eg_kern_name(set_)); k; \
             k = NULL)

static const eg_kern_f32 *reference(void)
{
    return eg_kern_pick_bf16("ref");
}

static uint32_t bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static float of_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)((kt_uniform() + 1) / 2 * n) % n;
}

/* Operands: NORMAL as in training; TINY, whose products and sums are near and
 * below 2^-126; ANY exponent; HUGE, whose sums overflow; SPECIAL, with zeros,
 * denormals, infinities and NaN in between. */
typedef enum kind { NORMAL, TINY, ANY, LARGE, SPECIAL, KINDS } kind;

static const char *const kind_name[] = {"normal", "tiny", "any", "large",
                                        "special"};

static float operand(kind of)
{
    uint32_t sign_and_rest = below(1u << 16) | below(1u << 7) << 16, e;

    if (below(2)) sign_and_rest |= 0x80000000;
    switch (of) {
    case NORMAL:
        e = 118 + below(12);
        break;
    case TINY:
        e = 55 + below(20);
        break;
    case ANY:
        e = below(255);
        break;
    case LARGE:
        e = 180 + below(20);
        break;
    default:
        e = below(40) ? 120 + below(10) : below(2) * 255;
        if (e == 255 && below(2)) sign_and_rest &= 0x80000000;
    }
    return of_bits(sign_and_rest | e << 23);
}

static void fill(kt_buf *b, kind of)
{
    for (eg_index i = 0; i < b->n; i++) {
        b->f[i] = operand(of);
        b->d[i] = (double)b->f[i];
    }
}

/* What the set has and the reference has not, bit for bit; NaN is NaN. */
static void check_bits(const kt_buf *got, const kt_buf *want, const char *what)
{
    for (eg_index i = 0; i < got->n; i++) {
        float g = got->f[i], w = want->f[i];
        if ((isnan(g) && isnan(w)) || bits_of(g) == bits_of(w)) continue;
        fail_msg("%s, entry %td: %a, expected %a", what, i, (double)g,
                 (double)w);
    }
}

typedef struct shape {
    eg_index M, N, K;
    float alpha;
    int acc;
    bool a_turned, b_turned;
} shape;

/* One product by all sets, packed and not, against the reference set. */
static void check_product(shape s, kind of)
{
    eg_index ldc = s.N + 3;
    eg_index rs = s.a_turned ? 1 : s.K + 2, cs = s.a_turned ? s.M + 1 : 1;
    eg_index brs = s.b_turned ? 1 : s.N + 1, bcs = s.b_turned ? s.K + 5 : 1;
    kt_buf a = kt_input((s.M + 2) * (s.K + 2), 1, 1);
    kt_buf b = kt_input((s.N + 5) * (s.K + 5), 1, 1);
    kt_buf c = kt_new(s.M * ldc, 1, 1), want = c, got[2];
    eg_index room = 0;
    float *work;

    fill(&a, of);
    fill(&b, of);
    fill(&c, of);
    want = kt_copy(&c, 1);
    reference()->gemm(want.f, ldc, a.f, rs, cs, b.f, brs, bcs, s.M, s.N, s.K,
                      s.alpha, s.acc, NULL);
    FOR_SETS(k)
    {
        eg_index size = k->pack_size(s.K, s.N);
        if (size > room) room = size;
    }
    work = aligned_alloc(64, (size_t)(room * 4 + 127) / 64 * 64);
    assert_non_null(work);
    FOR_SETS(k)
    {
        for (int packed = 0; packed < 2; packed++) {
            char what[128];

            snprintf(what, sizeof what,
                     "%s %s of %s: %tdx%tdx%td alpha %g acc %d, %d %d", k->name,
                     packed ? "gemm_packed" : "gemm", kind_name[of], s.M, s.N,
                     s.K, (double)s.alpha, s.acc, s.a_turned, s.b_turned);
            got[packed] = kt_copy(&c, 2);
            if (packed) {
                k->pack(work, b.f, brs, bcs, s.K, s.N);
                k->gemm_packed(got[1].f, ldc, a.f, rs, cs, work, s.M, s.N, s.K,
                               s.alpha, s.acc);
            } else {
                k->gemm(got[0].f, ldc, a.f, rs, cs, b.f, brs, bcs, s.M, s.N,
                        s.K, s.alpha, s.acc, work);
            }
            check_bits(&got[packed], &want, what);
            kt_free(&got[packed], what);
        }
    }
    free(work);
    kt_free(&want, "want");
    kt_free(&c, "c");
    kt_free(&a, "a");
    kt_free(&b, "b");
}

static void test_bits(void **state)
{
    static const eg_index shapes[][3] = {
        {1, 1, 1},    {1, 65, 33},   {16, 16, 32},  {17, 33, 31},
        {5, 7, 16},   {40, 65, 129}, {33, 48, 257}, {3, 2, 530},
        {70, 100, 9}, {64, 64, 64},  {7, 20, 0}};

    (void)state;
    for (int of = 0; of < KINDS; of++) {
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            const eg_index *s = shapes[i];
            for (int way = 0; way < 8; way++) {
                check_product((shape){s[0], s[1], s[2], way & 4 ? 0.375f : 1,
                                      way & 1, way & 2, way >> 1 & way & 1},
                              of);
            }
        }
    }
    check_product((shape){300, 530, 300, 1, 0, false, false}, NORMAL);
    check_product((shape){290, 520, 270, 1, 1, true, true}, TINY);
    check_product((shape){40, 1050, 800, 1, 0, false, true}, ANY);
}

/* Rows and columns alone have the bits that they have among others. */
static void test_alone(void **state)
{
    const eg_index M = 37, N = 70, K = 300;
    kt_buf a = kt_input(M * K, 0, 1), b = kt_input(K * N, 0, 1);

    (void)state;
    FOR_SETS(k)
    {
        kt_buf c = kt_new(M * N, 0, 1), part = kt_new(M * N, 0, 1);
        float *work = malloc((size_t)k->pack_size(K, N) * sizeof *work + 64);

        assert_non_null(work);
        k->gemm(c.f, N, a.f, K, 1, b.f, N, 1, M, N, K, 1, 0, work);
        k->gemm(part.f, N, a.f, K, 1, b.f, N, 1, 20, N, K, 1, 0, work);
        k->gemm(part.f + 20 * N, N, a.f + 20 * K, K, 1, b.f, N, 1, M - 20, 33,
                K, 1, 0, work);
        k->gemm(part.f + 20 * N + 33, N, a.f + 20 * K, K, 1, b.f + 33, N, 1,
                M - 20, N - 33, K, 1, 0, work);
        check_bits(&part, &c, k->name);
        free(work);
        kt_free(&part, "part");
        kt_free(&c, "c");
    }
    kt_free(&a, "a");
    kt_free(&b, "b");
}

static double rounded(float x)
{
    uint32_t u = bits_of(x);
    u += 0x7fff + (u >> 16 & 1);
    return (double)of_bits(u & 0xffff0000);
}

/* Against the exact products of rounded operands: the error of a sum of K +
 * K/32
 * + 2 roundings at most, |error| <= c eps sum |a b|, with c = 18 + K / 32: 16
 * along a half, the two halves, and one a step. */
static void test_value(void **state)
{
    const eg_index M = 20, N = 34, K = 200;
    kt_buf a = kt_input(M * K, 0, 1), b = kt_input(K * N, 0, 1);
    double worst = 0;

    (void)state;
    FOR_SETS(k)
    {
        kt_buf c = kt_new(M * N, 0, 1);
        float *work = malloc((size_t)k->pack_size(K, N) * sizeof *work + 64);

        assert_non_null(work);
        k->gemm(c.f, N, a.f, K, 1, b.f, N, 1, M, N, K, 1, 0, work);
        for (eg_index i = 0; i < M * N; i++) {
            double sum = 0, size = 0;
            for (eg_index j = 0; j < K; j++) {
                double x =
                    rounded(a.f[i / N * K + j]) * rounded(b.f[j * N + i % N]);
                sum += x;
                size += fabs(x);
            }
            kt_close((double)c.f[i], sum,
                     (18 + (double)K / 32) * 0x1p-24 * size, k->name, i,
                     &worst);
        }
        free(work);
        kt_free(&c, "c");
    }
    printf("largest error / bound: %.3f\n", worst);
    kt_free(&a, "a");
    kt_free(&b, "b");
}

typedef struct head {
    eg_index rows, keys, dh, dv;
} head;

enum { EXTRA = 3 };

/* Largest |x - y| over the largest |y|. */
static double apart(const kt_buf *x, const float *y)
{
    double worst = 0, size = 0;

    for (eg_index i = 0; i < x->n; i++) {
        worst = fmax(worst, fabs((double)x->f[i] - (double)y[i]));
        size = fmax(size, fabs((double)y[i]));
    }
    return worst / size;
}

/* Forward and back by one set: z, p, dq, dk, dv. */
static void attend(const eg_kern_f32 *k, const head *h, kt_buf out[5],
                   const kt_buf in[4], const int32_t *limit)
{
    eg_index ldh = h->dh + EXTRA, ldv = h->dv + EXTRA;
    eg_index room = k->attn_work(h->dh, h->dv, limit[h->rows - 1]);
    float *work = malloc((size_t)room * sizeof *work + 64), scale = 0.125f;

    assert_non_null(work);
    k->attn(out[0].f, ldv, out[1].f, in[0].f, ldh, limit, in[1].f, ldh, in[2].f,
            ldv, h->rows, h->dh, h->dv, scale, work);
    k->attn_back(out[2].f, ldh, out[3].f, ldh, out[4].f, ldv, in[3].f, ldv,
                 out[0].f, ldv, out[1].f, in[0].f, ldh, limit, in[1].f, ldh,
                 in[2].f, ldv, h->rows, h->dh, h->dv, scale, work);
    free(work);
}

static void test_attention(void **state)
{
    static const head heads[] = {{1, 1, 4, 4},        {40, 40, 16, 8},
                                 {70, 90, 33, 65},    {96, 96, 64, 64},
                                 {300, 333, 64, 128}, {31, 200, 80, 12}};
    static const char *const name[] = {"z", "p", "dq", "dk", "dv"};
    double most = 0;

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const head *h = &heads[i];
        eg_index ldh = h->dh + EXTRA, ldv = h->dv + EXTRA, size[5];
        kt_buf in[4] = {kt_input(h->rows * ldh, 1, 3),
                        kt_input(h->keys * ldh, 1, 3),
                        kt_input(h->keys * ldv, 1, 1),
                        kt_input(h->rows * ldv, 1, 1)},
               want[5];
        int32_t limit[512];

        for (eg_index r = 0; r < h->rows; r++) {
            limit[r] = (int32_t)(h->keys - h->rows + r + 1);
        }
        size[0] = h->rows * ldv;
        size[1] = reference()->attn_size(limit, h->rows);
        size[2] = h->rows * ldh;
        size[3] = h->keys * ldh;
        size[4] = h->keys * ldv;
        for (int j = 0; j < 5; j++) {
            want[j] = kt_new(size[j], 0, 1);
            memset(want[j].f, 0, (size_t)size[j] * 4);
        }
        attend(reference(), h, want, in, limit);
        FOR_SETS(k)
        {
            kt_buf got[5];

            for (int j = 0; j < 5; j++) {
                got[j] = kt_new(size[j], 1, 1);
                memset(got[j].f, 0, (size_t)size[j] * 4);
            }
            attend(k, h, got, in, limit);
            for (int j = 0; j < 5; j++) {
                double d = apart(&got[j], want[j].f);

                if (d > most) most = d;
                /* an exponential that differs by one rounding of float32 may
                 * be rounded to the next number of 8 bits: 2^-8 of one of the
                 * terms; of P itself, which is not rounded, 8 eps */
                if (!(d <= (j == 1 ? 0x1p-20 : 0x1p-8))) {
                    fail_msg("%s %s of %tdx%td %td %td: %.3g apart", k->name,
                             name[j], h->rows, h->keys, h->dh, h->dv, d);
                }
                kt_free(&got[j], name[j]);
            }
        }
        for (int j = 0; j < 5; j++) kt_free(&want[j], "want");
        for (int j = 0; j < 4; j++) kt_free(&in[j], "in");
    }
    printf("attention: at most %.3g apart\n", most);
}

static void test_scores(void **state)
{
    const eg_index DH = 50, KEYS = 9;
    kt_buf q = kt_input(DH, 1, 1), k_ = kt_input(KEYS * DH, 1, 1);
    kt_buf want = kt_new(KEYS, 0, 1);

    (void)state;
    reference()->attn_scores(want.f, q.f, k_.f, DH, KEYS, DH, 0.5f);
    FOR_SETS(k)
    {
        kt_buf got = kt_new(KEYS, 0, 1);
        k->attn_scores(got.f, q.f, k_.f, DH, KEYS, DH, 0.5f);
        check_bits(&got, &want, k->name);
        kt_free(&got, "scores");
    }
    kt_free(&want, "want");
    kt_free(&q, "q");
    kt_free(&k_, "k");
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; eg_kern_name(i); i++) {
        char name[32];
        const eg_kern_f32 *k = eg_kern_pick_bf16(eg_kern_name(i));

        assert_non_null(k);
        snprintf(name, sizeof name, "%s-bf16", eg_kern_name(i));
        assert_string_equal(k->name, name);
        assert_ptr_equal(eg_kern_pick_bf16(name), k);
        assert_ptr_equal(eg_kern_pick(name), k);
    }
    assert_ptr_equal(eg_kern_pick_bf16("auto"),
                     eg_kern_pick_bf16(eg_kern_name(0)));
    assert_null(eg_kern_pick_bf16("bf16"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_bits),
        cmocka_unit_test(test_alone),     cmocka_unit_test(test_value),
        cmocka_unit_test(test_attention), cmocka_unit_test(test_scores)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
