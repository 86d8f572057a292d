/* How a sweep went: a table of its points. */
#include "sweep_cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "engram/mem.h"

enum { MAX_SHOWN = 4, LOOKED_AT = 50 };

typedef struct view {
    const sweep_cli *s;
    eg_point *point;
    eg_config *cfg;
    int n_shown; /* metrics whose last values the table has */
    char shown[MAX_SHOWN][96];
} view;

static bool has_begun(const eg_point *p)
{
    return p->state != EG_POINT_PENDING || p->dir[0];
}

/* Of one to go on with, how it was left. */
static void status_of(char buf[32], const eg_point *p)
{
    eg_run_info info;

    (void)snprintf(buf, 32, "%s", eg_point_state_name(p->state));
    if (p->state == EG_POINT_PENDING && p->dir[0] &&
        eg_run_info_read(&info, p->dir, NULL) == EG_OK)
        (void)snprintf(buf, 32, "%s", info.status);
}

/* NaN: it has no such value. */
static double last_of(const eg_metrics *m, const char *name)
{
    const eg_series *f = eg_metrics_find(m, name);

    return f && f->n ? f->value[f->n - 1] : (double)NAN;
}

static void show(view *v, const char *name)
{
    for (int i = 0; i < v->n_shown; i++)
        if (strcmp(v->shown[i], name) == 0) return;
    if (v->n_shown < MAX_SHOWN)
        eg_text_copy(v->shown[v->n_shown++], sizeof v->shown[0], name);
}

/* Of training and flows what tells how it went, as far as it was measured; of
 * a statement what it measures first. */
static eg_status choose(view *v, const eg_point *p, eg_err *err)
{
    eg_metrics m = {0};
    eg_headline h;
    eg_status st = eg_sweep_config(v->s->sweep, p->i, v->cfg, NULL, 0, err);

    if (st != EG_OK) return st;
    if (eg_metrics_last(&m, p->dir, err) == EG_ENOMEM) return EG_ENOMEM;
    if (v->cfg->run.kind == EG_RUN_THEORY)
        for (int i = 0; i < m.n; i++) show(v, m.series[i].name);
    for (int i = 0; eg_headline_at(&h, v->cfg, i); i++)
        if (h.swept && eg_metrics_find(&m, h.name)) show(v, h.name);
    eg_metrics_release(&m);
    return EG_OK;
}

/* The last values of a point, NaN where there are none. */
static eg_status read_point(const view *v, const eg_point *p,
                            double value[MAX_SHOWN], eg_err *err)
{
    eg_metrics m = {0};

    if (p->dir[0] && eg_metrics_last(&m, p->dir, err) == EG_ENOMEM)
        return EG_ENOMEM;
    for (int i = 0; i < MAX_SHOWN; i++)
        value[i] = i < v->n_shown ? last_of(&m, v->shown[i]) : (double)NAN;
    eg_metrics_release(&m);
    return EG_OK;
}

static json_t *point_json(const view *v, const eg_point *p, const double *value)
{
    char status[32] = "";
    json_t *o;

    status_of(status, p);
    o = json_pack("{s:o, s:s}", "point", cli_json_string(p->label), "status",
                  status);
    for (int i = 0; i < v->n_shown; i++)
        cli_json_set(o, v->shown[i],
                     isfinite(value[i]) ? json_real(value[i]) : json_null());
    cli_json_set(o, "run", cli_json_string(p->dir));
    cli_json_set(o, "reason", cli_json_string(p->reason));
    cli_json_set(o, "tries", json_integer(p->tries));
    return o;
}

static void point_row(const view *v, const eg_point *p, const double *value,
                      cli_table *t)
{
    char status[32] = "";

    status_of(status, p);
    cli_table_cell(t, "%s", p->label);
    cli_table_cell(t, "%s", status);
    for (int i = 0; i < v->n_shown; i++)
        if (isfinite(value[i]))
            cli_table_cell(t, "%.4g", value[i]);
        else
            cli_table_cell(t, "-");
    cli_table_cell(t, "%s", p->dir[0] ? p->dir : "-");
}

static cli_table *new_table(const view *v)
{
    cli_table *t = cli_table_new(v->n_shown + 3);

    cli_table_cell(t, "point");
    cli_table_cell(t, "status");
    for (int i = 0; i < v->n_shown; i++) cli_table_cell(t, "%s", v->shown[i]);
    cli_table_cell(t, "run");
    return t;
}

static int print(view *v)
{
    const eg_sweep *sweep = v->s->sweep;
    bool json = cli_flag(v->s->args, "json");
    json_t *list = json ? json_array() : NULL;
    cli_table *t = json ? NULL : new_table(v);
    double value[MAX_SHOWN];
    eg_err err = {0};
    eg_status st = EG_OK;

    for (int i = 0; i < eg_sweep_points(sweep); i++) {
        const eg_point *p = &v->point[i];

        if (!has_begun(p)) continue;
        st = read_point(v, p, value, &err);
        if (st != EG_OK) break;
        if (json)
            cli_json_add(list, point_json(v, p, value));
        else
            point_row(v, p, value, t);
    }
    if (st != EG_OK) {
        json_decref(list);
        cli_table_free(t);
        return cli_error(st, &err);
    }
    if (!json) return cli_table_print(t);
    return cli_print_json(json_pack(
        "{s:o, s:o, s:o}", "sweep", cli_json_string(eg_sweep_name(sweep)),
        "dir", cli_json_string(eg_sweep_dir(sweep)), "points", list));
}

static void count(const view *v, eg_sweep_count *n, int *begun)
{
    int *const at[] = {&n->pending, &n->running, &n->finished, &n->diverged,
                       &n->failed};

    *n = (eg_sweep_count){0};
    *begun = 0;
    for (int i = 0; i < eg_sweep_points(v->s->sweep); i++) {
        ++*at[v->point[i].state];
        *begun += has_begun(&v->point[i]);
    }
}

int sweep_print_points(const sweep_cli *s, eg_sweep_count *n, int *begun)
{
    view v = {.s = s, .cfg = eg_calloc(1, sizeof *v.cfg)};
    eg_err err = {0};
    eg_status st = v.cfg ? EG_OK : EG_FAIL(&err, EG_ENOMEM, "out of memory");
    int code, looked = 0;

    if (st == EG_OK) st = eg_sweep_read(&v.point, s->sweep, &err);
    for (int i = 0; st == EG_OK && i < eg_sweep_points(s->sweep) &&
                    looked < LOOKED_AT && v.n_shown < MAX_SHOWN;
         i++) {
        if (!v.point[i].dir[0]) continue;
        st = choose(&v, &v.point[i], &err);
        looked++;
    }
    if (st == EG_OK) {
        count(&v, n, begun);
        code = *begun > 0 ? print(&v) : CLI_DONE;
    } else {
        code = cli_error(st, &err);
    }
    eg_free(v.point);
    eg_free(v.cfg);
    return code;
}
