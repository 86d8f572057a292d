/* What the files of a flow run share. */
#ifndef EG_LAB_FLOW_PRIV_H
#define EG_LAB_FLOW_PRIV_H

#include "engram/lab.h"
#include "engram/file.h"

/* ---- Files a flow takes in ----------------------------------------------- */

/* One of them, read. Its name in a run directory, arrays/<word>-<hash>.npy or
 * .csv, tells its content: equal names are equal numbers. */
typedef struct egi_input {
    char name[EG_STRS_LEN];
    char origin[EG_PATH]; /* the file as it was found */
    eg_view array;        /* .npy, or a part of it */
    void *base;           /* what array.data points into */
    char *text;           /* .csv */
    size_t size;
} egi_input;
typedef struct egi_inputs {
    int n;
    egi_input *input;
} egi_inputs;

/* Reads every file that section flow names (relative to cfg->folder; FILE[3]
 * is the fourth entry along the first axis of a .npy) and puts its name in a
 * run directory in place of it. */
eg_status egi_inputs_take(egi_inputs *in, eg_config *cfg, eg_err *err);
/* Puts them into the folder of a run; a copy that is there already must be
 * one. */
eg_status egi_inputs_write(const egi_inputs *in, eg_run *run, eg_err *err);
/* In a message about a run in dir, the files as their owner knows them. */
void egi_inputs_name(const egi_inputs *in, const char *dir, eg_err *err);
void egi_inputs_release(egi_inputs *in);

/* ---- What is measured at each time ----------------------------------------
 */

typedef struct egi_watch egi_watch;
/* Borrows spec and flow. */
eg_status egi_watch_new(egi_watch **out, const eg_config *cfg,
                        const eg_flow_spec *spec, eg_pool *pool, eg_err *err);
void egi_watch_free(egi_watch *w);
/* What is left out because it would cost too much, in a sentence; "" nothing.
 */
const char *egi_watch_omits(const egi_watch *w);
bool egi_watch_pairs(const egi_watch *w);  /* inner products are looked at */
bool egi_watch_merges(const egi_watch *w); /* merges can be located */
/* Adds the numbers of state x [n, d] at time t to row. */
eg_status egi_watch_look(egi_watch *w, double t, const double *x, eg_row *row,
                         eg_err *err);
/* Of the last look: counts [bins] of inner products, components (-1: none). */
const int64_t *egi_watch_counts(const egi_watch *w);

#endif
