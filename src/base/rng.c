/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011) through Random123.
 *
 * key = the 64 bits of the seed; counter = (block, index, low word of step,
 * purpose in the upper 24 bits beside the upper 8 bits of step). Every stream
 * owns the 2^32 blocks of its three upper words, so no two of them meet. */
#include <math.h>
#include <Random123/philox.h>

#include "engram/rng.h"

#define STEP_BITS 40

eg_rng eg_rng_make(uint64_t seed, eg_purpose purpose, uint64_t step,
                   uint32_t index)
{
    eg_rng r = {.left = 0};

    EG_ASSERT(step < (UINT64_C(1) << STEP_BITS));
    EG_ASSERT((unsigned)purpose < (1U << 24));
    r.key[0] = (uint32_t)seed;
    r.key[1] = (uint32_t)(seed >> 32);
    r.ctr[1] = index;
    r.ctr[2] = (uint32_t)step;
    r.ctr[3] = ((uint32_t)purpose << 8) | (uint32_t)(step >> 32);
    return r;
}

static void refill(eg_rng *r)
{
    philox4x32_ctr_t c = {{r->ctr[0], r->ctr[1], r->ctr[2], r->ctr[3]}};
    philox4x32_key_t k = {{r->key[0], r->key[1]}};

    EG_ASSERT(r->ctr[0] != UINT32_MAX); /* 2^34 words drawn: stream spent */
    c = philox4x32(c, k);
    for (int i = 0; i < 4; i++) r->buf[i] = c.v[i];
    r->ctr[0]++;
    r->left = 4;
}

uint32_t eg_rng_u32(eg_rng *r)
{
    if (r->left == 0) refill(r);
    return r->buf[4 - r->left--];
}

double eg_rng_uniform(eg_rng *r)
{
    uint64_t hi = eg_rng_u32(r) >> 5; /* 27 bits */
    uint64_t lo = eg_rng_u32(r) >> 6; /* 26 bits */

    return (double)((hi << 26) | lo) * 0x1p-53;
}

uint32_t eg_rng_below(eg_rng *r, uint32_t n)
{
    uint64_t m = 0;
    uint32_t reject = 0;

    EG_ASSERT(n >= 1);
    /* Lemire 2019: multiply and shift; the 2^32 mod n short values go */
    reject = (uint32_t)(0 - n) % n;
    do m = (uint64_t)eg_rng_u32(r) * n;
    while ((uint32_t)m < reject);
    return (uint32_t)(m >> 32);
}

double eg_rng_normal(eg_rng *r)
{
    double u = 1.0 - eg_rng_uniform(r); /* (0, 1], so the log is finite */
    double v = eg_rng_uniform(r);

    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}
