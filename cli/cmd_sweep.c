/* engram sweep: one configuration over a grid, in one or several processes. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "crew.h"
#include "engram/mem.h"
#include "grid.h"

const cli_option cli_sweep_options[] = {
    {"grid", 0, "KEY=A,B",
     "values of one key; may be repeated, all "
     "combinations run"},
    {"seeds", 0, "LIST", "seeds, e.g. 0-9 or 1,2,5"},
    {"jobs", 'j', "N", "processes at a time (default: 1)"},
    CLI_OPT_SET,
    CLI_OPT_RUNS,
    {"threads", 't', "N", "threads of one process (default: cores / jobs)"},
    CLI_OPT_KERN,
    CLI_OPT_QUIET,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_sweep_help[] =
    "Runs FILE at every point of the grid with every seed. Many small runs go\n"
    "faster with --jobs than with threads; the results are the same bits.\n"
    "After Ctrl-C every run that has begun is saved, and the table shows "
    "them.\n"
    "\n"
    "  engram sweep basic.yaml --grid model.d_model=64,128,256 --seeds 0-9 "
    "--jobs 2\n";

#define MAX_POINTS 10000

enum { MAX_SHOWN = 4 };

typedef struct sweep {
    const cli_args *args;
    grid *grid;
    eg_config *base, *cfg; /* as the file says, and of a point */
    int64_t threads;       /* of one process */
    crew crew;
    int n_ended;
    int n_shown; /* metrics whose last values the table has */
    char shown[MAX_SHOWN][96];
} sweep;

static int begin(void *ctx, point *p, int i)
{
    sweep *s = ctx;

    *s->cfg = *s->base;
    return grid_apply(s->grid, i, s->cfg, p->label, sizeof p->label);
}

/* In the process of the point. */
static int work(void *ctx, const point *p, eg_lab_result *r)
{
    sweep *s = ctx;
    eg_lab_opts o = {.root = cli_runs_root(s->args),
                     .kern = cli_value(s->args, "kern"),
                     .label = p->label,
                     .stop = cli_stop,
                     .progress = cli_progress};
    eg_err err = {0};
    eg_status st;
    int code = CLI_DONE;

    if (s->crew.jobs > 1) cli_quiet(true); /* progress lines would mix */
    st = eg_pool_new(&o.pool, (int)s->threads, &err);
    if (st == EG_OK) st = eg_lab_run(r, s->cfg, &o, &err);
    cli_progress_end();
    if (st != EG_OK) {
        code = st == EG_EINVAL ? CLI_MISUSE : CLI_FAILED;
        eg_text_copy(r->reason, sizeof r->reason,
                     err.msg[0] ? err.msg : eg_status_name(st));
    }
    eg_pool_free(o.pool);
    if (code == CLI_DONE && r->outcome == EG_INTERRUPTED)
        code = CLI_INTERRUPTED;
    if (code == CLI_DONE && r->outcome == EG_DIVERGED) code = CLI_FAILED;
    return code;
}

static const char *status_of(const point *p)
{
    if (p->code != CLI_DONE && p->result.outcome == EG_FINISHED)
        return "failed";
    return eg_outcome_name(p->result.outcome);
}

static void ended(void *ctx, const point *p)
{
    sweep *s = ctx;

    s->n_ended++;
    if (p->code != CLI_DONE && p->code != CLI_INTERRUPTED)
        cli_fail(p->code, "%s: %s", p->label, p->result.reason);
    else if (s->crew.jobs > 1)
        cli_say("[%d/%d] %s: %s", s->n_ended, s->crew.n, p->label,
                status_of(p));
}

/* ---- the table ----------------------------------------------------------- */

/* NaN: it has no such value. */
static double last_of(const eg_metrics *m, const char *name)
{
    const eg_series *f = eg_metrics_find(m, name);

    return f && f->n ? f->value[f->n - 1] : (double)NAN;
}

static void show(sweep *s, const char *name)
{
    for (int i = 0; i < s->n_shown; i++)
        if (strcmp(s->shown[i], name) == 0) return;
    if (s->n_shown < MAX_SHOWN)
        eg_text_copy(s->shown[s->n_shown++], sizeof s->shown[0], name);
}

/* Of training and flows what tells how it went, as far as it was measured; of
 * a statement what it measures first. */
static void choose(sweep *s, const eg_metrics *m)
{
    eg_headline h;

    if (s->cfg->run.kind == EG_RUN_THEORY)
        for (int i = 0; i < m->n; i++) show(s, m->series[i].name);
    for (int i = 0; eg_headline_at(&h, s->cfg, i); i++)
        if (h.swept && eg_metrics_find(m, h.name)) show(s, h.name);
}

/* The last values of a point, NaN where there are none; with choose, what to
 * show is settled in place of that. */
static eg_status read_point(sweep *s, const point *p, double value[MAX_SHOWN],
                            bool choosing, eg_err *err)
{
    eg_metrics m = {0};

    if (p->result.dir[0] &&
        eg_metrics_last(&m, p->result.dir, err) == EG_ENOMEM)
        return EG_ENOMEM;
    if (choosing) choose(s, &m);
    for (int i = 0; i < MAX_SHOWN; i++)
        value[i] = i < s->n_shown ? last_of(&m, s->shown[i]) : (double)NAN;
    eg_metrics_release(&m);
    return EG_OK;
}

static json_t *point_json(const sweep *s, const point *p, const double *value)
{
    json_t *o =
        json_pack("{s:s, s:s}", "point", p->label, "status", status_of(p));

    for (int i = 0; i < s->n_shown; i++)
        cli_json_set(o, s->shown[i],
                     isfinite(value[i]) ? json_real(value[i]) : json_null());
    cli_json_set(o, "run", cli_json_string(p->result.dir));
    cli_json_set(o, "reason", cli_json_string(p->result.reason));
    return o;
}

static void point_row(const sweep *s, const point *p, const double *value,
                      cli_table *t)
{
    cli_table_cell(t, "%s", p->label);
    cli_table_cell(t, "%s", status_of(p));
    for (int i = 0; i < s->n_shown; i++)
        if (isfinite(value[i]))
            cli_table_cell(t, "%.4g", value[i]);
        else
            cli_table_cell(t, "-");
    cli_table_cell(t, "%s", p->result.dir[0] ? p->result.dir : "-");
}

static int print(sweep *s)
{
    bool json = cli_flag(s->args, "json");
    json_t *list = json ? json_array() : NULL;
    cli_table *t = NULL;
    double value[MAX_SHOWN];
    eg_err err = {0};
    eg_status st = EG_OK;

    for (int i = 0; i < s->crew.n_started && st == EG_OK; i++)
        st = read_point(s, &s->crew.point[i], value, true, &err);
    if (!json) {
        t = cli_table_new(s->n_shown + 3);
        cli_table_cell(t, "point");
        cli_table_cell(t, "status");
        for (int i = 0; i < s->n_shown; i++)
            cli_table_cell(t, "%s", s->shown[i]);
        cli_table_cell(t, "run");
    }
    for (int i = 0; i < s->crew.n_started && st == EG_OK; i++) {
        const point *p = &s->crew.point[i];

        st = read_point(s, p, value, false, &err);
        if (json)
            cli_json_add(list, point_json(s, p, value));
        else
            point_row(s, p, value, t);
    }
    if (st != EG_OK) {
        json_decref(list);
        cli_table_free(t);
        return cli_error(st, &err);
    }
    return json ? cli_print_json(json_pack("{s:o}", "points", list))
                : cli_table_print(t);
}

static int conclude(sweep *s)
{
    int code = print(s), worst = CLI_DONE, failed = 0;

    for (int i = 0; i < s->crew.n_started; i++) {
        int one = s->crew.point[i].code;

        if (one > worst) worst = one;
        failed += one != CLI_DONE && one != CLI_INTERRUPTED;
    }
    if (failed) cli_say("%d of %d points failed", failed, s->crew.n);
    if (cli_stop(NULL)) {
        cli_say("interrupted by %s, %d of %d points begun; a run goes on with: "
                "engram run DIR --resume",
                cli_stop_name(), s->crew.n_started, s->crew.n);
        return CLI_INTERRUPTED;
    }
    return worst != CLI_DONE ? worst : code;
}

static int run_all(sweep *s)
{
    int64_t jobs = 1;
    int code, worst = CLI_DONE;

    if (!cli_int(s->args, "jobs", 1, 256, &jobs)) return CLI_MISUSE;
    if (!cli_int(s->args, "threads", 1, 1024, &s->threads)) return CLI_MISUSE;
    if (s->threads == 0) s->threads = eg_cpu_count() / jobs;
    if (s->threads < 1) s->threads = 1;
    s->crew.jobs = (int)jobs;
    s->crew.begin = begin;
    s->crew.work = work;
    s->crew.ended = ended;
    s->crew.ctx = s;
    code = crew_run(&s->crew);
    if (s->crew.n_started > 0) worst = conclude(s);
    return worst > code ? worst : code;
}

int cmd_sweep(const cli_args *a)
{
    sweep *s = eg_calloc(1, sizeof *s);
    int code = CLI_FAILED;

    if (!s) return cli_fail(CLI_FAILED, "out of memory");
    s->args = a;
    s->grid = eg_calloc(1, sizeof *s->grid);
    s->base = eg_calloc(1, sizeof *s->base);
    s->cfg = eg_calloc(1, sizeof *s->cfg);
    if (s->grid && s->base && s->cfg)
        code = grid_parse(s->grid, a);
    else
        cli_fail(CLI_FAILED, "out of memory");
    if (code == CLI_DONE) code = cli_config(a, a->word[0], s->base);
    if (code == CLI_DONE) {
        s->crew.n = grid_size(s->grid);
        if (s->crew.n > MAX_POINTS)
            code = cli_fail(CLI_MISUSE, "sweep: %d points are too many",
                            s->crew.n);
    }
    if (code == CLI_DONE) {
        s->crew.point = eg_calloc((size_t)s->crew.n, sizeof *s->crew.point);
        code =
            s->crew.point ? run_all(s) : cli_fail(CLI_FAILED, "out of memory");
    }
    eg_free(s->crew.point);
    eg_free(s->grid);
    eg_free(s->base);
    eg_free(s->cfg);
    eg_free(s);
    return code;
}
