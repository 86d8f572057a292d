/* See gc_needed.h. */
#include "lab/gc_needed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include "engram/catalogue.h"
#include "engram/mem.h"

static const char *const key[] = {"init.from", "probe.compressed_with"};
enum { KEYS = sizeof key / sizeof *key };

static void note(void *ctx, const eg_run_info *info, const eg_value *column)
{
    egi_needed *n = ctx;

    (void)info;
    for (int i = 0; i < KEYS; i++) {
        struct stat file;
        struct egi_inode *more;

        if (!column[i].kind || !column[i].text[0] ||
            stat(column[i].text, &file) != 0)
            continue;
        more = eg_realloc(n->file, (size_t)(n->n + 1) * sizeof *more);
        n->failed = n->failed || !more;
        if (!more) return;
        n->file = more;
        n->file[n->n++] = (struct egi_inode){file.st_dev, file.st_ino};
    }
}

eg_status egi_needed_find(egi_needed *out, const char *root, eg_err *err)
{
    eg_select all = {.column = key, .n_columns = KEYS};
    eg_status st;

    *out = (egi_needed){0};
    st = eg_catalogue_select(root, &all, note, out, err);
    if (st == EG_OK && out->failed)
        st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", root);
    return st;
}

bool egi_needed_has(const egi_needed *n, const eg_folder *f, const char *name)
{
    struct stat info;

    if (fstatat(f->fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return true;
    for (int i = 0; i < n->n; i++)
        if (n->file[i].device == info.st_dev && n->file[i].inode == info.st_ino)
            return true;
    return false;
}

void egi_needed_release(egi_needed *n)
{
    eg_free(n->file);
    *n = (egi_needed){0};
}
