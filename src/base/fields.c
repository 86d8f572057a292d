/* Option tables: a value is parsed, checked and printed by its row alone. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/fields.h"
#include "base/num.h"
#include "base/text.h"

#define SHOWN 64 /* bytes of a wrong value quoted in a message */
#define INT64_LIMIT 9223372036854775808.0 /* 2^63 */

static void *slot(const eg_field *f, void *opts)
{
    return (char *)opts + f->offset;
}

static const void *slot_of(const eg_field *f, const void *opts)
{
    return (const char *)opts + f->offset;
}

bool eg_choice(const char *choices, int i, char *buf, size_t size)
{
    size_t n = 0;

    if (i < 0) return false;
    for (; i > 0; i--) {
        choices = strchr(choices, '|');
        if (!choices) return false;
        choices++;
    }
    n = strcspn(choices, "|");
    EG_ASSERT(n < size);
    memcpy(buf, choices, n);
    buf[n] = '\0';
    return true;
}

static void add_range(egi_text *t, const char *what, double min, double max)
{
    char lo[EGI_REAL_TEXT], hi[EGI_REAL_TEXT];

    egi_real_text(lo, 10, min);
    egi_real_text(hi, 10, max);
    egi_text_add(t, "%s", what);
    if (isfinite(min) && isfinite(max))
        egi_text_add(t, " from %s to %s", lo, hi);
    else if (isfinite(min))
        egi_text_add(t, " of at least %s", lo);
    else if (isfinite(max))
        egi_text_add(t, " of at most %s", hi);
}

static void add_choices(egi_text *t, const char *choices)
{
    char one[EG_TEXT];

    egi_text_add(t, "one of ");
    for (int i = 0; eg_choice(choices, i, one, sizeof one); i++) {
        egi_text_add(t, "%s%s", i ? ", " : "", one);
    }
}

void egi_field_expected(const eg_field *f, char *buf, size_t size)
{
    egi_text t = egi_text_on(buf, size);

    switch (f->kind) {
    case EG_FIELD_INT:
        add_range(&t, "a whole number", f->min, f->max);
        break;
    case EG_FIELD_REAL:
        add_range(&t, "a number", f->min, f->max);
        break;
    case EG_FIELD_BOOL:
        egi_text_add(&t, "true or false");
        break;
    case EG_FIELD_TEXT:
        egi_text_add(&t, "text of at most %d bytes of UTF-8", EG_TEXT - 1);
        break;
    case EG_FIELD_ENUM:
        add_choices(&t, f->choices);
        break;
    case EG_FIELD_LIST:
        egi_text_add(&t, "a list [a, b] of at most %d items of %d bytes",
                     EG_STRS_MAX, EG_STRS_LEN - 1);
        break;
    }
}

/* "lr: expected a number from 0 to 1, found 'x'", and a hint if there is. */
static eg_status refuse(const eg_field *f, const char *text, const char *hint,
                        eg_err *err)
{
    char want[300];

    egi_field_expected(f, want, sizeof want);
    return EG_FAIL(err, EG_EINVAL, "%s: expected %s, found '%.*s'%s%s%s",
                   f->name, want, eg_text_fit(text, SHOWN), text,
                   hint ? "; did you mean '" : "", hint ? hint : "",
                   hint ? "'?" : "");
}

static const char *trim(const char *s, size_t *n)
{
    while (egi_is_space(*s)) s++;
    *n = strlen(s);
    while (*n > 0 && egi_is_space(s[*n - 1])) --*n;
    return s;
}

static bool parse_real(const eg_field *f, void *opts, const char *text)
{
    double v = 0;

    if (!egi_real_parse(text, &v)) return false;
    if (v < f->min || v > f->max) return false;
    memcpy(slot(f, opts), &v, sizeof v);
    return true;
}

/* Is v below, or above, a bound? As integers: a double has no 2^53 + 1. */
static bool is_below(int64_t v, double min)
{
    return min >= -INT64_LIMIT &&
           (min >= INT64_LIMIT || v < (int64_t)ceil(min));
}

static bool is_above(int64_t v, double max)
{
    return max < INT64_LIMIT && (max < -INT64_LIMIT || v > (int64_t)floor(max));
}

static bool parse_int(const eg_field *f, void *opts, const char *text)
{
    int64_t v = 0;

    if (!egi_int_parse(text, &v)) return false;
    if (is_below(v, f->min) || is_above(v, f->max)) return false;
    memcpy(slot(f, opts), &v, sizeof v);
    return true;
}

static bool parse_bool(const eg_field *f, void *opts, const char *text)
{
    static const char words[][6] = {
        "false", "true", "False", "True", "FALSE", "TRUE", "no", "yes", "No",
        "Yes",   "NO",   "YES",   "off",  "on",    "Off",  "On", "OFF", "ON"};
    size_t n = 0, i = 0, all = sizeof words / sizeof words[0];
    const char *s = trim(text, &n);

    while (i < all && (strlen(words[i]) != n || memcmp(words[i], s, n) != 0))
        i++;
    if (i < all) *(bool *)slot(f, opts) = i % 2 == 1;
    return i < all;
}

static bool parse_text(const eg_field *f, void *opts, const char *text)
{
    size_t n = strnlen(text, EG_TEXT);
    char *to = slot(f, opts);

    if (n == EG_TEXT || !egi_utf8_valid(text)) return false;
    memset(to, 0, EG_TEXT); /* equal values are equal bytes */
    memcpy(to, text, n);
    return true;
}

/* The choice nearest to text into best, or NULL. */
static const char *nearest_choice(const eg_field *f, const char *text,
                                  char best[EG_TEXT])
{
    char one[EG_TEXT];
    eg_nearest near = {.asked = text};

    for (int i = 0; eg_choice(f->choices, i, one, sizeof one); i++) {
        eg_nearest_try(&near, one);
        if (near.best == one) { /* one is overwritten by the next choice */
            memcpy(best, one, EG_TEXT);
            near.best = best;
        }
    }
    return near.best;
}

static eg_status parse_enum(const eg_field *f, void *opts, const char *text,
                            eg_err *err)
{
    char one[EG_TEXT], best[EG_TEXT] = "";
    size_t n = 0;
    const char *s = trim(text, &n);

    for (int i = 0; eg_choice(f->choices, i, one, sizeof one); i++) {
        if (strlen(one) == n && memcmp(one, s, n) == 0) {
            memcpy(slot(f, opts), &i, sizeof i);
            return EG_OK;
        }
    }
    return refuse(f, text, nearest_choice(f, text, best), err);
}

static bool parse_list(const eg_field *f, void *opts, const char *text)
{
    eg_strs list;

    if (!egi_strs_parse(&list, text)) return false;
    memcpy(slot(f, opts), &list, sizeof list);
    return true;
}

eg_status eg_field_parse(const eg_field *f, void *opts, const char *text,
                         eg_err *err)
{
    bool ok = false;

    switch (f->kind) {
    case EG_FIELD_INT:
        ok = parse_int(f, opts, text);
        break;
    case EG_FIELD_REAL:
        ok = parse_real(f, opts, text);
        break;
    case EG_FIELD_BOOL:
        ok = parse_bool(f, opts, text);
        break;
    case EG_FIELD_TEXT:
        ok = parse_text(f, opts, text);
        break;
    case EG_FIELD_LIST:
        ok = parse_list(f, opts, text);
        break;
    case EG_FIELD_ENUM:
        return parse_enum(f, opts, text, err);
    }
    return ok ? EG_OK : refuse(f, text, NULL, err);
}

void eg_fields_default(const eg_field *table, void *opts)
{
    for (const eg_field *f = table; f->name; f++) {
        EG_ASSERT(eg_field_parse(f, opts, f->def, NULL) == EG_OK);
    }
}

/* With a point always: readers of YAML 1.1 take 1e-05 for text. */
static void add_real(egi_text *t, double v)
{
    char buf[EGI_REAL_TEXT];
    int n = 0;

    if (!isfinite(v)) {
        egi_text_add(t, "%s", isnan(v) ? ".nan" : v > 0 ? ".inf" : "-.inf");
        return;
    }
    egi_real_text(buf, 15, v);
    n = (int)strcspn(buf, "e");
    egi_text_add(t, "%.*s%s%s", n, buf, strchr(buf, '.') ? "" : ".0", buf + n);
}

int eg_field_format(const eg_field *f, const void *opts, char *buf, size_t size)
{
    egi_text t = egi_text_on(buf, size);
    const void *from = slot_of(f, opts);
    char one[EG_TEXT];

    switch (f->kind) {
    case EG_FIELD_INT:
        egi_text_add(&t, "%" PRId64, *(const int64_t *)from);
        break;
    case EG_FIELD_REAL:
        add_real(&t, *(const double *)from);
        break;
    case EG_FIELD_BOOL:
        egi_text_add(&t, "%s", *(const bool *)from ? "true" : "false");
        break;
    case EG_FIELD_TEXT:
        egi_text_add(&t, "%s", (const char *)from);
        break;
    case EG_FIELD_ENUM:
        EG_ASSERT(eg_choice(f->choices, *(const int *)from, one, sizeof one));
        egi_text_add(&t, "%s", one);
        break;
    case EG_FIELD_LIST:
        egi_strs_add(&t, from);
        break;
    }
    return (int)t.len;
}

const eg_field *eg_field_find(const eg_field *table, const char *name)
{
    for (const eg_field *f = table; f->name; f++) {
        if (strcmp(f->name, name) == 0) return f;
    }
    return NULL;
}
