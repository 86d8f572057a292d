/* The files that a training run reads, weights and texts, by their content. */
#ifndef EG_LAB_READ_SUMS_H
#define EG_LAB_READ_SUMS_H

#include "base/sum.h"
#include "engram/config.h"

/* The i-th option of a training run that names a file of weights, NULL past
 * the end; *text: what it says, [EG_TEXT]. */
const char *egi_weights_option(int i, const eg_config *cfg, const char **text);

/* Does an option of section task name a file of the user's? Those of other
 * kinds of task do not, nor does a default, which is shipped. */
bool egi_names_file(const eg_config *cfg, const char *option);

/* Checksums that were taken: of a file that is the same by device, number, size
 * and times of change, the sum is. Zero-initialised; not for several
 * threads. */
typedef struct egi_sums_taken {
    struct egi_sum_taken *row;
    eg_index n, cap;
} egi_sums_taken;
void egi_sums_taken_release(egi_sums_taken *t);

/* run.inputs of a configuration: the checksum of each file that is there, of a
 * folder of shards or texts that of what a run may read there. Weights in a
 * folder, what comes through a pipe, and texts above 1 GiB have none. taken may
 * be NULL. EG_EFORMAT when one is said to have another. */
eg_status egi_read_sums(eg_config *cfg, egi_sums_taken *taken, eg_err *err);

#endif
