/* Ways to cut text into pieces, inside which is merged: rows of a table. */
#ifndef EGI_TEXT_PRETOK_H
#define EGI_TEXT_PRETOK_H

#include "text/unicode.h"

typedef struct egi_pretok {
    const char *name, *help;
    const char *gguf;  /* what GGUF files call it; NULL: as we do */
    const char *regex; /* as tokenizer.json spells it; NULL: otherwise */
    /* Bytes of the first piece of s[n], valid UTF-8, n >= 1. What it says does
     * not depend on what was before s; whatever the row, a piece ends between
     * what is no white space and a U+0020 behind it. */
    size_t (*next)(const egi_classes *u, const unsigned char *s, size_t n);
} egi_pretok;

extern const egi_pretok egi_pretoks[]; /* name NULL at the end */
/* By our name or GGUF's; NULL: there is none. */
const egi_pretok *egi_pretok_find(const char *name);
/* Every name, "a, b and c", into buf. */
void egi_pretok_names(char *buf, size_t size);

#endif
