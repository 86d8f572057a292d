/* What the files of a flow run's loop share: its state, and what it says. */
#ifndef EG_LAB_FLOW_LOOP_H
#define EG_LAB_FLOW_LOOP_H

#include "lab/flow_pieces.h"
#include "lab/flow_priv.h"
#include "lab/flow_rows.h"
#include "lab/lab_priv.h"
#include "lab/run_priv.h"

typedef struct egi_flow_loop {
    const eg_config *cfg;
    const eg_lab_opts *opts;
    eg_run *run;
    eg_flow_setup *setup;
    eg_flow *flow;
    egi_watch *watch;
    egi_rows x, t, hist, merges;
    eg_row row, timing;
    eg_progress news;
    double *now;     /* [n, d], the tokens the integrator moves */
    double *reached; /* [n, d], at the newest time */
    egi_pieces pieces;
    eg_index first; /* times done when this process began */
    eg_index from;  /* index of the first time of this piece */
    double clock0;
    eg_flow_stats total;
    eg_status st; /* of the callbacks, which can only stop */
    eg_err *err;
    bool stop, moved, not_finite; /* moved: this process has put out a state */
} egi_flow_loop;

/* ---- what is said (flow_tell.c) ------------------------------------------
 */

const char *egi_flow_precision(const egi_flow_loop *l);
void egi_flow_tell_plan(const egi_flow_loop *l);
/* At the i-th time, t; the row of metrics is the one in hand. */
void egi_flow_tell_progress(egi_flow_loop *l, eg_index i, double t);
/* How the run ends, if it does with this piece, into out. */
void egi_flow_judge(const egi_flow_loop *l, const eg_flow_stats *s,
                    eg_lab_result *out);

#endif
