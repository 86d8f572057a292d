/* A training step as it will run: the operations of a configuration's program,
 * plain or rewritten by exact shortcuts, with what each costs. Nothing is
 * trained, and no weight is allocated. */
#ifndef ENGRAM_PROGRAM_H
#define ENGRAM_PROGRAM_H

#include "engram/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An operation, and the value that it makes. */
typedef struct eg_op_row {
    const char *kind, *help;  /* static: "linear", and what it computes */
    char name[64];            /* of its value: a hook's or ""; */
    char reads[256];          /* "#3, W_Q": other ops by number, tensors */
    const char *rows_of;      /* static: weight, pair, position or loss */
    eg_index rows, cols;      /* of its value: of a weight, or of a sequence */
    double rows_step;         /* rows that are made in a step, on average */
    double forward, backward; /* multiply-adds in a step */
    double looked_up;         /* those that a table saves: not done */
    int64_t bytes;            /* of what it makes, of one sequence */
} eg_op_row;

/* A shortcut, and the program behind it. */
typedef struct eg_rewrite_row {
    const char *name, *help; /* static */
    bool tried;              /* false: train.algebra is plain */
    int places, taken;       /* places whose cost was weighed; where it paid */
    double cost, gain;       /* over those places; multiply-adds in a step */
    const char *why;         /* static: why nothing could be done, or "" */
    bool changed;
    int n_ops;
    double madds;
} eg_rewrite_row;

typedef struct eg_tensor_row {
    eg_tensor tensor;
    bool trained;
} eg_tensor_row;

typedef struct eg_program_table {
    int n_ops, n_rewrites, n_tensors;
    eg_op_row *op;
    eg_rewrite_row *rewrite;
    eg_tensor_row *tensor;
    double tokens;            /* in a step */
    double forward, backward; /* sums over the ops */
    int64_t bytes;            /* of all values, before they share places */
    eg_train_plan plan;
} eg_program_table;

/* Where rows depend on the data (positions in the loss, distinct pairs), they
 * are averages over sample sequences of the task, as for the rewrites. */
EG_API eg_status eg_program_table_make(eg_program_table *out,
                                       const eg_train_spec *spec, eg_err *err);
EG_API void eg_program_table_release(eg_program_table *t);

#ifdef __cplusplus
}
#endif
#endif
