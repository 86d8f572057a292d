/* In what the configurations of several runs differ, as columns. */
#ifndef EG_LAB_EXPORT_SETTINGS_H
#define EG_LAB_EXPORT_SETTINGS_H

#include "base/buf.h"
#include "engram/export_runs.h"
#include "lab/differ.h"

typedef struct egi_settings {
    egi_differ differ; /* a member is a run */
    int64_t *seed;     /* [runs] */
} egi_settings;

/* Keys but for run.name and what else has no say in the results, and but for
 * run.seed. */
eg_status egi_settings_read(egi_settings *s, const eg_export_runs *runs,
                            eg_err *err);
/* Of the only run: the keys that are not at their default. */
eg_status egi_settings_read_one(egi_settings *s, const char *dir, eg_err *err);
void egi_settings_release(egi_settings *s);

/* "name/id", or of a run without a record the last two parts of its path. */
void egi_export_name(char buf[EG_PATH], const char *dir);
/* What run i is called among several, as the name of a file or folder: by its
 * settings, or by name and id. */
enum { EGI_LABEL = 200 };
void egi_export_label(char buf[EGI_LABEL], const eg_export_runs *runs,
                      const egi_settings *s, int i);

#endif
