/* eg_catalogue_sql. The rows are those that were checked, in a database of this
 * query's own in memory; what a statement may do there is said by SQLite's
 * authorizer, how long by its progress handler. */
#include "engram/catalogue.h"

#include <sqlite3.h>
#include <string.h>
#include "base/num.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/catalogue.h"

enum { STEPS = 1000, MOST_TEXT = 1 << 26 };
#define MOST_MEMORY ((sqlite3_int64)1 << 30)

static const char *const schema[] = {
    "runs      one row a run: dir (below the folder of runs), name, id, kind,\n"
    "          status, reason, start, end, version, kernels, precision, "
    "sweep,\n"
    "          config_hash, tags ('a, b'), note (the last one), point, "
    "threads,\n"
    "          resumed, stopped_early, seed, steps, steps_done, n_params, "
    "evaluations,\n"
    "          solver_steps, rejected, announced, peak (bytes), seconds,\n"
    "          tokens_per_s, n_notes; config and last, which are JSON:\n"
    "          config ->> '$.optim.lr' is in json_extract's words\n"
    "          json_extract(config, '$.optim.lr'), and a metric\n"
    "          last ->> '$.\"acc.copy\"'",
    "config    one row a key of a run's configuration: dir, key ('optim.lr'),\n"
    "          value",
    "last      one row a metric of a run: dir, metric, value (its last one)",
};

const char *eg_catalogue_sql_schema(int i)
{
    return i < (int)(sizeof schema / sizeof *schema) ? schema[i] : NULL;
}

/* ---- the tables -----------------------------------------------------------
 */

static const char views[] =
    "CREATE VIEW config AS SELECT runs.dir AS dir, "
    "s.key || '.' || k.key AS key, k.value AS value "
    "FROM runs, json_each(runs.config) AS s, json_each("
    "CASE s.type WHEN 'object' THEN s.value ELSE '{}' END) AS k;"
    "CREATE VIEW last AS SELECT runs.dir AS dir, m.key AS metric, "
    "m.value AS value FROM runs, json_each(runs.last) AS m;"
    "PRAGMA temp_store=MEMORY;";

/* CREATE TABLE, or INSERT with as many question marks. */
static void statement(char sql[EGI_SQL], bool create)
{
    static const char *const type[] = {
        [EGI_TEXT] = "TEXT",   [EGI_LIST] = "TEXT",    [EGI_LONG] = "TEXT",
        [EGI_INT] = "INTEGER", [EGI_BOOL] = "INTEGER", [EGI_INT64] = "INTEGER",
        [EGI_REAL] = "REAL"};
    size_t n = (size_t)snprintf(sql, EGI_SQL,
                                create ? "CREATE TABLE runs ("
                                       : "INSERT INTO runs "
                                         "VALUES (");

    for (int i = 0; i < EGI_COLUMNS; i++) {
        const egi_column *c = &egi_columns[i];

        if (c->own) continue;
        if (create)
            n += (size_t)snprintf(sql + n, EGI_SQL - n, "\"%s\" %s, ", c->name,
                                  type[c->kind]);
        else
            n += (size_t)snprintf(sql + n, EGI_SQL - n, "?, ");
    }
    (void)snprintf(sql + n, EGI_SQL - n,
                   create ? "\"config\" TEXT, \"last\" TEXT)" : "?, ?)");
}

static void bind_text(sqlite3_stmt *q, int i, const char *text)
{
    sqlite3_bind_text(q, i, text ? text : "{}", -1, SQLITE_STATIC);
}

static void bind(sqlite3_stmt *q, int i, const egi_entry *e,
                 const egi_column *c)
{
    const void *v = (const char *)e + c->offset;

    switch (c->kind) {
    case EGI_INT:
        sqlite3_bind_int(q, i, *(const int *)v);
        break;
    case EGI_BOOL:
        sqlite3_bind_int(q, i, *(const bool *)v);
        break;
    case EGI_INT64:
        sqlite3_bind_int64(q, i, *(const int64_t *)v);
        break;
    case EGI_REAL:
        sqlite3_bind_double(q, i, *(const double *)v);
        break;
    default:
        bind_text(q, i, v);
    }
}

static bool insert(sqlite3_stmt *q, const egi_entry *e)
{
    int at = 1;

    for (int i = 0; i < EGI_COLUMNS; i++)
        if (!egi_columns[i].own) bind(q, at++, e, &egi_columns[i]);
    bind_text(q, at, e->config);
    bind_text(q, at + 1, e->last);
    return sqlite3_step(q) == SQLITE_DONE && sqlite3_reset(q) == SQLITE_OK;
}

static bool fill(sqlite3 *db, const egi_entry *e, int n)
{
    char sql[EGI_SQL];
    sqlite3_stmt *q = NULL;
    bool ok;

    statement(sql, true);
    ok = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK &&
         sqlite3_exec(db, views, NULL, NULL, NULL) == SQLITE_OK &&
         sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    statement(sql, false);
    ok = ok && sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK;
    for (int i = 0; ok && i < n; i++) ok = insert(q, &e[i]);
    sqlite3_finalize(q);
    return ok && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

/* ---- the question ---------------------------------------------------------
 */

typedef struct guard {
    double until;
    bool (*stop)(void *ctx);
    void *ctx;
    const char *why; /* it was given up; NULL: it was not */
} guard;

static int may_go_on(void *arg)
{
    guard *g = arg;

    if (g->stop && g->stop(g->ctx))
        g->why = "it was stopped";
    else if (eg_clock() > g->until)
        g->why = "it takes too long";
    else if (sqlite3_memory_used() > MOST_MEMORY)
        g->why = "it takes more than 1 GiB of memory";
    return g->why != NULL;
}

static int only_select(void *ctx, int what, const char *a, const char *b,
                       const char *c, const char *d)
{
    (void)ctx;
    (void)a;
    (void)c;
    (void)d;
    if (what == SQLITE_FUNCTION)
        return strcmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    return what == SQLITE_SELECT || what == SQLITE_READ ||
                   what == SQLITE_RECURSIVE
               ? SQLITE_OK
               : SQLITE_DENY;
}

#if SQLITE_VERSION_NUMBER >= 3038000
static int place_of_error(sqlite3 *db)
{
    return sqlite3_error_offset(db);
}
#else
static int place_of_error(sqlite3 *db)
{
    (void)db;
    return -1;
}
#endif

static eg_status fail(sqlite3 *db, const guard *g, eg_err *err)
{
    int code = sqlite3_errcode(db) & 0xff, at = place_of_error(db);
    char place[32] = "";

    if (g->why) return EG_FAIL(err, EG_EBUSY, "sql: given up: %s", g->why);
    if (code == SQLITE_NOMEM)
        return EG_FAIL(err, EG_ENOMEM, "sql: out of memory");
    if (code == SQLITE_AUTH)
        return EG_FAIL(err, EG_EINVAL,
                       "sql: only SELECT is allowed, on the tables runs, "
                       "config and last");
    if (at >= 0) (void)snprintf(place, sizeof place, "column %d: ", at + 1);
    return EG_FAIL(err, EG_EINVAL, "sql: %s%s", place, sqlite3_errmsg(db));
}

static eg_status prepare(sqlite3_stmt **q, sqlite3 *db, const char *sql,
                         const guard *g, eg_err *err)
{
    const char *rest = NULL;
    sqlite3_stmt *more = NULL;
    int n;

    if (sqlite3_prepare_v2(db, sql, -1, q, &rest) != SQLITE_OK)
        return fail(db, g, err);
    if (!*q) return EG_FAIL(err, EG_EINVAL, "sql: expected SELECT, found none");
    if (sqlite3_prepare_v2(db, rest, -1, &more, NULL) != SQLITE_OK || more) {
        sqlite3_finalize(more);
        return EG_FAIL(err, EG_EINVAL,
                       "sql: column %d: expected one statement, found another "
                       "one behind it",
                       (int)(rest - sql) + 1);
    }
    n = sqlite3_column_count(*q);
    if (!sqlite3_stmt_readonly(*q) || n == 0)
        return EG_FAIL(err, EG_EINVAL, "sql: only SELECT is allowed");
    if (n > EG_SQL_COLUMNS)
        return EG_FAIL(err, EG_EINVAL,
                       "sql: expected at most %d columns, found %d",
                       EG_SQL_COLUMNS, n);
    return EG_OK;
}

static char *hex_of(const unsigned char *bytes, size_t n)
{
    char *hex = eg_calloc(2 * n + 1, 1);

    for (size_t i = 0; hex && i < n; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", (unsigned)bytes[i]);
    return hex;
}

/* *bytes: what is to be freed behind the row. */
static bool take_cell(eg_cell *c, char **bytes, sqlite3_stmt *q, int i)
{
    *c = (eg_cell){.kind = EG_CELL_TEXT};
    switch (sqlite3_column_type(q, i)) {
    case SQLITE_NULL:
        c->kind = EG_CELL_NULL;
        break;
    case SQLITE_INTEGER:
        c->kind = EG_CELL_INTEGER;
        c->integer = sqlite3_column_int64(q, i);
        break;
    case SQLITE_FLOAT:
        c->kind = EG_CELL_REAL;
        c->real = sqlite3_column_double(q, i);
        break;
    case SQLITE_BLOB:
        *bytes = hex_of(sqlite3_column_blob(q, i),
                        (size_t)sqlite3_column_bytes(q, i));
        c->text = *bytes;
        return *bytes != NULL;
    default:
        c->text = (const char *)sqlite3_column_text(q, i);
        return c->text != NULL;
    }
    return true;
}

static eg_status give_rows(sqlite3 *db, sqlite3_stmt *q, guard *g, eg_sql_fn fn,
                           eg_err *err)
{
    const char *name[EG_SQL_COLUMNS];
    eg_cell cell[EG_SQL_COLUMNS];
    int n = sqlite3_column_count(q), rc;
    bool ok = true, more = true, named = false;

    for (int i = 0; ok && i < n; i++) {
        name[i] = sqlite3_column_name(q, i);
        ok = name[i] != NULL;
    }
    while (ok && more) {
        char *bytes[EG_SQL_COLUMNS] = {NULL};

        rc = sqlite3_step(q);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE) return fail(db, g, err);
        /* not before it is known to be no error */
        if (!named) more = fn(g->ctx, n, name, NULL);
        named = true;
        if (rc == SQLITE_DONE || !more) break;
        for (int i = 0; ok && i < n; i++)
            ok = take_cell(&cell[i], &bytes[i], q, i);
        if (ok) more = fn(g->ctx, n, name, cell);
        for (int i = 0; i < n; i++) eg_free(bytes[i]);
    }
    return ok ? EG_OK : EG_FAIL(err, EG_ENOMEM, "sql: out of memory");
}

eg_status eg_catalogue_sql(const char *root, const char *select, double seconds,
                           bool (*stop)(void *ctx), eg_sql_fn fn, void *ctx,
                           eg_err *err)
{
    guard g = {.until = eg_clock() + seconds, .stop = stop, .ctx = ctx};
    egi_entry *entry = NULL;
    sqlite3_stmt *q = NULL;
    sqlite3 *db = NULL;
    int n = 0;
    eg_status st;

    EG_TRY(egi_catalogue_all(&entry, &n, root, true, err));
    if (sqlite3_open(":memory:", &db) != SQLITE_OK || !fill(db, entry, n)) {
        st = EG_FAIL(err, EG_ENOMEM, "sql: out of memory");
        goto done;
    }
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, MOST_TEXT);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_set_authorizer(db, only_select, NULL);
    sqlite3_progress_handler(db, STEPS, may_go_on, &g);
    EG_TRY(prepare(&q, db, select, &g, err));
    st = give_rows(db, q, &g, fn, err);
done:
    sqlite3_finalize(q);
    sqlite3_close(db);
    egi_entries_free(entry, n);
    return st;
}
