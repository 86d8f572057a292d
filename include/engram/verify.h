/* Is a run directory what was written?
 *
 * Every file in it carries a checksum, or another file says it
 * (docs/formats.md, "Checksums"). They find what a disk, a crash or a hand has
 * changed; they are no proof against somebody who writes checksums anew. */
#ifndef ENGRAM_VERIFY_H
#define ENGRAM_VERIFY_H

#include "engram/run.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_SOUND_LIST(X)                                             \
    X(EG_WHOLE, "whole")         /* as it was written */             \
    X(EG_DAMAGED, "damaged")     /* it is not, or it is lost */      \
    X(EG_UNCHECKED, "unchecked") /* nobody noted what was written */ \
    X(EG_ODD, "odd")             /* whole, and yet not what a run leaves */

typedef enum eg_sound {
#define EG_SOUND_ENUM(id, text) id,
    EG_SOUND_LIST(EG_SOUND_ENUM)
#undef EG_SOUND_ENUM
} eg_sound;
EG_API const char *eg_sound_name(eg_sound s); /* "whole", ... */

/* What was found of one file. */
typedef struct eg_finding {
    const char *file; /* in the run directory: "arrays/x.npy" */
    eg_sound sound;
    int64_t bytes;   /* read */
    const char *why; /* a sentence, what was expected and what was found; ""
                        of a whole file */
} eg_finding;
typedef void (*eg_finding_fn)(void *ctx, const eg_finding *f);

typedef enum eg_verify_what {
    EG_VERIFY_RECORD, /* configuration, record, metrics, timing, arrays/sums */
    EG_VERIFY_ALL     /* and every checkpoint, every array */
} eg_verify_what;

/* Tells fn of every file of the run at dir, in an order that does not depend on
 * the disk, and of what is odd in them: weights that were trained between two
 * checkpoints and did not move; rows of metrics whose steps do not increase, or
 * that lack a step at which a run measures; times and steps of the record that
 * cannot be. Reads only, and follows no link. Damage is a finding, not an
 * error: EG_EIO, there is no such folder; EG_ENOMEM. Costs one reading of each
 * file (a checkpoint is held in memory), some GB a second. */
EG_API eg_status eg_run_verify(const char *dir, eg_verify_what what,
                               eg_finding_fn fn, void *ctx, eg_err *err);

/* EG_VERIFY_RECORD, and the last value of every metric, in one reading: a file
 * of 160 MB in 0.2 s. EG_EFORMAT: metrics.jsonl holds a line that is no row. */
EG_API eg_status eg_run_last(eg_metrics *last, const char *dir,
                             eg_finding_fn fn, void *ctx, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
