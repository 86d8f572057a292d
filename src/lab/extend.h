/* A run that goes on beyond its end: its configuration, and how its directory
 * comes to have it (run_extend.c). */
#ifndef EG_LAB_EXTEND_H
#define EG_LAB_EXTEND_H

#include "lab/run_priv.h"

/* cfg, of a run, as it is with "train.steps=5000", or "flow.times=..." that
 * begin with the times there are. *longer: it is not what it was already.
 * EG_EINVAL: another key, fewer steps or times, or a run without an end. */
eg_status egi_config_extend(eg_config *cfg, const char *assignment,
                            bool *longer, eg_err *err);
/* Is now what `before` becomes by being extended? */
bool egi_config_extends(const eg_config *before, const eg_config *now);
/* How a longer run of cfg will differ from one that had that length from the
 * start, in a sentence; before: what it was. True: in nothing, with the same
 * kernels. */
bool egi_extended_in_words(char *buf, size_t size, const eg_config *before,
                           const eg_config *cfg);

/* What an opened run, which is entered next, goes on as. EG_EINVAL: it has come
 * to an end that more steps do not change. */
eg_status egi_run_extend(eg_run *run, const eg_config *before,
                         const eg_config *cfg, eg_err *err);

#endif
