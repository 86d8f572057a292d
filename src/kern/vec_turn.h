/* Lanes of vec.h's vectors in other places: rows side by side, transposes. */

/* ---- some rows of a few columns in a vector -------------------------------
 */

/* Rows side by side, of VEC_COLS columns. */
#if VEC_BYTES == 32 && !defined(VEC_F64)
#define VEC_HALVES /* what moves them is halves of vectors */
enum { VEC_ROWS = 2, VEC_COLS = VEC_W / VEC_ROWS };
#else
enum { VEC_ROWS = VEC_W < 4 ? VEC_W : 4, VEC_COLS = VEC_W / VEC_ROWS };
#endif

#if VEC_BYTES == 64
/* x[0..n-1], n <= VEC_W / 4, and zeros, in each quarter of a vector. A whole
 * quarter is repeated on the way from memory, without a shuffle. */
INLINE mm vquarters(const real *x, eg_index n)
{
#ifdef VEC_F64
    if (n == 2) return _mm512_broadcast_f64x2(_mm_loadu_pd(x));
    return _mm512_broadcast_f64x2(
        _mm_maskz_loadu_pd((__mmask8)((1u << n) - 1), x));
#else
    if (n == 4) return _mm512_broadcast_f32x4(_mm_loadu_ps(x));
    return _mm512_broadcast_f32x4(
        _mm_maskz_loadu_ps((__mmask8)((1u << n) - 1), x));
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
#elif defined(VEC_HALVES)
    const __m256i each = _mm256_set_epi32(1, 1, 1, 1, 0, 0, 0, 0);
    __m128d pair;

    if (n < VEC_ROWS)
        return (vec)_mm256_insertf128_ps(_mm256_setzero_ps(), _mm_set1_ps(*x),
                                         0);
    pair = _mm_loadl_pd(_mm_setzero_pd(), (const void *)x);
    return (vec)_mm256_permutevar_ps(
        _mm256_castpd_ps(_mm256_broadcastsd_pd(pair)), each);
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
#elif defined(VEC_HALVES)
    __m128 v = n == VEC_COLS ? _mm_loadu_ps(x)
                             : _mm256_castps256_ps128((mm)vload_n(x, n));

    return (vec)_mm256_set_m128(v, v);
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
#elif defined(VEC_HALVES)
    return a + (vec)_mm256_permute2f128_ps((mm)a, (mm)a, 1);
#else
    real s[W];
    vstore(s, a);
    for (eg_index i = VEC_COLS; i < W; i++) s[i % VEC_COLS] += s[i];
    return vload(s);
#endif
}

/* p[0..n-1] += v, n <= VEC_COLS. */
INLINE void vadd_few(real *p, vec v, eg_index n)
{
#ifdef VEC_HALVES
    if (n == VEC_COLS) {
        _mm_storeu_ps(
            p, _mm_add_ps(_mm_loadu_ps(p), _mm256_castps256_ps128((mm)v)));
        return;
    }
#endif
    vstore_n(p, vload_n(p, n) + v, n);
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

#if VEC_BYTES >= 32
/* Pairs of 4 or single ones of 8 bytes: VEC_PAIRS(op), mm_pairs. */
#if VEC_BYTES == 64
#define VEC_PAIRS(op) VEC_JOIN(512, op, pd)
typedef __m512d mm_pairs;
#else
#define VEC_PAIRS(op) VEC_JOIN(256, op, pd)
typedef __m256d mm_pairs;
#endif

/* Pieces of 16 bytes: VEC_PIECE columns in each of VEC_PIECES places of a
 * vector. */
enum { VEC_PIECE = 16 / sizeof(real), VEC_PIECES = VEC_W / VEC_PIECE };

/* The pieces at p, p + step and so on, side by side. */
INLINE vec vpieces(const real *p, eg_index step)
{
#define PIECE(i) _mm_loadu_ps((const void *)(p + (i)*step))
#if VEC_BYTES == 64
    __m512 v = _mm512_castps128_ps512(PIECE(0));

    v = _mm512_insertf32x4(v, PIECE(1), 1);
    v = _mm512_insertf32x4(v, PIECE(2), 2);
    return (vec)_mm512_insertf32x4(v, PIECE(3), 3);
#else
    return (vec)_mm256_insertf128_ps(_mm256_castps128_ps256(PIECE(0)), PIECE(1),
                                     1);
#endif
#undef PIECE
}

/* Transposes a matrix of VEC_PIECE rows in each place: y[k] gets column k. */
INLINE void vturn_pieces(vec *y, const vec *x)
{
#define PAIRS(end, a, b) \
    ((vec)VEC_PAIRS(unpack##end)((mm_pairs)(a), (mm_pairs)(b)))
#ifdef VEC_F64
    y[0] = PAIRS(lo, x[0], x[1]);
    y[1] = PAIRS(hi, x[0], x[1]);
#else
    vec a = (vec)MM(unpacklo)((mm)x[0], (mm)x[1]);
    vec b = (vec)MM(unpacklo)((mm)x[2], (mm)x[3]);
    vec c = (vec)MM(unpackhi)((mm)x[0], (mm)x[1]);
    vec d = (vec)MM(unpackhi)((mm)x[2], (mm)x[3]);

    y[0] = PAIRS(lo, a, b);
    y[1] = PAIRS(hi, a, b);
    y[2] = PAIRS(lo, c, d);
    y[3] = PAIRS(hi, c, d);
#endif
#undef PAIRS
}

/* v[k] = column k < VEC_PIECE of W rows, ld apart. Pieces are put into their
 * places on the way from memory, which leaves half of the shuffles. */
INLINE void vload_turned_piece(vec *v, const real *p, eg_index ld)
{
    vec x[VEC_PIECE];

#pragma GCC unroll 4
    for (eg_index i = 0; i < VEC_PIECE; i++)
        x[i] = vpieces(p + i * ld, VEC_PIECE * ld);
    vturn_pieces(v, x);
}

/* v[k] = column k < W. */
INLINE void vload_turned(vec *v, const real *p, eg_index ld)
{
#pragma GCC unroll 4
    for (eg_index k = 0; k < W; k += VEC_PIECE)
        vload_turned_piece(v + k, p + k, ld);
}
#endif

#if VEC_BYTES == 32
/* Transposes the W x W matrix in v[0..W-1]: halves change places, then the
 * pieces are turned. */
INLINE void vtranspose(vec *v)
{
    vec x[2][VEC_PIECE];

#pragma GCC unroll 4
    for (int i = 0; i < VEC_PIECE; i++) {
        mm a = (mm)v[i], b = (mm)v[i + VEC_PIECE];
        x[0][i] = (vec)MM(permute2f128)(a, b, 0x20);
        x[1][i] = (vec)MM(permute2f128)(a, b, 0x31);
    }
    vturn_pieces(v, x[0]);
    vturn_pieces(v + VEC_PIECE, x[1]);
}
#else
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
#endif

#if VEC_BYTES < 32
enum { VEC_PIECE = VEC_W };

INLINE void vload_turned(vec *v, const real *p, eg_index ld)
{
    for (eg_index i = 0; i < W; i++) v[i] = vload(p + i * ld);
    vtranspose(v);
}

INLINE void vload_turned_piece(vec *v, const real *p, eg_index ld)
{
    vload_turned(v, p, ld);
}
#endif
