/* What runs measured, for other programs: tables, event files, arrays.
 *
 *     csv          a row a step; or, as_long, a row a number
 *     tensorboard  event files, as TensorBoard and what reads its logs have
 *                  them
 *     npz          NumPy's archive: series by name, snapshots over steps
 *
 * All three read metrics.jsonl, timing.jsonl and arrays/ of run directories,
 * and write nothing there. docs/formats.md says what stands where. */
#ifndef ENGRAM_EXPORT_RUNS_H
#define ENGRAM_EXPORT_RUNS_H

#include "engram/run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which runs, and who is told how far it is. */
typedef struct eg_export_runs {
    char (*dir)[EG_PATH]; /* [n] run directories */
    int n;
    /* Of a sweep: it may be one of one run, and its runs are called by what
     * differs among them, "optim.lr=0.1,seed=2", not by name and id. */
    bool sweep;
    /* Optional: called before run i; false: no more, and nothing stays. */
    bool (*next)(void *ctx, int i);
    void *ctx;
    bool stopped; /* out: next said so; the call is EG_OK then */
} eg_export_runs;

/* A new file at path, which must not be there, or a pipe: comma-separated, one
 * line of names first (RFC 4180). A row is a step with one column a metric,
 * empty where that step did not measure it; as_long it is step, metric, value.
 * Of several runs, or a sweep, columns stand before it: `run` (name/id), every
 * key of the configuration in which they differ, and `seed`. Numbers are
 * written in as few digits as read back to the same double; null is nan.
 * Cost: each metrics.jsonl is read twice (once as_long), one is held. */
EG_API eg_status eg_export_csv(eg_export_runs *runs, const char *path,
                               bool as_long, eg_err *err);

/* Event files below a folder that is made, or empty; of several runs, or a
 * sweep, one folder a run. Tags are names of metrics with their first '.' as
 * '/', so that families stand together (norm/W_E), and timing/seconds and so
 * on; values are float32, as the format has them; wall time is the run's start
 * and its seconds. A text `config` holds config.yaml; hparams have the keys in
 * which the runs differ (of one run: those not at their default), and the
 * seed. Source of the framing: tensorflow/core/lib/io/record_writer.h; of the
 * messages: tensorflow/core/util/event.proto, framework/summary.proto. */
EG_API eg_status eg_export_tensorboard(eg_export_runs *runs, const char *folder,
                                       eg_err *err);

/* A new file at path; of several runs, or a sweep, one a run in a folder that
 * is made, or empty. Members: `step` [n] int64 and each metric [n] float64, NaN
 * where that step has none; timing/<name> [n]; arrays/<name>, what was kept
 * once as it is, snapshots stacked, [k, ...], with arrays/<name>.steps [k]
 * int64 beside (those of another shape than the first one's stand alone, as
 * arrays/<name>.<step>); config.yaml and run.json as bytes. Stored, not
 * compressed. Cost: one member is held. */
EG_API eg_status eg_export_npz(eg_export_runs *runs, const char *path,
                               eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
