/* Vectors of doubles for the fast sets whatever the reals of vec.h are: beside
 * floats half as many lanes. */

#define DW ((eg_index)(VEC_BYTES / 8))

typedef int64_t lvec __attribute__((vector_size(VEC_BYTES)));

INLINE dvec dset(double x)
{
    return x - (dvec){0};
}

INLINE dvec dload(const double *p)
{
    dvec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void dstore(double *p, dvec v)
{
    memcpy(p, &v, sizeof v);
}

INLINE double dsum(dvec a)
{
#if VEC_BYTES == 64
    return _mm512_reduce_add_pd((__m512d)a);
#else
    double s = 0;
    for (eg_index i = 0; i < DW; i++) s += a[i];
    return s;
#endif
}

INLINE dvec dsqrt(dvec a)
{
#if VEC_BYTES == 64
    return (dvec)_mm512_sqrt_pd((__m512d)a);
#elif VEC_BYTES == 32
    return (dvec)_mm256_sqrt_pd((__m256d)a);
#else
    for (eg_index i = 0; i < DW; i++) a[i] = sqrt(a[i]);
    return a;
#endif
}

/* The larger; b where either is NaN. */
INLINE dvec dmax(dvec a, dvec b)
{
#if VEC_BYTES == 64
    return (dvec)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif VEC_BYTES == 32
    return (dvec)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
    for (eg_index i = 0; i < DW; i++) a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
#endif
}

/* 1 / sqrt(a), a > 0. On AVX-512 from 14 digits, which two steps of Newton make
 * 53; error 2 eps. */
INLINE dvec drsqrt(dvec a)
{
#if VEC_BYTES == 64
    dvec y = (dvec)_mm512_rsqrt14_pd((__m512d)a), e = 1 - a * y * y;

    y += y * e * (0.5 + 0.375 * e);
    e = 1 - a * y * y;
    return y + 0.5 * y * e;
#else
    return 1 / dsqrt(a);
#endif
}

/* 2^t for t up to 1020; below -1020 as there. Relative error 2.5e-16:
 * |r| <= 1/2, polynomial of degree 11 (near-minimax, 1e-17). */
INLINE dvec dexp2(dvec t)
{
    dvec k, p, t2, odd;
#if VEC_BYTES == 64
    k = (dvec)_mm512_roundscale_pd((__m512d)t, 8);
#else
    const dvec magic = dset(0x1.8p52);
    lvec bits;

    t = dmax(dset(-1020), t);
    k = t + magic; /* its lowest bits are the integer */
    bits = (lvec)k << 52;
    k -= magic;
#endif
    t -= k;
    /* even and odd powers: one operation more, half as long a chain */
    t2 = t * t;
    odd = dset(0x1.e9d3fe3952179p-32) * t2 + 0x1.b524fae627834p-24;
    p = dset(0x1.e6063f7217bc6p-28) * t2 + 0x1.62bfd47773353p-20;
    odd = odd * t2 + 0x1.ffcbfc670dcd4p-17;
    p = p * t2 + 0x1.430913096fd9fp-13;
    odd = odd * t2 + 0x1.5d87fe78a5276p-10;
    p = p * t2 + 0x1.3b2ab6fba1ddap-7;
    odd = odd * t2 + 0x1.c6b08d704a0c2p-5;
    p = p * t2 + 0x1.ebfbdff82c598p-3;
    odd = odd * t2 + 0x1.62e42fefa39efp-1;
    p = p * t2 + 1;
    p = odd * t + p;
#if VEC_BYTES == 64
    return (dvec)_mm512_scalef_pd((__m512d)p, (__m512d)k);
#else
    return (dvec)((lvec)p + bits);
#endif
}

#ifndef VEC_F64
/* 2^t in float32, t below about 120; relative error 2e-7; 2^-125 or 0 far
 * below. The polynomial of degree 5 is off by 1.2e-7. */
INLINE vec vexp2(vec t)
{
    vec k, p;
#if VEC_BYTES == 64
    k = vround(t);
#else
    const vec magic = vset(0x1.8p23f);
    ivec bits;

    t = vmax(vset(-125.0f), t);
    k = t + magic; /* its lowest bits are the integer */
    bits = (ivec)k << 23;
    k -= magic;
#endif
    t -= k;
    p = vset(0.0013276472f) * t + 0.0096755419f;
    p = p * t + 0.0555071309f;
    p = p * t + 0.2402212024f;
    p = p * t + 0.6931469440f;
    p = p * t + 1.0000001192f;
#if VEC_BYTES == 64
    return vscale2(p, k);
#else
    return (vec)((ivec)p + bits);
#endif
}

/* s[i] += v[i] for all lanes. */
INLINE void vadd_wide(double *s, vec v)
{
    float f[W];

    vstore(f, v);
#pragma GCC unroll 2
    for (eg_index h = 0; h < 2; h++)
        dstore(s + h * DW, dload(s + h * DW) + vload_wide(f + h * DW));
}
#endif

INLINE void dadd_wide(double *s, dvec v)
{
    dstore(s, dload(s) + v);
}
