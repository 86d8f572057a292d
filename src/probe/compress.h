/* CompressedAlg-d (arXiv 2309.05858, section 4.2): what of a network is blocks
 * of multiples of the identity.
 *
 * The stream is channels of n entries. Of every head, the products
 *     A = W_Q W_K^T   and   B = W_V W_O    [d_model, d_model]
 * are compressed: block (i, j) of A_c is the mean a_ij of block (i, j)'s
 * diagonal, times the identity. The compressed network has A_c and B_c, the
 * interpolated one (A + A_c) / 2 and (B + B_c) / 2: products, never weights,
 * which no loss determines. Both as ordinary models with heads as wide as the
 * stream: W_Q the first product, W_V the second, W_K and W_O the identity. */
#ifndef EGI_PROBE_COMPRESS_H
#define EGI_PROBE_COMPRESS_H

#include "engram/probe.h"

typedef struct egi_compress {
    const eg_model *of;
    eg_model *model[2]; /* compressed, interpolated */
    eg_eval *eval[2];
    int count; /* sequences of the test batch */
    int blocks, heads, group, channels;
    eg_index d, n, k;       /* stream, channel, head */
    double scale;           /* of W_Q, so that scores are scaled as they were */
    double *scalars;        /* [blocks, 2, heads, channels, channels] */
    double *with;           /* the same of other weights, or NULL */
    double *nll;            /* [count] */
    double large;           /* entries above a tenth of their product's most */
    double kept[2], all[2]; /* squares of A_c and A, of B_c and B */
    double *room;
} egi_compress;

/* EG_EINVAL where the model has no such products. */
eg_status egi_compress_init(egi_compress *c, const eg_probe_opts *opts,
                            const eg_model *m, const eg_task *task,
                            eg_pool *pool, const char *kern, eg_err *err);
void egi_compress_release(egi_compress *c);
void egi_compress_run(egi_compress *c, eg_probe_emit emit, void *ctx);

#endif
