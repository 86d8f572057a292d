/* Products of bfloat16 with sums in float32, entry by entry: what every set of
 * precision bfloat16 computes to the bit, whatever it computes with.
 *
 * Operands are rounded to 8 bits, to nearest even; below 2^-126 they count as
 * 0. Products are exact. Steps of 32 along k: the products of the first 16 are
 * summed in order of k, and those of the other 16; the two sums are added, and
 * that to the entry. Every sum is rounded to float32 once, to nearest even,
 * and is 0 below 2^-126. Steps that end early go on with zeros. So does
 * tdpbf16ps of x86 when entry j of a tile's row holds k + j and k + 16 + j
 * (Intel, Instruction Set Extensions Programming Reference, 2023, TDPBF16PS).
 * With alpha != 1, sums begin at 0 every 384 of k: c = fma(alpha, sum, c). */
#ifndef EGI_KERN_BF16_H
#define EGI_KERN_BF16_H

#include <math.h>
#include <string.h>

#include "engram/status.h"

enum { BF16_STEP = 32, BF16_HALF = 16, BF16_BLOCK = 384 };

/* x rounded; NaN stays NaN, and what is beyond 3.39e38 becomes infinite. */
static inline float bf16_of(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    if ((u & 0x7fffffff) > 0x7f800000) {
        u |= 0x400000;
    } else if ((u & 0x7f800000) == 0) {
        u = u & 0x80000000;
    } else {
        u += 0x7fff + (u >> 16 & 1);
    }
    u &= 0xffff0000;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* x in float32; 0 if it rounds to less than 2^-126 with 24 bits. A sum of two
 * float32 numbers and of exact products of 8 bits rounds the same way through
 * float64, which has more than twice the bits. */
static inline float bf16_flush(double x)
{
    bool tiny = fabs(x) < 0x1p-126 - 0x1p-151;
    return tiny ? copysignf(0, (float)x) : (float)x;
}

/* a + b; numbers below 2^-126 count as 0. */
static inline float bf16_add(float a, float b)
{
    return bf16_flush((double)bf16_flush((double)a) +
                      (double)bf16_flush((double)b));
}

/* Up to 16 products. */
static inline float bf16_half(const float *a, eg_index sa, const float *b,
                              eg_index sb, eg_index K)
{
    float sum = 0;

    for (eg_index k = 0; k < K && k < BF16_HALF; k++) {
        double x = (double)bf16_of(a[k * sa]), y = (double)bf16_of(b[k * sb]);
        sum = bf16_flush(x * y + (double)sum);
    }
    return K < BF16_HALF ? sum + 0 : sum; /* -0 + 0 0 = 0 */
}

/* c + sum_k a[k sa] b[k sb]. */
static inline float bf16_sum(float c, const float *a, eg_index sa,
                             const float *b, eg_index sb, eg_index K)
{
    for (eg_index k = 0; k < K; k += BF16_STEP) {
        eg_index h = k + BF16_HALF;
        float lo = bf16_half(a + k * sa, sa, b + k * sb, sb, K - k);
        float hi = h < K ? bf16_half(a + h * sa, sa, b + h * sb, sb, K - h) : 0;
        c = bf16_add(c, bf16_add(lo, hi));
    }
    return c;
}

/* The entry attn_scores of all sets. */
static inline void bf16_attn_scores(float *s, const float *q, const float *k,
                                    eg_index ldk, eg_index limit, eg_index dh,
                                    float scale)
{
    for (eg_index i = 0; i < limit; i++) {
        s[i] = scale * bf16_sum(0, q, 1, k + i * ldk, 1, dh);
    }
}
#endif
