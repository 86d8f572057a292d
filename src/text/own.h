/* The file that engram writes, and the tokenizers that merge nothing. */
#ifndef EGI_TEXT_OWN_H
#define EGI_TEXT_OWN_H

#include "text/vocab.h"

#define EGI_TOKENIZER_MARK "\"format\": \"engram.tokenizer\""

/* Characters and words: are all tokens such? EG_EFORMAT. */
eg_status egi_symbols_check(const eg_tokenizer *t, const char *name,
                            eg_err *err);
/* A tokenizer of the code points in seen [0x110000]. */
eg_status egi_chars_seen(eg_tokenizer **out, const bool *seen, eg_err *err);
/* Room for n more ids at ids->id + ids->n. */
eg_status egi_ids_room(eg_ids *ids, size_t n, eg_err *err);
/* The ids of valid UTF-8; start: where s stands in what the user gave. What has
 * no id is left out and counted in *left_out; NULL: it is EG_EINVAL. */
eg_status egi_encode_chars(const eg_tokenizer *t, const char *s, size_t n,
                           size_t start, int64_t *left_out, eg_ids *ids,
                           eg_err *err);
eg_status egi_encode_words(const eg_tokenizer *t, const char *s, size_t n,
                           eg_ids *ids, eg_err *err);

eg_status egi_encode_pieces(const eg_tokenizer *t, const char *s, size_t n,
                            eg_ids *ids, eg_err *err);

enum { EGI_WORD_UNKNOWN, EGI_WORD_LINE, EGI_WORD_END };

#endif
