/* The models that training benchmarks time. */
#ifndef EG_BENCH_SETS_H
#define EG_BENCH_SETS_H

#include "engram/config.h"

/* What of a training step is timed. */
typedef enum cli_bench_part {
    CLI_PART_STEP,  /* all of it */
    CLI_PART_GIVEN, /* forward, backward, update: sequences count as given */
    CLI_PART_MESA   /* the mesa layer alone, forward and backward: ops mesa and
                       linatt, from queries, keys, values to its results */
} cli_bench_part;

typedef struct cli_bench_set {
    const char *bench;      /* engram bench ... */
    const char *name;       /* of the model; a benchmark may have several */
    const char *const *set; /* KEY=VALUE, ends with NULL */
    cli_bench_part part;
} cli_bench_set;

extern const cli_bench_set cli_bench_sets[]; /* ends with bench NULL */

/* The paper's three matrices are trained, the others are frozen. */
extern const char *const cli_bench_paper[];
eg_status cli_bench_set_all(eg_config *cfg, const char *const *set,
                            eg_err *err);
/* All of a benchmark's configuration; birth trains the paper's matrices. */
eg_status cli_bench_config(eg_config *cfg, const cli_bench_set *set,
                           eg_err *err);

#endif
