/* Metrics as comma-separated values. */
#include "engram/export_runs.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/export_settings.h"
#include "lab/export_walk.h"

typedef struct csv {
    eg_export_runs *runs;
    bool as_long;
    egi_settings settings; /* of several runs */
    int n_names, cap;
    char (*name)[96]; /* columns of metrics */
    egi_buf line;
    eg_outfile to;
} csv;

static bool several(const csv *c)
{
    return c->runs->sweep || c->runs->n > 1;
}

/* ---- cells ----------------------------------------------------------------
 */

/* Every cell but the first of a line begins with a comma. */
static void comma(csv *c)
{
    if (c->line.n > 0) egi_buf_put(&c->line, ",", 1);
}

static void to_line(void *ctx, const char *piece, size_t n)
{
    egi_buf_put(ctx, piece, n);
}

static void put_text(csv *c, const char *s)
{
    comma(c);
    eg_csv_field(s, to_line, &c->line);
}

static void put_number(csv *c, double v)
{
    char text[EGI_REAL_TEXT];

    if (isnan(v))
        (void)strcpy(text, "nan");
    else if (v == floor(v) && fabs(v) < 1e15)
        (void)egi_snprintf(text, sizeof text, "%.0f", v);
    else
        egi_real_text(text, 15, v); /* without the zeros at its end */
    put_text(c, text);
}

static eg_status end_line(csv *c, eg_err *err)
{
    egi_buf_put(&c->line, "\n", 1);
    if (c->line.failed) return EG_FAIL(err, EG_ENOMEM, "a line of CSV");
    eg_outfile_write(&c->to, c->line.s, c->line.n);
    c->line.n = 0;
    return EG_OK;
}

/* ---- columns --------------------------------------------------------------
 */

/* The column of that name, looked for first at the place `near`; -1: none. */
static int column(const csv *c, const char *name, int near)
{
    if (near < c->n_names && strcmp(c->name[near], name) == 0) return near;
    for (int i = 0; i < c->n_names; i++)
        if (strcmp(c->name[i], name) == 0) return i;
    return -1;
}

static eg_status add_names(csv *c, const eg_metrics *m, eg_err *err)
{
    for (int i = 0; i < m->n; i++) {
        if (column(c, m->series[i].name, i) >= 0) continue;
        if (c->n_names == c->cap) {
            int cap = c->cap ? 2 * c->cap : 64;
            char(*more)[96] = eg_realloc(c->name, (size_t)cap * sizeof *more);

            if (!more) return EG_FAIL(err, EG_ENOMEM, "%d columns", cap);
            c->name = more;
            c->cap = cap;
        }
        memcpy(c->name[c->n_names++], m->series[i].name, sizeof *c->name);
    }
    return EG_OK;
}

static eg_status find_names(csv *c, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < c->runs->n && st == EG_OK; i++) {
        eg_metrics m;

        st = eg_metrics_last(&m, c->runs->dir[i], err);
        if (st == EG_OK) st = add_names(c, &m, err);
        eg_metrics_release(&m);
    }
    return st;
}

static eg_status put_head(csv *c, eg_err *err)
{
    if (several(c)) {
        put_text(c, "run");
        for (int k = 0; k < c->settings.differ.n_keys; k++)
            put_text(c, c->settings.differ.key[k].name);
        put_text(c, "seed");
    }
    put_text(c, "step");
    if (c->as_long) {
        put_text(c, "metric");
        put_text(c, "value");
    }
    for (int i = 0; i < c->n_names; i++) put_text(c, c->name[i]);
    return end_line(c, err);
}

/* ---- rows -----------------------------------------------------------------
 */

/* What stands before every row of run i. */
static void put_settings(csv *c, int i, const char *name)
{
    if (!several(c)) return;
    put_text(c, name);
    for (int k = 0; k < c->settings.differ.n_keys; k++)
        put_text(c, egi_differ_value(&c->settings.differ, i, k));
    put_number(c, (double)c->settings.seed[i]);
}

static eg_status put_long(csv *c, int i, const char *name, const egi_walk *w,
                          eg_err *err)
{
    eg_status st = EG_OK;

    for (int k = 0; k < w->m->n && st == EG_OK; k++) {
        const double *v = egi_walk_value(w, k);

        if (!v) continue;
        put_settings(c, i, name);
        put_number(c, w->step);
        put_text(c, w->m->series[k].name);
        put_number(c, *v);
        st = end_line(c, err);
    }
    return st;
}

/* place [n_names]: the series of each column, -1: the run has none. */
static eg_status put_wide(csv *c, int i, const char *name, const egi_walk *w,
                          const int *place, eg_err *err)
{
    put_settings(c, i, name);
    put_number(c, w->step);
    for (int k = 0; k < c->n_names; k++) {
        const double *v = place[k] < 0 ? NULL : egi_walk_value(w, place[k]);

        if (v)
            put_number(c, *v);
        else
            comma(c);
    }
    return end_line(c, err);
}

static eg_status put_run(csv *c, int i, eg_err *err)
{
    char name[EG_PATH];
    eg_metrics m = {0};
    egi_walk w = {.m = NULL};
    int *place = eg_calloc((size_t)c->n_names + 1, sizeof *place);
    eg_status st;

    if (!place) return EG_FAIL(err, EG_ENOMEM, "%d columns", c->n_names);
    for (int k = 0; k < c->n_names; k++) place[k] = -1;
    egi_export_name(name, c->runs->dir[i]);
    EG_TRY(eg_metrics_read(&m, c->runs->dir[i], err));
    for (int k = 0; k < m.n && !c->as_long; k++) {
        int at = column(c, m.series[k].name, k);

        if (at >= 0) place[at] = k; /* else it came since the head was made */
    }
    EG_TRY(egi_walk_begin(&w, &m, err));
    while (egi_walk_next(&w))
        EG_TRY(c->as_long ? put_long(c, i, name, &w, err)
                          : put_wide(c, i, name, &w, place, err));
done:
    egi_walk_end(&w);
    eg_metrics_release(&m);
    eg_free(place);
    return st;
}

eg_status eg_export_csv(eg_export_runs *runs, const char *path, bool as_long,
                        eg_err *err)
{
    csv c = {.runs = runs, .as_long = as_long};
    eg_status st;

    runs->stopped = false;
    EG_TRY(eg_outfile_open_new(&c.to, path, err));
    if (several(&c)) EG_TRY(egi_settings_read(&c.settings, runs, err));
    if (!as_long) EG_TRY(find_names(&c, err));
    EG_TRY(put_head(&c, err));
    for (int i = 0; i < runs->n; i++) {
        runs->stopped = runs->next && !runs->next(runs->ctx, i);
        if (runs->stopped) goto done;
        EG_TRY(put_run(&c, i, err));
    }
    EG_TRY(eg_outfile_commit(&c.to, err));
done:
    eg_outfile_abort(&c.to);
    egi_settings_release(&c.settings);
    egi_buf_release(&c.line);
    eg_free(c.name);
    return st;
}
