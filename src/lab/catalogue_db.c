/* The catalogue as a database; see catalogue_db.h. It is read whole into memory
 * and opened there, so that SQLite follows no link, writes nothing and believes
 * nothing of a damaged file: each row carries a checksum. */
#include "lab/catalogue_db.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "base/sum.h"
#include "engram/mem.h"

#define NAME EGI_CATALOGUE
enum { MOST_BYTES = 1 << 30, SMALLEST = 512 /* an empty database */ };

typedef enum kind { TEXT, INT, INT64, REAL } kind;

#define COLUMN(name, kind, member)                 \
    {                                              \
        name, kind, offsetof(egi_entry, member),   \
            sizeof(((const egi_entry *)0)->member) \
    }

/* The columns; behind them stands "sum". */
static const struct column {
    const char *name;
    kind kind;
    size_t offset, size;
} column[] = {COLUMN("dir", TEXT, info.dir),
              COLUMN("name", TEXT, info.name),
              COLUMN("id", TEXT, info.id),
              COLUMN("kind", TEXT, info.kind),
              COLUMN("status", TEXT, info.status),
              COLUMN("reason", TEXT, info.reason),
              COLUMN("start", TEXT, info.start),
              COLUMN("end", TEXT, info.end),
              COLUMN("version", TEXT, info.version),
              COLUMN("kernels", TEXT, info.kern),
              COLUMN("precision", TEXT, info.precision),
              COLUMN("threads", INT, info.threads),
              COLUMN("seed", INT64, info.seed),
              COLUMN("steps", INT64, info.steps),
              COLUMN("steps_done", INT64, info.steps_done),
              COLUMN("evaluations", INT64, info.evaluations),
              COLUMN("solver_steps", INT64, info.solver_steps),
              COLUMN("rejected", INT64, info.rejected),
              COLUMN("announced", INT64, info.announced_bytes),
              COLUMN("peak", INT64, info.peak_bytes),
              COLUMN("seconds", REAL, info.seconds),
              COLUMN("tokens_per_s", REAL, info.tokens_per_s),
              COLUMN("config_hash", TEXT, info.config_hash),
              COLUMN("sweep", TEXT, info.sweep),
              COLUMN("point", INT64, info.point),
              COLUMN("record_changed_ns", INT64, changed),
              COLUMN("record_bytes", INT64, bytes)};
enum { COLUMNS = sizeof column / sizeof *column, SQL = 1024 };

static void schema(char sql[SQL])
{
    static const char *const type[] = {"TEXT", "INTEGER", "INTEGER", "REAL"};
    size_t n = 0;

    for (int i = 0; i < COLUMNS; i++)
        n += (size_t)snprintf(sql + n, SQL - n, "%s\"%s\" %s%s",
                              i ? ", " : "CREATE TABLE runs (", column[i].name,
                              type[column[i].kind], i ? "" : " PRIMARY KEY");
    (void)snprintf(sql + n, SQL - n, ", \"sum\" INTEGER)");
}

static const void *at(const egi_entry *row, int i)
{
    return (const char *)row + column[i].offset;
}

/* Of all columns of a row: text with its 0, numbers in 8 bytes. */
static int64_t sum_of(const egi_entry *row)
{
    egi_summer s;
    egi_sum sum;
    int64_t both;

    egi_summer_init(&s);
    for (int i = 0; i < COLUMNS; i++) {
        int64_t small = 0;

        if (column[i].kind == INT) small = *(const int *)at(row, i);
        if (column[i].kind == INT)
            egi_summer_add(&s, &small, sizeof small);
        else if (column[i].kind == TEXT)
            egi_summer_add(&s, at(row, i), strlen(at(row, i)) + 1);
        else
            egi_summer_add(&s, at(row, i), 8);
    }
    sum = egi_summer_end(&s);
    memcpy(&both, &sum.lo, sizeof both);
    return both;
}

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
    char sql[SQL];
    sqlite3_stmt *q = prepare(
        db, "SELECT sql FROM sqlite_master WHERE type='table' AND name='runs'");
    bool ours = false;

    schema(sql);
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

/* False: not a row that was written so. */
static bool read_row(egi_entry *row, sqlite3_stmt *q)
{
    memset(row, 0, sizeof *row);
    for (int i = 0; i < COLUMNS; i++) {
        void *to = (char *)row + column[i].offset;
        const unsigned char *text;

        switch (column[i].kind) {
        case TEXT:
            text = sqlite3_column_text(q, i);
            if (!text || strlen((const char *)text) >= column[i].size)
                return false;
            memcpy(to, text, strlen((const char *)text));
            break;
        case INT:
            *(int *)to = sqlite3_column_int(q, i);
            break;
        case INT64:
            *(int64_t *)to = sqlite3_column_int64(q, i);
            break;
        case REAL:
            *(double *)to = sqlite3_column_double(q, i);
        }
    }
    return sqlite3_column_int64(q, COLUMNS) == sum_of(row);
}

static eg_status read_rows(egi_entry **row, int *n, bool *whole, sqlite3 *db,
                           int most, eg_err *err)
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
        if (read_row(*row + *n, q))
            ++*n;
        else
            *whole = false;
    }
    if (rc != SQLITE_DONE) *whole = false;
    sqlite3_finalize(q);
    return EG_OK;
}

eg_status egi_catalogue_load(egi_entry **row, int *n, bool *whole,
                             const eg_folder *root, int most, eg_err *err)
{
    char *bytes = NULL;
    size_t size = 0;
    sqlite3 *db = NULL;
    eg_status st;

    *row = NULL;
    *n = 0;
    *whole = false;
    st = eg_file_read_in(&bytes, &size, root, NAME, MOST_BYTES, NULL);
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
        st = read_rows(row, n, whole, db, most, err);
    } else {
        st = EG_OK;
    }
    sqlite3_close(db);
    eg_free(bytes);
    if (st != EG_OK) {
        eg_free(*row);
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

static sqlite3_stmt *prepare_insert(sqlite3 *db)
{
    char sql[64 + 2 * COLUMNS];
    int n = snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO runs VALUES (?");

    for (int i = 0; i < COLUMNS; i++) {
        sql[n++] = ',';
        sql[n++] = '?';
    }
    memcpy(sql + n, ")", 2);
    return prepare(db, sql);
}

static bool insert(sqlite3_stmt *q, const egi_entry *row)
{
    for (int i = 0; i < COLUMNS; i++) {
        const void *v = at(row, i);

        switch (column[i].kind) {
        case TEXT:
            sqlite3_bind_text(q, i + 1, v, -1, SQLITE_STATIC);
            break;
        case INT:
            sqlite3_bind_int(q, i + 1, *(const int *)v);
            break;
        case INT64:
            sqlite3_bind_int64(q, i + 1, *(const int64_t *)v);
            break;
        case REAL:
            sqlite3_bind_double(q, i + 1, *(const double *)v);
        }
    }
    sqlite3_bind_int64(q, COLUMNS + 1, sum_of(row));
    return sqlite3_step(q) == SQLITE_DONE && sqlite3_reset(q) == SQLITE_OK;
}

static bool fill(sqlite3 *db, const egi_entry *row, int n)
{
    sqlite3_stmt *q = prepare_insert(db);
    bool ok = q != NULL;

    for (int i = 0; ok && i < n; i++) ok = insert(q, row + i);
    sqlite3_finalize(q);
    return ok;
}

eg_status egi_catalogue_save(const eg_folder *root, const egi_entry *row, int n,
                             eg_err *err)
{
    sqlite3 *db = NULL;
    unsigned char *image = NULL;
    sqlite3_int64 size = 0;
    eg_status st = EG_OK;
    char sql[SQL];

    schema(sql);
    if (sqlite3_open(":memory:", &db) == SQLITE_OK && run(db, sql) &&
        run(db, "BEGIN") && fill(db, row, n) && run(db, "COMMIT"))
        image = sqlite3_serialize(db, "main", &size, 0);
    if (!image)
        st = fail(db, root, err);
    else
        st = egi_catalogue_place(root, err);
    if (st == EG_OK)
        st = eg_file_write_in(root, NAME, image, (size_t)size, err);
    sqlite3_free(image);
    sqlite3_close(db);
    return st;
}

/* Is there a file that SQLite may open, or can one be made? It would follow a
 * link. */
static eg_status make_sure(const eg_folder *root, eg_err *err)
{
    int fd = -1;
    eg_status st = eg_folder_fd(
        &fd, root, NAME, eg_folder_has(root, NAME) ? EG_UPDATE : EG_NEW, err);

    if (st == EG_OK) eg_folder_close(&(eg_folder){.fd = fd});
    return st;
}

eg_status egi_catalogue_put(const eg_folder *root, const egi_entry *row,
                            eg_err *err)
{
    char path[PATH_MAX + 32], real[PATH_MAX], sql[SQL];
    sqlite3 *db = NULL;
    eg_status st = make_sure(root, err);
    bool ok;

    if (st != EG_OK) return st;
    /* the folder may be reached through links, the file may not */
    if (!realpath(root->path, real))
        return EG_FAIL(err, EG_EIO, "%s: %s", root->path, strerror(errno));
    (void)snprintf(path, sizeof path, "%s/" NAME, real);
    schema(sql);
    /* it can be made again: no need to wait for the disk */
    ok =
        sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW,
                        NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(db, 5000) == SQLITE_OK &&
        run(db, "PRAGMA synchronous=OFF") && run(db, "BEGIN IMMEDIATE");
    if (ok && !is_ours(db)) {
        ok = is_empty(db) && run(db, sql);
        if (!ok) st = EG_FAIL(err, EG_EFORMAT, "%s: no catalogue", path);
    }
    ok = ok && fill(db, row, 1) && run(db, "COMMIT");
    if (!ok && st == EG_OK) st = fail(db, root, err);
    sqlite3_close(db);
    return st;
}
