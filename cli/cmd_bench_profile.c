/* engram bench --profile: the time of every operation of a step. */
#include "cli.h"
#include "bench_out.h"

#include <math.h>
#include <string.h>
#include "engram/kern.h"
#include "engram/mem.h"

typedef struct profile {
    const cli_args *args;
    eg_config *cfg;
    eg_pool *pool;
    eg_task *task;
    eg_trainer *trainer;
    eg_op_times times;
} profile;

static void print_row(cli_table *table, const eg_op_times *t,
                      const eg_op_time *row)
{
    double rate = row->seconds > 0 ? 2 * row->madds / row->seconds : 0;
    char a[16];

    if (row->op < 0)
        cli_table_cell(table, "-");
    else
        cli_table_cell(table, "%d", row->op);
    cli_table_cell(table, "%s", row->what);
    cli_table_cell(table, "%s", row->name);
    cli_table_cell(table, "%s",
                   row->op < 0     ? ""
                   : row->backward ? "backward"
                                   : "forward");
    cli_table_cell(table, "%.3f",
                   1e3 * row->seconds / (double)t->threads / (double)t->steps);
    cli_table_cell(table, "%.1f %%", 100 * row->seconds / t->seconds);
    if (row->madds <= 0) {
        for (int i = 0; i < 3; i++) cli_table_cell(table, "%s", "");
        return;
    }
    cli_table_cell(table, "%s", cli_count(a, row->madds / (double)t->steps));
    cli_table_cell(table, "%.1f", 1e-9 * rate);
    if (t->peak > 0)
        cli_table_cell(table, "%.0f %%", 100 * rate / t->peak);
    else
        cli_table_cell(table, "-");
}

static int print_text(const profile *p)
{
    static const char *const head[] = {
        "#", "op", "value", "", "ms", "time", "madds", "GFLOP/s", "of peak"};
    const eg_op_times *t = &p->times;
    cli_table *table = cli_table_new(9);
    double noted = 0, madds = 0;
    int code;

    for (int i = 0; i < 9; i++) cli_table_cell(table, "%s", head[i]);
    for (int i = 0; i < t->n; i++) {
        print_row(table, t, &t->row[i]);
        noted += t->row[i].seconds;
        madds += t->row[i].madds;
    }
    code = cli_table_print(table);
    puts("");
    cli_print("%lld steps of %.3f ms on %d threads, kernels %s; %.1f %% of the "
              "time waits or is in nothing above",
              (long long)t->steps,
              1e3 * t->seconds / (double)t->threads / (double)t->steps,
              t->threads, t->kern, 100 * (1 - noted / t->seconds));
    if (t->peak > 0)
        cli_print("%.1f GFLOP/s on all threads, %.0f %% of their FMA peak of "
                  "%.0f",
                  2e-9 * madds / t->seconds * t->threads,
                  200 * madds / t->seconds / t->peak,
                  1e-9 * t->peak * t->threads);
    return code;
}

static int print_json(const profile *p)
{
    char *text = NULL;
    eg_err err = {0};
    eg_status st = eg_op_times_json(&text, &p->times, &err);
    int code;

    if (st != EG_OK) return cli_error(st, &err);
    code = cli_print_json_text(text);
    eg_free(text);
    return code;
}

/* Steps that take about a second, or so many. */
static eg_status take(profile *p, int64_t steps, eg_err *err)
{
    eg_step_info info;
    double start;
    eg_status st = EG_OK;

    eg_trainer_step(p->trainer, &info); /* warm */
    start = eg_clock();
    eg_trainer_step(p->trainer, &info);
    if (steps == 0) steps = (int64_t)ceil(1 / (eg_clock() - start));
    eg_trainer_times_begin(p->trainer);
    for (int64_t i = 0; i < steps; i++) {
        eg_trainer_step(p->trainer, &info);
        if (!info.finite)
            return EG_FAIL(err, EG_EINVAL, "training diverged at step %lld",
                           (long long)info.step);
    }
    EG_TRY(eg_trainer_times(&p->times, p->trainer, err));
    eg_op_times_peak(&p->times, p->cfg->train.precision == EG_TRAIN_FLOAT64,
                     p->pool);
done:
    return st;
}

static eg_status build(profile *p, const char *kern, eg_err *err)
{
    eg_train_spec spec;
    eg_status st;

    if (p->cfg->run.kind != EG_RUN_TRAIN)
        return EG_FAIL(err, EG_EINVAL,
                       "run.kind: expected train, which has operations, found "
                       "%s",
                       p->cfg->run.kind == EG_RUN_FLOW ? "flow" : "theory");
    p->cfg->train.profile = true;
    spec = eg_config_train(p->cfg);
    spec.pool = p->pool;
    spec.kern = kern ? kern : "auto";
    EG_TRY(eg_config_task(&p->task, p->cfg, err));
    spec.task = p->task;
    EG_TRY(eg_trainer_new(&p->trainer, &spec, err));
done:
    return st;
}

/* One measurement of each, since times of the steps are summed up. */
static void add_figures(eg_figures *f, const eg_op_times *t)
{
    for (int i = 0; i < t->n; i++) {
        const eg_op_time *r = &t->row[i];
        double s = r->seconds / t->threads / (double)t->steps;
        double rate = r->seconds > 0 ? 2 * r->madds / r->seconds : 0;
        char name[sizeof((eg_figure *)0)->name];
        eg_figure *fig;

        snprintf(name, sizeof name, "#%d %s %s%s", r->op, r->what, r->name,
                 r->op >= 0 && r->backward ? " backward" : "");
        fig = eg_figures_put(f, name, "s", true, 1, s, s, s, s);
        if (t->peak > 0 && rate > 0)
            eg_figure_share_put(fig, s * rate / t->peak, rate / t->peak,
                                rate / t->peak, rate / t->peak);
    }
}

int cmd_bench_profile(const cli_args *a)
{
    profile p = {.args = a, .cfg = eg_calloc(1, sizeof *p.cfg)};
    int64_t steps = 0;
    eg_figures figures = {0};
    eg_err err = {0};
    eg_status st;
    int code = CLI_MISUSE;

    if (!p.cfg) return cli_fail(CLI_FAILED, "out of memory");
    if (cli_int(a, "steps", 1, 1000000, &steps))
        code = cli_config(a, cli_value(a, "profile"), p.cfg);
    if (code == CLI_DONE) code = cli_pool(a, &p.pool);
    if (code == CLI_DONE) {
        st = build(&p, cli_value(a, "kern"), &err);
        if (st == EG_OK) st = take(&p, steps, &err);
        if (st != EG_OK)
            code = cli_error(st, &err);
        else
            code = cli_flag(a, "json") ? print_json(&p) : print_text(&p);
        eg_figures_begin(&figures, "profile", st == EG_OK ? p.times.kern : "",
                         eg_pool_size(p.pool));
        if (st == EG_OK) add_figures(&figures, &p.times);
    }
    code = cli_figures_end(&figures, a, code);
    eg_op_times_release(&p.times);
    eg_trainer_free(p.trainer);
    eg_task_free(p.task);
    eg_pool_free(p.pool);
    eg_free(p.cfg);
    return code;
}
