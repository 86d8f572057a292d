/* The models that training benchmarks time. */
#ifndef EG_BENCH_SETS_H
#define EG_BENCH_SETS_H

typedef struct cli_bench_set {
    const char *bench;      /* engram bench ... */
    const char *name;       /* of the model; a benchmark may have several */
    const char *const *set; /* KEY=VALUE, ends with NULL */
} cli_bench_set;

extern const cli_bench_set cli_bench_sets[]; /* ends with bench NULL */

#endif
