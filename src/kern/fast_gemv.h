/* A large matrix times one vector, from either side: it comes from memory, and
 * is read once, row after row; what is summed stays in the caches. It is of
 * reals, or, in float32, of 16 bits, which are widened as they are read. */
#include "kern/half.h"

/* Rows of A at a time, when y is written and read back; entries of a row that
 * is long. */
enum { GEMV_ROWS = 8, GEMV_LONG = 256 };

#ifndef VEC_F64
typedef uint16_t hvec __attribute__((vector_size(2 * VEC_W)));
typedef uint32_t wvec __attribute__((vector_size(VEC_BYTES)));

/* As egi_half_wide. */
INLINE vec widen(hvec h, egi_half_form form)
{
    wvec u = __builtin_convertvector(h, wvec), size = u & 0x7fff;
    ivec small = (ivec)(u & 0x7c00) == 0;

    if (form == EGI_BFLOAT16) return (vec)(u << 16);
#if VEC_BYTES == 64
    (void)size;
    (void)small;
    return (vec)_mm512_cvtph_ps((__m256i)h);
#else
    size = (size << 13) + (112u << 23);
    size = (wvec)vsel(small, (vec)(size + (1u << 23)) - 0x1p-14f, (vec)size);
    return (vec)(size | (u & 0x8000) << 16);
#endif
}
#endif

/* W entries of A from one on, and the first n < W of them. */
INLINE vec entries(const void *a, eg_index at, egi_half_form form)
{
#ifndef VEC_F64
    if (form != EGI_WHOLE) {
        hvec h;

        memcpy(&h, (const uint16_t *)a + at, sizeof h);
        return widen(h, form);
    }
#endif
    (void)form;
    return vload((const real *)a + at);
}

INLINE vec entries_n(const void *a, eg_index at, eg_index n, egi_half_form form)
{
#ifndef VEC_F64
    if (form != EGI_WHOLE) {
        hvec h = {0};

        memcpy(&h, (const uint16_t *)a + at, (size_t)n * 2);
        return widen(h, form);
    }
#endif
    (void)form;
    return vload_n((const real *)a + at, n);
}

/* y (+)= sum of x[i] A[i,:] over so many rows, of which the first is at row. */
INLINE void gemv_rows(real *y, const real *x, const void *a, eg_index row,
                      eg_index lda, eg_index n, const int rows, bool first,
                      egi_half_form form)
{
    vec by[GEMV_ROWS];
    eg_index j = 0;

#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) by[r] = vset(x[r]);
    for (; j + W <= n; j += W) {
        vec s = first ? vset(0) : vload(y + j);

#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
            s += by[r] * entries(a, row + r * lda + j, form);
        vstore(y + j, s);
    }
    if (j < n) {
        vec s = first ? vset(0) : vload_n(y + j, n - j);

#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
            s += by[r] * entries_n(a, row + r * lda + j, n - j, form);
        vstore_n(y + j, s, n - j);
    }
}

INLINE void gemv_of(real *y, const real *x, const void *a, eg_index lda,
                    eg_index m, eg_index n, egi_half_form form)
{
    eg_index i = 0;

    if (m == 0) memset(y, 0, (size_t)n * sizeof *y);
    for (; i + GEMV_ROWS <= m; i += GEMV_ROWS)
        gemv_rows(y, x + i, a, i * lda, lda, n, GEMV_ROWS, i == 0, form);
    for (; i < m; i++) gemv_rows(y, x + i, a, i * lda, lda, n, 1, i == 0, form);
}

static void fast_gemv(real *y, const real *x, const real *a, eg_index lda,
                      eg_index m, eg_index n)
{
    gemv_of(y, x, a, lda, m, n, EGI_WHOLE);
}

/* One row in four sums. */
INLINE real gemv_row(const void *a, eg_index row, const real *x, eg_index n,
                     egi_half_form form)
{
    vec s[4] = {{0}};
    eg_index j = 0;

    for (; j + 4 * W <= n; j += 4 * W) {
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++)
            s[c] += entries(a, row + j + c * W, form) * vload(x + j + c * W);
    }
    for (; j + W <= n; j += W) s[0] += entries(a, row + j, form) * vload(x + j);
    if (j < n)
        s[1] += entries_n(a, row + j, n - j, form) * vload_n(x + j, n - j);
    return vsum((s[0] + s[1]) + (s[2] + s[3]));
}

/* One of fewer than GEMV_LONG entries, as rowdot takes it. */
INLINE real short_row(const void *a, eg_index row, const real *x, eg_index n,
                      egi_half_form form)
{
#ifndef VEC_F64
    if (form != EGI_WHOLE) {
        real wide[GEMV_LONG];

        for (eg_index j = 0; j < n; j++)
            wide[j] = egi_half_wide(((const uint16_t *)a)[row + j], form);
        return rowdot_one(wide, x, n);
    }
#endif
    (void)form;
    return rowdot_one((const real *)a + row, x, n);
}

/* Short rows four side by side, each in two sums; long ones one behind the
 * other, as memory likes it best. */
INLINE void gemv_t_of(real *y, const void *a, eg_index lda, const real *x,
                      eg_index m, eg_index n, egi_half_form form)
{
    eg_index i = 0;

    for (; n >= GEMV_LONG && i < m; i++)
        y[i] = gemv_row(a, i * lda, x, n, form);
    for (; i + 4 <= m; i += 4) {
        eg_index row = i * lda;
        vec s[4] = {{0}}, t[4] = {{0}};
        eg_index j = 0;

        for (; j + 2 * W <= n; j += 2 * W) {
            vec x0 = vload(x + j), x1 = vload(x + j + W);

#pragma GCC unroll 4
            for (int r = 0; r < 4; r++) {
                s[r] += entries(a, row + r * lda + j, form) * x0;
                t[r] += entries(a, row + r * lda + j + W, form) * x1;
            }
        }
        if (j + W <= n) {
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
                s[r] += entries(a, row + r * lda + j, form) * vload(x + j);
            j += W;
        }
        if (j < n) {
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
                s[r] += entries_n(a, row + r * lda + j, n - j, form) *
                        vload_n(x + j, n - j);
        }
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) s[r] += t[r];
        vsum4(y + i, s);
    }
    for (; i < m; i++) y[i] = short_row(a, i * lda, x, n, form);
}

static void fast_gemv_t(real *y, const real *a, eg_index lda, const real *x,
                        eg_index m, eg_index n)
{
    gemv_t_of(y, a, lda, x, m, n, EGI_WHOLE);
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
