/* The processes of a sweep: so many at a time, each with a run of its own. */
#ifndef EG_CLI_CREW_H
#define EG_CLI_CREW_H

#include "cli.h"
#include "engram/sweep.h"

/* What a process leaves when its run has ended. */
typedef struct crew_result {
    eg_status status;  /* of the run */
    bool died;         /* it left nothing: the reason says how it went */
    char reason[256];  /* "" when nothing is to be said */
    eg_lab_result run; /* if the status is EG_OK */
} crew_result;

typedef struct crew_place {
    pid_t pid;
    int pipe; /* -1: free */
    eg_point point;
} crew_place;

typedef struct crew {
    int jobs;
    crew_place *place; /* [jobs] */
    int n_running;
    /* The next point into *p, asked in this process; a code other than CLI_DONE
     * ends the crew. */
    int (*take)(void *ctx, eg_taken *got, eg_point *p);
    /* In a process of its own: the run. */
    void (*work)(void *ctx, const eg_point *p, crew_result *r);
    /* Back in this process, when it has ended; a code as above. */
    int (*ended)(void *ctx, const eg_point *p, const crew_result *r);
    /* Now and then, at least every half second. */
    int (*tick)(void *ctx);
    void *ctx;
} crew;

/* Runs points until none is left, or nothing is to be had and wait is false.
 * When the sweep is asked to end, so is every process; each saves, and all have
 * ended on return. Should this process be killed, they notice and do the same.
 * CLI_DONE, or what ended it. */
int crew_run(crew *c, bool wait);

#endif
