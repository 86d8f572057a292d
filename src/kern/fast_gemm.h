/* Matrix products of the fast sets.
 *
 * Small ones read A where it lies. Blocks: k in steps of KC so that a panel of
 * B stays in the L1 cache, rows in steps of MC so that the block of A stays in
 * L2. Large ones: see fast_stripe.h. */
#include "kern/fast_tile.h"
#include "kern/fast_wide.h"
#include "kern/fast_pack.h"
#include "kern/fast_stripe.h"

/* Columns n.. of k.. .. k + K - 1 of a raw B as the panel at b->work + at. */
static void pack_columns(const right_panels *b, eg_index at, eg_index k,
                         eg_index K, eg_index n, eg_index cols)
{
    pack_panel(b->work + at, b->raw + n * b->cs + k * b->rs, b->rs, b->cs, K,
               cols);
}

/* All of C; panel j of B begins at b->packed + j * NR * step, its rows ldb
 * apart. A raw B is packed panel by panel, just before the first block of rows
 * needs it in L1; where that is the only block, always to the same place. */
static void product(real *c, eg_index ldc, const real *a, eg_index rs,
                    eg_index cs, const right_panels *b, eg_index step,
                    eg_index ldb, eg_index M, eg_index N, eg_index K,
                    real alpha, int acc)
{
    eg_index turned = ldb == NR ? KC_TURNED : KC_TURNED_DIRECT;
    int large = is_large(rs, N, K), once = b->raw && M <= MC;
    eg_index top = large ? STRIPE_K : cs == 1 ? KC : turned;
    eg_index blocks = K > top ? (K + top - 1) / top : 1;
    eg_index kc = block_size(K, top, 1);

    for (eg_index i = 0; i < blocks; i++) {
        eg_index k0 = i * kc, k1 = k0 + kc < K ? k0 + kc : K;
        const real *ak = a + k0 * cs;
        for (eg_index m = 0; m < M; m += MC) {
            eg_index rows = M - m < MC ? M - m : MC;
            for (eg_index n = 0; n < N; n += NR) {
                eg_index cols = N - n < NR ? N - n : NR;
                eg_index at = once ? 0 : n * step + k0 * ldb;
                int fresh = b->raw && m == 0;
                if (fresh) pack_columns(b, at, k0, k1 - k0, n, cols);
                if (!large && is_wide(N - n, ldb != NR)) {
                    eg_index next = at + NR * step;
                    if (fresh)
                        pack_columns(b, next, k0, k1 - k0, n + NR, N - n - NR);
                    wide_panel(c + m * ldc + n, ldc, ak + m * rs, rs, cs,
                               b->packed + at, b->packed + next, ldb, rows,
                               N - n, k1 - k0, alpha, acc || i > 0);
                    break;
                }
                (cols > 1 || large ? panel : column)(
                    c + m * ldc + n, ldc, ak + m * rs, rs, cs, b->packed + at,
                    ldb, rows, cols, k1 - k0, alpha, acc || i > 0);
            }
        }
    }
}

static void fast_gemm_packed(real *c, eg_index ldc, const real *a, eg_index rs,
                             eg_index cs, const real *pb, eg_index M,
                             eg_index N, eg_index K, real alpha, int acc)
{
    right_panels b = {.packed = pb};

    if (is_large(rs, N, K))
        stripe_product(c, ldc, a, rs, cs, &b, M, N, K, alpha, acc);
    else
        product(c, ldc, a, rs, cs, &b, K, NR, M, N, K, alpha, acc);
}

enum { FEW_FOR_PACKING = 4 * MR };

/* Whether B, which lies in place, is packed panel by panel: a few rows that are
 * read well do not pay for that. */
static int pays_to_pack(eg_index rs, eg_index bcs, eg_index M, eg_index N,
                        eg_index K)
{
    int easy = rs != 1 && bcs == 1 && M <= STRIPE_ROWS && K <= STRIPE_K / 2;
    return is_large(rs, N, K) && M >= FEW_FOR_PACKING && !easy;
}

/* B in place when its rows are contiguous and it is read few times or without
 * cache conflicts; a last narrow panel is packed, so that no load passes the
 * end of a row, unless it is the third vector of a tile. */
static void fast_gemm(real *c, eg_index ldc, const real *a, eg_index rs,
                      eg_index cs, const real *b, eg_index brs, eg_index bcs,
                      eg_index M, eg_index N, eg_index K, real alpha, int acc,
                      real *work)
{
    eg_index whole = N / W * W;
    right_panels r = {work, work, b, brs, bcs}, direct = {.packed = b};

    if (pays_to_pack(rs, bcs, M, N, K)) {
        stripe_product(c, ldc, a, rs, cs, &r, M, N, K, alpha, acc);
        return;
    }
    if (bcs != 1 && !is_large(rs, N, K)) {
        product(c, ldc, a, rs, cs, &r, K, NR, M, N, K, alpha, acc);
        return;
    }
    if (bcs != 1) {
        fast_pack(work, b, brs, bcs, K, N);
        fast_gemm_packed(c, ldc, a, rs, cs, work, M, N, K, alpha, acc);
        return;
    }
    if (!is_large(rs, N, K) && in_wide(N)) whole = N;
    product(c, ldc, a, rs, cs, &direct, 1, brs, M, whole, K, alpha, acc);
    if (whole < N) {
        r = (right_panels){.packed = work};
        fast_pack(work, b + whole, brs, 1, K, N - whole);
        if (is_large(rs, N, K)) {
            stripe_product(c + whole, ldc, a, rs, cs, &r, M, N - whole, K,
                           alpha, acc);
        } else {
            fast_gemm_packed(c + whole, ldc, a, rs, cs, work, M, N - whole, K,
                             alpha, acc);
        }
    }
}
