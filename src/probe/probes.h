/* The probes of one run. */
#ifndef EGI_PROBE_PROBES_H
#define EGI_PROBE_PROBES_H

#include "probe/compress.h"
#include "probe/deviation.h"
#include "probe/heads.h"
#include "probe/llc.h"
#include "probe/linear.h"
#include "probe/measure.h"
#include "probe/radii.h"

enum {
    EGI_CROP = 64,       /* side of a snapshot's crop */
    EGI_SIDE_MAX = 1024, /* longest side of any snapshot */
    EGI_DEMO_AMONG = 64, /* test sequences the demo sequence is chosen from */
    EGI_HEAD_MOST = 16   /* sequences of repeated tokens, at most probe.batch */
};

struct eg_probes {
    eg_probe_opts opts;
    eg_trainer *trainer; /* NULL: nobody trains the model */
    const eg_model *model;
    const eg_task *task;
    eg_eval *eval;
    eg_eval *predict; /* without hooks, for batches of test and training; NULL:
                         there are none */
    egi_deviation deviation; /* eval NULL: not asked for, or float32 */
    egi_measure batch, test, train;
    egi_linear linear;
    egi_sensitivity sensitivity;
    egi_radii radii;
    egi_weights weights;

    bool (*stop)(void *ctx); /* NULL: never */
    void *stop_ctx;
    bool stopped;

    int n_names; /* of tensors, "norm.W_E", by row of the table and tensor */
    char (*name)[EGI_NAME];

    egi_llc llc;                 /* probe.llc; steps 0: not asked for */
    egi_compress compress;       /* probe.compressed; count 0: not asked for */
    egi_heads heads;             /* probe.heads; count 0: not asked for */
    char (*head_name)[EGI_NAME]; /* [heads.table.n, EG_HEAD_SCORES] */

    /* snapshots: the demo sequence and room for one array */
    uint32_t demo_index;
    eg_seq demo;
    float *array;
    bool constants_written;
};

/* schedule.c: is step one of the n times spread over 0 .. n_steps? */
bool egi_schedule_has(int64_t n, int64_t step, int64_t n_steps);
/* snapshot.c */
eg_status egi_snapshot_init(eg_probes *p, eg_err *err);
void egi_snapshot_release(eg_probes *p);

#endif
