/* See swept.h. */
#include "watch/swept.h"

#include <math.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/pool.h"

enum { WHOLE = 2 }; /* of a run that has ended all is read */
static const double LEAST = 1, SHARE = 20, AT_ONCE = 0.3; /* seconds; times */

const char *egi_below(const char *root, const char *dir)
{
    size_t n = strlen(root);

    while (n > 1 && root[n - 1] == '/') n--;
    return strncmp(dir, root, n) == 0 ? dir + n + strspn(dir + n, "/") : dir;
}

eg_status egi_swept_new(egi_swept **out, const char *name, eg_err *err)
{
    egi_swept *s = eg_calloc(1, sizeof *s);

    *out = s;
    if (!s) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", name);
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    s->used = eg_clock();
    return EG_OK;
}

void egi_swept_free(egi_swept *s)
{
    if (!s) return;
    for (int i = 0; i < s->n && s->value; i++) eg_free(s->value[i]);
    for (int i = 0; i < s->n_metrics; i++) eg_free(s->metric[i]);
    eg_free(s->value);
    eg_free(s->n_values);
    eg_free(s->read);
    eg_free(s->metric);
    eg_free(s->point);
    eg_sweep_free(s->sweep);
    eg_free(s);
}

/* Whole, then shown to others: a page may be told of an earlier failure. */
static eg_status open_sweep(egi_swept *s, const char *root,
                            pthread_mutex_t *lock, eg_err *err)
{
    eg_sweep *sweep;
    size_t n;
    double **value;
    int *n_values;
    unsigned char *read;
    eg_status st = eg_sweep_open(&sweep, root, s->name, err);

    if (st != EG_OK) return st;
    n = (size_t)eg_sweep_points(sweep);
    value = eg_calloc(n, sizeof *value);
    n_values = eg_calloc(n, sizeof *n_values);
    read = eg_calloc(n, sizeof *read);
    if (!value || !n_values || !read) {
        eg_free(value);
        eg_free(n_values);
        eg_free(read);
        eg_sweep_free(sweep);
        return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", s->name);
    }
    (void)pthread_mutex_lock(lock);
    s->sweep = sweep;
    s->value = value;
    s->n_values = n_values;
    s->read = read;
    s->n = (int)n;
    (void)pthread_mutex_unlock(lock);
    return EG_OK;
}

/* ---- what runs measured last -----------------------------------------------
 */

/* The number of a name, a new one for a new name; -1: no memory. */
static int number_of(egi_swept *s, const char *name)
{
    for (int i = 0; i < s->n_metrics; i++)
        if (strcmp(s->metric[i], name) == 0) return i;
    if (s->n_metrics == s->cap) {
        int cap = s->cap ? 2 * s->cap : 32;
        char **more = eg_realloc(s->metric, (size_t)cap * sizeof *more);

        if (!more) return -1;
        s->metric = more;
        s->cap = cap;
    }
    s->metric[s->n_metrics] = eg_strdup(name);
    return s->metric[s->n_metrics] ? s->n_metrics++ : -1;
}

/* Under the lock. */
static eg_status take_values(egi_swept *s, int i, const eg_metrics *m,
                             eg_err *err)
{
    double *v;
    int n;

    for (int k = 0; k < m->n; k++)
        if (number_of(s, m->series[k].name) < 0)
            return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", s->name);
    n = s->n_metrics;
    v = eg_realloc(s->value[i], (size_t)n * sizeof *v);
    if (!v) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", s->name);
    for (int k = 0; k < n; k++) v[k] = (double)NAN;
    for (int k = 0; k < m->n; k++) {
        const eg_series *u = &m->series[k];

        v[number_of(s, u->name)] = u->value[u->n - 1];
    }
    s->value[i] = v;
    s->n_values[i] = n;
    return EG_OK;
}

static bool has_ended(const eg_point *p)
{
    return p->state == EG_POINT_FINISHED || p->state == EG_POINT_DIVERGED ||
           p->state == EG_POINT_FAILED;
}

static eg_status read_run(egi_swept *s, int i, pthread_mutex_t *lock,
                          eg_err *err)
{
    eg_metrics m = {0};
    eg_status st = eg_metrics_last(&m, s->point[i].dir, NULL);

    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s: out of memory", s->name);
    if (st != EG_OK || m.n == 0) { /* nothing that can be read */
        if (has_ended(&s->point[i])) s->read[i] = WHOLE;
        return EG_OK;
    }
    (void)pthread_mutex_lock(lock);
    st = take_values(s, i, &m, err);
    (void)pthread_mutex_unlock(lock);
    if (has_ended(&s->point[i])) s->read[i] = WHOLE;
    eg_metrics_release(&m);
    return st;
}

/* Runs that have ended, once, and those that run, for so long. *more: others
 * wait for the next time. */
static eg_status read_runs(egi_swept *s, pthread_mutex_t *lock, bool *changed,
                           bool *more, eg_err *err)
{
    double end = eg_clock() + AT_ONCE;
    eg_status st = EG_OK;

    for (int i = 0; i < s->n && st == EG_OK; i++) {
        const eg_point *p = &s->point[i];

        if (s->read[i] == WHOLE || p->dir[0] == '\0' ||
            (!has_ended(p) && p->state != EG_POINT_RUNNING))
            continue;
        if (eg_clock() > end) {
            *more = true;
            break;
        }
        st = read_run(s, i, lock, err);
        *changed = true;
    }
    return st;
}

/* ---- a look ----------------------------------------------------------------
 */

static bool same_points(const egi_swept *s, const eg_point *now)
{
    for (int i = 0; i < s->n; i++)
        if (s->point[i].state != now[i].state ||
            strcmp(s->point[i].dir, now[i].dir) != 0)
            return false;
    return true;
}

static eg_status read_points(egi_swept *s, const char *root,
                             pthread_mutex_t *lock, bool *changed, eg_err *err)
{
    eg_point *now, *old;
    eg_status st = s->sweep ? EG_OK : open_sweep(s, root, lock, err);

    if (st == EG_OK) st = eg_sweep_read(&now, s->sweep, err);
    if (st != EG_OK) return st;
    if (!s->point || !same_points(s, now)) *changed = true;
    for (int i = 0; i < s->n && s->point; i++) /* one that begins again */
        if (!has_ended(&now[i])) s->read[i] = 0;
    (void)pthread_mutex_lock(lock);
    old = s->point;
    s->point = now;
    (void)pthread_mutex_unlock(lock);
    eg_free(old);
    return EG_OK;
}

eg_status egi_swept_look(egi_swept *s, const char *root, pthread_mutex_t *lock,
                         bool *changed, eg_err *err)
{
    double begun = eg_clock();
    bool any = s->version == 0, more = false;
    eg_err why = {0};
    eg_status st;

    if (begun < s->next) return EG_OK;
    st = read_points(s, root, lock, &any, &why);
    if (st == EG_OK) st = read_runs(s, lock, &any, &more, &why);
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why.msg);
    (void)pthread_mutex_lock(lock);
    if (strcmp(s->problem, st == EG_OK ? "" : why.msg) != 0) any = true;
    (void)snprintf(s->problem, sizeof s->problem, "%s",
                   st == EG_OK ? "" : why.msg);
    if (any) s->version++;
    (void)pthread_mutex_unlock(lock);
    if (any) *changed = true;
    s->next =
        eg_clock() + (more ? 0 : fmax(LEAST, SHARE * (eg_clock() - begun)));
    return EG_OK;
}
