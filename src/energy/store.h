/* What the files of the store share. */
#ifndef EGI_ENERGY_STORE_H
#define EGI_ENERGY_STORE_H

#include "engram/recall.h"

#define EGI_STORE_ENTRIES ((eg_index)1 << 27)
#define EGI_STORE_BYTES ((size_t)1 << 30)
/* Of numbers: their squares, summed and times any beta, are still numbers. */
#define EGI_STORE_LARGEST 1e100

/* Which kind a file is by its ending; never EG_STORE_AUTO. */
eg_store_kind egi_store_kind_of(const char *path);
/* "lines of text", "numbers", "pictures" */
const char *egi_store_kind_name(eg_store_kind kind);

/* Files of one kind into an empty store. */
eg_status egi_store_lines(eg_store *s, const char *const *path, int n_paths,
                          const eg_store_opts *o, eg_err *err);
/* Numbers [d, n] or pictures [d, height, width] of one file, with NaN for '?'
 * in pictures; *value is released with eg_free. */
eg_status egi_store_file(double **value, eg_index shape[3], eg_store_kind kind,
                         const char *path, eg_err *err);
/* The symbol with that code point, or -1. */
int egi_store_symbol(const eg_store *s, uint32_t code);

#endif
