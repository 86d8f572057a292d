/* Reports: pages and figures made from run directories and claims, after the
 * fact. A report reads; it never changes a run, and knows no experiment: which
 * metric belongs into which figure is the table in src/report/panels.c.
 *
 * A path is a run directory (config.yaml, run.json, metrics.jsonl, arrays/) or
 * a claims.json as `engram reproduce --json` prints it (or a folder that
 * holds one), whose "runs" name more run directories. Whatever is missing or
 * damaged inside them is shown in the page as such. */
#ifndef ENGRAM_REPORT_H
#define ENGRAM_REPORT_H

#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All zero is valid except for out. */
typedef struct eg_report_opts {
    const char *out;     /* the page, "report.html" */
    const char *title;   /* NULL: "engram report" */
    const char *command; /* how to make the runs again; NULL: from the runs */
    int64_t map_bytes;   /* budget for heat maps in the page; 0: 6 MiB. Fewer
                            snapshots are shown when they do not fit. */
    /* Of static figures: flows are pictured at the kept times nearest to
     * times [n_times], at most 12; 0: at four, evenly spaced in the mean
     * distance that the tokens have travelled. */
    const double *times;
    int n_times;
    bool whole; /* static figures: fractions on axes from 0 to 1, not on such
                   as fit them */
    /* Told, a sentence each, what is missing or damaged; may be NULL: the page
     * says so too. */
    void (*note)(void *ctx, const char *text);
    void *ctx;
} eg_report_opts;

/* Writes one self-contained HTML page, atomically. Runs with the same name and
 * the same configuration but for the seed become one group with bands; several
 * groups of one name are called by what differs: "d_model 64, lr 0.1", behind
 * the name where the page has several.
 * Nothing is replaced but a page of engram's.
 * EG_EINVAL: no paths or no opts->out, a folder that holds no run, another file
 * at opts->out; EG_EIO: a path does not exist or the page cannot be written;
 * EG_ENOMEM. */
EG_API eg_status eg_report_write(const char *const *paths, int n_paths,
                                 const eg_report_opts *opts, eg_err *err);

/* Static figures for a paper, <dir>/<setting>-<panel>.svg: learning curves with
 * bands over seeds, the last snapshot of each heat map, where the time goes of
 * runs that kept a profile, and of flows the tokens at some moments, their
 * tracks and inner products. dir is made, or holds nothing but such figures. Of
 * opts (NULL: defaults) out, title, command and
 * map_bytes play no part. *n_files (may be NULL) is how many were written.
 * Errors as above. */
EG_API eg_status eg_report_svg(const char *const *paths, int n_paths,
                               const char *dir, const eg_report_opts *opts,
                               int *n_files, eg_err *err);

/* The numbers in all figures, <dir>/<setting>-<panel>.csv, those of curves that
 * wait for a click and of folded panels too. The first two columns say which
 * figure of which setting; curves: the metric, where, mean, lowest and highest
 * over so many seeds. Otherwise as eg_report_svg. */
EG_API eg_status eg_report_csv(const char *const *paths, int n_paths,
                               const char *dir, const eg_report_opts *opts,
                               int *n_files, eg_err *err);

/* What lenses saw of a model, once or at several moments of its training. */
typedef struct eg_report_lens {
    const char *out;            /* the page */
    const char *title, *source; /* of which weights */
    const char *text;           /* on what: a file, or a kind of task */
    int n;
    const int64_t *step;     /* [n] updates done, ascending; -1: not known */
    const char *const *seen; /* [n] records of eg_lens_look; the last one is
                                shown in full */
} eg_report_lens;
/* Writes one self-contained page, atomically, and beside it (NULL: not) a file
 * of the same data, {"title", "source", "text", "moments": [{"step", "seen"}]}.
 * Nothing is replaced but a page of engram's, and data of one. EG_EINVAL: no
 * moment; EG_EFORMAT: a record that is no JSON; EG_EIO; EG_ENOMEM. */
EG_API eg_status eg_report_lens_write(const eg_report_lens *lens,
                                      const char *data, eg_err *err);
/* May they be written there? Asked before the work that they are to hold. */
EG_API eg_status eg_report_lens_place(const char *out, const char *data,
                                      eg_err *err);

/* Was the plotting library embedded when this was built? Without it the page
 * still holds verdicts and data, and says that figures need it. */
EG_API bool eg_report_has_plotly(void);

#ifdef __cplusplus
}
#endif
#endif
