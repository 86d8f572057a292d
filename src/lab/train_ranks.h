/* Training runs of several processes (engram/ranks.h). */
#ifndef EG_LAB_TRAIN_RANKS_H
#define EG_LAB_TRAIN_RANKS_H

#include "engram/lab.h"

/* All of a trainer's spec but its task. */
eg_status egi_train_spec(eg_train_spec *spec, const eg_config *cfg,
                         const eg_lab_opts *opts, eg_err *err);

/* Rank 0, before the first step: the state of its trainer to all. */
eg_status egi_ranks_share(eg_trainer *tr, const eg_config *cfg,
                          const eg_train_spec *spec, eg_err *err);
/* Rank 0, at the end of the run or of the attempt; nothing when it is alone. */
void egi_ranks_end(const eg_lab_opts *opts, eg_status st,
                   const eg_lab_result *r);
/* Any other rank, for the whole of the run. unready: why it cannot take part;
 * NULL: it can. Rank 0 may fail by the same. */
eg_status egi_train_serve(eg_lab_result *out, const eg_config *cfg,
                          const eg_err *unready, const eg_lab_opts *opts,
                          eg_err *err);

#endif
