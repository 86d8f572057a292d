/* A sweep as an ensemble: its axes and points are known, no configuration is
 * read; the record of a run says whether it is still that of its point. */
#include "lab/ensemble.h"

#include <math.h>
#include <string.h>
#include "base/num.h"
#include "engram/mem.h"
#include "engram/text.h"

/* Values of an axis from a sweep's own. */
static eg_status copy_axis(eg_ensemble_axis *to, const eg_axis *from,
                           eg_err *err)
{
    eg_text_copy(to->key, sizeof to->key, from->key);
    to->numeric = true;
    to->value = eg_calloc((size_t)from->n, sizeof *to->value);
    to->number = eg_calloc((size_t)from->n, sizeof *to->number);
    if (!to->value || !to->number)
        return EG_FAIL(err, EG_ENOMEM, "values of %s", to->key);
    for (; to->n < from->n; to->n++) {
        int i = to->n;

        to->value[i] = eg_strdup(from->value[i]);
        if (!to->value[i])
            return EG_FAIL(err, EG_ENOMEM, "values of %s", to->key);
        if (egi_real_parse(from->value[i], &to->number[i])) continue;
        to->number[i] = (double)NAN;
        to->numeric = false;
    }
    return EG_OK;
}

static int find_axis(const eg_grid *g, const char *key)
{
    for (int i = 0; i < g->n_axes; i++)
        if (strcmp(g->axis[i].key, key) == 0 && strcmp(key, "run.seed") != 0)
            return i;
    return -1;
}

/* Which axes of the sweep those of the ensemble are. */
static eg_status choose(int axis[EG_AXES], int *n, const eg_sweep *s,
                        const eg_strs *by, eg_err *err)
{
    const eg_grid *g = eg_sweep_grid(s);

    *n = 0;
    for (int i = 0; !by && i < g->n_axes; i++)
        if (find_axis(g, g->axis[i].key) == i) axis[(*n)++] = i;
    for (int i = 0; by && i < by->n; i++) {
        int a = find_axis(g, by->item[i]);

        if (a < 0 || *n == EG_AXES)
            return EG_FAIL(err, EG_EINVAL, "the sweep %s has no axis '%s'",
                           eg_sweep_name(s), by->item[i]);
        axis[(*n)++] = a;
    }
    return EG_OK;
}

static eg_status make_room(egi_found *f, int points, int axes, eg_err *err)
{
    f->axis = eg_calloc((size_t)axes, sizeof *f->axis);
    f->at = eg_calloc((size_t)points * (size_t)axes, sizeof *f->at);
    f->run = eg_calloc((size_t)points, sizeof *f->run);
    f->group = eg_calloc((size_t)points, sizeof *f->group);
    if (f->axis && f->at && f->run && f->group) return EG_OK;
    return EG_FAIL(err, EG_ENOMEM, "a sweep of %d points", points);
}

/* Has the run of a point gone on as one of another configuration? Counted, and
 * the first one named. */
static bool was_changed(eg_ensemble *x, const eg_point *p)
{
    eg_run_info info;

    if (eg_run_info_read(&info, p->dir, NULL) != EG_OK ||
        !info.config_hash[0] || strcmp(info.config_hash, p->config_hash) == 0)
        return false;
    if (x->n_unread++ == 0)
        (void)snprintf(x->why, sizeof x->why,
                       "%.*s has another configuration now: it was extended",
                       eg_text_fit(p->dir, 400), p->dir);
    return true;
}

/* Every point is a group: those that agree in all axes are one setting. */
static void take_points(egi_found *f, eg_ensemble *left, const eg_sweep *s,
                        const eg_point *p, const int *axis, int n)
{
    const eg_grid *g = eg_sweep_grid(s);

    f->n_groups = eg_sweep_points(s);
    for (int i = 0; i < f->n_groups; i++) {
        eg_ensemble_run *run = &f->run[f->n_runs];

        for (int a = 0; a < n; a++)
            f->at[(size_t)i * (size_t)n + (size_t)a] =
                eg_grid_index(g, i, axis[a]);
        if (!p[i].dir[0] || was_changed(left, &p[i])) continue;
        run->seed = p[i].seed;
        eg_text_copy(run->dir, sizeof run->dir, p[i].dir);
        eg_text_copy(run->status, sizeof run->status,
                     eg_point_state_name(p[i].state));
        f->group[f->n_runs++] = i;
    }
}

eg_status eg_ensemble_of_sweep(eg_ensemble *out, const eg_sweep *s,
                               const eg_strs *by, eg_err *err)
{
    const eg_grid *g = eg_sweep_grid(s);
    int axis[EG_AXES], n = 0;
    egi_found f = {0};
    eg_ensemble left = {0};
    eg_point *p = NULL;
    eg_status st;

    *out = (eg_ensemble){0};
    EG_TRY(choose(axis, &n, s, by, err));
    EG_TRY(eg_sweep_read(&p, s, err));
    EG_TRY(make_room(&f, eg_sweep_points(s), n, err));
    f.n_axes = n;
    for (int i = 0; i < n; i++)
        EG_TRY(copy_axis(&f.axis[i], &g->axis[axis[i]], err));
    take_points(&f, &left, s, p, axis, n);
    EG_TRY(egi_ensemble_settle(out, &f, err));
    out->n_unread = left.n_unread;
    memcpy(out->why, left.why, sizeof out->why);
done:
    eg_free(p);
    egi_found_release(&f);
    return st;
}
