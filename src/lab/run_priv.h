/* What the files of a run directory share. */
#ifndef EG_LAB_RUN_PRIV_H
#define EG_LAB_RUN_PRIV_H

#include <stdio.h>
#include <time.h>
#include "engram/run.h"

enum { EGI_RUN_FOLDERS = 2 };
extern const char *const egi_run_folder[EGI_RUN_FOLDERS];

struct eg_run {
    char dir[EG_PATH];
    char name[EG_TEXT], id[64];
    const char *kind;
    int64_t seed;
    int lock;
    FILE *metrics, *timing, *log;
    char start[32];     /* of the first process that wrote here */
    double seconds;     /* of earlier processes */
    double clock_start; /* of this one */
    int resumed;        /* how often */
    /* By this process: the run itself, its folder, the folders in it; has it
     * measured anything? */
    bool created, made_dir, made_folder[EGI_RUN_FOLDERS], begun;
};

/* buf = a/b; EG_EINVAL when it does not fit. */
eg_status egi_path(char *buf, size_t size, const char *a, const char *b,
                   eg_err *err);
/* Now, as 2026-01-31T12:00:00Z. */
void egi_now(char buf[32]);
/* The metrics file's rows with step below limit: bytes to keep of text. Rows
 * are in order of step; a cut last line is never kept. */
size_t egi_metrics_keep(const char *text, size_t size, int64_t limit);
/* From here on the run stays, however it ends. */
void egi_run_begin(eg_run *run);
/* Removes what this process made of a run that it created and that has not
 * begun; false: of any other. */
bool egi_run_drop(eg_run *run);
/* Removes what a killed process left half written; the lock must be held. */
void egi_run_sweep(const eg_run *run);

#endif
