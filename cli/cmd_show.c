/* engram show: one run. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/notes.h"
#include "engram/verify.h"

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

json_t *cli_notes_json(const eg_notes *notes)
{
    json_t *list = json_array();

    for (int i = 0; i < notes->n; i++)
        cli_json_add(list, json_pack("{s:s, s:o}", "at", notes->note[i].at,
                                     "text", json_string(notes->note[i].text)));
    return list;
}

static int show_json(const eg_run_info *r, const eg_metrics *m,
                     const eg_notes *notes)
{
    json_t *o = cli_info_json(r);

    cli_json_set(o, "notes", cli_notes_json(notes));
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

static void show_notes(cli_table *t, const eg_notes *notes)
{
    for (int i = 0; i < notes->n; i++) {
        cli_table_cell(t, "note");
        cli_table_cell(t, "%s %s", notes->note[i].at, notes->note[i].text);
    }
}

static int show_text(const eg_run_info *r, const eg_metrics *m,
                     const eg_notes *notes)
{
    cli_table *t = cli_table_new(2);
    char point[32] = "";
    int code;
    const struct {
        const char *key, *text;
    } row[] = {{"run", r->dir},
               {"kind", r->kind},
               {"sweep", r->sweep},
               {"point", point},
               {"status", r->status},
               {"reason", r->reason},
               {"started", r->start},
               {"ended", r->end},
               {"version", r->version},
               {"kernels", r->kern},
               {"precision", r->precision},
               {"tags", r->tags}};

    if (r->sweep[0]) snprintf(point, sizeof point, "%lld", (long long)r->point);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (!row[i].text[0]) continue;
        cli_table_cell(t, "%s", row[i].key);
        cli_table_cell(t, "%s", row[i].text);
    }
    cli_table_cell(t, "seed");
    cli_table_cell(t, "%lld", (long long)r->seed);
    show_work(t, r);
    show_notes(t, notes);
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
    eg_notes notes = {0};
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
    st = eg_notes_read(&notes, dir, &err);
    if (st != EG_OK) cli_warn(NULL, err.msg);
    code = cli_flag(a, "json") ? show_json(&info, &m, &notes)
                               : show_text(&info, &m, &notes);
    eg_notes_release(&notes);
    eg_metrics_release(&m);
    return code;
}
