/* Text that people wrote, fit to be shown: names of runs, files and keys go
 * into messages, tables and logs, and may hold anything. */
#ifndef ENGRAM_TEXT_H
#define ENGRAM_TEXT_H

#include <stdio.h>

#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The character at s, which is UTF-8: its bytes, its code point in *code; 0
 * where no valid one begins (overlong forms and surrogates are none). */
EG_API int eg_text_char(const char *s, uint32_t *code);

/* How many of the first max bytes of s are whole characters: what "%.*s" may
 * print without cutting one. Bytes that are no UTF-8 count as they stand. */
EG_API int eg_text_fit(const char *s, size_t max);

/* Does this code point move the cursor, end the line or turn the direction of
 * writing? */
EG_API bool eg_text_acts(uint32_t code);

/* s as one line that does nothing to a terminal: controls, line ends, marks
 * that turn the direction of writing and bytes that are no UTF-8 become \n,
 * \x1b, \u202e. What does not fit into size bytes is left off, in whole
 * characters. Clean text stays as it is. Returns the length. */
EG_API size_t eg_text_clean(char *buf, size_t size, const char *s);

/* Copies s, or as many whole characters of it as fit. Returns the length. */
EG_API size_t eg_text_copy(char *buf, size_t size, const char *s);

/* Damerau-Levenshtein distance of the first 64 bytes. */
EG_API int eg_edit_distance(const char *a, const char *b);

/* Who was meant? Begin with {.asked = word}, try every candidate; best is the
 * nearest so far, NULL when none is near enough to be a slip of the fingers:
 * one in three characters. Candidates are borrowed. */
typedef struct eg_nearest {
    const char *asked, *best;
    int distance;
} eg_nearest;
EG_API void eg_nearest_try(eg_nearest *n, const char *candidate);

/* s as a field of comma-separated values (RFC 4180, section 2): as it stands,
 * or, where it holds a comma, a quotation mark or the end of a line, within
 * quotation marks, its own doubled. It is handed to put in pieces. */
typedef void (*eg_csv_put_fn)(void *ctx, const char *piece, size_t n);
EG_API void eg_csv_field(const char *s, eg_csv_put_fn put, void *ctx);
/* The same to a file, whose ferror tells. */
EG_API void eg_csv_write(FILE *to, const char *s);

#ifdef __cplusplus
}
#endif
#endif
