/* Classes of characters, and UTF-8 that may be broken. */
#include "text/unicode.h"

#include <string.h>

#include "base/buf.h"

typedef struct range {
    uint32_t first, last;
} range;

#include "text/unicode_case.h"
#include "text/unicode_ranges.h"

/* Two bits a code point of these ranges. */
static void mark(uint8_t *of, const range *r, size_t n, unsigned bits)
{
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = r[i].first; c <= r[i].last; c++)
            of[c >> 2] |= (uint8_t)(bits << (c & 3) * 2);
}

void egi_classes_init(egi_classes *u)
{
    memset(u, 0, sizeof *u);
    mark(u->of, letters, sizeof letters / sizeof *letters, EGI_LETTER);
    mark(u->of, numbers, sizeof numbers / sizeof *numbers, EGI_NUMBER);
    mark(u->of, spaces, sizeof spaces / sizeof *spaces, EGI_SPACE);
    for (size_t c = 0; c < sizeof u->ascii; c++)
        u->ascii[c] = u->of[c >> 2] >> (c & 3) * 2 & 3;
    mark(u->cased, uppers, sizeof uppers / sizeof *uppers, EGI_UPPER);
    mark(u->cased, lowers, sizeof lowers / sizeof *lowers, EGI_LOWER);
    mark(u->cased, caseless, sizeof caseless / sizeof *caseless, EGI_CASELESS);
}

/* Bytes of s[n], n >= 1, that form one character, or 0 and in *bad how many
 * could still begin one: at least 1. */
static int one(const unsigned char *s, size_t n, int *bad)
{
    /* what may follow the first byte: the second one's range (table 3-7) */
    unsigned lo = 0x80, hi = 0xbf;
    int need;

    *bad = 1;
    if (s[0] < 0x80) return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    need = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] == 0xe0) lo = 0xa0;
    if (s[0] == 0xed) hi = 0x9f;
    if (s[0] == 0xf0) lo = 0x90;
    if (s[0] == 0xf4) hi = 0x8f;
    for (int i = 1; i < need; i++) {
        if ((size_t)i >= n || s[i] < lo || s[i] > hi) return 0;
        *bad = i + 1;
        lo = 0x80;
        hi = 0xbf;
    }
    return need;
}

size_t egi_utf8_until(const char *text, size_t n, int *bad)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t at = 0;

    while (at < n) {
        int k;
        uint64_t word;

        for (; at + sizeof word <= n; at += sizeof word) {
            memcpy(&word, s + at, sizeof word);
            if (word & UINT64_C(0x8080808080808080)) break;
        }
        if (at >= n) break;
        k = one(s + at, n - at, bad);
        if (k == 0) return at;
        at += (size_t)k;
    }
    return n;
}

eg_status egi_utf8_mend(const char *s, size_t n, char **out, size_t *size,
                        eg_err *err)
{
    egi_buf b = {0};
    eg_status st;

    *out = NULL;
    egi_buf_put(&b, "", 0);
    while (n > 0) {
        int bad = 0;
        size_t good = egi_utf8_until(s, n, &bad);

        egi_buf_put(&b, s, good);
        if (good < n) egi_buf_put(&b, "\xef\xbf\xbd", 3);
        good += good < n ? (size_t)bad : 0;
        s += good;
        n -= good;
    }
    *size = b.n;
    st = egi_buf_take(&b, out, err);
    if (st != EG_OK) *size = 0;
    return st;
}
