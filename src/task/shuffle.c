/* Permutations computed place by place; see shuffle.h. */
#include "task/shuffle.h"

/* Finaliser of SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

uint64_t egi_shuffle_at(uint64_t key, uint64_t n, uint64_t i)
{
    int half = 1;
    uint64_t mask;

    while (half < 20 && (uint64_t)1 << 2 * half < n) half++;
    mask = ((uint64_t)1 << half) - 1;
    do {
        uint64_t left = i >> half, right = i & mask;

        for (uint64_t round = 0; round < 8; round++) {
            uint64_t f = mix(key + 0x9e3779b97f4a7c15 * (round + 1));
            uint64_t next = left ^ (mix(f ^ right) & mask);

            left = right;
            right = next;
        }
        i = left << half | right;
    } while (i >= n);
    return i;
}

int64_t egi_shuffle_epoch(const eg_task *task, int64_t n, uint64_t step,
                          uint32_t index, uint32_t stream)
{
    uint64_t all = (uint64_t)n, at = step * (uint64_t)task->batch + index;
    eg_rng rng = eg_rng_make(task->seed, EG_RNG_TASK, at / all, stream);
    uint64_t key = (uint64_t)eg_rng_u32(&rng) << 32;

    return (int64_t)egi_shuffle_at(key | eg_rng_u32(&rng), all, at % all);
}
