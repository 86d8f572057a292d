/* runs/catalogue.sqlite: an index over the run directories, nothing that is
 * not in their run.json. Whoever asks it gets what the directories say now: a
 * row counts as long as its run.json has not changed since; what is missing,
 * stale or damaged is read again, and a new catalogue written. */
#include "lab/catalogue_db.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/run_priv.h"

/* Where the run at dir lies below root. */
static const char *below(const char *root, const char *dir)
{
    size_t n = strlen(root);

    while (n > 1 && root[n - 1] == '/') n--;
    if (strncmp(dir, root, n) != 0) return dir;
    return dir + n + strspn(dir + n, "/");
}

/* When run.json last changed, and its size; 0 when it cannot be said. */
static void stamp(egi_entry *e, const char *dir)
{
    char path[EG_PATH + 16];
    struct stat info;

    e->changed = e->bytes = 0;
    if (egi_path(path, sizeof path, dir, "run.json", NULL) != EG_OK ||
        fstatat(AT_FDCWD, path, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    e->changed =
        (int64_t)info.st_ctim.tv_sec * 1000000000 + info.st_ctim.tv_nsec;
    e->bytes = (int64_t)info.st_size;
}

/* A run without a record that can be read: it is being made or removed right
 * now, or it is damaged. False: there is no run any more. */
static bool without_record(egi_entry *e, const char *dir, const char *rel,
                           const char *why)
{
    const char *id = strrchr(rel, '/');
    eg_folder f;
    bool there =
        eg_folder_open(&f, dir, NULL) == EG_OK && eg_folder_has(&f, "lock");
    bool held = there && !eg_lock_free(&f, "lock");

    eg_folder_close(&f);
    if (!there && e->changed == 0) return false;
    e->info = (eg_run_info){.threads = 0};
    snprintf(e->info.status, sizeof e->info.status, "%s",
             held ? "running" : "damaged");
    (void)eg_text_copy(e->info.reason, sizeof e->info.reason, why);
    (void)eg_text_copy(e->info.id, sizeof e->info.id, id ? id + 1 : rel);
    if (id && id - rel < EG_TEXT)
        snprintf(e->info.name, sizeof e->info.name, "%.*s", (int)(id - rel),
                 rel);
    return true;
}

/* Reads the record of the run at dir; *there: or there is no run any more. */
static eg_status read_entry(egi_entry *e, bool *there, const char *root,
                            const char *dir, eg_err *err)
{
    eg_err why = {0};
    const char *rel = below(root, dir);
    eg_status st;

    *there = true;
    /* the stamp first: of a record that changes meanwhile it is too old */
    stamp(e, dir);
    st = eg_run_info_read(&e->info, dir, &why);
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why.msg);
    if (st != EG_OK) {
        stamp(e, dir);
        *there = without_record(e, dir, rel, why.msg);
    }
    snprintf(e->info.dir, sizeof e->info.dir, "%s", rel);
    return EG_OK;
}

/* What changes without run.json: a run may end without a word. */
static bool is_settled(const egi_entry *e)
{
    return strcmp(e->info.status, "running") != 0;
}

/* Equal rows say the same; texts are filled up with zeros. */
static bool same(const egi_entry *a, const egi_entry *b)
{
    return strcmp(a->info.status, b->info.status) == 0 &&
           a->changed == b->changed && a->bytes == b->bytes;
}

static int by_dir(const void *a, const void *b)
{
    return strcmp(((const egi_entry *)a)->info.dir,
                  ((const egi_entry *)b)->info.dir);
}

/* The newest start first, as far as it is known. */
static int newest_first(const void *a, const void *b)
{
    const eg_run_info *x = &((const egi_entry *)a)->info;
    const eg_run_info *y = &((const egi_entry *)b)->info;
    int order = strcmp(y->start, x->start);

    if (order == 0) order = strcmp(y->id, x->id);
    return order ? order : strcmp(y->dir, x->dir);
}

/* Every run below root, as its run.json is now, from the rows that are known
 * [n_known, in order of dir] where those still hold. *fresh: a new catalogue
 * would say something else. */
static eg_status merge(egi_entry **out, int *n, bool *fresh,
                       const eg_folder *root, const egi_entry *known,
                       int n_known, char (*dirs)[EG_PATH], eg_err *err)
{
    egi_entry *e = eg_calloc((size_t)*n + 1, sizeof *e);
    int k = 0, n_dirs = *n;
    eg_status st = EG_OK;

    *out = e;
    if (!e) return EG_FAIL(err, EG_ENOMEM, "catalogue: out of memory");
    if (!known) n_known = 0;
    *n = 0;
    for (int i = 0; i < n_dirs && st == EG_OK; i++) {
        const char *rel = below(root->path, dirs[i]);
        const egi_entry *old;
        egi_entry *new = &e[*n];
        bool there = true;

        for (; k < n_known && strcmp(known[k].info.dir, rel) < 0; k++)
            *fresh = true; /* it is gone */
        old = k < n_known && strcmp(known[k].info.dir, rel) == 0 ? &known[k++]
                                                                 : NULL;
        stamp(new, dirs[i]);
        if (old && is_settled(old) && old->changed == new->changed &&
            old->bytes == new->bytes &&new->changed != 0)
            *new = *old;
        else
            st = read_entry(new, &there, root->path, dirs[i], err);
        if (!there) continue;
        if (!old || !same(old, new)) *fresh = true;
        ++*n;
    }
    if (k < n_known) *fresh = true;
    return st;
}

/* All runs, and a new catalogue if there is something new to say; `anew` reads
 * every record again. st_write: how writing it went, which is said in err only
 * with anew: who only asks gets an answer in a folder that is read-only. */
static eg_status collect(egi_entry **entry, int *n, const eg_folder *root,
                         bool anew, eg_status *st_write, eg_err *err)
{
    char(*dirs)[EG_PATH] = NULL;
    egi_entry *known = NULL;
    int n_known = 0;
    bool whole = false, fresh = anew;
    eg_status st;

    *entry = NULL;
    *st_write = EG_OK;
    EG_TRY(eg_runs_find(&dirs, n, root->path, err));
    if (!anew)
        EG_TRY(egi_catalogue_load(&known, &n_known, &whole, root, 2 * *n + 1000,
                                  err));
    if (known) qsort(known, (size_t)n_known, sizeof *known, by_dir);
    EG_TRY(merge(entry, n, &fresh, root, known, n_known, dirs, err));
    /* a folder without runs is not ours to write into, unless we did before */
    if ((fresh || !whole) && (*n > 0 || whole))
        *st_write = egi_catalogue_save(root, *entry, *n, anew ? err : NULL);
done:
    eg_free(known);
    eg_free(dirs);
    return st;
}

eg_status eg_catalogue_update(const char *root, const char *dir, eg_err *err)
{
    egi_entry *e = eg_calloc(1, sizeof *e);
    eg_folder folder = {.fd = -1};
    eg_status st, written;
    bool there;
    int n = 0;

    if (!e) return EG_FAIL(err, EG_ENOMEM, "catalogue: out of memory");
    EG_TRY(eg_folder_open(&folder, root, err));
    EG_TRY(read_entry(e, &there, folder.path, dir, err));
    if (!there) {
        st = EG_FAIL(err, EG_EIO, "%s: no run is there", dir);
        goto done;
    }
    st = egi_catalogue_put(&folder, e, err);
    if (st == EG_EFORMAT) {
        egi_entry *all = NULL;

        EG_TRY(collect(&all, &n, &folder, false, &written, err));
        eg_free(all);
        st = written;
    }
done:
    eg_folder_close(&folder);
    eg_free(e);
    return st;
}

eg_status eg_catalogue_rebuild(const char *root, int *n, eg_err *err)
{
    egi_entry *entry = NULL;
    eg_folder folder;
    eg_status st = eg_folder_open(&folder, root, err), written = EG_OK;

    *n = 0;
    if (st == EG_OK) st = collect(&entry, n, &folder, true, &written, err);
    eg_free(entry);
    eg_folder_close(&folder);
    return st == EG_OK ? written : st;
}

eg_status eg_catalogue_each(const char *root, const char *name,
                            eg_catalogue_fn fn, void *ctx, eg_err *err)
{
    egi_entry *entry = NULL;
    eg_folder folder;
    eg_status st = eg_folder_open(&folder, root, err), written;
    eg_run_info info;
    int n = 0;

    if (st != EG_OK) return st;
    st = collect(&entry, &n, &folder, false, &written, err);
    if (st == EG_OK && n > 0)
        qsort(entry, (size_t)n, sizeof *entry, newest_first);
    for (int i = 0; st == EG_OK && i < n; i++) {
        if (name && strcmp(entry[i].info.name, name) != 0) continue;
        info = entry[i].info;
        if (egi_path(info.dir, sizeof info.dir, folder.path, entry[i].info.dir,
                     NULL) == EG_OK)
            fn(ctx, &info);
    }
    eg_free(entry);
    eg_folder_close(&folder);
    return st;
}
