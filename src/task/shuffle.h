/* A random order of n things, without a list: place i of the order of that key
 * is computed alone. */
#ifndef EGI_TASK_SHUFFLE_H
#define EGI_TASK_SHUFFLE_H

#include "task/kind.h"

/* A permutation of 0 to n - 1, at i; n from 1 to 2^40. A Feistel network over
 * the next even number of bits, walked until it is below n: fewer than four
 * rounds of it on average. */
uint64_t egi_shuffle_at(uint64_t key, uint64_t n, uint64_t i);

/* Which of n things sequence `index` of a training step is, where each is taken
 * once an epoch, in another order in each; n as above. stream: of EG_RNG_TASK,
 * for the orders. */
int64_t egi_shuffle_epoch(const eg_task *task, int64_t n, uint64_t step,
                          uint32_t index, uint32_t stream);

#endif
