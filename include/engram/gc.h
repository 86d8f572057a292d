/* What of the runs on disk can go: older checkpoints, leftovers, runs that came
 * to nothing. */
#ifndef ENGRAM_GC_H
#define ENGRAM_GC_H

#include "engram/catalogue.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_GC_LIST(X)                                                       \
    X(CHECKPOINTS, "checkpoints", "of finished runs, all but the last few") \
    X(TEMPORARY, "temporary",                                               \
      "files that a killed process left half "                              \
      "written, an hour ago or longer")                                     \
    X(DIVERGED, "diverged", "runs that diverged")

typedef enum eg_gc_kind {
#define EG_GC_ENUM(id, name, help) EG_GC_##id,
    EG_GC_LIST(EG_GC_ENUM)
#undef EG_GC_ENUM
        EG_GC_KINDS
} eg_gc_kind;
EG_API const char *eg_gc_name(eg_gc_kind k); /* "checkpoints", ... */
EG_API const char *eg_gc_help(eg_gc_kind k); /* what it is, in a few words */

typedef struct eg_gc_opts {
    const char *where; /* runs, as in eg_select; NULL: all */
    int keep;          /* checkpoints of a finished run that stay */
    bool kind[EG_GC_KINDS];
    bool remove; /* false: only tell */
} eg_gc_opts;

/* Something that can go, or went: a file, or with name "" a run. */
typedef struct eg_gc_item {
    eg_gc_kind kind;
    const char *dir;  /* of the run; the folder of runs itself */
    const char *name; /* in it */
    int64_t bytes;    /* that are free then */
    bool gone;
    const char *left; /* what stays, and why; "": nothing */
} eg_gc_item;
typedef void (*eg_gc_fn)(void *ctx, const eg_gc_item *item);

/* Goes through the runs below root and tells fn. Only files are removed that
 * engram makes in a run, by their names and places, none through a link; a
 * folder goes when it is empty then. Never touched are runs that a process
 * works on, those tagged "keep", those whose record, configuration or notes
 * cannot be read, and checkpoints that a run's init.from or
 * probe.compressed_with names; runs of a sweep, which are its results, and
 * those with notes are not removed as a whole. EG_EINVAL as
 * eg_catalogue_select. */
EG_API eg_status eg_gc(const char *root, const eg_gc_opts *o, eg_gc_fn fn,
                       void *ctx, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
