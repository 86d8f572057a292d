/* Small text tools shared by the option tables and the YAML reader. */
#ifndef EG_BASE_TEXT_H
#define EG_BASE_TEXT_H

#include "engram/fields.h"
#include "engram/text.h"

/* A buffer that text is appended to; len is what the whole would need, as
 * snprintf counts, so len >= size says that it was cut. */
typedef struct egi_text {
    char *buf;
    size_t size, len;
} egi_text;
egi_text egi_text_on(char *buf, size_t size);
void egi_text_add(egi_text *t, const char *fmt, ...) EG_PRINTF(2, 3);
/* Writes cp, a code point of Unicode, as UTF-8: 1 to 4 bytes. */
int egi_utf8_put(char *to, uint32_t cp);
bool egi_utf8_valid(const char *s);
/* Does s end with tail, behind something else? Or its first n bytes? */
bool egi_text_ends(const char *s, const char *tail);
bool egi_text_ends_at(const char *s, size_t n, const char *tail);

/* Names in a sentence, "a, b and 12 more": added one by one, those that would
 * not leave room for the end and `keep` bytes behind it are only counted. */
typedef struct egi_listing {
    egi_text *t;
    size_t keep;
    int n, shown;
} egi_listing;
void egi_listing_add(egi_listing *l, const char *name);
void egi_listing_end(egi_listing *l);

/* s as a YAML flow scalar: bare where every reader takes that for text, else in
 * double quotes. */
void egi_text_quote(egi_text *t, const char *s);

/* A list [a, "b, c"], or without the brackets, as eg_field_parse takes it;
 * false when it is none. */
bool egi_strs_parse(eg_strs *list, const char *text);
void egi_strs_add(egi_text *t, const eg_strs *list);

/* "a number from 0 to 1", "one of a, b, c": what a value of f must look like.
 * At most size bytes. */
void egi_field_expected(const eg_field *f, char *buf, size_t size);

#endif
