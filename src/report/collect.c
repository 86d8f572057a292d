/* From the paths a user names to runs in groups and claims. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/folder.h"
#include "report/collect.h"

enum { CLAIMS_FILE = 64 << 20 };

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

static eg_status add_run(egi_collection *c, const char *dir, const char *name,
                         eg_err *err)
{
    eg_status st;

    for (int i = 0; i < c->n; i++)
        if (same_file(c->run[i].dir, dir)) return EG_OK;
    if (c->n == c->cap) {
        int cap = c->cap ? 2 * c->cap : 16;
        egi_run *run = eg_realloc(c->run, (size_t)cap * sizeof *run);
        if (!run) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", dir);
        c->run = run;
        c->cap = cap;
    }
    st = egi_run_read(&c->run[c->n], dir, name, err);
    if (st == EG_OK) c->n++;
    return st;
}

/* The runs that a claims.json names; those that are gone become problems. */
static eg_status add_listed(egi_collection *c, const json_t *list,
                            const char *file, eg_err *err)
{
    size_t i;
    json_t *item;
    const char *slash = strrchr(file, '/');

    json_array_foreach(list, i, item)
    {
        char path[2200];
        eg_err why = {0};
        eg_status st;
        const char *name = json_string_value(json_object_get(item, "name"));
        const char *dir = json_is_string(item)
                              ? json_string_value(item)
                              : json_string_value(json_object_get(item, "dir"));

        if (!dir) {
            st = egi_note(c->problems, err, "%s: run %zu has no dir", file,
                          i + 1);
            if (st != EG_OK) return st;
            continue;
        }
        (void)snprintf(path, sizeof path, "%s", dir);
        if (!eg_file_exists(path) && dir[0] != '/' && slash)
            (void)snprintf(path, sizeof path, "%.*s/%s", (int)(slash - file),
                           file, dir);
        st = add_run(c, path, name, &why);
        st = egi_note_why(c->problems, st, &why, err);
        if (st != EG_OK) return st;
    }
    return EG_OK;
}

/* A file the user named, or the claims.json of a folder `in`. */
static eg_status add_claims(egi_collection *c, const eg_folder *in,
                            const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    char *text = NULL, file[EGI_PATH];
    size_t size = 0, i;
    json_error_t e;
    json_t *root = NULL, *claim;

    (void)egi_path_in(file, in, name);
    EG_TRY(eg_file_read_in(&text, &size, in, name, CLAIMS_FILE, err));
    root = egi_json_parse(text, size, 0, &e);
    if (!root && egi_json_status(&e) == EG_ENOMEM) {
        st = egi_report_no_memory(err);
        goto done;
    }
    if (!root) {
        st = egi_note(
            c->problems, err, "%s %s: %s (line %d); no claims are shown", file,
            size ? "is damaged or cut off" : "is empty", e.text, e.line);
        goto done;
    }
    if (!json_is_array(json_object_get(root, "claims")))
        EG_TRY(egi_note(c->problems, err, "%s holds no list of claims", file));
    json_array_foreach(json_object_get(root, "claims"), i, claim)
    {
        if (!json_is_object(claim))
            EG_TRY(egi_note(c->problems, err, "%s: claim %zu is no object",
                            file, i + 1));
        else if (json_array_append(c->claims, claim))
            EG_TRY(egi_report_no_memory(err));
    }
    EG_TRY(add_listed(c, json_object_get(root, "runs"), file, err));
done:
    json_decref(root);
    eg_free(text);
    return st;
}

eg_status egi_collect_run(egi_collection *c, const char *dir, eg_err *err)
{
    return add_run(c, dir, NULL, err);
}

static eg_status add_path(egi_collection *c, const char *path, eg_err *err)
{
    struct stat info;
    eg_folder in;
    eg_status st;

    if (stat(path, &info) != 0)
        return EG_FAIL(err, EG_EIO, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(info.st_mode)) return add_claims(c, NULL, path, err);
    st = eg_folder_open(&in, path, err);
    if (st != EG_OK) return st;
    if (eg_folder_has(&in, "claims.json"))
        st = add_claims(c, &in, "claims.json", err);
    else if (eg_folder_has(&in, "sweep.json"))
        st = egi_collect_sweep(c, path, err);
    else
        st = add_run(c, path, NULL, err);
    eg_folder_close(&in);
    return st;
}

/* Groups in order of first appearance, seeds ascending inside. */
static void sort_runs(egi_collection *c)
{
    for (int i = 1; i < c->n; i++) {
        int to, last = -1;
        egi_run r = c->run[i];

        for (int k = 0; k < i; k++)
            if (strcmp(c->run[k].group, r.group) == 0) last = k;
        if (last < 0) continue;
        to = last + 1;
        while (to > 0 && strcmp(c->run[to - 1].group, r.group) == 0 &&
               c->run[to - 1].seed > r.seed)
            to--;
        memmove(&c->run[to + 1], &c->run[to],
                (size_t)(i - to) * sizeof *c->run);
        c->run[to] = r;
    }
}

eg_status egi_collect(egi_collection *c, const char *const *paths, int n,
                      eg_err *err)
{
    eg_status st = EG_OK;

    memset(c, 0, sizeof *c);
    c->claims = json_array();
    c->problems = json_array();
    c->sweeps = json_array();
    if (!c->claims || !c->problems || !c->sweeps) {
        st = EG_FAIL(err, EG_ENOMEM, "out of memory");
        goto done;
    }
    for (int i = 0; i < n; i++) EG_TRY(add_path(c, paths[i], err));
    EG_TRY(egi_collection_group(c, err));
    sort_runs(c);
done:
    if (st != EG_OK) egi_collection_release(c);
    return st;
}

static void tell(const json_t *problems, const char *dir,
                 const eg_report_opts *opts)
{
    size_t i, n = dir ? strlen(dir) : 0;
    json_t *item;

    json_array_foreach(problems, i, item)
    {
        const char *text = json_string_value(item);
        char line[1600];

        if (!text) continue;
        if (!dir || strncmp(text, dir, n) == 0)
            (void)snprintf(line, sizeof line, "%s", text);
        else
            (void)snprintf(line, sizeof line, "%s/%s", dir, text);
        opts->note(opts->ctx, line);
    }
}

void egi_collection_tell(const egi_collection *c, const eg_report_opts *opts)
{
    if (!opts->note) return;
    tell(c->problems, NULL, opts);
    for (int i = 0; i < c->n; i++)
        tell(c->run[i].problems, c->run[i].dir, opts);
}

void egi_collection_release(egi_collection *c)
{
    for (int i = 0; i < c->n; i++) egi_run_release(&c->run[i]);
    eg_free(c->run);
    json_decref(c->claims);
    json_decref(c->problems);
    json_decref(c->sweeps);
    memset(c, 0, sizeof *c);
}
