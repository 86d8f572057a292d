/* Texts of any origin as JSON. */
#ifndef EG_LAB_JSON_H
#define EG_LAB_JSON_H

#include "base/json.h"

/* s as a JSON string whatever its bytes: what is not UTF-8, such as half a
 * character at the end of a text cut to its buffer, becomes '?'. NULL: no
 * memory. */
json_t *egi_json_text(const char *s);

#endif
