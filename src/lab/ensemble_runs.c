/* Run directories read: which keys differ, and which runs are one setting. */
#include "lab/ensemble.h"

#include <stdlib.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/text.h"

static void reader_release(egi_reader *r)
{
    egi_differ_release(&r->differ);
    eg_free(r->id);
    eg_free(r->first);
    eg_free(r->cfg);
    eg_free(r->start);
    egi_found_release(&r->found);
}

/* ---- one run after the other ----------------------------------------------
 */

/* The group of r->cfg, which is made where it is new. */
static eg_status find_group(int *out, egi_reader *r, eg_err *err)
{
    int n = r->differ.n;
    eg_status st = eg_config_hash(r->id[n], r->cfg, err);

    if (st != EG_OK) return st;
    for (*out = 0; *out < n; ++*out)
        if (strcmp(r->id[*out], r->id[n]) == 0) return EG_OK;
    if (n == 0) memcpy(r->first, r->cfg, sizeof *r->cfg);
    return egi_differ_add(&r->differ, r->first, r->cfg, err);
}

static eg_status check_kind(const egi_reader *r, const char *dir, eg_err *err)
{
    const eg_run_opts *a = &r->first->run, *b = &r->cfg->run;

    if (r->differ.n == 0 ||
        (a->kind == b->kind &&
         (a->kind != EG_RUN_THEORY || strcmp(a->theory, b->theory) == 0)))
        return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "%s is a run of another kind than %s: they have no metric "
                   "in common",
                   dir, r->found.run[0].dir);
}

static eg_status read_config(eg_config *cfg, eg_run_info *info, const char *dir,
                             eg_err *err)
{
    eg_folder f;
    eg_status st = eg_folder_open(&f, dir, err);

    if (st == EG_OK) st = eg_config_load_run(cfg, &f, err);
    eg_folder_close(&f);
    return st == EG_OK ? eg_run_info_read(info, dir, err) : st;
}

static eg_status read_run(egi_reader *r, eg_ensemble *out, const char *dir,
                          eg_err *err)
{
    int i = r->found.n_runs, g = 0;
    eg_ensemble_run *run = &r->found.run[i];
    eg_run_info info;
    eg_err why = {0};
    int64_t seed;
    eg_status st = read_config(r->cfg, &info, dir, &why);

    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", dir);
    if (st != EG_OK) {
        if (out->n_unread++ == 0)
            eg_text_copy(out->why, sizeof out->why, why.msg);
        return EG_OK;
    }
    seed = r->cfg->run.seed;
    r->cfg->run.seed = 0;
    EG_TRY(check_kind(r, dir, err));
    EG_TRY(find_group(&g, r, err));
    *run = (eg_ensemble_run){.seed = seed};
    eg_text_copy(run->dir, sizeof run->dir, dir);
    eg_text_copy(run->status, sizeof run->status, info.status);
    eg_text_copy(r->start[i], sizeof r->start[i], info.start);
    r->found.group[i] = g;
    r->found.n_runs++;
done:
    return st;
}

/* ---- runs that another one repeats ----------------------------------------
 */

typedef struct twin {
    int run, group;
    int64_t seed;
    bool finished;
    const char *start;
} twin;

/* The one to keep comes last. */
static int by_worth(const void *a, const void *b)
{
    const twin *x = a, *y = b;

    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    if (x->seed != y->seed) return x->seed < y->seed ? -1 : 1;
    if (x->finished != y->finished) return x->finished ? 1 : -1;
    if (strcmp(x->start, y->start) != 0) return strcmp(x->start, y->start);
    return (x->run > y->run) - (x->run < y->run);
}

static eg_status drop_doubles(egi_reader *r, int *dropped, eg_err *err)
{
    egi_found *f = &r->found;
    int n = f->n_runs, kept = 0;
    twin *t = eg_calloc((size_t)n, sizeof *t);
    bool *drop = eg_calloc((size_t)n, sizeof *drop);
    eg_status st = EG_OK;

    if (!t || !drop) {
        st = EG_FAIL(err, EG_ENOMEM, "%d runs", n);
        goto done;
    }
    for (int i = 0; i < n; i++)
        t[i] = (twin){i, f->group[i], f->run[i].seed,
                      strcmp(f->run[i].status, "finished") == 0, r->start[i]};
    qsort(t, (size_t)n, sizeof *t, by_worth);
    for (int i = 0; i + 1 < n; i++)
        drop[t[i].run] =
            t[i].group == t[i + 1].group && t[i].seed == t[i + 1].seed;
    for (int i = 0; i < n; i++) {
        if (drop[i]) continue;
        if (kept != i) f->run[kept] = f->run[i];
        f->group[kept++] = f->group[i];
    }
    f->n_runs = kept;
    *dropped = n - kept;
done:
    eg_free(t);
    eg_free(drop);
    return st;
}

/* ---- all of them ----------------------------------------------------------
 */

static eg_status reader_init(egi_reader *r, int n, eg_err *err)
{
    r->first = eg_calloc(1, sizeof *r->first);
    r->cfg = eg_calloc(1, sizeof *r->cfg);
    r->start = eg_calloc((size_t)n, sizeof *r->start);
    r->id = eg_calloc((size_t)n + 1, sizeof *r->id);
    r->found.run = eg_calloc((size_t)n, sizeof *r->found.run);
    r->found.group = eg_calloc((size_t)n, sizeof *r->found.group);
    if (r->first && r->cfg && r->start && r->id && r->found.run &&
        r->found.group)
        return EG_OK;
    return EG_FAIL(err, EG_ENOMEM, "%d runs", n);
}

eg_status eg_ensemble_of_runs(eg_ensemble *out, const char (*dirs)[EG_PATH],
                              int n, const eg_strs *by, eg_err *err)
{
    egi_reader r = {0};
    eg_ensemble x = {0};
    int doubles = 0;
    eg_status st = reader_init(&r, n, err);

    *out = (eg_ensemble){0};
    for (int i = 0; i < n && st == EG_OK; i++)
        st = read_run(&r, &x, dirs[i], err);
    if (st == EG_OK) st = drop_doubles(&r, &doubles, err);
    if (st == EG_OK) st = egi_reader_axes(&r, by, err);
    if (st == EG_OK) st = egi_ensemble_settle(out, &r.found, err);
    if (st == EG_OK) {
        out->n_doubles += doubles;
        out->n_unread = x.n_unread;
        memcpy(out->why, x.why, sizeof x.why);
    }
    reader_release(&r);
    return st;
}
