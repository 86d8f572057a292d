/* Vectors of VEC_W floats for the fast kernel sets: one source for every
 * width, in GCC vector extensions, and the few primitives that those lack.
 * VEC_W is 16 (AVX-512), 8 (AVX2) or 4 (anything). */
#include <math.h>
#include <string.h>

#include "engram/kern.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define W ((eg_index)VEC_W)

typedef float vec __attribute__((vector_size(4 * VEC_W)));
typedef int32_t ivec __attribute__((vector_size(4 * VEC_W)));
typedef double dvec __attribute__((vector_size(4 * VEC_W))); /* W/2 doubles */

#define INLINE static inline __attribute__((always_inline))

INLINE vec vset(float x)
{
    return x - (vec){0};
}

INLINE ivec iset(int32_t x)
{
    return x - (ivec){0};
}

INLINE vec vload(const float *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void vstore(float *p, vec v)
{
    memcpy(p, &v, sizeof v);
}

/* a where the mask is all ones, b where it is 0. */
INLINE vec vsel(ivec mask, vec a, vec b)
{
    return (vec)(((ivec)a & mask) | ((ivec)b & ~mask));
}

/* Lane numbers 0..W-1. */
INLINE ivec vlanes(void)
{
#if VEC_W == 16
    return (ivec){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif VEC_W == 8
    return (ivec){0, 1, 2, 3, 4, 5, 6, 7};
#else
    return (ivec){0, 1, 2, 3};
#endif
}

/* First n lanes (0 < n < W); the others read as 0 and are not written. */
INLINE vec vload_n(const float *p, eg_index n)
{
#if VEC_W == 16
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif VEC_W == 8
    return (vec)_mm256_maskload_ps(p, (__m256i)(vlanes() < iset((int32_t)n)));
#else
    vec v = {0};
    for (eg_index i = 0; i < n; i++) v[i] = p[i];
    return v;
#endif
}

INLINE void vstore_n(float *p, vec v, eg_index n)
{
#if VEC_W == 16
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif VEC_W == 8
    _mm256_maskstore_ps(p, (__m256i)(vlanes() < iset((int32_t)n)), (__m256)v);
#else
    for (eg_index i = 0; i < n; i++) p[i] = v[i];
#endif
}

/* ---- four rows of W/4 columns in a vector ---------------------------------
 */

/* x[0..n-1], n <= 4, each in W/4 lanes side by side; 0 beyond n. */
INLINE vec vspread4(const float *x, eg_index n)
{
#if VEC_W == 16
    const __m512i each =
        _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    __m128 v = n == 4 ? _mm_loadu_ps(x)
                      : _mm_maskz_loadu_ps((__mmask8)((1u << n) - 1), x);

    return (vec)_mm512_permutevar_ps(_mm512_broadcast_f32x4(v), each);
#else
    float s[W];
    for (eg_index i = 0; i < W; i++)
        s[i] = i / (W / 4) < n ? x[i / (W / 4)] : 0;
    return vload(s);
#endif
}

/* x[0..n-1], n <= W/4, and zeros up to there, four times. */
INLINE vec vrepeat4(const float *x, eg_index n)
{
#if VEC_W == 16
    __m128 v = n == 4 ? _mm_loadu_ps(x)
                      : _mm_maskz_loadu_ps((__mmask8)((1u << n) - 1), x);

    return (vec)_mm512_broadcast_f32x4(v);
#else
    float s[W];
    for (eg_index i = 0; i < W; i++)
        s[i] = i % (W / 4) < n ? x[i % (W / 4)] : 0;
    return vload(s);
#endif
}

/* The sum of the four rows, in the first W/4 lanes. */
INLINE vec vfold4(vec a)
{
#if VEC_W == 16
    __m512 x = (__m512)a;

    x = _mm512_add_ps(x, _mm512_shuffle_f32x4(x, x, 0x4e));
    return (vec)_mm512_add_ps(x, _mm512_shuffle_f32x4(x, x, 0xb1));
#else
    float s[W];
    vstore(s, a);
    for (eg_index i = W / 4; i < W; i++) s[i % (W / 4)] += s[i];
    return vload(s);
#endif
}

/* The larger; b where either is NaN. */
INLINE vec vmax(vec a, vec b)
{
#if VEC_W == 16
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif VEC_W == 8
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return vsel(a > b, a, b);
#endif
}

/* The smaller; b where either is NaN. */
INLINE vec vmin(vec a, vec b)
{
#if VEC_W == 16
    return (vec)_mm512_min_ps((__m512)a, (__m512)b);
#elif VEC_W == 8
    return (vec)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return vsel(a < b, a, b);
#endif
}

/* 1 / a for normal a. */
INLINE vec vrcp(vec a)
{
#if VEC_W == 16
    vec r = (vec)_mm512_rcp14_ps((__m512)a);
    return r + r * (1 - a * r);
#else
    return 1 / a;
#endif
}

INLINE vec vsqrt(vec a)
{
#if VEC_W == 16
    return (vec)_mm512_sqrt_ps((__m512)a);
#elif VEC_W == 8
    return (vec)_mm256_sqrt_ps((__m256)a);
#else
    for (int i = 0; i < W; i++) a[i] = sqrtf(a[i]);
    return a;
#endif
}

INLINE float vsum(vec a)
{
#if VEC_W == 16
    return _mm512_reduce_add_ps((__m512)a);
#else
    float s[W], sum = 0;
    vstore(s, a);
    for (int i = 0; i < W; i += 4) {
        sum += (s[i] + s[i + 1]) + (s[i + 2] + s[i + 3]);
    }
    return sum;
#endif
}

INLINE float vtop(vec a)
{
#if VEC_W == 16
    return _mm512_reduce_max_ps((__m512)a);
#else
    float s[VEC_W], top;
    vstore(s, a);
    top = s[0];
    for (int i = 1; i < VEC_W; i++) top = s[i] > top ? s[i] : top;
    return top;
#endif
}

/* The first lane that equals x; W if none does. */
INLINE int vfirst(vec a, float x)
{
#if VEC_W == 16
    unsigned m = _mm512_cmp_ps_mask((__m512)a, (__m512)vset(x), _CMP_EQ_OQ);
    return m ? __builtin_ctz(m) : VEC_W;
#else
    int i = 0;
    while (i < W && !(a[i] >= x && a[i] <= x)) i++;
    return i;
#endif
}

/* W/2 floats as doubles. */
INLINE dvec vload_wide(const float *p)
{
#if VEC_W == 16
    return (dvec)_mm512_cvtps_pd(_mm256_loadu_ps(p));
#elif VEC_W == 8
    return (dvec)_mm256_cvtps_pd(_mm_loadu_ps(p));
#else
    return (dvec){(double)p[0], (double)p[1]};
#endif
}

/* To the nearest integer, for |a| < 2^22. */
INLINE vec vround(vec a)
{
#if VEC_W == 16
    return (vec)_mm512_roundscale_ps((__m512)a, 8);
#elif VEC_W == 8
    return (vec)_mm256_round_ps((__m256)a, 8);
#else
    const vec magic = vset(0x1.8p23f);
    return (a + magic) - magic;
#endif
}

/* p 2^k for integers k, in and beyond the range of normal numbers. */
INLINE vec vscale2(vec p, vec k)
{
#if VEC_W == 16
    return (vec)_mm512_scalef_ps((__m512)p, (__m512)k);
#else
    /* two factors, each normal; above 2^129 all is infinite */
    ivec n = __builtin_convertvector(vmin(vset(200.0f), k), ivec);
    ivec half = n >> 1;
    vec a = (vec)((half + 127) << 23), b = (vec)((n - half + 127) << 23);
    return p * a * b;
#endif
}

/* e^x on |x| <= log(2)/2: a near-minimax polynomial, error 9.2e-8. */
INLINE vec vexp_rest(vec x)
{
    vec p = vset(0x1.0fa032p-7f) * x + 0x1.573ad8p-5f;

    p = p * x + 0x1.555a8p-3f;
    p = p * x + 0x1.fffdc4p-2f;
    p = p * x + 0x1.fffff6p-1f;
    return p * x + 1;
}

/* e^x. Relative error below 2 eps; underflows through denormals to 0,
 * overflows to infinity, NaN stays NaN. k log(2) is taken off in two parts,
 * the first one exactly. */
INLINE vec vexp(vec x)
{
    const vec log2e = vset(0x1.715476p+0f);
    const vec hi = vset(0x1.62e4p-1f), lo = vset(0x1.7f7d1cp-20f);
    vec k;

    x = vmax(vset(-110.0f), x); /* there e^x is 0, also for -infinity */
    k = vround(x * log2e);
    x -= k * hi;
    x -= k * lo;
    return vscale2(vexp_rest(x), k);
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
#else
#define VEC_ZIP_LO(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define VEC_ZIP_HI(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
enum { VEC_LOG2 = 2 };
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
