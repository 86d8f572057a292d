/* GPT-2's alphabet: a printable character for each byte, so that a token can be
 * written as text. 33-126, 161-172 and 174-255 stand for themselves; the 68
 * others, in increasing order, for U+0100 to U+0143. */
#include "text/vocab.h"

enum { MOVED = 0x100, N_MOVED = 68 };

static bool stands(unsigned b)
{
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
}

/* How many bytes below b are moved. */
static unsigned moved_below(unsigned b)
{
    return b <= 33 ? b : b < 127 ? 33 : b <= 161 ? b - 127 + 33 : 67;
}

uint32_t egi_letter_of(unsigned char byte)
{
    return stands(byte) ? byte : MOVED + moved_below(byte);
}

int egi_byte_of(uint32_t code)
{
    unsigned i = code - MOVED;

    if (code < MOVED) return stands(code) ? (int)code : -1;
    if (i >= N_MOVED) return -1;
    return (int)(i < 33 ? i : i < 67 ? i - 33 + 127 : 173);
}

unsigned char egi_base_byte(int i)
{
    if (i < 94) return (unsigned char)(33 + i);
    if (i < 106) return (unsigned char)(161 + i - 94);
    if (i < 188) return (unsigned char)(174 + i - 106);
    return (unsigned char)egi_byte_of((uint32_t)(MOVED + i - 188));
}

eg_index egi_unspell(char *to, const char *s, size_t n)
{
    eg_index k = 0;
    int bad;

    if (egi_utf8_until(s, n, &bad) != n) return -1;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        int b;

        i += (size_t)egi_char_at((const unsigned char *)s + i, &code);
        b = egi_byte_of(code);
        if (b < 0) return -1;
        to[k++] = (char)b;
    }
    return k;
}
