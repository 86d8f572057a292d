/* The weights that a training run reads, by their content. */
#ifndef EG_LAB_WEIGHTS_SUM_H
#define EG_LAB_WEIGHTS_SUM_H

#include "engram/config.h"

/* The i-th option of a training run that names a file of weights, NULL past
 * the end; *text: what it says, [EG_TEXT]. */
const char *egi_weights_option(int i, const eg_config *cfg, const char **text);

/* run.inputs of a configuration: the checksum of each file that is there.
 * EG_EFORMAT when one is said to have another. A folder has none. */
eg_status egi_weights_sum(eg_config *cfg, eg_err *err);

#endif
