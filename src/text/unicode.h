/* What a character is, for those who cut text: letter, number, white space or
 * none of them, and which case letters and marks have (Unicode 16). */
#ifndef EGI_TEXT_UNICODE_H
#define EGI_TEXT_UNICODE_H

#include "engram/status.h"

enum { EGI_OTHER, EGI_LETTER, EGI_NUMBER, EGI_SPACE };
/* Which case a letter or mark can stand for, bit by bit; 0: what is neither. */
enum { EGI_UPPER = 1, EGI_LOWER = 2, EGI_CASELESS = EGI_UPPER | EGI_LOWER };

typedef struct egi_classes {
    uint8_t ascii[128];
    /* two bits a code point */
    uint8_t of[0x110000 / 4], cased[0x110000 / 4];
} egi_classes;

void egi_classes_init(egi_classes *u);

/* The character at s, which is valid UTF-8: its bytes. */
static inline int egi_char_at(const unsigned char *s, uint32_t *code)
{
    if (s[0] < 0x80) {
        *code = s[0];
        return 1;
    }
    if (s[0] < 0xe0) {
        *code = (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
        return 2;
    }
    if (s[0] < 0xf0) {
        *code = (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
        return 3;
    }
    *code = (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 |
            (s[3] & 0x3fu);
    return 4;
}

/* The class of the character at s and, in *bytes, how long it is. */
static inline int egi_class_at(const egi_classes *u, const unsigned char *s,
                               int *bytes)
{
    uint32_t code;

    if (s[0] < 0x80) {
        *bytes = 1;
        return u->ascii[s[0]];
    }
    *bytes = egi_char_at(s, &code);
    return u->of[code >> 2] >> (code & 3) * 2 & 3;
}

/* The case of the character at s and, in *bytes, how long it is. */
static inline int egi_case_at(const egi_classes *u, const unsigned char *s,
                              int *bytes)
{
    uint32_t code;

    *bytes = egi_char_at(s, &code);
    return u->cased[code >> 2] >> (code & 3) * 2 & 3;
}

/* Where s[n] stops being UTF-8: the first byte of what is none, or n; *bad: how
 * many bytes are to be read as one U+FFFD there. */
size_t egi_utf8_until(const char *s, size_t n, int *bad);
/* s[n] with U+FFFD for what is no UTF-8, a 0 behind it; eg_free. */
eg_status egi_utf8_mend(const char *s, size_t n, char **out, size_t *size,
                        eg_err *err);

#endif
