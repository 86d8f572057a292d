/* runs/catalogue.sqlite as a file: rows out of it, rows into it. */
#ifndef EG_LAB_CATALOGUE_DB_H
#define EG_LAB_CATALOGUE_DB_H

#include "engram/file.h"
#include "engram/run.h"

#define EGI_CATALOGUE "catalogue.sqlite"

/* A file as it was when something was taken from it: ns since 1970 when it
 * last changed, and its size. 0, 0: it was not there. */
typedef struct egi_stamp {
    int64_t changed, bytes;
} egi_stamp;

/* A run, and the files that this was taken from. */
typedef struct egi_entry {
    eg_run_info info;        /* its dir is below the folder of the catalogue */
    egi_stamp record, notes; /* run.json, notes.json */
    /* What is not in the record (catalogue_values.h), and where it came from;
     * NULL: not loaded. */
    char *config, *last;
    egi_stamp config_file, metrics_file;
    int64_t details; /* checksum of the four; 0: they were never read */
} egi_entry;

void egi_entries_free(egi_entry *row, int n);
/* Of config and last, with their stamps. */
int64_t egi_details_sum(const egi_entry *row);

/* The rows of the catalogue in root that are what was written, at most `most`;
 * none of a file that is missing, damaged, a link, or no catalogue: *whole is
 * false when it was not all one. details: with config and last, where these
 * are whole. Released with egi_entries_free. The only error is EG_ENOMEM. */
eg_status egi_catalogue_load(egi_entry **row, int *n, bool *whole,
                             const eg_folder *root, int most, bool details,
                             eg_err *err);
/* Makes way for a catalogue: a file that is none is put aside, and keeps its
 * bytes; a database of something else is EG_EINVAL. A damaged catalogue is
 * engram's own as far as it can be told. */
eg_status egi_catalogue_place(const eg_folder *root, eg_err *err);
/* A new catalogue of these rows in place of what is there, atomically; as
 * egi_catalogue_place says. */
eg_status egi_catalogue_save(const eg_folder *root, const egi_entry *row, int n,
                             eg_err *err);
/* Rows into the catalogue that is there, or into a new one, and those of the
 * directories gone[n_gone] out of it; other processes may do the same. Details
 * that are not loaded stay as they are. EG_EFORMAT: what is there is no
 * catalogue. */
typedef struct egi_change {
    const egi_entry *const *row;
    int n;
    const char *const *gone;
    int n_gone;
} egi_change;
eg_status egi_catalogue_put(const eg_folder *root, const egi_change *change,
                            eg_err *err);

/* Keeps others from writing (or, exclusive, also from reading) the catalogue
 * until it is let go: a courtesy between processes, which is waited for a
 * second at most. */
bool egi_catalogue_hold(const eg_folder *root, bool exclusive);
void egi_catalogue_let_go(const eg_folder *root);

/* ---- columns (catalogue_columns.c) ----------------------------------------
 */

typedef enum egi_kind {
    EGI_TEXT,  /* char [size] */
    EGI_LIST,  /* the same, "a, b" */
    EGI_LONG,  /* char *, of any length */
    EGI_INT,   /* int */
    EGI_BOOL,  /* bool */
    EGI_INT64, /* int64_t */
    EGI_REAL   /* double */
} egi_kind;

typedef struct egi_column {
    const char *name;
    size_t offset, size; /* in an egi_entry */
    egi_kind kind;
    bool own; /* of the catalogue's: nobody asks for it */
} egi_column;
extern const egi_column egi_columns[];
/* Of these the first so many are of the record; then details, with their
 * checksum last. Behind all stands "sum". */
enum { EGI_OF_RECORD = 35, EGI_DETAILS = 7 };
enum { EGI_COLUMNS = EGI_OF_RECORD + EGI_DETAILS };

const egi_column *egi_column_find(const char *name); /* NULL: none to ask for */
/* The statement that makes the table "runs". */
enum { EGI_SQL = 2048 };
void egi_catalogue_schema(char sql[EGI_SQL]);
/* Checksum of a row. */
int64_t egi_row_sum(const egi_entry *row);

#endif
