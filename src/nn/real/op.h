/* What an op is handed when it runs, in one precision. */
#ifndef EG_NN_OP_H
#define EG_NN_OP_H

#include "nn/prog.h"
#include "nn/real/real.h"

/* Columns of a weight, of so many, that a team packs, and takes, by themselves:
 * 512 count as a large product, 256 make more tasks of a narrow weight. */
static inline eg_index egi_part(eg_index cols)
{
    return cols < 1536 ? 256 : 512;
}

/* One value of one op: entries x [rows, cols], row stride ld. */
typedef struct N(arg) {
    real *x;
    real *g; /* gradient, same stride; NULL: not wanted */
    eg_index ld, rows, cols;
    bool fresh;           /* g holds nothing yet: written, not added to */
    const real *pw, *pwt; /* packed for y = x W and dx = dy W^T */
    bool team;            /* by parts (egi_part) of their columns */
} N(arg);

/* The sequence in hand. */
typedef struct N(seq) {
    int n, n_loss;          /* positions; those in the loss */
    uint64_t draw;          /* by which its masks are drawn */
    const int32_t *tokens;  /* [n] */
    const double *inputs;   /* [n, n_in], of a task of vectors */
    const double *outputs;  /* [n, n_out] */
    const int32_t *prompts; /* [n] which of the model's vectors; -1: none */
    const int32_t *row;     /* [n] of the batch's pairs */
    const int32_t *each;    /* [n] t + 1: limits of EGI_POSITION rows */
    const int32_t *limit;   /* [rows] of EGI_LOSS rows: position + 1 */
    const int32_t *target;  /* [rows] of EGI_LOSS rows; -1: not in the loss */
    double *nll;            /* [rows] */
    int32_t *pred;          /* [rows] */
} N(seq);

typedef struct N(call) {
    const kern *K;
    const egi_op *op;
    N(arg) in[EGI_INS], out[EGI_OUTS]; /* x NULL: left out */
    const int32_t *limit;              /* [rows of out 0] position + 1 */
    const int32_t *sees; /* the same, or n where attention sees all */
    const N(seq) * seq;  /* NULL for ops on weights */
    const real *table;   /* the kind's constants */
    real *shared;        /* scratch of the op */
    real *work;          /* scratch of a worker: of the first */
    eg_index each;       /* from one worker's scratch to the next one's */
    eg_pool *pool;       /* shares what is large; NULL: there is nobody else */
} N(call);

/* One row of the table of kinds. rows, n: of output 0 and of what it attends
 * to, at most. */
typedef struct N(kind) {
    egi_kind_info info;
    eg_status (*shape)(egi_program *p, egi_op *op);
    void (*forward)(const N(call) * c);
    void (*backward)(const N(call) * c);
    /* Scratch of each worker, and of them all; NULL: none. */
    eg_index (*work)(const kern *K, const egi_program *p, const egi_op *op);
    eg_index (*shared)(const kern *K, const egi_program *p, const egi_op *op);
    eg_index (*table)(const egi_program *p, const egi_op *op); /* NULL: none */
    void (*fill)(real *table, const egi_program *p, const egi_op *op);
    void (*pattern)(real *out, const N(call) * c, eg_index h); /* [n, n] */
    /* Forwards, one position alone: inputs and outputs are its rows, as if it
     * were the first; what was before it stands in a state of so many entries,
     * nothing yet where `first`. Both or neither (info.steps). */
    eg_index (*state)(const kern *K, const egi_program *p, const egi_op *op);
    void (*step)(const N(call) * c, real *state, bool first);
} N(kind);

extern const N(kind) *const N(kinds)[EGI_N_KINDS];

/* Runs an op forwards or back, in parts of its rows where it has a pool. */
void N(op_run)(const N(call) * c, bool back);
/* Entries of so many columns packed, by egi_part or all at once. */
eg_index N(pack_size)(const kern *K, eg_index rows, eg_index cols, bool parts);

#endif
