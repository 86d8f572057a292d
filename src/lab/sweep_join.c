/* The queue as a whole: read, joined, and made again when it is lost. */
#include "lab/sweep_priv.h"

#include <string.h>
#include <time.h>
#include "engram/mem.h"
#include "engram/pool.h"
#include "engram/text.h"

enum { NOTE = 256, MOST_SECONDS = 60 /* for a lock */ };

void egi_point_free_dead(eg_point *p)
{
    if (p->state != EG_POINT_RUNNING ||
        egi_worker_alive(p->worker, p->heartbeat, (int64_t)time(NULL)))
        return;
    p->state = EG_POINT_PENDING;
    p->worker[0] = '\0';
    (void)snprintf(p->reason, sizeof p->reason, "its process is gone");
}

static eg_status make_again(eg_point **point, const eg_sweep *s, eg_err *err)
{
    int gone;
    eg_status st = egi_points_new(point, s, err);

    return st == EG_OK
               ? egi_points_recover(*point, s, true, !s->anew, &gone, err)
               : st;
}

eg_status eg_sweep_read(eg_point **point, const eg_sweep *s, eg_err *err)
{
    eg_point *p = eg_calloc((size_t)s->n_points, sizeof *p);
    eg_status st;

    *point = NULL;
    if (!p) return EG_FAIL(err, EG_ENOMEM, "sweep: out of memory");
    st = egi_queue_read(p, s, err);
    if (st == EG_EFORMAT) {
        eg_free(p);
        p = NULL;
        st = make_again(&p, s, err);
    }
    for (int i = 0; i < s->n_points && st == EG_OK; i++)
        egi_point_free_dead(&p[i]);
    if (st == EG_OK) {
        *point = p;
        p = NULL;
    }
    eg_free(p);
    return st;
}

/* One process at a time makes a lost queue again. The file of the lock goes
 * with the lock: who waited for it asks again. */
static eg_status lock(int *fd, eg_folder *f, const eg_sweep *s, eg_err *err)
{
    const struct timespec wait = {.tv_nsec = 100000000};
    double start = eg_clock();
    eg_status st = eg_folder_open(f, s->dir, err);

    if (st != EG_OK) return st;
    while ((st = eg_lock_take(fd, f, EGI_QUEUE_LOCK, err)) == EG_EBUSY &&
           eg_clock() - start < MOST_SECONDS)
        (void)nanosleep(&wait, NULL);
    return st;
}

static void unlock(int fd, eg_folder *f)
{
    if (fd >= 0) (void)eg_folder_remove(f, EGI_QUEUE_LOCK);
    eg_lock_drop(fd);
    eg_folder_close(f);
}

/* Opened, and made again first where it has to be. *lost: it had. */
static eg_status open_queue(eg_sweep *s, eg_journal how, bool *lost,
                            eg_err *err)
{
    eg_point *p = NULL;
    eg_folder f = {.fd = -1};
    int fd = -1;
    eg_err why = {0};
    eg_status st = egi_queue_open(s, how, &why);

    *lost = st == EG_EFORMAT;
    if (st != EG_EFORMAT)
        return st == EG_OK ? st : EG_FAIL(err, st, "%s", why.msg);
    EG_TRY(lock(&fd, &f, s, err));
    st = egi_queue_open(s, how, &why); /* by another, while we waited? */
    if (st != EG_EFORMAT) {
        if (st != EG_OK) st = EG_FAIL(err, st, "%s", why.msg);
        goto done;
    }
    EG_TRY(make_again(&p, s, err));
    EG_TRY(egi_queue_put_aside(s, err));
    EG_TRY(egi_queue_make(s, p, err));
    EG_TRY(egi_queue_open(s, how, err));
done:
    unlock(fd, &f);
    eg_free(p);
    return st;
}

static bool is_changed(const eg_point *a, const eg_point *b)
{
    return a->state != b->state || a->heartbeat != b->heartbeat ||
           strcmp(a->dir, b->dir) != 0 || strcmp(a->worker, b->worker) != 0 ||
           strcmp(a->reason, b->reason) != 0;
}

/* Points whose row says something that is so no more. */
static eg_status put_changed(const eg_sweep *s, const eg_point *before,
                             const eg_point *now, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < s->n_points && st == EG_OK; i++)
        if (is_changed(&before[i], &now[i]))
            st = egi_queue_put(s, &now[i], err);
    return st;
}

static eg_status renew(eg_sweep *s, bool retry, int *gone, eg_err *err)
{
    size_t n = (size_t)s->n_points;
    eg_point *before = eg_calloc(2 * n, sizeof *before), *now;
    eg_status st;

    if (!before) return EG_FAIL(err, EG_ENOMEM, "sweep: out of memory");
    now = before + n;
    EG_TRY(egi_queue_begin(s, err));
    st = egi_queue_rows(before, s->db, s, err);
    if (st == EG_OK) {
        memcpy(now, before, n * sizeof *now);
        for (size_t i = 0; i < n; i++) {
            egi_point_free_dead(&now[i]);
            if (retry && now[i].state == EG_POINT_FAILED)
                now[i].state = EG_POINT_PENDING;
        }
        st = egi_points_recover(now, s, false, !s->anew, gone, err);
    }
    if (st == EG_OK) st = put_changed(s, before, now, err);
    st = egi_queue_end(s, st, err);
done:
    eg_free(before);
    return st;
}

void eg_sweep_only_kern(eg_sweep *s, const char *kern)
{
    if (!kern || strcmp(kern, "auto") == 0) kern = "";
    (void)eg_text_copy(s->kern, sizeof s->kern, kern);
}

eg_status eg_sweep_join(eg_sweep *s, eg_journal how, bool retry, char *note,
                        eg_err *err)
{
    char own[NOTE];
    bool lost;
    int gone = 0;
    eg_status st;

    if (!note) note = own;
    note[0] = '\0';
    egi_worker_name(s->worker);
    s->beaten = (int64_t)time(NULL);
    EG_TRY(open_queue(s, how, &lost, err));
    EG_TRY(renew(s, retry, &gone, err));
    if (lost)
        (void)snprintf(note, NOTE,
                       "the queue of %.100s was lost or damaged and has been "
                       "made again from its runs",
                       s->name);
    else if (gone > 0)
        (void)snprintf(note, NOTE,
                       "the runs of %d points of %.100s are gone: they run "
                       "again",
                       gone, s->name);
    else if (how == EG_JOURNAL_AUTO && egi_is_remote(s->dir))
        (void)snprintf(note, NOTE,
                       "the queue lies on a file system of a network: it is "
                       "kept with a rollback journal");
done:
    return st;
}
