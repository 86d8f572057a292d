/* A folder that an export writes: all of it, or nothing. */
#ifndef EG_LAB_EXPORT_OUT_H
#define EG_LAB_EXPORT_OUT_H

#include "engram/export_runs.h"

typedef struct egi_out {
    eg_folder top;
    eg_folder sub;         /* of the file in hand */
    eg_folder *made;       /* [n] folders in it, closed */
    char (*file)[EG_PATH]; /* [n] files, by their names below top */
    int n, cap;
} egi_out;

/* The folder is made, or empty; for so many files. */
eg_status egi_out_begin(egi_out *o, const char *path, int most, eg_err *err);
/* A new file, to be committed or aborted by the caller, in a folder of its own
 * (folder NULL: in the top). Where the name of the folder, or of the file in
 * the top, is taken, "-2", "-3", ... is put behind it. */
eg_status egi_out_open(egi_out *o, eg_outfile *f, const char *folder,
                       const char *name, const char *ending, eg_err *err);
/* keep: false takes away what was made. */
void egi_out_end(egi_out *o, bool keep);

#endif
