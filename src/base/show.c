/* Text from anywhere, made fit for a message, a table, a log. */
#include <stdio.h>
#include <string.h>

#include "engram/text.h"

int eg_text_char(const char *s, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)s;
    int n = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

    if (u[0] >= 0xf8 || (u[0] & 0xc0) == 0x80) return 0;
    *code = n == 1 ? u[0] : u[0] & (0xffU >> (n + 1));
    for (int i = 1; i < n; i++) { /* the final 0 ends this as well */
        if ((u[i] & 0xc0) != 0x80) return 0;
        *code = *code << 6 | (u[i] & 0x3f);
    }
    if (*code < least[n] || *code > 0x10ffff) return 0;
    return *code >= 0xd800 && *code <= 0xdfff ? 0 : n;
}

int eg_text_fit(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n] != '\0') {
        uint32_t code = 0;
        int step = eg_text_char(s + n, &code);

        if (step == 0) step = 1;
        if (n + (size_t)step > max) break;
        n += (size_t)step;
    }
    return (int)n;
}

size_t eg_text_copy(char *buf, size_t size, const char *s)
{
    size_t n = size > 0 ? (size_t)eg_text_fit(s, size - 1) : 0;

    if (size > 0) {
        memcpy(buf, s, n);
        buf[n] = '\0';
    }
    return n;
}

bool eg_text_acts(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
    if (c == 0x2028 || c == 0x2029) return true; /* line, paragraph */
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* What stands for the character at s: itself or an escape. */
static size_t spell(char out[8], const char *s, int n, uint32_t code)
{
    if (n == 0) return (size_t)sprintf(out, "\\x%02x", (unsigned char)*s);
    if (!eg_text_acts(code)) {
        memcpy(out, s, (size_t)n);
        return (size_t)n;
    }
    if (code == '\n') return (size_t)sprintf(out, "\\n");
    if (code == '\t') return (size_t)sprintf(out, "\\t");
    return (size_t)sprintf(out, code < 0x80 ? "\\x%02x" : "\\u%04x",
                           (unsigned)code);
}

size_t eg_text_clean(char *buf, size_t size, const char *s)
{
    size_t len = 0;

    if (size == 0) return 0;
    while (*s != '\0') {
        char one[8];
        uint32_t code = 0;
        int n = eg_text_char(s, &code);
        size_t k = spell(one, s, n, code);

        if (len + k >= size) break;
        memcpy(buf + len, one, k);
        len += k;
        s += n > 0 ? n : 1;
    }
    buf[len] = '\0';
    return len;
}
