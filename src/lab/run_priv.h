/* What the files of a run directory share. */
#ifndef EG_LAB_RUN_PRIV_H
#define EG_LAB_RUN_PRIV_H

#include <stdio.h>
#include <time.h>
#include "engram/file.h"
#include "engram/run.h"

enum { EGI_ARRAYS, EGI_CHECKPOINTS, EGI_RUN_FOLDERS };

struct eg_run {
    char dir[EG_PATH];
    char name[EG_TEXT], id[64];
    const char *kind;
    int64_t seed;
    eg_folder parent; /* root/<name>, of a run that got an id */
    eg_folder folder; /* the run's; in it, sub */
    eg_folder sub[EGI_RUN_FOLDERS];
    int lock;
    FILE *metrics, *timing, *log; /* once it is entered */
    char start[32];               /* of the first process that wrote here */
    double seconds;               /* of earlier processes */
    double clock_start;           /* of this one */
    int resumed;                  /* how often */
    bool created, made_lock;      /* by this process */
    bool entered;                 /* this process writes here */
    bool begun;                   /* and has measured something */
};

/* buf = a/b; EG_EINVAL when it does not fit. */
eg_status egi_path(char *buf, size_t size, const char *a, const char *b,
                   eg_err *err);
/* Now, as 2026-01-31T12:00:00Z. */
void egi_now(char buf[32]);
/* The metrics file's rows with step below limit: bytes to keep of text. Rows
 * are in order of step; a cut last line is never kept. */
size_t egi_metrics_keep(const char *text, size_t size, int64_t limit);
/* eg_run_create; begun: dir may hold the lock of a process that was killed
 * before it wrote config.yaml. */
eg_status egi_run_create(eg_run **out, const char *root, const char *dir,
                         const eg_config *cfg, bool begun, eg_err *err);
/* A run to go on with: locked and read, and not touched until it is entered. */
eg_status egi_run_open(eg_run **out, const char *dir, const eg_config *cfg,
                       eg_err *err);
/* All that can be found wrong beforehand was looked for: this process now
 * writes here. Nothing the second time, nor for a run that it created. */
eg_status egi_run_enter(eg_run *run, eg_err *err);
/* From here on the run stays, however it ends. */
void egi_run_begin(eg_run *run);
/* Removes what this process made of a run that it created and that has not
 * begun, or that it did not enter; false: of any other. */
bool egi_run_drop(eg_run *run);
/* eg_run_info_read of an open folder. */
eg_status egi_run_info_read(eg_run_info *info, const eg_folder *f, eg_err *err);
/* checkpoints/step-<n>.safetensors */
void egi_checkpoint_name(char buf[64], int64_t step);
/* The newest checkpoint in the run's folder; -1: none. */
int64_t egi_last_checkpoint(const eg_folder *run);
/* Does it hold nothing but what a process leaves that is killed before it has
 * written config.yaml: the lock and a temporary file? */
bool egi_only_begun(const eg_folder *f);
/* Removes what a killed process left half written; the lock must be held. */
void egi_run_sweep(const eg_run *run);

#endif
