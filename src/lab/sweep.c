/* A sweep's folder: made, opened, found. */
#include "lab/sweep_priv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "engram/mem.h"
#include "engram/pool.h"
#include "engram/text.h"
#include "lab/folder_list.h"
#include "lab/run_priv.h"

enum {
    MOST_OF_A_NAME = 1000,
    LAUNCH_BEFORE = 60 /* seconds by which clocks may differ */
};

eg_sweep *egi_sweep_alloc(const char *root)
{
    eg_sweep *s = eg_calloc(1, sizeof *s);

    if (!s) return NULL;
    s->base = eg_calloc(1, sizeof *s->base);
    s->cfg = eg_calloc(1, sizeof *s->cfg);
    (void)snprintf(s->root, sizeof s->root, "%s", root);
    for (size_t n = strlen(s->root); n > 1 && s->root[n - 1] == '/'; n--)
        s->root[n - 1] = '\0';
    if (s->base && s->cfg) return s;
    eg_sweep_free(s);
    return NULL;
}

void eg_sweep_free(eg_sweep *s)
{
    if (!s) return;
    egi_queue_close(s);
    eg_grid_release(&s->grid);
    eg_free(s->base);
    eg_free(s->cfg);
    eg_free(s);
}

const char *eg_sweep_name(const eg_sweep *s)
{
    return s->name;
}

const char *eg_sweep_dir(const eg_sweep *s)
{
    return s->dir;
}

const char *eg_sweep_root(const eg_sweep *s)
{
    return s->root;
}

const char *eg_sweep_created(const eg_sweep *s)
{
    return s->created;
}

const eg_grid *eg_sweep_grid(const eg_sweep *s)
{
    return &s->grid;
}

const eg_config *eg_sweep_base(const eg_sweep *s)
{
    return s->base;
}

int eg_sweep_points(const eg_sweep *s)
{
    return s->n_points;
}

eg_status eg_sweep_config(const eg_sweep *s, int i, eg_config *cfg, char *label,
                          size_t size, eg_err *err)
{
    char own[256];

    EG_ASSERT(i >= 0 && i < s->n_points);
    *cfg = *s->base;
    return eg_grid_set(&s->grid, i, cfg, label ? label : own,
                       label ? size : sizeof own, err);
}

/* ---- made -----------------------------------------------------------------
 */

static eg_status check_name(const char *name, eg_err *err)
{
    if (name[0] == '.' || !name[0] || strchr(name, '/') || strlen(name) > 200)
        return EG_FAIL(err, EG_EINVAL,
                       "the name of a sweep: expected that of a folder, "
                       "without / and not beginning with a point, found '%.*s'",
                       eg_text_fit(name, 100), name);
    return EG_OK;
}

/* run.name, as one folder. */
static void default_name(char name[EG_TEXT], const eg_config *base)
{
    (void)eg_text_copy(name, 200, base->run.name);
    for (char *s = name; *s; s++)
        if (*s == '/') *s = '-';
    if (name[0] == '.') name[0] = '-';
    if (!name[0]) memcpy(name, "sweep", 6);
}

static eg_status make_given(eg_folder *out, const eg_folder *sweeps,
                            const char *name, eg_err *err)
{
    char path[EG_PATH + EG_TEXT];

    (void)snprintf(path, sizeof path, "%s/%s", sweeps->path, name);
    if (eg_folder_has(sweeps, name) && !eg_folder_holds(path, EGI_SWEEP_RECORD))
        return EG_FAIL(err, EG_EINVAL,
                       "%s is in the way: it holds no " EGI_SWEEP_RECORD
                       ", so it is no sweep (or one that is just being made): "
                       "expected another name",
                       path);
    if (eg_folder_has(sweeps, name))
        return EG_FAIL(err, EG_EINVAL,
                       "there is a sweep %s already, which `engram sweep` goes "
                       "on with by its name alone: expected another name",
                       name);
    return eg_folder_sub(out, sweeps, name, true, err);
}

/* mkdir decides who was first. */
static eg_status make_numbered(eg_folder *out, const eg_folder *sweeps,
                               char name[EG_TEXT], eg_err *err)
{
    size_t n = strlen(name);
    eg_status st = EG_EIO;

    for (int i = 2; i <= MOST_OF_A_NAME; i++) {
        st = eg_folder_sub(out, sweeps, name, true, err);
        if (st == EG_OK || !eg_folder_has(sweeps, name)) return st;
        (void)snprintf(name + n, EG_TEXT - n, "-%d", i);
    }
    return st;
}

static eg_status make_folder(eg_folder *out, eg_folder *sweeps, eg_sweep *s,
                             const eg_sweep_make *how, eg_err *err)
{
    char path[EG_PATH + 16];
    eg_status st;

    if (how->name) EG_TRY(check_name(how->name, err));
    EG_TRY(egi_path(path, sizeof path, s->root, EGI_SWEEPS, err));
    EG_TRY(eg_folder_make(sweeps, path, err));
    if (how->name) {
        (void)snprintf(s->name, sizeof s->name, "%s", how->name);
        EG_TRY(make_given(out, sweeps, s->name, err));
    } else {
        default_name(s->name, how->base);
        EG_TRY(make_numbered(out, sweeps, s->name, err));
    }
    if (strlen(out->path) >= sizeof s->dir)
        st = EG_FAIL(err, EG_EINVAL, "path too long: %s", out->path);
    else
        (void)snprintf(s->dir, sizeof s->dir, "%s", out->path);
done:
    return st;
}

static eg_status fill(eg_sweep *s, const eg_sweep_make *how, eg_err *err)
{
    eg_status st;

    *s->base = *how->base;
    (void)snprintf(s->file, sizeof s->file, "%s", how->file ? how->file : "");
    (void)snprintf(s->launch, sizeof s->launch, "%s",
                   how->launch ? how->launch : "");
    s->anew = how->anew;
    eg_sweep_only_kern(s, how->kern);
    egi_now(s->created);
    EG_TRY(egi_grid_check(how->grid, err));
    EG_TRY(egi_grid_copy(&s->grid, how->grid, err));
    if (s->grid.seeds.n == 0) {
        s->grid.seeds.n = 1;
        s->grid.seeds.seed[0] = s->base->run.seed;
    }
    s->n_points = eg_grid_points(&s->grid);
done:
    return st;
}

eg_status eg_sweep_create(eg_sweep **out, const eg_sweep_make *how, eg_err *err)
{
    eg_sweep *s = egi_sweep_alloc(how->root ? how->root : "runs");
    eg_folder sweeps = {.fd = -1}, f = {.fd = -1};
    eg_point *point = NULL;
    int gone;
    eg_status st;

    *out = NULL;
    if (!s) return EG_FAIL(err, EG_ENOMEM, "sweep: out of memory");
    EG_TRY(fill(s, how, err));
    EG_TRY(egi_points_new(&point, s, err));
    EG_TRY(make_folder(&f, &sweeps, s, how, err));
    EG_TRY(egi_points_recover(point, s, false, !s->anew, &gone, err));
    EG_TRY(egi_queue_make(s, point, err));
    /* last: with it, the folder is a sweep */
    EG_TRY(egi_sweep_write(s, &f, err));
    *out = s;
    s = NULL;
done:
    if (s && f.fd >= 0) { /* nothing of a sweep that did not come to be */
        (void)eg_folder_remove(&f, EGI_SWEEP_BASE);
        (void)eg_folder_remove(&f, EGI_QUEUE);
        eg_folder_unmake(&f);
        eg_folder_unmake(&sweeps);
    }
    eg_folder_close(&f);
    eg_folder_close(&sweeps);
    eg_free(point);
    eg_sweep_free(s);
    return st;
}

/* ---- found ----------------------------------------------------------------
 */

/* The folder of a sweep that word stands for: below root, or itself. */
static bool find(char dir[EG_PATH], const char *root, const char *word)
{
    if (word[0] && !strchr(word, '/') && word[0] != '.' &&
        (size_t)snprintf(dir, EG_PATH, "%s/" EGI_SWEEPS "/%s", root, word) <
            EG_PATH &&
        eg_folder_holds(dir, EGI_SWEEP_RECORD))
        return true;
    return (size_t)snprintf(dir, EG_PATH, "%s", word) < EG_PATH &&
           eg_folder_holds(dir, EGI_SWEEP_RECORD);
}

bool eg_sweep_is(const char *root, const char *word)
{
    char dir[EG_PATH];

    return find(dir, root ? root : "runs", word);
}

/* The runs of a sweep in ROOT/sweeps/NAME lie below ROOT, whatever was said. */
static void root_of(char root[EG_PATH], const char *said, const char *dir)
{
    char above[EG_PATH];
    char *slash;

    (void)snprintf(above, sizeof above, "%s", dir);
    for (size_t n = strlen(above); n > 1 && above[n - 1] == '/'; n--)
        above[n - 1] = '\0';
    (void)snprintf(root, EG_PATH, "%s", said);
    slash = strrchr(above, '/');
    if (!slash) return;
    *slash = '\0';
    slash = strrchr(above, '/');
    if (!slash || strcmp(slash + 1, EGI_SWEEPS) != 0) return;
    slash[slash == above] = '\0';
    (void)snprintf(root, EG_PATH, "%s", above);
}

eg_status eg_sweep_open(eg_sweep **out, const char *root, const char *word,
                        eg_err *err)
{
    eg_sweep *s = NULL;
    eg_folder f = {.fd = -1};
    char dir[EG_PATH];
    eg_status st;

    *out = NULL;
    if (!root) root = "runs";
    if (!find(dir, root, word))
        return EG_FAIL(err, EG_EINVAL,
                       "no sweep '%.*s': expected a name below %s/" EGI_SWEEPS
                       ", or a folder with a " EGI_SWEEP_RECORD,
                       eg_text_fit(word, 100), word, root);
    s = egi_sweep_alloc(root);
    if (!s) return EG_FAIL(err, EG_ENOMEM, "sweep: out of memory");
    (void)snprintf(s->dir, sizeof s->dir, "%s", dir);
    root_of(s->root, root, dir);
    EG_TRY(eg_folder_open(&f, dir, err));
    EG_TRY(egi_sweep_read_record(s, &f, err));
    *out = s;
    s = NULL;
done:
    eg_folder_close(&f);
    eg_sweep_free(s);
    return st;
}

static eg_status list(char (**names)[EG_TEXT], int *n, const char *path,
                      eg_err *err)
{
    egi_names all = {0};
    eg_folder f = {.fd = -1};
    eg_status st;

    EG_TRY(eg_folder_open(&f, path, err));
    EG_TRY(egi_folder_names(&all, &f, err));
    *names = eg_calloc((size_t)all.n + 1, sizeof **names);
    if (!*names) st = EG_FAIL(err, EG_ENOMEM, "sweeps: out of memory");
    for (eg_index i = 0; *names && i < all.n; i++) {
        char dir[EG_PATH + 300];

        if (strlen(all.name[i]) >= EG_TEXT) continue;
        (void)snprintf(dir, sizeof dir, "%s/%s", path, all.name[i]);
        if (eg_folder_holds(dir, EGI_SWEEP_RECORD))
            (void)snprintf((*names)[(*n)++], EG_TEXT, "%s", all.name[i]);
    }
done:
    egi_names_release(&all);
    eg_folder_close(&f);
    return st;
}

eg_status eg_sweeps_find(char (**names)[EG_TEXT], int *n, const char *root,
                         eg_err *err)
{
    char path[EG_PATH];
    eg_status st;

    *names = NULL;
    *n = 0;
    st = egi_path(path, sizeof path, root ? root : "runs", EGI_SWEEPS, err);
    if (st != EG_OK || !eg_file_exists(path)) return st;
    return list(names, n, path, err);
}

/* since: names of launches come again, and older sweeps have had them. */
static eg_status of_launch(eg_sweep **out, const char *root, const char *launch,
                           const char *since, eg_err *err)
{
    char(*names)[EG_TEXT] = NULL;
    int n = 0;
    eg_status st = eg_sweeps_find(&names, &n, root, err);

    for (int i = 0; i < n && st == EG_OK && !*out; i++) {
        eg_sweep *s = NULL;

        st = eg_sweep_open(&s, root, names[i], err);
        if (st != EG_OK && st != EG_ENOMEM) st = EG_OK; /* not ours */
        if (s && strcmp(s->launch, launch) == 0 &&
            strcmp(s->created, since) >= 0) {
            *out = s;
            s = NULL;
        }
        eg_sweep_free(s);
    }
    eg_free(names);
    return st;
}

eg_status eg_sweep_of_launch(eg_sweep **out, const char *root,
                             const char *launch, double seconds,
                             bool (*stop)(void *ctx), eg_err *err)
{
    const struct timespec wait = {.tv_nsec = 100000000};
    time_t earliest = time(NULL) - LAUNCH_BEFORE;
    double start = eg_clock();
    char since[32];
    struct tm tm;
    eg_status st;

    *out = NULL;
    gmtime_r(&earliest, &tm);
    (void)strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &tm);
    for (;;) {
        st = of_launch(out, root, launch, since, err);
        if (st != EG_OK || *out) return st;
        if (eg_clock() - start > seconds || (stop && stop(NULL)))
            return EG_FAIL(err, EG_EBUSY,
                           "the first process of this launch has made no sweep "
                           "within %.0f seconds",
                           eg_clock() - start);
        (void)nanosleep(&wait, NULL);
    }
}
