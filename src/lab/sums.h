/* arrays/sums: checksums of the whole files in arrays/, a line each as `xxhsum
 * -H2` prints it and `xxhsum -c` checks it, in the order of their names. */
#ifndef EG_LAB_SUMS_H
#define EG_LAB_SUMS_H

#include "base/sum.h"
#include "engram/file.h"

#define EGI_SUMS "sums" /* its name */

typedef struct egi_sums {
    struct egi_sums_file {
        char name[256];
        egi_sum sum;
    } * file; /* by name */
    eg_index n, cap;
} egi_sums;

/* All zero holds nothing. A line that is none is EG_EFORMAT. */
eg_status egi_sums_read(egi_sums *s, const eg_folder *arrays, eg_err *err);
void egi_sums_release(egi_sums *s);
/* NULL: not listed. */
const egi_sum *egi_sums_find(const egi_sums *s, const char *name);
/* In place of what was said of that file. */
eg_status egi_sums_put(egi_sums *s, const char *name, egi_sum sum, eg_err *err);
void egi_sums_drop(egi_sums *s, const char *name);
/* Atomically. */
eg_status egi_sums_write(const egi_sums *s, const eg_folder *arrays,
                         eg_err *err);

/* Of the file as it is now. */
eg_status egi_sum_in(egi_sum *sum, int64_t *bytes, const eg_folder *in,
                     const char *name, eg_err *err);
/* Is it the file that is listed? EG_EFORMAT says what was expected and what was
 * found; one that is not listed is EG_OK. */
eg_status egi_sums_check(const egi_sums *s, const eg_folder *arrays,
                         const char *name, int64_t *bytes, eg_err *err);
/* The same for "arrays/x.npy" of a run, whose list is read; EG_OK when there is
 * none that can be. */
eg_status egi_array_check(const eg_folder *run, const char *file, eg_err *err);
/* "x.npy: expected xxh128 ..., found ...": two checksums that differ. */
eg_status egi_sum_differs(const char *folder, const char *name, egi_sum want,
                          egi_sum have, eg_err *err);

#endif
