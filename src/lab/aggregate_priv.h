/* What the files of aggregation share. */
#ifndef EG_LAB_AGGREGATE_PRIV_H
#define EG_LAB_AGGREGATE_PRIV_H

#include "engram/aggregate.h"

/* *how with its defaults filled in (NULL: all), checked. */
eg_status egi_bootstrap_check(eg_bootstrap *out, const eg_bootstrap *how,
                              int resamples, eg_err *err);
/* The percentile interval of v [n], which is sorted. */
void egi_interval(double *low, double *high, double *v, int n,
                  double confidence);
/* eg_estimate_make with a bootstrap that was checked; medians false leaves out
 * their interval. */
eg_status egi_estimate(eg_estimate *out, const double *value,
                       const double *until, int n, const eg_bootstrap *how,
                       bool medians, eg_err *err);

/* EG_EINVAL: a question that has no answer whatever the run. */
eg_status egi_question_check(const eg_question *ask, eg_err *err);
/* Is the answer a step? And the metric that decides where it is read. */
bool egi_question_of_step(const eg_question *ask);
const char *egi_question_looks_at(const eg_question *ask);

#endif
