/* What the files of a training run's loop share: its state, the rows that it
 * writes, and what it says. */
#ifndef EG_LAB_TRAIN_LOOP_H
#define EG_LAB_TRAIN_LOOP_H

#include "lab/early.h"
#include "lab/lab_priv.h"
#include "lab/run_priv.h"

typedef struct egi_loop {
    const eg_config *cfg;
    const eg_lab_opts *opts;
    eg_run *run;
    eg_task *task;
    eg_trainer *trainer;
    eg_probes *probes;
    eg_train_spec spec;
    eg_train_plan plan;
    egi_early early;
    int64_t announced; /* bytes of the whole process at its peak */
    eg_row row, timing;
    eg_progress news;
    double clock0, last_row; /* seconds: start of this loop, last row */
    double measuring;        /* seconds of this loop in so many measurements */
    int64_t n_measured;
    int64_t step0, last_step; /* steps done then */
    int64_t saved;            /* steps in the newest checkpoint */
    eg_metrics known; /* of the row in hand, from before a stop; n 0: nothing */
    int over, most_over; /* values that the row in hand has no room for, and
                            of the row that lacks most */
} egi_loop;

/* ---- rows (train_row.c) ---------------------------------------------------
 */

/* The last cell of a row before those that are measured behind the update. */
#define EGI_LAST_BEFORE "grad_norm"

/* A cell of the row in hand, or what is known of it from before a stop. */
void egi_row_put(egi_loop *l, const char *name, double value);
/* What is measured, for probes; of what was given up nothing counts. */
void egi_row_emit(void *ctx, const char *name, double value);
/* The rest of a row, of what is measured behind the update of that step, and
 * the row written; where measuring was given up it goes with the checkpoint. */
eg_status egi_row_end(egi_loop *l, int64_t step, eg_err *err);
/* The rest of a row that eg_probes_before has begun. */
eg_status egi_row_measured(egi_loop *l, const eg_step_info *info, eg_err *err);
eg_status egi_row_timing(egi_loop *l, int64_t step, eg_err *err);

/* ---- what is said (train_tell.c) ------------------------------------------
 */

void egi_tell_notes(const egi_loop *l);
void egi_tell_plan(const egi_loop *l);
void egi_tell_progress(egi_loop *l, int64_t step, const eg_step_info *info,
                       bool measured);
int64_t egi_loop_tokens(const egi_loop *l); /* of a step */
/* How the run ends, into out. */
void egi_end_interrupted(const egi_loop *l, eg_lab_result *out);
/* A step that would have made the model not a number: nothing was updated. */
void egi_end_diverged(egi_loop *l, const eg_step_info *info,
                      eg_lab_result *out);
/* A finite gradient may still make a step that no number holds: before a model
 * is kept, or called finished. */
bool egi_end_overflown(egi_loop *l, eg_lab_result *out);

#endif
