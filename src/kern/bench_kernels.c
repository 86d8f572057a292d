/* The benchmark of the kernels in either precision. */
#include "kern/bench_case.h"

const char *eg_bench_yardstick(int i)
{
    return i >= 0 && i < EG_BENCH_YARDSTICKS ? egi_yardsticks[i].name : NULL;
}

eg_status eg_bench_kernels(const char *set, bool wide, const char *only,
                           double seconds,
                           void (*fn)(void *ctx, const eg_bench_row *row),
                           void *ctx, eg_err *err)
{
    return (wide ? egi_bench_run_f64 : egi_bench_run_f32)(set, only, seconds,
                                                          fn, ctx, err);
}
