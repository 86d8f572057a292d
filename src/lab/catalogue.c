/* runs/catalogue.sqlite: an index over the run directories, nothing that is
 * not in their run.json. Whoever asks it gets what the directories say now: a
 * row counts as long as its run.json has not changed since; what is missing,
 * stale or damaged is read again, and a new catalogue written. */
#include "lab/catalogue.h"

#include <stdlib.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/catalogue_values.h"
#include "lab/run_priv.h"

enum { FEW = 50 }; /* rows for which no new catalogue is written */

/* Where the run at dir lies below root. */
static const char *below(const char *root, const char *dir)
{
    size_t n = strlen(root);

    while (n > 1 && root[n - 1] == '/') n--;
    if (strncmp(dir, root, n) != 0) return dir;
    return dir + n + strspn(dir + n, "/");
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
    if (!there && e->record.changed == 0) return false;
    e->info = (eg_run_info){.point = -1};
    snprintf(e->info.status, sizeof e->info.status, "%s",
             held ? "running" : "damaged");
    (void)eg_text_copy(e->info.reason, sizeof e->info.reason, why);
    (void)eg_text_copy(e->info.id, sizeof e->info.id, id ? id + 1 : rel);
    if (id && id - rel < EG_TEXT)
        snprintf(e->info.name, sizeof e->info.name, "%.*s", (int)(id - rel),
                 rel);
    return true;
}

static void take_stamps(egi_entry *e, const char *dir)
{
    e->record = egi_stamp_of(dir, EGI_RECORD);
    e->notes = egi_stamp_of(dir, EGI_NOTES);
}

static bool same_stamps(const egi_entry *a, const egi_entry *b)
{
    return a->record.changed == b->record.changed &&
           a->record.bytes == b->record.bytes &&
           a->notes.changed == b->notes.changed &&
           a->notes.bytes == b->notes.bytes;
}

/* Reads the record of the run at dir; *there: or there is no run any more. */
static eg_status read_entry(egi_entry *e, bool *there, const char *root,
                            const char *dir, eg_err *err)
{
    eg_err why = {0};
    const char *rel = below(root, dir);
    eg_status st;

    *there = true;
    *e = (egi_entry){.info.point = -1};
    /* the stamps first: of a file that changes meanwhile they are too old */
    take_stamps(e, dir);
    st = eg_run_info_read(&e->info, dir, &why);
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why.msg);
    if (st != EG_OK) {
        take_stamps(e, dir);
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

/* ---- the directories as they are now ---------------------------------------
 */

/* What the catalogue lacks: rows that are not in it so, and, of those it has,
 * how many directories are gone. */
typedef struct news {
    const egi_entry **row;
    const char **gone; /* dir */
    int n, n_gone;
} news;

static void move_details(egi_entry *to, egi_entry *from)
{
    to->config = from->config;
    to->last = from->last;
    to->config_file = from->config_file;
    to->metrics_file = from->metrics_file;
    to->details = from->details;
    from->config = from->last = NULL;
}

/* The run at dir as it is now, from the row that was kept of it (NULL: none)
 * where that still holds; *changed: the row would be another. */
static eg_status renew(egi_entry *new, egi_entry *old, bool *there,
                       bool *changed, const char *root, const char *dir,
                       bool details, eg_err *err)
{
    eg_status st = EG_OK;

    *there = true;
    *changed = !old;
    take_stamps(new, dir);
    if (old && is_settled(old) && same_stamps(old, new) &&
        new->record.changed != 0) {
        new->info = old->info;
    } else {
        EG_TRY(read_entry(new, there, root, dir, err));
        if (old && (!same_stamps(old, new) ||
                    strcmp(old->info.status, new->info.status) != 0))
            *changed = true;
    }
    if (!*there) return EG_OK;
    if (old) move_details(new, old);
    if (details) EG_TRY(egi_details_read(new, changed, dir, err));
done:
    return st;
}

/* Every run below root, in order of dir, from the rows that are known [n_known,
 * in that order]; which of them are news. */
static eg_status merge(egi_entry *e, int *n, news *fresh, const char *root,
                       egi_entry *known, int n_known, char (*dirs)[EG_PATH],
                       bool details, eg_err *err)
{
    int k = 0, n_dirs = *n;
    eg_status st = EG_OK;

    *n = 0;
    for (int i = 0; i < n_dirs && st == EG_OK; i++) {
        const char *rel = below(root, dirs[i]);
        egi_entry *old = NULL;
        bool there, changed;

        for (; k < n_known && strcmp(known[k].info.dir, rel) < 0; k++)
            fresh->gone[fresh->n_gone++] = known[k].info.dir;
        if (k < n_known && strcmp(known[k].info.dir, rel) == 0)
            old = &known[k++];
        st = renew(&e[*n], old, &there, &changed, root, dirs[i], details, err);
        if (st != EG_OK || !there) {
            if (old && !there) fresh->gone[fresh->n_gone++] = old->info.dir;
            eg_free(e[*n].config);
            eg_free(e[*n].last);
            e[*n].config = e[*n].last = NULL;
            continue;
        }
        if (changed) fresh->row[fresh->n++] = &e[*n];
        ++*n;
    }
    for (; k < n_known; k++) fresh->gone[fresh->n_gone++] = known[k].info.dir;
    return st;
}

/* Details that the catalogue has and that were not loaded, before it is written
 * anew. */
static eg_status load_details(egi_entry *e, int n, const eg_folder *root,
                              eg_err *err)
{
    egi_entry *known = NULL;
    int n_known = 0, lacking = 0;
    bool whole;
    eg_status st;

    for (int i = 0; i < n; i++) lacking += !e[i].config && e[i].details != 0;
    if (lacking == 0) return EG_OK;
    st = egi_catalogue_load(&known, &n_known, &whole, root, 2 * n + 1000, true,
                            err);
    if (!known) n_known = 0;
    if (known) qsort(known, (size_t)n_known, sizeof *known, by_dir);
    for (int i = 0, k = 0; st == EG_OK && i < n; i++) {
        while (k < n_known && by_dir(&known[k], &e[i]) < 0) k++;
        if (e[i].config || e[i].details == 0) continue;
        e[i].details = 0;
        if (k < n_known && by_dir(&known[k], &e[i]) == 0)
            move_details(&e[i], &known[k]);
    }
    egi_entries_free(known, n_known);
    return st;
}

/* The news, or all of it where that is less work or nothing else will do. */
static eg_status write(const eg_folder *root, egi_entry *e, int n,
                       const news *fresh, bool anew, eg_err *err)
{
    egi_change change = {fresh->row, fresh->n, fresh->gone, fresh->n_gone};
    eg_status st = EG_EFORMAT;

    if (!anew && fresh->n + fresh->n_gone <= FEW + n / 4)
        st = egi_catalogue_put(root, &change, err);
    if (st != EG_EFORMAT) return st;
    st = load_details(e, n, root, err);
    return st == EG_OK ? egi_catalogue_save(root, e, n, err) : st;
}

/* All runs, and a new catalogue if there is something new to say; `anew` reads
 * every record again. st_write: how writing it went, which is said in err only
 * with anew: who only asks gets an answer in a folder that is read-only. */
static eg_status collect(egi_entry **entry, int *n, const eg_folder *root,
                         bool anew, bool details, eg_status *st_write,
                         eg_err *err)
{
    char(*dirs)[EG_PATH] = NULL;
    egi_entry *known = NULL;
    news fresh = {0};
    int n_known = 0;
    bool whole = false;
    eg_status st;

    *entry = NULL;
    *st_write = EG_OK;
    EG_TRY(eg_runs_find(&dirs, n, root->path, err));
    if (!anew)
        EG_TRY(egi_catalogue_load(&known, &n_known, &whole, root, 2 * *n + 1000,
                                  details, err));
    if (!known) n_known = 0;
    if (known) qsort(known, (size_t)n_known, sizeof *known, by_dir);
    for (int i = 1; i < n_known; i++) /* of a damaged index */
        if (by_dir(&known[i - 1], &known[i]) == 0) whole = false;
    *entry = eg_calloc((size_t)*n + 1, sizeof **entry);
    fresh.row = eg_calloc((size_t)*n + 1, sizeof(void *));
    fresh.gone = eg_calloc((size_t)n_known + 1, sizeof(void *));
    if (!*entry || !fresh.row || !fresh.gone) {
        *n = 0;
        st = EG_FAIL(err, EG_ENOMEM, "catalogue: out of memory");
        goto done;
    }
    EG_TRY(merge(*entry, n, &fresh, root->path, known, n_known, dirs, details,
                 err));
    /* a folder without runs is not ours to write into, unless we did before */
    if ((fresh.n + fresh.n_gone > 0 || !whole) && (*n > 0 || whole))
        *st_write =
            write(root, *entry, *n, &fresh, anew || !whole, anew ? err : NULL);
done:
    eg_free(fresh.row);
    eg_free(fresh.gone);
    egi_entries_free(known, n_known);
    eg_free(dirs);
    if (st != EG_OK) {
        egi_entries_free(*entry, *n);
        *entry = NULL;
        *n = 0;
    }
    return st;
}

/* ---- what others ask for --------------------------------------------------
 */

eg_status eg_catalogue_update(const char *root, const char *dir, eg_err *err)
{
    egi_entry *e = eg_calloc(1, sizeof *e);
    const egi_entry *const row[] = {e};
    eg_folder folder = {.fd = -1};
    eg_status st, written;
    bool there, changed;
    int n = 0;

    if (!e) return EG_FAIL(err, EG_ENOMEM, "catalogue: out of memory");
    EG_TRY(eg_folder_open(&folder, root, err));
    EG_TRY(read_entry(e, &there, folder.path, dir, err));
    if (!there) {
        st = EG_FAIL(err, EG_EIO, "%s: no run is there", dir);
        goto done;
    }
    EG_TRY(egi_details_read(e, &changed, dir, err));
    st = egi_catalogue_put(&folder, &(egi_change){.row = row, .n = 1}, err);
    if (st == EG_EFORMAT) {
        egi_entry *all = NULL;

        EG_TRY(collect(&all, &n, &folder, false, false, &written, err));
        egi_entries_free(all, n);
        st = written;
    }
done:
    eg_folder_close(&folder);
    egi_entries_free(e, 1);
    return st;
}

eg_status eg_catalogue_rebuild(const char *root, int *n, eg_err *err)
{
    egi_entry *entry = NULL;
    eg_folder folder;
    eg_status st = eg_folder_open(&folder, root, err), written = EG_OK;

    *n = 0;
    if (st == EG_OK)
        st = collect(&entry, n, &folder, true, true, &written, err);
    egi_entries_free(entry, *n);
    eg_folder_close(&folder);
    return st == EG_OK ? written : st;
}

eg_status egi_catalogue_all(egi_entry **entry, int *n, const char *root,
                            bool details, eg_err *err)
{
    eg_folder folder;
    eg_status st = eg_folder_open(&folder, root, err), written;

    *entry = NULL;
    *n = 0;
    if (st != EG_OK) return st;
    st = collect(entry, n, &folder, false, details, &written, err);
    if (st == EG_OK && *n > 0)
        qsort(*entry, (size_t)*n, sizeof **entry, newest_first);
    eg_folder_close(&folder);
    return st;
}

bool egi_entry_place(eg_run_info *info, const egi_entry *e, const char *root)
{
    size_t n = strlen(root);

    while (n > 1 && root[n - 1] == '/') n--;
    *info = e->info;
    return (size_t)snprintf(info->dir, sizeof info->dir, "%.*s/%s", (int)n,
                            root, e->info.dir) < sizeof info->dir;
}

eg_status eg_catalogue_each(const char *root, const char *name,
                            eg_catalogue_fn fn, void *ctx, eg_err *err)
{
    egi_entry *entry = NULL;
    int n = 0;
    eg_status st = egi_catalogue_all(&entry, &n, root, false, err);

    for (int i = 0; st == EG_OK && i < n; i++) {
        eg_run_info info;

        if (name && strcmp(entry[i].info.name, name) != 0) continue;
        if (egi_entry_place(&info, &entry[i], root)) fn(ctx, &info);
    }
    egi_entries_free(entry, n);
    return st;
}
