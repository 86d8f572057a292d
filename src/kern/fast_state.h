/* Products of a small matrix with vectors, and its update: what recurrent
 * mixers do at every position. The matrix lies in the first cache; columns are
 * taken in strips whose sums, or whose vector, stay in registers. */

/* y = sum_i x[i] A[i,:] of nv vectors of columns; rows by two, so that sums do
 * not wait for each other. */
INLINE void vecmat_strip(real *y, const real *x, const real *a, eg_index m,
                         eg_index n, const int nv)
{
    vec s[2][4] = {{{0}}};
    eg_index i = 0;

    for (; i + 2 <= m; i += 2) {
        vec x0 = vset(x[i]), x1 = vset(x[i + 1]);

#pragma GCC unroll 4
        for (int c = 0; c < nv; c++) {
            s[0][c] += x0 * vload(a + i * n + c * W);
            s[1][c] += x1 * vload(a + (i + 1) * n + c * W);
        }
    }
    if (i < m) {
#pragma GCC unroll 4
        for (int c = 0; c < nv; c++)
            s[0][c] += vset(x[i]) * vload(a + i * n + c * W);
    }
#pragma GCC unroll 4
    for (int c = 0; c < nv; c++) vstore(y + c * W, s[0][c] + s[1][c]);
}

static void fast_vecmat(real *y, const real *x, const real *a, eg_index m,
                        eg_index n)
{
    eg_index j = 0;

    for (; j + 4 * W <= n; j += 4 * W) vecmat_strip(y + j, x, a + j, m, n, 4);
    if (j + 2 * W <= n) {
        vecmat_strip(y + j, x, a + j, m, n, 2);
        j += 2 * W;
    }
    if (j + W <= n) {
        vecmat_strip(y + j, x, a + j, m, n, 1);
        j += W;
    }
    if (j < n) {
        vec s = {0};

        for (eg_index i = 0; i < m; i++)
            s += vset(x[i]) * vload_n(a + i * n + j, n - j);
        vstore_n(y + j, s, n - j);
    }
}

/* The sums of four vectors. */
INLINE void vsum4(real *y, const vec s[4])
{
#if VEC_BYTES == 64
    /* quarters of two, then of four vectors side by side */
    mm a = (mm)s[0], b = (mm)s[1], c = (mm)s[2], d = (mm)s[3];

    a = MM(add)(VEC_QUARTERS(a, b, 0x88), VEC_QUARTERS(a, b, 0xdd));
    c = MM(add)(VEC_QUARTERS(c, d, 0x88), VEC_QUARTERS(c, d, 0xdd));
    a = MM(add)(VEC_QUARTERS(a, c, 0x88), VEC_QUARTERS(a, c, 0xdd));
#ifdef VEC_F64
    a = _mm512_add_pd(a, _mm512_permute_pd(a, 0x55));
    _mm256_storeu_pd(y,
                     _mm512_castpd512_pd256(_mm512_maskz_compress_pd(0x55, a)));
#else
    a = _mm512_add_ps(a, _mm512_permute_ps(a, 0xb1));
    a = _mm512_add_ps(a, _mm512_permute_ps(a, 0x4e));
    _mm_storeu_ps(y,
                  _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, a)));
#endif
#else
    for (int r = 0; r < 4; r++) y[r] = vsum(s[r]);
#endif
}

INLINE real rowdot_one(const real *a, const real *x, eg_index n)
{
    vec s = {0};
    eg_index j = 0;

    for (; j + W <= n; j += W) s += vload(a + j) * vload(x + j);
    if (j < n) s += vload_n(a + j, n - j) * vload_n(x + j, n - j);
    return vsum(s);
}

static void fast_rowdot(real *y, const real *a, const real *x, eg_index ldx,
                        eg_index m, eg_index n)
{
    eg_index i = 0;

    for (; i + 4 <= m; i += 4) {
        vec s[4] = {{0}};
        eg_index j = 0;

        for (; j + W <= n; j += W) {
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
                s[r] +=
                    vload(a + (i + r) * n + j) * vload(x + (i + r) * ldx + j);
        }
        if (j < n) {
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
                s[r] += vload_n(a + (i + r) * n + j, n - j) *
                        vload_n(x + (i + r) * ldx + j, n - j);
        }
        vsum4(y + i, s);
    }
    for (; i < m; i++) y[i] = rowdot_one(a + i * n, x + i * ldx, n);
}

/* nv vectors of columns: y = g A + x z. */
INLINE void rank1_strip(real *y, const real *a, const real *g, eg_index gs,
                        const real *x, const real *z, eg_index m, eg_index n,
                        const int nv)
{
    vec by[4];

#pragma GCC unroll 4
    for (int c = 0; c < nv; c++) by[c] = vload(z + c * W);
    for (eg_index i = 0; i < m; i++) {
        vec xi = vset(x[i]), gi = vset(g ? g[i * gs] : 1);

#pragma GCC unroll 4
        for (int c = 0; c < nv; c++) {
            vec kept = vload(a + i * n + c * W);

            if (g) kept *= gi;
            vstore(y + i * n + c * W, kept + xi * by[c]);
        }
    }
}

static void fast_rank1(real *y, const real *a, const real *g, eg_index gs,
                       const real *x, const real *z, eg_index m, eg_index n)
{
    eg_index j = 0;

    for (; j + 4 * W <= n; j += 4 * W)
        rank1_strip(y + j, a + j, g, gs, x, z + j, m, n, 4);
    if (j + 2 * W <= n) {
        rank1_strip(y + j, a + j, g, gs, x, z + j, m, n, 2);
        j += 2 * W;
    }
    if (j + W <= n) {
        rank1_strip(y + j, a + j, g, gs, x, z + j, m, n, 1);
        j += W;
    }
    for (eg_index i = 0; j < n && i < m; i++) {
        vec kept = vload_n(a + i * n + j, n - j);

        if (g) kept *= vset(g[i * gs]);
        vstore_n(y + i * n + j, kept + vset(x[i]) * vload_n(z + j, n - j),
                 n - j);
    }
}

static void fast_muladd(real *y, const real *a, const real *x, eg_index n)
{
    eg_index i = 0;

    for (; i + W <= n; i += W)
        vstore(y + i, vload(y + i) + vload(a + i) * vload(x + i));
    if (i < n)
        vstore_n(y + i,
                 vload_n(y + i, n - i) +
                     vload_n(a + i, n - i) * vload_n(x + i, n - i),
                 n - i);
}
