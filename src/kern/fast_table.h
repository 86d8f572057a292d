/* Rows gathered from two tables, and the scatter behind it, each in one sweep:
 * the tables of a first block (n about 1000 columns) outgrow the L2 cache, so
 * what counts is to touch every row once. */

static void fast_gather(real *y, eg_index ldy, const real *e, const real *p,
                        eg_index ld, const int32_t *token, const int32_t *limit,
                        const real *scale, const real *b, eg_index rows,
                        eg_index n)
{
    for (eg_index r = 0; r < rows; r++, y += ldy) {
        eg_index t = limit[r] - 1, i = 0;
        const real *er = e + token[t] * ld, *pr = p ? p + t * ld : NULL;
        vec s = vset(scale ? scale[t] : 1);

        for (; i + W <= n; i += W) {
            vec x = vload(er + i);
            if (pr) x += vload(pr + i);
            vstore(y + i, b ? s * x + vload(b + i) : x);
        }
        if (i == n) continue;
        vec x = vload_n(er + i, n - i);
        if (pr) x += vload_n(pr + i, n - i);
        vstore_n(y + i, b ? s * x + vload_n(b + i, n - i) : x, n - i);
    }
}

/* One row of the scatter: returns sum d (y - b), 0 when y is NULL. */
INLINE real scatter_row(real *er, real *pr, real *db, const real *d,
                        const real *y, const real *b, real scale, eg_index n)
{
    vec s = vset(scale), sum = {0};
    eg_index i = 0;

    for (; i + W <= n; i += W) {
        vec v = vload(d + i), g = s * v;
        vstore(er + i, vload(er + i) + g);
        if (pr) vstore(pr + i, vload(pr + i) + g);
        if (db) vstore(db + i, vload(db + i) + v);
        if (y) sum += v * (vload(y + i) - vload(b + i));
    }
    if (i < n) {
        eg_index m = n - i;
        vec v = vload_n(d + i, m), g = s * v;
        vstore_n(er + i, vload_n(er + i, m) + g, m);
        if (pr) vstore_n(pr + i, vload_n(pr + i, m) + g, m);
        if (db) vstore_n(db + i, vload_n(db + i, m) + v, m);
        if (y) sum += v * (vload_n(y + i, m) - vload_n(b + i, m));
    }
    return vsum(sum);
}

static void fast_gather_back(real *de, real *dp, real *db, real *dots,
                             eg_index ld, const int32_t *token,
                             const int32_t *limit, const real *scale,
                             const real *dy, const real *y, eg_index ldy,
                             const real *b, eg_index rows, eg_index n)
{
    for (eg_index r = 0; r < rows; r++) {
        eg_index t = limit[r] - 1;
        const real *yr = dots ? y + r * ldy : NULL;
        real dot = scatter_row(de + token[t] * ld, dp ? dp + t * ld : NULL, db,
                               dy + r * ldy, yr, b, scale ? scale[t] : 1, n);
        if (dots) dots[r] = dot;
    }
}
