/* What rounding to bfloat16 does to what is measured: the same probes by
 * float32 products of the same weights on the same sequences. */
#ifndef EGI_PROBE_DEVIATION_H
#define EGI_PROBE_DEVIATION_H

#include "probe/measure.h"

typedef struct egi_deviation {
    eg_eval *eval;    /* of float32 products; NULL: those of the run are */
    eg_eval *predict; /* or NULL, as in eg_probes */
    int n, most;      /* metrics of this row so far */
    char (*name)[EGI_NAME];
    double *value;
    eg_probe_emit emit;
    void *ctx;
} egi_deviation;

/* eval, and predict where it is wanted. */
eg_status egi_deviation_init(egi_deviation *d, const eg_model *m,
                             const eg_task *task, eg_pool *pool,
                             const char *kern, bool predict, eg_err *err);
void egi_deviation_release(egi_deviation *d);
/* What follows is handed on to emit. */
void egi_deviation_start(egi_deviation *d, eg_probe_emit emit, void *ctx);
/* Emitters whose ctx is an egi_deviation: the first hands on and keeps; the
 * second, for the same metrics again, emits "deviation.<name>": the value kept
 * less this one. A metric that only one of them has is left out. */
void egi_deviation_keep(void *ctx, const char *name, double value);
void egi_deviation_tell(void *ctx, const char *name, double value);

#endif
