/* In what several configurations differ: each is compared with the first one
 * alone, for a key that differs between any two differs from the first in one
 * of them. */
#ifndef EG_LAB_DIFFER_H
#define EG_LAB_DIFFER_H

#include "engram/config.h"

/* A key that differs, and its value in the first configuration. */
typedef struct egi_differing {
    char name[128];
    char *base;
} egi_differing;

/* A value that is not the first one's. */
typedef struct egi_other {
    int key;
    char *value;
} egi_other;

typedef struct egi_differ {
    int n_keys;
    eg_index cap;
    egi_differing *key;
    int n;
    eg_index cap_members;
    struct {
        int n;
        eg_index cap;
        egi_other *other;
    } * member; /* [n] */
    bool no_memory;
} egi_differ;

/* One more member, of configuration cfg, whose keys are compared with those of
 * first (eg_config_diff) but for run.seed; the first member is first itself.
 * EG_ENOMEM. */
eg_status egi_differ_add(egi_differ *d, const eg_config *first,
                         const eg_config *cfg, eg_err *err);
void egi_differ_release(egi_differ *d);
/* The value that a member has, as --set would read it. */
const char *egi_differ_value(const egi_differ *d, int member, int key);
/* The number of a key; -1: it does not differ. */
int egi_differ_find(const egi_differ *d, const char *name);

#endif
