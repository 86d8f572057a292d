/* UTF-8, a byte at a time (RFC 3629: no overlong forms, no surrogates). */
#ifndef EGI_TASK_UTF8_H
#define EGI_TASK_UTF8_H

#include "engram/status.h"

typedef struct egi_utf8 {
    int32_t code;   /* of the character so far */
    int32_t min;    /* smallest code this many bytes may hold */
    int need;       /* continuation bytes still to come */
    int64_t offset; /* bytes taken */
    int64_t start;  /* where the current character began */
} egi_utf8;

enum { EGI_UTF8_MORE, EGI_UTF8_CHAR, EGI_UTF8_BAD };

/* EGI_UTF8_CHAR: u->code is complete. */
static inline int egi_utf8_byte(egi_utf8 *u, unsigned char b)
{
    if (u->need == 0) {
        u->start = u->offset++;
        u->code = b;
        if (b < 0x80) return EGI_UTF8_CHAR;
        if (b < 0xc2 || b > 0xf4) return EGI_UTF8_BAD;
        u->need = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
        u->min = b < 0xe0 ? 0x80 : b < 0xf0 ? 0x800 : 0x10000;
        u->code = b & (0x3f >> u->need);
        return EGI_UTF8_MORE;
    }
    u->offset++;
    if ((b & 0xc0) != 0x80) return EGI_UTF8_BAD;
    u->code = u->code << 6 | (b & 0x3f);
    if (--u->need > 0) return EGI_UTF8_MORE;
    if (u->code < u->min || u->code > 0x10ffff ||
        (u->code >= 0xd800 && u->code <= 0xdfff))
        return EGI_UTF8_BAD;
    return EGI_UTF8_CHAR;
}

#endif
