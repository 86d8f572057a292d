/* What the attention kernels of all fast sets share: blocks of query rows and
 * their limits, and scores one by one. */

enum { LANES = EG_ATTN_BLOCK };

/* The limits of one block; 0 for lanes without a row. */
typedef struct block {
    int32_t limit[LANES];
    eg_index rows, keys;
} block;

static block block_at(const int32_t *limit, eg_index r, eg_index rows)
{
    block b = {.rows = rows - r < LANES ? rows - r : LANES};

    memcpy(b.limit, limit + r, (size_t)b.rows * sizeof *limit);
    b.keys = b.limit[b.rows - 1];
    return b;
}

/* Keys seen by any of the lanes first..first+n-1. */
static eg_index extent(const block *b, eg_index first, eg_index n)
{
    eg_index end = first + n < b->rows ? first + n : b->rows;
    return end > first ? b->limit[end - 1] : 0;
}

static eg_index fast_attn_size(const int32_t *limit, eg_index rows)
{
    return egi_kern_ref_f32.attn_size(limit, rows);
}

/* Sum of x y: W lanes, then across. */
static real dot_lanes(const real *x, const real *y, eg_index n)
{
    vec s0 = {0}, s1 = {0};
    eg_index i = 0;

    for (; i + 2 * W <= n; i += 2 * W) {
        s0 += vload(x + i) * vload(y + i);
        s1 += vload(x + i + W) * vload(y + i + W);
    }
    for (; i + W <= n; i += W) s0 += vload(x + i) * vload(y + i);
    if (i < n) s1 += vload_n(x + i, n - i) * vload_n(y + i, n - i);
    return vsum(s0 + s1);
}

static void fast_attn_scores(real *s, const real *q, const real *k,
                             eg_index ldk, eg_index limit, eg_index dh,
                             real scale)
{
    for (eg_index i = 0; i < limit; i++) {
        s[i] = scale * dot_lanes(q, k + i * ldk, dh);
    }
}
