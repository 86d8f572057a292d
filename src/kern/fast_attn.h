/* Causal attention of the fast sets. Lanes are queries: a block of
 * EG_ATTN_BLOCK query rows is packed transposed, scores come out key-major as
 * S^T = K Q^T, and softmax runs down the columns without any shuffle. Every
 * product stops at the limit of the lanes that it serves, to within a vector
 * or a register tile. */

/* A right operand B[K, width] of a product: in place or packed. */
typedef struct right {
    const real *p;
    eg_index step, ld; /* as in product() */
} right;

/* In place if whole vectors or what a wide tile takes can be loaded, else
 * packed into work. */
static right right_of(const real *x, eg_index ldx, eg_index K, eg_index width,
                      real *work)
{
    if (width % W == 0 || in_wide(width)) return (right){x, 1, ldx};
    fast_pack(work, x, ldx, 1, K, width);
    return (right){work, K, NR};
}

/* Keys seen by all of the lanes j .. j + W - 1. */
static eg_index common_keys(const block *b, eg_index j)
{
    return j + W <= b->rows ? b->limit[j] : 0;
}

/* What makes of dP = dZ V^T the gradients of scores, dS = P (dP - D) scale with
 * D[lane] = dz.z, of two vectors of lanes. */
typedef struct grads {
    const real *p;
    vec d[2], scale;
} grads;

/* dS of a key and vector j of lanes; at: where the key's are in P. */
INLINE vec score_grad(const grads *g, eg_index at, int j, vec dp)
{
    return vload(g->p + at + j * W) * (dp - g->d[j]) * g->scale;
}

/* S^T[s, lane] = alpha x[s,:].y[lane,:] of MR keys and two vectors of lanes;
 * top: the largest of each lane, if asked for; g: dS is stored in its place. */
INLINE void score_tile(real *s, const real *x, eg_index ldx, const real *y,
                       eg_index K, real alpha, vec top[2], const grads *g)
{
    vec sum[MR][2];

#pragma GCC unroll 8
    for (int m = 0; m < MR; m++) sum[m][0] = sum[m][1] = vset(0);
#pragma GCC unroll 1
    for (eg_index k = 0; k < K; k++, x++, y += NR) {
        vec y0 = vload(y), y1 = vload(y + W);
#pragma GCC unroll 8
        for (int m = 0; m < MR; m++) {
            vec f = vset(x[m * ldx]);
            sum[m][0] += f * y0;
            sum[m][1] += f * y1;
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < MR; m++, s += LANES) {
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            vec v = alpha * sum[m][j];

            if (g) v = score_grad(g, (eg_index)m * LANES, j, v);
            vstore(s + j * W, v);
            if (top) top[j] = vmax(v, top[j]);
        }
    }
}

/* Whole tiles of the first `keys` keys; how many keys these are. */
static eg_index score_tiles_top(real *s, const real *x, eg_index ldx,
                                const real *y, eg_index keys, eg_index K,
                                real alpha, vec top[2])
{
    eg_index at = 0;
    vec t[2] = {vset(-INFINITY), vset(-INFINITY)};

    for (; at + MR <= keys; at += MR)
        score_tile(s + at * LANES, x + at * ldx, ldx, y, K, alpha, t, NULL);
    top[0] = t[0];
    top[1] = t[1];
    return at;
}

static eg_index score_tiles_grads(real *ds, const real *x, eg_index ldx,
                                  const real *y, eg_index keys, eg_index K,
                                  const grads *grad)
{
    eg_index at = 0;
    grads g = *grad;

    for (; at + MR <= keys; at += MR, g.p += (eg_index)MR * LANES)
        score_tile(ds + at * LANES, x + at * ldx, ldx, y, K, 1, NULL, &g);
    return at;
}

/* S^T[s, lane] = alpha x[s,:].y[lane,:] from key `done` on, for the keys that
 * the two vectors of lanes from j on see; y packed [K][NR]. */
static void key_rest(real *s, const real *x, eg_index ldx, const real *y,
                     const block *b, eg_index j, eg_index done, eg_index K,
                     real alpha)
{
    eg_index near = extent(b, j, W), far = extent(b, j + W, W);

    panel(s + done * LANES + j, LANES, x + done * ldx, ldx, 1, y, NR,
          near - done, far ? NR : W, K, alpha, 0);
    if (far > near) {
        panel(s + near * LANES + j + W, LANES, x + near * ldx, ldx, 1, y + W,
              NR, far - near, W, K, alpha, 0);
    }
}

/* Rows of y's tiles from column n on, and how many columns these take. */
typedef struct tile_shape {
    eg_index rows, cols;
    int wide; /* three vectors */
} tile_shape;

static tile_shape shape_at(eg_index left, int direct)
{
    if (is_wide(left, direct)) return (tile_shape){WIDE_MR, left, 1};
    if (left > NR) left = NR;
    return (tile_shape){tile_rows(left), left, 0};
}

/* A tile: `rows` rows of y from column n on (+)= m x, columns of m side by side
 * if turned; xp: x from column n on. */
static void attn_tile(const tile_shape *t, real *y, eg_index ldy, const real *m,
                      int turned, eg_index stride, right x, const real *xp,
                      eg_index rows, eg_index K, int cold, int acc)
{
    if (t->wide) {
        int part = x.ld != NR && t->cols < 3 * W;

        wide_tiles[rows - 1][turned][part](
            y, ldy, m, stride, xp, xp + NR * x.step, x.ld, t->cols, K, 1, acc);
        return;
    }
    tiles[rows - 1][turned][cold][t->cols > W](y, ldy, m, stride, xp, x.ld,
                                               t->cols, K, 1, acc);
}

/* y[lane,:] = sum_s m[s, lane] x[s,:], each tile of lanes up to its limit. */
static void query_sums(real *y, eg_index ldy, const real *m, right x,
                       const block *b, eg_index width)
{
    int direct = x.ld != NR;

    for (eg_index k = 0; k < b->keys; k += KC) {
        for (eg_index n = 0, cols; n < width; n += cols) {
            tile_shape t = shape_at(width - n, direct);
            const real *xp = x.p + n * x.step + k * x.ld;

            cols = t.cols;
            for (eg_index i = 0; i < b->rows; i += t.rows) {
                eg_index rows = b->rows - i < t.rows ? b->rows - i : t.rows;
                eg_index end = extent(b, i, t.rows) - k;
                if (end > KC) end = KC;
                if (end <= 0) continue;
                int cold = direct && i == 0; /* the next tiles find it in L1 */
                attn_tile(&t, y + i * ldy + n, ldy, m + k * LANES + i, 1, LANES,
                          x, xp, rows, end, cold, k > 0);
            }
        }
    }
}

/* y[s,:] += sum_lane m[s, lane] x[lane,:], lanes that see key s only. */
static void key_sums(real *y, eg_index ldy, const real *m, right x,
                     const block *b, eg_index width)
{
    int direct = x.ld != NR;

    for (eg_index n = 0, cols; n < width; n += cols) {
        tile_shape t = shape_at(width - n, direct);
        eg_index lane = 0;

        cols = t.cols;
        for (eg_index s = 0; s < b->keys; s += t.rows) {
            eg_index rows = b->keys - s < t.rows ? b->keys - s : t.rows;
            int cold = direct && s == 0; /* as above */
            while (b->limit[lane] <= s) lane++;
            attn_tile(&t, y + s * ldy + n, ldy, m + s * LANES + lane, 0, LANES,
                      x, x.p + n * x.step + lane * x.ld, rows, b->rows - lane,
                      cold, 1);
        }
    }
}

/* The largest scores of W lanes among the keys from s on, or t: keys below lo
 * are seen by all of them, keys from hi by none. */
static vec lanes_top(const real *p, ivec limit, eg_index s, eg_index lo,
                     eg_index hi, vec t)
{
    const vec none = vset(-INFINITY);
    vec top[4] = {t, none, none, none};

    for (; s + 4 <= lo; s += 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            top[i] = vmax(vload(p + (s + i) * LANES), top[i]);
        }
    }
    for (; s < hi; s++) {
        vec x = vload(p + s * LANES);
        top[0] = vmax(vsel(limit > (vint)s, x, none), top[0]);
    }
    return vmax(vmax(top[0], top[1]), vmax(top[2], top[3]));
}

/* Softmax down W lanes of a block; lo, hi and t as above. */
static void softmax_lanes(real *p, ivec limit, eg_index lo, eg_index hi,
                          eg_index keys, vec t)
{
    vec sum = {0}, inv;
    eg_index s = 0;

    for (; s + 4 <= lo; s += 4) {
        vec e[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            e[i] = vexp_fall(vload(p + (s + i) * LANES) - t);
            vstore(p + (s + i) * LANES, e[i]);
        }
        sum += (e[0] + e[1]) + (e[2] + e[3]);
    }
    for (; s < hi; s++) {
        vec e = vexp_fall(vload(p + s * LANES) - t);
        e = vsel(limit > (vint)s, e, vset(0));
        sum += e;
        vstore(p + s * LANES, e);
    }
    inv = 1 / vsel(limit > 0, sum, vset(1));
    for (s = 0; s < hi; s++) vstore(p + s * LANES, vload(p + s * LANES) * inv);
    for (; s < keys; s++) vstore(p + s * LANES, vset(0));
}

static ivec lane_limits(const block *b, eg_index j)
{
    return iload(b->limit + j);
}

static void softmax_rest(real *p, const block *b, eg_index j, eg_index done,
                         vec top)
{
    ivec limit = lane_limits(b, j);
    eg_index lo = common_keys(b, j), hi = extent(b, j, W);

    top = lanes_top(p + j, limit, done, lo, hi, top);
    softmax_lanes(p + j, limit, lo, hi, b->keys, top);
}

/* The pattern of a block, with queries packed [dh][LANES]: two vectors of lanes
 * from the first key to the last while their scores are in the cache. */
static void pattern(real *p, const real *k, eg_index ldk, const real *packed,
                    const block *b, eg_index dh, real scale)
{
    for (eg_index j = 0; j < LANES; j += NR) {
        eg_index seen = extent(b, j + W, W) ? common_keys(b, j) : 0, done;
        const real *q = packed + j * dh;
        vec top[2];

        done = score_tiles_top(p + j, k, ldk, q, seen, dh, scale, top);
        key_rest(p, k, ldk, q, b, j, done, dh, scale);
        softmax_rest(p, b, j, done, top[0]);
        softmax_rest(p, b, j + W, done, top[1]);
    }
}

/* [width][LANES] packed rows, [keys][LANES] gradients of scores, then room to
 * pack keys or values and a block of rows. */
static eg_index fast_attn_work(eg_index dh, eg_index dv, eg_index max_limit)
{
    eg_index width = dh > dv ? dh : dv;
    return (width + max_limit) * LANES +
           fast_pack_size(max_limit + LANES, width);
}

static void fast_attn(real *z, eg_index ldz, real *p, const real *q,
                      eg_index ldq, const int32_t *limit, const real *k,
                      eg_index ldk, const real *v, eg_index ldv, eg_index rows,
                      eg_index dh, eg_index dv, real scale, real *work)
{
    right values;

    if (rows == 0) return;
    values = right_of(v, ldv, limit[rows - 1], dv, work + dh * LANES);
    for (eg_index r = 0; r < rows; r += LANES) {
        block b = block_at(limit, r, rows);

        fast_pack(work, q + r * ldq, 1, ldq, dh, b.rows);
        pattern(p, k, ldk, work, &b, dh, scale);
        query_sums(z + r * ldz, ldz, p, values, &b, dv);
        p += b.keys * LANES;
    }
}

/* In place dP -> dS of W lanes from j on and the keys from s on; zero where
 * unseen. */
static void finish_grads(real *ds, const real *p, vec d, const block *b,
                         eg_index j, eg_index s, real scale)
{
    eg_index lo = common_keys(b, j), hi = extent(b, j, W);
    grads g = {p + j, {d}, vset(scale)};
    ivec limit = lane_limits(b, j);

    ds += j;
    for (; s < lo; s++) {
        real *x = ds + s * LANES;
        vstore(x, score_grad(&g, s * LANES, 0, vload(x)));
    }
    for (; s < hi; s++) {
        real *x = ds + s * LANES;
        vec v = score_grad(&g, s * LANES, 0, vload(x));
        vstore(x, vsel(limit > (vint)s, v, vset(0)));
    }
    for (; s < b->keys; s++) vstore(ds + s * LANES, vset(0));
}

/* dS of a block, with dZ also packed [dv][LANES]. */
static void score_grads(real *ds, const real *p, const real *v, eg_index ldv,
                        const real *packed, const real *dz, eg_index lddz,
                        const real *z, eg_index ldz, const block *b,
                        eg_index dv, real scale)
{
    real dot[LANES] = {0};

    for (eg_index i = 0; i < b->rows; i++) {
        dot[i] = dot_lanes(dz + i * lddz, z + i * ldz, dv);
    }
    for (eg_index j = 0; j < LANES; j += NR) {
        eg_index seen = common_keys(b, j + W) ? common_keys(b, j) : 0, done;
        const real *y = packed + j * dv;
        grads g = {p + j, {vload(dot + j), vload(dot + j + W)}, vset(scale)};

        done = score_tiles_grads(ds + j, v, ldv, y, seen, dv, &g);
        key_rest(ds, v, ldv, y, b, j, done, dv, 1);
        finish_grads(ds, p, g.d[0], b, j, done, scale);
        finish_grads(ds, p, g.d[1], b, j + W, done, scale);
    }
}

/* NOLINTNEXTLINE(readability-function-size): the table's 23 arguments */
static void fast_attn_back(real *dq, eg_index lddq, real *dk, eg_index lddk,
                           real *dv_, eg_index lddv, const real *dz,
                           eg_index lddz, const real *z, eg_index ldz,
                           const real *p, const real *q, eg_index ldq,
                           const int32_t *limit, const real *k, eg_index ldk,
                           const real *v, eg_index ldv, eg_index rows,
                           eg_index dh, eg_index dv, real scale, real *work)
{
    eg_index width = dh > dv ? dh : dv, keys = rows ? limit[rows - 1] : 0;
    real *ds = work + width * LANES, *rest = ds + keys * LANES;
    real *row_work = rest + fast_pack_size(keys, width);
    right all_keys = {0};

    if (dq) all_keys = right_of(k, ldk, keys, dh, rest);
    for (eg_index r = 0; r < rows; r += LANES) {
        block b = block_at(limit, r, rows);
        const real *dzr = dz + r * lddz, *qr = q + r * ldq;

        if (dv_) {
            right x = right_of(dzr, lddz, b.rows, dv, row_work);
            key_sums(dv_, lddv, p, x, &b, dv);
        }
        if (dq || dk) {
            fast_pack(work, dzr, 1, lddz, dv, b.rows);
            score_grads(ds, p, v, ldv, work, dzr, lddz, z + r * ldz, ldz, &b,
                        dv, scale);
        }
        if (dq) query_sums(dq + r * lddq, lddq, ds, all_keys, &b, dh);
        if (dk) {
            right x = right_of(qr, ldq, b.rows, dh, row_work);
            key_sums(dk, lddk, ds, x, &b, dh);
        }
        p += b.keys * LANES;
    }
}
