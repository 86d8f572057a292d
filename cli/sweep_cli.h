/* What the files of `engram sweep` share. */
#ifndef EG_CLI_SWEEP_CLI_H
#define EG_CLI_SWEEP_CLI_H

#include "cli.h"
#include "engram/sweep.h"

/* Of a process that mpirun or srun started beside others; rank 0 of 1 when
 * none did. */
typedef struct launch {
    int rank, size;
    int here;         /* of them on this machine */
    char id[EG_TEXT]; /* what they have in common; "": nothing says it */
} launch;
void launch_read(launch *l);

typedef struct sweep_cli {
    const cli_args *args;
    launch launch;
    eg_config *base;
    eg_grid grid;
    char name[EG_TEXT]; /* asked for; "": by run.name */
    eg_sweep_plan plan;
    eg_sweep *sweep;
    int64_t jobs, threads;
} sweep_cli;

/* The configuration and grid of the file, the options over them, every point
 * looked at. CLI_DONE, or after a message another code. */
int sweep_prepare(sweep_cli *s, bool measure);
/* Processes and threads, for what is not said. CLI_DONE or CLI_MISUSE. */
int sweep_share(sweep_cli *s, int n_points);
int sweep_print_plan(const sweep_cli *s);
/* The table of all points that have begun; their states counted in *n. */
int sweep_print_points(const sweep_cli *s, eg_sweep_count *n, int *begun);
/* Are its options good? CLI_DONE or CLI_MISUSE. */
int sweep_slurm_check(const cli_args *a);
/* Writes, and perhaps submits, a job array that works on the sweep. */
int sweep_slurm(const sweep_cli *s, int n_points);

#endif
