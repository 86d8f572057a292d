/* The run that a configuration asks for: found (lab_find.c) and opened
 * (lab_open.c). */
#ifndef EG_LAB_LAB_OPEN_H
#define EG_LAB_LAB_OPEN_H

#include "engram/lab.h"
#include "lab/flow_priv.h"

/* The files of a flow read, and named in *taken as its run directory will name
 * them; of a training run their checksums. *taken is released with eg_free. */
eg_status egi_lab_inputs(egi_inputs *in, eg_config **taken,
                         const eg_config *cfg, eg_err *err);
/* eg_lab_find of a configuration that names its files by their content: the
 * newest run in root/<name>; EG_ENOMEM. */
eg_status egi_lab_find(bool *found, char dir[EG_PATH], const char *root,
                       const eg_config *cfg, bool finished, eg_err *err);
/* Opens what opts ask for: a given or new directory, or one to go on with, for
 * which cfg may become what it is extended to. *run NULL: it was finished
 * before, and *out says how. */
eg_status egi_lab_open(eg_run **run, eg_lab_result *out, eg_config *cfg,
                       const char *root, const eg_lab_opts *opts, eg_err *err);

#endif
