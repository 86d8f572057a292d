/* A training run that ends before its last step, by what a metric did
 * (train.stop). It follows from the rows of metrics.jsonl alone, so a resumed
 * run ends where one that was left alone does. Rows that a run has because a
 * part of it ended there do not count: one of that length from the start lacks
 * them. */
#ifndef EG_LAB_EARLY_H
#define EG_LAB_EARLY_H

#include "engram/probe.h"
#include "engram/run.h"

typedef struct egi_early {
    const eg_train_opts *opts;
    int64_t n, since; /* rows that have the metric; of these since the best */
    double best;
    bool met;     /* the run ends behind this row: */
    int64_t step; /* its step, */
    double value; /* and the metric there */
} egi_early;

/* opts outlive e; EG_EINVAL: a rule without a metric. */
eg_status egi_early_init(egi_early *e, const eg_train_opts *opts, eg_err *err);
/* Does the row of a step count? */
bool egi_early_counts(const egi_early *e, const eg_probes *probes,
                      int64_t step);
/* A row more that counts, in order. EG_EINVAL: the first one lacks the metric,
 * and which it has of that name nearly. */
eg_status egi_early_row(egi_early *e, const eg_row *row, eg_err *err);
/* All rows of the run in that folder that count. */
eg_status egi_early_replay(egi_early *e, const eg_folder *run,
                           const eg_probes *probes, eg_err *err);
/* "stopped early after 300 steps: loss is 1.09, below 1.1" */
void egi_early_say(const egi_early *e, char *buf, size_t size);

#endif
