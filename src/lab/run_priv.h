/* What the files of a run directory share. */
#ifndef EG_LAB_RUN_PRIV_H
#define EG_LAB_RUN_PRIV_H

#include <stdio.h>
#include <time.h>
#include "engram/notes.h"
#include "engram/run.h"
#include "lab/jsonl.h"
#include "lab/record.h"
#include "lab/sums.h"

enum { EGI_ARRAYS, EGI_CHECKPOINTS, EGI_RUN_FOLDERS };

struct eg_run {
    char dir[EG_PATH];
    char name[EG_TEXT], id[64];
    const char *kind;
    int64_t seed;
    char config_hash[EG_CONFIG_HASH];
    char sweep[EG_TEXT]; /* that it belongs to; "": to none */
    int64_t point;
    eg_folder parent; /* root/<name>, of a run that got an id */
    eg_folder folder; /* the run's; in it, sub */
    eg_folder sub[EGI_RUN_FOLDERS];
    int lock;
    egi_jsonl metrics, timing;
    FILE *log;                           /* once it is entered */
    egi_sums sums;                       /* arrays/sums */
    egi_file_sum file[EGI_RECORD_FILES]; /* config.yaml as it was at first */
    uint64_t origin;                     /* its checksum, for those of rows */
    egi_record was;                      /* run.json as it was found */
    bool unsummed; /* made by an engram without checksums */
    bool extended; /* it had another configuration, which the rows belong to */
    char *next;  /* config.yaml to go on with; NULL: as it is. What there is */
    int next_is; /* becomes config.<next_is>.yaml */
    char next_hash[EG_CONFIG_HASH];
    char longer[600]; /* what an extended run will be, in words; exact: bit for
                         bit, unless kernels are others than before */
    bool exact;
    bool other_kern;
    json_t *parts;  /* of run.json: those that ended; NULL: none is known */
    json_t *ending; /* the one after them, as run.json has it */
    char part_start[32]; /* when that one began */
    egi_buf notes; /* lines: what is odd and does not keep it from going on */
    void (*tell)(void *ctx, const char *note); /* them, as it is entered */
    void *tell_ctx;
    char start[32];          /* of the first process that wrote here */
    double seconds;          /* of earlier processes */
    double clock_start;      /* of this one */
    int resumed;             /* how often */
    bool created, made_lock; /* by this process */
    bool entered;            /* this process writes here */
    bool begun;              /* and has measured something */
};

/* buf = a/b; EG_EINVAL when it does not fit. */
eg_status egi_path(char *buf, size_t size, const char *a, const char *b,
                   eg_err *err);
/* eg_runs_find for folders that hold a file of that name. */
eg_status egi_dirs_find(char (**dirs)[EG_PATH], int *n, const char *root,
                        const char *file, eg_err *err);
/* Now, as 2026-01-31T12:00:00Z. */
void egi_now(char buf[32]);
/* eg_run_create with more to say. begun: dir may hold the lock of a process
 * that was killed before it wrote config.yaml. */
typedef struct egi_run_place {
    const char *root, *dir;
    bool begun;
    const char *sweep; /* NULL: of none */
    int64_t point;
} egi_run_place;
eg_status egi_run_create(eg_run **out, const egi_run_place *at,
                         const eg_config *cfg, eg_err *err);
/* The sweep that it belongs to; NULL changes nothing. */
void egi_run_of_sweep(eg_run *run, const char *sweep, int64_t point);
/* EG_EINVAL: not the name of a folder below root that a run may have. */
eg_status egi_run_check_name(const char *root, const char *name, eg_err *err);
/* The pieces of which runs are created and opened: an empty one; its id from
 * its folder; config.yaml, which everything else belongs to; the folders in it
 * that are there opened, and with make the others made. */
eg_run *egi_run_alloc(const eg_config *cfg);
void egi_run_take_id(eg_run *run);
void egi_run_is_of(eg_run *run, const char *config, size_t size);
eg_status egi_run_folders(eg_run *run, bool make, eg_err *err);
/* A run to go on with: locked and read, and not touched until it is entered. */
eg_status egi_run_open(eg_run **out, const char *dir, const eg_config *cfg,
                       eg_err *err);
/* True: the run had come to its end, and is closed again as it was. */
bool egi_run_leave_finished(eg_run **run);
/* All that can be found wrong beforehand was looked for: this process now
 * writes here. Nothing the second time, nor for a run that it created. */
eg_status egi_run_enter(eg_run *run, eg_err *err);
/* Is the configuration of the run in f cfg, but for keys that may change, which
 * are noted of run (NULL: nowhere)? EG_EINVAL names the first key in which it
 * is not. changed: not even what it was when the run began (EG_EFORMAT). */
eg_status egi_run_same_config(const eg_folder *f, const eg_config *cfg,
                              eg_run *run, bool changed, eg_err *err);
/* ---- run_extend.c: see extend.h -------------------------------------------
 */
enum { EGI_CONFIG_MAX = 1 << 24, EGI_CONFIG_NAME = 32 };
/* "config.<k>.yaml" */
void egi_config_name(char buf[EGI_CONFIG_NAME], int k);
/* run->origin of a run that was extended. */
eg_status egi_run_origin(eg_run *run, eg_err *err);
/* Did a process die as it extended the run? Then config.yaml is that of which
 * run.json speaks (if it does: said), config.<k>.yaml, extended. */
bool egi_run_was_extended(const eg_folder *f, const egi_file_sum *said);
/* run.json has parts; they with that of the record o behind them, NULL: no
 * memory. */
eg_status egi_run_read_parts(eg_run *run, eg_err *err);
json_t *egi_run_parts_with(const eg_run *run, const json_t *o);
/* run->next becomes the configuration of a run that is being entered. */
eg_status egi_run_switch(eg_run *run, eg_err *err);

void egi_run_note(eg_run *run, const char *fmt, ...) EG_PRINTF(2, 3);
/* Sets of kernels differ in the last digits: what goes on with another one than
 * its record says is a run of neither, and is noted. */
void egi_run_kernels(eg_run *run, const char *now);
/* Are the first rows of metrics and timing there, and what was written? told:
 * the user said from where to go on; then rows without checksums will do. */
eg_status egi_run_check_rows(const eg_run *run, eg_index rows, bool told,
                             eg_err *err);
/* The same for one of them. */
eg_status egi_run_check_file(const eg_run *run, const egi_jsonl *j,
                             eg_index rows, bool told, eg_err *err);
/* Of the good rows those that only run.json vouches for get checksums of their
 * own: before it says that the run goes on, and no more what they are. */
eg_status egi_run_sum_rows(eg_run *run, eg_err *err);
/* The first rows of which both are good. */
eg_index egi_run_good_rows(const eg_run *run);
/* Takes the checksums of what is finished, for run.json; EG_EFORMAT when rows
 * are not what was written. */
eg_status egi_run_seal(eg_run *run, eg_err *err);
/* Those of rows, once run.json speaks of the whole files. */
void egi_run_drop_row_sums(eg_run *run);
/* arrays/sums: a file of it as it is now; all of a snapshot, with what was not
 * listed; the list written. */
eg_status egi_run_sum_array(eg_run *run, const char *name, eg_err *err);
eg_status egi_run_sum_snapshot(eg_run *run, int64_t step, eg_err *err);
eg_status egi_run_write_sums(const eg_run *run, eg_err *err);
/* eg_metrics_last, or without `last` eg_metrics_read, of an open folder; *sum,
 * unless NULL: of the file that was read. */
eg_status egi_metrics_read_in(eg_metrics *m, const eg_folder *in, bool last,
                              egi_file_sum *sum, eg_err *err);
/* EG_VERIFY_RECORD without a finding of damage? EG_EFORMAT is the first one. */
eg_status egi_run_sound(const char *dir, eg_err *err);
/* From here on the run stays, however it ends. */
void egi_run_begin(eg_run *run);
/* Removes what this process made of a run that it created and that has not
 * begun, or that it did not enter; false: of any other. */
bool egi_run_drop(eg_run *run);
/* eg_run_info_read of an open folder. */
eg_status egi_run_info_read(eg_run_info *info, const eg_folder *f, eg_err *err);
/* eg_run_prune, but for steps of checkpoint.per_decade. */
void egi_run_prune(const eg_run *run, int keep, int64_t per_decade);
/* Tags and notes of the run in f; what is damaged of them is not there.
 * EG_ENOMEM. */
#define EGI_NOTES "notes.json"
eg_status egi_notes_into(eg_run_info *info, const eg_folder *f, eg_err *err);
eg_status egi_notes_read(eg_notes *out, const eg_folder *f, eg_err *err);
/* checkpoints/step-<n>.safetensors */
void egi_checkpoint_name(char buf[64], int64_t step);
/* step-<n>.safetensors -> n, or -1. */
int64_t egi_checkpoint_step(const char *name);
/* Is it <name>.tmp-<pid>-<n>, an unfinished file of a run (base/outfile.c)? */
bool egi_is_unfinished(const char *name);
/* Is it <pid>-<n>, the end of such a name? */
bool egi_is_unfinished_end(const char *s);
/* The newest checkpoint in the run's folder of a step below that; -1: none, or
 * they cannot be listed. EG_ENOMEM. */
eg_status egi_checkpoint_below(int64_t *step, const eg_folder *run,
                               int64_t below, eg_err *err);
/* Does it hold nothing but what a process leaves that is killed before it has
 * written config.yaml: the lock and a temporary file? */
eg_status egi_only_begun(bool *only, const eg_folder *f, eg_err *err);
/* Removes what a killed process left half written; the lock must be held. */
void egi_run_sweep(const eg_run *run);

/* A row as the line that it is in its file. */
void egi_row_print(egi_buf *b, const eg_row *row);

#endif
