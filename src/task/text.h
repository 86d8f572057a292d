/* Rows of ids that a text task reads from: shards, or memory. */
#ifndef EGI_TASK_TEXT_H
#define EGI_TASK_TEXT_H

#include <stdatomic.h>

#include "engram/corpus.h"
#include "task/kind.h"

typedef struct egi_ids_row {
    const eg_shards *shards; /* NULL: ids */
    const int32_t *ids;
    int64_t first, n; /* the part of it that is read */
} egi_ids_row;

typedef struct egi_text {
    eg_tokenizer *tokenizer; /* NULL: ids without names */
    int n_ids;               /* of the vocabulary, without padding */
    eg_shards *shards[2];    /* what rows point into */
    eg_ids ids[2];
    egi_ids_row train, val;
    atomic_int failed; /* 1: being said, 2: in err */
    eg_err err;
} egi_text;

/* Opens task.text and task.tokenizer. EG_EINVAL names the key. */
eg_status egi_text_open(egi_text *x, const eg_task_opts *o, eg_err *err);
void egi_text_release(egi_text *x);

#endif
