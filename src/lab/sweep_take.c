/* Points are taken from the queue and given back. */
#include "lab/sweep_priv.h"

#include <sqlite3.h>
#include <string.h>
#include <time.h>
#include "engram/text.h"
#include "lab/run_priv.h"

static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

/* The first row of a query into *p; *got: there is one. */
static eg_status first_row(bool *got, eg_point *p, const eg_sweep *s,
                           const char *sql, eg_err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);

    *got = false;
    if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        *got = egi_queue_row(p, q, s);
        rc = SQLITE_DONE;
    }
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? EG_OK : egi_queue_fail(s->db, s->dir, err);
}

/* Points of processes that are gone. */
static eg_status reap(const eg_sweep *s, eg_err *err)
{
    sqlite3_stmt *q = NULL;
    eg_point p;
    int rc = sqlite3_prepare_v2(
        s->db, "SELECT " EGI_QUEUE_COLUMNS " FROM points WHERE state='running'",
        -1, &q, NULL);
    eg_status st = EG_OK;

    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        if (!egi_queue_row(&p, q, s) || strcmp(p.worker, s->worker) == 0)
            continue;
        egi_point_free_dead(&p);
        if (p.state != EG_POINT_RUNNING) st = egi_queue_put(s, &p, err);
        if (st != EG_OK) break;
    }
    sqlite3_finalize(q);
    if (st != EG_OK) return st;
    return rc == SQLITE_DONE ? EG_OK : egi_queue_fail(s->db, s->dir, err);
}

/* A folder for the run, its own before anything is in it: whoever takes the
 * point over finds what there is. */
static eg_status make_place(eg_point *p, eg_sweep *s, eg_err *err)
{
    char path[EG_PATH + 16];
    eg_folder parent = {.fd = -1}, f = {.fd = -1};
    eg_status st;

    EG_TRY(eg_sweep_config(s, p->i, s->cfg, NULL, 0, err));
    EG_TRY(egi_run_check_name(s->root, s->cfg->run.name, err));
    EG_TRY(egi_path(path, sizeof path, s->root, s->cfg->run.name, err));
    EG_TRY(eg_folder_make(&parent, path, err));
    EG_TRY(eg_folder_dated(&f, &parent, err));
    if (strlen(f.path) >= sizeof p->dir)
        st = EG_FAIL(err, EG_EINVAL, "path too long: %s", f.path);
    else
        (void)snprintf(p->dir, sizeof p->dir, "%s", f.path);
done:
    eg_folder_close(&f);
    eg_folder_close(&parent);
    return st;
}

/* A point of the same configuration that is over has done this one as well. */
static eg_status as_twin(bool *same, eg_point *p, const eg_sweep *s,
                         eg_err *err)
{
    char sql[256];
    eg_point twin;
    eg_status st;

    (void)snprintf(sql, sizeof sql,
                   "SELECT " EGI_QUEUE_COLUMNS " FROM points WHERE hash='%s' "
                   "AND state='finished' LIMIT 1",
                   p->config_hash);
    st = first_row(same, &twin, s, sql, err);
    if (st != EG_OK || !*same) return st;
    p->state = EG_POINT_FINISHED;
    memcpy(p->dir, twin.dir, sizeof p->dir);
    (void)snprintf(p->reason, sizeof p->reason, "the same as point %d", twin.i);
    return egi_queue_put(s, p, err);
}

static eg_status take(eg_taken *got, eg_point *p, eg_sweep *s, eg_err *err)
{
    static const char pending[] =
        "SELECT " EGI_QUEUE_COLUMNS " FROM points p WHERE state='pending' AND "
        "NOT EXISTS (SELECT 1 FROM points r WHERE r.hash=p.hash AND "
        "r.state='running') ORDER BY i LIMIT 1";
    static const char left[] =
        "SELECT " EGI_QUEUE_COLUMNS
        " FROM points WHERE state IN ('running', 'pending') LIMIT 1";
    bool found = false, same = true;
    eg_status st = EG_OK;

    while (same) {
        EG_TRY(first_row(&found, p, s, pending, err));
        same = false;
        if (found) EG_TRY(as_twin(&same, p, s, err));
    }
    if (!found) {
        EG_TRY(first_row(&found, p, s, left, err));
        *got = found ? EG_TAKE_WAIT : EG_TAKE_FINISHED;
        return EG_OK;
    }
    if (!p->dir[0] || !eg_file_exists(p->dir)) EG_TRY(make_place(p, s, err));
    p->state = EG_POINT_RUNNING;
    p->tries++;
    p->heartbeat = now_s();
    p->reason[0] = '\0';
    memcpy(p->worker, s->worker, sizeof p->worker);
    *got = EG_TAKEN;
    st = egi_queue_put(s, p, err);
done:
    return st;
}

eg_status eg_sweep_take(eg_taken *got, eg_point *p, eg_sweep *s, eg_err *err)
{
    eg_status st;

    EG_ASSERT(s->db);
    *got = EG_TAKE_FINISHED;
    EG_TRY(egi_queue_begin(s, err));
    st = reap(s, err);
    if (st == EG_OK) st = take(got, p, s, err);
    st = egi_queue_end(s, st, err);
done:
    return st;
}

/* The folder of a run that did not come to be. */
static void unmake_place(eg_point *p, const eg_sweep *s)
{
    eg_folder f;

    if (!p->dir[0] || eg_folder_open(&f, p->dir, NULL) != EG_OK) return;
    if (eg_folder_empty(&f, NULL, NULL) == EG_OK) p->dir[0] = '\0';
    f.found = strlen(s->root); /* of what make_place made, as far as empty */
    if (p->dir[0])
        eg_folder_close(&f);
    else
        eg_folder_unmake(&f);
}

/* The row after the run, from what it was before. */
static void settle(eg_point *p, const eg_sweep *s, eg_status st,
                   const eg_lab_result *r, const char *reason)
{
    static const eg_point_state of[] = {[EG_FINISHED] = EG_POINT_FINISHED,
                                        [EG_INTERRUPTED] = EG_POINT_PENDING,
                                        [EG_DIVERGED] = EG_POINT_DIVERGED};

    p->worker[0] = '\0';
    p->heartbeat = now_s();
    (void)eg_text_copy(p->reason, sizeof p->reason, reason ? reason : "");
    if (st == EG_EBUSY) { /* asked again soon */
        p->state = EG_POINT_RUNNING;
        (void)snprintf(p->worker, sizeof p->worker, EGI_WORKER_UNKNOWN);
    } else if (st != EG_OK) {
        p->state = EG_POINT_FAILED;
    } else {
        p->state = of[r->outcome];
    }
    if (p->state == EG_POINT_FAILED || p->state == EG_POINT_PENDING)
        unmake_place(p, s);
}

eg_status eg_sweep_ended(eg_sweep *s, const eg_point *p, eg_status ended,
                         const eg_lab_result *r, const char *reason,
                         eg_err *err)
{
    char sql[160];
    eg_point now;
    bool found;
    eg_status st;

    (void)snprintf(sql, sizeof sql,
                   "SELECT " EGI_QUEUE_COLUMNS " FROM points WHERE i=%d", p->i);
    EG_TRY(egi_queue_begin(s, err));
    st = first_row(&found, &now, s, sql, err);
    /* what is over stays so, whoever was thought to be gone */
    if (st == EG_OK && found && now.state != EG_POINT_FINISHED &&
        now.state != EG_POINT_DIVERGED &&
        (ended == EG_OK || strcmp(now.worker, s->worker) == 0)) {
        settle(&now, s, ended, r, reason);
        st = egi_queue_put(s, &now, err);
    }
    st = egi_queue_end(s, st, err);
done:
    return st;
}

eg_status eg_sweep_beat(eg_sweep *s, eg_err *err)
{
    char sql[320];
    eg_status st;

    if (now_s() - s->beaten < EG_BEAT) return EG_OK;
    s->beaten = now_s();
    (void)snprintf(sql, sizeof sql,
                   "UPDATE points SET heartbeat=%lld WHERE state='running' AND "
                   "worker='%s'",
                   (long long)s->beaten, s->worker);
    EG_TRY(egi_queue_begin(s, err));
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        st = egi_queue_fail(s->db, s->dir, err);
    st = egi_queue_end(s, st, err);
done:
    return st;
}

eg_status eg_sweep_counted(eg_sweep_count *n, eg_sweep *s, eg_err *err)
{
    static const char sql[] =
        "SELECT state, worker=?, count(*), sum(state='finished' AND reason "
        "LIKE '" EGI_WAS_THERE ":%') FROM points GROUP BY 1, 2";
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);

    *n = (eg_sweep_count){0};
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(q, 1, s->worker, -1, SQLITE_STATIC);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        int *const at[] = {&n->pending, &n->running, &n->finished, &n->diverged,
                           &n->failed};
        const char *state = (const char *)sqlite3_column_text(q, 0);
        int many = sqlite3_column_int(q, 2);

        for (int k = EG_POINT_PENDING; state && k <= EG_POINT_FAILED; k++)
            if (strcmp(state, eg_point_state_name((eg_point_state)k)) == 0)
                *at[k] += many;
        if (state && strcmp(state, "running") == 0 && sqlite3_column_int(q, 1))
            n->mine = many;
        n->before += sqlite3_column_int(q, 3);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? EG_OK : egi_queue_fail(s->db, s->dir, err);
}
