/* Vectors of the residual stream at some positions of many sequences: before
 * the first block, behind each, and behind the last norm. */
#ifndef EGI_PROBE_GATHER_H
#define EGI_PROBE_GATHER_H

#include "engram/eval.h"

typedef struct egi_gather {
    int blocks, n_depths; /* blocks + 1, and one more with a last norm */
    int count, n_at;      /* sequences, positions of each */
    const int *at;        /* [n_at] from 0, the caller's */
    eg_index D;
    double *gain, *bias; /* [D] of the last norm, which a hook shows without */
    float *x;            /* [n_depths, count, n_at, D] */
} egi_gather;

/* Room for them; at must live as long. */
eg_status egi_gather_init(egi_gather *g, const eg_eval *eval, const eg_model *m,
                          int count, const int *at, int n_at, eg_err *err);
void egi_gather_release(egi_gather *g);
/* Gain and bias as they are now: before sequences of a model that learns. */
void egi_gather_refresh(egi_gather *g, const eg_model *m);
/* Sequence `index` into its place; from any thread. */
void egi_gather_take(egi_gather *g, int index, const eg_acts *acts);
/* The same as an eg_acts_fn: ctx is the egi_gather. */
void egi_gather_on(void *ctx, int index, int worker, const eg_acts *acts);
/* [count, n_at, D] */
float *egi_gather_at(const egi_gather *g, int depth);

#endif
