/* Weights that runs begin with, which no tidying may take from them. */
#ifndef EG_LAB_GC_NEEDED_H
#define EG_LAB_GC_NEEDED_H

#include <sys/types.h>
#include "engram/file.h"

/* Files by what they are: a configuration names them as seen from the folder
 * where it was called. All zero holds none. */
typedef struct egi_needed {
    struct egi_inode {
        dev_t device;
        ino_t inode;
    } * file; /* [n] */
    int n;
    bool failed; /* for want of memory */
} egi_needed;

/* Those of init.from and probe.compressed_with of all runs below root. */
eg_status egi_needed_find(egi_needed *out, const char *root, eg_err *err);
/* Also true of a file that cannot be looked at. */
bool egi_needed_has(const egi_needed *n, const eg_folder *f, const char *name);
void egi_needed_release(egi_needed *n);

#endif
