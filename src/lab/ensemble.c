/* Settings in the order of their axes, and the runs of each by seed. */
#include "lab/ensemble.h"

#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "engram/mem.h"
#include "lab/aggregate_priv.h"

static void axes_free(eg_ensemble_axis *axis, int n)
{
    for (int i = 0; axis && i < n; i++) {
        for (int k = 0; axis[i].value && k < axis[i].n; k++)
            eg_free(axis[i].value[k]);
        eg_free(axis[i].value);
        eg_free(axis[i].number);
    }
    eg_free(axis);
}

void egi_found_release(egi_found *f)
{
    axes_free(f->axis, f->n_axes);
    eg_free(f->at);
    eg_free(f->run);
    eg_free(f->group);
    *f = (egi_found){0};
}

void eg_ensemble_release(eg_ensemble *x)
{
    for (int i = 0; x->setting && i < x->n_settings; i++)
        eg_free(x->setting[i].label);
    axes_free(x->axis, x->n_axes);
    eg_free(x->setting);
    eg_free(x->run);
    eg_free(x->room);
    *x = (eg_ensemble){0};
}

/* A group while groups are put in order. */
typedef struct place {
    const int *at;
    int n_axes, group, setting;
} place;

static int by_values(const void *a, const void *b)
{
    const place *x = a, *y = b;

    for (int i = 0; i < x->n_axes; i++)
        if (x->at[i] != y->at[i]) return x->at[i] < y->at[i] ? -1 : 1;
    return 0;
}

static int by_group(const void *a, const void *b)
{
    const place *x = a, *y = b;

    return (x->group > y->group) - (x->group < y->group);
}

/* The setting of every group; gives the number of settings. */
static int number_settings(place *p, const egi_found *f)
{
    int n = 0;

    for (int g = 0; g < f->n_groups; g++)
        p[g] = (place){.at = f->at + (size_t)g * (size_t)f->n_axes,
                       .n_axes = f->n_axes,
                       .group = g};
    qsort(p, (size_t)f->n_groups, sizeof *p, by_values);
    for (int g = 0; g < f->n_groups; g++) {
        if (g > 0 && by_values(&p[g - 1], &p[g]) != 0) n++;
        p[g].setting = n;
    }
    qsort(p, (size_t)f->n_groups, sizeof *p, by_group);
    return f->n_groups ? n + 1 : 0;
}

typedef struct seat {
    int setting, run;
    const eg_ensemble_run *of;
} seat;

static int by_seat(const void *a, const void *b)
{
    const seat *x = a, *y = b;

    if (x->setting != y->setting) return x->setting < y->setting ? -1 : 1;
    if (x->of->seed != y->of->seed) return x->of->seed < y->of->seed ? -1 : 1;
    return strcmp(x->of->dir, y->of->dir);
}

static eg_status make_label(eg_ensemble_setting *s, const eg_ensemble *x,
                            eg_err *err)
{
    size_t size = 1;
    char *at;

    for (int i = 0; i < x->n_axes; i++)
        size += strlen(x->axis[i].key) + strlen(x->axis[i].value[s->at[i]]) + 2;
    s->label = at = eg_calloc(size, 1);
    if (!at) return EG_FAIL(err, EG_ENOMEM, "the name of a setting");
    for (int i = 0; i < x->n_axes; i++)
        at +=
            snprintf(at, size - (size_t)(at - s->label), "%s%s=%s",
                     i ? " " : "", x->axis[i].key, x->axis[i].value[s->at[i]]);
    return EG_OK;
}

/* Points of a sweep that are the same run, in one setting, count once. */
static void seat_runs(eg_ensemble *x, const egi_found *f, const place *p,
                      seat *s)
{
    for (int i = 0; i < f->n_runs; i++)
        s[i] = (seat){p[f->group[i]].setting, i, &f->run[i]};
    qsort(s, (size_t)f->n_runs, sizeof *s, by_seat);
    for (int i = 0; i < f->n_runs; i++) {
        eg_ensemble_setting *to = &x->setting[s[i].setting];

        if (i > 0 && by_seat(&s[i - 1], &s[i]) == 0) {
            x->n_doubles++;
            continue;
        }
        if (to->n_runs++ == 0) to->first = x->n_runs;
        x->run[x->n_runs++] = *s[i].of;
    }
    for (int i = 0; i < x->n_settings; i++)
        x->setting[i].run = x->run + x->setting[i].first;
}

eg_status egi_ensemble_settle(eg_ensemble *out, egi_found *f, eg_err *err)
{
    place *p = eg_calloc((size_t)f->n_groups, sizeof *p);
    seat *s = eg_calloc((size_t)f->n_runs, sizeof *s);
    size_t cells = (size_t)f->n_groups * (size_t)f->n_axes;
    eg_ensemble x = {.n_runs = 0};
    int *at;
    eg_status st = EG_OK;

    x.run = eg_calloc((size_t)f->n_runs, sizeof *x.run);
    x.room = at = eg_calloc(cells, sizeof *at);
    x.setting = eg_calloc((size_t)f->n_groups, sizeof *x.setting);
    if (!p || !s || !x.run || !x.room || !x.setting) {
        st = EG_FAIL(err, EG_ENOMEM, "%d runs", f->n_runs);
        goto done;
    }
    x.n_axes = f->n_axes;
    x.axis = f->axis;
    f->axis = NULL;
    f->n_axes = 0;
    memcpy(at, f->at, cells * sizeof *at);
    x.n_settings = number_settings(
        p, &(egi_found){.n_axes = x.n_axes, .n_groups = f->n_groups, .at = at});
    for (int g = 0; g < f->n_groups; g++) x.setting[p[g].setting].at = p[g].at;
    for (int i = 0; i < x.n_settings && st == EG_OK; i++)
        st = make_label(&x.setting[i], &x, err);
    if (st == EG_OK) seat_runs(&x, f, p, s);
done:
    eg_free(p);
    eg_free(s);
    if (st != EG_OK) eg_ensemble_release(&x);
    *out = x;
    return st;
}

static bool has_name(char (*names)[96], int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

eg_status eg_ensemble_metrics(char (**names)[96], int *n, const eg_ensemble *x,
                              eg_err *err)
{
    char(*list)[96] = NULL;
    int count = 0, cap = 0;

    for (int i = 0; i < x->n_runs; i++) {
        eg_metrics m = {0};
        bool full = false;

        if (eg_metrics_last(&m, x->run[i].dir, err) == EG_ENOMEM) full = true;
        for (int k = 0; k < m.n && !full; k++) {
            if (has_name(list, count, m.series[k].name)) continue;
            if (count == cap) {
                char(*more)[96];

                cap = cap ? 2 * cap : 64;
                more = eg_realloc(list, (size_t)cap * sizeof *more);
                full = !more;
                if (full) break;
                list = more;
            }
            memcpy(list[count++], m.series[k].name, sizeof *list);
        }
        eg_metrics_release(&m);
        if (!full) continue;
        eg_free(list);
        return EG_FAIL(err, EG_ENOMEM, "names of metrics");
    }
    *names = list;
    *n = count;
    return EG_OK;
}
