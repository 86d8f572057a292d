/* A point as a row of queue.sqlite, in and out. */
#include "lab/sweep_priv.h"

#include <sqlite3.h>
#include <string.h>

/* ---- rows in --------------------------------------------------------------
 */

static void bind_text(sqlite3_stmt *q, int i, const char *text)
{
    sqlite3_bind_text(q, i, text, -1, SQLITE_STATIC);
}

static bool bind_row(sqlite3_stmt *q, const eg_sweep *s, const eg_point *p)
{
    sqlite3_bind_int(q, 1, p->i);
    bind_text(q, 2, p->label);
    bind_text(q, 3, p->config_hash);
    sqlite3_bind_int64(q, 4, p->seed);
    bind_text(q, 5, eg_point_state_name(p->state));
    bind_text(q, 6, p->worker);
    sqlite3_bind_int64(q, 7, p->heartbeat);
    sqlite3_bind_int(q, 8, p->tries);
    bind_text(q, 9, egi_below_root(s, p->dir));
    bind_text(q, 10, p->reason);
    return sqlite3_step(q) == SQLITE_DONE && sqlite3_reset(q) == SQLITE_OK;
}

bool egi_queue_put_rows(sqlite3 *db, const eg_sweep *s, const eg_point *p,
                        int n)
{
    static const char insert[] =
        "INSERT OR REPLACE INTO points VALUES (?,?,?,?,?,?,?,?,?,?)";
    sqlite3_stmt *q = NULL;
    bool ok = sqlite3_prepare_v2(db, insert, -1, &q, NULL) == SQLITE_OK;

    for (int i = 0; ok && i < n; i++) ok = bind_row(q, s, &p[i]);
    sqlite3_finalize(q);
    return ok;
}

eg_status egi_queue_put(const eg_sweep *s, const eg_point *p, eg_err *err)
{
    return egi_queue_put_rows(s->db, s, p, 1)
               ? EG_OK
               : egi_queue_fail(s->db, s->dir, err);
}

/* ---- rows out --------------------------------------------------------------
 */

static bool take_text(char *buf, size_t size, sqlite3_stmt *q, int i)
{
    const char *text = (const char *)sqlite3_column_text(q, i);

    if (!text || strlen(text) >= size) return false;
    memcpy(buf, text, strlen(text) + 1);
    return true;
}

static bool take_state(eg_point_state *state, sqlite3_stmt *q, int i)
{
    const char *text = (const char *)sqlite3_column_text(q, i);

    for (int k = EG_POINT_PENDING; text && k <= EG_POINT_FAILED; k++)
        if (strcmp(text, eg_point_state_name((eg_point_state)k)) == 0) {
            *state = (eg_point_state)k;
            return true;
        }
    return false;
}

bool egi_queue_row(eg_point *p, sqlite3_stmt *q, const eg_sweep *s)
{
    char below[EG_PATH];

    p->i = sqlite3_column_int(q, 0);
    p->seed = sqlite3_column_int64(q, 3);
    p->heartbeat = sqlite3_column_int64(q, 6);
    p->tries = sqlite3_column_int(q, 7);
    if (!take_text(p->label, sizeof p->label, q, 1) ||
        !take_text(p->config_hash, sizeof p->config_hash, q, 2) ||
        !take_state(&p->state, q, 4) ||
        !take_text(p->worker, sizeof p->worker, q, 5) ||
        !take_text(below, sizeof below, q, 8) ||
        !take_text(p->reason, sizeof p->reason, q, 9))
        return false;
    p->dir[0] = '\0';
    return !below[0] || (size_t)snprintf(p->dir, sizeof p->dir, "%s/%s",
                                         s->root, below) < sizeof p->dir;
}

eg_status egi_queue_rows(eg_point *point, sqlite3 *db, const eg_sweep *s,
                         eg_err *err)
{
    static const char sql[] =
        "SELECT " EGI_QUEUE_COLUMNS " FROM points ORDER BY i";
    sqlite3_stmt *q = NULL;
    int rc, n = 0;
    bool good = true;
    eg_status st = EG_OK;

    rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    while (rc == SQLITE_OK && good && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        good = n < s->n_points && egi_queue_row(&point[n], q, s) &&
               point[n].i == n;
        n++;
        rc = SQLITE_OK;
    }
    if (rc != SQLITE_DONE && good)
        st = egi_queue_fail(db, s->dir, err);
    else if (!good || n != s->n_points)
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s/" EGI_QUEUE ": expected %d points, found others",
                     s->dir, s->n_points);
    sqlite3_finalize(q);
    return st;
}
