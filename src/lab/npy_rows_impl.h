/* What the files of npy_rows share. */
#ifndef EG_LAB_NPY_ROWS_IMPL_H
#define EG_LAB_NPY_ROWS_IMPL_H

#include <sys/types.h>

#include "lab/npy_rows.h"

enum { EGI_ROWS_HEADER = 256 }; /* bytes */

/* Where row i begins. */
static inline off_t egi_rows_offset(const egi_rows *r, eg_index i)
{
    return (off_t)EGI_ROWS_HEADER + (off_t)r->bytes * (off_t)i;
}

/* The header for so many rows, filled with spaces to its fixed size. */
void egi_rows_header(const egi_rows *r, eg_index rows, char h[EGI_ROWS_HEADER]);
/* Does it differ from that of r in the number of rows alone? */
bool egi_rows_same_kind(const egi_rows *r, const char found[EGI_ROWS_HEADER]);
/* "cannot read x.npy.part: ...", of errno. */
eg_status egi_rows_trouble(const egi_rows *r, const char *what, eg_err *err);

/* Opens what is there and finds its good rows. any_kind: those of the file, to
 * be read only; else of r. */
eg_status egi_rows_look(egi_rows *r, bool any_kind, eg_err *err);
/* The first n rows get the checksums that they lack. */
eg_status egi_rows_adopt(egi_rows *r, eg_index n, eg_err *err);
/* Are the rows on disk those that were put? *sum: of the whole file. */
eg_status egi_rows_check(const egi_rows *r, egi_sum *sum, eg_err *err);

#endif
