/* From runs to settings: what was found, before it is put in order. */
#ifndef EG_LAB_ENSEMBLE_H
#define EG_LAB_ENSEMBLE_H

#include "engram/aggregate.h"
#include "lab/differ.h"

/* Groups are runs of one configuration but for the seed. */
typedef struct egi_found {
    int n_axes, n_groups, n_runs;
    eg_ensemble_axis *axis; /* given to the ensemble */
    int *at;                /* [n_groups, n_axes] */
    eg_ensemble_run *run;   /* in any order */
    int *group;             /* [n_runs] */
} egi_found;
void egi_found_release(egi_found *f);

/* Groups with the same values become one setting; settings by their values,
 * runs by setting, then seed. */
eg_status egi_ensemble_settle(eg_ensemble *out, egi_found *f, eg_err *err);

/* Configurations as they are read. */
typedef struct egi_reader {
    eg_config *first, *cfg;     /* without their seed */
    egi_differ differ;          /* a member is a group */
    char (*id)[EG_CONFIG_HASH]; /* [runs]: of each group */
    char (*start)[32];          /* of each run */
    egi_found found;
} egi_reader;

/* Fills found.axis and found.at: the keys of by, or all, in the order of the
 * schema. */
eg_status egi_reader_axes(egi_reader *r, const eg_strs *by, eg_err *err);

#endif
