/* Distinct pairs (token, position) of a batch.
 *
 * With parallel norms the first block's feed-forward reads a token and its
 * position, nothing else: it is computed once for each distinct pair, and its
 * gradient summed over the pair's places before it goes back. Pairs are laid
 * out as sequences of their own: sheet j holds, at every position that has
 * one, the j-th distinct token seen there, in order of first appearance. */
#ifndef EG_NN_SHEETS_H
#define EG_NN_SHEETS_H

#include "nn/real/pass.h"

typedef struct N(sheets) {
    int T, V, batch, max, n; /* sheets: at most min(V, batch), in use n */
    eg_index ld;             /* of out and dout */
    int32_t *tokens;         /* [batch, T] the batch */
    int32_t *row;            /* [batch, T] sheet T + row: the pair's */
    int32_t *length;         /* [batch] positions whose gradient counts */
    int32_t *token;          /* [max, T] by position */
    int32_t *limit;          /* [max, T] by row: position + 1 */
    int32_t *rows;           /* [max] */
    int32_t *seen;           /* [V] scratch */
    real *out;               /* [max T, d] feed-forward of a pair */
    real *dout;              /* [batch T, d] gradient there, by place */
} N(sheets);

/* Bytes of what sheets_init takes. */
size_t N(sheets_bytes)(const eg_model *m, int batch, eg_index ld);
eg_status N(sheets_init)(N(sheets) * s, const eg_model *m, int batch,
                         eg_index ld, eg_err *err);
void N(sheets_release)(N(sheets) * s);
/* From tokens to rows and sheets. */
void N(sheets_index)(N(sheets) * s);
/* dx [rows of the sheet, d] = sum over sequences, in order, of dout. */
void N(sheets_sum)(const N(sheets) * s, int sheet, real *dx, const kern *K,
                   int d);

/* A sheet through the first block's norm and feed-forward up to its
 * activation, a->post [rows, d_mlp]; and to out. forward.c */
N(pass)
N(sheet_inside)
(const N(net) * net, N(state) * st, const N(sheets) * s, int sheet);
void N(sheet_forward)(const N(net) * net, N(state) * st, const N(sheets) * s,
                      int sheet);
/* From dout, summed over sequences, to gradient sums. backward.c */
void N(sheet_backward)(const N(net) * net, N(state) * st, const N(sheets) * s,
                       int sheet, real *acc);

#endif
