/* Numbers as text, the same whatever locale the host has set.
 *
 * In a locale with decimal commas strtod stops at the point of "0.5" and
 * printf writes "0,5". These do what their namesakes do in the C locale; only
 * the calling thread's locale changes, for the time of the call. The library
 * reads and prints reals through them alone (tests/style/numbers.sh). */
#ifndef EG_BASE_NUM_H
#define EG_BASE_NUM_H

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>

#include "engram/status.h"

/* The C locale for this thread until egi_locale_leave of what it returned. No
 * allocation; a tenth of a microsecond. */
locale_t egi_locale_enter(void);
void egi_locale_leave(locale_t before);

double egi_strtod(const char *s, char **end);
int egi_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int egi_snprintf(char *buf, size_t size, const char *fmt, ...) EG_PRINTF(3, 4);
int egi_vfprintf(FILE *f, const char *fmt, va_list ap);
int egi_fprintf(FILE *f, const char *fmt, ...) EG_PRINTF(2, 3);

/* v with as few digits as read back as the same number, at least so many as
 * asked; a finite one is valid JSON. */
#define EGI_REAL_TEXT 32
void egi_real_text(char buf[EGI_REAL_TEXT], int digits, double v);

/* The whole text as a number, blanks around it allowed: digits with a point and
 * an exponent, or inf; no hexadecimal, no nan, nothing that a double cannot
 * hold. */
bool egi_real_parse(const char *text, double *out);
/* As an integer, to the last digit: 1e6 and 2.50e1 are some, and
 * 9007199254740993 is not its neighbour. False when it is none that fits. */
bool egi_int_parse(const char *text, int64_t *out);

/* Characters of ASCII, where ctype.h would ask the locale. */
static inline bool egi_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool egi_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool egi_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool egi_is_alnum(char c)
{
    return egi_is_alpha(c) || egi_is_digit(c);
}

/* The value of a hexadecimal digit; -1: it is none. */
static inline int egi_hex(char c)
{
    if (egi_is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static inline char egi_lower(char c)
{
    if (c < 'A' || c > 'Z') return c;
    return "abcdefghijklmnopqrstuvwxyz"[c - 'A'];
}

#endif
