/* Run directories: what a run leaves on disk.
 *
 *     runs/<name>/<id>/config.yaml    resolved; runs it again exactly
 *                      run.json       version, machine, times, status
 *                      metrics.jsonl  one flat object a line: step, values
 *                      timing.jsonl   the same for wall-clock values
 *                      arrays/        .npy snapshots
 *                      checkpoints/   step-<n>.safetensors, the last few
 *                      log            what happened, with times
 *                      lock           held while a process writes here
 *
 * metrics.jsonl holds nothing that depends on the clock, so that a resumed run
 * ends with the same bytes as an uninterrupted one. */
#ifndef ENGRAM_RUN_H
#define ENGRAM_RUN_H

#include "engram/config.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_run eg_run;

/* What run.json records beside the configuration; zeros are left out. */
typedef struct eg_run_facts {
    const char *kern;      /* kernel set in use */
    const char *precision; /* "float32", "float64" */
    int threads;
    int64_t n_params, n_trained;
    int64_t announced_bytes, peak_bytes;
    int64_t steps, steps_done;
    double tokens_per_s;
    int64_t tokens;
    int metrics_left_out; /* of the fullest row of training, which had no room
                           */
    /* A flow, by the process that wrote this: evaluations of the field, steps
     * of the integrator taken and refused. steps counts its times. */
    int64_t evaluations, solver_steps, rejected;
    /* Of a run that train.stop ended: by which metric (NULL: it did not), the
     * step of that measurement and what it was. */
    const char *stopped_by;
    int64_t stopped_step;
    double stopped_value;
} eg_run_facts;

/* A new directory root/<name>/<id> (dir NULL), or dir itself, which must not
 * hold a run yet. Takes the lock, writes config.yaml and run.json with status
 * "running". */
EG_API eg_status eg_run_create(eg_run **out, const char *root, const char *dir,
                               const eg_config *cfg, eg_err *err);
/* An existing directory, to go on with; EG_EBUSY when another process writes
 * it; EG_EINVAL when its configuration is another one. */
EG_API eg_status eg_run_open(eg_run **out, const char *dir,
                             const eg_config *cfg, eg_err *err);
/* Drops the lock. A run that was not finished keeps status "running". */
EG_API void eg_run_close(eg_run *run);
EG_API const char *eg_run_dir(const eg_run *run);

/* Writes run.json again with this status; reason and facts may be NULL. */
EG_API eg_status eg_run_record(eg_run *run, const char *status,
                               const char *reason, const eg_run_facts *facts,
                               eg_err *err);
/* One line with the time into the file "log"; failures are ignored. */
EG_API void eg_run_log(eg_run *run, const char *fmt, ...) EG_PRINTF(2, 3);

/* A row being collected: named values of one step. Names are copied. */
typedef struct eg_row {
    int64_t step;
    int n, cap;
    struct {
        char name[96];
        double value;
    } * cell;
} eg_row;
EG_API eg_status eg_row_init(eg_row *row, int cap, eg_err *err);
EG_API void eg_row_release(eg_row *row);
EG_API void eg_row_start(eg_row *row, int64_t step);
/* Adds a value; a row that is full drops it and says so by false. */
EG_API bool eg_row_put(eg_row *row, const char *name, double value);
/* Appends the row to metrics.jsonl, or to timing.jsonl, and flushes. */
EG_API eg_status eg_run_metrics(eg_run *run, const eg_row *row, eg_err *err);
EG_API eg_status eg_run_timing(eg_run *run, const eg_row *row, eg_err *err);
/* Keeps the first rows of both files, which must be what was written. To be
 * called once for a run that was opened, before rows are added. */
EG_API eg_status eg_run_keep(eg_run *run, eg_index rows, eg_err *err);
/* Makes rows safe on disk before a checkpoint that counts on them. */
EG_API eg_status eg_run_sync(eg_run *run, eg_err *err);

/* Path of the checkpoint after step steps; the newest one in the directory
 * (-1: none); removal of all but the newest keep. */
EG_API void eg_run_checkpoint_path(const eg_run *run, int64_t step, char *buf,
                                   size_t size);
EG_API eg_status eg_run_last_checkpoint(int64_t *step, const char *dir,
                                        eg_err *err);
/* The newest one before step `below`; -1: none. */
EG_API eg_status eg_run_checkpoint_below(int64_t *step, const char *dir,
                                         int64_t below, eg_err *err);
EG_API void eg_run_prune(const eg_run *run, int keep);

/* metrics.jsonl read back: one series a name, in file order. */
typedef struct eg_series {
    char name[96];
    int n, cap;
    double *step, *value; /* NaN for null */
} eg_series;
typedef struct eg_metrics {
    int n, cap;
    eg_series *series;
} eg_metrics;
/* Of the run directory dir. A last line cut short by a crash is left out; any
 * other line that is not a flat object of numbers with "step" is EG_EFORMAT
 * with its number. */
EG_API eg_status eg_metrics_read(eg_metrics *m, const char *dir, eg_err *err);
/* The same file, but of each series only its last value: a file of 160 MB in
 * 0.1 s, and without the memory. */
EG_API eg_status eg_metrics_last(eg_metrics *m, const char *dir, eg_err *err);
EG_API eg_status eg_metrics_parse(eg_metrics *m, const char *text, size_t size,
                                  const char *name, eg_err *err);
EG_API void eg_metrics_release(eg_metrics *m);
EG_API const eg_series *eg_metrics_find(const eg_metrics *m, const char *name);

/* What a stranger wants to know of a finished or running run. */
typedef struct eg_run_info {
    char dir[EG_PATH];
    char name[EG_TEXT], id[64];
    char kind[16];   /* train theory flow; "" in records of old */
    char status[32]; /* running interrupted diverged failed finished */
    char reason[256];
    char start[32], end[32]; /* ISO 8601, UTC; "" when unknown */
    char version[64], kern[32], precision[16];
    int threads, resumed;
    bool stopped_early; /* finished, by train.stop; reason says why */
    int64_t seed, steps, steps_done, n_params, announced_bytes, peak_bytes;
    int64_t evaluations, solver_steps, rejected;
    double seconds, tokens_per_s;
    char config_hash[EG_CONFIG_HASH]; /* "" in records of old */
    char sweep[EG_TEXT];              /* that it belongs to; "": to none */
    int64_t point;                    /* of that sweep, from 0; -1 */
    char tags[256], note[256]; /* "a, b"; the last note, or as much as fits */
    int n_notes;
} eg_run_info;
/* From run.json; a status "running" whose lock is free reads "killed". */
EG_API eg_status eg_run_info_read(eg_run_info *info, const char *dir,
                                  eg_err *err);

/* Every run directory under root, also one that lost its run.json, none through
 * a link, sorted by name, then id; *dirs [n] of EG_PATH bytes each, released
 * with eg_free. */
EG_API eg_status eg_runs_find(char (**dirs)[EG_PATH], int *n, const char *root,
                              eg_err *err);

/* root/catalogue.sqlite: one row a run, from its run.json, notes.json,
 * config.yaml and metrics.jsonl. It is an index that can be made again at any
 * time: a run whose record cannot be read has status "damaged" and the reason.
 * Adds or renews the row of the run at dir; EG_EBUSY when others wrote there
 * for two seconds: the next who asks reads the directory again. */
EG_API eg_status eg_catalogue_update(const char *root, const char *dir,
                                     eg_err *err);
/* Forgets all and reads every run directory again; *n runs found. */
EG_API eg_status eg_catalogue_rebuild(const char *root, int *n, eg_err *err);
/* fn for every run below root as it is now, newest first; name NULL: all. Reads
 * the records of those alone that the catalogue does not have as they are, and
 * then brings the catalogue up to date if it can; nothing into a folder without
 * runs. 10,000 runs: see docs/runs.md. engram/catalogue.h has filters. */
typedef void (*eg_catalogue_fn)(void *ctx, const eg_run_info *info);
EG_API eg_status eg_catalogue_each(const char *root, const char *name,
                                   eg_catalogue_fn fn, void *ctx, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
