/* From runs to settings: what was found, before it is put in order. */
#ifndef EG_LAB_ENSEMBLE_H
#define EG_LAB_ENSEMBLE_H

#include "engram/aggregate.h"

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

/* Configurations as they are read: the first one, and how others differ. */
typedef struct egi_key {
    char name[128];
    char *base; /* its value in the first configuration */
} egi_key;

typedef struct egi_change {
    int key;
    char *value;
} egi_change;

typedef struct egi_group {
    char id[EG_CONFIG_HASH]; /* of its configuration */
    int n, cap;
    egi_change *change; /* what it has otherwise than the first one */
} egi_group;

typedef struct egi_reader {
    eg_config *first, *cfg; /* without their seed */
    egi_key *key;
    egi_group *group;
    int n_keys, cap_keys, n_groups, cap_groups;
    char (*start)[32]; /* of each run */
    egi_found found;
    egi_group *now; /* whose changes are being told */
    bool no_memory;
} egi_reader;

/* Fills found.axis and found.at: the keys of by, or all, in the order of the
 * schema. */
eg_status egi_reader_axes(egi_reader *r, const eg_strs *by, eg_err *err);

#endif
