/* Sweeps for engram top: see top.h. */
#include "top.h"

#include <math.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/pool.h"

static const double EVERY = 3; /* seconds */

void top_sweeps_release(top_sweeps *t)
{
    eg_free(t->sweep);
    *t = (top_sweeps){0};
}

static top_sweep *find(top_sweeps *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->sweep[i].name, name) == 0) return &t->sweep[i];
    return NULL;
}

/* One more; NULL: no memory. */
static top_sweep *add(top_sweeps *t, const char *name)
{
    top_sweep *s;

    if (t->n == t->cap) {
        int cap = t->cap ? 2 * t->cap : 16;

        s = eg_realloc(t->sweep, (size_t)cap * sizeof *s);
        if (!s) return NULL;
        t->sweep = s;
        t->cap = cap;
    }
    s = &t->sweep[t->n++];
    *s = (top_sweep){.first = -1, .since = eg_clock()};
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

static eg_status read_sweep(top_sweep *s, const char *root, eg_err *err)
{
    eg_sweep *sweep = NULL;
    eg_point *point = NULL;
    eg_status st = eg_sweep_open(&sweep, root, s->name, err);

    if (st == EG_OK) st = eg_sweep_read(&point, sweep, err);
    if (st == EG_OK) {
        s->points = eg_sweep_points(sweep);
        memset(s->count, 0, sizeof s->count);
        for (int i = 0; i < s->points; i++) s->count[point[i].state]++;
        s->ended =
            s->points - s->count[EG_POINT_PENDING] - s->count[EG_POINT_RUNNING];
        if (s->first < 0) s->first = s->ended;
    }
    s->over = st != EG_OK || s->count[EG_POINT_RUNNING] == 0;
    eg_free(point);
    eg_sweep_free(sweep);
    return st == EG_ENOMEM ? st : EG_OK;
}

eg_status top_sweeps_look(top_sweeps *t, const char *root, eg_err *err)
{
    char(*name)[EG_TEXT] = NULL;
    int n = 0;
    eg_status st;

    if (eg_clock() < t->next || !eg_file_exists(root)) return EG_OK;
    t->next = eg_clock() + EVERY;
    st = eg_sweeps_find(&name, &n, root, err);
    if (st != EG_OK) return st == EG_ENOMEM ? st : EG_OK;
    for (int i = 0; i < n && st == EG_OK; i++) {
        top_sweep *s = find(t, name[i]);

        if (!s) s = add(t, name[i]);
        if (!s)
            st = EG_FAIL(err, EG_ENOMEM, "sweeps: out of memory");
        else
            st = read_sweep(s, root, err);
    }
    eg_free(name);
    return st;
}

double top_sweep_eta(const top_sweep *s)
{
    double went = eg_clock() - s->since;
    int done = s->ended - s->first;

    if (done < 1) return (double)NAN;
    return went / done * (s->points - s->ended);
}
