#include "kern/timing.h"
#include "base/sort.h"

#include <time.h>

double egi_cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double egi_median(double *x, int n)
{
    egi_sort(x, n);
    return (x[(n - 1) / 2] + x[n / 2]) / 2;
}

double egi_quantile(const double *x, int n, double q)
{
    double at = q * (n - 1);
    int i = (int)at;

    return i + 1 < n ? x[i] + (at - i) * (x[i + 1] - x[i]) : x[n - 1];
}
