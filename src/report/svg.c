/* Static figures: which files, from which group, panel and snapshot. */

#include <math.h>
#include <string.h>
#include "report/flow_view.h"
#include "base/num.h"
#include "report/svg.h"

enum {
    MAX_CURVES = 24,
    MAX_SNAPSHOTS = 12,
    SNAPSHOTS = 4,        /* when no times are named */
    FLOW_VALUES = 1 << 21 /* coordinates that one figure is drawn from */
};

static const char *const spare[] = {"#7a6a00", "#00767a", "#a3304c", "#5a4fb0",
                                    "#4d7a1e", "#7b4a9e", "#9a4a12", "#35608f"};

typedef struct job {
    const eg_folder *to;
    const char *group;
    char number[16]; /* "-2": another group has its letters */
    const egi_run *runs;
    int n, n_files;
    const double *times; /* of snapshots; NULL: chosen here */
    int n_times;
    egi_flow flow; /* of the first run that has one; n_frames 0: none */
} job;

/* Appends text in letters that every system takes; returns the new end. */
static size_t add_plain(char *path, size_t size, size_t start, size_t n,
                        const char *text)
{
    for (; *text && n + 5 < size; text++) {
        bool plain = egi_is_alnum(*text) || *text == '_';

        if (plain || (n > start && path[n - 1] != '-'))
            path[n++] = (char)(plain ? *text : '-');
    }
    path[n] = '\0';
    return n;
}

/* Begins <group>-<what>.svg. */
static eg_status open_figure(eg_outfile *o, const job *j, const char *what,
                             eg_err *err)
{
    const char *part[] = {j->group, j->number, "-", what};
    char name[240];
    size_t n = 0;

    for (int i = 0; i < 4; i++)
        n = add_plain(name, sizeof name - 4, 0, n, part[i]);
    (void)snprintf(name + n, sizeof name - n, ".svg");
    return eg_outfile_open_own(o, j->to, name, EGI_SVG_MARK, err);
}

/* Groups before run i whose letters are the same as its own get the figures of
 * one name: they are counted apart. */
static void number_group(job *j, const egi_collection *c, int i)
{
    char own[256], other[256];
    int same = 1;

    (void)add_plain(own, sizeof own, 0, 0, c->run[i].group);
    for (int k = 0; k < i; k++) {
        if (k > 0 && strcmp(c->run[k].group, c->run[k - 1].group) == 0)
            continue;
        (void)add_plain(other, sizeof other, 0, 0, c->run[k].group);
        same += strcmp(own, other) == 0;
    }
    if (same > 1) (void)snprintf(j->number, sizeof j->number, "-%d", same);
}

/* All metrics of the group's first run that belong into the panel. */
static eg_status find_curves(egi_curve *curve, int *n, const job *j,
                             const char *panel, const char *only, eg_err *err)
{
    eg_status st = EG_OK;
    const egi_table *t = &j->runs[0].table;

    *n = 0;
    for (const egi_quantity *q = egi_quantities; q->pattern; q++)
        for (int i = 0; i < t->n && *n < MAX_CURVES; i++) {
            const char *name = t->series[i].name;
            egi_curve *c = &curve[*n];
            size_t length;

            if (!only && egi_head_of(name, &length) >= 0) continue;
            if (q->off || egi_quantity_find(name) != q) continue;
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
            c->label = strcmp(q->label, "*") == 0 ? name : q->label;
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
static void fit_to_flow(egi_plot *p, egi_curve *curve, const job *j)
{
    double lo, hi;

    p->log_x = egi_flow_log(&j->flow);
    for (int k = 0; k < p->n && p->log_x; k++) drop_early(&curve[k]);
    p->stairs = j->n == 1 && whole_numbers(p, &lo, &hi);
    p->log_y = p->stairs && hi > 12 * lo;
    p->n_marks = j->flow.n_merges;
    p->mark = j->flow.merge;
}

static eg_status plot(job *j, const egi_panel *panel, const char *only,
                      eg_err *err)
{
    eg_status st = EG_OK;
    egi_curve curve[MAX_CURVES] = {{0}};
    egi_plot p = {.curve = curve, .points = j->runs[0].theory};
    eg_outfile o = {0};

    EG_TRY(find_curves(curve, &p.n, j, panel->id, only, err));
    if (p.n == 0) goto done;
    p.title = only ? only : panel->title;
    p.x_label = j->runs[0].axis;
    p.y_label = only ? "value" : panel->unit;
    p.y_lo = panel->lo;
    p.y_hi = panel->hi;
    p.log_x = p.points && curve[0].n > 2 && curve[0].x[0] > 0 &&
              curve[0].x[curve[0].n - 1] >= 8 * curve[0].x[0];
    if (j->runs[0].flow) fit_to_flow(&p, curve, j);
    EG_TRY(open_figure(&o, j, only ? only : panel->id, err));
    egi_svg_plot(o.f, &p);
    st = eg_outfile_commit(&o, err);
    if (st == EG_OK) j->n_files++;
done:
    for (int k = 0; k < MAX_CURVES; k++) egi_curve_release(&curve[k]);
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

static eg_status phase(job *j, const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    egi_phase m = {0};
    eg_outfile o = {0};
    char what[160], title[320];

    EG_TRY(egi_phase_read(&m, j->runs, j->n, name, err));
    (void)snprintf(what, sizeof what, "phase-%s", name);
    (void)snprintf(title, sizeof title, "%s: %s", j->group, name);
    EG_TRY(open_figure(&o, j, what, err));
    if (egi_svg_phase(o.f, &m, name, j->runs[0].axis, title)) {
        st = eg_outfile_commit(&o, err);
        if (st == EG_OK) j->n_files++;
    } else {
        eg_outfile_abort(&o);
    }
done:
    egi_phase_release(&m);
    return st;
}

static eg_status plots(job *j, eg_err *err)
{
    eg_status st = EG_OK;
    const egi_table *t = &j->runs[0].table;

    for (const egi_panel *p = egi_panels; p->id; p++)
        if (!p->fold) EG_TRY(plot(j, p, NULL, err));
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

static eg_status heat(job *j, const egi_heats *all, const egi_heat *h,
                      eg_err *err)
{
    eg_status st = EG_OK;
    double *x = NULL;
    char what[192], label[192], title[400];
    int64_t step = h->steps[h->n_steps - 1];

    egi_heat_label(h, label, sizeof label);
    EG_TRY(egi_heat_read(&x, all, h, step, err));
    for (int head = 0; head < h->heads; head++) {
        eg_outfile o = {0};

        (void)snprintf(what, sizeof what, "%s-h%d", h->name, head);
        if (h->heads == 1) what[strlen(h->name)] = '\0';
        (void)snprintf(title, sizeof title, "%s, step %lld", label,
                       (long long)step);
        EG_TRY(open_figure(&o, j, what, err));
        egi_svg_heat(o.f, h, x, head, title);
        EG_TRY(eg_outfile_commit(&o, err));
        j->n_files++;
    }
done:
    eg_free(x);
    return st;
}

static eg_status heats(job *j, eg_err *err)
{
    eg_status st = EG_OK;
    egi_heats all = {0};

    for (int i = 0; i < j->n && all.n == 0; i++) {
        egi_heats_release(&all);
        EG_TRY(egi_heats_find(&all, j->runs[i].dir, j->runs[i].problems, err));
    }
    for (int i = 0; i < all.n; i++)
        if (!all.heat[i].full) EG_TRY(heat(j, &all, &all.heat[i], err));
done:
    egi_heats_release(&all);
    return st;
}

/* --- flows --- */

enum { TOKENS, TRACKS, INNER, N_FIGURES };

static egi_drawn draw(FILE *f, const job *j, int which, const int *frame, int k)
{
    const egi_flow *flow = &j->flow;
    char title[320];

    (void)snprintf(title, sizeof title, "%s: %s%s, n = %td, d = %td", j->group,
                   flow->model, flow->causal ? ", causal" : "", flow->n,
                   flow->d);
    if (flow->sphere)
        (void)egi_snprintf(title + strlen(title), sizeof title - strlen(title),
                           ", \xce\xb2 = %.6g", flow->beta);
    else
        (void)snprintf(title + strlen(title), sizeof title - strlen(title),
                       ", %s", flow->space);
    switch (which) {
    case TOKENS:
        return egi_svg_tokens(f, flow, frame, k, title);
    case TRACKS:
        return egi_svg_tracks(f, flow, title);
    default:
        return egi_svg_inner(f, flow, title);
    }
}

static eg_status flow_figures(job *j, eg_err *err)
{
    static const char *const name[] = {"tokens", "tracks", "inner-products"};
    eg_status st = EG_OK;
    int frame[MAX_SNAPSHOTS], k = SNAPSHOTS;

    if (j->flow.n_frames == 0) return EG_OK;
    if (k > j->flow.n_frames) k = j->flow.n_frames;
    if (j->times) k = j->n_times < MAX_SNAPSHOTS ? j->n_times : MAX_SNAPSHOTS;
    if (!j->times) egi_flow_moments(frame, k, &j->flow);
    for (int i = 0; j->times && i < k; i++)
        frame[i] = egi_flow_nearest(&j->flow, j->times[i]);
    for (int which = 0; which < N_FIGURES; which++) {
        eg_outfile o = {0};
        egi_drawn drawn;

        EG_TRY(open_figure(&o, j, name[which], err));
        drawn = draw(o.f, j, which, frame, k);
        if (drawn != EGI_DRAWN) eg_outfile_abort(&o);
        if (drawn == EGI_NO_MEMORY) EG_TRY(egi_report_no_memory(err));
        if (drawn == EGI_DRAWN) EG_TRY(eg_outfile_commit(&o, err));
        j->n_files += drawn == EGI_DRAWN;
    }
done:
    return st;
}

static eg_status find_flow(job *j, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < j->n && j->runs[i].flow && j->flow.n_frames == 0; i++) {
        egi_flow_release(&j->flow);
        EG_TRY(egi_flow_read(&j->flow, &j->runs[i], FLOW_VALUES,
                             j->runs[i].problems, err));
    }
done:
    return st;
}

eg_status eg_report_svg(const char *const *paths, int n_paths, const char *dir,
                        const eg_report_opts *opts, int *n_files, eg_err *err)
{
    eg_status st = EG_OK;
    egi_collection c = {0};
    eg_folder to = {.fd = -1};
    int files = 0;

    if (n_paths < 1 || !dir)
        return EG_FAIL(err, EG_EINVAL,
                       "figures need at least one run and a folder");
    EG_TRY(egi_collect(&c, paths, n_paths, err));
    EG_TRY(eg_folder_make(&to, dir, err));
    EG_TRY(eg_folder_own(&to, EGI_SVG_MARK, err));
    for (int i = 0, end; i < c.n; i = end) {
        job j = {.to = &to,
                 .group = c.run[i].group,
                 .runs = &c.run[i],
                 .times = opts && opts->n_times > 0 ? opts->times : NULL,
                 .n_times = opts ? opts->n_times : 0};

        for (end = i; end < c.n && strcmp(c.run[end].group, j.group) == 0;)
            end++;
        j.n = end - i;
        number_group(&j, &c, i);
        st = find_flow(&j, err);
        if (st == EG_OK) st = flow_figures(&j, err);
        if (st == EG_OK) st = plots(&j, err);
        if (st == EG_OK) st = heats(&j, err);
        files += j.n_files;
        egi_flow_release(&j.flow);
        if (st != EG_OK) break;
    }
    if (st == EG_OK && opts) egi_collection_tell(&c, opts);
done:
    if (n_files) *n_files = files;
    if (st != EG_OK && to.fd >= 0) eg_folder_unmake(&to);
    eg_folder_close(&to);
    egi_collection_release(&c);
    return st;
}
