/* Rounding, powers of two and the exponential of vec.h's vectors. */

/* To the nearest integer, for |a| < 2^22, of doubles 2^51. */
INLINE vec vround(vec a)
{
#if VEC_BYTES == 64
    return (vec)MM(roundscale)((mm)a, 8);
#elif VEC_BYTES == 32
    return (vec)MM(round)((mm)a, 8);
#elif defined(VEC_F64)
    const vec magic = vset(0x1.8p52);
    return (a + magic) - magic;
#else
    const vec magic = vset(0x1.8p23f);
    return (a + magic) - magic;
#endif
}

/* p 2^k for integers k, in and beyond the range of normal numbers. */
INLINE vec vscale2(vec p, vec k)
{
#if VEC_BYTES == 64
    return (vec)MM(scalef)((mm)p, (mm)k);
#elif defined(VEC_F64)
    /* two factors, each normal, whose exponents are cut out of the digits of
     * what is added to them; above 2^1025 all is infinite */
    const vec bias = vset(0x1.8p52 + 1023);
    vec all = vmin(vset(2000), k), half = vround(all * 0.5);
    vec a = (vec)((ivec)(half + bias) << 52);
    vec b = (vec)((ivec)(all - half + bias) << 52);
    return p * a * b;
#else
    /* two factors, each normal; above 2^129 all is infinite */
    ivec n = __builtin_convertvector(vmin(vset(200.0f), k), ivec);
    ivec half = n >> 1;
    vec a = (vec)((half + 127) << 23), b = (vec)((n - half + 127) << 23);
    return p * a * b;
#endif
}

#ifdef VEC_F64
#define VEC_LOG2E 0x1.71547652b82fep+0
/* k log(2) is taken off in two parts, the first one exactly. */
#define VEC_LN2_HI 0x1.62e42fefa38p-1
#define VEC_LN2_LO 0x1.ef35793c7673p-45
#define VEC_EXP_LEAST -760 /* there e^x is 0, also for -infinity */
#define VEC_FALL_LEAST -708
#define VEC_FALL_SHIFT 52
#define VEC_FALL_MAGIC (0x1.8p52 + 1023)
#else
#define VEC_LOG2E 0x1.715476p+0f
#define VEC_LN2_HI 0x1.62e4p-1f
#define VEC_LN2_LO 0x1.7f7d1cp-20f
#define VEC_EXP_LEAST -110
#define VEC_FALL_LEAST -87
#define VEC_FALL_SHIFT 23
#define VEC_FALL_MAGIC (0x1.8p23f + 127)
#endif

/* e^x on |x| <= log(2)/2: a near-minimax polynomial, error 9.2e-8, of doubles
 * 1.7e-17. */
INLINE vec vexp_rest(vec x)
{
#ifdef VEC_F64
    vec p = vset(0x1.af38d53e5ece4p-26) * x + 0x1.2891a8c1d8abp-22;

    p = p * x + 0x1.71de0d9c1176cp-19;
    p = p * x + 0x1.a019b8ef67c66p-16;
    p = p * x + 0x1.a01a01a7c8d56p-13;
    p = p * x + 0x1.6c16c17893833p-10;
    p = p * x + 0x1.11111111109adp-7;
    p = p * x + 0x1.5555555553d4fp-5;
    p = p * x + 0x1.5555555555556p-3;
    p = p * x + 0x1.0000000000001p-1;
    p = p * x + 1;
    return p * x + 1;
#else
    vec p = vset(0x1.0fa032p-7f) * x + 0x1.573ad8p-5f;

    p = p * x + 0x1.555a8p-3f;
    p = p * x + 0x1.fffdc4p-2f;
    p = p * x + 0x1.fffff6p-1f;
    return p * x + 1;
#endif
}

/* e^x. Relative error below 2 eps; underflows through denormals to 0,
 * overflows to infinity, NaN stays NaN. */
INLINE vec vexp(vec x)
{
    vec k;

    x = vmax(vset(VEC_EXP_LEAST), x);
    k = vround(x * VEC_LOG2E);
    x -= k * VEC_LN2_HI;
    x -= k * VEC_LN2_LO;
    return vscale2(vexp_rest(x), k);
}

/* e^x for x <= 0, with the error of vexp: where it is not a normal number, 0.
 * The exponent is cut out of the digits of a sum, so that scaling is a shift
 * and a product: 13 instructions, in AVX2 20 for vexp. */
INLINE vec vexp_fall(vec x)
{
    const vec magic = vset(VEC_FALL_MAGIC);
    vec t = x * VEC_LOG2E + magic, k = t - magic;
    vec power = (vec)((ivec)t << VEC_FALL_SHIFT), r = x - k * VEC_LN2_HI;

    r -= k * VEC_LN2_LO;
    return vunless(x < vset(VEC_FALL_LEAST), vexp_rest(r) * power);
}
