/* How a run gets on, from its growing files. */
#ifndef EG_WATCH_PROGRESS_H
#define EG_WATCH_PROGRESS_H

#include "watch/curves.h"

enum { EGI_PACE = 12 };

typedef struct egi_progress {
    eg_follow *metrics, *timing;
    egi_curves past; /* of few buckets */
    int shown;       /* number of the metric that is shown; -1: none yet */
    double step;     /* of the last row; NaN: none */
    double since;    /* eg_clock when it came */
    int n_pace;      /* rows of timing that tell how fast it goes */
    double pace_step[EGI_PACE], pace_s[EGI_PACE];
} egi_progress;

eg_status egi_progress_open(egi_progress *p, const char *dir, eg_err *err);
void egi_progress_close(egi_progress *p);
/* Reads on, some megabytes at most. *changed is set when there was more. */
eg_status egi_progress_look(egi_progress *p, bool *changed, eg_err *err);
/* Steps a second over the last rows; NaN: not known. */
double egi_progress_pace(const egi_progress *p);
/* Means of n equal parts of the metric's past; how many there are. */
int egi_progress_spark(const egi_progress *p, double *spark, int n);
const char *egi_progress_metric(const egi_progress *p); /* "": none */

#endif
