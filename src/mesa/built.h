/* Networks whose weights are put in by hand: a stream of channels, each of n
 * entries, and weights that are multiples of the identity, or a matrix, between
 * two of them. The ordinary model, in float64: no norm, no positions, no scale;
 * vectors enter as they are, and the stream is what comes out. */
#ifndef EGI_MESA_BUILT_H
#define EGI_MESA_BUILT_H

#include "engram/eval.h"
#include "engram/model.h"

typedef struct egi_built {
    eg_model *model;
    eg_task *shape; /* of its sequences; none of them is used */
    eg_eval *eval;
    eg_index n, width; /* entries of a channel, of the stream */
    double *tensor;    /* the largest one */
} egi_built;

typedef struct egi_built_spec {
    const char *mixer; /* "linear", "mesa" */
    int layers, heads, channels, n, n_ctx;
    int head_channels; /* channels that a head reads and writes */
    bool local;        /* a matrix on every position after each mixer, W_F */
} egi_built_spec;

/* All weights 0. */
eg_status egi_built_new(egi_built *b, const egi_built_spec *spec, eg_err *err);
void egi_built_release(egi_built *b);
/* Adds s times the identity to block (from, to) of head h of a tensor of layer
 * l, "attn.W_Q", "attn.W_O", ..., "mlp.W_F" (h is 0). from and to are channels
 * of rows and columns. */
void egi_built_join(egi_built *b, int l, const char *name, int h, int from,
                    int to, double s);
/* The same for m [n, n]. */
void egi_built_put(egi_built *b, int l, const char *name, int h, int from,
                   int to, const double *m);
/* Every entry of a tensor of layer l times s. */
void egi_built_scale(egi_built *b, int l, const char *name, double s);
/* Every entry of a tensor of layer l. */
void egi_built_fill(egi_built *b, int l, const char *name, double s);

/* After the last weight: streams x [count, n_ctx, width] come in, and what is
 * in channel 0 in the end goes to out [count, n_ctx, n]. */
eg_status egi_built_run(egi_built *b, const double *x, int count, double *out,
                        eg_pool *pool, eg_err *err);

#endif
