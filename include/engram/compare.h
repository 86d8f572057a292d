/* Runs beside each other: in what their configurations differ, and what came of
 * it. */
#ifndef ENGRAM_COMPARE_H
#define ENGRAM_COMPARE_H

#include "engram/catalogue.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A key of the configuration that not all have alike. */
typedef struct eg_compare_key {
    char key[EG_TEXT];
    eg_value *value; /* [n_runs] */
} eg_compare_key;

/* A curve's ends, of one run; all NaN: it has none. */
typedef struct eg_compare_end {
    double last, last_step, best, best_step;
} eg_compare_end;

typedef struct eg_compare_metric {
    char name[96];
    int better; /* -1: less is, 1: more is, 0: that is not known, and
                   best is NaN */
    bool equal; /* the same steps and values in all runs, bit for bit */
    eg_compare_end *end; /* [n_runs] */
    /* The largest difference between the curves of run 0 and run far at a step
     * that both have; infinite where one of them alone is no number; NaN where
     * they have no step in common. */
    double gap, gap_step;
    int far;
} eg_compare_metric;

typedef struct eg_compare {
    int n_runs, n_keys, n_metrics;
    eg_run_info *info;
    eg_compare_key *key;
    eg_compare_metric *metric;
    bool equal; /* all metrics are, and there are some */
} eg_compare;

/* Of the runs at dir [n]. EG_EIO, EG_EFORMAT: what cannot be read of them.
 * Cost: one reading of each config.yaml and metrics.jsonl. */
EG_API eg_status eg_runs_compare(eg_compare *out, const char *const *dir, int n,
                                 eg_err *err);
EG_API void eg_compare_release(eg_compare *c);
/* Which way is a metric of that name better: as in eg_compare_metric. Known are
 * losses, errors and divergences by the beginning of their names, accuracies
 * and recalls. */
EG_API int eg_metric_better(const char *name);

#ifdef __cplusplus
}
#endif
#endif
