/* The catalogue as a database; see catalogue_db.h. It is read whole into memory
 * and opened there, so that SQLite follows no link, writes nothing and believes
 * nothing of a damaged file: each row carries a checksum. */
#include "lab/catalogue_db.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "engram/mem.h"

#define NAME EGI_CATALOGUE
enum { MOST_BYTES = 1 << 30, SMALLEST = 512 /* an empty database */ };

/* ---- rows out -------------------------------------------------------------
 */

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK) {
        sqlite3_finalize(q);
        return NULL;
    }
    return q;
}

/* Is the table "runs" the one that we make? */
static bool is_ours(sqlite3 *db)
{
    char sql[EGI_SQL];
    sqlite3_stmt *q = prepare(
        db, "SELECT sql FROM sqlite_master WHERE type='table' AND name='runs'");
    bool ours = false;

    egi_catalogue_schema(sql);
    if (q && sqlite3_step(q) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(q, 0);

        ours = text && strcmp(text, sql) == 0;
    }
    sqlite3_finalize(q);
    return ours;
}

static bool is_empty(sqlite3 *db)
{
    sqlite3_stmt *q = prepare(db, "SELECT 1 FROM sqlite_master");
    bool empty = q && sqlite3_step(q) == SQLITE_DONE;

    sqlite3_finalize(q);
    return empty;
}

/* Text of column i into `to`, or a copy of its own where any length will do. */
static bool read_text(void *to, const egi_column *c, sqlite3_stmt *q, int i)
{
    const char *text = (const char *)sqlite3_column_text(q, i);
    char *own;

    if (!text) return false;
    if (c->kind != EGI_LONG) {
        if (strlen(text) >= c->size) return false;
        memcpy(to, text, strlen(text));
        return true;
    }
    own = eg_strdup(text);
    memcpy(to, &own, sizeof own);
    return own != NULL;
}

static bool read_column(egi_entry *row, sqlite3_stmt *q, int i)
{
    const egi_column *c = &egi_columns[i];
    void *to = (char *)row + c->offset;

    switch (c->kind) {
    case EGI_TEXT:
    case EGI_LIST:
    case EGI_LONG:
        return read_text(to, c, q, i);
    case EGI_INT:
        *(int *)to = sqlite3_column_int(q, i);
        break;
    case EGI_BOOL:
        *(bool *)to = sqlite3_column_int(q, i) != 0;
        break;
    case EGI_INT64:
        *(int64_t *)to = sqlite3_column_int64(q, i);
        break;
    case EGI_REAL:
        *(double *)to = sqlite3_column_double(q, i);
    }
    return true;
}

/* What is not whole of them is not there: it is read again. */
static void read_details(egi_entry *row, sqlite3_stmt *q)
{
    bool ok = row->details != 0;

    for (int i = EGI_OF_RECORD; ok && i < EGI_COLUMNS - 1; i++)
        ok = read_column(row, q, i);
    if (ok && egi_details_sum(row) == row->details) return;
    eg_free(row->config);
    eg_free(row->last);
    row->config = row->last = NULL;
    row->config_file = row->metrics_file = (egi_stamp){0};
    row->details = 0;
}

/* False: not a row that was written so. */
static bool read_row(egi_entry *row, sqlite3_stmt *q, bool details)
{
    bool ok = true;

    memset(row, 0, sizeof *row);
    for (int i = 0; ok && i < EGI_OF_RECORD; i++) ok = read_column(row, q, i);
    ok = ok && read_column(row, q, EGI_COLUMNS - 1) &&
         sqlite3_column_int64(q, EGI_COLUMNS) == egi_row_sum(row);
    if (ok && details) read_details(row, q);
    return ok;
}

static eg_status read_rows(egi_entry **row, int *n, bool *whole, sqlite3 *db,
                           int most, bool details, eg_err *err)
{
    sqlite3_stmt *q = is_ours(db) ? prepare(db, "SELECT * FROM runs") : NULL;
    int cap = 0, rc = SQLITE_ERROR;

    while (q && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        if (*n == most) break; /* a damaged tree may give rows for ever */
        if (*n == cap) {
            egi_entry *more;

            cap = cap ? 2 * cap : 64;
            more = eg_realloc(*row, (size_t)cap * sizeof *more);
            if (!more) {
                sqlite3_finalize(q);
                return EG_FAIL(err, EG_ENOMEM, "catalogue: out of memory");
            }
            *row = more;
        }
        if (read_row(*row + *n, q, details))
            ++*n;
        else
            *whole = false;
    }
    if (rc != SQLITE_DONE) *whole = false;
    sqlite3_finalize(q);
    return EG_OK;
}

eg_status egi_catalogue_load(egi_entry **row, int *n, bool *whole,
                             const eg_folder *root, int most, bool details,
                             eg_err *err)
{
    char *bytes = NULL;
    size_t size = 0;
    sqlite3 *db = NULL;
    eg_status st;
    bool held;

    *row = NULL;
    *n = 0;
    *whole = false;
    held = egi_catalogue_hold(root, false);
    st = eg_file_read_in(&bytes, &size, root, NAME, MOST_BYTES, NULL);
    if (held) egi_catalogue_let_go(root);
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "catalogue: out of memory");
    if (st != EG_OK || size < SMALLEST) {
        eg_free(bytes);
        return EG_OK;
    }
    if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) ==
            SQLITE_OK &&
        sqlite3_deserialize(db, "main", (unsigned char *)bytes,
                            (sqlite3_int64)size, (sqlite3_int64)size,
                            SQLITE_DESERIALIZE_READONLY) == SQLITE_OK) {
        *whole = true;
        st = read_rows(row, n, whole, db, most, details, err);
    } else {
        st = EG_OK;
    }
    sqlite3_close(db);
    eg_free(bytes);
    if (st != EG_OK) {
        egi_entries_free(*row, *n);
        *row = NULL;
        *n = 0;
    }
    return st;
}

/* ---- rows in ---------------------------------------------------------------
 */

static bool run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static eg_status fail(sqlite3 *db, const eg_folder *root, eg_err *err)
{
    /* sqlite3_serialize has no memory without a word */
    int code = db ? sqlite3_errcode(db) : SQLITE_NOMEM;
    bool no_memory = code == SQLITE_NOMEM || code == SQLITE_OK;
    eg_status st = no_memory             ? EG_ENOMEM
                   : code == SQLITE_BUSY ? EG_EBUSY
                   : code == SQLITE_NOTADB || code == SQLITE_CORRUPT
                       ? EG_EFORMAT
                       : EG_EIO;

    return EG_FAIL(err, st, "%s/" NAME ": %s", root->path,
                   no_memory ? "out of memory" : sqlite3_errmsg(db));
}

/* All columns anew; or, without details, those of the record alone where there
 * is such a row. */
static sqlite3_stmt *prepare_insert(sqlite3 *db, bool details)
{
    char sql[2 * EGI_SQL];
    size_t n = (size_t)snprintf(sql, sizeof sql, "INSERT %sINTO runs VALUES (?",
                                details ? "OR REPLACE " : "");

    for (int i = 0; i < EGI_COLUMNS; i++)
        n += (size_t)snprintf(sql + n, sizeof sql - n, ",?");
    n += (size_t)snprintf(sql + n, sizeof sql - n, ")%s",
                          details ? "" : " ON CONFLICT(dir) DO UPDATE SET ");
    for (int i = 1; i < EGI_OF_RECORD && !details; i++)
        n += (size_t)snprintf(sql + n, sizeof sql - n,
                              "\"%s\" = excluded.\"%s\", ", egi_columns[i].name,
                              egi_columns[i].name);
    if (!details)
        (void)snprintf(sql + n, sizeof sql - n, "\"sum\" = excluded.\"sum\"");
    return prepare(db, sql);
}

static void bind(sqlite3_stmt *q, const egi_entry *row, int i)
{
    const egi_column *c = &egi_columns[i];
    const void *v = (const char *)row + c->offset;
    const char *text;

    switch (c->kind) {
    case EGI_LONG:
        memcpy(&text, v, sizeof text);
        sqlite3_bind_text(q, i + 1, text ? text : "", -1, SQLITE_STATIC);
        break;
    case EGI_TEXT:
    case EGI_LIST:
        sqlite3_bind_text(q, i + 1, v, -1, SQLITE_STATIC);
        break;
    case EGI_INT:
        sqlite3_bind_int(q, i + 1, *(const int *)v);
        break;
    case EGI_BOOL:
        sqlite3_bind_int(q, i + 1, *(const bool *)v);
        break;
    case EGI_INT64:
        sqlite3_bind_int64(q, i + 1, *(const int64_t *)v);
        break;
    case EGI_REAL:
        sqlite3_bind_double(q, i + 1, *(const double *)v);
    }
}

static bool insert(sqlite3_stmt *q, const egi_entry *row)
{
    for (int i = 0; i < EGI_COLUMNS; i++) bind(q, row, i);
    sqlite3_bind_int64(q, EGI_COLUMNS + 1, egi_row_sum(row));
    return sqlite3_step(q) == SQLITE_DONE && sqlite3_reset(q) == SQLITE_OK;
}

/* Details that are there and were not loaded stay in the file. */
static bool keeps_details(const egi_entry *row)
{
    return row->details != 0 && !row->config;
}

static bool fill(sqlite3 *db, const egi_entry *const *row, int n)
{
    sqlite3_stmt *whole = prepare_insert(db, true);
    sqlite3_stmt *part = prepare_insert(db, false);
    bool ok = whole && part;

    for (int i = 0; ok && i < n; i++)
        ok = insert(keeps_details(row[i]) ? part : whole, row[i]);
    sqlite3_finalize(whole);
    sqlite3_finalize(part);
    return ok;
}

static bool forget(sqlite3 *db, const char *const *dir, int n)
{
    sqlite3_stmt *q = prepare(db, "DELETE FROM runs WHERE dir = ?");
    bool ok = q != NULL;

    for (int i = 0; ok && i < n; i++) {
        sqlite3_bind_text(q, 1, dir[i], -1, SQLITE_STATIC);
        ok = sqlite3_step(q) == SQLITE_DONE && sqlite3_reset(q) == SQLITE_OK;
    }
    sqlite3_finalize(q);
    return ok;
}

/* A database in memory with these rows. */
static bool fill_new(sqlite3 *db, const egi_entry *row, int n)
{
    char sql[EGI_SQL];
    bool ok;

    egi_catalogue_schema(sql);
    ok = run(db, sql) && run(db, "BEGIN");
    if (n > 0) {
        const egi_entry **at = eg_calloc((size_t)n, sizeof(void *));

        for (int i = 0; at && i < n; i++) at[i] = &row[i];
        ok = ok && at && fill(db, at, n);
        eg_free(at);
    }
    return ok && run(db, "COMMIT");
}

eg_status egi_catalogue_save(const eg_folder *root, const egi_entry *row, int n,
                             eg_err *err)
{
    sqlite3 *db = NULL;
    unsigned char *image = NULL;
    sqlite3_int64 size = 0;
    eg_status st = EG_OK;
    bool held;

    if (sqlite3_open(":memory:", &db) == SQLITE_OK && fill_new(db, row, n))
        image = sqlite3_serialize(db, "main", &size, 0);
    if (!image)
        st = fail(db, root, err);
    else
        st = egi_catalogue_place(root, err);
    held = st == EG_OK && egi_catalogue_hold(root, true);
    if (st == EG_OK)
        st = eg_file_write_in(root, NAME, image, (size_t)size, err);
    if (held) egi_catalogue_let_go(root);
    sqlite3_free(image);
    sqlite3_close(db);
    return st;
}

/* Is there a file that SQLite may open, or can one be made? It would follow a
 * link. */
static eg_status make_sure(const eg_folder *root, eg_err *err)
{
    int fd = -1; /* made where nothing is: many may come to it at once */
    eg_status st = eg_folder_fd(&fd, root, NAME, EG_APPEND, err);

    if (st == EG_OK) eg_folder_close(&(eg_folder){.fd = fd});
    return st;
}

/* It can be made again: no need to wait for the disk, nor for a journal beside
 * it. */
static bool open_file(sqlite3 **db, const char *path)
{
    return sqlite3_open_v2(path, db,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW,
                           NULL) == SQLITE_OK &&
           sqlite3_busy_timeout(*db, 2000) == SQLITE_OK &&
           run(*db, "PRAGMA synchronous=OFF") &&
           run(*db, "PRAGMA journal_mode=MEMORY") &&
           run(*db, "BEGIN IMMEDIATE");
}

static eg_status put(const eg_folder *root, const char *path,
                     const egi_change *c, eg_err *err)
{
    char sql[EGI_SQL];
    sqlite3 *db = NULL;
    eg_status st = EG_OK;
    bool ok = open_file(&db, path);

    egi_catalogue_schema(sql);
    if (ok && !is_ours(db)) {
        ok = is_empty(db) && run(db, sql);
        if (!ok) st = EG_FAIL(err, EG_EFORMAT, "%s: no catalogue", path);
    }
    ok = ok && fill(db, c->row, c->n) && forget(db, c->gone, c->n_gone) &&
         run(db, "COMMIT");
    if (!ok && st == EG_OK) st = fail(db, root, err);
    sqlite3_close(db);
    return st;
}

eg_status egi_catalogue_put(const eg_folder *root, const egi_change *change,
                            eg_err *err)
{
    char path[PATH_MAX + 32], real[PATH_MAX];
    bool held;
    eg_status st = make_sure(root, err);

    if (st != EG_OK) return st;
    /* the folder may be reached through links, the file may not */
    if (!realpath(root->path, real))
        return EG_FAIL(err, EG_EIO, "%s: %s", root->path, strerror(errno));
    (void)snprintf(path, sizeof path, "%s/" NAME, real);
    held = egi_catalogue_hold(root, true);
    st = put(root, path, change, err);
    if (held) egi_catalogue_let_go(root);
    return st;
}
