/* gc, inside: one pass over the runs, what can go of each, and by which names
 * it is known. */
#ifndef EG_LAB_GC_PRIV_H
#define EG_LAB_GC_PRIV_H

#include "base/folder.h"
#include "engram/gc.h"
#include "lab/gc_needed.h"

typedef struct egi_cleaner {
    const eg_gc_opts *o;
    eg_folder root;
    eg_gc_fn fn;
    void *ctx;
    eg_err *err;
    egi_needed needed; /* weights that runs begin with */
    /* the run that is looked at */
    const eg_run_info *info;
    eg_folder run;
    int64_t per_decade; /* its checkpoint.per_decade: those are there to stay */
} egi_cleaner;

/* ---- names ----------------------------------------------------------------
 */

/* step-<n>.safetensors[.aside] -> n, or -1. */
int64_t egi_gc_step(const char *name);
/* Does engram make the file of that name in folder sub ("": the run itself), f,
 * of a run? */
bool egi_gc_ours(const eg_folder *f, const char *sub, const char *name);

/* Folders of a run that hold files. */
enum { EGI_GC_SUBS = 2, EGI_GC_CHECKPOINTS = 1 };
extern const char *const egi_gc_sub[EGI_GC_SUBS];

/* ---- removal --------------------------------------------------------------
 */

/* A regular file in the open folder: bytes that are free without it; -1: it is
 * none. *age (may be NULL): seconds since it changed. */
int64_t egi_gc_weigh(const eg_folder *f, const char *name, double *age);
/* Is it one, that nobody has touched for an hour? */
bool egi_gc_old(const eg_folder *f, const char *name);
/* One file in folder sub ("": the run itself) of dir. */
void egi_gc_file(const egi_cleaner *c, eg_gc_kind kind, const char *dir,
                 const eg_folder *f, const char *sub, const char *name);
/* What of a run can go while it stays: temporary files, older checkpoints. */
eg_status egi_gc_parts(const egi_cleaner *c);
/* The run, at rel below the folder of runs, with all of it that is engram's. */
eg_status egi_gc_run(const egi_cleaner *c, eg_gc_kind kind, const char *rel);

#endif
