/* A model on the table, inside. */
#ifndef EG_LAB_SUBJECT_H
#define EG_LAB_SUBJECT_H

#include "engram/subject.h"
#include "engram/train.h"

struct eg_subject {
    eg_checkpoint c;
    eg_pool *pool;
    eg_task *task;
    char kern[32];
    eg_eval *eval[2];    /* EG_EVAL_BASIC, EG_EVAL_FULL; made when asked for */
    eg_trainer *trainer; /* for batches of n; made when asked for */
    int n;
    bool held;
};

struct eg_arrays {
    int n;
    struct {
        char name[64];
        eg_view view;
        void *data;
    } * row; /* [n] */
};

/* Room for n arrays. */
eg_status egi_arrays_new(eg_arrays **out, int n, eg_err *err);
/* Allocates the data of array i, zeros. */
eg_status egi_arrays_make(eg_arrays *a, int i, const char *name,
                          const eg_view *shape, eg_err *err);

/* The evaluator of those flags. */
eg_status egi_subject_eval(eg_eval **out, eg_subject *s, int flags,
                           eg_err *err);
/* Are the sequences what the model takes? EG_EINVAL names the first that is
 * not. */
eg_status egi_batch_check(const eg_subject *s, const eg_batch *b, eg_err *err);

/* A batch as the source of sequences (eg_source_fn). */
typedef struct egi_batch_source {
    const eg_batch *b;
    eg_io io;
} egi_batch_source;
void egi_batch_sequence(const void *from, uint32_t index, eg_seq *out);

#endif
