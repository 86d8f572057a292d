/* queue.sqlite: a row a point. Its transactions are what keeps two processes
 * from one point; what it says can be made again from the run directories, so
 * nothing waits for the disk. */
#include "lab/sweep_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>
#include "engram/mem.h"
#include "engram/text.h"

enum { BUSY_MS = 60000, MOST_KEPT = 99, MOST_BYTES = 1 << 30 };

static const char schema[] =
    "CREATE TABLE points (i INTEGER PRIMARY KEY, label TEXT, hash TEXT, seed "
    "INTEGER, state TEXT, worker TEXT, heartbeat INTEGER, tries INTEGER, dir "
    "TEXT, reason TEXT)";
bool egi_is_remote(const char *path)
{
    /* what statfs calls them, linux/magic.h and the systems' own sources */
    static const unsigned long remote[] = {
        0x6969,     /* NFS */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB 2 */
        0x517b,     /* SMB */
        0x01021997, /* 9P */
        0x65735546, /* FUSE, which may be anything: sshfs */
        0x0bd00bd0, /* Lustre */
        0x47504653, /* GPFS */
        0x19830326, /* BeeGFS */
        0x00c36400, /* Ceph */
        0x5346414f, /* AFS */
        0x7461636f, /* OCFS2 */
        0x01161970, /* GFS2 */
        0xaad7aaea, /* PanFS */
    };
    struct statfs info;

    if (statfs(path, &info) != 0) return false;
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if (((unsigned long)info.f_type & 0xffffffff) == remote[i]) return true;
    return false;
}

/* ---- SQLite ---------------------------------------------------------------
 */

eg_status egi_queue_fail(sqlite3 *db, const char *dir, eg_err *err)
{
    int code = db ? sqlite3_errcode(db) : SQLITE_NOMEM;
    eg_status st = EG_EIO;

    if (code == SQLITE_NOMEM) st = EG_ENOMEM;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) st = EG_EBUSY;
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR)
        st = EG_EFORMAT;
    return EG_FAIL(err, st, "%s/" EGI_QUEUE ": %s", dir,
                   db ? sqlite3_errmsg(db) : "out of memory");
}

static bool run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* The text of a pragma's one value. */
static bool pragma_is(sqlite3 *db, const char *sql, const char *value)
{
    sqlite3_stmt *q = NULL;
    bool is = sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK &&
              sqlite3_step(q) == SQLITE_ROW && sqlite3_column_text(q, 0) &&
              strcmp((const char *)sqlite3_column_text(q, 0), value) == 0;

    sqlite3_finalize(q);
    return is;
}

/* The folder may be reached through links, the file may not be one. */
static eg_status path_of(char path[PATH_MAX + 32], const eg_sweep *s,
                         eg_err *err)
{
    char real[PATH_MAX];

    if (!realpath(s->dir, real))
        return EG_FAIL(err, errno == ENOMEM ? EG_ENOMEM : EG_EIO, "%s: %s",
                       s->dir, strerror(errno));
    (void)snprintf(path, PATH_MAX + 32, "%s/" EGI_QUEUE, real);
    return EG_OK;
}

static bool open_db(sqlite3 **db, const char *path, int flags)
{
    return sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOFOLLOW, NULL) ==
               SQLITE_OK &&
           sqlite3_busy_timeout(*db, BUSY_MS) == SQLITE_OK &&
           sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) ==
               SQLITE_OK;
}

/* In memory, then as a file at once: half a queue is none. */
eg_status egi_queue_make(const eg_sweep *s, const eg_point *point, eg_err *err)
{
    sqlite3 *db = NULL;
    unsigned char *image = NULL;
    sqlite3_int64 size = 0;
    eg_folder f = {.fd = -1};
    eg_status st = eg_folder_open(&f, s->dir, err);

    if (st != EG_OK) return st;
    if (sqlite3_open(":memory:", &db) == SQLITE_OK && run(db, schema) &&
        run(db, "CREATE INDEX by_hash ON points(hash, state)") &&
        run(db, "CREATE INDEX by_state ON points(state, i)") &&
        run(db, "BEGIN") && egi_queue_put_rows(db, s, point, s->n_points) &&
        run(db, "COMMIT"))
        image = sqlite3_serialize(db, "main", &size, 0);
    if (image)
        st = eg_file_write_in(&f, EGI_QUEUE, image, (size_t)size, err);
    else
        st = EG_FAIL(err, EG_ENOMEM, "%s/" EGI_QUEUE ": out of memory", s->dir);
    sqlite3_free(image);
    sqlite3_close(db);
    eg_folder_close(&f);
    return st;
}

/* Of a file that cannot be opened for SQLite's own bookkeeping beside it (a
 * folder that is read-only and has none): its bytes, which in WAL say so in two
 * places. */
static eg_status read_copy(eg_point *point, const eg_sweep *s, eg_err *err)
{
    enum { HEAD = 100, READS = 18, WRITES = 19 };
    char *bytes = NULL;
    size_t size = 0;
    sqlite3 *db = NULL;
    eg_folder f = {.fd = -1};
    eg_status st;

    EG_TRY(eg_folder_open(&f, s->dir, err));
    EG_TRY(eg_file_read_in(&bytes, &size, &f, EGI_QUEUE, MOST_BYTES, err));
    if (size < HEAD) {
        st = EG_FAIL(err, EG_EFORMAT, "%s/" EGI_QUEUE ": no queue", s->dir);
        goto done;
    }
    bytes[READS] = bytes[WRITES] = 1;
    if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) ==
            SQLITE_OK &&
        sqlite3_deserialize(db, "main", (unsigned char *)bytes,
                            (sqlite3_int64)size, (sqlite3_int64)size,
                            SQLITE_DESERIALIZE_READONLY) == SQLITE_OK)
        st = egi_queue_rows(point, db, s, err);
    else
        st = egi_queue_fail(db, s->dir, err);
done:
    sqlite3_close(db);
    eg_free(bytes);
    eg_folder_close(&f);
    return st;
}

/* Is it there, and a file of its own? */
static eg_status check_file(const eg_sweep *s, eg_err *err)
{
    eg_folder f;
    int fd = -1;
    eg_status st = eg_folder_open(&f, s->dir, err);

    if (st == EG_OK && !eg_folder_has(&f, EGI_QUEUE))
        st = EG_FAIL(err, EG_EFORMAT, "%s/" EGI_QUEUE " is gone", s->dir);
    if (st == EG_OK) st = eg_folder_fd(&fd, &f, EGI_QUEUE, EG_READ, err);
    if (fd >= 0) (void)close(fd);
    eg_folder_close(&f);
    return st;
}

eg_status egi_queue_read(eg_point *point, const eg_sweep *s, eg_err *err)
{
    char path[PATH_MAX + 32];
    sqlite3 *db = NULL;
    bool writable;
    eg_status st;

    /* a process has one connection: closing a second file of the same inode
     * would drop the locks of the first */
    if (s->db) return egi_queue_rows(point, s->db, s, err);
    EG_TRY(check_file(s, err));
    EG_TRY(path_of(path, s, err));
    writable = access(s->dir, W_OK) == 0;
    st = EG_EIO;
    if (open_db(&db, path,
                writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY))
        st = egi_queue_rows(point, db, s, writable ? err : NULL);
    else if (writable)
        writable = false; /* the file itself is closed to us */
    if (writable || st == EG_OK) goto done;
    sqlite3_close(db);
    db = NULL;
    st = read_copy(point, s, err);
done:
    sqlite3_close(db);
    return st;
}

/* ---- at work ---------------------------------------------------------------
 */

/* WAL needs memory that all processes share, which a network has not. */
static eg_status set_journal(const eg_sweep *s, eg_journal how, eg_err *err)
{
    bool wal = how == EG_JOURNAL_WAL ||
               (how == EG_JOURNAL_AUTO && !egi_is_remote(s->dir));
    const char *sql =
        wal ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode=DELETE";

    if (!pragma_is(s->db, sql, wal ? "wal" : "delete"))
        return EG_FAIL(err, EG_EBUSY,
                       "%s/" EGI_QUEUE ": cannot be kept with %s journal: %s; "
                       "another process may have it open in the other way",
                       s->dir, wal ? "a WAL" : "a rollback",
                       sqlite3_errmsg(s->db));
    if (!run(s->db,
             wal ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=OFF"))
        return egi_queue_fail(s->db, s->dir, err);
    return EG_OK;
}

/* An answer that is not ok may be that a page could not be had: "error code=7".
 * Damage is what SQLite itself calls so, and what it does not number. */
static int code_of(const char *answer)
{
    static const char mark[] = "error code";
    const char *at = answer ? strstr(answer, mark) : NULL;

    if (!answer) return SQLITE_NOMEM;
    /* the low byte is the kind of the error */
    return at ? (int)strtol(at + sizeof mark, NULL, 10) & 0xff : SQLITE_CORRUPT;
}

static eg_status quick_check(const eg_sweep *s, eg_err *err)
{
    sqlite3_stmt *q = NULL;
    const char *answer = NULL;
    int rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &q, NULL);
    eg_status st = EG_OK;

    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    if (rc != SQLITE_ROW) {
        st = egi_queue_fail(s->db, s->dir, err);
        goto done;
    }
    answer = (const char *)sqlite3_column_text(q, 0);
    if (answer && strcmp(answer, "ok") == 0) goto done;
    rc = code_of(answer);
    if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
        st = EG_FAIL(err, EG_EFORMAT, "%s/" EGI_QUEUE ": damaged", s->dir);
    else
        st = EG_FAIL(err, rc == SQLITE_NOMEM ? EG_ENOMEM : EG_EIO,
                     "%s/" EGI_QUEUE ": %s", s->dir, sqlite3_errstr(rc));
done:
    sqlite3_finalize(q);
    return st;
}

/* As SQLite sees it, and as a queue of this sweep. */
static eg_status check_sound(const eg_sweep *s, eg_err *err)
{
    eg_point *point;
    eg_status st = quick_check(s, err);

    if (st != EG_OK) return st;
    point = eg_calloc((size_t)s->n_points, sizeof *point);
    if (!point) return EG_FAIL(err, EG_ENOMEM, "sweep: out of memory");
    st = egi_queue_rows(point, s->db, s, err);
    eg_free(point);
    return st;
}

eg_status egi_queue_open(eg_sweep *s, eg_journal how, eg_err *err)
{
    char path[PATH_MAX + 32];
    eg_status st;

    egi_queue_close(s);
    EG_TRY(check_file(s, err));
    EG_TRY(path_of(path, s, err));
    if (!open_db(&s->db, path, SQLITE_OPEN_READWRITE)) {
        st = egi_queue_fail(s->db, s->dir, err);
        goto done;
    }
    EG_TRY(check_sound(s, err));
    EG_TRY(set_journal(s, how, err));
done:
    if (st != EG_OK) egi_queue_close(s);
    return st;
}

void egi_queue_close(eg_sweep *s)
{
    sqlite3_close(s->db);
    s->db = NULL;
}

/* Whoever goes on with a file that its name no longer stands for hands out
 * points that others have as well. */
eg_status egi_queue_begin(const eg_sweep *s, eg_err *err)
{
    int moved = 0;

    if (!run(s->db, "BEGIN IMMEDIATE"))
        return egi_queue_fail(s->db, s->dir, err);
    if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) !=
            SQLITE_OK ||
        !moved)
        return EG_OK;
    (void)run(s->db, "ROLLBACK");
    return EG_FAIL(err, EG_EFORMAT,
                   "%s/" EGI_QUEUE
                   " was removed or made again meanwhile: nothing that was run "
                   "is lost, `engram sweep %s` goes on",
                   s->dir, s->name);
}

eg_status egi_queue_end(const eg_sweep *s, eg_status st, eg_err *err)
{
    if (st == EG_OK && run(s->db, "COMMIT")) return EG_OK;
    if (st == EG_OK) st = egi_queue_fail(s->db, s->dir, err);
    (void)run(s->db, "ROLLBACK");
    return st;
}

eg_status egi_queue_put_aside(const eg_sweep *s, eg_err *err)
{
    eg_folder f;
    eg_status st = eg_folder_open(&f, s->dir, err);

    if (st != EG_OK) return st;
    for (int i = 1; i <= MOST_KEPT && eg_folder_has(&f, EGI_QUEUE); i++) {
        char name[64];
        int n = snprintf(name, sizeof name, EGI_QUEUE ".kept");

        if (i > 1) (void)snprintf(name + n, sizeof name - (size_t)n, "-%d", i);
        if (eg_folder_has(&f, name)) continue;
        st = eg_folder_rename(&f, EGI_QUEUE, name, err);
        break;
    }
    /* they belong to the one that went */
    (void)eg_folder_remove(&f, EGI_QUEUE "-wal");
    (void)eg_folder_remove(&f, EGI_QUEUE "-shm");
    (void)eg_folder_remove(&f, EGI_QUEUE "-journal");
    eg_folder_close(&f);
    return st;
}
