/* engram doctor: what this build and this machine can do. */
#include "cli.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>
#include "engram/flow.h"
#include "engram/kern.h"
#include "engram/pool.h"
#include "engram/report.h"
#include "ranks.h"
#include "engram/watch.h"

const cli_option cli_doctor_options[] = {
    {"experiments", 0, "DIR", "where the experiments are"},
    CLI_OPT_RUNS,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_doctor_help[] =
    "Version, machine, kernel sets, and whatever optional is missing. Exits 1\n"
    "when something keeps engram from working here.\n";

typedef struct findings {
    cli_table *table;
    json_t *json;
    bool bad;
} findings;

static void note(findings *f, const char *what, bool ok, const char *text)
{
    if (!ok) f->bad = true;
    if (f->json) {
        cli_json_add(f->json, json_pack("{s:s, s:b, s:s}", "what", what, "ok",
                                        ok, "found", text));
        return;
    }
    cli_table_cell(f->table, "%s", ok ? "ok" : "BAD");
    cli_table_cell(f->table, "%s", what);
    cli_table_cell(f->table, "%s", text);
}

static void check_kernels(findings *f)
{
    char text[256] = "";

    for (int i = 0; eg_kern_name(i); i++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "",
                 eg_kern_name(i));
    }
    note(f, "kernel sets, best first", text[0] != '\0', text);
    note(f, "CPU features", true, eg_cpu_features());
}

static void check_lapack(findings *f)
{
    char text[512];
    eg_err err = {0};
    bool ok = eg_flow_lapack(text, sizeof text, &err) == EG_OK;

    note(f, "eigenvalues and ranks", ok, ok ? text : err.msg);
}

static void check_task(findings *f)
{
    eg_task_opts o;
    eg_task *task = NULL;
    eg_err err = {0};
    bool ok;

    eg_fields_default(eg_task_fields, &o);
    ok = eg_task_new(&task, &o, 1, &err) == EG_OK;
    note(f, "character statistics", ok, ok ? o.stats : err.msg);
    eg_task_free(task);
}

static void check_experiments(findings *f, const cli_args *a)
{
    char dir[EG_PATH], text[EG_PATH + 64];
    eg_experiments *x = NULL;
    eg_claim_info c;
    eg_err err = {0};
    int n = 0;

    if (!cli_experiments(a, dir)) {
        note(f, "experiments", false, "not found");
        return;
    }
    if (eg_experiments_load(&x, dir, &err) != EG_OK) {
        note(f, "experiments", false, err.msg);
        return;
    }
    while (eg_experiments_claim(x, n, &c)) n++;
    snprintf(text, sizeof text, "%d claims in %s", n, dir);
    note(f, "experiments", true, text);
    eg_experiments_free(x);
}

static void check_runs(findings *f, const cli_args *a)
{
    const char *root = cli_runs_root(a);
    bool there = access(root, F_OK) == 0;
    bool ok = access(there ? root : ".", W_OK) == 0;

    note(f, "folder for runs", ok, ok ? root : "not writable");
}

int cmd_doctor(const cli_args *a)
{
    findings f = {0};
    char text[512];
    int code;

    if (cli_flag(a, "json"))
        f.json = json_array();
    else
        f.table = cli_table_new(3);
    snprintf(text, sizeof text, "%s (commit %s)", eg_version(), eg_commit());
    note(&f, "engram", true, text);
    eg_machine_describe(text, sizeof text);
    note(&f, "machine", true, text);
    snprintf(text, sizeof text, "%d", eg_cpu_count());
    note(&f, "threads by default", true, text);
    check_kernels(&f);
    check_lapack(&f);
    check_task(&f);
    check_experiments(&f, a);
    check_runs(&f, a);
    (void)cli_ranks_module(text, sizeof text);
    note(&f, "training on several ranks", true, text);
    note(&f, "plotting library", true,
         eg_report_has_plotly()
             ? "embedded in reports"
             : "missing: reports hold tables, no figures (npm install, then "
               "build again)");
    (void)eg_watch_able(text, sizeof text); /* text tells */
    note(&f, "live page", true, text);
    if (f.json)
        code = cli_print_json(
            json_pack("{s:b, s:o}", "ok", !f.bad, "checks", f.json));
    else
        code = cli_table_print(f.table);
    return f.bad ? CLI_FAILED : code;
}
