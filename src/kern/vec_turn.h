/* Lanes of vec.h's vectors in other places: rows side by side, transposes. */

/* ---- some rows of a few columns in a vector -------------------------------
 */

/* Rows side by side, of VEC_COLS columns. */
enum { VEC_ROWS = VEC_W < 4 ? VEC_W : 4, VEC_COLS = VEC_W / VEC_ROWS };

#if VEC_BYTES == 64
/* x[0..n-1], n <= VEC_W / 4, and zeros, in each quarter of a vector. */
INLINE mm vquarters(const real *x, eg_index n)
{
#ifdef VEC_F64
    __m128d v = n == 2 ? _mm_loadu_pd(x)
                       : _mm_maskz_loadu_pd((__mmask8)((1u << n) - 1), x);
    return _mm512_broadcast_f64x2(v);
#else
    __m128 v = n == 4 ? _mm_loadu_ps(x)
                      : _mm_maskz_loadu_ps((__mmask8)((1u << n) - 1), x);
    return _mm512_broadcast_f32x4(v);
#endif
}
#endif

/* x[0..n-1], n <= VEC_ROWS, each in VEC_COLS lanes side by side; 0 beyond n. */
INLINE vec vspread(const real *x, eg_index n)
{
#if VEC_BYTES == 64 && defined(VEC_F64)
    const __m512i each = _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0);
    __m256d v = n == 4 ? _mm256_loadu_pd(x)
                       : _mm256_maskz_loadu_pd((__mmask8)((1u << n) - 1), x);

    return (vec)_mm512_permutexvar_pd(each, _mm512_castpd256_pd512(v));
#elif VEC_BYTES == 64
    const __m512i each =
        _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);

    return (vec)_mm512_permutevar_ps(vquarters(x, n), each);
#elif VEC_BYTES == 32 && defined(VEC_F64)
    return n == VEC_ROWS ? vload(x) : vload_n(x, n);
#else
    real s[W];
    for (eg_index i = 0; i < W; i++)
        s[i] = i / VEC_COLS < n ? x[i / VEC_COLS] : 0;
    return vload(s);
#endif
}

/* x[0..n-1], n <= VEC_COLS, and zeros up to there, VEC_ROWS times. */
INLINE vec vrepeat(const real *x, eg_index n)
{
#if VEC_BYTES == 64
    return (vec)vquarters(x, n);
#else
    real s[W];
    for (eg_index i = 0; i < W; i++)
        s[i] = i % VEC_COLS < n ? x[i % VEC_COLS] : 0;
    return vload(s);
#endif
}

/* The sum of the rows, in the first VEC_COLS lanes. */
INLINE vec vfold(vec a)
{
#if VEC_BYTES == 64
    a += (vec)VEC_QUARTERS((mm)a, (mm)a, 0x4e);
    return a + (vec)VEC_QUARTERS((mm)a, (mm)a, 0xb1);
#else
    real s[W];
    vstore(s, a);
    for (eg_index i = VEC_COLS; i < W; i++) s[i % VEC_COLS] += s[i];
    return vload(s);
#endif
}

/* Interleaves the lower and the upper halves of a and b. */
#if VEC_W == 16
#define VEC_ZIP_LO(a, b)                                                       \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, \
                            22, 7, 23)
#define VEC_ZIP_HI(a, b)                                                    \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, \
                            29, 14, 30, 15, 31)
enum { VEC_LOG2 = 4 };
#elif VEC_W == 8
#define VEC_ZIP_LO(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define VEC_ZIP_HI(a, b) \
    __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
enum { VEC_LOG2 = 3 };
#elif VEC_W == 4
#define VEC_ZIP_LO(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define VEC_ZIP_HI(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
enum { VEC_LOG2 = 2 };
#else
#define VEC_ZIP_LO(a, b) __builtin_shufflevector(a, b, 0, 2)
#define VEC_ZIP_HI(a, b) __builtin_shufflevector(a, b, 1, 3)
enum { VEC_LOG2 = 1 };
#endif

/* Transposes the W x W matrix in v[0..W-1]: log2 W perfect shuffles. */
INLINE void vtranspose(vec *v)
{
#pragma GCC unroll 4
    for (int step = 0; step < VEC_LOG2; step++) {
        vec t[W];
#pragma GCC unroll 8
        for (eg_index i = 0; i < W / 2; i++) {
            t[2 * i] = VEC_ZIP_LO(v[i], v[i + W / 2]);
            t[2 * i + 1] = VEC_ZIP_HI(v[i], v[i + W / 2]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < W; i++) v[i] = t[i];
    }
}
