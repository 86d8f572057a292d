/* engram runs and engram show: what is on disk. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/verify.h"

const cli_option cli_runs_options[] = {
    {"rebuild", 0, NULL,
     "read every record again, also those that have not changed"},
    CLI_OPT_RUNS,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_runs_help[] =
    "The runs under runs/, newest first, also those that still run or were\n"
    "killed; with NAME only those of that name. runs/catalogue.sqlite is an\n"
    "index of them: what it lacks is read from the run directories.\n"
    "\n"
    "  engram runs\n"
    "  engram runs birth-basic --json\n";

const cli_option cli_show_options[] = {
    {"program", 0, NULL,
     "the operations that a step of CONFIG, a configuration, consists of"},
    {"plain", 0, NULL, "with --program: as built, without shortcuts"},
    CLI_OPT_SET,
    CLI_OPT_THREADS,
    CLI_OPT_RUNS,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_show_help[] =
    "RUN is a run directory, a name (its newest run), an id or name/id. Shows\n"
    "its record and the last value of every metric.\n"
    "\n"
    "--program takes a configuration in its place and shows what a training\n"
    "step computes, one operation a line: what a row of its value is (of a\n"
    "weight, once a step; a distinct pair of token and position; a position; "
    "a\n"
    "position in the loss), its shape at most, the operations and tensors "
    "that\n"
    "it reads, multiply-adds in a step, bytes, share of all multiply-adds;\n"
    "which shortcuts were taken and why; and the tensors. No weight is made.\n"
    "\n"
    "  engram show --program experiments/birth/basic.yaml --plain\n"
    "  engram show birth-basic\n"
    "  engram show runs/birth-basic/20260131-120000 --json\n";

static json_t *info_json(const eg_run_info *r)
{
    json_t *o = json_pack(
        "{s:o, s:o, s:o, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, "
        "s:I, s:I, s:I, s:f, s:f}",
        "dir", cli_json_string(r->dir), "name", cli_json_string(r->name), "id",
        cli_json_string(r->id), "status", r->status, "reason",
        cli_json_string(r->reason), "start", r->start, "end", r->end, "version",
        r->version, "kernels", r->kern, "precision", r->precision, "threads",
        r->threads, "seed", (json_int_t)r->seed, "steps", (json_int_t)r->steps,
        "steps_done", (json_int_t)r->steps_done, "memory_announced_bytes",
        (json_int_t)r->announced_bytes, "memory_peak_bytes",
        (json_int_t)r->peak_bytes, "seconds", r->seconds, "tokens_per_s",
        r->tokens_per_s);

    if (r->kind[0]) cli_json_set(o, "kind", json_string(r->kind));
    if (r->evaluations > 0) {
        cli_json_set(o, "evaluations", json_integer(r->evaluations));
        cli_json_set(o, "solver_steps", json_integer(r->solver_steps));
        cli_json_set(o, "rejected", json_integer(r->rejected));
    }
    return o;
}

typedef struct listing {
    cli_listing rows;
    int n;
} listing;

static void add_run(void *ctx, const eg_run_info *r)
{
    listing *l = ctx;

    l->n++;
    if (l->rows.json) {
        cli_json_add(l->rows.json, info_json(r));
        return;
    }
    cli_table_cell(l->rows.table, "%s", r->name);
    cli_table_cell(l->rows.table, "%s", r->id);
    cli_table_cell(l->rows.table, "%s", r->status);
    cli_table_cell(l->rows.table, "%lld", (long long)r->seed);
    cli_table_cell(l->rows.table, "%lld/%lld", (long long)r->steps_done,
                   (long long)r->steps);
    cli_table_cell(l->rows.table, "%.1f s", r->seconds);
    if (r->tokens_per_s > 0)
        cli_table_cell(l->rows.table, "%.0f", r->tokens_per_s);
    else
        cli_table_cell(l->rows.table, "-");
}

int cmd_runs(const cli_args *a)
{
    static const char *const head[] = {"name",  "id",      "status",  "seed",
                                       "steps", "seconds", "tokens/s"};
    const char *root = cli_runs_root(a);
    listing l = {0};
    eg_err err = {0};
    eg_status st = EG_OK;
    int n = 0;

    if (cli_flag(a, "rebuild")) {
        st = eg_catalogue_rebuild(root, &n, &err);
        if (st != EG_OK) return cli_error(st, &err);
        cli_say("%d runs found under %s", n, root);
    } else if (!eg_file_exists(root)) {
        cli_say("no folder %s: nothing has run here yet", root);
        return cli_flag(a, "json") ? cli_print_json(json_pack("{s:[]}", "runs"))
                                   : CLI_DONE;
    }
    cli_listing_begin(&l.rows, a, head, 7);
    st = eg_catalogue_each(root, a->n_words ? a->word[0] : NULL, add_run, &l,
                           &err);
    if (st != EG_OK) {
        cli_listing_drop(&l.rows);
        return cli_error(st, &err);
    }
    if (l.n == 0)
        cli_say("no runs%s%s under %s", a->n_words ? " of " : "",
                a->n_words ? a->word[0] : "", root);
    if (l.rows.json)
        return cli_print_json(json_pack("{s:o}", "runs", l.rows.json));
    return cli_table_print(l.rows.table);
}

static json_t *last_json(const eg_metrics *m)
{
    json_t *last = json_object();

    for (int i = 0; i < m->n; i++) {
        const eg_series *s = &m->series[i];
        double v = s->value[s->n - 1];

        cli_json_set(last, s->name, isfinite(v) ? json_real(v) : json_null());
    }
    return last;
}

json_t *cli_last_values(const char *dir)
{
    eg_metrics m;
    json_t *last;
    eg_status st;

    st = eg_metrics_last(&m, dir, NULL);
    if (st != EG_OK) return st == EG_ENOMEM ? NULL : json_null();
    last = last_json(&m);
    eg_metrics_release(&m);
    return last;
}

static int show_json(const eg_run_info *r, const eg_metrics *m)
{
    json_t *o = info_json(r);

    cli_json_set(o, "last", last_json(m));
    return cli_print_json(o);
}

/* How much was done, in the words of the kind of run. */
static void show_work(cli_table *t, const eg_run_info *r)
{
    bool flow = strcmp(r->kind, "flow") == 0;

    cli_table_cell(t, flow ? "times" : "steps");
    cli_table_cell(t, "%lld of %lld", (long long)r->steps_done,
                   (long long)r->steps);
    if (flow) {
        cli_table_cell(t, "steps");
        cli_table_cell(t, "%lld, %lld refused; %lld field evaluations",
                       (long long)r->solver_steps, (long long)r->rejected,
                       (long long)r->evaluations);
    }
    cli_table_cell(t, "time");
    if (r->tokens_per_s > 0)
        cli_table_cell(t, "%.1f s, %.0f tokens/s, %d threads", r->seconds,
                       r->tokens_per_s, r->threads);
    else
        cli_table_cell(t, "%.1f s, %d threads", r->seconds, r->threads);
    cli_table_cell(t, "memory");
    if (r->announced_bytes > 0)
        cli_table_cell(t, "%.1f MiB at its peak, %.1f MiB announced",
                       (double)r->peak_bytes / 1048576.0,
                       (double)r->announced_bytes / 1048576.0);
    else
        cli_table_cell(t, "%.1f MiB at its peak",
                       (double)r->peak_bytes / 1048576.0);
}

static int show_text(const eg_run_info *r, const eg_metrics *m)
{
    cli_table *t = cli_table_new(2);
    int code;
    const struct {
        const char *key, *text;
    } row[] = {{"run", r->dir},
               {"kind", r->kind},
               {"status", r->status},
               {"reason", r->reason},
               {"started", r->start},
               {"ended", r->end},
               {"version", r->version},
               {"kernels", r->kern},
               {"precision", r->precision}};

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (!row[i].text[0]) continue;
        cli_table_cell(t, "%s", row[i].key);
        cli_table_cell(t, "%s", row[i].text);
    }
    cli_table_cell(t, "seed");
    cli_table_cell(t, "%lld", (long long)r->seed);
    show_work(t, r);
    code = cli_table_print(t);
    puts("");
    t = cli_table_new(3);
    for (int i = 0; i < m->n; i++) {
        const eg_series *s = &m->series[i];

        cli_table_cell(t, "%s", s->name);
        cli_table_cell(t, "%.5g", s->value[s->n - 1]);
        cli_table_cell(t, "at %.0f", s->step[s->n - 1]);
    }
    if (cli_table_print(t) != CLI_DONE) code = CLI_FAILED;
    return code;
}

static void warn(void *ctx, const eg_finding *f)
{
    char text[EG_PATH + 900]; /* a finding's texts are below 512 bytes */

    if (f->sound != EG_DAMAGED) return;
    snprintf(text, sizeof text, "%s/%s: %s", (const char *)ctx, f->file,
             f->why);
    cli_warn(NULL, text);
}

int cmd_show(const cli_args *a)
{
    char dir[EG_PATH];
    eg_run_info info;
    eg_metrics m = {0};
    eg_err err = {0};
    eg_status st;
    int code;

    if (cli_flag(a, "program")) return cmd_show_program(a);
    if (cli_flag(a, "plain") || cli_value(a, "set"))
        return cli_fail(CLI_MISUSE, "--plain and --set go with --program");
    code = cli_find_run(cli_runs_root(a), a->word[0], dir);
    if (code != CLI_DONE) return code;
    st = eg_run_info_read(&info, dir, &err);
    if (st == EG_OK) st = eg_run_last(&m, dir, warn, dir, &err);
    if (st != EG_OK) return cli_error(st, &err);
    code = cli_flag(a, "json") ? show_json(&info, &m) : show_text(&info, &m);
    eg_metrics_release(&m);
    return code;
}
