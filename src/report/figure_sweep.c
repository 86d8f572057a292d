/* Figures of the settings of a name together: a metric at the end against each
 * key that differs and over each two, and its curves. No key is averaged. */
#include <math.h>
#include <string.h>
#include "engram/text.h"
#include "report/axes.h"

enum { MOST_LINES = 24, MOST_MAPS = 24 /* of a metric, all keys together */ };

typedef struct sweep {
    const egi_family *f;
    egi_axes axes;
    bool *mapped; /* [n, n]: is there a map for each setting of the others? */
    const char *metric;
    const egi_quantity *q;
    const egi_panel *panel;
    char label[160];
    egi_figure_names maps; /* of two keys */
    int *n_files;
} sweep;

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
    const egi_axis *a = &w->axes.axis[key];
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

            if (a->at[t] != v || !egi_axes_agree(&w->axes, s, t, key, key))
                continue;
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
    const egi_axis *a = &w->axes.axis[key];
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

        if (!egi_axes_first(&w->axes, s, key, key)) continue;
        fits = p.n < MOST_LINES;
        if (!fits) break;
        st = make_line(c, w, s, key, err);
        egi_axes_others(c->label, sizeof c->label, &w->axes, s, key, key);
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
        egi_axes_others(c->label, sizeof c->label, &w->axes, s, -1, -1);
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
    const egi_axis *x = &w->axes.axis[key], *y = &w->axes.axis[other];
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

        if (n.n && egi_axes_agree(&w->axes, s, t, key, other))
            cell[y->at[t] * x->n + x->at[t]] = n.mean;
    }
    egi_axes_others(rest, sizeof rest, &w->axes, s, key, other);
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
    int n = w->axes.n;
    eg_status st;

    EG_TRY(overlay(w, err));
    for (int k = 0; k < n; k++) EG_TRY(against(w, k, err));
    for (int k = 0; k < n; k++)
        for (int l = k + 1; l < n; l++) {
            w->maps.n = 0;
            for (int s = 0; s < w->f->n && w->mapped[k * n + l]; s++)
                if (egi_axes_first(&w->axes, s, k, l))
                    EG_TRY(draw_map(w, s, k, l, err));
        }
done:
    return st;
}

/* ---- what is left out -----------------------------------------------------
 */

/* "%s, %s" of what is there already and one more. */
static void add_word(char *text, size_t size, const char *word)
{
    size_t used = strlen(text);

    if (used) used += eg_text_copy(text + used, size - used, ", ");
    (void)eg_text_copy(text + used, size - used, word);
}

static void tell(const sweep *w, const char *what, const char *names)
{
    const eg_report_opts *o = w->f->opts;
    char line[900];

    if (!names[0] || !o || !o->note) return;
    (void)snprintf(line, sizeof line, "%s: of each metric no %s %s",
                   w->f->all.setting, what, names);
    o->note(o->ctx, line);
}

/* Figures of more lines than can be told apart. */
static void tell_lines(const sweep *w)
{
    char names[600] = "";

    if (w->f->n > MOST_LINES) add_word(names, sizeof names, "the step");
    for (int k = 0; k < w->axes.n; k++)
        if (egi_axes_rest(&w->axes, k, k, MOST_LINES) > MOST_LINES)
            add_word(names, sizeof names, w->axes.axis[k].word);
    tell(w, "figure of more than 24 lines, against", names);
}

/* Pairs of keys get maps in their order, as long as these are not too many. */
static eg_status choose_maps(sweep *w, eg_err *err)
{
    int n = w->axes.n, left = MOST_MAPS;
    char names[600] = "", pair[200];

    w->mapped = eg_calloc((size_t)n * (size_t)n + 1, sizeof *w->mapped);
    if (!w->mapped) return egi_report_no_memory(err);
    for (int k = 0; k < n; k++)
        for (int l = k + 1; l < n; l++) {
            int maps = egi_axes_rest(&w->axes, k, l, left);

            w->mapped[k * n + l] = maps <= left;
            if (maps <= left) {
                left -= maps;
                continue;
            }
            (void)snprintf(pair, sizeof pair, "%.90s and %.90s",
                           w->axes.axis[k].word, w->axes.axis[l].word);
            add_word(names, sizeof names, pair);
        }
    tell(w, "maps (24 at most, one for each setting of the other keys) over",
         names);
    return EG_OK;
}

eg_status egi_figure_sweep(const egi_family *f, int *n_files, eg_err *err)
{
    const egi_run *first = f->of[0].runs;
    sweep w = {.f = f, .n_files = n_files};
    bool fits;
    eg_status st;

    if (first->theory || f->n < 2) return EG_OK;
    EG_TRY(egi_axes_read(&w.axes, f, &fits, err));
    if (!fits) {
        tell(&w, "figure of all settings:",
             "a key has more than 256 values, or is none of a configuration");
        goto done;
    }
    tell_lines(&w);
    EG_TRY(choose_maps(&w, err));
    for (int i = 0; i < first->table.n; i++) {
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
    egi_axes_release(&w.axes);
    eg_free(w.mapped);
    eg_free(w.maps.name);
    return st;
}
