/* Where precision bfloat16 rounds at the edge of 0: what is tiny is so after
 * rounding, and a step that ends early goes on with zeros. Random operands
 * hardly ever come there (t_bf16). */
#include "kern_test.h"

enum { K = 17 };

/* a.b + c by every set. */
static void check(const float *a, const float *b, float c, float want)
{
    for (int i = 0; eg_kern_name(i); i++) {
        const eg_kern_f32 *k = eg_kern_pick_bf16(eg_kern_name(i));
        float *work = malloc((size_t)k->pack_size(K, 1) * sizeof *work + 64);
        float got = c;
        uint32_t bits[2];

        assert_non_null(work);
        k->gemm(&got, 1, a, K, 1, b, 1, 1, 1, 1, K, 1, 1, work);
        free(work);
        printf("  %-14s %a\n", k->name, (double)got);
        memcpy(&bits[0], &got, sizeof got);
        memcpy(&bits[1], &want, sizeof want);
        if (bits[0] != bits[1])
            fail_msg("%s: %a, expected %a", k->name, (double)got, (double)want);
    }
}

/* 2^-126 less 2^-150 has 24 bits and is tiny; less 2^-152 it rounds to
 * 2^-126, which is not. */
static void test_tiny(void **state)
{
    float a[K] = {0x1p-63f, 0x1p-75f}, b[K] = {0x1p-63f, -0x1p-75f};

    (void)state;
    check(a, b, 0, 0);
    a[1] = 0x1p-77f;
    check(a, b, 0, 0x1p-126f);
}

/* Both halves sum up to -0; the second, of one product, goes on with zeros. */
static void test_minus_zero(void **state)
{
    float a[K] = {0}, b[K] = {0};

    (void)state;
    a[15] = a[16] = 0x1p-70f;
    b[15] = b[16] = -0x1p-70f;
    check(a, b, -0.0f, 0);
}

/* Ties go to even, operands below 2^-126 are 0 before they are rounded. */
static void test_operands(void **state)
{
    float a[K] = {1 + 0x1p-8f}, b[K] = {1};

    (void)state;
    check(a, b, 0, 1);
    a[0] = 1 + 0x1.8p-7f;
    check(a, b, 0, 1 + 0x1p-6f);
    a[0] = 0x1.fffp-127f;
    b[0] = 0x1p100f;
    check(a, b, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tiny),
                                       cmocka_unit_test(test_minus_zero),
                                       cmocka_unit_test(test_operands)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
