/* Attention of a few tokens over many: the n^2 part of a field. */
#ifndef EG_FLOW_ROWS_H
#define EG_FLOW_ROWS_H

#include "engram/status.h"

enum {
    EGI_ROWS = 4,  /* queries at once */
    EGI_TILE = 128 /* keys at once; tokens lie in tiles [d, EGI_TILE] */
};

/* Tokens as keys. Tile t holds columns of tokens t EGI_TILE ..., zero beyond
 * the last one. */
typedef struct egi_keys {
    const double *tiles;
    const double *log_mass; /* [n] or NULL */
    eg_index n, d;
} egi_keys;

typedef struct egi_rows_set {
    const char *name;
    /* For queries q [EGI_ROWS, d], row r over the first limit[r] tokens y_j:
     *     s_j = <q_r, y_j> + log m_j,   peak[r] = max_j s_j,
     *     z[r] = sum_j exp(s_j - peak), sum[r,:] = sum_j exp(s_j - peak) y_j
     * limit 0: no sum. scores [EGI_ROWS, EGI_TILE] is scratch. */
    void (*sum)(double *sum, double *z, double *peak, const double *q,
                const eg_index *limit, const egi_keys *keys, double *scores);
    /* out [EGI_ROWS, d] = x [EGI_ROWS, d] M [d, d] */
    void (*apply)(double *out, const double *x, const double *M, eg_index d);
} egi_rows_set;

extern const egi_rows_set egi_rows_generic;
extern const egi_rows_set egi_rows_avx2;   /* EG_X86_SETS */
extern const egi_rows_set egi_rows_avx512; /* EG_AVX512_SETS */

/* The set of that name, as egi_particles_pick. */
const egi_rows_set *egi_rows_pick(const char *name);

#endif
