/* JSON as text, read and written without the host's locale (num.h). */
#ifndef EG_BASE_JSON_H
#define EG_BASE_JSON_H

#include <jansson.h>

/* json_loadb and json_dumps of jansson. */
json_t *egi_json_parse(const char *bytes, size_t size, size_t flags,
                       json_error_t *why);
char *egi_json_print(const json_t *j, size_t flags);

#endif
