/* What differs between the configurations of one name. They are texts here:
 * those that this engram can read as it would write them, so that they differ
 * where eg_config_diff says so, and those of other versions, or damaged ones,
 * as they stand. */
#ifndef EG_REPORT_SETTINGS_H
#define EG_REPORT_SETTINGS_H

#include "report/report_impl.h"

/* At most so many keys that differ are looked at, and so many said. */
enum { EGI_KEYS_MAX = 64, EGI_KEYS_SAID = 6 };

typedef struct egi_setting {
    const egi_run *first;
    int family;         /* settings of its name, itself included */
    char differs[512];  /* "d_model 32, lr 0.1"; "": nothing does */
    char heading[1024]; /* of its part of the page */
    json_t *values;     /* [[key, value], ...] of what differs; NULL: nothing */
} egi_setting;

/* One of those that have a name in common. */
typedef struct egi_member {
    egi_setting *of;
    const char *config; /* that it is compared by */
} egi_member;

/* A key of a resolved configuration, "model.d_model". */
typedef struct egi_key {
    char name[128];
    char value[256]; /* of the setting last asked for, without quotes */
} egi_key;

typedef struct egi_keys {
    int n;
    egi_key key[EGI_KEYS_MAX];
} egi_keys;

/* Do two configurations (NULL: none was found) agree in all keys but the seed,
 * the words about a run and what changes no result? */
bool egi_same_setting(const char *a, const char *b);
/* The keys in which the settings s [n] differ, in the order of the
 * configuration; a key may be absent in some. */
void egi_keys_differ(egi_keys *keys, const egi_member *s, int n);
/* The value in a configuration, until the next question; "not set" when it has
 * no such key. */
const char *egi_key_value(egi_key *key, const char *config);
/* shown [keys->n]: all of them, or, when these are more than EGI_KEYS_SAID, as
 * few as tell s [n] apart. EG_ENOMEM. */
eg_status egi_keys_choose(bool *shown, const egi_keys *keys,
                          const egi_member *s, int n, eg_err *err);
/* What stands behind the last point of a key. */
const char *egi_key_word(const char *name);

#endif
