/* Static figures: which files, from which group, panel and snapshot. */

#include <ctype.h>
#include <math.h>
#include <string.h>
#include "report/svg.h"

enum { MAX_CURVES = 24 };

static const char *const spare[] = {"#7a6a00", "#00767a", "#a3304c", "#5a4fb0",
                                    "#4d7a1e", "#7b4a9e", "#9a4a12", "#35608f"};

typedef struct job {
    const char *dir, *group;
    const egi_run *runs;
    int n, n_files;
} job;

/* <dir>/<group>-<what>.svg with letters that every system takes. */
static void file_name(char *path, size_t size, const job *j, const char *what)
{
    size_t n = (size_t)snprintf(path, size, "%s/", j->dir), start = n;
    const char *part[] = {j->group, "-", what};

    if (n >= size) return; /* too long: opening it will say so */
    for (int i = 0; i < 3; i++)
        for (const char *p = part[i]; *p && n + 5 < size; p++) {
            bool plain = isalnum((unsigned char)*p) || *p == '_';
            if (plain || (n > start && path[n - 1] != '-'))
                path[n++] = (char)(plain ? *p : '-');
        }
    (void)snprintf(path + n, size - n, ".svg");
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

            if (q->off || egi_quantity_find(name) != q) continue;
            if (only ? strcmp(name, only) != 0 : strcmp(q->panel, panel) != 0)
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

static eg_status plot(job *j, const egi_panel *panel, const char *only,
                      eg_err *err)
{
    eg_status st = EG_OK;
    egi_curve curve[MAX_CURVES] = {{0}};
    egi_plot p = {.curve = curve, .points = j->runs[0].theory};
    eg_outfile o = {0};
    char path[1024];

    EG_TRY(find_curves(curve, &p.n, j, panel->id, only, err));
    if (p.n == 0) goto done;
    p.title = only ? only : panel->title;
    p.x_label = j->runs[0].axis;
    p.y_label = only ? "value" : panel->unit;
    p.y_lo = panel->lo;
    p.y_hi = panel->hi;
    p.log_x = p.points && curve[0].n > 2 && curve[0].x[0] > 0 &&
              curve[0].x[curve[0].n - 1] >= 8 * curve[0].x[0];
    file_name(path, sizeof path, j, only ? only : panel->id);
    EG_TRY(eg_outfile_open(&o, path, err));
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

static eg_status plots(job *j, eg_err *err)
{
    eg_status st = EG_OK;
    const egi_table *t = &j->runs[0].table;

    for (const egi_panel *p = egi_panels; p->id; p++)
        if (!p->fold) EG_TRY(plot(j, p, NULL, err));
    for (int i = 0; j->runs[0].theory && i < t->n; i++) {
        const char *name = t->series[i].name;
        const egi_panel *p = egi_panel_find(egi_quantity_find(name)->panel);

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
    char path[1024], what[192], label[192], title[224];
    int64_t step = h->steps[h->n_steps - 1];

    egi_heat_label(h, label, sizeof label);
    EG_TRY(egi_heat_read(&x, all, h, step, err));
    for (int head = 0; head < h->heads; head++) {
        eg_outfile o = {0};

        (void)snprintf(what, sizeof what, "%s-h%d", h->name, head);
        if (h->heads == 1) what[strlen(h->name)] = '\0';
        (void)snprintf(title, sizeof title, "%s, step %lld", label,
                       (long long)step);
        file_name(path, sizeof path, j, what);
        EG_TRY(eg_outfile_open(&o, path, err));
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
        EG_TRY(egi_heats_find(&all, j->runs[i].dir, NULL, err));
    }
    for (int i = 0; i < all.n; i++)
        if (!all.heat[i].full) EG_TRY(heat(j, &all, &all.heat[i], err));
done:
    egi_heats_release(&all);
    return st;
}

eg_status eg_report_svg(const char *const *paths, int n_paths, const char *dir,
                        int *n_files, eg_err *err)
{
    eg_status st = EG_OK;
    egi_collection c = {0};
    int files = 0;

    if (n_paths < 1 || !dir)
        return EG_FAIL(err, EG_EINVAL,
                       "figures need at least one run and a folder");
    EG_TRY(egi_collect(&c, paths, n_paths, err));
    EG_TRY(eg_mkdirs(dir, err));
    for (int i = 0, end; i < c.n; i = end) {
        job j = {.dir = dir, .group = c.run[i].group, .runs = &c.run[i]};

        for (end = i; end < c.n && strcmp(c.run[end].group, j.group) == 0;)
            end++;
        j.n = end - i;
        EG_TRY(plots(&j, err));
        EG_TRY(heats(&j, err));
        files += j.n_files;
    }
done:
    if (n_files) *n_files = files;
    egi_collection_release(&c);
    return st;
}
