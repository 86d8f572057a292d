/* A sweep that a page shows: states of its points, and what their runs measured
 * last. */
#ifndef EG_WATCH_SWEPT_H
#define EG_WATCH_SWEPT_H

#include <pthread.h>
#include "base/buf.h"
#include "engram/sweep.h"

typedef struct egi_swept {
    char name[EG_TEXT];
    eg_sweep *sweep; /* NULL: not opened yet */
    eg_point *point; /* [n] */
    int n;
    char **metric; /* [n_metrics] their names */
    int n_metrics, cap;
    double **value;      /* [n] each [n_metrics] or fewer; NULL: none yet */
    int *n_values;       /* [n] */
    unsigned char *read; /* [n] */
    int64_t version;     /* changes counted; 0: not read yet */
    double used, next;   /* by eg_clock */
    char problem[512];   /* why it cannot be read; "": it can */
} egi_swept;

eg_status egi_swept_new(egi_swept **out, const char *name, eg_err *err);
void egi_swept_free(egi_swept *s);
/* Reads what is new below root, for a fraction of a second; the lock is held
 * while what others see changes. EG_ENOMEM. */
eg_status egi_swept_look(egi_swept *s, const char *root, pthread_mutex_t *lock,
                         bool *changed, eg_err *err);
/* As JSON: "name", "problem", "axes": [{"key", "scale", "values"}], "seeds",
 * "states": their names, "metrics", "metric" (the one that is told: as asked,
 * or of its own choice), "points": [[state, seed, run, value, values of the
 * axes...]], states and values by number. Under the lock. */
void egi_swept_json(egi_buf *out, const egi_swept *s, const char *root,
                    const char *metric);
/* The folder of a run below the root. */
const char *egi_below(const char *root, const char *dir);

#endif
