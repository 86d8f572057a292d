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

/* ---- where the time goes --------------------------------------------------
 */

/* How the time that goes into drawing sequences is called. */
#define EG_TIME_DRAWN "sequences are drawn"

/* One op in one direction, or what is done beside the ops. */
typedef struct eg_op_time {
    const char *what; /* static: kind of op, or EG_TIME_DRAWN */
    char name[64];    /* of its value, or "" */
    int op;           /* its number; -1: beside the ops */
    bool backward;
    int64_t calls;
    double seconds; /* over all threads; what one leads while the others help or
                       wait for it counts for all of them */
    double madds;   /* multiply-adds that were done */
} eg_op_time;

typedef struct eg_op_times {
    int n, threads;
    int ranks; /* that train the model together; the times are rank 0's, of its
                  share of every step */
    eg_op_time *row; /* slowest first; those that never ran are left out */
    int64_t steps;
    double seconds;   /* of a step, all threads: rows, waiting and the rest */
    const char *kern; /* the set in use */
    double peak;      /* FLOP/s of a thread that multiplies and adds in
                         registers; 0: not measured */
} eg_op_times;

/* Of a trainer with train.profile, since it began or was told to begin anew:
 * times by the clock. EG_EINVAL: without train.profile nothing is noted. */
EG_API eg_status eg_trainer_times(eg_op_times *out, const eg_trainer *tr,
                                  eg_err *err);
EG_API void eg_trainer_times_begin(eg_trainer *tr); /* forgets the past */
EG_API void eg_op_times_release(eg_op_times *p);

#ifdef __cplusplus
}
#endif
#endif
