/* A random order of n things, without a list: place i of the order of that key
 * is computed alone. */
#ifndef EGI_TASK_SHUFFLE_H
#define EGI_TASK_SHUFFLE_H

#include <stdint.h>

/* A permutation of 0 to n - 1, at i; n from 1 to 2^40. A Feistel network over
 * the next even number of bits, walked until it is below n: fewer than four
 * rounds of it on average. */
uint64_t egi_shuffle_at(uint64_t key, uint64_t n, uint64_t i);

#endif
