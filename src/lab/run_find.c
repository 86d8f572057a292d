/* Which run directories there are: root/<name>/<id>/run.json. */
#include "lab/run_priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

static bool holds_run(const char *dir)
{
    char path[EG_PATH + 16];

    return egi_path(path, sizeof path, dir, "run.json", NULL) == EG_OK &&
           eg_file_exists(path);
}

/* Collects the runs at most depth folders below dir; never looks into a run. */
static eg_status collect(list *l, const char *dir, int depth, eg_err *err)
{
    eg_status st = EG_OK;
    DIR *d = opendir(dir);

    if (!d) {
        if (errno == ENOENT || errno == ENOTDIR) return EG_OK;
        return EG_FAIL(err, EG_EIO, "%s: %s", dir, strerror(errno));
    }
    for (const struct dirent *e = readdir(d); e && st == EG_OK;
         e = readdir(d)) {
        char path[EG_PATH];

        if (e->d_name[0] == '.') continue;
        if (egi_path(path, sizeof path, dir, e->d_name, NULL) != EG_OK)
            continue;
        if (holds_run(path))
            st = list_add(l, path, err);
        else if (depth > 1)
            st = collect(l, path, depth - 1, err);
    }
    closedir(d);
    return st;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

eg_status eg_runs_find(char (**dirs)[EG_PATH], int *n, const char *root,
                       eg_err *err)
{
    list l = {0};
    eg_status st = collect(&l, root, 3, err);

    *dirs = NULL;
    *n = 0;
    if (st != EG_OK) {
        eg_free(l.dir);
        return st;
    }
    if (l.n > 0) qsort(l.dir, (size_t)l.n, EG_PATH, by_text);
    *dirs = l.dir;
    *n = l.n;
    return EG_OK;
}
