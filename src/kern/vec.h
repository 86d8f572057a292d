/* Vectors of VEC_W reals for the fast kernel sets: one source for every width
 * and both precisions, in GCC vector extensions, and the few primitives that
 * those lack. VEC_BYTES is 64 (AVX-512), 32 (AVX2) or 16 (anything); reals are
 * floats, with VEC_F64 doubles. */
#include <math.h>
#include <string.h>

#include "engram/kern.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifdef VEC_F64
typedef double real;
typedef int64_t vint; /* an integer as wide */
typedef eg_kern_f64 kern;
#define VEC_W (VEC_BYTES / 8)
#define VEC_SQRT sqrt
#define VEC_FMA fma
#else
typedef float real;
typedef int32_t vint;
typedef eg_kern_f32 kern;
#define VEC_W (VEC_BYTES / 4)
#define VEC_SQRT sqrtf
#define VEC_FMA fmaf
#endif
#define W ((eg_index)VEC_W)

typedef real vec __attribute__((vector_size(VEC_BYTES)));
typedef vint ivec __attribute__((vector_size(VEC_BYTES)));
/* W doubles, W/2 beside floats. */
typedef double dvec __attribute__((vector_size(VEC_BYTES)));

/* MM(op): the intrinsic op for vectors of these reals; mm: its type;
 * VEC_QUARTERS: that which moves quarters of vectors. */
#define VEC_JOIN(width, op, type) _mm##width##_##op##_##type
#if VEC_BYTES == 64 && defined(VEC_F64)
#define MM(op) VEC_JOIN(512, op, pd)
#define VEC_QUARTERS _mm512_shuffle_f64x2
typedef __m512d mm;
typedef __mmask8 mm_mask;
#elif VEC_BYTES == 64
#define MM(op) VEC_JOIN(512, op, ps)
#define VEC_QUARTERS _mm512_shuffle_f32x4
typedef __m512 mm;
typedef __mmask16 mm_mask;
#elif VEC_BYTES == 32 && defined(VEC_F64)
#define MM(op) VEC_JOIN(256, op, pd)
typedef __m256d mm;
#elif VEC_BYTES == 32
#define MM(op) VEC_JOIN(256, op, ps)
typedef __m256 mm;
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE vec vset(real x)
{
    return x - (vec){0};
}

INLINE ivec iset(vint x)
{
    return x - (ivec){0};
}

INLINE vec vload(const real *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void vstore(real *p, vec v)
{
    memcpy(p, &v, sizeof v);
}

/* a where the mask is all ones, b where it is 0. */
INLINE vec vsel(ivec mask, vec a, vec b)
{
    return (vec)(((ivec)a & mask) | ((ivec)b & ~mask));
}

/* 0 where the mask is all ones, a where it is 0. */
INLINE vec vunless(ivec mask, vec a)
{
    return (vec)((ivec)a & ~mask);
}

/* Lane numbers 0..W-1. */
INLINE ivec vlanes(void)
{
#if VEC_W == 16
    return (ivec){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif VEC_W == 8
    return (ivec){0, 1, 2, 3, 4, 5, 6, 7};
#elif VEC_W == 4
    return (ivec){0, 1, 2, 3};
#else
    return (ivec){0, 1};
#endif
}

/* W integers of 32 bits. */
INLINE ivec iload(const int32_t *p)
{
    typedef int32_t ints __attribute__((vector_size(4 * VEC_W)));
    ints v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, ivec);
}

#if VEC_BYTES == 32
/* W/2 entries and zeros behind them. */
INLINE vec vload_half(const real *p)
{
#ifdef VEC_F64
    return (vec)_mm256_zextpd128_pd256(_mm_loadu_pd(p));
#else
    return (vec)_mm256_zextps128_ps256(_mm_loadu_ps(p));
#endif
}
#endif

/* First n lanes (0 < n < W); the others read as 0 and are not written. */
INLINE vec vload_n(const real *p, eg_index n)
{
#if VEC_BYTES == 64
    return (vec)MM(maskz_loadu)((mm_mask)((1u << n) - 1), p);
#elif VEC_BYTES == 32
    if (n == W / 2) return vload_half(p);
    return (vec)MM(maskload)(p, (__m256i)(vlanes() < iset((vint)n)));
#else
    vec v = {0};
    for (eg_index i = 0; i < n; i++) v[i] = p[i];
    return v;
#endif
}

/* A masked store takes AMD's Zen 3 as long as a dozen others. */
INLINE void vstore_n(real *p, vec v, eg_index n)
{
#if VEC_BYTES == 64
    MM(mask_storeu)(p, (mm_mask)((1u << n) - 1), (mm)v);
#elif VEC_BYTES == 32
    if (n == W / 2)
        memcpy(p, &v, sizeof v / 2);
    else
        MM(maskstore)(p, (__m256i)(vlanes() < iset((vint)n)), (mm)v);
#else
    for (eg_index i = 0; i < n; i++) p[i] = v[i];
#endif
}

/* a b + c, rounded once. */
INLINE vec vfma(vec a, vec b, vec c)
{
#if VEC_BYTES >= 32
    return (vec)MM(fmadd)((mm)a, (mm)b, (mm)c);
#else
    for (int i = 0; i < W; i++) c[i] = VEC_FMA(a[i], b[i], c[i]);
    return c;
#endif
}

/* The larger; b where either is NaN. */
INLINE vec vmax(vec a, vec b)
{
#if VEC_BYTES >= 32
    return (vec)MM(max)((mm)a, (mm)b);
#else
    return vsel(a > b, a, b);
#endif
}

/* The smaller; b where either is NaN. */
INLINE vec vmin(vec a, vec b)
{
#if VEC_BYTES >= 32
    return (vec)MM(min)((mm)a, (mm)b);
#else
    return vsel(a < b, a, b);
#endif
}

/* 1 / a for normal a. */
INLINE vec vrcp(vec a)
{
#if VEC_BYTES == 64 && !defined(VEC_F64)
    vec r = (vec)_mm512_rcp14_ps((__m512)a);
    return r + r * (1 - a * r);
#else
    return 1 / a;
#endif
}

INLINE vec vsqrt(vec a)
{
#if VEC_BYTES >= 32
    return (vec)MM(sqrt)((mm)a);
#else
    for (int i = 0; i < W; i++) a[i] = VEC_SQRT(a[i]);
    return a;
#endif
}

INLINE real vsum(vec a)
{
#if VEC_BYTES == 64
    return MM(reduce_add)((mm)a);
#elif VEC_W == 2
    return a[0] + a[1];
#else
    real s[W], sum = 0;
    vstore(s, a);
    for (int i = 0; i < W; i += 4) {
        sum += (s[i] + s[i + 1]) + (s[i + 2] + s[i + 3]);
    }
    return sum;
#endif
}

INLINE real vtop(vec a)
{
#if VEC_BYTES == 64
    return MM(reduce_max)((mm)a);
#else
    real s[VEC_W], top;
    vstore(s, a);
    top = s[0];
    for (int i = 1; i < VEC_W; i++) top = s[i] > top ? s[i] : top;
    return top;
#endif
}

/* The first lane that equals x; W if none does. */
INLINE int vfirst(vec a, real x)
{
#if VEC_BYTES == 64 && defined(VEC_F64)
    unsigned m = _mm512_cmp_pd_mask((mm)a, (mm)vset(x), _CMP_EQ_OQ);
    return m ? __builtin_ctz(m) : VEC_W;
#elif VEC_BYTES == 64
    unsigned m = _mm512_cmp_ps_mask((mm)a, (mm)vset(x), _CMP_EQ_OQ);
    return m ? __builtin_ctz(m) : VEC_W;
#elif VEC_BYTES == 32
    int m = MM(movemask)(MM(cmp)((mm)a, (mm)vset(x), _CMP_EQ_OQ));
    return m ? __builtin_ctz((unsigned)m) : VEC_W;
#else
    int i = 0;
    while (i < W && !(a[i] >= x && a[i] <= x)) i++;
    return i;
#endif
}

/* As many reals as a dvec has lanes, as doubles. */
INLINE dvec vload_wide(const real *p)
{
#ifdef VEC_F64
    return vload(p);
#elif VEC_BYTES == 64
    return (dvec)_mm512_cvtps_pd(_mm256_loadu_ps(p));
#elif VEC_BYTES == 32
    return (dvec)_mm256_cvtps_pd(_mm_loadu_ps(p));
#else
    return (dvec){(double)p[0], (double)p[1]};
#endif
}

#include "kern/vec_exp.h"
#include "kern/vec_turn.h"
