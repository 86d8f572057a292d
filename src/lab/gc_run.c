/* A whole run: what of it is engram's goes, what is not stays with its
 * folder. */
#include "lab/gc_priv.h"

#include <errno.h>
#include <string.h>

#include "lab/folder_list.h"

/* What is engram's in a folder: counted, and removed with `remove`; left: the
 * first thing that is not. */
static eg_status empty(const egi_cleaner *c, const eg_folder *f,
                       const char *sub, eg_gc_item *item, char left[300])
{
    egi_names names = {0};
    eg_status st = egi_folder_names(&names, f, c->err);

    for (eg_index i = 0; st == EG_OK && i < names.n; i++) {
        const char *name = names.name[i];
        int64_t bytes = egi_gc_weigh(f, name, NULL);
        bool folder = !sub[0] && (strcmp(name, "arrays") == 0 ||
                                  strcmp(name, "checkpoints") == 0);

        if (folder || (!sub[0] && strcmp(name, "lock") == 0)) continue;
        if (bytes < 0 || !egi_gc_ours(f, sub, name)) {
            if (!left[0])
                (void)snprintf(left, 300, "%s%s%.200s is not engram's", sub,
                               sub[0] ? "/" : "", name);
        } else if (!c->o->remove || eg_folder_remove(f, name)) {
            item->bytes += bytes;
        } else if (!left[0]) {
            (void)snprintf(left, 300, "%.200s: %s", name, strerror(errno));
        }
    }
    egi_names_release(&names);
    return st;
}

/* The folder of the run, and that of its name, when nothing is left there. */
static void remove_folders(const egi_cleaner *c, const char *rel)
{
    char up[EG_PATH], *slash;

    (void)eg_folder_remove(&c->run, "lock");
    (void)egi_folder_remove_sub(&c->root, rel);
    (void)snprintf(up, sizeof up, "%s", rel);
    slash = strrchr(up, '/');
    if (!slash) return;
    *slash = '\0';
    (void)egi_folder_remove_sub(&c->root, up);
}

eg_status egi_gc_run(const egi_cleaner *c, eg_gc_kind kind, const char *rel)
{
    char left[300] = "";
    eg_gc_item item = {
        .kind = kind, .dir = c->info->dir, .name = "", .left = left};
    eg_status st;

    for (int i = 0; i < EGI_GC_SUBS; i++) {
        eg_folder f;

        if (!eg_folder_has(&c->run, egi_gc_sub[i])) continue;
        if (eg_folder_sub(&f, &c->run, egi_gc_sub[i], false, NULL) != EG_OK) {
            (void)snprintf(left, sizeof left, "%s is no folder", egi_gc_sub[i]);
            continue;
        }
        st = empty(c, &f, egi_gc_sub[i], &item, left);
        eg_folder_close(&f);
        if (st != EG_OK) return st;
        if (c->o->remove) (void)egi_folder_remove_sub(&c->run, egi_gc_sub[i]);
    }
    st = empty(c, &c->run, "", &item, left);
    if (st != EG_OK) return st;
    item.gone = c->o->remove && !left[0];
    if (item.gone) remove_folders(c, rel);
    c->fn(c->ctx, &item);
    return EG_OK;
}
