/* Rows of a run as they come: what was added to metrics.jsonl or timing.jsonl
 * since the last look, and nothing read twice. For whoever watches a run while
 * it is written; eg_metrics_read (run.h) has the whole file at once. */
#ifndef ENGRAM_FOLLOW_H
#define ENGRAM_FOLLOW_H

#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_follow eg_follow;
typedef enum eg_follow_file {
    EG_FOLLOW_METRICS, /* metrics.jsonl */
    EG_FOLLOW_TIMING   /* timing.jsonl */
} eg_follow_file;

/* A row: step, and n values by the numbers of their names; null is NaN. */
typedef struct eg_follow_row {
    double step;
    int n;
    const int *id;
    const double *value;
} eg_follow_row;
/* Anything but EG_OK ends the look behind that row. */
typedef eg_status (*eg_follow_fn)(void *ctx, const eg_follow_row *row,
                                  eg_err *err);

/* Of the run directory dir, whose file need not be there yet. */
EG_API eg_status eg_follow_open(eg_follow **out, const char *dir,
                                eg_follow_file file, eg_err *err);
EG_API void eg_follow_close(eg_follow *f);

/* What a look found. */
typedef struct eg_follow_seen {
    bool anew; /* the file is not what it was (a run that went back): forget
                  all rows, and look again from its start. No row was told */
    bool more; /* max_bytes were read and the file goes on */
    int64_t n_rows;
} eg_follow_seen;
/* fn for each whole row that was added, in order; of about max_bytes at most.
 * A last line without an end waits for it; a line that is no row is counted and
 * left out. A file that is not there has no rows. Costs what was added, and
 * three system calls. */
EG_API eg_status eg_follow_look(eg_follow *f, int64_t max_bytes,
                                eg_follow_fn fn, void *ctx,
                                eg_follow_seen *seen, eg_err *err);

/* Names met so far, by their numbers, which stay; NULL past the end. At most
 * 4096 are told apart: rows leave out the others. */
EG_API const char *eg_follow_name(const eg_follow *f, int id);
/* The number of a name; -1: not met. */
EG_API int eg_follow_id(const eg_follow *f, const char *name);
/* Rows told since the start of the file; lines that were no rows. */
EG_API int64_t eg_follow_rows(const eg_follow *f);
EG_API int64_t eg_follow_bad(const eg_follow *f);

#ifdef __cplusplus
}
#endif
#endif
