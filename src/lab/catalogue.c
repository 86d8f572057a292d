/* runs/catalogue.sqlite: an index over the run directories, nothing that is
 * not in their run.json, so that it can be thrown away and rebuilt. */
#include "lab/run_priv.h"

#include <sqlite3.h>
#include <string.h>
#include "engram/mem.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS runs ("
    " dir TEXT PRIMARY KEY, name TEXT, id TEXT, status TEXT, reason TEXT,"
    " start TEXT, end TEXT, version TEXT, kernels TEXT, precision TEXT,"
    " threads INTEGER, seed INTEGER, steps INTEGER, steps_done INTEGER,"
    " announced INTEGER, peak INTEGER, seconds REAL, tokens_per_s REAL)";

static eg_status sql_fail(sqlite3 *db, const char *root, eg_err *err)
{
    return EG_FAIL(err, EG_EIO, "%s/catalogue.sqlite: %s", root,
                   db ? sqlite3_errmsg(db) : "out of memory");
}

static eg_status db_open(sqlite3 **db, const char *root, eg_err *err)
{
    char path[EG_PATH + 32];
    eg_status st = egi_path(path, sizeof path, root, "catalogue.sqlite", err);

    *db = NULL;
    if (st == EG_OK) st = eg_mkdirs(root, err);
    if (st != EG_OK) return st;
    if (sqlite3_open(path, db) != SQLITE_OK ||
        sqlite3_busy_timeout(*db, 5000) != SQLITE_OK ||
        sqlite3_exec(*db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        st = sql_fail(*db, root, err);
        sqlite3_close(*db);
        *db = NULL;
    }
    return st;
}

static void bind_text(sqlite3_stmt *q, int i, const char *s)
{
    sqlite3_bind_text(q, i, s, -1, SQLITE_TRANSIENT);
}

static eg_status insert(sqlite3 *db, const char *root, const eg_run_info *r,
                        eg_err *err)
{
    static const char sql[] = "INSERT OR REPLACE INTO runs VALUES"
                              "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    const char *text[] = {r->dir,    r->name,     r->id,  r->status,
                          r->reason, r->start,    r->end, r->version,
                          r->kern,   r->precision};
    const int64_t number[] = {r->threads,         r->seed,
                              r->steps,           r->steps_done,
                              r->announced_bytes, r->peak_bytes};
    sqlite3_stmt *q = NULL;
    eg_status st = EG_OK;
    int at = 1;

    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
        return sql_fail(db, root, err);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        bind_text(q, at++, text[i]);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        sqlite3_bind_int64(q, at++, number[i]);
    sqlite3_bind_double(q, at++, r->seconds);
    sqlite3_bind_double(q, at, r->tokens_per_s);
    if (sqlite3_step(q) != SQLITE_DONE) st = sql_fail(db, root, err);
    sqlite3_finalize(q);
    return st;
}

eg_status eg_catalogue_update(const char *root, const char *dir, eg_err *err)
{
    sqlite3 *db = NULL;
    eg_run_info info;
    eg_status st = eg_run_info_read(&info, dir, err);

    if (st == EG_OK) st = db_open(&db, root, err);
    if (st == EG_OK) st = insert(db, root, &info, err);
    sqlite3_close(db);
    return st;
}

eg_status eg_catalogue_rebuild(const char *root, int *n, eg_err *err)
{
    char(*dirs)[EG_PATH] = NULL;
    sqlite3 *db = NULL;
    eg_status st = eg_runs_find(&dirs, n, root, err);

    if (st == EG_OK) st = db_open(&db, root, err);
    if (st == EG_OK && sqlite3_exec(db, "BEGIN; DELETE FROM runs", NULL, NULL,
                                    NULL) != SQLITE_OK)
        st = sql_fail(db, root, err);
    for (int i = 0; st == EG_OK && i < *n; i++) {
        eg_run_info info;

        if (eg_run_info_read(&info, dirs[i], NULL) == EG_OK)
            st = insert(db, root, &info, err);
    }
    if (st == EG_OK &&
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        st = sql_fail(db, root, err);
    sqlite3_close(db);
    eg_free(dirs);
    return st;
}

static void column_text(sqlite3_stmt *q, int i, char *buf, size_t size)
{
    const unsigned char *s = sqlite3_column_text(q, i);

    snprintf(buf, size, "%s", s ? (const char *)s : "");
}

static void read_row(sqlite3_stmt *q, eg_run_info *r)
{
    *r = (eg_run_info){0};
    column_text(q, 0, r->dir, sizeof r->dir);
    column_text(q, 1, r->name, sizeof r->name);
    column_text(q, 2, r->id, sizeof r->id);
    column_text(q, 3, r->status, sizeof r->status);
    column_text(q, 4, r->reason, sizeof r->reason);
    column_text(q, 5, r->start, sizeof r->start);
    column_text(q, 6, r->end, sizeof r->end);
    column_text(q, 7, r->version, sizeof r->version);
    column_text(q, 8, r->kern, sizeof r->kern);
    column_text(q, 9, r->precision, sizeof r->precision);
    r->threads = sqlite3_column_int(q, 10);
    r->seed = sqlite3_column_int64(q, 11);
    r->steps = sqlite3_column_int64(q, 12);
    r->steps_done = sqlite3_column_int64(q, 13);
    r->announced_bytes = sqlite3_column_int64(q, 14);
    r->peak_bytes = sqlite3_column_int64(q, 15);
    r->seconds = sqlite3_column_double(q, 16);
    r->tokens_per_s = sqlite3_column_double(q, 17);
}

eg_status eg_catalogue_each(const char *root, const char *name,
                            eg_catalogue_fn fn, void *ctx, eg_err *err)
{
    static const char sql[] = "SELECT * FROM runs WHERE ?1 = '' OR name = ?1 "
                              "ORDER BY start DESC, id DESC";
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    eg_status st = db_open(&db, root, err);

    if (st != EG_OK) return st;
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK) {
        st = sql_fail(db, root, err);
    } else {
        bind_text(q, 1, name ? name : "");
        while (sqlite3_step(q) == SQLITE_ROW) {
            eg_run_info info;

            read_row(q, &info);
            fn(ctx, &info);
        }
    }
    sqlite3_finalize(q);
    sqlite3_close(db);
    return st;
}
