/* Counter-based randomness (Philox4x32-10): a stream is a value keyed by
 * (seed, purpose, step, index), so any draw can be regenerated alone. */
#ifndef ENGRAM_RNG_H
#define ENGRAM_RNG_H

#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One word a use: streams of different purpose never meet. */
typedef enum eg_purpose {
    EG_RNG_INIT = 1,  /* index: tensor */
    EG_RNG_TRAIN = 2, /* step, index: sequence */
    EG_RNG_PROBE = 3,
    EG_RNG_TEST = 4,
    EG_RNG_THEORY = 5,
    EG_RNG_FLOW = 6,
    EG_RNG_USER = 7,
    EG_RNG_HEADS = 8, /* index: sequence */
    EG_RNG_TASK = 9,  /* index: what a law is made of, once for all sequences */
    EG_RNG_BOOTSTRAP = 10 /* step: resample, index: group of runs */
} eg_purpose;

typedef struct eg_rng {
    uint32_t key[2];
    uint32_t ctr[4]; /* ctr[0] counts blocks of four words */
    uint32_t buf[4];
    int left; /* words of buf not yet handed out */
} eg_rng;

/* The stream of (seed, purpose, step, index). step and index < 2^40, 2^32. */
EG_API eg_rng eg_rng_make(uint64_t seed, eg_purpose purpose, uint64_t step,
                          uint32_t index);
EG_API uint32_t eg_rng_u32(eg_rng *r);
/* Uniform on [0, 1) with 53 random bits. */
EG_API double eg_rng_uniform(eg_rng *r);
/* Uniform on 0..n-1, without bias; n >= 1. */
EG_API uint32_t eg_rng_below(eg_rng *r, uint32_t n);
/* Standard normal (Box-Muller; two uniforms a call, one result). */
EG_API double eg_rng_normal(eg_rng *r);
/* to [n]: the bits of n calls of the above, in less time where n is large. */
EG_API void eg_rng_uniforms(eg_rng *r, double *to, eg_index n);
EG_API void eg_rng_normals(eg_rng *r, double *to, eg_index n);

#ifdef __cplusplus
}
#endif
#endif
