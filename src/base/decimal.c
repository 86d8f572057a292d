/* See decimal.h. The digits are an integer w, and the number is w 10^e. Where w
 * and the power are both exact, one operation rounds as strtod does (Clinger
 * 1990). With the 64 bits of x87 that is nearly always so: its result rounds to
 * 53 bits as the true value would, unless it lies just between two of them. */
#include <float.h>
#include <string.h>

#include "base/decimal.h"
#include "base/num.h"

enum {
    EXACT = 22,     /* 10^22 is a double */
    EXACT_LONG = 27 /* 10^27 has 63 bits without its zeros */
};

static const double power[EXACT + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const long double power_long[EXACT_LONG + 1] = {
    1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,
    1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L,
    1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};

typedef struct decimal {
    uint64_t w;
    int e;
    bool minus;
} decimal;

/* False when there are more digits than w holds. */
static bool split(decimal *d, const char *s, const char *end)
{
    int n = 0, behind = 0, e = 0;
    bool point = false, down;

    d->w = 0;
    d->minus = *s == '-';
    s += d->minus;
    for (; s < end && (egi_is_digit(*s) || (*s == '.' && !point)); s++) {
        if (*s == '.') {
            point = true;
            continue;
        }
        d->w = 10 * d->w + (uint64_t)(*s - '0');
        n += n > 0 || d->w != 0; /* zeros in front cost nothing */
        behind += point;
    }
    if (n > 19) return false;
    if (s < end) { /* e */
        down = s[1] == '-';
        s += s[1] == '-' || s[1] == '+' ? 2 : 1;
        for (; s < end; s++) {
            e = 10 * e + (*s - '0');
            if (e > 9999) return false;
        }
        if (down) e = -e;
    }
    d->e = e - behind;
    return true;
}

/* Is r, of 64 bits, just between two doubles? */
static bool between(long double r)
{
    uint64_t bits;

    memcpy(&bits, &r, sizeof bits);
    return (bits & 0x7ff) == 0x400;
}

static bool convert(double *out, const decimal *d)
{
    int e = d->e < 0 ? -d->e : d->e;
    long double r;

    if (d->w <= (uint64_t)1 << 53 && e <= EXACT) {
        *out = (double)d->w;
        if (d->e < 0)
            *out /= power[e];
        else
            *out *= power[e];
        return true;
    }
    if (LDBL_MANT_DIG != 64 || e > EXACT_LONG) return false;
    r = (long double)d->w;
    if (d->e < 0)
        r /= power_long[e];
    else
        r *= power_long[e];
    *out = (double)r;
    return !between(r);
}

double egi_decimal(const char *text, size_t size)
{
    decimal d;
    double v;

    if (!split(&d, text, text + size) || !convert(&v, &d))
        return egi_strtod(text, NULL);
    return d.minus ? -v : v;
}
