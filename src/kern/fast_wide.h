/* Register tiles three vectors wide, for products of a few tens of columns: 40
 * are three vectors of 16, 80 two and three, and two and three of 8. A last
 * vector by itself would be summed in too few registers to keep the ports busy,
 * and read all of A for that. 24 of 32 registers hold the tile, 12 of 16. */
enum { WIDE_MR = VEC_BYTES == 64 ? 8 : 4 };

/* Do so many columns, the last ones of C, make such a tile? There is no
 * register for the mask of a part of a vector of B in place, but half of one is
 * loaded without. */
static int is_wide(eg_index cols, int direct)
{
    eg_index third = cols - NR;

    if (VEC_BYTES < 64 && direct) return third == W || third == W / 2;
    return third > 1 && third <= W;
}

/* The tile of fast_tile.h with three vectors of C. b2: the third of B, which in
 * place may be a part of one; columns that are not there are not read. */
INLINE void wide_tile(int mr, int turned, int part, real *c, eg_index ldc,
                      const real *a, eg_index rs, eg_index cs, const real *b,
                      const real *b2, eg_index ldb, eg_index cols, eg_index K,
                      real alpha, int acc)
{
    vec sum[WIDE_MR][3];

#pragma GCC unroll 8
    for (int m = 0; m < mr; m++) sum[m][0] = sum[m][1] = sum[m][2] = vset(0);
#pragma GCC unroll 1
    for (eg_index k = 0; k < K; k++, a += cs, b += ldb, b2 += ldb) {
        vec b0 = vload(b), b1 = vload(b + W);
        vec third = part ? vload_n(b2, VEC_BYTES < 64 ? W / 2 : cols - 2 * W)
                         : vload(b2);

        if (turned) __builtin_prefetch(a + AHEAD * cs);
#pragma GCC unroll 8
        for (int m = 0; m < mr; m++) {
            vec f = vset(a[m * rs]);

            sum[m][0] += f * b0;
            sum[m][1] += f * b1;
            sum[m][2] += f * third;
        }
    }
    if (alpha != 1) {
#pragma GCC unroll 8
        for (int m = 0; m < mr; m++) {
            sum[m][0] *= alpha;
            sum[m][1] *= alpha;
            sum[m][2] *= alpha;
        }
    }
    if (acc) {
#pragma GCC unroll 8
        for (int m = 0; m < mr; m++) {
            const real *from = c + m * ldc;

            sum[m][0] += vload(from);
            sum[m][1] += vload(from + W);
            sum[m][2] += cols == 3 * W ? vload(from + 2 * W)
                                       : vload_n(from + 2 * W, cols - 2 * W);
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < mr; m++, c += ldc) {
        vstore(c, sum[m][0]);
        vstore(c + W, sum[m][1]);
        if (cols == 3 * W)
            vstore(c + 2 * W, sum[m][2]);
        else
            vstore_n(c + 2 * W, sum[m][2], cols - 2 * W);
    }
}

typedef void (*wide_fn)(real *c, eg_index ldc, const real *a, eg_index a_stride,
                        const real *b, const real *b2, eg_index ldb,
                        eg_index cols, eg_index K, real alpha, int acc);

#define WIDE_FN(name, mr, turned, part)                                     \
    static void name(real *c, eg_index ldc, const real *a, eg_index stride, \
                     const real *b, const real *b2, eg_index ldb,           \
                     eg_index cols, eg_index K, real alpha, int acc)        \
    {                                                                       \
        wide_tile(mr, turned, part, c, ldc, a, (turned) ? 1 : stride,       \
                  (turned) ? stride : 1, b, b2, ldb, cols, K, alpha, acc);  \
    }
#define WIDE_FNS(mr)                 \
    WIDE_FN(wide_##mr, mr, 0, 0)     \
    WIDE_FN(wide_##mr##_p, mr, 0, 1) \
    WIDE_FN(wide_##mr##_t, mr, 1, 0) \
    WIDE_FN(wide_##mr##_tp, mr, 1, 1)
#define WIDE_ROW(mr)                      \
    {                                     \
        {wide_##mr, wide_##mr##_p},       \
        {                                 \
            wide_##mr##_t, wide_##mr##_tp \
        }                                 \
    }

WIDE_FNS(1)
WIDE_FNS(2)
WIDE_FNS(3)
WIDE_FNS(4)
#if VEC_BYTES == 64
WIDE_FNS(5)
WIDE_FNS(6)
WIDE_FNS(7)
WIDE_FNS(8)
#endif

/* By rows - 1, A transposed, a part of the third vector loaded. */
static const wide_fn wide_tiles[WIDE_MR][2][2] = {
    WIDE_ROW(1), WIDE_ROW(2), WIDE_ROW(3), WIDE_ROW(4),
#if VEC_BYTES == 64
    WIDE_ROW(5), WIDE_ROW(6), WIDE_ROW(7), WIDE_ROW(8),
#endif
};

/* C[M, cols] with 2 W < cols <= 3 W: one panel of B, and one vector of the
 * next. */
static void wide_panel(real *c, eg_index ldc, const real *a, eg_index rs,
                       eg_index cs, const real *b, const real *b2, eg_index ldb,
                       eg_index M, eg_index cols, eg_index K, real alpha,
                       int acc)
{
    int turned = cs != 1, part = ldb != NR && cols < 3 * W;

    for (eg_index m = 0, rows; m < M; m += rows) {
        rows = take_rows(M - m, WIDE_MR);
        wide_tiles[rows - 1][turned][part](c + m * ldc, ldc, a + m * rs,
                                           turned ? cs : rs, b, b2, ldb, cols,
                                           K, alpha, acc);
    }
}

/* Are the last of N columns of B in place those of a wide tile? */
static int in_wide(eg_index N)
{
    return N > NR && is_wide(NR + N % NR, 1);
}
