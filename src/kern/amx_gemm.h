/* Matrix products of the AMX set (amx_tile.h, amx_cell.h).
 *
 * Operands are split into parts while the tile unit multiplies: the next rows
 * of A always, the next columns of B too unless they were split beforehand,
 * which does not pay where B is far larger than the caches: parts take 6 bytes
 * in place of 4. Such a B is packed as for the vector unit.
 * Blocks: cells take up to MAX_K of k at a time, so that their strips of A fit
 * into the L1 cache; BLOCK_M rows of a block of C, and B's parts for it, stay
 * in L2. Results too large for the caches go past them. */

enum {
    BLOCK_M = 256,
    BLOCK_N = PARTS == 1 ? 1024 : 512,
    WIDE_N = 1024, /* for short sums that go past the caches */
    BLOCK_K = 128,
    MAX_K = PARTS == 1 ? 384 : 256,
    LEFT_SIZE = MAX_K / STEP * STEP_FLOATS, /* parts of a strip of A */
    /* rows that pay for splitting B: if it has WIDE columns or is larger than
     * the caches there have to be more */
    FEW_ROWS = 9,
    SOME_ROWS = 33,
    ENOUGH_ROWS = 128,
    WIDE = 1 << 14,
    SMALL_SIDE = 64, /* see is_small */
    SMALL_B = 128 * 80,
    MANY = 1 << 18, /* entries: beyond half of an L2 cache */
    SOME = 1 << 16  /* that a matrix spans of which this may be a part */
};

/* SIDE rows of A from m, a block of k; nothing beyond K. */
static void feed_left(feed *f, const product_args *p, eg_index m, eg_index end,
                      eg_index k, float *to)
{
    feed_begin(f, to, p->a + m * p->rs + k * p->cs, p->rs, p->cs,
               less(end - m, SIDE), less(p->K - k, p->block_k));
}

/* Where the parts of B for a block begin: those made on the way take the place
 * of others. */
INLINE eg_index parts_at(const product_args *p, eg_index n, eg_index k)
{
    return (p->b ? 0 : n / TILE * p->strip) +
           (p->once ? 0 : k / STEP * STEP_FLOATS);
}

/* The next B to be split: columns n to end, a block of k. */
static void feed_right(feed *f, const product_args *p, eg_index n, eg_index end,
                       eg_index k)
{
    eg_index kc = less(p->K - k, p->block_k);
    float *to = p->to + parts_at(p, n, k);

    if (p->panels) {
        feed_begin(f, to, p->b + n * p->K + k * NR, 1, NR, end - n, kc);
        f->panel = NR * p->K;
    } else {
        feed_begin(f, to, p->b + n * p->bcs + k * p->brs, p->bcs, p->brs,
                   end - n, kc);
    }
}

/* So many runs from p on, in so many slots. */
static void fetch_runs(coming *f, const float *p, eg_index size, eg_index lines,
                       eg_index runs, eg_index slots)
{
    f->line = f->run = p;
    f->size = size;
    f->left = f->whole = lines;
    f->runs = runs;
    f->some = (runs * lines + slots - 1) / slots;
}

/* What is packed of the block at n and k. */
static void fetch_right(coming *f, const product_args *p, eg_index n,
                        eg_index k, eg_index slots)
{
    eg_index cols = less(p->N - n, p->block_n);
    eg_index kc = less(p->K - k, p->block_k);

    f->runs = 0;
    if (n >= p->N || p->N * p->K <= MANY) return;
    if (p->panels) {
        fetch_runs(f, p->b + n * p->K + k * NR, NR * p->K, kc * NR / LINE,
                   (cols + NR - 1) / NR, slots);
    } else if (!p->b) {
        fetch_runs(f, p->pb + parts_at(p, n, k), p->strip,
                   strip_size(kc) / LINE, (cols + TILE - 1) / TILE, slots);
    }
}

/* SIDE rows of a transposed A from m, a block of k: lines far apart, which the
 * processor does not fetch by itself. */
static void fetch_left(coming *f, const product_args *p, eg_index m, eg_index k,
                       eg_index slots)
{
    f->runs = 0;
    if (p->rs != 1 || k >= p->K || p->K * p->cs <= SOME) return;
    fetch_runs(f, p->a + m + k * p->cs, p->cs, SIDE / LINE,
               less(p->K - k, p->block_k), slots);
}

/* A row of cells, for a block of k. */
typedef struct row_args {
    float *c;
    const float *left, *b;
    eg_index rows, cols, kc;
    int acc;
    bool fetch_c;
} row_args;

static void product_row(const product_args *p, const row_args *r, meanwhile *w)
{
    bool large = w->next_a.runs > 0 || w->next_b.runs > 0 || r->fetch_c;
    cell_fn *run = cell_fns[p->past ? PAST : large ? LARGE : SMALL];

    for (eg_index n = 0; n < r->cols; n += SIDE) {
        const float *b = r->b + n / TILE * w->size;
        bool more = n + SIDE < r->cols;
        cell o = {.c = r->c + n,
                  .ldc = p->ldc,
                  .rows = r->rows,
                  .cols = less(r->cols - n, SIDE),
                  .alpha = p->alpha,
                  .acc = r->acc};

        w->row = o.c + SIDE;
        w->rows = more && r->fetch_c ? o.rows : 0;
        feed_until(&w->b, n + SIDE);
        run(&o, r->left, w->a.size, b, steps_of(r->kc), w);
    }
}

/* The rows of A after those at m and k in a block of C. */
INLINE void next_rows(const product_args *p, eg_index m0, eg_index m1,
                      eg_index *m, eg_index *k)
{
    *m += SIDE;
    if (*m < m1) return;
    *m = m0;
    *k += p->block_k;
}

/* One block of C, over all of k. */
static void product_block(const product_args *p, eg_index m0, eg_index n0)
{
    float left[2][2 * LEFT_SIZE] __attribute__((aligned(64)));
    eg_index m1 = less(m0 + BLOCK_M, p->M), n1 = less(n0 + p->block_n, p->N);
    eg_index rows = (m1 - m0 + SIDE - 1) / SIDE;
    eg_index cells = (n1 - n0 + SIDE - 1) / SIDE;
    eg_index turn = 0;
    meanwhile w;

    w.a.size = p->block_k / STEP * STEP_FLOATS;
    w.a.left = true;
    w.b.size = w.size = p->strip;
    w.b.left = false;
    w.ldc = p->ldc;
    w.slot = 0;
    /* a row of cells has this many slots for two strips */
    w.each = (int)(cells / 2);
    out_begin(&w.out, p->ldc, p->alpha);
    feed_begin(&w.b, NULL, p->pb, 0, 0, 0, 0);
    feed_left(&w.a, p, m0, m1, 0, left[0]);
    for (eg_index k = 0; k == 0 || k < p->K; k += p->block_k) {
        eg_index kc = less(p->K - k, p->block_k), at = parts_at(p, n0, k);
        eg_index slots = SLOTS * (kc > 0 ? steps_of(kc) : 1); /* of a cell */
        bool end_k = k + p->block_k >= p->K;

        w.some = SIDE / slots + 1;
        if (p->b && (p->once || m0 == 0)) feed_right(&w.b, p, n0, n1, k);
        fetch_right(&w.next_b, p, end_k && m1 == p->M ? n1 : n0,
                    end_k ? 0 : k + p->block_k, rows * cells * slots);
        for (eg_index m = m0; m < m1; m += SIDE, turn ^= 1) {
            eg_index next = m, next_k = k;
            row_args r = {.c = p->c + m * p->ldc + n0,
                          .left = left[turn],
                          .b = p->pb + at,
                          .rows = less(m1 - m, SIDE),
                          .cols = n1 - n0,
                          .kc = kc,
                          .acc = p->acc || k > 0,
                          .fetch_c = k == 0 && p->M * p->ldc > SOME};

            feed_until(&w.a, SIDE);
            next_rows(p, m0, m1, &next, &next_k);
            feed_left(&w.a, p, next, m1, next_k, left[turn ^ 1]);
            next_rows(p, m0, m1, &next, &next_k);
            fetch_left(&w.next_a, p, next, next_k, cells * slots);
            product_row(p, &r, &w);
        }
    }
    out_all(&w.out);
}

/* How a product is cut into blocks; with alpha = 1 no result depends on that.
 * Longer sums in a cell save passes over C, shorter ones begin sooner. */
static void cut(product_args *p)
{
    bool aligned = ((uintptr_t)p->c | (uintptr_t)(p->ldc * 4)) % 64 == 0;
    bool large = p->M >= BLOCK_M && p->N >= BLOCK_N && !p->panels;

    p->past = !p->acc && p->K <= MAX_K && aligned &&
              p->M * p->N * (eg_index)sizeof *p->c >= STREAM_BYTES;
    p->block_n = p->past && p->K <= BLOCK_K ? WIDE_N : BLOCK_N;
    p->block_k = PARTS == 1 || p->past || large ? MAX_K : BLOCK_K;
    p->once = p->b && (p->panels || p->M <= BLOCK_M);
    p->strip = strip_size(p->once ? less(p->K, p->block_k) : p->K);
}

static void product_cells(product_args *p)
{
    tiles_on();
    for (eg_index n = 0; n < p->N; n += p->block_n) {
        for (eg_index m = 0; m < p->M; m += BLOCK_M) product_block(p, m, n);
    }
    tiles_off();
    if (p->past) stream_end();
}

static void product_all(product_args *p)
{
    eg_index N = p->N, K = p->K;
    bool column = is_lone_column(N, K), step = is_lone_step(N, K);

    cut(p);
    if (column) p->N--;
    if (step) p->K--;
    product_cells(p);
    if (!column && !step) return;
    p->K = K;
    if (step) lone_step(p, K - 1, p->N);
    if (column) lone_column(p, N - 1);
}

/* Cells and steps of k would be padding for the most part, or splitting costs
 * more than it saves: the vector unit does these. */
static bool is_small(eg_index K, eg_index N)
{
    return PARTS > 1 && (K < SMALL_SIDE || N < SMALL_SIDE || K * N < SMALL_B);
}

/* Whether B stays as it is until it is needed. Beyond that, fewer rows than
 * ENOUGH_ROWS are left to the vector unit, which need not split it. */
static bool stays_whole(eg_index K, eg_index N)
{
    return PARTS > 1 && K * N >= 1 << 24;
}

/* Also room for what fast_gemm packs. */
static eg_index amx_pack_size(eg_index K, eg_index N)
{
    eg_index parts = strip_size(K) * ((N + TILE - 1) / TILE);
    eg_index plain = PARTS > 1 ? fast_pack_size(K, N) : 0;
    return parts > plain ? parts : plain;
}

static void amx_pack(float *pb, const float *b, eg_index rs, eg_index cs,
                     eg_index K, eg_index N)
{
    feed f = {.to = pb,
              .x = b,
              .si = cs,
              .sk = rs,
              .n = N,
              .K = K,
              .ahead = cs == 1 ? STEP * rs : AHEAD_ROWS * cs};

    if (stays_whole(K, N) || is_small(K, N)) {
        fast_pack(pb, b, rs, cs, K, N);
        return;
    }
    f.size = strip_size(K);
    if (cs == 1)
        feed_across(&f);
    else
        feed_until(&f, N);
}

static void panels_product(product_args *p)
{
    float parts[BLOCK_N / TILE * BLOCK_K / STEP * STEP_FLOATS]
        __attribute__((aligned(64)));

    p->panels = true;
    p->b = p->pb;
    p->pb = p->to = parts;
    product_all(p);
}

static void amx_gemm_packed(float *c, eg_index ldc, const float *a, eg_index rs,
                            eg_index cs, const float *pb, eg_index M,
                            eg_index N, eg_index K, float alpha, int acc)
{
    product_args p = product_of(c, ldc, a, rs, cs, pb, M, N, K, alpha, acc);

    if (!stays_whole(K, N) && !is_small(K, N)) {
        product_all(&p);
    } else if (M >= ENOUGH_ROWS && !is_small(K, N)) {
        panels_product(&p);
    } else {
        fast_gemm_packed(c, ldc, a, rs, cs, pb, M, N, K, alpha, acc);
    }
}

/* Rows that pay for splitting B. */
static eg_index enough_rows(eg_index K, eg_index N)
{
    if (stays_whole(K, N)) return ENOUGH_ROWS;
    return N < WIDE ? FEW_ROWS : SOME_ROWS;
}

static void amx_gemm(float *c, eg_index ldc, const float *a, eg_index rs,
                     eg_index cs, const float *b, eg_index brs, eg_index bcs,
                     eg_index M, eg_index N, eg_index K, float alpha, int acc,
                     float *work)
{
    product_args p = product_of(c, ldc, a, rs, cs, work, M, N, K, alpha, acc);

    if (PARTS > 1 && (is_small(K, N) || M < enough_rows(K, N))) {
        fast_gemm(c, ldc, a, rs, cs, b, brs, bcs, M, N, K, alpha, acc, work);
        return;
    }
    p.to = work;
    p.b = b;
    p.brs = brs;
    p.bcs = bcs;
    product_all(&p);
}
