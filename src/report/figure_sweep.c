/* Figures of the settings of a name together: a metric at the end against each
 * key that differs and over each two, and its curves. No key is averaged. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "engram/text.h"
#include "report/figures.h"

enum { MOST_LINES = 24, VALUES = 256 };

/* A key that differs, with its values in order. */
typedef struct axis {
    const char *name, *word; /* "optim.lr", "lr" */
    int n;
    const char *value[VALUES];
    double x[VALUES]; /* the numbers, or their places where one is none */
    bool numeric, log;
    int *at; /* [settings]: which of them each setting has */
} axis;

typedef struct sweep {
    const egi_family *f;
    int n_axes;
    axis *axis;
    const char *metric;
    const egi_quantity *q;
    const egi_panel *panel;
    char label[160];
    egi_figure_names maps; /* of two keys */
    int *n_files;
} sweep;

/* ---- keys -----------------------------------------------------------------
 */

static int place_of(const axis *a, const char *value)
{
    int i = 0;

    while (i < a->n && strcmp(a->value[i], value) != 0) i++;
    return i;
}

typedef struct mark {
    double x;
    const char *value;
} mark;

static int by_x(const void *a, const void *b)
{
    const mark *p = a, *q = b;

    return (p->x > q->x) - (p->x < q->x);
}

/* Values in order, where all are numbers; on a logarithmic axis where they span
 * much. */
static void order_values(axis *a)
{
    mark m[VALUES] = {{0}};

    a->numeric = true;
    for (int i = 0; i < a->n; i++) {
        m[i].value = a->value[i];
        a->numeric = egi_real_parse(a->value[i], &m[i].x) && isfinite(m[i].x) &&
                     a->numeric;
    }
    if (a->numeric) qsort(m, (size_t)a->n, sizeof *m, by_x);
    for (int i = 0; i < a->n; i++) {
        a->value[i] = m[i].value;
        a->x[i] = a->numeric ? m[i].x : i;
    }
    a->log =
        a->numeric && a->n > 2 && a->x[0] > 0 && a->x[a->n - 1] >= 8 * a->x[0];
}

/* False: more values than a figure has place for. */
static bool read_axis(axis *a, const egi_family *f, int key)
{
    const char *name = egi_differs_part(f->of[0].runs, (size_t)key, 0);
    const char *dot = strrchr(name, '.');

    a->name = name;
    a->word = dot ? dot + 1 : a->name;
    for (int s = 0; s < f->n; s++) {
        const char *v = egi_differs_part(f->of[s].runs, (size_t)key, 1);

        if (place_of(a, v) < a->n) continue;
        if (a->n == VALUES) return false;
        a->value[a->n++] = v;
    }
    order_values(a);
    for (int s = 0; s < f->n; s++)
        a->at[s] = place_of(a, egi_differs_part(f->of[s].runs, (size_t)key, 1));
    return true;
}

/* Keys of one word are called by their whole names. */
static void tell_apart(sweep *w)
{
    for (int i = 0; i < w->n_axes; i++)
        for (int k = 0; k < w->n_axes; k++)
            if (k != i && strcmp(strrchr(w->axis[k].name, '.'),
                                 strrchr(w->axis[i].name, '.')) == 0)
                w->axis[i].word = w->axis[i].name;
}

static eg_status read_axes(sweep *w, const egi_family *f, bool *fits,
                           eg_err *err)
{
    int n = (int)json_array_size(f->of[0].runs->differs);

    *fits = true;
    w->f = f;
    w->axis = eg_calloc((size_t)n + 1, sizeof *w->axis);
    if (!w->axis) return egi_report_no_memory(err);
    for (int k = 0; k < n && *fits; k++) {
        axis *a = &w->axis[w->n_axes++];

        a->at = eg_calloc((size_t)f->n, sizeof *a->at);
        if (!a->at) return egi_report_no_memory(err);
        *fits = read_axis(a, f, k) && strchr(a->name, '.');
    }
    if (*fits) tell_apart(w);
    return EG_OK;
}

static void release(sweep *w)
{
    for (int k = 0; k < w->n_axes; k++) eg_free(w->axis[k].at);
    eg_free(w->axis);
    eg_free(w->maps.name);
}

/* Do two settings agree in all keys but these? */
static bool same_but(const sweep *w, int a, int b, int key, int other)
{
    for (int k = 0; k < w->n_axes; k++)
        if (k != key && k != other && w->axis[k].at[a] != w->axis[k].at[b])
            return false;
    return true;
}

/* The first setting of those that agree with it in all keys but these? */
static bool is_first(const sweep *w, int s, int key, int other)
{
    for (int t = 0; t < s; t++)
        if (same_but(w, t, s, key, other)) return false;
    return true;
}

/* "lr 0.1, d_model 64", of all keys but these. */
static void others(char *text, size_t size, const sweep *w, int s, int key,
                   int other)
{
    size_t used = 0;

    text[0] = '\0';
    for (int k = 0; k < w->n_axes && used < size; k++) {
        const axis *a = &w->axis[k];
        const char *value = a->value[a->at[s]];
        char pair[160];

        if (k == key || k == other) continue;
        (void)snprintf(pair, sizeof pair, "%s%.90s %.*s", used ? ", " : "",
                       a->word, eg_text_fit(value, 60), value);
        used += eg_text_copy(text + used, size - used, pair);
    }
}

/* ---- one number a setting -------------------------------------------------
 */

typedef struct number {
    int n; /* seeds */
    double mean, lo, hi;
} number;

static number number_of(const sweep *w, int s)
{
    const egi_figures *j = &w->f->of[s];
    number m = {.lo = HUGE_VAL, .hi = -HUGE_VAL};

    for (int i = 0; i < j->n; i++) {
        double v = egi_run_last(&j->runs[i], w->metric);

        if (!isfinite(v)) continue;
        m.mean += v;
        m.lo = fmin(m.lo, v);
        m.hi = fmax(m.hi, v);
        m.n++;
    }
    if (m.n) m.mean /= m.n;
    return m;
}

/* A line through the settings that agree with s in all keys but this. */
static eg_status make_line(egi_curve *c, const sweep *w, int s, int key,
                           eg_err *err)
{
    const axis *a = &w->axis[key];
    int n = a->n;

    *c = (egi_curve){.q = w->q, .name = w->metric};
    c->x = eg_calloc(5 * (size_t)n, sizeof *c->x);
    if (!c->x) return egi_report_no_memory(err);
    c->mean = c->x + n;
    c->lo = c->x + 2 * (ptrdiff_t)n;
    c->hi = c->x + 3 * (ptrdiff_t)n;
    c->count = c->x + 4 * (ptrdiff_t)n;
    for (int v = 0; v < n; v++)
        for (int t = s; t < w->f->n; t++) {
            number m;

            if (a->at[t] != v || !same_but(w, s, t, key, key)) continue;
            m = number_of(w, t);
            if (m.n == 0) continue;
            c->x[c->n] = a->x[v];
            c->mean[c->n] = m.mean;
            c->lo[c->n] = m.lo;
            c->hi[c->n] = m.hi;
            c->count[c->n++] = m.n;
        }
    return EG_OK;
}

/* ---- figures --------------------------------------------------------------
 */

/* Lines [n] of one metric along the ramp, drawn as a figure. */
static eg_status draw_lines(sweep *w, egi_plot *p, egi_curve *line,
                            const char *what, eg_err *err)
{
    char colour[MOST_LINES][8], name[300], title[200];
    eg_outfile o = {0};
    eg_status st;

    for (int i = 0; i < p->n; i++) {
        egi_svg_even(colour[i], p->n > 1 ? .86 * i / (p->n - 1) : .3);
        line[i].colour = colour[i];
    }
    (void)snprintf(title, sizeof title, "%s%s", w->label,
                   p->points ? ", at the end" : "");
    p->title = title;
    p->curve = line;
    p->y_label = w->panel->unit;
    p->y_lo = w->panel->lo;
    p->y_hi = w->f->whole ? w->panel->hi : w->panel->lo;
    (void)snprintf(name, sizeof name, "sweep-%s%s%s", what, *what ? "-" : "",
                   w->metric);
    st = egi_figure_open(&o, &w->f->all, name, err);
    if (st != EG_OK) return st;
    egi_svg_plot(o.f, p);
    st = eg_outfile_commit(&o, err);
    *w->n_files += st == EG_OK;
    return st;
}

/* The metric against a key: a line for each combination of the others. */
static eg_status against(sweep *w, int key, eg_err *err)
{
    const axis *a = &w->axis[key];
    egi_curve line[MOST_LINES] = {{0}};
    egi_plot p = {.x_label = a->word,
                  .log_x = a->log,
                  .points = true,
                  .x_tick = a->x,
                  .n_ticks = a->n,
                  .x_word = a->numeric ? NULL : a->value};
    bool fits = true;
    eg_status st = EG_OK;

    for (int s = 0; s < w->f->n && fits && st == EG_OK; s++) {
        egi_curve *c = &line[p.n];

        if (!is_first(w, s, key, key)) continue;
        fits = p.n < MOST_LINES;
        if (!fits) break;
        st = make_line(c, w, s, key, err);
        others(c->label, sizeof c->label, w, s, key, key);
        if (st == EG_OK && c->n > 0)
            p.n++;
        else
            egi_curve_release(c);
    }
    if (st == EG_OK && fits && p.n > 0 && a->n > 1)
        st = draw_lines(w, &p, line, a->word, err);
    for (int i = 0; i < p.n; i++) egi_curve_release(&line[i]);
    return st;
}

/* The curves of all settings in one figure. */
static eg_status overlay(sweep *w, eg_err *err)
{
    egi_curve line[MOST_LINES] = {{0}};
    egi_plot p = {.x_label = w->f->of[0].runs->axis};
    eg_status st = EG_OK;

    if (w->f->n > MOST_LINES) return EG_OK;
    for (int s = 0; s < w->f->n && st == EG_OK; s++) {
        egi_curve *c = &line[p.n];

        st = egi_curve_pool(c, w->f->of[s].runs, w->f->of[s].n, w->metric, err);
        c->q = w->q;
        c->name = w->metric;
        others(c->label, sizeof c->label, w, s, -1, -1);
        if (st == EG_OK && c->n > 0)
            p.n++;
        else
            egi_curve_release(c);
    }
    if (st == EG_OK && p.n > 0) st = draw_lines(w, &p, line, "", err);
    for (int i = 0; i < p.n; i++) egi_curve_release(&line[i]);
    return st;
}

/* The metric over two keys, of settings that agree with s in the others. */
static eg_status draw_map(sweep *w, int s, int key, int other, eg_err *err)
{
    const axis *x = &w->axis[key], *y = &w->axis[other];
    char rest[160], name[600], title[400];
    double *cell = eg_calloc((size_t)x->n * (size_t)y->n, sizeof *cell);
    egi_grid_map m = {.n_x = x->n,
                      .n_y = y->n,
                      .x_value = x->value,
                      .y_value = y->value,
                      .x_label = x->word,
                      .y_label = y->word,
                      .value = w->panel->unit,
                      .title = title,
                      .cell = cell};
    egi_figures all = w->f->all;
    eg_outfile o = {0};
    eg_status st;

    if (!cell) return egi_report_no_memory(err);
    for (int i = 0; i < x->n * y->n; i++) cell[i] = (double)NAN;
    for (int t = s; t < w->f->n; t++) {
        number n = number_of(w, t);

        if (n.n && same_but(w, s, t, key, other))
            cell[y->at[t] * x->n + x->at[t]] = n.mean;
    }
    others(rest, sizeof rest, w, s, key, other);
    (void)snprintf(title, sizeof title, "%s, at the end%s%s", w->label,
                   rest[0] ? "; " : "", rest);
    (void)snprintf(name, sizeof name, "sweep-%s-%s-%s%s%s", x->word, y->word,
                   w->metric, rest[0] ? "-" : "", rest);
    st = egi_figure_apart(&all, &w->maps, name, err);
    if (st == EG_OK) st = egi_figure_open(&o, &all, name, err);
    if (st == EG_OK) {
        egi_svg_grid(o.f, &m);
        st = eg_outfile_commit(&o, err);
        *w->n_files += st == EG_OK;
    }
    eg_free(cell);
    return st;
}

static eg_status draw_metric(sweep *w, eg_err *err)
{
    eg_status st;

    EG_TRY(overlay(w, err));
    for (int k = 0; k < w->n_axes; k++) EG_TRY(against(w, k, err));
    for (int k = 0; k < w->n_axes; k++)
        for (int l = k + 1; l < w->n_axes; l++) {
            w->maps.n = 0;
            for (int s = 0; s < w->f->n; s++)
                if (is_first(w, s, k, l)) EG_TRY(draw_map(w, s, k, l, err));
        }
done:
    return st;
}

eg_status egi_figure_sweep(const egi_family *f, int *n_files, eg_err *err)
{
    const egi_run *first = f->of[0].runs;
    sweep w = {.n_files = n_files};
    bool fits;
    eg_status st;

    if (first->theory || f->n < 2) return EG_OK;
    EG_TRY(read_axes(&w, f, &fits, err));
    for (int i = 0; fits && i < first->table.n; i++) {
        size_t length;

        w.metric = first->table.series[i].name;
        w.q = egi_quantity_find(w.metric);
        w.panel = egi_panel_of(w.metric, first->flow);
        if (w.panel->fold || w.q->off || egi_head_of(w.metric, &length) >= 0)
            continue;
        egi_quantity_label(w.label, sizeof w.label, w.q, w.metric);
        EG_TRY(draw_metric(&w, err));
    }
done:
    release(&w);
    return st;
}
