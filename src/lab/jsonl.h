/* metrics.jsonl and timing.jsonl: rows, one a line, that are only ever appended
 * and cut back, each with its checksum in NAME.sums (row_sums.h). */
#ifndef EG_LAB_JSONL_H
#define EG_LAB_JSONL_H

#include <stdio.h>
#include "base/buf.h"
#include "lab/row_sums.h"

typedef struct egi_jsonl {
    const char *name; /* "metrics.jsonl" */
    char sums_name[32];
    FILE *f; /* NULL: not written by this process */
    egi_row_sums sums;
    egi_buf row; /* being formatted */
    /* What was found: */
    egi_sum_list before;
    bool summed;      /* there is a file of checksums that reads as one */
    bool vouched;     /* the caller knows that the file is what was written */
    eg_index written; /* rows that it, or the file without it, speaks of */
    eg_index good;    /* of these, up to the first that is not what it was */
    int64_t bytes;    /* of whole lines */
    char why[160];    /* what is wrong with that one; "": all are good */
} egi_jsonl;

void egi_jsonl_init(egi_jsonl *j, const char *name);
void egi_jsonl_close(egi_jsonl *j);

/* Looks at the rows there are. A file without checksums holds what reads as
 * rows with ascending steps. Damage is found, not an error. */
eg_status egi_jsonl_look(egi_jsonl *j, const eg_folder *in, eg_err *err);

/* A new file without rows; start: checksum of what they belong to. */
eg_status egi_jsonl_create(egi_jsonl *j, const eg_folder *in, uint64_t start,
                           eg_err *err);
/* Opens the file that was looked at, or of this process, for more rows behind
 * its first `rows`, which are good; of this process perhaps fewer. */
eg_status egi_jsonl_keep(egi_jsonl *j, const eg_folder *in, uint64_t start,
                         eg_index rows, eg_err *err);
/* Appends j->row, and empties it. */
eg_status egi_jsonl_put(egi_jsonl *j, eg_err *err);
eg_status egi_jsonl_sync(egi_jsonl *j, eg_err *err);

/* Rows [rows] of a text file named `name`, up to `most`: fn for each. *bytes:
 * of them; *more: is there anything behind them? */
typedef void (*egi_jsonl_fn)(void *ctx, eg_index i, const char *row,
                             size_t size);
eg_status egi_jsonl_each(const eg_folder *in, const char *name, eg_index most,
                         egi_jsonl_fn fn, void *ctx, int64_t *bytes,
                         eg_err *err);

#endif
