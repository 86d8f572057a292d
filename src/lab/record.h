/* What run.json says of the other files of its run, and of itself. */
#ifndef EG_LAB_RECORD_H
#define EG_LAB_RECORD_H

#include "base/json.h"
#include "base/sum.h"
#include "engram/fields.h"
#include "engram/file.h"

#define EGI_RECORD "run.json"

/* Files whose size and checksum it holds: the configuration from the beginning,
 * the others once the run is finished. */
enum {
    EGI_OF_CONFIG,
    EGI_OF_METRICS,
    EGI_OF_TIMING,
    EGI_OF_ARRAYS, /* arrays/sums, which speaks of the rest */
    EGI_RECORD_FILES
};
extern const char *const egi_record_file[EGI_RECORD_FILES];

typedef struct egi_file_sum {
    bool said;
    int64_t bytes;
    egi_sum sum;
} egi_file_sum;

/* A configuration that a run had before it was extended. */
typedef struct egi_earlier {
    char name[32];
    egi_file_sum sum;
} egi_earlier;

typedef struct egi_record {
    char status[32], kind[16], kern[32];
    int64_t steps, steps_done;
    int64_t bytes;
    bool summed; /* it has a checksum; records of old have none */
    bool stopped_early;
    egi_file_sum file[EGI_RECORD_FILES];
    int n_earlier;
    egi_earlier earlier[EG_STRS_MAX];
} egi_record;

/* EG_EFORMAT: it is no record, or not what was written; *r then holds what
 * could be read all the same. */
eg_status egi_record_read(egi_record *r, const eg_folder *run, eg_err *err);

/* `files` of a record, those of which something is said; NULL: no memory. */
json_t *egi_record_files(const egi_file_sum *file);
/* The record as text with its checksum, released with eg_free; NULL: no memory.
 */
char *egi_record_print(json_t *o);

/* Of a file as it is now. */
eg_status egi_file_sum_of(egi_file_sum *s, const eg_folder *run,
                          const char *name, eg_err *err);
/* Is it the same? EG_EFORMAT: no, and how it differs. */
eg_status egi_file_sum_same(const egi_file_sum *said, const egi_file_sum *now,
                            const eg_folder *run, const char *name,
                            eg_err *err);
/* Is the file what is said of it? */
eg_status egi_file_sum_check(const egi_file_sum *s, const eg_folder *run,
                             const char *name, eg_err *err);

#endif
