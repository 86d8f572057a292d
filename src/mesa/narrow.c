#include "mesa/narrow.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

const egi_format egi_formats[EGI_FORMATS] = {
    {"float32", 24, -126, 0x1.fffffep127},
    {"bfloat16", 8, -126, 0x1.fep127},
    {"float16", 11, -14, 0x1.ffcp15}};

/* 1.5 2^e, -1022 <= e <= 1023. */
static double one_and_a_half(int e)
{
    uint64_t bits = (uint64_t)(e + 1023) << 52 | UINT64_C(1) << 51;
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* floor(log2 |x|) where x is normal, -1023 below. */
static int exponent(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return (int)(bits >> 52 & 0x7ff) - 1023;
}

/* The spacing of numbers about x is 2^e: what is added and taken off again
 * pushes the rest out of a double. */
double egi_narrow(double x, const egi_format *f)
{
    int e;
    double push, y;

    if (!(fabs(x) > 0) || !isfinite(x)) return x;
    if (fabs(x) > 2 * f->top) return copysign(HUGE_VAL, x);
    e = exponent(x);
    e = (e > f->least ? e : f->least) - f->digits + 1;
    push = one_and_a_half(e + 52);
    y = x + push - push;
    return fabs(y) > f->top ? copysign(HUGE_VAL, x) : y;
}
