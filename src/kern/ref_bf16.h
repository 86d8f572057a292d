/* Matrix products and attention of the reference set of precision bfloat16:
 * bf16.h, entry by entry. */
#include "kern/bf16.h"

static eg_index bf16_pack_size(eg_index K, eg_index N)
{
    return ref_pack_size(K, N);
}

static void bf16_pack(float *pb, const float *b, eg_index rs, eg_index cs,
                      eg_index K, eg_index N)
{
    ref_pack(pb, b, rs, cs, K, N);
}

static float bf16_entry(float c, const float *a, eg_index sa, const float *b,
                        eg_index sb, eg_index K, float alpha, int acc)
{
    bool plain = alpha >= 1 && alpha <= 1;
    eg_index k = 0;

    if (plain) return bf16_sum(acc ? c : 0, a, sa, b, sb, K);
    do {
        eg_index n = K - k < BF16_BLOCK ? K - k : BF16_BLOCK;
        float sum = bf16_sum(0, a + k * sa, sa, b + k * sb, sb, n);
        c = acc || k > 0 ? fmaf(alpha, sum, c) : alpha * sum;
        k += BF16_BLOCK;
    } while (k < K);
    return c;
}

static void bf16_gemm(float *c, eg_index ldc, const float *a, eg_index rs,
                      eg_index cs, const float *b, eg_index brs, eg_index bcs,
                      eg_index M, eg_index N, eg_index K, float alpha, int acc,
                      float *work)
{
    (void)work;
    for (eg_index m = 0; m < M; m++) {
        for (eg_index n = 0; n < N; n++) {
            c[m * ldc + n] = bf16_entry(c[m * ldc + n], a + m * rs, cs,
                                        b + n * bcs, brs, K, alpha, acc);
        }
    }
}

static void bf16_gemm_packed(float *c, eg_index ldc, const float *a,
                             eg_index rs, eg_index cs, const float *pb,
                             eg_index M, eg_index N, eg_index K, float alpha,
                             int acc)
{
    bf16_gemm(c, ldc, a, rs, cs, pb, N, 1, M, N, K, alpha, acc, NULL);
}

/* x = e^x of a row of lanes. */
static void bf16_exp_lanes(float *x)
{
    for (int j = 0; j < EG_ATTN_BLOCK; j++) x[j] = (float)exp((double)x[j]);
}

#include "kern/bf16_attn.h"
