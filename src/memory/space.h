/* Dot products between all vectors of the toy model: the only place where its
 * width appears. */
#ifndef EGI_MEMORY_SPACE_H
#define EGI_MEMORY_SPACE_H

#include "engram/rng.h"

typedef struct egi_space {
    eg_index n, m;
    double *kz;  /* [2M, 2M] dictionary: x_j, then R x_j */
    double *kx;  /* [M, M] its upper left part */
    double *kv;  /* [2M, 2M] the dictionary behind W_V^2 */
    double *ku;  /* [N, N] output embeddings */
    double *dir; /* [N, 2M] output embeddings with the dictionary */
    double *block;
} egi_space;

/* Embeddings and matrices N(0, 1/d), or d <= 0: orthonormal, every image under
 * R and W_V^2 new. value_matrix false: W_V^2 is the identity. */
eg_status egi_space_init(egi_space *s, eg_index n, eg_index t, eg_index d,
                         bool value_matrix, eg_rng *rng, eg_err *err);
void egi_space_release(egi_space *s);

#endif
