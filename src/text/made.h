/* What a corpus that was tokenized leaves in its folder beside the shards. */
#ifndef EGI_TEXT_MADE_H
#define EGI_TEXT_MADE_H

#include "engram/corpus.h"

typedef struct egi_made {
    const eg_corpus *c;
    const eg_tokenizer *t;
    const eg_tokenize *how;
    eg_tokenized info;
} egi_made;

/* EG_CORPUS_FILE; of a subset share < 1, of which info counts the tokens. */
eg_status egi_made_record(const eg_folder *to, const egi_made *m, double share,
                          eg_err *err);

/* ---- subsets ---- */

typedef struct egi_subset {
    eg_folder to;
    eg_shard_writer *writer[2];
    int64_t left; /* ids of training that it still gets */
} egi_subset;

/* The folders of how->subset in that of the corpus, whose shards are read
 * again; to [EG_SUBSETS], of zeros. */
eg_status egi_subsets_write(egi_subset *to, const eg_folder *corpus,
                            const egi_made *m, const eg_corpus_watch *watch,
                            eg_err *err);
/* keep false: their files are removed. */
void egi_subsets_end(egi_subset *s, int n, bool keep);

#endif
