/* What the files of a sweep share. */
#ifndef EG_LAB_SWEEP_PRIV_H
#define EG_LAB_SWEEP_PRIV_H

#include "base/json.h"
#include "engram/sweep.h"

#define EGI_SWEEPS "sweeps"
#define EGI_SWEEP_RECORD "sweep.json"
#define EGI_SWEEP_BASE "base.yaml"

struct sqlite3;
struct sqlite3_stmt;

struct eg_sweep {
    char root[EG_PATH]; /* of the runs */
    char dir[EG_PATH];
    char name[EG_TEXT];
    char created[32], file[EG_PATH], launch[EG_TEXT];
    bool anew;     /* what was run before counts for nothing */
    char kern[32]; /* the set it must have been run with; "": any */
    eg_grid grid;
    int n_points;
    eg_config *base, *cfg; /* cfg: to set a point on */
    char worker[160];      /* this process; "": not at work */
    int64_t beaten;        /* when it last gave a sign of life */
    struct sqlite3 *db;    /* NULL: not at work */
};

/* An empty one; NULL: no memory. */
eg_sweep *egi_sweep_alloc(const char *root);

/* ---- The grid ------------------------------------------------------------ */

/* lo:hi:n or lo:hi:nlog? */
bool egi_range_is(const char *text);
/* Its values into a; the key takes whole numbers or others. */
eg_status egi_range_fill(eg_axis *a, const char *text, bool whole, eg_err *err);
/* One more value of size bytes; EG_EINVAL: too long, or too many. */
eg_status egi_axis_put(eg_axis *a, const char *value, size_t size, eg_err *err);
void egi_axis_release(eg_axis *a);
/* Puts a, which is empty afterwards, into g, in the place of one of its key. */
eg_status egi_grid_take(eg_grid *g, eg_axis *a, eg_err *err);
/* A copy of its own. */
/* What no grid is: of more than EG_POINTS_MAX points, or with seeds that an
 * axis run.seed would put aside. */
eg_status egi_grid_check(const eg_grid *g, eg_err *err);
eg_status egi_grid_copy(eg_grid *out, const eg_grid *g, eg_err *err);

/* ---- Its record ---------------------------------------------------------- */

eg_status egi_sweep_write(const eg_sweep *s, const eg_folder *in, eg_err *err);
/* sweep.json and base.yaml of the folder into s. */
eg_status egi_sweep_read_record(eg_sweep *s, const eg_folder *in, eg_err *err);

/* ---- Its points ---------------------------------------------------------- */

/* All of them, with label, seed and hash, none of them begun. *point is
 * released with eg_free. */
eg_status egi_points_new(eg_point **point, const eg_sweep *s, eg_err *err);
/* What the run directories say of them. own: runs of this sweep, in whatever
 * state; others: finished runs of the same configuration, for points that are
 * pending. A point that was over and whose run is gone is pending again, and
 * counted in *gone. */
eg_status egi_points_recover(eg_point *point, const eg_sweep *s, bool own,
                             bool others, int *gone, eg_err *err);

/* How the reason of a point begins that was taken over. */
#define EGI_WAS_THERE "was there"

/* "host:pid:start" of this process. */
void egi_worker_name(char buf[160]);
/* Can it still be at work? heartbeat, now: seconds since 1970; of a process
 * elsewhere that is all there is. */
bool egi_worker_alive(const char *worker, int64_t heartbeat, int64_t now);
/* Whom a run's lock is left to: nobody knows, and it is asked again soon. */
#define EGI_WORKER_UNKNOWN "another process"
enum { EGI_STALE = 60, EGI_STALE_UNKNOWN = 10 };

/* ---- The queue ----------------------------------------------------------- */

#define EGI_QUEUE "queue.sqlite"
#define EGI_QUEUE_LOCK "queue.lock" /* while a lost one is made again */

#define EGI_QUEUE_COLUMNS \
    "i, label, hash, seed, state, worker, heartbeat, tries, dir, reason"

/* Is the folder on a file system over a network? */
bool egi_is_remote(const char *path);
/* What SQLite says as an error: EG_EBUSY, EG_ENOMEM, EG_EFORMAT (damaged or no
 * queue) or EG_EIO. */
eg_status egi_queue_fail(struct sqlite3 *db, const char *dir, eg_err *err);
/* A new one with these rows; nothing must be there. */
eg_status egi_queue_make(const eg_sweep *s, const eg_point *point, eg_err *err);
/* Rows into point [n_points]; EG_EFORMAT: it is missing, damaged, or not of
 * this sweep. */
eg_status egi_queue_read(eg_point *point, const eg_sweep *s, eg_err *err);
/* The same of one that is open. */
eg_status egi_queue_rows(eg_point *point, struct sqlite3 *db, const eg_sweep *s,
                         eg_err *err);
/* The row that a query of those columns is at; false: it is none. */
bool egi_queue_row(eg_point *p, struct sqlite3_stmt *q, const eg_sweep *s);
/* Writes rows [n]; false: SQLite says why not. */
bool egi_queue_put_rows(struct sqlite3 *db, const eg_sweep *s,
                        const eg_point *p, int n);
/* Opens s->db for work. */
eg_status egi_queue_open(eg_sweep *s, eg_journal how, eg_err *err);
void egi_queue_close(eg_sweep *s);
/* BEGIN IMMEDIATE, which waits for others (EG_EBUSY: too long); EG_EFORMAT: the
 * file was removed or made again since it was opened. Its end. */
eg_status egi_queue_begin(const eg_sweep *s, eg_err *err);
eg_status egi_queue_end(const eg_sweep *s, eg_status st, eg_err *err);
/* Writes one row. */
eg_status egi_queue_put(const eg_sweep *s, const eg_point *p, eg_err *err);
/* Moves a damaged one aside, to queue.sqlite.kept, .kept-2, ... */
eg_status egi_queue_put_aside(const eg_sweep *s, eg_err *err);

/* A point whose process is gone is pending again. */
void egi_point_free_dead(eg_point *p);

/* A directory below the root; "" when it is not. */
const char *egi_below_root(const eg_sweep *s, const char *dir);

#endif
