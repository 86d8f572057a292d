/* Passes over fresh sequences of the toy problem (toy.h): the gradient of one
 * memory, or how often the model is right. The same numbers whatever the number
 * of threads. */
#ifndef EGI_MEMORY_PASSES_H
#define EGI_MEMORY_PASSES_H

#include "engram/pool.h"
#include "memory/toy.h"

/* Sequences are cut into this many parts, each summed in order and the parts
 * then added in order. */
enum { EGI_PASS_PARTS = 16 };

typedef void egi_toy_back(const egi_toy *toy, egi_toy_state *s, double *c);

typedef struct egi_passes {
    eg_pool *pool;
    uint64_t seed;
    int draw;
    const egi_toy *toy;
    double *state; /* [PARTS, state_size] */
    int32_t *z;    /* [PARTS, T] */
    double *parts; /* [PARTS, (2M)^2] */
    double *means; /* [PARTS, 2, 2M] sums of queries and of weighted keys */
    int64_t hits[EGI_PASS_PARTS][2];
    /* the pass now running */
    egi_toy_back *back;
    eg_index size;
    int stage;
    int64_t n_sequences;
} egi_passes;

/* Room for passes of that toy; pool, seed and draw are there. */
eg_status egi_passes_init(egi_passes *p, const egi_toy *toy, eg_err *err);
void egi_passes_release(egi_passes *p);

/* Minus the mean gradient over sequences of that stage, [size], until the next
 * pass; after egi_toy_back_keys2 the first row of means has the two means. */
double *egi_passes_descend(egi_passes *p, int stage, egi_toy_back *back,
                           eg_index size, int64_t n_sequences);
/* Shares of sequences of which the answer is right, and on whose output layer 2
 * looks most (attended, may be NULL). */
void egi_passes_evaluate(egi_passes *p, int stage, int64_t n_sequences,
                         double *accuracy, double *attended);

#endif
