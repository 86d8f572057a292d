/* The file of figures of a benchmark: engram bench --out. */
#include "bench_out.h"

#include <stdlib.h>
#include <string.h>
#include "engram/file.h"

int cli_figures_check(const cli_args *a)
{
    const char *out = cli_value(a, "out");
    eg_err err = {0};
    eg_status st = out ? eg_output_own(out, EG_FIGURES_MARK, &err) : EG_OK;

    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

int cli_figures_end(eg_figures *f, const cli_args *a, int code)
{
    const char *out = cli_value(a, "out");
    eg_err err = {0};
    eg_status st = EG_OK;

    if (code == CLI_DONE && out) st = eg_figures_write(f, out, &err);
    if (code == CLI_DONE && out && st == EG_OK)
        cli_say("%d figures in %s", f->n, out);
    eg_figures_release(f);
    return st == EG_OK ? code : cli_error(st, &err);
}

eg_status cli_await_round(int64_t round, int64_t rounds, eg_err *err)
{
    int c;

    while ((c = getchar()) != EOF)
        if (c == '\n') return EG_OK;
    return EG_FAIL(err, EG_EIO,
                   "--turns: expected %lld lines of standard input, found %lld",
                   (long long)rounds, (long long)round);
}

void cli_tell_seconds(double seconds)
{
    printf("%.6f\n", seconds);
    (void)fflush(stdout);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void cli_sort(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
}

double cli_median(double *x, int n)
{
    cli_sort(x, n);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}
