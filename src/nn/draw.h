/* What is drawn inside a step: numbers that are pure functions of where they
 * belong, so that any thread finds the same, forwards and backwards, and
 * nothing is kept. A mask has an entry for each number of a sequence: too many
 * for the blocks of Philox (rng.h), by which sequences are drawn. */
#ifndef EG_NN_DRAW_H
#define EG_NN_DRAW_H

#include <stdbool.h>
#include <stdint.h>

/* A bijection of 64 bits in which every bit moves every other: the finaliser of
 * SplitMix64 (Steele, Lea, Flood 2014). */
static inline uint64_t egi_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Of sequence `index` of the batch of a step. */
static inline uint64_t egi_draw_of(uint64_t seed, int64_t step, int index)
{
    return egi_mix(egi_mix(egi_mix(seed) + (uint64_t)step) + (uint64_t)index);
}

/* False with probability drop. */
static inline bool egi_kept(uint64_t key, uint64_t entry, double drop)
{
    return egi_mix(key + entry) >> 11 >= (uint64_t)(drop * 0x1p53);
}

#endif
