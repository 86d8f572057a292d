/* Linear attention with a state S = sum x y^T that stays in registers: for
 * widths of some tens, where products of matrices would be mostly padding and
 * half of what they give is masked. A block of S, some rows of one vector of
 * columns, goes over all positions: what is written there is added to it, what
 * reads gets the block's share of S^T q. A last vector that would hold few
 * columns holds some rows of them side by side. Backwards over positions the
 * same walk gives what keys and values get. */

#if VEC_BYTES == 64
enum { LINATT_ROWS = 24 }; /* of 32 registers */
#else
/* Of 16; or half as many rows of two vectors, for which entries are broadcast
 * once: without a broadcast in the instruction that multiplies they are as many
 * as the products. */
enum { LINATT_ROWS = 10, LINATT_PAIRS = LINATT_ROWS / 2 };
#endif

/* S += x[w,:] y[w,:]^T for w = 0, 1, ..., and among these, for r = 0, 1, ...,
 * out[r,:] += scale S^T q[r,:]. Strides may be negative. */
typedef struct linatt_walk {
    const real *x, *y, *q;
    real *out;
    eg_index ldx, ldy, ldq, ldo, writes, reads;
    const int32_t *limit; /* of rows, as handed to the kernel */
    eg_index rows;
    real scale;
    bool every; /* one of rows reads behind each write */
    bool back;  /* from the last position to the first: rows write, keys read */
} linatt_walk;

/* Rows and columns of S. */
typedef struct linatt_block {
    eg_index row, rows, col, cols;
} linatt_block;

/* Does each row see the keys up to its own, and are they as many? AVX-512 has
 * no use for the answer. */
static bool linatt_every(const int32_t *limit, eg_index rows)
{
    if (VEC_BYTES == 64) return false;
    for (eg_index r = 0; r < rows; r++)
        if (limit[r] != r + 1) return false;
    return true;
}

static eg_index fast_linatt_work(eg_index kw, eg_index vw)
{
    (void)kw;
    (void)vw;
    return 0;
}

/* Does the next, r, read before the write behind w? */
INLINE bool linatt_reads(const linatt_walk *j, eg_index w, eg_index r)
{
    if (r >= j->reads) return false;
    if (!j->back) return j->limit[r] == w + 1;
    return w + 1 >= j->rows || j->limit[j->rows - 2 - w] < j->reads - r;
}

INLINE vec linatt_load(const real *p, eg_index n)
{
    return n >= W ? vload(p) : vload_n(p, n);
}

INLINE void linatt_add(real *p, vec v, eg_index n)
{
    if (n >= W)
        vstore(p, vload(p) + v);
    else
        vstore_n(p, vload_n(p, n) + v, n);
}

/* What the block's vector i, of n, of rows is multiplied by; the last may hold
 * few of them. */
INLINE vec linatt_factor(const real *x, const int i, const int n, eg_index rows,
                         const int beside)
{
    if (beside == 1) return vset(x[i]);
    x += (eg_index)VEC_ROWS * i;
    return vspread(x, i + 1 < n ? VEC_ROWS : rows - (eg_index)VEC_ROWS * i);
}

/* out += scale S^T q, S in n vectors. */
INLINE void linatt_read(real *out, const vec S[LINATT_ROWS], const real *q,
                        vec scale, const linatt_block *b, const int n,
                        const int beside)
{
    vec z[2] = {{0}, {0}};

#pragma GCC unroll 24
    for (int i = 0; i < n; i++)
        z[i % 2] += linatt_factor(q, i, n, b->rows, beside) * S[i];
    z[0] += z[1];
    if (beside > 1)
        vadd_few(out, vfold(z[0]) * scale, b->cols);
    else
        linatt_add(out, z[0] * scale, b->cols);
}

/* The block in n vectors, one or VEC_ROWS of its rows in each; every: one reads
 * behind each write. What the walk says is kept at hand: stores to out could be
 * to it, for all a compiler knows. */
INLINE void linatt_sweep(const linatt_walk *walk, const linatt_block *part,
                         const int n, const int beside, const bool every)
{
    const linatt_walk j = *walk;
    const linatt_block b = *part;
    const real *x = j.x + b.row, *y = j.y + b.col, *q = j.q + b.row;
    real *out = j.out + b.col;
    vec S[LINATT_ROWS], scale = vset(j.scale);
    eg_index r = 0;

#pragma GCC unroll 24
    for (int i = 0; i < n; i++) S[i] = (vec){0};
    for (eg_index w = 0; w < j.writes; w++, x += j.ldx, y += j.ldy) {
        vec v = beside == 1 ? linatt_load(y, b.cols) : vrepeat(y, b.cols);

#pragma GCC unroll 24
        for (int i = 0; i < n; i++)
            S[i] += linatt_factor(x, i, n, b.rows, beside) * v;
        if (every) {
            linatt_read(out, S, q, scale, &b, n, beside);
            q += j.ldq;
            out += j.ldo;
            continue;
        }
        for (; linatt_reads(&j, w, r); r++, q += j.ldq, out += j.ldo)
            linatt_read(out, S, q, scale, &b, n, beside);
    }
}

#if VEC_BYTES != 64
/* out += scale S^T q, S of n rows in two vectors each. */
INLINE void linatt_read2(real *out, vec S[LINATT_PAIRS][2], const real *q,
                         vec scale, const int n)
{
    vec z[2] = {vset(q[0]) * S[0][0], vset(q[0]) * S[0][1]};

#pragma GCC unroll 5
    for (int i = 1; i < n; i++) {
        vec f = vset(q[i]);

        z[0] += f * S[i][0];
        z[1] += f * S[i][1];
    }
    vstore(out, vload(out) + z[0] * scale);
    vstore(out + W, vload(out + W) + z[1] * scale);
}

/* The block's n rows in two vectors each; every: one reads behind each write.
 */
INLINE void linatt_sweep2(const linatt_walk *walk, const linatt_block *part,
                          const int n, const bool every)
{
    const linatt_walk j = *walk;
    const real *x = j.x + part->row, *y = j.y + part->col;
    const real *q = j.q + part->row;
    real *out = j.out + part->col;
    vec S[LINATT_PAIRS][2], scale = vset(j.scale);
    eg_index r = 0;

#pragma GCC unroll 5
    for (int i = 0; i < n; i++) S[i][0] = S[i][1] = (vec){0};
    for (eg_index w = 0; w < j.writes; w++, x += j.ldx, y += j.ldy) {
        vec v[2] = {vload(y), vload(y + W)};

#pragma GCC unroll 5
        for (int i = 0; i < n; i++) {
            vec f = vset(x[i]);

            S[i][0] += f * v[0];
            S[i][1] += f * v[1];
        }
        if (every) {
            linatt_read2(out, S, q, scale, n);
            q += j.ldq;
            out += j.ldo;
            continue;
        }
        for (; linatt_reads(&j, w, r); r++, q += j.ldq, out += j.ldo)
            linatt_read2(out, S, q, scale, n);
    }
}

#define LINATT_FN2(n)                                     \
    static void linatt_##n##_pairs(const linatt_walk *j,  \
                                   const linatt_block *b) \
    {                                                     \
        if (j->every)                                     \
            linatt_sweep2(j, b, n, true);                 \
        else                                              \
            linatt_sweep2(j, b, n, false);                \
    }
LINATT_FN2(1)
LINATT_FN2(2)
LINATT_FN2(3)
LINATT_FN2(4)
LINATT_FN2(5)

/* Columns col, .. col + 2 W - 1 of S. */
static void linatt_pairs(const linatt_walk *j, eg_index kw, eg_index col)
{
    static void (*const fns[])(const linatt_walk *, const linatt_block *) = {
        linatt_1_pairs, linatt_2_pairs, linatt_3_pairs, linatt_4_pairs,
        linatt_5_pairs};
    eg_index size = block_size(kw, LINATT_PAIRS, 1);
    linatt_block b = {.col = col, .cols = 2 * W};

    for (; b.row < kw; b.row += size) {
        b.rows = kw - b.row < size ? kw - b.row : size;
        fns[b.rows - 1](j, &b);
    }
}
#endif

typedef void (*linatt_fn)(const linatt_walk *j, const linatt_block *b);

#define LINATT_FN(n)                                                          \
    static void linatt_##n(const linatt_walk *j, const linatt_block *b)       \
    {                                                                         \
        if (VEC_BYTES < 64 && j->every)                                       \
            linatt_sweep(j, b, n, 1, true);                                   \
        else                                                                  \
            linatt_sweep(j, b, n, 1, false);                                  \
    }                                                                         \
    static void linatt_##n##_few(const linatt_walk *j, const linatt_block *b) \
    {                                                                         \
        if (VEC_BYTES < 64 && j->every)                                       \
            linatt_sweep(j, b, n, VEC_ROWS, true);                            \
        else                                                                  \
            linatt_sweep(j, b, n, VEC_ROWS, false);                           \
    }
LINATT_FN(1)
LINATT_FN(2)
LINATT_FN(3)
LINATT_FN(4)
LINATT_FN(5)
LINATT_FN(6)
LINATT_FN(7)
LINATT_FN(8)
LINATT_FN(9)
LINATT_FN(10)
#if VEC_BYTES == 64
LINATT_FN(11)
LINATT_FN(12)
LINATT_FN(13)
LINATT_FN(14)
LINATT_FN(15)
LINATT_FN(16)
LINATT_FN(17)
LINATT_FN(18)
LINATT_FN(19)
LINATT_FN(20)
LINATT_FN(21)
LINATT_FN(22)
LINATT_FN(23)
LINATT_FN(24)
#endif

#define LINATT_ROW(n)                \
    {                                \
        linatt_##n, linatt_##n##_few \
    }
/* By vectors - 1, rows side by side. */
static const linatt_fn linatt_fns[LINATT_ROWS][2] = {
    LINATT_ROW(1),  LINATT_ROW(2),  LINATT_ROW(3),  LINATT_ROW(4),
    LINATT_ROW(5),  LINATT_ROW(6),  LINATT_ROW(7),  LINATT_ROW(8),
    LINATT_ROW(9),  LINATT_ROW(10),
#if VEC_BYTES == 64
    LINATT_ROW(11), LINATT_ROW(12), LINATT_ROW(13), LINATT_ROW(14),
    LINATT_ROW(15), LINATT_ROW(16), LINATT_ROW(17), LINATT_ROW(18),
    LINATT_ROW(19), LINATT_ROW(20), LINATT_ROW(21), LINATT_ROW(22),
    LINATT_ROW(23), LINATT_ROW(24),
#endif
};

/* S [kw, vw], block by block. */
static void linatt_blocks(const linatt_walk *j, eg_index kw, eg_index vw)
{
    eg_index col = 0;

#if VEC_BYTES != 64
    for (; col + 2 * W <= vw; col += 2 * W) linatt_pairs(j, kw, col);
#endif
    for (; col < vw; col += W) {
        linatt_block b = {.col = col, .cols = vw - col < W ? vw - col : W};
        bool few = b.cols <= VEC_COLS;
        eg_index each = few ? VEC_ROWS : 1;
        eg_index size = block_size(kw, LINATT_ROWS * each, each);

        for (; b.row < kw; b.row += size) {
            b.rows = kw - b.row < size ? kw - b.row : size;
            linatt_fns[(b.rows + each - 1) / each - 1][few](j, &b);
        }
    }
}

static void fast_linatt(real *z, eg_index ldz, const real *q, eg_index ldq,
                        const int32_t *limit, eg_index rows, const real *k,
                        eg_index ldk, const real *v, eg_index ldv, eg_index kw,
                        eg_index vw, real scale, real *work)
{
    linatt_walk j = {.x = k,
                     .y = v,
                     .q = q,
                     .out = z,
                     .ldx = ldk,
                     .ldy = ldv,
                     .ldq = ldq,
                     .ldo = ldz,
                     .writes = rows > 0 ? limit[rows - 1] : 0,
                     .reads = rows,
                     .limit = limit,
                     .every = linatt_every(limit, rows),
                     .rows = rows,
                     .scale = scale};

    (void)work;
    linatt_blocks(&j, kw, vw);
}

static void fast_linatt_back(real *dv, eg_index lddv, const real *k,
                             eg_index ldk, eg_index n, const real *q,
                             eg_index ldq, const real *dz, eg_index lddz,
                             const int32_t *limit, eg_index rows, eg_index kw,
                             eg_index vw, real scale, real *work)
{
    eg_index last = rows > 0 ? limit[rows - 1] : 0;
    linatt_walk j = {.x = q + (rows - 1) * ldq,
                     .y = dz + (rows - 1) * lddz,
                     .q = k + (last - 1) * ldk,
                     .out = dv + (last - 1) * lddv,
                     .ldx = -ldq,
                     .ldy = -lddz,
                     .ldq = -ldk,
                     .ldo = -lddv,
                     .writes = rows,
                     .reads = last,
                     .limit = limit,
                     .every = linatt_every(limit, rows),
                     .rows = rows,
                     .scale = scale,
                     .back = true};

    (void)n;
    (void)work;
    if (rows > 0) linatt_blocks(&j, kw, vw);
}
