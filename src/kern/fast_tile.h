/* Register tiles of the matrix products: MR rows by one or two vectors of C are
 * summed over k; B comes as panels of NR columns (packed) or row-major in
 * place; A is broadcast from memory. */

#if VEC_BYTES == 64
enum { MR = 8 }; /* 16 of 32 registers hold the tile */
#else
enum { MR = 6 }; /* 12 of 16 */
#endif
/* Rows of a tile one vector wide: with fewer sums the ports wait for them. */
enum { TALL = 8 };
/* A transposed A is read a quarter of a cache line a step: with it in L1 too,
 * the panel of B gets less, and less still where B lies in place. */
enum { NR = 2 * W, KC = 384, KC_TURNED = 256, KC_TURNED_DIRECT = 128, MC = 64 };
/* Large products, see is_large, take this many k at a time. */
enum { STRIPE_K = 1024 };
enum { AHEAD = 4, COPY_AHEAD = 8 };

typedef void (*tile_fn)(real *c, eg_index ldc, const real *a, eg_index a_stride,
                        const real *b, eg_index ldb, eg_index cols, eg_index K,
                        real alpha, int acc);

/* C[mr, cols] = alpha A B (+ C). The first four arguments are folded in by
 * inlining: rows, vectors a row, A stored transposed (then cs strides, else
 * rs), B in place. Strided operands are fetched AHEAD rows early. All of C is
 * read before any of it is written: behind the masked store of a part of a
 * vector, a load from where the rest would be waits for it. */
INLINE void tile(int mr, int nv, int turned, int direct, real *c, eg_index ldc,
                 const real *a, eg_index rs, eg_index cs, const real *b,
                 eg_index ldb, eg_index cols, eg_index K, real alpha, int acc)
{
    vec sum[TALL][2];

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
    if (alpha != 1) {
#pragma GCC unroll 8
        for (int m = 0; m < mr; m++) {
            sum[m][0] *= alpha;
            if (nv > 1) sum[m][1] *= alpha;
        }
    }
    if (acc) {
#pragma GCC unroll 8
        for (int m = 0; m < mr; m++) {
#pragma GCC unroll 2
            for (int j = 0; j < nv; j++) {
                eg_index left = cols - j * W;
                const real *from = c + m * ldc + j * W;

                if (left > 0)
                    sum[m][j] += left >= W ? vload(from) : vload_n(from, left);
            }
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < mr; m++, c += ldc) {
#pragma GCC unroll 2
        for (int j = 0; j < nv; j++) {
            eg_index left = cols - j * W;

            if (left >= W)
                vstore(c + j * W, sum[m][j]);
            else if (left > 0)
                vstore_n(c + j * W, sum[m][j], left);
        }
    }
}

#define TILE_FN(name, mr, nv, turned, direct)                                \
    static void name(real *c, eg_index ldc, const real *a, eg_index stride,  \
                     const real *b, eg_index ldb, eg_index cols, eg_index K, \
                     real alpha, int acc)                                    \
    {                                                                        \
        tile(mr, nv, turned, direct, c, ldc, a, (turned) ? 1 : stride,       \
             (turned) ? stride : 1, b, ldb, cols, K, alpha, acc);            \
    }
#define TILE_FNS_1(mr)                    \
    TILE_FN(tile_##mr##v1, mr, 1, 0, 0)   \
    TILE_FN(tile_##mr##v1_d, mr, 1, 0, 1) \
    TILE_FN(tile_##mr##v1_t, mr, 1, 1, 0) \
    TILE_FN(tile_##mr##v1_td, mr, 1, 1, 1)
#define TILE_FNS(mr)                      \
    TILE_FNS_1(mr)                        \
    TILE_FN(tile_##mr##v2, mr, 2, 0, 0)   \
    TILE_FN(tile_##mr##v2_d, mr, 2, 0, 1) \
    TILE_FN(tile_##mr##v2_t, mr, 2, 1, 0) \
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
#define TILE_ROW_1(mr)                                    \
    {                                                     \
        {{tile_##mr##v1, NULL}, {tile_##mr##v1_d, NULL}}, \
        {                                                 \
            {tile_##mr##v1_t, NULL},                      \
            {                                             \
                tile_##mr##v1_td, NULL                    \
            }                                             \
        }                                                 \
    }

TILE_FNS(1)
TILE_FNS(2)
TILE_FNS(3)
TILE_FNS(4)
TILE_FNS(5)
TILE_FNS(6)
#if VEC_BYTES == 64
TILE_FNS(7)
TILE_FNS(8)
#define TILE_ROW_TALL TILE_ROW
#else
TILE_FNS_1(7)
TILE_FNS_1(8)
#define TILE_ROW_TALL TILE_ROW_1
#endif

/* By rows - 1, A transposed, B in place, vectors - 1. */
static const tile_fn tiles[TALL][2][2][2] = {
    TILE_ROW(1), TILE_ROW(2), TILE_ROW(3),      TILE_ROW(4),
    TILE_ROW(5), TILE_ROW(6), TILE_ROW_TALL(7), TILE_ROW_TALL(8),
};

/* Rows of a whole tile of so many columns. */
static eg_index tile_rows(eg_index cols)
{
    return cols > W ? MR : TALL;
}

/* c[m] (+)= alpha sum_k A(m, k) b[k], A stored transposed: columns of A side by
 * side, 4 vectors at a time. */
static void column_turned(real *c, eg_index ldc, const real *a, eg_index cs,
                          const real *b, eg_index M, eg_index K, real alpha,
                          int acc)
{
    for (eg_index m = 0; m < M; m += 4 * W) {
        eg_index left = M - m < 4 * W ? M - m : 4 * W;
        vec sum[4] = {{0}, {0}, {0}, {0}};

        for (eg_index k = 0; k < K; k++) {
            const real *ak = a + m + k * cs;
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
            real v = alpha * sum[i / W][i % W];
            c[(m + i) * ldc] = acc ? c[(m + i) * ldc] + v : v;
        }
    }
}

/* The same for rows of A: dot products, 4 rows at a time. */
static void column_rows(real *c, eg_index ldc, const real *a, eg_index rs,
                        const real *b, eg_index M, eg_index K, real alpha,
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
            real v = alpha * vsum(sum[i]);
            c[(m + i) * ldc] = acc ? c[(m + i) * ldc] + v : v;
        }
    }
}

/* A last column on its own, as with 65 symbols: a register tile would work on
 * W of them. K <= KC. */
static void column(real *c, eg_index ldc, const real *a, eg_index rs,
                   eg_index cs, const real *b, eg_index ldb, eg_index M,
                   eg_index cols, eg_index K, real alpha, int acc)
{
    real col[KC];

    EG_ASSERT(cols == 1 && K <= KC);
    for (eg_index k = 0; k < K; k++) col[k] = b[k * ldb];
    if (cs == 1)
        column_rows(c, ldc, a, rs, col, M, K, alpha, acc);
    else
        column_turned(c, ldc, a, cs, col, M, K, alpha, acc);
}

/* Rows of the next tile of `each` where `left` are left. Sums of one or two
 * rows are too few for the ports: the last two tiles share what they have. */
static eg_index take_rows(eg_index left, eg_index each)
{
    if (left <= each) return left;
    return left < each + 3 ? (left + 1) / 2 : each;
}

/* C[M, cols] with cols <= NR: one panel of B, one block of k. */
static void panel(real *c, eg_index ldc, const real *a, eg_index rs,
                  eg_index cs, const real *b, eg_index ldb, eg_index M,
                  eg_index cols, eg_index K, real alpha, int acc)
{
    int turned = cs != 1, direct = ldb != NR, wide = cols > W;
    eg_index stride = turned ? cs : rs, each = tile_rows(cols);

    for (eg_index m = 0, rows; m < M; m += rows) {
        rows = take_rows(M - m, each);
        tiles[rows - 1][turned][direct][wide](
            c + m * ldc, ldc, a + m * rs, stride, b, ldb, cols, K, alpha, acc);
    }
}

/* Whether copying A into stripes of fast_stripe.h pays. Not a question of the
 * number of rows: the sums of a row must not depend on it. The same for N
 * columns as for whole vectors of them. */
static int is_large(eg_index rs, eg_index N, eg_index K)
{
    return N >= (rs == 1 || K > 512 ? 512 : 528);
}

/* n blocks of at most `top`, as equal as a multiple of `unit` allows. */
static eg_index block_size(eg_index n, eg_index top, eg_index unit)
{
    eg_index blocks = n > top ? (n + top - 1) / top : 1;
    return ((n + blocks - 1) / blocks + unit - 1) / unit * unit;
}
