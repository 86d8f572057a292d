/* What of a run can go while it stays: older checkpoints, temporary files. */
#include "lab/gc_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engram/mem.h"
#include "lab/folder_list.h"
#include "lab/run_priv.h"
#include "nn/schedule.h"

enum { OLD = 3600 /* seconds, of a temporary file */ };

int64_t egi_gc_weigh(const eg_folder *f, const char *name, double *age)
{
    struct stat info;

    if (fstatat(f->fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(info.st_mode))
        return -1;
    if (age) *age = difftime(time(NULL), info.st_mtime);
    return info.st_nlink == 1 ? (int64_t)info.st_size : 0;
}

bool egi_gc_old(const eg_folder *f, const char *name)
{
    double age = 0;

    return egi_gc_weigh(f, name, &age) >= 0 && age >= OLD;
}

void egi_gc_file(const egi_cleaner *c, eg_gc_kind kind, const char *dir,
                 const eg_folder *f, const char *sub, const char *name)
{
    char path[600];
    eg_gc_item item = {.kind = kind, .dir = dir, .name = path, .left = ""};

    item.bytes = egi_gc_weigh(f, name, NULL);
    if (item.bytes < 0) return;
    (void)snprintf(path, sizeof path, "%s%s%s", sub, sub[0] ? "/" : "", name);
    if (c->o->remove) {
        item.gone = eg_folder_remove(f, name);
        if (!item.gone) item.left = strerror(errno);
    }
    c->fn(c->ctx, &item);
}

/* ---- checkpoints ----------------------------------------------------------
 */

static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x < y) - (x > y);
}

/* The step of the checkpoint before which all can go; -1: none can. What only
 * has the name of one, a folder or a link, and what the run never reached, are
 * no checkpoints to keep in the place of others. */
static eg_status oldest_kept(int64_t *oldest, const egi_cleaner *c,
                             const eg_folder *f, const egi_names *names)
{
    int64_t *step = eg_calloc((size_t)names->n + 1, sizeof *step);
    eg_index n = 0;

    *oldest = -1;
    if (!step) return EG_FAIL(c->err, EG_ENOMEM, "gc: out of memory");
    for (eg_index i = 0; i < names->n; i++) {
        step[n] = egi_checkpoint_step(names->name[i]);
        if (step[n] >= 0 && step[n] <= c->info->steps_done &&
            egi_gc_weigh(f, names->name[i], NULL) >= 0)
            n++;
    }
    if (n > 1) qsort(step, (size_t)n, sizeof *step, newest_first);
    if (n > c->o->keep) *oldest = step[c->o->keep - 1];
    eg_free(step);
    return EG_OK;
}

static eg_status take_checkpoints(const egi_cleaner *c, const eg_folder *f)
{
    egi_names names = {0};
    int64_t oldest;
    eg_status st;

    EG_TRY(egi_folder_names(&names, f, c->err));
    EG_TRY(oldest_kept(&oldest, c, f, &names));
    for (eg_index i = 0; i < names.n; i++) {
        int64_t step = egi_gc_step(names.name[i]);

        if (step >= 0 && step < oldest &&
            !egi_decade_has(c->per_decade, step) &&
            !egi_needed_has(&c->needed, f, names.name[i]))
            egi_gc_file(c, EG_GC_CHECKPOINTS, c->info->dir, f, "checkpoints",
                        names.name[i]);
    }
done:
    egi_names_release(&names);
    return st;
}

/* ---- all of it ------------------------------------------------------------
 */

static eg_status take_temporary(const egi_cleaner *c, const char *dir,
                                const eg_folder *f, const char *sub)
{
    egi_names names = {0};
    eg_status st = egi_folder_names(&names, f, c->err);

    for (eg_index i = 0; st == EG_OK && i < names.n; i++) {
        const char *name = names.name[i];

        if (egi_is_unfinished(name) && egi_gc_old(f, name))
            egi_gc_file(c, EG_GC_TEMPORARY, dir, f, sub, name);
    }
    egi_names_release(&names);
    return st;
}

eg_status egi_gc_parts(const egi_cleaner *c)
{
    bool finished = strcmp(c->info->status, "finished") == 0;
    eg_status st = EG_OK;

    if (c->o->kind[EG_GC_TEMPORARY])
        EG_TRY(take_temporary(c, c->info->dir, &c->run, ""));
    for (int i = 0; i < EGI_GC_SUBS && st == EG_OK; i++) {
        eg_folder f;

        if (eg_folder_sub(&f, &c->run, egi_gc_sub[i], false, NULL) != EG_OK)
            continue;
        if (c->o->kind[EG_GC_TEMPORARY])
            st = take_temporary(c, c->info->dir, &f, egi_gc_sub[i]);
        if (st == EG_OK && i == EGI_GC_CHECKPOINTS && finished &&
            c->o->kind[EG_GC_CHECKPOINTS])
            st = take_checkpoints(c, &f);
        eg_folder_close(&f);
    }
done:
    return st;
}
