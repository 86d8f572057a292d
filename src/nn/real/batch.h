/* A batch by its distinct pairs (token, position).
 *
 * What depends on a token and its position only (class EGI_PAIR) is computed
 * once for each distinct pair of the batch, and its gradient summed over the
 * pair's places before it goes back. Pairs are laid out as sequences of their
 * own: sheet j holds, at every position that has one, the j-th distinct token
 * seen there, in order of first appearance. Values that ops of sequences read
 * (through op spread) are kept here, row by row. */
#ifndef EG_NN_BATCH_H
#define EG_NN_BATCH_H

#include "nn/real/exec.h"

#define EGI_CUTS 8 /* values of class EGI_PAIR that sequences read */

typedef struct N(cut) {
    int value; /* of the program */
    eg_index ld, cols;
    real *out;  /* [max T, ld] a pair's row */
    real *dout; /* [batch T, ld] gradient there, by place; NULL: not wanted */
} N(cut);

typedef struct N(batch) {
    int T, V, size, max, n; /* sheets: at most min(V, size), in use n */
    int32_t *tokens;        /* [size, T] the batch */
    int32_t *row;           /* [size, T] sheet T + row: the pair's */
    int32_t *length;        /* [size] positions whose gradient counts */
    int32_t *token;         /* [max, T] by position */
    int32_t *limit;         /* [max, T] by row: position + 1 */
    int32_t *rows;          /* [max] */
    int32_t *seen;          /* [V] scratch */
    int n_cuts;             /* 0: the program has no such values */
    N(cut) cut[EGI_CUTS];
    void *block;
    size_t bytes;
} N(batch);

/* For batches of so many sequences. */
eg_status N(batch_init)(N(batch) * b, const N(exec) * e, int size, eg_err *err);
void N(batch_release)(N(batch) * b);
size_t N(batch_bytes)(const N(exec) * e, int size);
/* From tokens to rows and sheets. */
void N(batch_index)(N(batch) * b);

/* A sheet forwards, into the cuts; and back, from their gradients by place,
 * summed over sequences in order, to gradient sums. */
void N(sheet_out)(const N(exec) * e, N(room) * r, N(batch) * b, int sheet);
void N(sheet_back)(const N(exec) * e, N(room) * r, const N(batch) * b,
                   int sheet, N(sums) s);

#endif
