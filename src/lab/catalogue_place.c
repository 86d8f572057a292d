/* The place of a catalogue: what is there may be somebody else's. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): glibc's switch for memmem */
#define _GNU_SOURCE
#include "lab/catalogue_db.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include "engram/mem.h"

#define NAME EGI_CATALOGUE
enum { LOOK = 1 << 16, KEPT = 99, TRIES = 500, PAUSE_NS = 2000000 };

/* The table that every engram made, whatever columns follow the first. */
static bool has_table(const char *bytes, size_t size)
{
    static const char table[] = "CREATE TABLE runs (";
    const char *at = memmem(bytes, size, table, sizeof table - 1);
    size_t left;

    if (!at) return false;
    at += sizeof table - 1;
    left = (size_t)(bytes + size - at);
    while (left > 0 && (*at == ' ' || *at == '"')) at++, left--;
    return left > 3 && memcmp(at, "dir", 3) == 0;
}

/* Gives it the first name of catalogue.sqlite.kept, .kept-2, ... that is free.
 */
static eg_status put_aside(const eg_folder *root, eg_err *err)
{
    for (int i = 1; i <= KEPT; i++) {
        char name[64];
        int n = snprintf(name, sizeof name, NAME ".kept");

        if (i > 1) (void)snprintf(name + n, sizeof name - (size_t)n, "-%d", i);
        if (!eg_folder_has(root, name))
            return eg_folder_rename(root, NAME, name, err);
    }
    return EG_FAIL(err, EG_EINVAL,
                   "%s/" NAME ": is no catalogue, and %d such files were put "
                   "aside already",
                   root->path, KEPT);
}

eg_status egi_catalogue_place(const eg_folder *root, eg_err *err)
{
    static const char head[] = "SQLite format 3";
    char *bytes = NULL;
    size_t size = 0;
    FILE *f = NULL;
    eg_status st = EG_OK;

    if (!eg_folder_has(root, NAME)) return EG_OK;
    EG_TRY(eg_folder_stream(&f, root, NAME, EG_READ, err));
    bytes = eg_calloc(1, LOOK);
    if (!bytes) {
        st = EG_FAIL(err, EG_ENOMEM, "catalogue: out of memory");
        goto done;
    }
    size = fread(bytes, 1, LOOK, f);
    if (size == 0 || has_table(bytes, size)) goto done;
    if (size < sizeof head || memcmp(bytes, head, sizeof head) != 0)
        st = put_aside(root, err);
    else
        st = EG_FAIL(err, EG_EINVAL,
                     "%s/" NAME " is a database of something else: it is not "
                     "replaced",
                     root->path);
done:
    eg_free(bytes);
    if (f) (void)fclose(f);
    return st;
}

/* The folder itself is what is locked, so that no file is left for it. Where
 * that cannot be done, or one who holds it was stopped, there is no lock: rows
 * have checksums, and what is torn is made anew. */
bool egi_catalogue_hold(const eg_folder *root, bool exclusive)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int how = (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB;

    for (int i = 0; i < TRIES; i++) {
        if (flock(root->fd, how) == 0) return true;
        if (errno != EWOULDBLOCK && errno != EINTR) return false;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

void egi_catalogue_let_go(const eg_folder *root)
{
    (void)flock(root->fd, LOCK_UN);
}
