/* runs/catalogue.sqlite as a file: rows out of it, rows into it. */
#ifndef EG_LAB_CATALOGUE_DB_H
#define EG_LAB_CATALOGUE_DB_H

#include "engram/file.h"
#include "engram/run.h"

#define EGI_CATALOGUE "catalogue.sqlite"

/* A run and the run.json it was taken from. */
typedef struct egi_entry {
    eg_run_info info; /* its dir is below the folder of the catalogue */
    int64_t changed;  /* ns since 1970 when run.json last changed */
    int64_t bytes;    /* of run.json */
} egi_entry;

/* The rows of the catalogue in root that are what was written, at most `most`;
 * none of a file that is missing, damaged, a link, or no catalogue: *whole is
 * false when it was not all one. Released with eg_free. The only error is
 * EG_ENOMEM. */
eg_status egi_catalogue_load(egi_entry **row, int *n, bool *whole,
                             const eg_folder *root, int most, eg_err *err);
/* Makes way for a catalogue: a file that is none is put aside, and keeps its
 * bytes; a database of something else is EG_EINVAL. A damaged catalogue is
 * engram's own as far as it can be told. */
eg_status egi_catalogue_place(const eg_folder *root, eg_err *err);
/* A new catalogue of these rows in place of what is there, atomically; as
 * egi_catalogue_place says. */
eg_status egi_catalogue_save(const eg_folder *root, const egi_entry *row, int n,
                             eg_err *err);
/* One row into the catalogue that is there, or into a new one; other processes
 * may do the same. EG_EFORMAT: what is there is no catalogue. */
eg_status egi_catalogue_put(const eg_folder *root, const egi_entry *row,
                            eg_err *err);

#endif
