/* Readers of tokenizers' files that are JSON. */
#ifndef EGI_TEXT_READ_JSON_H
#define EGI_TEXT_READ_JSON_H

#include "base/json.h"
#include "text/vocab.h"

/* token[id], id 0 to n - 1, of {"token": id}; they live as long as json. Ids
 * are left NULL only where json has fewer than n. EG_EFORMAT: one that is no
 * id, or there twice. */
eg_status egi_tokens_by_id(const char **token, json_t *json, int n,
                           const char *name, eg_err *err);
/* tokenizer.json. */
eg_status egi_read_hf(eg_tokenizer **out, json_t *json, const char *name,
                      eg_err *err);

#endif
