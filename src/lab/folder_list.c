/* See folder_list.h. */
#include "lab/folder_list.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "engram/mem.h"

static int by_bytes(const void *a, const void *b)
{
    return strcmp(a, b);
}

static eg_status add(egi_names *l, const char *name, eg_err *err)
{
    if (l->n == l->cap) {
        eg_index cap = l->cap ? 2 * l->cap : 64;
        char(*more)[256] = eg_realloc(l->name, (size_t)cap * sizeof *more);

        if (!more) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", name);
        l->name = more;
        l->cap = cap;
    }
    (void)snprintf(l->name[l->n++], sizeof *l->name, "%s", name);
    return EG_OK;
}

eg_status egi_folder_names(egi_names *names, const eg_folder *f, eg_err *err)
{
    DIR *d = egi_folder_list(f);
    eg_status st = EG_OK;

    *names = (egi_names){0};
    if (!d) return EGI_FAIL_ERRNO(err, f->path);
    for (const struct dirent *e = readdir(d); e && st == EG_OK; e = readdir(d))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            st = add(names, e->d_name, err);
    (void)closedir(d);
    if (st != EG_OK) egi_names_release(names);
    if (names->n > 1)
        qsort(names->name, (size_t)names->n, sizeof *names->name, by_bytes);
    return st;
}

void egi_names_release(egi_names *names)
{
    eg_free(names->name);
    *names = (egi_names){0};
}
