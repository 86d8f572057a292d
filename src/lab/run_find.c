/* Which run directories there are: root/<name>/<id>. */
#include "base/folder.h"
#include "lab/run_priv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "engram/mem.h"

typedef struct list {
    char (*dir)[EG_PATH];
    int n, cap;
} list;

static eg_status list_add(list *l, const char *dir, eg_err *err)
{
    if (l->n == l->cap) {
        int cap = l->cap ? 2 * l->cap : 32;
        char(*d)[EG_PATH] = eg_realloc(l->dir, (size_t)cap * sizeof *d);

        if (!d) return EG_FAIL(err, EG_ENOMEM, "runs: out of memory");
        l->dir = d;
        l->cap = cap;
    }
    snprintf(l->dir[l->n++], EG_PATH, "%s", dir);
    return EG_OK;
}

static bool is_folder(int in, const char *name)
{
    struct stat info;

    return fstatat(in, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(info.st_mode);
}

/* Does it hold the file; of none (NULL), a run? One that lost its record, or
 * was killed before it had one, has a configuration and a lock. */
static bool holds(const eg_folder *f, const char *file)
{
    if (file) return eg_folder_has(f, file);
    return eg_folder_has(f, "run.json") ||
           (eg_folder_has(f, "config.yaml") && eg_folder_has(f, "lock"));
}

/* Collects the folders that hold the file, at most depth below dir; never looks
 * into one of them, nor follows a link. */
static eg_status collect(list *l, const eg_folder *in, const char *file,
                         int depth, eg_err *err)
{
    DIR *d = egi_folder_list(in);
    eg_status st = EG_OK;

    if (!d) return EGI_FAIL_ERRNO(err, in->path);
    for (const struct dirent *e = readdir(d); e && st == EG_OK;
         e = readdir(d)) {
        eg_folder f;

        if (e->d_name[0] == '.' || !is_folder(in->fd, e->d_name)) continue;
        st = eg_folder_sub(&f, in, e->d_name, false, err);
        if (st != EG_OK && !is_folder(in->fd, e->d_name)) {
            st = EG_OK; /* removed meanwhile */
            continue;
        }
        if (st == EG_OK && holds(&f, file))
            st = list_add(l, f.path, err);
        else if (st == EG_OK && depth > 1)
            st = collect(l, &f, file, depth - 1, err);
        eg_folder_close(&f);
    }
    closedir(d);
    return st;
}

/* The root itself is the user's choice: a link may lead to it. */
static bool is_folder_at(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

eg_status eg_runs_find(char (**dirs)[EG_PATH], int *n, const char *root,
                       eg_err *err)
{
    return egi_dirs_find(dirs, n, root, NULL, err);
}

eg_status egi_dirs_find(char (**dirs)[EG_PATH], int *n, const char *root,
                        const char *file, eg_err *err)
{
    list l = {0};
    eg_folder f;
    eg_status st;

    *dirs = NULL;
    *n = 0;
    if (!is_folder_at(root)) return EG_OK;
    st = eg_folder_open(&f, root, err);
    if (st == EG_OK) st = collect(&l, &f, file, 3, err);
    eg_folder_close(&f);
    if (st != EG_OK) {
        eg_free(l.dir);
        return st;
    }
    if (l.n > 0) qsort(l.dir, (size_t)l.n, EG_PATH, by_text);
    *dirs = l.dir;
    *n = l.n;
    return EG_OK;
}
