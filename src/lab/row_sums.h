/* Checksums of the rows of a file that grows, in a file beside it.
 *
 * A line each of 16 hexadecimal digits: first that of what the rows belong to,
 * then one for each row, over the row and the line before. A row is written
 * before its checksum and a checksum is cut off before its row, so that a
 * process that dies leaves rows without one, which are not counted, and never a
 * checksum without its row. */
#ifndef EG_LAB_ROW_SUMS_H
#define EG_LAB_ROW_SUMS_H

#include "base/buf.h"
#include "engram/file.h"

enum { EGI_SUM_LINE = 17 }; /* bytes */

/* What a file of checksums says. */
typedef struct egi_sum_list {
    uint64_t *sum; /* [n + 1]: sum[i + 1] is of row i behind sum[i] */
    eg_index n;    /* rows */
    bool odd;      /* behind them is what was never written so */
} egi_sum_list;

/* All lines up to the first that is none; EG_EFORMAT when there is not even the
 * first. Released with eg_free of l->sum. */
eg_status egi_sum_list_read(egi_sum_list *l, const eg_folder *in,
                            const char *name, eg_err *err);
bool egi_sum_list_holds(const egi_sum_list *l, eg_index i, const void *row,
                        size_t size);

/* The file itself, while it grows. */
typedef struct egi_row_sums {
    int fd; /* -1: not open */
    uint64_t last;
    eg_index n; /* rows */
    char path[1280];
} egi_row_sums;

/* A new file in place of any old one; start: of what the rows belong to. */
eg_status egi_row_sums_new(egi_row_sums *s, const eg_folder *in,
                           const char *name, uint64_t start, eg_err *err);
/* Checksums of rows that have none: collected, and then written all at once, so
 * that a process that dies leaves either none or all. */
typedef struct egi_sum_text {
    egi_buf text;
    uint64_t last;
    eg_index n; /* rows */
} egi_sum_text;
void egi_sum_text_begin(egi_sum_text *t, uint64_t start);
void egi_sum_text_row(egi_sum_text *t, const void *row, size_t size);
/* The file in place of any old one, open for more; releases t. */
eg_status egi_row_sums_adopt(egi_row_sums *s, egi_sum_text *t,
                             const eg_folder *in, const char *name,
                             eg_err *err);
/* The file that l was read from, cut to its first n rows. */
eg_status egi_row_sums_go_on(egi_row_sums *s, const eg_folder *in,
                             const char *name, const egi_sum_list *l,
                             eg_index n, eg_err *err);
/* Of a row that has been written. */
eg_status egi_row_sums_put(egi_row_sums *s, const void *row, size_t size,
                           eg_err *err);
eg_status egi_row_sums_cut(egi_row_sums *s, eg_index n, eg_err *err);
eg_status egi_row_sums_sync(const egi_row_sums *s, eg_err *err);
void egi_row_sums_close(egi_row_sums *s); /* nothing when fd is -1 */

#endif
