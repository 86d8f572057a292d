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
    const float *pb; /* parts of B */
    const float *b;  /* or NULL; else it is split into `to`, which is pb */
    float *to;
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

/* What the vector unit does during the cells, a little in every slot: it splits
 * two pieces of B, and one of A in every `each` slots, which spreads it evenly;
 * in large products it also fetches the strips of B and the rows of C that come
 * next, which are not in the caches. */
typedef struct meanwhile {
    feed a, b;
    int each, slot;
    const float *strip; /* NULL, or the first of two */
    eg_index size;      /* how far these are apart */
    float *row;         /* of C, `rows` left, `some` a slot */
    eg_index ldc, rows, some;
} meanwhile;

static void split_some(void *arg)
{
    meanwhile *w = arg;

    if (feed_piece(&w->b)) feed_piece(&w->b);
    if (++w->slot < w->each) return;
    w->slot = 0;
    feed_piece(&w->a);
}

static void fetch_and_split(void *arg)
{
    enum { FLOATS = 16, MANY = 128 }; /* a line; a slot's share of a step */
    meanwhile *w = arg;

    if (w->strip) {
        for (eg_index i = 0; i < MANY; i += FLOATS) {
            __builtin_prefetch(w->strip + i);
            __builtin_prefetch(w->strip + i + w->size);
        }
        w->strip += MANY;
    }
    for (eg_index i = 0; i < w->some && w->rows > 0; i++, w->rows--) {
        __builtin_prefetch(w->row, 1);
        __builtin_prefetch(w->row + FLOATS, 1);
        w->row += w->ldc;
    }
    split_some(arg);
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
                    const float *b, eg_index sb, eg_index steps, bool large,
                    meanwhile *w)
{
    const eg_index height = (eg_index)mr * TILE, width = (eg_index)nr * TILE;
    bool whole =
        o->rows == height && o->cols == width && o->alpha >= 1 && o->alpha <= 1;

    if (whole && o->acc) {
        tiles_load(mr, nr, o->c, o->ldc);
    } else {
        tiles_clear();
    }
    multiply(mr, nr, a, LEFT_SIZE, b, sb, steps,
             large ? fetch_and_split : split_some, w);
    if (whole) {
        tiles_store(mr, nr, o->c, o->ldc);
    } else {
        float sum[SIDE * SIDE] __attribute__((aligned(64)));
        tiles_store(mr, nr, sum, SIDE);
        put_cell(o, sum);
    }
}

INLINE void cell_product(const cell *o, const float *a, const float *b,
                         eg_index sb, eg_index steps, bool large, meanwhile *w)
{
    if (o->rows > TILE && o->cols > TILE) {
        cell_of(2, 2, o, a, b, sb, steps, large, w);
    } else if (o->rows > TILE) {
        cell_of(2, 1, o, a, b, sb, steps, large, w);
    } else if (o->cols > TILE) {
        cell_of(1, 2, o, a, b, sb, steps, large, w);
    } else {
        cell_of(1, 1, o, a, b, sb, steps, large, w);
    }
}

typedef void cell_fn(const cell *o, const float *a, const float *b, eg_index sb,
                     eg_index steps, meanwhile *w);

static void small_cell(const cell *o, const float *a, const float *b,
                       eg_index sb, eg_index steps, meanwhile *w)
{
    cell_product(o, a, b, sb, steps, false, w);
}

static void large_cell(const cell *o, const float *a, const float *b,
                       eg_index sb, eg_index steps, meanwhile *w)
{
    cell_product(o, a, b, sb, steps, true, w);
}

/* SIDE rows of A from m, BLOCK_K of k; nothing beyond K. */
static void feed_left(feed *f, const product_args *p, eg_index m, eg_index end,
                      eg_index k, float *to)
{
    feed_begin(f, to, p->a + m * p->rs + k * p->cs, p->rs, p->cs,
               end - m < SIDE ? end - m : SIDE,
               p->K - k < BLOCK_K ? p->K - k : BLOCK_K);
}

/* A row of cells, for a block of k. */
typedef struct row_args {
    float *c;
    const float *left, *b;
    eg_index rows, cols, kc;
    int acc;
    bool fetch_b, fetch_c;
} row_args;

static void product_row(const product_args *p, const row_args *r, meanwhile *w)
{
    bool fetch_b = r->fetch_b, fetch_c = r->fetch_c;
    cell_fn *run = fetch_b || fetch_c ? large_cell : small_cell;

    for (eg_index n = 0; n < r->cols; n += SIDE) {
        const float *b = r->b + n / TILE * w->size;
        bool more = n + SIDE < r->cols;
        cell o = {.c = r->c + n,
                  .ldc = p->ldc,
                  .rows = r->rows,
                  .cols = r->cols - n < SIDE ? r->cols - n : SIDE,
                  .alpha = p->alpha,
                  .acc = r->acc};

        w->strip = more && fetch_b ? b + SIDE / TILE * w->size : NULL;
        w->row = o.c + SIDE;
        w->rows = more && fetch_c ? o.rows : 0;
        feed_until(&w->b, n + SIDE);
        run(&o, r->left, b, w->size, steps_of(r->kc), w);
    }
}

/* One block of C, over all of k. */
static void product_block(const product_args *p, eg_index m0, eg_index n0)
{
    const eg_index many = 1 << 18; /* entries: beyond half of an L2 cache */
    float left[2][2 * LEFT_SIZE] __attribute__((aligned(64)));
    eg_index m1 = m0 + BLOCK_M < p->M ? m0 + BLOCK_M : p->M;
    eg_index n1 = n0 + BLOCK_N < p->N ? n0 + BLOCK_N : p->N;
    eg_index turn = 0;
    meanwhile w;

    w.a.size = LEFT_SIZE;
    w.a.left = true;
    w.b.size = w.size = strip_size(p->K);
    w.b.left = false;
    w.ldc = p->ldc;
    w.slot = 0;
    /* a row of cells has (n1 - n0) / SIDE slots for two strips */
    w.each = (int)((n1 - n0) / SIDE / 2);
    feed_left(&w.a, p, m0, m1, 0, left[0]);
    for (eg_index k = 0; k == 0 || k < p->K; k += BLOCK_K) {
        eg_index kc = p->K - k < BLOCK_K ? p->K - k : BLOCK_K;
        eg_index at = n0 / TILE * w.size + k / STEP * STEP_FLOATS;
        bool split_b = p->b && m0 == 0;

        w.some = kc > STEP ? (eg_index)SIDE * STEP / (SLOTS * kc) + 1 : SLOTS;
        feed_begin(&w.b, split_b ? p->to + at : NULL,
                   split_b ? p->b + n0 * p->bcs + k * p->brs : NULL, p->bcs,
                   p->brs, split_b ? n1 - n0 : 0, kc);
        for (eg_index m = m0; m < m1; m += SIDE, turn ^= 1) {
            bool last = m + SIDE >= m1;
            row_args r = {.c = p->c + m * p->ldc + n0,
                          .left = left[turn],
                          .b = p->pb + at,
                          .rows = m1 - m < SIDE ? m1 - m : SIDE,
                          .cols = n1 - n0,
                          .kc = kc,
                          .acc = p->acc || k > 0,
                          .fetch_b = m == m0 && !split_b && p->N * p->K > many,
                          .fetch_c = k == 0 && p->M * p->N > many};

            feed_until(&w.a, SIDE);
            feed_left(&w.a, p, last ? m0 : m + SIDE, m1, last ? k + BLOCK_K : k,
                      left[turn ^ 1]);
            product_row(p, &r, &w);
        }
    }
}

static void product_all(const product_args *p)
{
    tiles_on();
    for (eg_index n = 0; n < p->N; n += BLOCK_N) {
        for (eg_index m = 0; m < p->M; m += BLOCK_M) product_block(p, m, n);
    }
    tiles_off();
}

/* Products bound by memory are left to the vector unit: an entry of B is 6
 * bytes in parts and 4 as it is, so when B is far larger than the caches, or C
 * is wide and the sums are short, there is nothing to win. */
static bool memory_bound(eg_index K, eg_index N)
{
    return K * N >= 1 << 24 || (N >= 1 << 14 && K < BLOCK_K);
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

    if (memory_bound(K, N)) {
        fast_pack(pb, b, rs, cs, K, N);
        return;
    }
    f.size = strip_size(K);
    feed_until(&f, N);
}

/* The arguments of a product with B in parts at pb. */
INLINE product_args product_of(float *c, eg_index ldc, const float *a,
                               eg_index rs, eg_index cs, const float *pb,
                               eg_index M, eg_index N, eg_index K, float alpha,
                               int acc)
{
    return (product_args){.c = c,
                          .ldc = ldc,
                          .a = a,
                          .rs = rs,
                          .cs = cs,
                          .pb = pb,
                          .M = M,
                          .N = N,
                          .K = K,
                          .alpha = alpha,
                          .acc = acc};
}

static void amx_gemm_packed(float *c, eg_index ldc, const float *a, eg_index rs,
                            eg_index cs, const float *pb, eg_index M,
                            eg_index N, eg_index K, float alpha, int acc)
{
    product_args p = product_of(c, ldc, a, rs, cs, pb, M, N, K, alpha, acc);

    if (memory_bound(K, N)) {
        fast_gemm_packed(c, ldc, a, rs, cs, pb, M, N, K, alpha, acc);
    } else {
        product_all(&p);
    }
}

static void amx_gemm(float *c, eg_index ldc, const float *a, eg_index rs,
                     eg_index cs, const float *b, eg_index brs, eg_index bcs,
                     eg_index M, eg_index N, eg_index K, float alpha, int acc,
                     float *work)
{
    product_args p = product_of(c, ldc, a, rs, cs, work, M, N, K, alpha, acc);

    /* with few rows B would be split for next to nothing */
    if (M <= FEW_ROWS || memory_bound(K, N)) {
        fast_gemm(c, ldc, a, rs, cs, b, brs, bcs, M, N, K, alpha, acc, work);
        return;
    }
    p.to = work;
    p.b = b;
    p.brs = brs;
    p.bcs = bcs;
    product_all(&p);
}
