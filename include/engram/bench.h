/* Measuring the kernels against the machine they run on.
 *
 * Rates are medians of interleaved samples: in every sample the limit (a loop
 * of multiply-adds in registers, or a loop that reads from the L2 cache) runs
 * next to the kernel, so that a slow spell of a shared machine hits both.
 * Times are processor time of the calling thread. Everything here uses one
 * core, takes about the time it is given, and allocates. */
#ifndef ENGRAM_BENCH_H
#define ENGRAM_BENCH_H

#include "engram/kern.h"
#include "engram/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Multiply-adds in float32, or float64 (wide), GFLOP/s (one multiply-add is two
 * FLOP): the median over samples of a millisecond. `set` is a name of
 * eg_kern_pick; "ref" counts as "generic". 0 if the set does not run here. */
EG_API double eg_bench_peak_fma(const char *set, bool wide, double seconds);
/* The same on all threads of a pool at once, for that many seconds by the
 * clock, all of them together: what a program that keeps every core busy can
 * reach at best. */
EG_API double eg_bench_peak_threads(const char *set, bool wide, eg_pool *pool,
                                    double seconds);
/* What the matrix unit does on all threads at once, in products of tiles of
 * bfloat16 in registers, GFLOP/s; 0 where there is none. */
EG_API double eg_bench_peak_tiles(eg_pool *pool, double seconds);
/* Reading rates, GB/s (1e9 bytes), over 1 MiB and over 256 MiB; 0 when out of
 * memory. */
EG_API double eg_bench_read_l2(double seconds);
EG_API double eg_bench_read_dram(double seconds);
/* Reading x [n] on all threads of a pool at once, GB/s by the clock: what
 * anything that streams from memory can reach at best. */
EG_API double eg_bench_read_threads(const float *x, eg_index n, eg_pool *pool);

/* Other libraries as yardsticks for the matrix products. */
enum { EG_BENCH_YARDSTICKS = 2 };
/* "oneDNN", "LIBXSMM"; NULL when not built in (CMake: ENGRAM_YARDSTICK). */
EG_API const char *eg_bench_yardstick(int i);

typedef struct eg_bench_row {
    char kernel[24];  /* "gemm_packed" */
    char shape[40];   /* "M 256 N 128 K 128" */
    char form[8];     /* "NN", "NT", "TN"; empty where there is one form */
    const char *unit; /* "GFLOP/s" or "GB/s" */
    double rate;      /* median over samples */
    double best;      /* best sample */
    double limit;     /* the limit next to it, same unit, median */
    double share;     /* rate / limit of a sample, median */
    double seconds;   /* a call, median */
    double error;     /* largest |difference from ref| / largest |ref| */
    bool verified;    /* error within the bound of the kernel */
    int n;            /* samples */
    double rate_low, rate_high, share_low, share_high; /* quartiles */
    double yardstick[EG_BENCH_YARDSTICKS]; /* their rates; 0: not measured */
} eg_bench_row;

/* Measures every kernel of a set (a name of eg_kern_pick) in float32 or, wide,
 * in float64 (a name of eg_kern_pick_f64), verified against the reference set
 * before it is timed (products of more than 2e8 FLOP by a sample of 2000
 * entries, against float64 sums), about `seconds` each (0: one sample, and
 * without those products), and calls fn for each row as it is done. `only`, if
 * not NULL, must occur in "kernel form shape" of what is measured. Attention
 * counts the lower triangle only. Allocates what the largest case needs, 640 MB
 * for all of them in float32. EG_EUNSUPPORTED: no such set here; EG_EINVAL:
 * nothing fits `only`; EG_ENOMEM. */
EG_API eg_status eg_bench_kernels(
    const char *set, bool wide, const char *only, double seconds,
    void (*fn)(void *ctx, const eg_bench_row *row), void *ctx, eg_err *err);

/* One way of summing over tokens, verified, then timed. */
typedef struct eg_bench_flow_row {
    const char *what;  /* "direct float32" */
    const char *shape; /* "d 3 n 10000 beta 4" */
    const char *kern;  /* the set that summed; without kernels for tokens a set
                          (amx) leaves them to the next best */
    int threads;       /* that worked on it */
    double core;       /* processor seconds an evaluation: median */
    double wall;       /* seconds by the clock: median */
    double pairs;      /* ordered pairs an evaluation; 0 for series */
    double error;      /* largest, of what is summed, relative to its scale */
    double bound;      /* what the error is promised to stay below */
    bool verified;     /* it does */
    int n;             /* samples, and the quartiles of core */
    double core_low, core_high;
} eg_bench_flow_row;

/* Fields of a flow with Q = K = V = Id on all threads of the pool: direct sums
 * in float32 and float64 (d = 3, n = 10^4), series (d = 2 and 3, n = 10^6),
 * and a step of an ensemble (n = 32, d = 2, 256 draws), each about `seconds`
 * (0: once) after it was compared with plain sums. small: a hundredth of the
 * tokens. Processor time is that of all threads together, so that pairs
 * threads / core is a rate that other programs on the machine leave alone.
 * kern: as eg_kern_check. EG_EINVAL, EG_ENOMEM. */
EG_API eg_status eg_bench_flow(eg_pool *pool, const char *kern, double seconds,
                               bool small,
                               void (*fn)(void *ctx,
                                          const eg_bench_flow_row *row),
                               void *ctx, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
