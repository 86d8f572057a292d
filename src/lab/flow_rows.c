/* See flow_rows.h. Rows of merges come between times: those up to the last time
 * that is kept belong to it. */
#include "lab/flow_rows.h"

#include <math.h>
#include <string.h>

static eg_index least(eg_index a, eg_index b)
{
    return a < b ? a : b;
}

/* How many merges there are up to the time of row have - 1. *sure: no damaged
 * row may be one of them. */
static eg_status merges_until(const egi_flow_rows *f, eg_index have,
                              eg_index *n, bool *sure, eg_err *err)
{
    double row[2], t = -INFINITY;
    bool behind = false; /* a good row lies behind that time */
    eg_status st = EG_OK;

    *n = 0;
    *sure = true;
    if (!f->merges) return EG_OK;
    if (have > 0) EG_TRY(egi_rows_read(f->t, have - 1, &t, err));
    for (*n = f->merges->n; *n > 0; --*n) {
        EG_TRY(egi_rows_read(f->merges, *n - 1, row, err));
        if (row[0] <= t) break;
        behind = true;
    }
    *sure = behind || have == 0 ||
            (f->merges->f && f->merges->n == f->merges->written);
done:
    return st;
}

/* Times that are good in every file. */
static eg_index good_times(const egi_flow_rows *f)
{
    eg_index n = least(f->x->n, f->t->n), merges;
    bool sure = false;

    if (f->hist) n = least(n, f->hist->n);
    n = least(n, egi_run_good_rows(f->run));
    while (n > 0 &&
           (merges_until(f, n, &merges, &sure, NULL) != EG_OK || !sure))
        n--;
    return n;
}

static void add_remedy(const egi_flow_rows *f, eg_err *err)
{
    size_t n = strlen(err->msg);
    eg_index good = good_times(f);

    if (good > 0)
        (void)snprintf(err->msg + n, sizeof err->msg - n,
                       "; all is whole up to time %td: --resume --from %td "
                       "goes back to it",
                       good, good);
    else
        (void)snprintf(err->msg + n, sizeof err->msg - n,
                       "; --resume --from 0 begins anew");
}

/* Every file is made before the first row of any. */
static bool has_rows(const egi_flow_rows *f)
{
    return f->x->written > 0 || f->t->written > 0 ||
           f->run->metrics.written > 0;
}

/* Rows without checksums of their own may be a whole file of arrays/sums. */
static bool is_listed(const egi_flow_rows *f, const egi_rows *r)
{
    int64_t bytes;

    return r->whole && egi_sums_find(&f->run->sums, r->name) &&
           egi_sums_check(&f->run->sums, r->in, r->name, &bytes, NULL) == EG_OK;
}

static eg_status check_array(const egi_flow_rows *f, const egi_rows *r,
                             eg_err *err)
{
    eg_status st = EG_OK;

    if (!r || f->told) return EG_OK;
    if (r->why[0])
        st = EG_FAIL(err, EG_EFORMAT, "%s/%s: %s", r->in->path,
                     r->whole ? r->name : r->part, r->why);
    else if (!r->f && has_rows(f))
        st = EG_FAIL(err, EG_EFORMAT, "%s/arrays/%s is lost", f->run->dir,
                     r->name);
    else if (!r->summed && r->n > 0 && !f->run->unsummed && !is_listed(f, r))
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s/%s is lost or damaged: nothing says whether the rows "
                     "of %s are what was written",
                     r->in->path, r->sums_name, r->name);
    if (st != EG_OK) add_remedy(f, err);
    return st;
}

eg_status egi_flow_rows_reached(const egi_flow_rows *f, eg_index *have,
                                eg_err *err)
{
    eg_index good;
    eg_status st;

    EG_TRY(check_array(f, f->x, err));
    EG_TRY(check_array(f, f->t, err));
    EG_TRY(check_array(f, f->hist, err));
    EG_TRY(check_array(f, f->merges, err));
    *have = least(f->x->n, f->t->n);
    if (f->hist) *have = least(*have, f->hist->n);
    if (!f->told) return EG_OK;
    good = good_times(f);
    if (f->from > good)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: expected to go on from time 0 to %td, which are "
                       "whole, found %lld",
                       f->run->dir, good, (long long)f->from);
    *have = (eg_index)f->from;
done:
    return st;
}

eg_status egi_flow_rows_check(const egi_flow_rows *f, eg_index have,
                              eg_err *err)
{
    eg_status st = egi_run_check_rows(f->run, have, f->told, err);

    if (st == EG_EFORMAT) add_remedy(f, err);
    return st;
}

/* What is going to grow is no whole file of arrays/sums any more. */
static eg_status unlist(eg_run *run, egi_rows *const *r, eg_err *err)
{
    eg_index before = run->sums.n;

    for (int i = 0; i < 4; i++)
        if (r[i]) egi_sums_drop(&run->sums, r[i]->name);
    return run->sums.n < before ? egi_run_write_sums(run, err) : EG_OK;
}

eg_status egi_flow_rows_cut(const egi_flow_rows *f, eg_index have, eg_err *err)
{
    egi_rows *const all[] = {f->x, f->t, f->hist, f->merges};
    eg_index merges;
    bool sure;
    eg_status st;

    EG_TRY(merges_until(f, have, &merges, &sure, err));
    /* one of both speaks of the rows, wherever a process may die */
    for (int i = 0; i < 4; i++)
        if (all[i]) EG_TRY(egi_rows_sum(all[i], err));
    EG_TRY(unlist(f->run, all, err));
    EG_TRY(egi_rows_cut(f->x, have, err));
    EG_TRY(egi_rows_cut(f->t, have, err));
    if (f->hist) EG_TRY(egi_rows_cut(f->hist, have, err));
    if (f->merges) EG_TRY(egi_rows_cut(f->merges, merges, err));
    if (!f->run->created) EG_TRY(eg_run_keep(f->run, have, err));
done:
    return st;
}
