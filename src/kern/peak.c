/* What one core of this machine can do: multiply-adds in registers, reading
 * from the L2 cache and from memory. */
#include "engram/bench.h"
#include "engram/mem.h"
#include "kern/kern_sets.h"
#include "kern/timing.h"

enum { SAMPLES = 255 };

double eg_bench_peak_fma(const char *set, bool wide, double seconds)
{
    const egi_peak *peak = egi_peak_pick(set, wide);
    double rate[SAMPLES], start = egi_cpu_seconds();
    double sink = 0.5;
    int n = 0;

    if (!peak) return 0;
    while (n < SAMPLES && (n == 0 || egi_cpu_seconds() - start < seconds)) {
        double t = egi_cpu_seconds(), flop = peak->fma(100, &sink);
        rate[n++] = flop / (egi_cpu_seconds() - t) * 1e-9;
    }
    return egi_median(rate, n);
}

typedef struct burn {
    const egi_peak *peak;
    bool tiles;
    double until, flop[64];
} burn;

static void burn_task(void *ctx, int task, int worker)
{
    burn *b = ctx;
    double sink = 0.5;

    (void)worker;
    do
        b->flop[task] +=
            b->tiles ? b->peak->tiles(10) : b->peak->fma(100, &sink);
    while (eg_clock() < b->until);
}

static double burn_threads(burn *b, eg_pool *pool, double seconds)
{
    double start = eg_clock(), flop = 0;
    int n = eg_pool_size(pool) < 64 ? eg_pool_size(pool) : 64;

    b->until = start + seconds;
    eg_pool_run(pool, n, burn_task, b);
    for (int i = 0; i < n; i++) flop += b->flop[i];
    return flop / (eg_clock() - start) * 1e-9;
}

double eg_bench_peak_threads(const char *set, bool wide, eg_pool *pool,
                             double seconds)
{
    burn b = {.peak = egi_peak_pick(set, wide)};

    return b.peak ? burn_threads(&b, pool, seconds) : 0;
}

double eg_bench_peak_tiles(eg_pool *pool, double seconds)
{
    burn b = {.peak = egi_peak_pick("auto", false), .tiles = true};

    return b.peak->tiles ? burn_threads(&b, pool, seconds) : 0;
}

static double read_rate(double seconds, size_t bytes, int repeats)
{
    const egi_peak *peak = egi_peak_pick("auto", false);
    size_t n = bytes / sizeof(float);
    float *x = eg_calloc(n, sizeof *x);
    double sum = 0;
    double rate[SAMPLES], start = egi_cpu_seconds();
    int samples = 0;

    if (!x) return 0;
    for (size_t i = 0; i < n; i += 1024) x[i] = 1; /* every page its own */
    while (samples < SAMPLES &&
           (samples < 2 || egi_cpu_seconds() - start < seconds)) {
        double t = egi_cpu_seconds();
        for (int r = 0; r < repeats; r++) {
            sum += peak->read(x, bytes);
        }
        rate[samples++] =
            (double)bytes * repeats / (egi_cpu_seconds() - t) * 1e-9;
    }
    eg_free(x);
    return sum > 0 ? egi_median(rate, samples) : 0;
}

typedef struct stream {
    const egi_peak *peak;
    const float *x;
    eg_index part;
    double sum[64];
} stream;

static void stream_task(void *ctx, int task, int worker)
{
    stream *s = ctx;

    (void)worker;
    s->sum[task] =
        s->peak->read(s->x + task * s->part, (size_t)s->part * sizeof *s->x);
}

double eg_bench_read_threads(const float *x, eg_index n, eg_pool *pool)
{
    int threads = eg_pool_size(pool) < 64 ? eg_pool_size(pool) : 64;
    stream s = {.peak = egi_peak_pick("auto", false), .x = x};
    double start = eg_clock();

    s.part = n / threads / 128 * 128;
    eg_pool_run(pool, threads, stream_task, &s);
    return 4e-9 * (double)(s.part * threads) / (eg_clock() - start);
}

double eg_bench_read_l2(double seconds)
{
    return read_rate(seconds, (size_t)1 << 20, 20);
}

double eg_bench_read_dram(double seconds)
{
    return read_rate(seconds, (size_t)1 << 28, 1);
}
