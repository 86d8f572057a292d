/* Matrix products of the fast sets. A register tile of MR rows by one or two
 * vectors of C is summed over k; B comes as panels of NR columns (packed) or
 * row-major in place; A is broadcast from memory.
 *
 * Blocks: k in steps of KC so that a panel of B stays in the L1 cache, rows in
 * steps of MC so that the block of A stays in L2. */

#if VEC_W == 16
enum { MR = 8 }; /* 16 of 32 registers hold the tile */
#else
enum { MR = 6 }; /* 12 of 16 */
#endif
/* A transposed A is read a quarter of a cache line a step: with it in L1 too,
 * the panel of B gets less, and less still where B lies in place. */
enum { NR = 2 * W, KC = 384, KC_TURNED = 256, KC_TURNED_DIRECT = 128, MC = 64 };
enum { AHEAD = 4 };

typedef void (*tile_fn)(float *c, eg_index ldc, const float *a,
                        eg_index a_stride, const float *b, eg_index ldb,
                        eg_index cols, eg_index K, float alpha, int acc);

/* C[mr, cols] = alpha A B (+ C). The first four arguments are folded in by
 * inlining: rows, vectors a row, A stored transposed (then cs strides, else
 * rs), B in place. Strided operands are fetched AHEAD rows early. */
INLINE void tile(int mr, int nv, int turned, int direct, float *c, eg_index ldc,
                 const float *a, eg_index rs, eg_index cs, const float *b,
                 eg_index ldb, eg_index cols, eg_index K, float alpha, int acc)
{
    vec sum[MR][2];

#pragma GCC unroll 8
    for (int m = 0; m < mr; m++) {
        sum[m][0] = vset(0);
        sum[m][1] = vset(0);
    }
#pragma GCC unroll 1
    for (eg_index k = 0; k < K; k++, a += cs, b += ldb) {
        vec b0 = vload(b), b1 = nv > 1 ? vload(b + W) : b0;
        if (turned) __builtin_prefetch(a + AHEAD * cs);
        if (direct) __builtin_prefetch(b + AHEAD * ldb);
        if (direct && nv > 1) __builtin_prefetch(b + AHEAD * ldb + W);
#pragma GCC unroll 8
        for (int m = 0; m < mr; m++) {
            vec f = vset(a[m * rs]);
            sum[m][0] += f * b0;
            if (nv > 1) sum[m][1] += f * b1;
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < mr; m++, c += ldc) {
#pragma GCC unroll 2
        for (int j = 0; j < nv; j++) {
            eg_index left = cols - j * W;
            vec v = alpha * sum[m][j];
            if (left >= W) {
                if (acc) v += vload(c + j * W);
                vstore(c + j * W, v);
            } else if (left > 0) {
                if (acc) v += vload_n(c + j * W, left);
                vstore_n(c + j * W, v, left);
            }
        }
    }
}

#define TILE_FN(name, mr, nv, turned, direct)                                 \
    static void name(float *c, eg_index ldc, const float *a, eg_index stride, \
                     const float *b, eg_index ldb, eg_index cols, eg_index K, \
                     float alpha, int acc)                                    \
    {                                                                         \
        tile(mr, nv, turned, direct, c, ldc, a, (turned) ? 1 : stride,        \
             (turned) ? stride : 1, b, ldb, cols, K, alpha, acc);             \
    }
#define TILE_FNS(mr)                       \
    TILE_FN(tile_##mr##v1, mr, 1, 0, 0)    \
    TILE_FN(tile_##mr##v2, mr, 2, 0, 0)    \
    TILE_FN(tile_##mr##v1_d, mr, 1, 0, 1)  \
    TILE_FN(tile_##mr##v2_d, mr, 2, 0, 1)  \
    TILE_FN(tile_##mr##v1_t, mr, 1, 1, 0)  \
    TILE_FN(tile_##mr##v2_t, mr, 2, 1, 0)  \
    TILE_FN(tile_##mr##v1_td, mr, 1, 1, 1) \
    TILE_FN(tile_##mr##v2_td, mr, 2, 1, 1)
#define TILE_ROW(mr)                                                          \
    {                                                                         \
        {{tile_##mr##v1, tile_##mr##v2}, {tile_##mr##v1_d, tile_##mr##v2_d}}, \
        {                                                                     \
            {tile_##mr##v1_t, tile_##mr##v2_t},                               \
            {                                                                 \
                tile_##mr##v1_td, tile_##mr##v2_td                            \
            }                                                                 \
        }                                                                     \
    }

TILE_FNS(1)
TILE_FNS(2)
TILE_FNS(3)
TILE_FNS(4)
TILE_FNS(5)
TILE_FNS(6)
#if VEC_W == 16
TILE_FNS(7)
TILE_FNS(8)
#endif

/* By rows - 1, A transposed, B in place, vectors - 1. */
static const tile_fn tiles[MR][2][2][2] = {
    TILE_ROW(1), TILE_ROW(2), TILE_ROW(3),
    TILE_ROW(4), TILE_ROW(5), TILE_ROW(6),
#if VEC_W == 16
    TILE_ROW(7), TILE_ROW(8),
#endif
};

/* c[m] (+)= alpha sum_k A(m, k) b[k], A stored transposed: columns of A side by
 * side, 4 vectors at a time. */
static void column_turned(float *c, eg_index ldc, const float *a, eg_index cs,
                          const float *b, eg_index M, eg_index K, float alpha,
                          int acc)
{
    for (eg_index m = 0; m < M; m += 4 * W) {
        eg_index left = M - m < 4 * W ? M - m : 4 * W;
        vec sum[4] = {{0}, {0}, {0}, {0}};

        for (eg_index k = 0; k < K; k++) {
            const float *ak = a + m + k * cs;
            vec f = vset(b[k]);
            if (left == 4 * W) {
#pragma GCC unroll 4
                for (eg_index j = 0; j < 4; j++)
                    sum[j] += f * vload(ak + j * W);
            } else {
                for (eg_index j = 0; j * W < left; j++) {
                    eg_index n = left - j * W;
                    sum[j] += f * (n < W ? vload_n(ak + j * W, n)
                                         : vload(ak + j * W));
                }
            }
        }
        for (eg_index i = 0; i < left; i++) {
            float v = alpha * sum[i / W][i % W];
            c[(m + i) * ldc] = acc ? c[(m + i) * ldc] + v : v;
        }
    }
}

/* The same for rows of A: dot products, 4 rows at a time. */
static void column_rows(float *c, eg_index ldc, const float *a, eg_index rs,
                        const float *b, eg_index M, eg_index K, float alpha,
                        int acc)
{
    for (eg_index m = 0; m < M; m += 4) {
        eg_index rows = M - m < 4 ? M - m : 4;
        vec sum[4] = {{0}, {0}, {0}, {0}};
        eg_index k = 0;

        for (; k + W <= K; k += W) {
            vec f = vload(b + k);
#pragma GCC unroll 4
            for (eg_index i = 0; i < 4; i++)
                sum[i] += f * vload(a + (m + (i < rows ? i : 0)) * rs + k);
        }
        for (eg_index i = 0; i < rows; i++) {
            if (k < K)
                sum[i] += vload_n(b + k, K - k) *
                          vload_n(a + (m + i) * rs + k, K - k);
            float v = alpha * vsum(sum[i]);
            c[(m + i) * ldc] = acc ? c[(m + i) * ldc] + v : v;
        }
    }
}

/* A last column on its own, as with 65 symbols: a register tile would work on
 * W of them. K <= KC. */
static void column(float *c, eg_index ldc, const float *a, eg_index rs,
                   eg_index cs, const float *b, eg_index ldb, eg_index M,
                   eg_index cols, eg_index K, float alpha, int acc)
{
    float col[KC];

    EG_ASSERT(cols == 1 && K <= KC);
    for (eg_index k = 0; k < K; k++) col[k] = b[k * ldb];
    if (cs == 1)
        column_rows(c, ldc, a, rs, col, M, K, alpha, acc);
    else
        column_turned(c, ldc, a, cs, col, M, K, alpha, acc);
}

/* C[M, cols] with cols <= NR: one panel of B, one block of k. */
static void panel(float *c, eg_index ldc, const float *a, eg_index rs,
                  eg_index cs, const float *b, eg_index ldb, eg_index M,
                  eg_index cols, eg_index K, float alpha, int acc)
{
    int turned = cs != 1, direct = ldb != NR, wide = cols > W;
    eg_index stride = turned ? cs : rs;

    for (eg_index m = 0; m < M; m += MR) {
        eg_index rows = M - m < MR ? M - m : MR;
        tiles[rows - 1][turned][direct][wide](
            c + m * ldc, ldc, a + m * rs, stride, b, ldb, cols, K, alpha, acc);
    }
}

/* All of C; panel j of B begins at b + j * NR * step, its rows ldb apart. */
static void product(float *c, eg_index ldc, const float *a, eg_index rs,
                    eg_index cs, const float *b, eg_index step, eg_index ldb,
                    eg_index M, eg_index N, eg_index K, float alpha, int acc)
{
    eg_index turned = ldb == NR ? KC_TURNED : KC_TURNED_DIRECT;
    eg_index top = cs == 1 ? KC : turned;
    eg_index blocks = K > top ? (K + top - 1) / top : 1;
    eg_index kc = (K + blocks - 1) / blocks;

    for (eg_index i = 0; i < blocks; i++) {
        eg_index k0 = i * kc, k1 = k0 + kc < K ? k0 + kc : K;
        const float *ak = a + k0 * cs, *bk = b + k0 * ldb;
        for (eg_index m = 0; m < M; m += MC) {
            eg_index rows = M - m < MC ? M - m : MC;
            for (eg_index n = 0; n < N; n += NR) {
                eg_index cols = N - n < NR ? N - n : NR;
                (cols > 1 ? panel : column)(c + m * ldc + n, ldc, ak + m * rs,
                                            rs, cs, bk + n * step, ldb, rows,
                                            cols, k1 - k0, alpha, acc || i > 0);
            }
        }
    }
}

static eg_index fast_pack_size(eg_index K, eg_index N)
{
    return K * ((N + NR - 1) / NR * NR);
}

/* One panel from row-major B: cols <= NR columns, the rest zero. */
static void pack_rows(float *pb, const float *b, eg_index rs, eg_index K,
                      eg_index cols)
{
    for (eg_index k = 0; k < K; k++, b += rs, pb += NR) {
        for (int j = 0; j < 2; j++) {
            eg_index left = cols - j * W;
            vec v = {0};
            if (left >= W) {
                v = vload(b + j * W);
            } else if (left > 0) {
                v = vload_n(b + j * W, left);
            }
            vstore(pb + j * W, v);
        }
    }
}

/* W columns (cols of them real) of a panel from B with unit row stride. */
static void pack_turned(float *pb, const float *b, eg_index cs, eg_index K,
                        eg_index cols)
{
    eg_index k = 0;
    vec v[W];

    if (cols > W) cols = W;
    for (; k + W <= K; k += W) {
#pragma GCC unroll 16
        for (int j = 0; j < W; j++) {
            v[j] = j < cols ? vload(b + j * cs + k) : vset(0);
        }
        vtranspose(v);
#pragma GCC unroll 16
        for (int j = 0; j < W; j++) vstore(pb + (k + j) * NR, v[j]);
    }
    if (k == K) return;
    for (int j = 0; j < W; j++) {
        v[j] = j < cols ? vload_n(b + j * cs + k, K - k) : vset(0);
    }
    vtranspose(v);
    for (int j = 0; j < K - k; j++) vstore(pb + (k + j) * NR, v[j]);
}

static void fast_pack(float *pb, const float *b, eg_index rs, eg_index cs,
                      eg_index K, eg_index N)
{
    for (eg_index n = 0; n < N; n += NR) {
        eg_index cols = N - n < NR ? N - n : NR;
        if (cs == 1) {
            pack_rows(pb + n * K, b + n, rs, K, cols);
        } else {
            pack_turned(pb + n * K, b + n * cs, cs, K, cols);
            pack_turned(pb + n * K + W, b + (n + W) * cs, cs, K,
                        cols > W ? cols - W : 0);
        }
    }
}

static void fast_gemm_packed(float *c, eg_index ldc, const float *a,
                             eg_index rs, eg_index cs, const float *pb,
                             eg_index M, eg_index N, eg_index K, float alpha,
                             int acc)
{
    product(c, ldc, a, rs, cs, pb, K, NR, M, N, K, alpha, acc);
}

/* B in place when its rows are contiguous and it is read few times or without
 * cache conflicts; a last narrow panel is always packed, so that no load
 * passes the end of a row. */
static void fast_gemm(float *c, eg_index ldc, const float *a, eg_index rs,
                      eg_index cs, const float *b, eg_index brs, eg_index bcs,
                      eg_index M, eg_index N, eg_index K, float alpha, int acc,
                      float *work)
{
    eg_index whole = N / W * W;

    if (bcs != 1) {
        fast_pack(work, b, brs, bcs, K, N);
        fast_gemm_packed(c, ldc, a, rs, cs, work, M, N, K, alpha, acc);
        return;
    }
    product(c, ldc, a, rs, cs, b, 1, brs, M, whole, K, alpha, acc);
    if (whole < N) {
        fast_pack(work, b + whole, brs, 1, K, N - whole);
        fast_gemm_packed(c + whole, ldc, a, rs, cs, work, M, N - whole, K,
                         alpha, acc);
    }
}
