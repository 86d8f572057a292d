/* Ways to cut text into pieces, inside which is merged: rows of a table. */
#ifndef EGI_TEXT_PRETOK_H
#define EGI_TEXT_PRETOK_H

#include "text/unicode.h"

typedef struct egi_pretok {
    const char *name, *help;
    /* Bytes of the first piece of s[n], valid UTF-8, n >= 1. What it says does
     * not depend on what was before s; whatever the row, a piece ends between
     * what is no white space and a U+0020 behind it. */
    size_t (*next)(const egi_classes *u, const unsigned char *s, size_t n);
} egi_pretok;

extern const egi_pretok egi_pretoks[]; /* name NULL at the end */
/* NULL: there is none of that name. */
const egi_pretok *egi_pretok_find(const char *name);

#endif
