/* How often each word was seen: what a vocabulary is learnt from. */
#ifndef EGI_TEXT_WORDS_TABLE_H
#define EGI_TEXT_WORDS_TABLE_H

#include "engram/corpus.h"
#include "text/pretok.h"

enum { EGI_LONGEST_WORD = 256 }; /* longer ones are left out */

typedef struct egi_word {
    size_t at; /* of pool */
    uint32_t n, hash;
    int64_t times;
} egi_word;

typedef struct egi_words {
    char *pool;
    size_t n_pool, room_pool;
    egi_word *word;
    int64_t n, room;
    int32_t *slot; /* [size] place in word, or -1 */
    uint32_t size;
    bool failed; /* no memory: what was counted is not all */
} egi_words;

void egi_words_release(egi_words *w);
void egi_words_add(egi_words *w, const char *s, size_t n, int64_t times);
/* All pieces of the first most_bytes of a corpus. */
eg_status egi_words_count(egi_words *w, const eg_corpus *c,
                          const egi_pretok *pre, int64_t most_bytes,
                          eg_pool *pool, const eg_corpus_watch *watch,
                          eg_err *err);

#endif
