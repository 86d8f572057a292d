/* Numbers as text without the host's locale; see num.h. */
#include "base/num.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 64 /* bytes of the longest number */

/* The C library keeps this locale itself: there is nothing to free. Should it
 * refuse, uselocale((locale_t)0) changes nothing. */
locale_t egi_locale_enter(void)
{
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

void egi_locale_leave(locale_t before)
{
    (void)uselocale(before);
}

double egi_strtod(const char *s, char **end)
{
    locale_t before = egi_locale_enter();
    double v = strtod(s, end);

    egi_locale_leave(before);
    return v;
}

int egi_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    locale_t before = egi_locale_enter();
    int n = vsnprintf(buf, size, fmt, ap);

    egi_locale_leave(before);
    return n;
}

int egi_snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int n = 0;

    va_start(ap, fmt);
    n = egi_vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}

int egi_vfprintf(FILE *f, const char *fmt, va_list ap)
{
    locale_t before = egi_locale_enter();
    int n = vfprintf(f, fmt, ap);

    egi_locale_leave(before);
    return n;
}

int egi_fprintf(FILE *f, const char *fmt, ...)
{
    va_list ap;
    int n = 0;

    va_start(ap, fmt);
    n = egi_vfprintf(f, fmt, ap);
    va_end(ap);
    return n;
}

void egi_real_text(char buf[EGI_REAL_TEXT], int digits, double v)
{
    for (; digits <= 17; digits++) {
        (void)egi_snprintf(buf, EGI_REAL_TEXT, "%.*g", digits, v);
        if (egi_strtod(buf, NULL) == v) break;
    }
    /* -0 would be an integer, of which most readers of JSON make 0 */
    if (strcmp(buf, "-0") == 0) memcpy(buf, "-0.0", sizeof "-0.0");
}

static size_t digits(const char *s)
{
    return strspn(s, "0123456789");
}

/* [+-] digits [. digits] [e [+-] digits], or inf; strtod alone would also
 * take hexadecimal, nan and what follows the number. */
static bool is_number(const char *s)
{
    size_t whole = 0, part = 0;

    if (*s == '+' || *s == '-') s++;
    if (strcmp(s, "inf") == 0 || strcmp(s, ".inf") == 0) return true;
    whole = digits(s);
    s += whole;
    if (*s == '.') {
        part = digits(++s);
        s += part;
    }
    if (whole + part == 0) return false;
    if (*s == 'e' || *s == 'E') {
        size_t n = 0;

        s++;
        if (*s == '+' || *s == '-') s++;
        n = digits(s);
        if (n == 0) return false;
        s += n;
    }
    return *s == '\0';
}

/* The text without blanks around it, if that fits and is a number. */
static bool take_number(const char *text, char buf[SHOWN])
{
    size_t n = 0;

    while (egi_is_space(*text)) text++;
    n = strlen(text);
    while (n > 0 && egi_is_space(text[n - 1])) n--;
    if (n >= SHOWN) return false;
    memcpy(buf, text, n);
    buf[n] = '\0';
    return is_number(buf);
}

bool egi_real_parse(const char *text, double *out)
{
    char buf[SHOWN];

    if (!take_number(text, buf)) return false;
    if (strstr(buf, "inf")) {
        *out = *buf == '-' ? -HUGE_VAL : HUGE_VAL;
        return true;
    }
    *out = egi_strtod(buf, NULL);
    return isfinite(*out); /* 1e999 is not a number of ours */
}

/* Digits, with no point and n zeros more, as an integer. */
static bool read_digits(const char *s, size_t length, long n, bool minus,
                        int64_t *out)
{
    int64_t v = 0; /* not above 0: there is one more below */

    for (size_t i = 0; i < length; i++) {
        if (s[i] == '.') continue;
        if (v < (INT64_MIN + (s[i] - '0')) / 10) return false;
        v = 10 * v - (s[i] - '0');
    }
    for (; v != 0 && n > 0; n--) {
        if (v < INT64_MIN / 10) return false;
        v *= 10;
    }
    if (!minus && v == INT64_MIN) return false;
    *out = minus ? v : -v;
    return true;
}

/* Drops trailing zeros of the digits s[*length] while more of them stand behind
 * the point than there may be; false when one of them is no zero. */
static bool drop_zeros(const char *s, size_t *length, long behind)
{
    for (; behind > 0 && *length > 0; --*length) {
        if (s[*length - 1] == '.') continue;
        if (s[*length - 1] != '0') return false;
        behind--;
    }
    return true;
}

bool egi_int_parse(const char *text, int64_t *out)
{
    char buf[SHOWN];
    const char *s = buf, *point = NULL;
    size_t length = 0;
    long exponent = 0;
    bool minus = false;

    if (!take_number(text, buf) || strstr(buf, "inf")) return false;
    minus = *s == '-';
    if (*s == '+' || *s == '-') s++;
    length = strspn(s, "0123456789.");
    if (s[length] != '\0') exponent = strtol(s + length + 1, NULL, 10);
    if (exponent > SHOWN) exponent = SHOWN; /* too large with any digit */
    if (exponent < -SHOWN) exponent = -SHOWN;
    point = memchr(s, '.', length);
    if (point) exponent -= (long)length - 1 - (point - s);
    return drop_zeros(s, &length, -exponent) &&
           read_digits(s, length, exponent, minus, out);
}
