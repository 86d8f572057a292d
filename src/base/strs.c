/* Lists of texts as options write them: [a, "b, c"]. */
#include <string.h>

#include "base/num.h"
#include "base/text.h"

/* n hexadecimal digits as a code point; 0 when they are none. */
static uint32_t read_code(const char **s, int n)
{
    uint32_t cp = 0;

    for (int i = 0; i < n; i++) {
        int digit = egi_hex(**s);

        if (digit < 0) return 0;
        cp = cp << 4 | (uint32_t)digit;
        ++*s;
    }
    return cp;
}

/* The character behind a backslash inside double quotes, as YAML has it; 0:
 * not known to us. */
static uint32_t unescape(const char **s)
{
    switch (*(*s)++) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '"':
        return '"';
    case '\\':
        return '\\';
    case 'x':
        return read_code(s, 2);
    case 'u':
        return read_code(s, 4);
    default:
        return 0;
    }
}

/* "..." at *s into item; *s ends behind the closing quote. */
static bool read_quoted(const char **s, const char *end, char *item)
{
    size_t n = 0;

    for (++*s; *s < end && **s != '"';) {
        char c[3] = {*(*s)++};
        size_t length = 1;

        if (c[0] == '\\') {
            uint32_t cp = unescape(s);

            if (cp == 0 || *s >= end) return false;
            length = (size_t)egi_utf8_put(c, cp);
        }
        if (n + length >= EG_STRS_LEN) return false;
        memcpy(item + n, c, length);
        n += length;
    }
    if (*s >= end) return false;
    ++*s;
    return true;
}

/* Characters up to the next comma, trimmed; empty items are refused. */
static bool read_bare(const char **s, const char *end, char *item)
{
    const char *from = *s;
    size_t n = 0;

    while (*s < end && **s != ',') ++*s;
    n = (size_t)(*s - from);
    while (n > 0 && egi_is_space(from[n - 1])) n--;
    if (n == 0 || n >= EG_STRS_LEN) return false;
    if (memchr(from, '[', n) || memchr(from, ']', n)) return false;
    memcpy(item, from, n);
    return true;
}

static const char *skip_space(const char *s, const char *end)
{
    while (s < end && egi_is_space(*s)) s++;
    return s;
}

static bool parse_items(eg_strs *list, const char *s, const char *end)
{
    s = skip_space(s, end);
    while (s < end) {
        bool ok = false;

        if (list->n == EG_STRS_MAX) return false;
        if (*s == '"')
            ok = read_quoted(&s, end, list->item[list->n]);
        else
            ok = read_bare(&s, end, list->item[list->n]);
        if (!ok || !egi_utf8_valid(list->item[list->n])) return false;
        list->n++;
        s = skip_space(s, end);
        if (s == end) break;
        if (*s++ != ',') return false;
        s = skip_space(s, end);
        if (s == end) return false; /* "a," */
    }
    return true;
}

bool egi_strs_parse(eg_strs *list, const char *text)
{
    const char *end = text + strlen(text), *s = skip_space(text, end);

    *list = (eg_strs){0};
    while (end > s && egi_is_space(end[-1])) end--;
    if (s < end && *s == '[') {
        if (end - s < 2 || end[-1] != ']') return false;
        s++;
        end--;
    }
    return parse_items(list, s, end);
}

void egi_strs_add(egi_text *t, const eg_strs *list)
{
    egi_text_add(t, "[");
    for (int i = 0; i < list->n; i++) {
        if (i) egi_text_add(t, ", ");
        egi_text_quote(t, list->item[i]);
    }
    egi_text_add(t, "]");
}
