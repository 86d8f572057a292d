/* Appending and quoting: text tools of this module. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/num.h"

egi_text egi_text_on(char *buf, size_t size)
{
    egi_text t = {.size = size};

    t.buf = buf;
    return t;
}

void egi_text_add(egi_text *t, const char *fmt, ...)
{
    size_t room = t->len < t->size ? t->size - t->len : 0;
    char *to = room > 0 ? t->buf + t->len : NULL;
    va_list ap;
    int n = 0;

    va_start(ap, fmt);
    n = egi_vsnprintf(to, room, fmt, ap);
    va_end(ap);
    EG_ASSERT(n >= 0);
    t->len += (size_t)n;
}

int egi_utf8_put(char *to, uint32_t cp)
{
    if (cp < 0x80) {
        to[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        to[0] = (char)(0xc0 | cp >> 6);
        to[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        to[0] = (char)(0xe0 | cp >> 12);
        to[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        to[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    EG_ASSERT(cp < 0x110000);
    to[0] = (char)(0xf0 | cp >> 18);
    to[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    to[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    to[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

bool egi_utf8_valid(const char *s)
{
    uint32_t cp = 0;

    while (*s != '\0') {
        int n = eg_text_char(s, &cp);

        if (n == 0) return false;
        s += n;
    }
    return true;
}

bool egi_text_ends_at(const char *s, size_t n, const char *tail)
{
    size_t m = strlen(tail);

    return n > m && memcmp(s + n - m, tail, m) == 0;
}

bool egi_text_ends(const char *s, const char *tail)
{
    return egi_text_ends_at(s, strlen(s), tail);
}

void egi_listing_add(egi_listing *l, const char *name)
{
    const size_t more = sizeof ",  and 1234567890 more";

    l->n++;
    if (l->shown + 1 < l->n ||
        l->t->len + strlen(name) + more + l->keep > l->t->size)
        return;
    egi_text_add(l->t, "%s%s", l->shown ? ", " : "", name);
    l->shown++;
}

void egi_listing_end(egi_listing *l)
{
    if (l->n > l->shown)
        egi_text_add(l->t, "%s%d more", l->shown ? " and " : "",
                     l->n - l->shown);
}

/* Words that a reader of YAML 1.1 or 1.2 takes for truth, nothing or a number,
 * in whatever case. */
static bool is_yaml_word(const char *s, size_t n)
{
    static const char *const words[] = {"y",    "n",   "yes",  "no",
                                        "on",   "off", "true", "false",
                                        "null", "inf", "nan",  "infinity"};
    size_t k = 0;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (k = 0; k < n && egi_lower(s[k]) == words[i][k]; k++) continue;
        if (k == n && words[i][k] == '\0') return true;
    }
    return false;
}

/* Text for every reader of YAML: a letter, _ or / first, as no number, date or
 * marker begins, then letters, digits and _./+-, and no word of its own. */
static bool is_bare(const char *s)
{
    size_t n = strlen(s);

    if (!egi_is_alpha(*s) && (*s == '\0' || !strchr("_/", *s))) return false;
    for (size_t i = 1; i < n; i++)
        if (!egi_is_alnum(s[i]) && !strchr("_./+-", s[i])) return false;
    return !is_yaml_word(s, n);
}

/* What YAML 1.1 lets stand in a line as it is: no controls, none of the
 * Unicode line breaks, no byte order mark. */
static bool is_printable(uint32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0)) return false;
    return cp != 0x2028 && cp != 0x2029 && cp != 0xfeff && cp != 0xfffe &&
           cp != 0xffff;
}

static void add_code(egi_text *t, uint32_t cp)
{
    egi_text_add(t, cp < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)cp);
}

void egi_text_quote(egi_text *t, const char *s)
{
    if (is_bare(s)) {
        egi_text_add(t, "%s", s);
        return;
    }
    egi_text_add(t, "\"");
    while (*s != '\0') {
        uint32_t cp = 0;
        int n = eg_text_char(s, &cp);
        bool valid = n > 0;

        if (!valid) { /* the byte as a character, as in Latin-1 */
            cp = (unsigned char)*s;
            n = 1;
        }
        switch (cp) {
        case '"':
            egi_text_add(t, "\\\"");
            break;
        case '\\':
            egi_text_add(t, "\\\\");
            break;
        case '\n':
            egi_text_add(t, "\\n");
            break;
        case '\t':
            egi_text_add(t, "\\t");
            break;
        default:
            if (valid && is_printable(cp))
                egi_text_add(t, "%.*s", n, s);
            else
                add_code(t, cp);
        }
        s += n;
    }
    egi_text_add(t, "\"");
}
