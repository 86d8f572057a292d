/* See engram/gc.h. A run is looked at, and emptied, under its lock. */
#include "lab/gc_priv.h"

#include <string.h>

#include "engram/mem.h"
#include "engram/notes.h"
#include "lab/folder_list.h"
#include "lab/run_priv.h"

static const char *const kind_name[][2] = {
#define NAME(id, name, help) {name, help},
    EG_GC_LIST(NAME)
#undef NAME
};

const char *eg_gc_name(eg_gc_kind k)
{
    return kind_name[k][0];
}

const char *eg_gc_help(eg_gc_kind k)
{
    return kind_name[k][1];
}

/* Reads what gc needs of the run's configuration, once; false: nobody can tell,
 * and another program's folder may hold a run.json, too. */
static bool is_ours(egi_cleaner *c, eg_status *st)
{
    eg_config *cfg = eg_calloc(1, sizeof *cfg);

    *st = cfg ? eg_config_load_run(cfg, &c->run, NULL) : EG_ENOMEM;
    if (*st == EG_OK) c->per_decade = cfg->checkpoint.per_decade;
    eg_free(cfg);
    if (*st == EG_ENOMEM)
        (void)EG_FAIL(c->err, EG_ENOMEM, "gc: out of memory");
    else if (*st != EG_OK)
        *st = EG_OK;
    else
        return true;
    return false;
}

/* What its user says of it now: a run with a tag "keep", and as a whole one
 * with notes, is left alone; so is one whose notes nobody can read. */
static bool is_kept(const egi_cleaner *c, bool whole)
{
    eg_notes n;
    bool kept = egi_notes_read(&n, &c->run, NULL) != EG_OK;

    for (int i = 0; i < n.n_tags; i++)
        kept = kept || strcmp(n.tag[i], "keep") == 0;
    kept = kept || (whole && n.n > 0);
    eg_notes_release(&n);
    return kept;
}

/* As a whole: why; EG_GC_KINDS: not. */
static eg_gc_kind whole_kind(const egi_cleaner *c)
{
    const eg_run_info *r = c->info;

    if (r->sweep[0] || is_kept(c, true)) return EG_GC_KINDS;
    if (c->o->kind[EG_GC_DIVERGED] && strcmp(r->status, "diverged") == 0)
        return EG_GC_DIVERGED;
    return EG_GC_KINDS;
}

/* Does nobody work on it, and with `remove`, does nobody begin to? Its lock is
 * made where there is none: whoever goes on with the run meanwhile waits. */
static bool is_idle(const egi_cleaner *c, int *lock)
{
    *lock = -1;
    if (c->o->remove) return eg_lock_take(lock, &c->run, "lock", NULL) == EG_OK;
    return !eg_folder_has(&c->run, "lock") || eg_lock_free(&c->run, "lock");
}

/* A run may have gone on since it was listed, or begun anew: what was read of
 * it before its lock was ours holds as long as its record does. */
static bool is_as_listed(const egi_cleaner *c)
{
    const eg_run_info *was = c->info;
    bool killed = strcmp(was->status, "killed") == 0;
    eg_run_info now;

    if (egi_run_info_read(&now, &c->run, NULL) != EG_OK) return false;
    /* while we hold its lock a killed one reads "running" */
    return (killed || strcmp(now.status, was->status) == 0) &&
           now.resumed == was->resumed && strcmp(now.end, was->end) == 0;
}

static eg_status take(egi_cleaner *c, const eg_run_info *info)
{
    const char *rel = info->dir + strlen(c->root.path);
    int lock = -1;
    eg_status st = EG_OK;

    c->info = info;
    if (strcmp(info->status, "running") == 0 ||
        strcmp(info->status, "damaged") == 0)
        return EG_OK;
    rel += strspn(rel, "/");
    if (eg_folder_sub(&c->run, &c->root, rel, false, NULL) != EG_OK)
        return EG_OK; /* it is gone */
    if (is_ours(c, &st) && is_idle(c, &lock) && is_as_listed(c) &&
        !is_kept(c, false)) {
        eg_gc_kind kind = whole_kind(c);

        st = kind < EG_GC_KINDS ? egi_gc_run(c, kind, rel) : egi_gc_parts(c);
    }
    eg_lock_drop(lock);
    eg_folder_close(&c->run);
    return st;
}

typedef struct list {
    eg_run_info *info;
    int n, cap;
    bool failed;
} list;

static void note(void *ctx, const eg_run_info *info, const eg_value *column)
{
    list *l = ctx;

    (void)column;
    if (l->n == l->cap) {
        int cap = l->cap ? 2 * l->cap : 64;
        eg_run_info *more = eg_realloc(l->info, (size_t)cap * sizeof *more);

        l->failed = l->failed || !more;
        if (!more) return;
        l->info = more;
        l->cap = cap;
    }
    l->info[l->n++] = *info;
}

/* Those of the catalogue, in the folder of runs. */
static eg_status take_of_root(const egi_cleaner *c)
{
    static const char begin[] = "catalogue.sqlite.tmp-";
    egi_names names = {0};
    eg_status st = egi_folder_names(&names, &c->root, c->err);

    for (eg_index i = 0; st == EG_OK && i < names.n; i++) {
        const char *name = names.name[i];

        if (strncmp(name, begin, sizeof begin - 1) == 0 &&
            egi_is_unfinished_end(name + sizeof begin - 1) &&
            egi_gc_old(&c->root, name))
            egi_gc_file(c, EG_GC_TEMPORARY, c->root.path, &c->root, "", name);
    }
    egi_names_release(&names);
    return st;
}

eg_status eg_gc(const char *root, const eg_gc_opts *o, eg_gc_fn fn, void *ctx,
                eg_err *err)
{
    egi_cleaner c = {
        .o = o, .root.fd = -1, .fn = fn, .ctx = ctx, .err = err, .run.fd = -1};
    eg_select s = {.where = o->where};
    list l = {0};
    eg_status st;

    if (o->keep < 1)
        return EG_FAIL(err, EG_EINVAL,
                       "keep: expected at least 1 checkpoint, found %d",
                       o->keep);
    EG_TRY(eg_folder_open(&c.root, root, err));
    EG_TRY(eg_catalogue_select(root, &s, note, &l, err));
    EG_TRY(egi_needed_find(&c.needed, root, err));
    if (l.failed) {
        st = EG_FAIL(err, EG_ENOMEM, "gc: out of memory");
        goto done;
    }
    for (int i = 0; i < l.n; i++) EG_TRY(take(&c, &l.info[i]));
    if (o->kind[EG_GC_TEMPORARY] && !o->where) st = take_of_root(&c);
done:
    egi_needed_release(&c.needed);
    eg_free(l.info);
    eg_folder_close(&c.root);
    return st;
}
