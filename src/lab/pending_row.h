/* A row of metrics whose step is made and whose measuring was given up: what is
 * known of it goes with the checkpoint (eg_trainer_remember), as the line that
 * it would be, and the run that goes on measures the rest. Then its bytes are
 * those of a run that nobody stopped. */
#ifndef EG_LAB_PENDING_ROW_H
#define EG_LAB_PENDING_ROW_H

#include "engram/run.h"
#include "engram/train.h"

/* Rows fewer than the trainer has made steps for: 1 with one that waits. */
int egi_row_waits(const eg_trainer *tr);
/* The row so far as the trainer's memo. EG_ENOMEM. */
eg_status egi_row_keep(eg_trainer *tr, const eg_row *row, eg_err *err);
/* The memo as series of one value each, in order. EG_EFORMAT: it is no row of
 * the step before the trainer's. */
eg_status egi_row_recall(eg_metrics *known, const eg_trainer *tr, eg_err *err);

#endif
