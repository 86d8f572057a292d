/* Batch probes over many sequences: sums per sequence, added in the order of
 * their numbers, so that neither threads nor arrival matter. */
#ifndef EGI_PROBE_MEASURE_H
#define EGI_PROBE_MEASURE_H

#include "probe/table.h"

enum { EGI_PROBES_MAX = 128, EGI_NAME = 96 };

/* One probe of the table in this measurement. */
typedef struct egi_measured {
    const egi_probe *probe;
    int first, width; /* its columns: 1, n_heads, or n_heads^2 as [h2, h1] */
    int names;        /* its names, one a head, when there are several heads;
                         its name, of a probe of a group or a position */
    const eg_group *group; /* or NULL */
    int at;                /* position from 0, or -1 */
} egi_measured;

typedef struct egi_measure {
    int n_heads, n_ctx, count; /* count: sequences */
    unsigned has;        /* bits EGI_NEEDS_... that model and task offer */
    int task;            /* its kind, EG_TASK_... */
    const eg_task *from; /* for exact probabilities, with EGI_NEEDS_LAW */
    int n_at, at[EG_STRS_MAX]; /* positions from 0, of EGI_NEEDS_POSITION */
    int n_rows, n_cols;
    egi_measured row[EGI_PROBES_MAX];
    char (*name)[EGI_NAME]; /* "attn_prev.h3" */
    egi_ratio *part;        /* [count, n_cols] */
    egi_ratio *sum;         /* [n_cols] */
    int32_t *look;          /* [threads, 2, n_heads, n_ctx] */
    double *law;            /* [threads, n_ctx] exact -log p, if known */
} egi_measure;

/* The positions of probe.positions, before egi_measure_init. */
eg_status egi_measure_at(egi_measure *m, const eg_strs *list, eg_err *err);
/* on: EGI_ON_BATCH, _TEST or _TRAIN. Sizes must be filled in; the rest is zero.
 */
eg_status egi_measure_init(egi_measure *m, egi_probe_kind on, int threads,
                           eg_err *err);
void egi_measure_release(egi_measure *m);
/* What an evaluator offers to probes: EGI_NEEDS_LOOK1, where the first block
 * has a pattern, and so on (mixers need not have one); and a task. */
unsigned egi_measure_offers(const eg_eval *eval);
unsigned egi_measure_told(const eg_task *task);
/* One sequence; pattern [2] holds a view of the attention of the first block
 * and of the second, as far as m->has says. seq->look1 and look2 are set here.
 */
void egi_measure_add(egi_measure *m, int index, int worker, egi_seq *seq,
                     const eg_view *pattern);
/* Emits what was measured; with several heads a name a head, then the best. */
void egi_measure_emit(egi_measure *m, eg_probe_emit emit, void *ctx);
/* All of it on a model: sequences 0 .. count-1 of (split, step). */
void egi_measure_run(egi_measure *m, eg_eval *eval, eg_split split,
                     uint64_t step);

#endif
