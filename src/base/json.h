/* JSON as text, read and written without the host's locale (num.h), and
 * without a hidden failure: jansson's own reader goes on when memory runs out
 * in the middle of a token, and its printer leaves out a name. */
#ifndef EG_BASE_JSON_H
#define EG_BASE_JSON_H

#include <jansson.h>

#include "engram/status.h"

/* What is built is built wholly: nobody may look away when a value does not
 * fit in. */
#if defined(__GNUC__)
int json_array_append_new(json_t *array, json_t *value)
    __attribute__((warn_unused_result));
static JSON_INLINE int json_array_append(json_t *array, json_t *value)
    __attribute__((warn_unused_result));
int json_object_set_new(json_t *object, const char *key, json_t *value)
    __attribute__((warn_unused_result));
static JSON_INLINE int json_object_set(json_t *object, const char *key,
                                       json_t *value)
    __attribute__((warn_unused_result));
#endif

/* An array or object, as json_loadb with any of JSON_REJECT_DUPLICATES and
 * JSON_ALLOW_NUL (strings, not names, may hold \u0000).
 * NULL: *why (may be NULL) has the place and the sentence; its code
 * (json_error_code) is json_error_out_of_memory or json_error_invalid_syntax.
 * No deeper than EGI_JSON_DEPTH. */
enum { EGI_JSON_DEPTH = 100 };
json_t *egi_json_parse(const char *bytes, size_t size, size_t flags,
                       json_error_t *why);
/* EG_ENOMEM or EG_EFORMAT. */
eg_status egi_json_status(const json_error_t *why);

/* As json_dumps; to be released with eg_free. NULL: no memory, or j is. */
char *egi_json_print(const json_t *j, size_t flags);

/* s as a JSON string whatever its bytes: what is not UTF-8, such as half a
 * character at the end of a text cut to its buffer, becomes '?'. NULL: no
 * memory. */
json_t *egi_json_text(const char *s);

/* j, or, when something is missing in it, NULL after its release. */
json_t *egi_json_whole(json_t *j, bool missing);

#endif
