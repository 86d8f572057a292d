/* What a step has to do, by which rewrites and kernel sets are chosen. */
#ifndef EG_NN_COST_H
#define EG_NN_COST_H

#include "engram/task.h"
#include "nn/rewrite.h"

/* From sample sequences of the task. */
eg_status egi_load_measure(egi_load *l, const eg_task *task,
                           const eg_group *loss, int batch, int slots,
                           eg_err *err);

/* Multiply-adds, counted as two, that a training step needs for each token of
 * its batch: products of rows and the causal part of attention. What is done
 * once a step, on weights, is not counted. */
typedef struct egi_flops {
    double all, attention; /* attention: part of all */
    double tables;         /* part of both: scores that are looked up */
} egi_flops;
/* Rows that op k makes, and pairs of a query and a key that they see, for each
 * of `times` tokens of the batch; of a weight, in all (times is 1). */
typedef struct egi_amount {
    double rows, pairs, times;
} egi_amount;
egi_amount egi_op_amount(const egi_program *p, const egi_load *l, int k);

/* Multiply-adds that op k does for so many rows and pairs, forwards or back;
 * those that a table saves are not done, and in *looked_up (may be NULL). */
double egi_op_madds(const egi_program *p, int k, egi_amount a, bool back,
                    double *looked_up);

egi_flops egi_program_flops(const egi_program *p, const egi_load *l);
/* The float32 kernel set that "auto" stands for in training. */
const char *egi_program_kern(const egi_program *p, const egi_load *l);

#endif
