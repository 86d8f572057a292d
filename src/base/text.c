/* Appending, quoting and guessing: text tools of this module. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void egi_text_add(egi_text *t, const char *fmt, ...)
{
    size_t at = t->len < t->size ? t->len : t->size;
    va_list ap;
    int n = 0;

    va_start(ap, fmt);
    n = vsnprintf(at < t->size ? t->buf + at : NULL, t->size - at, fmt, ap);
    va_end(ap);
    EG_ASSERT(n >= 0);
    t->len += (size_t)n;
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

void egi_text_quote(egi_text *t, const char *s)
{
    if (is_bare(s)) {
        egi_text_add(t, "%s", s);
        return;
    }
    egi_text_add(t, "\"");
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '"' || c == '\\')
            egi_text_add(t, "\\%c", c);
        else if (c == '\n')
            egi_text_add(t, "\\n");
        else if (c == '\t')
            egi_text_add(t, "\\t");
        else if (c < 0x20 || c == 0x7f)
            egi_text_add(t, "\\x%02x", c);
        else
            egi_text_add(t, "%c", c);
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
