/* What a benchmark measured, as the file of --out; and two such files. */
#ifndef EG_BENCH_OUT_H
#define EG_BENCH_OUT_H

#include "cli.h"
#include "engram/figures.h"

/* After a benchmark that came to `code`: writes what --out names, unless it
 * failed, and releases f. Gives code, or that of what went wrong here. */
int cli_figures_end(eg_figures *f, const cli_args *a, int code);
/* What is wrong with --out, --compare and the words beside it is said before
 * anything is timed. */
int cli_figures_check(const cli_args *a);
/* An option that would do nothing with a benchmark, or with --profile, is a
 * misuse. */
int cli_bench_check(const cli_args *a, const char *what);
/* In turns with another program (--turns): waits for the line of standard input
 * that begins one of so many rounds, EG_EIO where that has ended; and says what
 * a step took, in a line of its own. */
eg_status cli_await_round(int64_t round, int64_t rounds, eg_err *err);
void cli_tell_seconds(double seconds);
/* x [n] in ascending order. */
void cli_sort(double *x, int n);
/* Of x [n], which gets sorted. */
double cli_median(double *x, int n);
/* --compare A and the word B: what got slower or faster. */
int cmd_bench_compare(const cli_args *a);

#endif
