#include "mesa/narrow.h"

#include <math.h>

const egi_format egi_formats[EGI_FORMATS] = {
    {"float32", 24, -126, 0x1.fffffep127},
    {"bfloat16", 8, -126, 0x1.fep127},
    {"float16", 11, -14, 0x1.ffcp15}};

/* The spacing of numbers about x is 2^e: what is added and taken off again
 * pushes the rest out of a double. */
double egi_narrow(double x, const egi_format *f)
{
    int e;
    double push, y;

    if (!(fabs(x) > 0) || !isfinite(x)) return x;
    (void)frexp(x, &e);
    e = (e - 1 > f->least ? e - 1 : f->least) - f->digits + 1;
    push = ldexp(0x1.8p52, e);
    y = x + push - push;
    return fabs(y) > f->top ? copysign(HUGE_VAL, x) : y;
}
