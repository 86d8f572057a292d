/* Series read side by side, step by step. */
#ifndef EG_LAB_EXPORT_WALK_H
#define EG_LAB_EXPORT_WALK_H

#include "engram/run.h"

typedef struct egi_walk {
    const eg_metrics *m;
    int *at;     /* [m->n] the next point of each series */
    double step; /* of the row */
} egi_walk;

eg_status egi_walk_begin(egi_walk *w, const eg_metrics *m, eg_err *err);
void egi_walk_end(egi_walk *w);
/* On to the next step that any series has; false: there is none. */
bool egi_walk_next(egi_walk *w);
/* Value of series i at that step; NULL: it has none there. */
const double *egi_walk_value(const egi_walk *w, int i);
/* How many steps there are in all. Begins anew. */
eg_index egi_walk_steps(egi_walk *w);

/* timing.jsonl of a run; no series where it is not there. */
eg_status egi_timing_read(eg_metrics *m, const eg_folder *run, eg_err *err);

#endif
