/* engram compare: runs beside each other. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "engram/compare.h"
#include "engram/mem.h"

const cli_option cli_compare_options[] = {
    {"all", 0, NULL, "metrics that are equal in all runs, too"},
    CLI_OPT_RUNS,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_compare_help[] =
    "Each RUN is a run directory, a name (its newest run), an id or name/id.\n"
    "Shows in which keys their configurations differ; the last value of every\n"
    "metric that differs, and its best one where it is known which way is\n"
    "better (losses, errors and divergences down, accuracies and recalls up);\n"
    "the largest difference of its curve to that of the first run, and at\n"
    "which step; then what it took. Runs whose metrics are equal at every "
    "step,\n"
    "bit for bit, are said to be.\n"
    "\n"
    "  engram compare birth-basic/20260131-120000 birth-basic/20260131-130000\n"
    "  engram compare a b c --json\n";

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *values_json(const eg_compare_key *k, int n)
{
    json_t *o = json_array();

    for (int i = 0; i < n; i++) cli_json_add(o, cli_value_json(&k->value[i]));
    return o;
}

static json_t *ends_json(const eg_compare_metric *m, int n, size_t member)
{
    json_t *o = json_array();

    for (int i = 0; i < n; i++) {
        double v;

        memcpy(&v, (const char *)&m->end[i] + member, sizeof v);
        cli_json_add(o, number(v));
    }
    return o;
}

static json_t *metric_json(const eg_compare_metric *m, int n)
{
    json_t *o = json_pack(
        "{s:s, s:b, s:o, s:o}", "metric", m->name, "equal", m->equal, "last",
        ends_json(m, n, offsetof(eg_compare_end, last)), "last_step",
        ends_json(m, n, offsetof(eg_compare_end, last_step)));

    if (m->better) {
        cli_json_set(o, "best",
                     ends_json(m, n, offsetof(eg_compare_end, best)));
        cli_json_set(o, "best_step",
                     ends_json(m, n, offsetof(eg_compare_end, best_step)));
    }
    cli_json_set(o, "largest_difference", number(m->gap));
    cli_json_set(o, "at_step", number(m->gap_step));
    cli_json_set(o, "of_run", json_integer(m->far));
    return o;
}

static int print_json(const eg_compare *c)
{
    json_t *runs = json_array(), *config = json_array(),
           *metrics = json_array();

    for (int i = 0; i < c->n_runs; i++)
        cli_json_add(runs, cli_info_json(&c->info[i]));
    for (int i = 0; i < c->n_keys; i++)
        cli_json_add(config, json_pack("{s:o, s:o}", "key",
                                       cli_json_string(c->key[i].key), "values",
                                       values_json(&c->key[i], c->n_runs)));
    for (int i = 0; i < c->n_metrics; i++)
        cli_json_add(metrics, metric_json(&c->metric[i], c->n_runs));
    return cli_print_json(json_pack("{s:o, s:o, s:o, s:b}", "runs", runs,
                                    "config", config, "metrics", metrics,
                                    "equal_metrics", c->equal));
}

static void head(cli_table *t, const eg_compare *c, const char *what)
{
    cli_table_cell(t, "%s", what);
    for (int i = 0; i < c->n_runs; i++)
        cli_table_cell(t, "%s/%s", c->info[i].name, c->info[i].id);
}

static int print_config(const eg_compare *c)
{
    cli_table *t = cli_table_new(c->n_runs + 1);

    head(t, c, "configuration");
    for (int i = 0; i < c->n_keys; i++) {
        cli_table_cell(t, "%s", c->key[i].key);
        for (int k = 0; k < c->n_runs; k++) {
            const eg_value *v = &c->key[i].value[k];

            cli_table_cell(t, "%s", v->kind ? v->text : "-");
        }
    }
    return cli_table_print(t);
}

static void end_cell(cli_table *t, const eg_compare_metric *m,
                     const eg_compare_end *e)
{
    if (isnan(e->last_step))
        cli_table_cell(t, "-");
    else if (m->better && !isnan(e->best))
        cli_table_cell(t, "%.5g (best %.5g at %.0f)", e->last, e->best,
                       e->best_step);
    else
        cli_table_cell(t, "%.5g", e->last);
}

static void gap_cell(cli_table *t, const eg_compare *c,
                     const eg_compare_metric *m)
{
    if (m->equal)
        cli_table_cell(t, "equal");
    else if (isnan(m->gap))
        cli_table_cell(t, "no step in common");
    else if (c->n_runs == 2)
        cli_table_cell(t, "%.3g at %.0f", m->gap, m->gap_step);
    else
        cli_table_cell(t, "%.3g at %.0f, of %s", m->gap, m->gap_step,
                       c->info[m->far].id);
}

static int print_metrics(const eg_compare *c, bool all)
{
    cli_table *t = cli_table_new(c->n_runs + 2);

    head(t, c, "metric, last");
    cli_table_cell(t, "largest difference");
    for (int i = 0; i < c->n_metrics; i++) {
        const eg_compare_metric *m = &c->metric[i];

        if (m->equal && !all) continue;
        cli_table_cell(t, "%s", m->name);
        for (int k = 0; k < c->n_runs; k++) end_cell(t, m, &m->end[k]);
        gap_cell(t, c, m);
    }
    return cli_table_print(t);
}

static int print_work(const eg_compare *c)
{
    cli_table *t = cli_table_new(c->n_runs + 1);

    head(t, c, "work");
    for (int row = 0; row < 6; row++) {
        static const char *const name[] = {"status",   "steps",    "seconds",
                                           "tokens/s", "peak MiB", "made by"};

        cli_table_cell(t, "%s", name[row]);
        for (int i = 0; i < c->n_runs; i++) {
            const eg_run_info *r = &c->info[i];

            if (row == 0) cli_table_cell(t, "%s", r->status);
            if (row == 1)
                cli_table_cell(t, "%lld/%lld", (long long)r->steps_done,
                               (long long)r->steps);
            if (row == 2) cli_table_cell(t, "%.2f", r->seconds);
            if (row == 3) cli_table_cell(t, "%.0f", r->tokens_per_s);
            if (row == 4)
                cli_table_cell(t, "%.1f", (double)r->peak_bytes / 1048576.0);
            if (row == 5)
                cli_table_cell(t, "%s, %s, %d threads", r->version, r->kern,
                               r->threads);
        }
    }
    return cli_table_print(t);
}

static int print_text(const eg_compare *c, bool all)
{
    int code = CLI_DONE, equal = 0;

    for (int i = 0; i < c->n_metrics; i++) equal += c->metric[i].equal;
    if (c->n_keys > 0)
        code = print_config(c);
    else
        puts("the same configuration");
    puts("");
    if (c->equal)
        printf("equal metrics: %d, at every step, bit for bit\n", c->n_metrics);
    if (code == CLI_DONE && (all || !c->equal)) code = print_metrics(c, all);
    if (equal > 0 && !c->equal && !all)
        printf("%d more metrics are equal\n", equal);
    puts("");
    return code == CLI_DONE ? print_work(c) : code;
}

int cmd_compare(const cli_args *a)
{
    const char *dir[8];
    char(*path)[EG_PATH] = eg_calloc((size_t)a->n_words, sizeof *path);
    eg_compare c;
    eg_err err = {0};
    eg_status st;
    int code = CLI_DONE;

    if (!path) return cli_fail(CLI_FAILED, "out of memory");
    for (int i = 0; i < a->n_words && code == CLI_DONE; i++) {
        code = cli_find_run(cli_runs_root(a), a->word[i], path[i]);
        dir[i] = path[i];
    }
    if (code == CLI_DONE) {
        st = eg_runs_compare(&c, dir, a->n_words, &err);
        if (st != EG_OK)
            code = cli_error(st, &err);
        else
            code = cli_flag(a, "json") ? print_json(&c)
                                       : print_text(&c, cli_flag(a, "all"));
        if (st == EG_OK) eg_compare_release(&c);
    }
    eg_free(path);
    return code;
}
