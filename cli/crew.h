/* The processes of a sweep: so many at a time, each with its own run. */
#ifndef EG_CLI_CREW_H
#define EG_CLI_CREW_H

#include "cli.h"

/* One point of the sweep: its process and what it left. */
typedef struct point {
    pid_t pid;
    int pipe;
    int code; /* exit status; CLI_FAILED for a process that died */
    char label[400];
    eg_lab_result result;
} point;

typedef struct crew {
    int n, jobs;
    point *point; /* [n], of which the first n_started were begun */
    int n_started, n_running;
    /* Before a process is made for p, the i-th point: its label; a code other
     * than CLI_DONE ends the sweep. */
    int (*begin)(void *ctx, point *p, int i);
    /* In the process: the run, *result filled; gives the exit status. */
    int (*work)(void *ctx, const point *p, eg_lab_result *result);
    /* Back in the parent, when it has ended. */
    void (*ended)(void *ctx, const point *p);
    void *ctx;
} crew;

/* Runs all points. When the sweep is asked to end, so is every process; each
 * saves, and all have ended on return. Should this process be killed, they
 * notice and do the same. CLI_DONE, or why no process could be made. */
int crew_run(crew *c);

#endif
