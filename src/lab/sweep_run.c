/* A point is run, or gone on with; and a worker that does nothing else. */
#include "lab/sweep_priv.h"

#include <string.h>
#include <time.h>
#include "engram/mem.h"
#include "engram/pool.h"
#include "lab/run_priv.h"

enum { LOCK_SECONDS = 10 };

/* What there is of a run in its folder: 0 nothing, else how far it was made. */
static int made(const char *dir)
{
    return eg_folder_holds(dir, "lock") +
           2 * eg_folder_holds(dir, "config.yaml");
}

/* Refused, as a process that was left behind by one that was killed makes or
 * drops the run at this moment? */
static bool was_overtaken(eg_status st, const eg_lab_result *r, const char *dir,
                          int before)
{
    return st == EG_EINVAL && !r->dir[0] && made(dir) != before;
}

eg_status eg_sweep_run(eg_lab_result *out, const eg_sweep *s, const eg_point *p,
                       const eg_lab_opts *opts, eg_err *err)
{
    const struct timespec wait = {.tv_nsec = 50000000};
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_lab_opts o = *opts;
    double start = eg_clock();
    int there;
    eg_status st;

    *out = (eg_lab_result){0};
    if (!cfg) return EG_FAIL(err, EG_ENOMEM, "sweep: out of memory");
    EG_TRY(eg_sweep_config(s, p->i, cfg, NULL, 0, err));
    o.root = s->root;
    o.dir = p->dir;
    o.sweep = s->name;
    o.point = p->i;
    if (!o.label) o.label = p->label;
    do {
        /* of a process that was killed, its own may still be saving */
        there = made(p->dir);
        o.resume = there != 0;
        st = eg_lab_run(out, cfg, &o, err);
    } while ((st == EG_EBUSY || was_overtaken(st, out, p->dir, there)) &&
             eg_clock() - start < LOCK_SECONDS && !(o.stop && o.stop(o.ctx)) &&
             nanosleep(&wait, NULL) == 0);
done:
    eg_free(cfg);
    return st;
}

/* ---- a worker ---------------------------------------------------------------
 */

typedef struct worker {
    eg_sweep *s;
    const eg_lab_opts *opts;
} worker;

/* Asked between steps, it also gives the signs of life. */
static bool stop(void *ctx)
{
    worker *w = ctx;

    (void)eg_sweep_beat(w->s, NULL);
    return w->opts->stop && w->opts->stop(w->opts->ctx);
}

static eg_status work_on(worker *w, const eg_point *p, bool *stopped,
                         eg_err *err)
{
    eg_lab_opts o = *w->opts;
    eg_lab_result r;
    eg_err why = {0};
    eg_status st;

    o.stop = stop;
    o.ctx = w;
    o.plan = NULL;
    o.note = NULL;
    o.progress = NULL;
    st = eg_sweep_run(&r, w->s, p, &o, &why);
    *stopped = st == EG_OK && r.outcome == EG_INTERRUPTED;
    return eg_sweep_ended(w->s, p, st, &r, st == EG_OK ? r.reason : why.msg,
                          err);
}

eg_status eg_sweep_work(int *done, eg_sweep *s, const eg_lab_opts *opts,
                        eg_err *err)
{
    worker w = {.s = s, .opts = opts};
    bool stopped = false;
    eg_point *p = eg_calloc(1, sizeof *p);
    eg_taken got = EG_TAKEN;
    eg_status st = EG_OK;

    *done = 0;
    if (!p) return EG_FAIL(err, EG_ENOMEM, "sweep: out of memory");
    while (!stopped && !(opts->stop && opts->stop(opts->ctx))) {
        EG_TRY(eg_sweep_take(&got, p, s, err));
        if (got != EG_TAKEN) break;
        EG_TRY(work_on(&w, p, &stopped, err));
        *done += !stopped;
    }
done:
    eg_free(p);
    return st;
}
