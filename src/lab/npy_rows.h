/* A .npy file that grows by rows, and can be gone on with after a crash.
 *
 * It is called NAME.part while it grows: a header with room for any number of
 * rows, then whole rows, with their checksums in NAME.sums (row_sums.h).
 * Closing it writes how many there are and renames it to NAME. */
#ifndef EG_LAB_NPY_ROWS_H
#define EG_LAB_NPY_ROWS_H

#include <stdio.h>
#include "base/sum.h"
#include "engram/config.h"
#include "lab/row_sums.h"

typedef struct egi_rows {
    FILE *f;
    const eg_folder *in;                    /* borrowed */
    char name[64], part[72], sums_name[72]; /* in it */
    bool whole; /* the open file is NAME, not NAME.part */
    eg_dtype dtype;
    int ndim;                    /* of a row */
    eg_index shape[EG_MAX_DIMS]; /* of a row */
    size_t bytes;                /* of a row */
    eg_index n;                  /* rows */
    egi_row_sums sums;
    uint64_t start; /* of what the rows belong to */
    /* What was found: of `written` rows the first n are good. */
    egi_sum_list before;
    bool summed; /* there is a file of checksums that reads as one */
    eg_index written;
    char why[160]; /* what is wrong with the next one; "": all are good */
} egi_rows;

/* Finds what an earlier process left in the folder: r->n good rows. Nothing is
 * changed yet. A file with rows of another kind is EG_EFORMAT; rows that are
 * not what was written are no error here: see r->why. start: checksum of what
 * new rows belong to. */
eg_status egi_rows_open(egi_rows *r, const eg_folder *in, const char *name,
                        eg_dtype dtype, int ndim, const eg_index *shape,
                        uint64_t start, eg_err *err);
/* The same for a file of any rows, to look at only. */
eg_status egi_rows_find(egi_rows *r, const eg_folder *in, const char *name,
                        eg_err *err);
/* The rows that were found have checksums from here on, if they had none; the
 * file stays as it is. */
eg_status egi_rows_sum(egi_rows *r, eg_err *err);
/* Forgets all but the first n rows; from here on rows can be put. */
eg_status egi_rows_cut(egi_rows *r, eg_index n, eg_err *err);
eg_status egi_rows_read(const egi_rows *r, eg_index i, void *row, eg_err *err);
/* Appends a row; it survives the death of the process. */
eg_status egi_rows_put(egi_rows *r, const void *row, eg_err *err);
/* Makes what there is a whole .npy file on disk, after it was read back: *sum
 * is that of the file, and r is released. EG_EFORMAT when it is not what was
 * put. */
eg_status egi_rows_finish(egi_rows *r, egi_sum *sum, eg_err *err);
/* Closes the file as it is, to be gone on with; does nothing a second time. */
void egi_rows_release(egi_rows *r);

#endif
