/* Figures of curves: which metrics, in which panel. */

#include <math.h>
#include <string.h>
#include "base/num.h"
#include "report/figures.h"

enum { MAX_CURVES = 24 };

static const char *const spare[] = {"#7a6a00", "#00767a", "#a3304c", "#5a4fb0",
                                    "#4d7a1e", "#7b4a9e", "#9a4a12", "#35608f"};

/* All metrics of the group's first run that belong into the panel. */
static eg_status find_curves(egi_curve *curve, int *n, int max,
                             const egi_figures *j, const char *panel,
                             const char *only, eg_err *err)
{
    eg_status st = EG_OK;
    const egi_table *t = &j->runs[0].table;

    *n = 0;
    for (const egi_quantity *q = egi_quantities; q->pattern; q++)
        for (int i = 0; i < t->n && *n < max; i++) {
            const char *name = t->series[i].name;
            egi_curve *c = &curve[*n];
            size_t length;

            if (!only && !j->csv && egi_head_of(name, &length) >= 0) continue;
            if ((q->off && !j->csv) || egi_quantity_find(name) != q) continue;
            if (only ? strcmp(name, only) != 0
                     : strcmp(egi_panel_of(name, j->runs[0].flow)->id, panel) !=
                           0)
                continue;
            st = egi_curve_pool(c, j->runs, j->n, name, err);
            if (st != EG_OK) return st;
            if (c->n == 0) {
                egi_curve_release(c);
                continue;
            }
            c->q = q;
            c->name = name;
            egi_quantity_label(c->label, sizeof c->label, q, name);
            c->colour = q->light[0] ? q->light : spare[*n % 8];
            (*n)++;
        }
    return st;
}

/* Values that a logarithmic axis cannot show. */
static void drop_early(egi_curve *c)
{
    int from = 0;

    while (from < c->n && !(c->x[from] > 0)) from++;
    c->n -= from;
    memmove(c->x, c->x + from, (size_t)c->n * sizeof *c->x);
    memmove(c->mean, c->mean + from, (size_t)c->n * sizeof *c->mean);
    memmove(c->lo, c->lo + from, (size_t)c->n * sizeof *c->lo);
    memmove(c->hi, c->hi + from, (size_t)c->n * sizeof *c->hi);
    memmove(c->count, c->count + from, (size_t)c->n * sizeof *c->count);
}

static bool whole_numbers(const egi_plot *p, double *lo, double *hi)
{
    *lo = HUGE_VAL;
    *hi = 0;
    for (int k = 0; k < p->n; k++)
        for (int i = 0; i < p->curve[k].n; i++) {
            double v = p->curve[k].mean[i];
            if (v < 1 || v > floor(v)) return false;
            *lo = fmin(*lo, v);
            *hi = fmax(*hi, v);
        }
    return true;
}

/* Flows: times may grow by factors, counts are stairs, mergers are marked. */
static void fit_to_flow(egi_plot *p, egi_curve *curve, const egi_figures *j)
{
    double lo, hi;

    p->log_x = egi_flow_log(&j->flow);
    for (int k = 0; k < p->n && p->log_x; k++) drop_early(&curve[k]);
    p->stairs = j->n == 1 && whole_numbers(p, &lo, &hi);
    p->log_y = p->stairs && hi > 12 * lo;
    p->n_marks = j->flow.n_merges;
    p->mark = j->flow.merge;
}

static eg_status plot(egi_figures *j, const egi_panel *panel, const char *only,
                      eg_err *err)
{
    eg_status st = EG_OK;
    int max = j->csv ? j->runs[0].table.n : MAX_CURVES;
    egi_curve *curve = eg_calloc((size_t)max + 1, sizeof *curve);
    egi_plot p = {.curve = curve, .points = j->runs[0].theory};
    eg_outfile o = {0};

    if (!curve) return egi_report_no_memory(err);
    EG_TRY(find_curves(curve, &p.n, max, j, panel->id, only, err));
    if (p.n == 0) goto done;
    p.title = only ? only : panel->title;
    p.x_label = j->runs[0].axis;
    p.y_label = only ? "value" : panel->unit;
    p.y_lo = panel->lo;
    p.y_hi = j->whole ? panel->hi : panel->lo;
    p.log_x = p.points && curve[0].n > 2 && curve[0].x[0] > 0 &&
              curve[0].x[curve[0].n - 1] >= 8 * curve[0].x[0];
    if (j->runs[0].flow && !j->csv) fit_to_flow(&p, curve, j);
    EG_TRY(egi_figure_open(&o, j, only ? only : panel->id, err));
    if (j->csv)
        egi_csv_plot(o.f, j, only ? only : panel->id, &p);
    else
        egi_svg_plot(o.f, &p);
    st = eg_outfile_commit(&o, err);
    if (st == EG_OK) j->n_files++;
done:
    for (int k = 0; k < max; k++) egi_curve_release(&curve[k]);
    eg_free(curve);
    return st;
}

/* "name_sd" beside "name" is its spread, not a figure of its own. */
static bool is_spread(const egi_table *t, const char *name)
{
    size_t n = strlen(name);
    char base[160];

    if (n < 4 || n >= sizeof base || strcmp(name + n - 3, "_sd") != 0)
        return false;
    memcpy(base, name, n - 3);
    base[n - 3] = '\0';
    return egi_table_find(t, base) != NULL;
}

/* Is this the first of three metrics or more, NAME at several times? */
static bool first_of_phase(const egi_run *r, int i, char *name, size_t size,
                           bool *belongs)
{
    const egi_table *t = &r->table;
    double when;
    int before = 0, all = 0;

    *belongs = false;
    if (!egi_phase_split(r, t->series[i].name, name, size, &when)) return false;
    for (int k = 0; k < t->n; k++) {
        char other[128];

        if (!egi_phase_split(r, t->series[k].name, other, sizeof other,
                             &when) ||
            strcmp(other, name) != 0)
            continue;
        before += k < i;
        all++;
    }
    *belongs = all > 2 && t->series[i].n > 1;
    return *belongs && before == 0;
}

static eg_status phase(egi_figures *j, const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    egi_phase m = {0};
    eg_outfile o = {0};
    char what[160], title[700], kind[160];
    bool drawn = true;

    EG_TRY(egi_phase_read(&m, j->runs, j->n, name, err));
    egi_phase_title(kind, sizeof kind, name);
    (void)snprintf(what, sizeof what, "phase-%s", name);
    (void)snprintf(title, sizeof title, "%s: %s", j->setting, kind);
    EG_TRY(egi_figure_open(&o, j, what, err));
    if (j->csv)
        egi_csv_phase(o.f, j, name, &m);
    else
        drawn = egi_svg_phase(o.f, &m, egi_phase_kind_find(name)->value,
                              j->runs[0].axis, title);
    if (drawn) {
        st = eg_outfile_commit(&o, err);
        if (st == EG_OK) j->n_files++;
    } else {
        eg_outfile_abort(&o);
    }
done:
    egi_phase_release(&m);
    return st;
}

eg_status egi_figure_plots(egi_figures *j, eg_err *err)
{
    eg_status st = EG_OK;
    const egi_table *t = &j->runs[0].table;

    for (const egi_panel *p = egi_panels; p->id; p++)
        if (!p->fold || (j->csv && !j->runs[0].theory))
            EG_TRY(plot(j, p, NULL, err));
    for (int i = 0; j->runs[0].theory && i < t->n; i++) {
        const char *name = t->series[i].name;
        const egi_panel *p = egi_panel_of(name, false);
        char base[128];
        bool belongs;

        if (first_of_phase(&j->runs[0], i, base, sizeof base, &belongs))
            EG_TRY(phase(j, base, err));
        if (belongs) continue;
        if (p->fold && !is_spread(t, name)) EG_TRY(plot(j, p, name, err));
    }
done:
    return st;
}
