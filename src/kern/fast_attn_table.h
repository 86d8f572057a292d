/* Causal attention of the fast sets with scores from two tables (attn_table in
 * kern.h). Scores leave and gradients enter the tables by rows; between, lanes
 * are queries as in fast_attn.h, so W rows at a time are turned. */

/* The shape of two tables te and tp (or their gradients; tp may be NULL), and
 * where a sequence stands in them. */
typedef struct score_table {
    eg_index ld, V;
    const int32_t *token;
} score_table;

/* The rows of the tables that W lanes of a block stand for; lanes without a row
 * repeat the last one. */
typedef struct lane_rows {
    eg_index token[W], t[W]; /* offsets of the rows */
} lane_rows;

static lane_rows lane_rows_of(const score_table *a, const block *b, eg_index j)
{
    lane_rows r;

    for (eg_index i = 0; i < W; i++) {
        eg_index lane = j + i < b->rows ? j + i : b->rows - 1;
        eg_index t = b->limit[lane] - 1;
        r.token[i] = a->token[t] * a->ld;
        r.t[i] = t * a->ld;
    }
    return r;
}

/* Where by_token [V][LANES] has the token of key s. */
INLINE real *key_row(real *by_token, const score_table *a, eg_index s)
{
    return by_token + (eg_index)a->token[s] * LANES;
}

/* Columns at .. at + n, n <= W, of W rows, turned: v[i] is column at + i. */
INLINE void load_turned(vec v[W], const real *te, const real *tp,
                        const lane_rows *r, eg_index at, eg_index n)
{
    if (n >= W) {
#pragma GCC unroll 16
        for (int i = 0; i < W; i++) {
            v[i] = vload(te + r->token[i] + at);
            if (tp) v[i] += vload(tp + r->t[i] + at);
        }
    } else {
        for (int i = 0; i < W; i++) {
            v[i] = vload_n(te + r->token[i] + at, n);
            if (tp) v[i] += vload_n(tp + r->t[i] + at, n);
        }
    }
    vtranspose(v);
}

/* The pattern of W lanes with the keys that they see; by_token [V][LANES] is
 * room for the scores of tokens. */
static void table_pattern(real *p, real *by_token, const real *te,
                          const real *tp, const score_table *a, const block *b,
                          eg_index j)
{
    lane_rows rows = lane_rows_of(a, b, j);
    eg_index lo = common_keys(b, j), hi = extent(b, j, W), c = 0;
    ivec limit = lane_limits(b, j);
    vec v[W], top = vset(-INFINITY);

    p += j;
    by_token += j;
    for (eg_index k = 0; k < a->V; k += W) {
        eg_index n = a->V - k < W ? a->V - k : W;
        load_turned(v, te, tp, &rows, k, n);
        for (eg_index i = 0; i < n; i++)
            vstore(by_token + (k + i) * LANES, v[i]);
    }
    for (; tp && c + W <= lo; c += W) {
        load_turned(v, te, tp, &rows, a->V + c, W);
#pragma GCC unroll 16
        for (int i = 0; i < W; i++) {
            vec x = v[i] + vload(key_row(by_token, a, c + i));
            vstore(p + (c + i) * LANES, x);
            top = vmax(x, top);
        }
    }
    eg_index done = c;
    for (; tp && c < hi; c += W) {
        eg_index n = hi - c < W ? hi - c : W;
        load_turned(v, te, tp, &rows, a->V + c, n);
        for (eg_index i = 0; i < n; i++) {
            vec x = vload(key_row(by_token, a, c + i));
            vstore(p + (c + i) * LANES, v[i] + x);
        }
    }
    for (; c < hi; c++) vstore(p + c * LANES, vload(key_row(by_token, a, c)));
    top = lanes_top(p, limit, done, lo, hi, top);
    softmax_lanes(p, limit, lo, hi, b->keys, top);
}

/* x += v at the first n lanes. */
INLINE void add_lanes(real *x, vec v, eg_index n)
{
    if (n >= W)
        vstore(x, vload(x) + v);
    else
        vstore_n(x, vload_n(x, n) + v, n);
}

/* Rows of both tables += n columns of m[.][LANES], lanes j.., turned. */
static void scatter_turned(real *dte, real *dtp, const lane_rows *r,
                           eg_index at, const real *m, eg_index n,
                           eg_index lanes)
{
    vec v[W];

    for (eg_index i = 0; i < W; i++)
        v[i] = i < n ? vload(m + i * LANES) : vset(0);
    vtranspose(v);
    for (eg_index i = 0; i < lanes; i++) {
        __builtin_prefetch(dte + r->token[i] + at + 2 * W, 1);
        if (dtp) __builtin_prefetch(dtp + r->t[i] + at + 2 * W, 1);
        add_lanes(dte + r->token[i] + at, v[i], n);
        if (dtp) add_lanes(dtp + r->t[i] + at, v[i], n);
    }
}

/* Gradients of W lanes' scores ds[.][LANES] into the tables. */
static void table_grads(real *dte, real *dtp, const score_table *a,
                        const real *ds, real *by_token, const block *b,
                        eg_index j)
{
    eg_index hi = extent(b, j, W), lanes = b->rows - j < W ? b->rows - j : W;
    lane_rows rows = lane_rows_of(a, b, j);

    for (eg_index c = 0; c < a->V; c++)
        vstore(by_token + c * LANES + j, vset(0));
    for (eg_index s = 0; s < hi; s++) {
        real *x = key_row(by_token, a, s) + j;
        vstore(x, vload(x) + vload(ds + s * LANES + j));
    }
    for (eg_index c = 0; c < a->V; c += W)
        scatter_turned(dte, dtp, &rows, c, by_token + c * LANES + j,
                       a->V - c < W ? a->V - c : W, lanes);
    for (eg_index c = 0; dtp && c < hi; c += W)
        scatter_turned(dte, dtp, &rows, a->V + c, ds + c * LANES + j,
                       hi - c < W ? hi - c : W, lanes);
}

/* [max(dv, V)][LANES] packed rows or scores of tokens, [keys][LANES] gradients
 * of scores, then room to pack values or a block of rows. */
static eg_index fast_attn_table_work(eg_index V, eg_index dv,
                                     eg_index max_limit)
{
    return fast_attn_work(V, dv, max_limit);
}

static void fast_attn_table(real *z, eg_index ldz, real *p, const real *te,
                            const real *tp, eg_index ldt, eg_index V,
                            const int32_t *token, const int32_t *limit,
                            const real *v, eg_index ldv, eg_index rows,
                            eg_index dv, real *work)
{
    const score_table a = {ldt, V, token};
    right values;

    if (rows == 0) return;
    values = right_of(v, ldv, limit[rows - 1], dv, work + V * LANES);
    for (eg_index r = 0; r < rows; r += LANES) {
        block b = block_at(limit, r, rows);

        for (eg_index j = 0; j < LANES; j += W)
            table_pattern(p, work, te, tp, &a, &b, j);
        query_sums(z + r * ldz, ldz, p, values, &b, dv);
        p += b.keys * LANES;
    }
}

static void fast_attn_table_back(real *dte, real *dtp, eg_index ldt, eg_index V,
                                 const int32_t *token, real *dv_, eg_index lddv,
                                 const real *dz, eg_index lddz, const real *z,
                                 eg_index ldz, const real *p,
                                 const int32_t *limit, const real *v,
                                 eg_index ldv, eg_index rows, eg_index dv,
                                 real *work)
{
    const score_table a = {ldt, V, token};
    eg_index width = V > dv ? V : dv, keys = rows ? limit[rows - 1] : 0;
    real *ds = work + width * LANES, *row_work = ds + keys * LANES;

    for (eg_index r = 0; r < rows; r += LANES) {
        block b = block_at(limit, r, rows);
        const real *dzr = dz + r * lddz;

        if (dv_) {
            right x = right_of(dzr, lddz, b.rows, dv, row_work);
            key_sums(dv_, lddv, p, x, &b, dv);
        }
        if (dte) {
            fast_pack(work, dzr, 1, lddz, dv, b.rows);
            score_grads(ds, p, v, ldv, work, dzr, lddz, z + r * ldz, ldz, &b,
                        dv, 1);
            for (eg_index j = 0; j < b.rows; j += W)
                table_grads(dte, dtp, &a, ds, work, &b, j);
        }
        p += b.keys * LANES;
    }
}
