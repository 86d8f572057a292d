/* The arrays of a flow, a row at each time, as an earlier process left them. */
#ifndef EG_LAB_FLOW_ROWS_H
#define EG_LAB_FLOW_ROWS_H

#include "lab/npy_rows.h"
#include "lab/run_priv.h"

typedef struct egi_flow_rows {
    eg_run *run;
    egi_rows *x, *t;
    egi_rows *hist, *merges; /* NULL: not kept */
    bool told;               /* the user says from which time to go on */
    int64_t from;            /* so many times are to be kept */
} egi_flow_rows;

/* How many times may be kept: those that all files have; as many as the user
 * says, if these are good. A damaged file is EG_EFORMAT, which says how many
 * times are good in all. */
eg_status egi_flow_rows_reached(const egi_flow_rows *f, eg_index *have,
                                eg_err *err);
/* Are metrics and timing there for the first `have` times? */
eg_status egi_flow_rows_check(const egi_flow_rows *f, eg_index have,
                              eg_err *err);
/* Forgets what is behind them, in all files; the run has been entered. */
eg_status egi_flow_rows_cut(const egi_flow_rows *f, eg_index have, eg_err *err);

#endif
