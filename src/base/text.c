/* Appending, quoting and guessing: text tools of this module. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

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
    n = vsnprintf(to, room, fmt, ap);
    va_end(ap);
    EG_ASSERT(n >= 0);
    t->len += (size_t)n;
}

int egi_utf8_get(const char *s, uint32_t *cp)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)s;
    int n = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

    if (u[0] >= 0xf8 || (u[0] & 0xc0) == 0x80) return 0;
    *cp = n == 1 ? u[0] : u[0] & (0xffU >> (n + 1));
    for (int i = 1; i < n; i++) { /* the final 0 ends this as well */
        if ((u[i] & 0xc0) != 0x80) return 0;
        *cp = *cp << 6 | (u[i] & 0x3f);
    }
    if (*cp < least[n] || *cp > 0x10ffff) return 0;
    return *cp >= 0xd800 && *cp <= 0xdfff ? 0 : n;
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
    EG_ASSERT(cp < 0x10000);
    to[0] = (char)(0xe0 | cp >> 12);
    to[1] = (char)(0x80 | (cp >> 6 & 0x3f));
    to[2] = (char)(0x80 | (cp & 0x3f));
    return 3;
}

bool egi_utf8_valid(const char *s)
{
    uint32_t cp = 0;

    while (*s != '\0') {
        int n = egi_utf8_get(s, &cp);

        if (n == 0) return false;
        s += n;
    }
    return true;
}

static bool is_word_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || strchr("_./+-", c) != NULL;
}

/* Letters, digits and _./+- that cannot start a YAML marker. */
static bool is_bare(const char *s)
{
    if (*s == '\0' || strcmp(s, "-") == 0 || strncmp(s, "---", 3) == 0 ||
        strcmp(s, "...") == 0 || strcmp(s, "null") == 0) {
        return false;
    }
    for (; *s != '\0'; s++) {
        if (!is_word_char((unsigned char)*s)) return false;
    }
    return true;
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
        int n = egi_utf8_get(s, &cp);
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

#define EDIT_MAX 64 /* longer words are compared up to here */

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;

    return m < c ? m : c;
}

/* Optimal string alignment: insert, delete, replace, swap of neighbours. */
int eg_edit_distance(const char *a, const char *b)
{
    int row[3][EDIT_MAX + 1];
    int *old = row[0], *prev = row[1], *cur = row[2];
    int na = (int)strnlen(a, EDIT_MAX), nb = (int)strnlen(b, EDIT_MAX);

    for (int j = 0; j <= nb; j++) prev[j] = j;
    memcpy(old, prev, sizeof row[0]);
    for (int i = 1; i <= na; i++) {
        int *spare = old;

        cur[0] = i;
        for (int j = 1; j <= nb; j++) {
            int same = a[i - 1] == b[j - 1] ? 0 : 1;
            int d = min3(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + same);

            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && old[j - 2] + 1 < d) {
                d = old[j - 2] + 1;
            }
            cur[j] = d;
        }
        old = prev;
        prev = cur;
        cur = spare;
    }
    return prev[nb];
}

void egi_nearest_try(egi_nearest *n, const char *candidate)
{
    int len = (int)strnlen(n->asked, EDIT_MAX);
    int d = eg_edit_distance(n->asked, candidate);

    /* further than a third of the word is a different word */
    if (d >= len || d > 1 + len / 3) return;
    if (!n->best || d < n->distance) {
        n->best = candidate;
        n->distance = d;
    }
}
