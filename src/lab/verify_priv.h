/* What the files that verify a run share. */
#ifndef EG_LAB_VERIFY_PRIV_H
#define EG_LAB_VERIFY_PRIV_H

#include "engram/verify.h"
#include "lab/run_priv.h"

typedef struct egi_verifier {
    eg_folder run, arrays;
    egi_record record;
    egi_sums sums;
    bool summed;      /* made by an engram that takes checksums */
    bool row_waits;   /* of the last step done, in its checkpoint */
    eg_metrics *last; /* of metrics.jsonl, read on the way; NULL: not wanted */
    eg_finding_fn fn;
    void *ctx;
} egi_verifier;

void egi_verify_tell(const egi_verifier *v, const char *file, eg_sound sound,
                     int64_t bytes, const char *fmt, ...) EG_PRINTF(5, 6);
/* Tells of a checked file: whole, or damaged. Only a lack of memory is an
 * error. */
eg_status egi_verify_conclude(const egi_verifier *v, const char *file,
                              int64_t bytes, eg_status st, const eg_err *why,
                              eg_err *err);
/* A file that the record speaks of (egi_record_file), against what it says. */
eg_status egi_verify_file(const egi_verifier *v, int which, eg_err *err);
/* Why a file without a checksum is not checked. */
extern const char egi_verify_of_old[];

eg_status egi_verify_checkpoints(egi_verifier *v, eg_err *err);
/* arrays/sums, which is read into v->sums, and then all that is in arrays/. */
eg_status egi_verify_sums(egi_verifier *v, eg_err *err);
eg_status egi_verify_arrays(egi_verifier *v, eg_err *err);

/* Checksums of the weights of a checkpoint, and how often each was updated. */
typedef struct egi_weights_seen {
    int64_t step; /* -1: of none */
    bool memo;    /* it has a row that waits (pending_row.h) */
    int n;
    struct {
        char name[128];
        egi_sum sum;
        int64_t updates;
    } * tensor;
} egi_weights_seen;
/* EG_ENOMEM; n = 0 of a file that says nothing of updates. */
eg_status egi_weights_see(egi_weights_seen *w, const eg_safetensors *s,
                          int64_t step, eg_err *err);
void egi_weights_forget(egi_weights_seen *w);
/* Tells of weights that were updated between two checkpoints of a run and are
 * the same all the same. */
void egi_verify_moves(const egi_verifier *v, const egi_weights_seen *older,
                      const egi_weights_seen *newer);
/* Do the rows of metrics go on step by step, without a gap; are the times and
 * steps of the record possible? */
eg_status egi_verify_history(const egi_verifier *v, eg_err *err);

#endif
