/* Sweeps: one configuration over a grid of values and seeds, as an object.
 *
 *     runs/sweeps/<name>/sweep.json    what it is, written once
 *                        base.yaml     the configuration at no point
 *                        queue.sqlite  a row a point: who does it, how it went
 *
 * The runs themselves lie where all runs do, runs/<run.name>/<id>/; their
 * run.json names the sweep and the point. The queue can be made again from
 * sweep.json and the run directories, and is when it is lost or damaged.
 *
 * Point i: seeds go fastest, then the values of the last axis. */
#ifndef ENGRAM_SWEEP_H
#define ENGRAM_SWEEP_H

#include "engram/claim.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The grid ---------------------------------------------------------------
 */

#define EG_AXES 16
#define EG_AXIS_VALUES 1000
#define EG_AXIS_KEY 128
#define EG_POINTS_MAX 100000

typedef enum eg_scale { EG_SCALE_LIST, EG_SCALE_LINEAR, EG_SCALE_LOG } eg_scale;
EG_API const char *eg_scale_name(eg_scale s); /* "list", "linear", "log" */

/* One key and its values, as --set takes them. */
typedef struct eg_axis {
    char key[EG_AXIS_KEY]; /* "optim.lr" */
    eg_scale scale;
    int n;
    char (*value)[EG_STRS_LEN]; /* [n] */
} eg_axis;

/* All zeros: no axis, and the one seed of the configuration. */
typedef struct eg_grid {
    int n_axes;
    eg_axis axis[EG_AXES];
    eg_seeds seeds; /* none: that of the configuration */
} eg_grid;

/* Adds the axis "key=a,b,[c,d]", or, of a key that takes numbers,
 * "key=lo:hi:n": n values from lo to hi, both among them, at equal distances,
 * and "key=lo:hi:nlog": at equal ratios. Such values are rounded to 12 digits,
 * of a whole number to the nearest, where no two may be the same. base says of
 * what kind the key is. An axis of the same key is replaced. */
EG_API eg_status eg_grid_add(eg_grid *g, const eg_config *base,
                             const char *text, eg_err *err);
EG_API void eg_grid_release(eg_grid *g);
/* Combinations times seeds; INT_MAX: that many or more. */
EG_API int eg_grid_points(const eg_grid *g);
/* Which value of that axis point i has; and which seed, counted likewise. */
EG_API int eg_grid_index(const eg_grid *g, int i, int axis);
EG_API int eg_grid_seed_index(const eg_grid *g, int i);
/* Sets point i on cfg, which is the base, and names it "key=value ... seed=n"
 * in label. */
EG_API eg_status eg_grid_set(const eg_grid *g, int i, eg_config *cfg,
                             char *label, size_t size, eg_err *err);

/* A configuration with a section `sweep:` beside the others, or a file that
 * names one: {base: FILE, sweep: {name, grid: {KEY: [values] or lo:hi:n},
 * seeds}}. A file without that section is a configuration, and the grid stays
 * empty. name [EG_TEXT]: "" when the file says none. */
EG_API eg_status eg_sweep_load(eg_config *base, eg_grid *grid,
                               char name[EG_TEXT], const char *path,
                               eg_err *err);

/* ---- A sweep on disk --------------------------------------------------------
 */

typedef struct eg_sweep eg_sweep;

/* Makes root/sweeps/<name>. name NULL: base's run.name, with -2, -3, ... behind
 * it when that is taken; a name that was given and is taken is EG_EINVAL. file:
 * where the configuration came from, for the record. launch: what the processes
 * of one parallel job have in common ("": none), see eg_sweep_of_launch. Points
 * whose configuration has run to its end below root already are finished from
 * the beginning, but for those that read a text, a tokenizer or statistics of
 * their own, which a configuration knows by name alone. Nothing is checked
 * here: see eg_sweep_check. */
typedef struct eg_sweep_make {
    const char *root; /* NULL: "runs" */
    const char *name, *file, *launch;
    const eg_config *base;
    const eg_grid *grid;
    bool anew;        /* take no run that is there already */
    const char *kern; /* nor one of another kernel set; NULL, "auto": of any */
} eg_sweep_make;
EG_API eg_status eg_sweep_create(eg_sweep **out, const eg_sweep_make *how,
                                 eg_err *err);
/* The sweep of that name below root, or in that folder. */
EG_API eg_status eg_sweep_open(eg_sweep **out, const char *root,
                               const char *word, eg_err *err);
EG_API void eg_sweep_free(eg_sweep *s);
/* Is word the name of a sweep below root, or a folder that holds one? */
EG_API bool eg_sweep_is(const char *root, const char *word);
/* The names of all sweeps below root in the order of their bytes; *names [n] is
 * released with eg_free. */
EG_API eg_status eg_sweeps_find(char (**names)[EG_TEXT], int *n,
                                const char *root, eg_err *err);
/* The sweep that another process of the same launch made, waited for so many
 * seconds; EG_EBUSY: there is none yet. stop may be NULL. */
EG_API eg_status eg_sweep_of_launch(eg_sweep **out, const char *root,
                                    const char *launch, double seconds,
                                    bool (*stop)(void *ctx), eg_err *err);

/* What it is, for as long as it lives. */
EG_API const char *eg_sweep_name(const eg_sweep *s);
EG_API const char *eg_sweep_dir(const eg_sweep *s);     /* root/sweeps/<name> */
EG_API const char *eg_sweep_root(const eg_sweep *s);    /* of the runs */
EG_API const char *eg_sweep_created(const eg_sweep *s); /* ISO 8601, UTC */
EG_API const eg_grid *eg_sweep_grid(const eg_sweep *s);
EG_API const eg_config *eg_sweep_base(const eg_sweep *s);
EG_API int eg_sweep_points(const eg_sweep *s);
/* Of point i; label may be NULL. */
EG_API eg_status eg_sweep_config(const eg_sweep *s, int i, eg_config *cfg,
                                 char *label, size_t size, eg_err *err);

typedef enum eg_point_state {
    EG_POINT_PENDING, /* with a run directory: begun, and to go on with */
    EG_POINT_RUNNING,
    EG_POINT_FINISHED,
    EG_POINT_DIVERGED,
    EG_POINT_FAILED
} eg_point_state;
EG_API const char *eg_point_state_name(eg_point_state s); /* "pending", ... */

typedef struct eg_point {
    int i;
    eg_point_state state;
    int64_t seed;
    char label[256]; /* "optim.lr=0.1 seed=2" */
    char config_hash[EG_CONFIG_HASH];
    char dir[EG_PATH]; /* of its run, root and all; "": none yet */
    char worker[160];  /* "host:pid:start" while it is running */
    int64_t heartbeat; /* seconds since 1970 of its last sign of life */
    int tries;         /* how often it was taken */
    char reason[256];
} eg_point;

/* All points as they are now, from one moment; *point [eg_sweep_points] is
 * released with eg_free. A point of a process that is known to be gone reads
 * pending. Writes nothing. 10,000 points: 0.05 s. */
EG_API eg_status eg_sweep_read(eg_point **point, const eg_sweep *s,
                               eg_err *err);

/* ---- Before it runs ---------------------------------------------------------
 */

/* What a sweep will take. Times are an estimate: of points whose operations
 * can be counted beforehand, at the speed of a short measurement. */
typedef struct eg_sweep_plan {
    int n_points;
    int n_faulty;   /* points that cannot run */
    int64_t bytes;  /* of the largest point, one process; 0: not known */
    double work;    /* multiply-adds (as two) of all points; NaN: unknown */
    double most;    /* of the largest step */
    double rate;    /* of these a second on one thread; NaN: not measured */
    double seconds; /* on one thread all together; NaN: not known */
} eg_sweep_plan;
/* Builds what each point would run, without a step, and throws it away; points
 * that differ in their seed alone are built once. faulty (may be NULL) is told
 * of each that cannot run, and why. measure: makes some steps of the first
 * point as well, for half a second or one step. An error is none of a point. */
typedef void (*eg_faulty_fn)(void *ctx, const char *label, const char *why);
EG_API eg_status eg_sweep_check(eg_sweep_plan *plan, const eg_config *base,
                                const eg_grid *grid, const char *kern,
                                bool measure, eg_faulty_fn faulty, void *ctx,
                                eg_err *err);
/* How to share cores among n points of that plan: processes at a time, threads
 * of each. What is not 0 on entry is kept. */
EG_API void eg_sweep_share(int64_t *jobs, int64_t *threads,
                           const eg_sweep_plan *plan, int n, int cores);
/* Seconds that so many processes of so many threads need for it, by the same
 * estimate; NaN: not known. */
EG_API double eg_sweep_seconds(const eg_sweep_plan *plan, int64_t jobs,
                               int64_t threads);

/* ---- Work -------------------------------------------------------------------
 *
 * Any number of processes, here or on machines that share the folder, take
 * points from one queue. A process that was killed loses its points to the
 * others, which go on from their checkpoints. Who writes a run directory is
 * decided by the directory's own lock. */

/* How the queue is kept: EG_JOURNAL_AUTO is WAL on a file system of this
 * machine, and SQLite's rollback journal on one over a network, where WAL does
 * not work. All processes at one queue need the same. */
typedef enum eg_journal {
    EG_JOURNAL_AUTO,
    EG_JOURNAL_WAL,
    EG_JOURNAL_ROLLBACK
} eg_journal;
/* Before it is joined: as eg_sweep_make.kern, which no record keeps. */
EG_API void eg_sweep_only_kern(eg_sweep *s, const char *kern);
/* Opens the queue for work: a lost or damaged one is made again, points of dead
 * processes are freed, those whose run is gone are pending again. retry:
 * so are the failed ones. *note (may be NULL) [256] says what is odd, or "". */
EG_API eg_status eg_sweep_join(eg_sweep *s, eg_journal how, bool retry,
                               char *note, eg_err *err);

typedef enum eg_taken {
    EG_TAKEN,        /* *p is this process's */
    EG_TAKE_WAIT,    /* nothing now; others are at work */
    EG_TAKE_FINISHED /* nothing is left */
} eg_taken;
/* The next point, with a run directory of its own. */
EG_API eg_status eg_sweep_take(eg_taken *got, eg_point *p, eg_sweep *s,
                               eg_err *err);
/* Runs it, or goes on with it. opts as for eg_lab_run, whose root, dir, resume,
 * sweep and label are set here. May be called in a process forked after the
 * point was taken. EG_EBUSY: another process holds the run. */
EG_API eg_status eg_sweep_run(eg_lab_result *out, const eg_sweep *s,
                              const eg_point *p, const eg_lab_opts *opts,
                              eg_err *err);
/* How it went: st and *r are those of eg_sweep_run. An interrupted point is
 * pending again; one whose run another process holds is left to that. */
EG_API eg_status eg_sweep_ended(eg_sweep *s, const eg_point *p, eg_status st,
                                const eg_lab_result *r, const char *reason,
                                eg_err *err);
/* A sign of life for all points of this process, due every EG_BEAT seconds. */
#define EG_BEAT 10
EG_API eg_status eg_sweep_beat(eg_sweep *s, eg_err *err);
/* How many points are in each state. */
typedef struct eg_sweep_count {
    int pending, running, finished, diverged, failed;
    int mine;   /* running, of this process */
    int before; /* finished, and taken over from runs that were there */
} eg_sweep_count;
EG_API eg_status eg_sweep_counted(eg_sweep_count *n, eg_sweep *s, eg_err *err);
/* One worker in this process: takes and runs points until none is left, or
 * opts->stop asks. *done: points that it ended. */
EG_API eg_status eg_sweep_work(int *done, eg_sweep *s, const eg_lab_opts *opts,
                               eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
