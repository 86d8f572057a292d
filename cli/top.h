/* What the files of engram top share. */
#ifndef EG_CLI_TOP_H
#define EG_CLI_TOP_H

#include "cli.h"
#include "engram/sweep.h"

/* A sweep on which somebody works. */
typedef struct top_sweep {
    char name[EG_TEXT];
    int count[EG_POINT_FAILED + 1]; /* points by state */
    int points, ended, first;       /* ended by now, and when first seen */
    double since;                   /* eg_clock then */
    bool over;                      /* nobody does any more */
} top_sweep;

typedef struct top_sweeps {
    top_sweep *sweep;
    int n, cap;
    double next; /* look, by eg_clock */
} top_sweeps;

/* Looks at the sweeps below root, every three seconds at most. EG_ENOMEM; one
 * that cannot be read is left out. */
eg_status top_sweeps_look(top_sweeps *t, const char *root, eg_err *err);
void top_sweeps_release(top_sweeps *t);
/* Seconds left as its points have ended so far; NaN: not known. */
double top_sweep_eta(const top_sweep *s);

#endif
