/* See engram/gc.h. A run is looked at, and emptied, under its lock. */
#include "engram/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "base/folder.h"
#include "base/text.h"
#include "engram/mem.h"
#include "engram/notes.h"
#include "engram/text.h"
#include "lab/folder_list.h"
#include "lab/gc_needed.h"
#include "lab/run_priv.h"
#include "nn/schedule.h"

enum { OLD = 3600 /* seconds, of a temporary file */ };

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

typedef struct cleaner {
    const eg_gc_opts *o;
    eg_folder root;
    eg_gc_fn fn;
    void *ctx;
    eg_err *err;
    egi_needed needed; /* weights that runs begin with */
    /* the run that is looked at */
    const eg_run_info *info;
    eg_folder run;
} cleaner;

/* ---- files ----------------------------------------------------------------
 */

/* A regular file in the open folder: bytes that are free without it; -1: it is
 * none. *age: seconds since it changed. */
static int64_t weigh(const eg_folder *f, const char *name, double *age)
{
    struct stat info;

    if (fstatat(f->fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(info.st_mode))
        return -1;
    if (age) *age = difftime(time(NULL), info.st_mtime);
    return info.st_nlink == 1 ? (int64_t)info.st_size : 0;
}

static void tell(const cleaner *c, eg_gc_item *item)
{
    c->fn(c->ctx, item);
}

/* One file in folder sub ("": the run itself) of dir. */
static void take_file(const cleaner *c, eg_gc_kind kind, const char *dir,
                      const eg_folder *f, const char *sub, const char *name)
{
    char path[600];
    eg_gc_item item = {.kind = kind, .dir = dir, .name = path, .left = ""};

    item.bytes = weigh(f, name, NULL);
    if (item.bytes < 0) return;
    (void)snprintf(path, sizeof path, "%s%s%s", sub, sub[0] ? "/" : "", name);
    if (c->o->remove) {
        item.gone = eg_folder_remove(f, name);
        if (!item.gone) item.left = strerror(errno);
    }
    tell(c, &item);
}

/* step-<n>.safetensors[.aside] -> n, or -1. */
static int64_t step_of(const char *name)
{
    char plain[256];
    size_t n = strlen(name);

    if (egi_text_ends(name, ".aside")) n -= strlen(".aside");
    (void)snprintf(plain, sizeof plain, "%.*s", (int)n, name);
    return egi_checkpoint_step(plain);
}

#define DIGITS "0123456789"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Does engram make a file of that name in folder sub of a run? */
static bool is_ours(const char *sub, const char *name)
{
    static const char *const of_run[] = {
        "config.yaml",  "run.json",           "metrics.jsonl",
        "timing.jsonl", "metrics.jsonl.sums", "timing.jsonl.sums",
        "log",          EG_TOKENIZER_FILE,    EGI_NOTES};
    static const char *const of_arrays[] = {".npy", ".npy.sums", ".npy.part"};

    if (egi_is_unfinished(name)) return true;
    if (strcmp(sub, "checkpoints") == 0) return step_of(name) >= 0;
    if (strcmp(sub, "arrays") == 0) {
        for (size_t i = 0; i < sizeof of_arrays / sizeof *of_arrays; i++)
            if (egi_text_ends(name, of_arrays[i])) return true;
        return strcmp(name, EGI_SUMS) == 0 || strcmp(name, "profile.json") == 0;
    }
    if (strncmp(name, "config.", 7) == 0 && is_digit(name[7])) /* extended */
        return strcmp(name + 7 + strspn(name + 7, DIGITS), ".yaml") == 0;
    for (size_t i = 0; i < sizeof of_run / sizeof *of_run; i++)
        if (strcmp(name, of_run[i]) == 0) return true;
    return false;
}

static bool is_our_page(const eg_folder *f, const char *name)
{
    return strcmp(name, "report.html") == 0 &&
           egi_has_mark(f->fd, name,
                        "<meta name=\"generator\" content=\"engram\">");
}

/* ---- what goes of a run ---------------------------------------------------
 */

static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x < y) - (x > y);
}

/* The step of the checkpoint before which all can go; -1: none can. What only
 * has the name of one, a folder or a link, and what the run never reached, are
 * no checkpoints to keep in the place of others. */
static eg_status oldest_kept(int64_t *oldest, const cleaner *c,
                             const eg_folder *f, const egi_names *names)
{
    int64_t *step = eg_calloc((size_t)names->n + 1, sizeof *step);
    eg_index n = 0;

    *oldest = -1;
    if (!step) return EG_FAIL(c->err, EG_ENOMEM, "gc: out of memory");
    for (eg_index i = 0; i < names->n; i++) {
        step[n] = egi_checkpoint_step(names->name[i]);
        if (step[n] >= 0 && step[n] <= c->info->steps_done &&
            weigh(f, names->name[i], NULL) >= 0)
            n++;
    }
    if (n > 1) qsort(step, (size_t)n, sizeof *step, newest_first);
    if (n > c->o->keep) *oldest = step[c->o->keep - 1];
    eg_free(step);
    return EG_OK;
}

/* Those of checkpoint.per_decade are there to stay; -1: nobody can tell. */
static eg_status decades(int64_t *per_decade, const cleaner *c)
{
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_status st;

    if (!cfg) return EG_FAIL(c->err, EG_ENOMEM, "gc: out of memory");
    st = eg_config_load_run(cfg, &c->run, NULL);
    *per_decade = st == EG_OK ? cfg->checkpoint.per_decade : -1;
    eg_free(cfg);
    return st == EG_ENOMEM ? EG_FAIL(c->err, st, "gc: out of memory") : EG_OK;
}

static eg_status take_checkpoints(const cleaner *c, const eg_folder *f)
{
    egi_names names = {0};
    int64_t oldest, per_decade;
    eg_status st;

    EG_TRY(decades(&per_decade, c));
    if (per_decade < 0) return EG_OK;
    EG_TRY(egi_folder_names(&names, f, c->err));
    EG_TRY(oldest_kept(&oldest, c, f, &names));
    for (eg_index i = 0; i < names.n; i++) {
        int64_t step = step_of(names.name[i]);

        if (step >= 0 && step < oldest && !egi_decade_has(per_decade, step) &&
            !egi_needed_has(&c->needed, f, names.name[i]))
            take_file(c, EG_GC_CHECKPOINTS, c->info->dir, f, "checkpoints",
                      names.name[i]);
    }
done:
    egi_names_release(&names);
    return st;
}

static eg_status take_temporary(const cleaner *c, const char *dir,
                                const eg_folder *f, const char *sub)
{
    egi_names names = {0};
    eg_status st = egi_folder_names(&names, f, c->err);

    for (eg_index i = 0; st == EG_OK && i < names.n; i++) {
        const char *name = names.name[i];
        double age = 0;

        if (egi_is_unfinished(name) && weigh(f, name, &age) >= 0 && age >= OLD)
            take_file(c, EG_GC_TEMPORARY, dir, f, sub, name);
    }
    egi_names_release(&names);
    return st;
}

static const char *const sub_folder[] = {"arrays", "checkpoints"};
enum { SUBS = sizeof sub_folder / sizeof *sub_folder };

/* A folder in the run; false: there is none, or something else. */
static bool open_sub(eg_folder *f, const cleaner *c, const char *name)
{
    return eg_folder_sub(f, &c->run, name, false, NULL) == EG_OK;
}

static eg_status take_parts(const cleaner *c)
{
    bool finished = strcmp(c->info->status, "finished") == 0;
    eg_status st = EG_OK;

    if (c->o->kind[EG_GC_TEMPORARY])
        EG_TRY(take_temporary(c, c->info->dir, &c->run, ""));
    for (int i = 0; i < SUBS && st == EG_OK; i++) {
        eg_folder f;

        if (!open_sub(&f, c, sub_folder[i])) continue;
        if (c->o->kind[EG_GC_TEMPORARY])
            st = take_temporary(c, c->info->dir, &f, sub_folder[i]);
        if (st == EG_OK && i == 1 && finished && c->o->kind[EG_GC_CHECKPOINTS])
            st = take_checkpoints(c, &f);
        eg_folder_close(&f);
    }
done:
    return st;
}

/* ---- a whole run ----------------------------------------------------------
 */

/* What is engram's in a folder: counted, and removed with `remove`; left: the
 * first thing that is not. */
static eg_status empty(const cleaner *c, const eg_folder *f, const char *sub,
                       eg_gc_item *item, char left[300])
{
    egi_names names = {0};
    eg_status st = egi_folder_names(&names, f, c->err);

    for (eg_index i = 0; st == EG_OK && i < names.n; i++) {
        const char *name = names.name[i];
        int64_t bytes = weigh(f, name, NULL);
        bool folder = !sub[0] && (strcmp(name, "arrays") == 0 ||
                                  strcmp(name, "checkpoints") == 0);

        if (folder || (!sub[0] && strcmp(name, "lock") == 0)) continue;
        if (bytes < 0 ||
            !(is_ours(sub, name) || (!sub[0] && is_our_page(f, name)))) {
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
static void remove_folders(const cleaner *c, const char *rel)
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

static eg_status take_run(const cleaner *c, eg_gc_kind kind, const char *rel)
{
    char left[300] = "";
    eg_gc_item item = {
        .kind = kind, .dir = c->info->dir, .name = "", .left = left};
    eg_status st;

    for (int i = 0; i < SUBS; i++) {
        eg_folder f;

        if (!eg_folder_has(&c->run, sub_folder[i])) continue;
        if (!open_sub(&f, c, sub_folder[i])) {
            (void)snprintf(left, sizeof left, "%s is no folder", sub_folder[i]);
            continue;
        }
        st = empty(c, &f, sub_folder[i], &item, left);
        eg_folder_close(&f);
        if (st != EG_OK) return st;
        if (c->o->remove) (void)egi_folder_remove_sub(&c->run, sub_folder[i]);
    }
    st = empty(c, &c->run, "", &item, left);
    if (st != EG_OK) return st;
    item.gone = c->o->remove && !left[0];
    if (item.gone) remove_folders(c, rel);
    tell(c, &item);
    return EG_OK;
}

/* ---- all runs -------------------------------------------------------------
 */

/* What its user says of it now: a run with a tag "keep", and as a whole one
 * with notes, is left alone; so is one whose notes nobody can read. */
static bool is_kept(const cleaner *c, bool whole)
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
static eg_gc_kind whole_kind(const cleaner *c)
{
    const eg_run_info *r = c->info;

    if (r->sweep[0] || is_kept(c, true)) return EG_GC_KINDS;
    if (c->o->kind[EG_GC_DIVERGED] && strcmp(r->status, "diverged") == 0)
        return EG_GC_DIVERGED;
    return EG_GC_KINDS;
}

/* Does nobody work on it, and with `remove`, does nobody begin to? */
static bool is_idle(const cleaner *c, int *lock)
{
    *lock = -1;
    if (!eg_folder_has(&c->run, "lock")) return true;
    if (!c->o->remove) return eg_lock_free(&c->run, "lock");
    return eg_lock_take(lock, &c->run, "lock", NULL) == EG_OK;
}

/* A run may have gone on since it was listed. */
static bool is_as_listed(const cleaner *c)
{
    eg_run_info now;
    eg_status st = egi_run_info_read(&now, &c->run, NULL);

    if (strcmp(c->info->status, "killed") == 0)
        return st == EG_OK; /* while we hold its lock it reads "running" */
    return st == EG_OK && strcmp(now.status, c->info->status) == 0;
}

static eg_status take(cleaner *c, const eg_run_info *info)
{
    const char *rel = info->dir + strlen(c->root.path);
    eg_gc_kind kind;
    int64_t per_decade;
    int lock = -1;
    eg_status st = EG_OK;

    c->info = info;
    if (strcmp(info->status, "running") == 0 ||
        strcmp(info->status, "damaged") == 0)
        return EG_OK;
    rel += strspn(rel, "/");
    if (eg_folder_sub(&c->run, &c->root, rel, false, NULL) != EG_OK)
        return EG_OK; /* it is gone */
    if (is_idle(c, &lock) && is_as_listed(c) && !is_kept(c, false)) {
        kind = whole_kind(c);
        /* another program's folder may hold a run.json, too */
        st = decades(&per_decade, c);
        if (st == EG_OK && per_decade >= 0)
            st = kind < EG_GC_KINDS ? take_run(c, kind, rel) : take_parts(c);
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

/* <pid>-<n>, the end of an unfinished file's name. */
static bool is_pid_and_count(const char *s)
{
    size_t pid = strspn(s, DIGITS), n;

    if (pid == 0 || s[pid] != '-') return false;
    n = strspn(s + pid + 1, DIGITS);
    return n > 0 && s[pid + 1 + n] == '\0';
}

/* Those of the catalogue, in the folder of runs. */
static eg_status take_of_root(const cleaner *c)
{
    static const char begin[] = "catalogue.sqlite.tmp-";
    egi_names names = {0};
    eg_status st = egi_folder_names(&names, &c->root, c->err);

    for (eg_index i = 0; st == EG_OK && i < names.n; i++) {
        double age = 0;

        if (strncmp(names.name[i], begin, sizeof begin - 1) == 0 &&
            is_pid_and_count(names.name[i] + sizeof begin - 1) &&
            weigh(&c->root, names.name[i], &age) >= 0 && age >= OLD)
            take_file(c, EG_GC_TEMPORARY, c->root.path, &c->root, "",
                      names.name[i]);
    }
    egi_names_release(&names);
    return st;
}

eg_status eg_gc(const char *root, const eg_gc_opts *o, eg_gc_fn fn, void *ctx,
                eg_err *err)
{
    cleaner c = {
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
