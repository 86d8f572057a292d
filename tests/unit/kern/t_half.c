/* Matrices in 16 bits times a vector: every one of the 65,536 widened as the
 * format says, and products with the bits of those of the widened matrix, of
 * every set and awkward shapes, nothing read behind the end. */
#include "kern_test.h"

#include "engram/file.h"
#include "kern/half.h"

static const egi_half_form forms[] = {EGI_BFLOAT16, EGI_FLOAT16};

static bool is_finite(uint16_t h, egi_half_form form)
{
    unsigned top = form == EGI_BFLOAT16 ? 0x7f80 : 0x7c00;

    return (h & top) != top;
}

static void test_wide(void **state)
{
    (void)state;
    for (int f = 0; f < 2; f++)
        for (uint32_t u = 0; u < 65536; u++) {
            uint16_t h = (uint16_t)u;
            eg_view v = {.dtype = f ? EG_F16 : EG_BF16, .data = &h};
            float want = (float)eg_view_at(&v, 0);
            float got = egi_half_wide(h, forms[f]);
            bool same =
                !(got < want || got > want) && signbit(got) == signbit(want);

            if (is_finite(h, forms[f]) && !same)
                fail_msg("0x%04x: %g, expected %g", (unsigned)u, (double)got,
                         (double)want);
        }
}

/* Every number by itself is a column: 1 h. */
static void test_every(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        const egi_half *half = egi_half_pick(k->name);

        for (int f = 0; f < 2; f++) {
            uint16_t *h = malloc(65536 * sizeof *h);
            float *y = malloc(65536 * sizeof *y), one = 1;
            eg_index n = 0;

            assert_true(h && y);
            for (uint32_t u = 0; u < 65536; u++)
                if (is_finite((uint16_t)u, forms[f])) h[n++] = (uint16_t)u;
            half->gemv(y, &one, h, forms[f], n, 1, n);
            for (eg_index i = 0; i < n; i++) {
                float want = egi_half_wide(h[i], forms[f]);

                /* below 2^-126 a processor may be told to count as 0 */
                if (fabsf(want) >= FLT_MIN && (y[i] < want || y[i] > want))
                    fail_msg("%s: 0x%04x: %g, expected %g", k->name,
                             (unsigned)h[i], (double)y[i], (double)want);
            }
            free(h);
            free(y);
        }
    }
}

static void one_case(const kt_set *k, egi_half_form form, eg_index m,
                     eg_index n, eg_index gap)
{
    const egi_half *half = egi_half_pick(k->name);
    eg_index lda = n + gap, size = m > 0 ? (m - 1) * lda + n : 0;
    kt_buf x = kt_input(m, 2, 1), v = kt_input(n, 3, 1);
    kt_buf y = kt_new(n, 1, 1), z = kt_new(m, 2, 1);
    kt_buf a = kt_input(size, 0, 1), b = kt_new(n, 1, 1), c = kt_new(m, 2, 1);
    uint16_t *h = malloc((size_t)size * sizeof *h + 1);

    assert_non_null(h);
    for (eg_index i = 0; i < size; i++) {
        h[i] = (uint16_t)(kt_uniform() * 0x8000);
        if (!is_finite(h[i], form) || form == EGI_BFLOAT16) {
            uint32_t u;

            memcpy(&u, &a.f[i], sizeof u);
            h[i] = (uint16_t)(form == EGI_BFLOAT16 ? u >> 16 : 0x3c01);
        }
        a.f[i] = egi_half_wide(h[i], form);
    }
    half->gemv(y.f, x.f, h, form, lda, m, n);
    k->gemv(b.f, x.f, a.f, lda, m, n);
    half->gemv_t(z.f, h, form, lda, v.f, m, n);
    k->gemv_t(c.f, a.f, lda, v.f, m, n);
    if (memcmp(y.f, b.f, (size_t)n * sizeof *y.f) != 0 ||
        memcmp(z.f, c.f, (size_t)m * sizeof *z.f) != 0)
        fail_msg("%s: %td x %td: other bits than those of float32", k->name, m,
                 n);
    free(h);
    kt_free(&a, k->name);
    kt_free(&x, k->name);
    kt_free(&v, k->name);
    kt_free(&y, k->name);
    kt_free(&z, k->name);
    kt_free(&b, k->name);
    kt_free(&c, k->name);
}

static void test_products(void **state)
{
    static const eg_index sizes[] = {0,  1,  3,  4,  7,  8,  9,   15,  16,
                                     17, 31, 32, 33, 64, 65, 100, 259, 300};
    enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

    (void)state;
    KT_FOR_SETS(k)
    {
        for (int f = 0; f < 2; f++)
            for (int i = 0; i < N_SIZES; i++)
                for (int j = 0; j < N_SIZES; j++)
                    for (eg_index gap = 0; gap < 6; gap += 5)
                        one_case(k, forms[f], sizes[i], sizes[j], gap);
        printf("  %s\n", k->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_every),
        cmocka_unit_test(test_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
