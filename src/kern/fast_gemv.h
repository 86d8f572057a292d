/* A large matrix times one vector, from either side: it comes from memory, and
 * is read once, row after row; what is summed stays in the caches. */

/* Rows of A at a time, when y is written and read back; entries of a row that
 * is long. */
enum { GEMV_ROWS = 8, GEMV_LONG = 256 };

/* y (+)= sum of x[i] A[i,:] over so many rows. */
INLINE void gemv_rows(real *y, const real *x, const real *a, eg_index lda,
                      eg_index n, const int rows, bool first)
{
    vec by[GEMV_ROWS];
    eg_index j = 0;

#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) by[r] = vset(x[r]);
    for (; j + W <= n; j += W) {
        vec s = first ? vset(0) : vload(y + j);

#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) s += by[r] * vload(a + r * lda + j);
        vstore(y + j, s);
    }
    if (j < n) {
        vec s = first ? vset(0) : vload_n(y + j, n - j);

#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
            s += by[r] * vload_n(a + r * lda + j, n - j);
        vstore_n(y + j, s, n - j);
    }
}

static void fast_gemv(real *y, const real *x, const real *a, eg_index lda,
                      eg_index m, eg_index n)
{
    eg_index i = 0;

    if (m == 0) memset(y, 0, (size_t)n * sizeof *y);
    for (; i + GEMV_ROWS <= m; i += GEMV_ROWS)
        gemv_rows(y, x + i, a + i * lda, lda, n, GEMV_ROWS, i == 0);
    for (; i < m; i++) gemv_rows(y, x + i, a + i * lda, lda, n, 1, i == 0);
}

/* One row in four sums. */
INLINE real gemv_row(const real *a, const real *x, eg_index n)
{
    vec s[4] = {{0}};
    eg_index j = 0;

    for (; j + 4 * W <= n; j += 4 * W) {
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++)
            s[c] += vload(a + j + c * W) * vload(x + j + c * W);
    }
    for (; j + W <= n; j += W) s[0] += vload(a + j) * vload(x + j);
    if (j < n) s[1] += vload_n(a + j, n - j) * vload_n(x + j, n - j);
    return vsum((s[0] + s[1]) + (s[2] + s[3]));
}

/* Short rows four side by side, each in two sums; long ones one behind the
 * other, as memory likes it best. */
static void fast_gemv_t(real *y, const real *a, eg_index lda, const real *x,
                        eg_index m, eg_index n)
{
    eg_index i = 0;

    for (; n >= GEMV_LONG && i < m; i++) y[i] = gemv_row(a + i * lda, x, n);
    for (; i + 4 <= m; i += 4) {
        const real *row = a + i * lda;
        vec s[4] = {{0}}, t[4] = {{0}};
        eg_index j = 0;

        for (; j + 2 * W <= n; j += 2 * W) {
            vec x0 = vload(x + j), x1 = vload(x + j + W);

#pragma GCC unroll 4
            for (int r = 0; r < 4; r++) {
                s[r] += vload(row + r * lda + j) * x0;
                t[r] += vload(row + r * lda + j + W) * x1;
            }
        }
        if (j + W <= n) {
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
                s[r] += vload(row + r * lda + j) * vload(x + j);
            j += W;
        }
        if (j < n) {
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
                s[r] +=
                    vload_n(row + r * lda + j, n - j) * vload_n(x + j, n - j);
        }
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) s[r] += t[r];
        vsum4(y + i, s);
    }
    for (; i < m; i++) y[i] = rowdot_one(a + i * lda, x, n);
}

/* x = softmax(scale x) */
static void fast_softmax(real *x, real scale, eg_index n)
{
    vec top = vset((real)-HUGE_VAL), sum = {0}, by = vset(scale);
    eg_index i = 0;
    real most, part;

    for (; i + W <= n; i += W) {
        vec s = vload(x + i) * by;

        vstore(x + i, s);
        top = vmax(s, top);
    }
    most = vtop(top);
    for (; i < n; i++) {
        x[i] *= scale;
        if (x[i] > most) most = x[i];
    }
    for (i = 0; i + W <= n; i += W) {
        vec e = vexp_fall(vload(x + i) - most);

        vstore(x + i, e);
        sum += e;
    }
    if (i < n) {
        vec e = vexp_fall(vload_n(x + i, n - i) - most);

        vstore_n(x + i, e, n - i);
        sum += vsel(vlanes() < (vint)(n - i), e, vset(0));
    }
    part = 1 / vsum(sum);
    for (i = 0; i + W <= n; i += W) vstore(x + i, vload(x + i) * part);
    if (i < n) vstore_n(x + i, vload_n(x + i, n - i) * part, n - i);
}
