/* Matrix products of the AMX set (amx_tile.h).
 *
 * C is computed in cells of 32 x 32, two strips of A by two of B. Operands are
 * split into parts while the tile unit multiplies: the next rows of A always,
 * the next columns of B too unless they were packed beforehand. Blocks: a cell
 * takes BLOCK_K of k at a time, so that its strips fit into the L1 cache;
 * BLOCK_M x BLOCK_N of C, and B's parts for it, stay in L2. */

enum {
    SIDE = 2 * TILE,
    BLOCK_M = 256,
    BLOCK_N = 512,
    BLOCK_K = 128,
    LEFT_SIZE = BLOCK_K / STEP * STEP_FLOATS, /* parts of a strip of A */
    FEW_ROWS = 8
};

typedef struct product_args {
    float *c;
    const float *a;
    float *pb; /* parts of B, written if b is not NULL */
    const float *b;
    eg_index ldc, rs, cs, brs, bcs, M, N, K;
    float alpha;
    int acc;
} product_args;

/* C[rows, cols] (+)= alpha A B for a cell. */
typedef struct cell {
    float *c;
    eg_index ldc, rows, cols;
    float alpha;
    int acc;
} cell;

/* What is split during the cells: of B two pieces in every slot, of A one in
 * every `each` slots, which spreads it evenly. */
typedef struct pair_of_feeds {
    feed a, b;
    int each, slot;
} pair_of_feeds;

static void feed_both(void *arg)
{
    pair_of_feeds *f = arg;

    if (feed_piece(&f->b)) feed_piece(&f->b);
    if (++f->slot < f->each) return;
    f->slot = 0;
    feed_piece(&f->a);
}

/* The sums through a buffer, where C needs more than a copy. */
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

INLINE void cell_of(int mr, int nr, const cell *o, const float *a,
                    const float *b, eg_index sb, eg_index steps,
                    pair_of_feeds *f)
{
    bool whole = o->rows == mr * TILE && o->cols == nr * TILE &&
                 o->alpha >= 1 && o->alpha <= 1;

    if (whole && o->acc) {
        tiles_load(mr, nr, o->c, o->ldc);
    } else {
        tiles_clear();
    }
    multiply(mr, nr, a, LEFT_SIZE, b, sb, steps, feed_both, f);
    if (whole) {
        tiles_store(mr, nr, o->c, o->ldc);
    } else {
        float sum[SIDE * SIDE] __attribute__((aligned(64)));
        tiles_store(mr, nr, sum, SIDE);
        put_cell(o, sum);
    }
}

static void cell_product(const cell *o, const float *a, const float *b,
                         eg_index sb, eg_index steps, pair_of_feeds *f)
{
    if (o->rows > TILE && o->cols > TILE) {
        cell_of(2, 2, o, a, b, sb, steps, f);
    } else if (o->rows > TILE) {
        cell_of(2, 1, o, a, b, sb, steps, f);
    } else if (o->cols > TILE) {
        cell_of(1, 2, o, a, b, sb, steps, f);
    } else {
        cell_of(1, 1, o, a, b, sb, steps, f);
    }
}

/* The feed of SIDE rows of A from m, BLOCK_K of k; an empty one beyond K. */
static feed feed_left(const product_args *p, eg_index m, eg_index end,
                      eg_index k, float *to)
{
    return (feed){.to = to,
                  .x = p->a + m * p->rs + k * p->cs,
                  .si = p->rs,
                  .sk = p->cs,
                  .n = end - m < SIDE ? end - m : SIDE,
                  .K = p->K - k < BLOCK_K ? p->K - k : BLOCK_K,
                  .size = LEFT_SIZE,
                  .left = true};
}

/* One block of C, over all of k. */
static void product_block(const product_args *p, eg_index m0, eg_index n0)
{
    float left[2][2 * LEFT_SIZE] __attribute__((aligned(64)));
    eg_index m1 = m0 + BLOCK_M < p->M ? m0 + BLOCK_M : p->M;
    eg_index n1 = n0 + BLOCK_N < p->N ? n0 + BLOCK_N : p->N;
    eg_index size = strip_size(p->K), turn = 0;
    pair_of_feeds f = {.slot = 0};

    /* a row of cells has (n1 - n0) / SIDE slots for two strips */
    f.each = (int)((n1 - n0) / (2 * SIDE));
    f.a = feed_left(p, m0, m1, 0, left[0]);
    for (eg_index k = 0; k == 0 || k < p->K; k += BLOCK_K) {
        eg_index kc = p->K - k < BLOCK_K ? p->K - k : BLOCK_K;
        float *bk = p->pb + n0 / TILE * size + k / STEP * STEP_FLOATS;

        f.b = (feed){.to = bk, .si = p->bcs, .sk = p->brs, .K = kc};
        f.b.size = size;
        if (p->b && m0 == 0) {
            f.b.x = p->b + n0 * p->bcs + k * p->brs;
            f.b.n = n1 - n0;
        }
        for (eg_index m = m0; m < m1; m += SIDE, turn ^= 1) {
            bool last = m + SIDE >= m1;
            feed_until(&f.a, SIDE);
            f.a = feed_left(p, last ? m0 : m + SIDE, m1, last ? k + BLOCK_K : k,
                            left[turn ^ 1]);
            for (eg_index n = n0; n < n1; n += SIDE) {
                cell o = {p->c + m * p->ldc + n,
                          p->ldc,
                          m1 - m < SIDE ? m1 - m : SIDE,
                          n1 - n < SIDE ? n1 - n : SIDE,
                          p->alpha,
                          p->acc || k > 0};
                feed_until(&f.b, n - n0 + SIDE);
                cell_product(&o, left[turn], bk + (n - n0) / TILE * size, size,
                             steps_of(kc), &f);
            }
        }
    }
}

static void product_all(const product_args *p)
{
    tiles_on();
    for (eg_index m = 0; m < p->M; m += BLOCK_M) {
        for (eg_index n = 0; n < p->N; n += BLOCK_N) product_block(p, m, n);
    }
    tiles_off();
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
    feed f = {.to = pb, .x = b, .si = cs, .sk = rs, .n = N, .K = K};

    f.size = strip_size(K);
    feed_until(&f, N);
}

static void amx_gemm_packed(float *c, eg_index ldc, const float *a, eg_index rs,
                            eg_index cs, const float *pb, eg_index M,
                            eg_index N, eg_index K, float alpha, int acc)
{
    product_all(&(product_args){.c = c,
                                .ldc = ldc,
                                .a = a,
                                .rs = rs,
                                .cs = cs,
                                .pb = (float *)(uintptr_t)pb,
                                .M = M,
                                .N = N,
                                .K = K,
                                .alpha = alpha,
                                .acc = acc});
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
    product_all(&(product_args){.c = c,
                                .ldc = ldc,
                                .a = a,
                                .rs = rs,
                                .cs = cs,
                                .pb = work,
                                .b = b,
                                .brs = brs,
                                .bcs = bcs,
                                .M = M,
                                .N = N,
                                .K = K,
                                .alpha = alpha,
                                .acc = acc});
}
