/* Where the time of a step goes: what each thread notes of every op that it
 * runs, forwards and back, and what is done beside the ops. */
#ifndef EG_NN_PROFILE_H
#define EG_NN_PROFILE_H

#include <stdint.h>

#include "engram/pool.h"
#include "engram/program.h"

/* X(name, what it is) beside the ops. */
#define EGI_BESIDE(X)                                     \
    X(DRAW, EG_TIME_DRAWN)                                \
    X(PACK, "weights are packed")                         \
    X(SUM, "gradients of slots are summed")               \
    X(BEGIN, "gradients of weights begin and are scaled") \
    X(UPDATE, "parameters are updated")

#define EGI_BESIDE_ENUM(name, what) EGI_BESIDE_##name,
enum { EGI_BESIDE(EGI_BESIDE_ENUM) EGI_N_BESIDE };
#undef EGI_BESIDE_ENUM

/* Of one op in one direction: rows of its value that were made, and pairs of a
 * query and a key that they saw. */
typedef struct egi_tick {
    double seconds, rows, pairs;
    int64_t calls;
} egi_tick;

/* A thread's ticks: [2 n_ops] forward and backward of each op, and behind them
 * [EGI_N_BESIDE]. */
static inline int egi_ticks(int n_ops)
{
    return 2 * n_ops + EGI_N_BESIDE;
}

/* Around what is done beside the ops; ticks NULL: nobody asks. */
static inline double egi_beside_begin(const egi_tick *ticks)
{
    return ticks ? eg_clock() : 0;
}

static inline void egi_beside_end(egi_tick *ticks, int n_ops, int which,
                                  double start)
{
    if (!ticks) return;
    ticks[2 * n_ops + which].seconds += eg_clock() - start;
    ticks[2 * n_ops + which].calls++;
}

#endif
