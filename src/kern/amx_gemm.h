/* Matrix products of the AMX set (amx_tile.h). The right operand is split into
 * parts when it is packed, the left one by blocks inside the product: a block
 * of BLOCK_M x BLOCK_K stays in the L2 cache, a panel of two strips of B in L1.
 */

enum { BLOCK_M = 128, BLOCK_K = 128, SIDE = 2 * TILE, FEW_ROWS = 8 };

/* C[rows, cols] (+)= alpha A B, rows and cols at most 32: a and b are one or
 * two strips. */
typedef struct cell {
    float *c;
    eg_index ldc, rows, cols;
    float alpha;
    int acc;
} cell;

/* The sums in tiles 0 to 3 through a buffer, where C needs more than a copy. */
static void put_cell(const cell *o, const float *sum)
{
    for (eg_index m = 0; m < o->rows; m++) {
        for (eg_index n = 0; n < o->cols; n += W) {
            eg_index left = o->cols - n < W ? o->cols - n : W;
            float *c = o->c + m * o->ldc + n;
            vec v = o->alpha * vload(sum + m * SIDE + n);
            if (o->acc) v += load_some(c, left);
            if (left == W) {
                vstore(c, v);
            } else {
                vstore_n(c, v, left);
            }
        }
    }
}

INLINE void cell_product(int mr, int nr, const cell *o, const float *a,
                         eg_index sa, const float *b, eg_index sb,
                         eg_index steps)
{
    bool whole = o->rows == mr * TILE && o->cols == nr * TILE &&
                 o->alpha >= 1 && o->alpha <= 1;

    if (whole && o->acc) {
        tiles_load(mr, nr, o->c, o->ldc);
    } else {
        tiles_clear();
    }
    multiply(mr, nr, a, sa, b, sb, steps);
    if (whole) {
        tiles_store(mr, nr, o->c, o->ldc);
    } else {
        float sum[SIDE * SIDE] __attribute__((aligned(64)));
        tiles_store(mr, nr, sum, SIDE);
        put_cell(o, sum);
    }
}

static void cell_any(const cell *o, const float *a, eg_index sa, const float *b,
                     eg_index sb, eg_index steps)
{
    if (o->rows > TILE && o->cols > TILE) {
        cell_product(2, 2, o, a, sa, b, sb, steps);
    } else if (o->rows > TILE) {
        cell_product(2, 1, o, a, sa, b, sb, steps);
    } else if (o->cols > TILE) {
        cell_product(1, 2, o, a, sa, b, sb, steps);
    } else {
        cell_product(1, 1, o, a, sa, b, sb, steps);
    }
}

/* Also room for what fast_gemm packs. */
static eg_index amx_pack_size(eg_index K, eg_index N)
{
    eg_index parts = strip_size(K) * ((N + TILE - 1) / TILE);
    eg_index plain = fast_pack_size(K, N);
    return parts > plain ? parts : plain;
}

static void amx_pack(float *pb, const float *b, eg_index rs, eg_index cs,
                     eg_index K, eg_index N)
{
    for (eg_index n = 0; n < N; n += TILE, pb += strip_size(K)) {
        eg_index cols = N - n < TILE ? N - n : TILE;
        if (cs == 1) {
            right_strip(pb, b + n, rs, K, cols);
        } else {
            right_strip_turned(pb, b + n * cs, cs, K, cols);
        }
    }
}

/* Parts of A[M, K], strip by strip. */
static void left_parts(float *p, const float *a, eg_index rs, eg_index cs,
                       eg_index M, eg_index K)
{
    for (eg_index m = 0; m < M; m += TILE, p += strip_size(K)) {
        eg_index rows = M - m < TILE ? M - m : TILE;
        if (cs == 1) {
            left_strip(p, a + m * rs, rs, rows, K);
        } else {
            left_strip_turned(p, a + m, cs, rows, K);
        }
    }
}

static void amx_gemm_packed(float *c, eg_index ldc, const float *a, eg_index rs,
                            eg_index cs, const float *pb, eg_index M,
                            eg_index N, eg_index K, float alpha, int acc)
{
    float parts[BLOCK_M / TILE * (BLOCK_K / STEP) * STEP_FLOATS]
        __attribute__((aligned(64)));
    eg_index sb = strip_size(K);

    tiles_on();
    for (eg_index k = 0; k == 0 || k < K; k += BLOCK_K) {
        eg_index kc = K - k < BLOCK_K ? K - k : BLOCK_K, sa = strip_size(kc);
        const float *bk = pb + k / STEP * STEP_FLOATS;
        for (eg_index m = 0; m < M; m += BLOCK_M) {
            eg_index mc = M - m < BLOCK_M ? M - m : BLOCK_M;
            left_parts(parts, a + m * rs + k * cs, rs, cs, mc, kc);
            for (eg_index n = 0; n < N; n += SIDE) {
                for (eg_index i = 0; i < mc; i += SIDE) {
                    cell o = {c + (m + i) * ldc + n,
                              ldc,
                              mc - i < SIDE ? mc - i : SIDE,
                              N - n < SIDE ? N - n : SIDE,
                              alpha,
                              acc || k > 0};
                    cell_any(&o, parts + i / TILE * sa, sa, bk + n / TILE * sb,
                             sb, steps_of(kc));
                }
            }
        }
    }
    tiles_off();
}

static void amx_gemm(float *c, eg_index ldc, const float *a, eg_index rs,
                     eg_index cs, const float *b, eg_index brs, eg_index bcs,
                     eg_index M, eg_index N, eg_index K, float alpha, int acc,
                     float *work)
{
    if (M <= FEW_ROWS) { /* B would be split for next to nothing */
        fast_gemm(c, ldc, a, rs, cs, b, brs, bcs, M, N, K, alpha, acc, work);
        return;
    }
    amx_pack(work, b, brs, bcs, K, N);
    amx_gemm_packed(c, ldc, a, rs, cs, work, M, N, K, alpha, acc);
}
