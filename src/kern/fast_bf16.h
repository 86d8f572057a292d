/* Matrix products and attention of precision bfloat16 on a vector unit without
 * such products: to the bit those of bf16.h. Products of rounded operands are
 * exact in float32, so that a fused multiply-add of rounded float32 numbers is
 * what the matrix unit does, in the same order, with numbers below 2^-126
 * flushed to 0. */
#include "kern/bf16.h"

typedef uint32_t bits __attribute__((vector_size(4 * VEC_W)));

/* As bf16_of. */
INLINE vec bf16_round(vec x)
{
    const bits top = (bits)iset(-0x10000), exponent = (bits)iset(0x7f800000);
    bits u = (bits)x, odd = u >> 16 & 1, r = (u + 0x7fff + odd) & top;
    bits nan = (u | 0x400000) & top, zero = u & 0x80000000;

    r = (bits)vsel((ivec)((u & exponent) == 0), (vec)zero, (vec)r);
    return vsel((ivec)(x != x), (vec)nan, (vec)r);
}

static void bf16_round_all(float *x, eg_index n)
{
    for (; n >= W; n -= W, x += W) vstore(x, bf16_round(vload(x)));
    for (eg_index i = 0; i < n; i++) x[i] = bf16_of(x[i]);
}

#if defined(__x86_64__) && VEC_W >= 8
/* The processor flushes. Returns what to hand to flush_off. */
INLINE unsigned flush_on(void)
{
    enum { FLUSH = 0x8040 }; /* results, and operands */
    unsigned old = _mm_getcsr();
    _mm_setcsr(old | FLUSH);
    return old;
}

INLINE void flush_off(unsigned old)
{
    _mm_setcsr(old);
}

INLINE vec flushed_fma(vec a, vec b, vec c)
{
    return vfma(a, b, c);
}

INLINE vec flushed_add(vec a, vec b)
{
    return a + b;
}
#else
INLINE unsigned flush_on(void)
{
    return 0;
}

INLINE void flush_off(unsigned old)
{
    (void)old;
}

/* As bf16_flush. */
INLINE vec flushed_fma(vec a, vec b, vec c)
{
    for (int i = 0; i < W; i++) {
        c[i] = bf16_flush((double)a[i] * (double)b[i] + (double)c[i]);
    }
    return c;
}

INLINE vec flushed_add(vec a, vec b)
{
    for (int i = 0; i < W; i++) a[i] = bf16_add(a[i], b[i]);
    return a;
}
#endif

static eg_index bf16_pack_size(eg_index K, eg_index N)
{
    return fast_pack_size(K, N);
}

static void bf16_pack(float *pb, const float *b, eg_index rs, eg_index cs,
                      eg_index K, eg_index N)
{
    fast_pack(pb, b, rs, cs, K, N);
    bf16_round_all(pb, fast_pack_size(K, N));
}

/* Up to 16 products for each entry of a tile. */
INLINE void bf16_half_tile(vec sum[MR][2], const float *a, const float *b,
                           eg_index K)
{
#pragma GCC unroll 8
    for (int m = 0; m < MR; m++) sum[m][0] = sum[m][1] = vset(0);
#pragma GCC unroll 1
    for (eg_index k = 0; k < K && k < BF16_HALF; k++, a += MR, b += NR) {
        vec b0 = vload(b), b1 = vload(b + W);
#pragma GCC unroll 8
        for (int m = 0; m < MR; m++) {
            vec f = vset(a[m]);
            sum[m][0] = flushed_fma(f, b0, sum[m][0]);
            sum[m][1] = flushed_fma(f, b1, sum[m][1]);
        }
    }
    for (int m = 0; m < MR && K < BF16_HALF; m++) {
        sum[m][0] += vset(0); /* as bf16_half */
        sum[m][1] += vset(0);
    }
}

/* C[MR, NR] += A B for a stripe of A and a panel of B, both rounded. Not
 * inlined: no arithmetic may leave the place where numbers are flushed. */
__attribute__((noinline)) static void
bf16_tile(float *c, eg_index ldc, const float *a, const float *b, eg_index K)
{
    vec lo[MR][2], hi[MR][2];

    for (eg_index k = 0; k < K; k += BF16_STEP) {
        bf16_half_tile(lo, a + k * MR, b + k * NR, K - k);
        bf16_half_tile(hi, a + (k + BF16_HALF) * MR, b + (k + BF16_HALF) * NR,
                       K - k - BF16_HALF);
        for (int m = 0; m < MR; m++) {
            for (int j = 0; j < 2; j++) {
                float *p = c + m * ldc + j * W;
                vec v = flushed_add(lo[m][j], hi[m][j]);
                vstore(p, flushed_add(vload(p), v));
            }
        }
    }
}

/* C[rows, cols] = alpha A B (+ C if acc) for one tile and a block of k. */
static void bf16_cell(float *c, eg_index ldc, const float *a, const float *b,
                      eg_index rows, eg_index cols, eg_index K, float alpha,
                      int acc)
{
    float sum[MR * NR];
    bool plain = alpha >= 1 && alpha <= 1, goes_on = plain && acc;
    unsigned old;

    memset(sum, 0, sizeof sum);
    for (eg_index m = 0; m < rows && goes_on; m++) {
        memcpy(sum + m * NR, c + m * ldc, (size_t)cols * sizeof *c);
    }
    old = flush_on();
    bf16_tile(sum, NR, a, b, K);
    flush_off(old);
    for (eg_index m = 0; m < rows; m++) {
        float *to = c + m * ldc;
        const float *from = sum + m * NR;
        for (eg_index n = 0; n < cols; n++) {
            to[n] = plain ? from[n]
                    : acc ? fmaf(alpha, from[n], to[n])
                          : alpha * from[n];
        }
    }
}

/* A in stripes, in blocks that stay in the caches. */
static void bf16_gemm_packed(float *c, eg_index ldc, const float *a,
                             eg_index rs, eg_index cs, const float *pb,
                             eg_index M, eg_index N, eg_index K, float alpha,
                             int acc)
{
    float s[STRIPES * MR * BF16_BLOCK] __attribute__((aligned(64)));

    for (eg_index k = 0; k == 0 || k < K; k += BF16_BLOCK) {
        eg_index kc = K - k < BF16_BLOCK ? K - k : BF16_BLOCK;
        for (eg_index m0 = 0; m0 < M; m0 += STRIPE_ROWS) {
            eg_index end = M - m0 < STRIPE_ROWS ? M : m0 + STRIPE_ROWS;
            stripe_block(s, kc * MR, a + m0 * rs + k * cs, rs, cs, end - m0,
                         kc);
            bf16_round_all(s, (end - m0 + MR - 1) / MR * MR * kc);
            for (eg_index n = 0; n < N; n += NR) {
                eg_index cols = N - n < NR ? N - n : NR;
                for (eg_index m = m0; m < end; m += MR) {
                    bf16_cell(c + m * ldc + n, ldc, s + (m - m0) * kc,
                              pb + n * K + k * NR, end - m < MR ? end - m : MR,
                              cols, kc, alpha, acc || k > 0);
                }
            }
        }
    }
}

static void bf16_gemm(float *c, eg_index ldc, const float *a, eg_index rs,
                      eg_index cs, const float *b, eg_index brs, eg_index bcs,
                      eg_index M, eg_index N, eg_index K, float alpha, int acc,
                      float *work)
{
    bf16_pack(work, b, brs, bcs, K, N);
    bf16_gemm_packed(c, ldc, a, rs, cs, work, M, N, K, alpha, acc);
}

/* x = e^x of a row of lanes. */
static void bf16_exp_lanes(float *x)
{
    for (eg_index j = 0; j < EG_ATTN_BLOCK; j += W) {
        vstore(x + j, vexp(vload(x + j)));
    }
}

#include "kern/bf16_attn.h"
