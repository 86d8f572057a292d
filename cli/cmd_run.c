/* engram run: one configuration, from its beginning or its last checkpoint. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "engram/mem.h"
#include "ranks.h"

const cli_option cli_run_options[] = {
    CLI_OPT_SET,
    {"seed", 0, "N", "short for --set run.seed=N"},
    {"out", 'o', "DIR",
     "the run directory itself, new or empty (default: "
     "runs/<name>/<id>)"},
    CLI_OPT_RUNS,
    {"resume", 0, NULL,
     "go on from the last checkpoint of the newest unfinished run of this "
     "configuration; an error when there is none"},
    {"from", 0, "STEP",
     "with --resume: go back to the checkpoint of that step, or to so many "
     "times of a flow; 0 begins anew in the same directory"},
    {"extend", 0, "KEY=VALUE",
     "train.steps=N, or flow.times=LIST: the run of this configuration, or in "
     "this directory, goes on to there, finished or not"},
    CLI_OPT_THREADS,
    CLI_OPT_KERN,
    CLI_OPT_QUIET,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_run_help[] =
    "FILE is a configuration (`engram help config`) or a run directory, whose\n"
    "configuration is then run again. The run directory gets everything that\n"
    "is measured; its name is printed at the end.\n"
    "\n"
    "Ctrl-C finishes the step, saves a checkpoint and exits 130; --resume "
    "goes\n"
    "on and ends with the same bytes as a run that was never stopped. A flow\n"
    "of tokens keeps the times that were reached and goes on from there. A\n"
    "run that is finished stays as it is. A run goes on as it was begun: of\n"
    "its configuration only run.name, train.profile and section checkpoint\n"
    "may be others, and a key that differs is named with both values.\n"
    "\n"
    "--extend makes a run longer, finished or not: moments, the order of the\n"
    "data and the learning rate go on, rows are appended, and run.json has "
    "both\n"
    "parts. The checkpoints are those of a run of that length from the start,\n"
    "unless the learning rate ended with the run (linear, cosine): then it\n"
    "stays where it had come to, which is said. --resume goes on with an\n"
    "extension as well.\n"
    "\n"
    "What is gone on from is checked first: a checkpoint, rows or a\n"
    "configuration that are not what was written are named, with the step "
    "from\n"
    "which all is whole, and nothing is done until --from says so.\n"
    "\n"
    "Started by mpirun, the ranks train one model together, with the same "
    "bytes\n"
    "as one (docs/clusters.md).\n"
    "\n"
    "  engram run experiments/birth/basic.yaml\n"
    "  engram run experiments/birth/basic.yaml --set train.steps=100 --seed 2\n"
    "  engram run runs/birth-basic/20260131-120000 --resume\n"
    "  engram run runs/birth-basic/20260131-120000 --resume --from 200\n"
    "  engram run runs/birth-basic/20260131-120000 --extend train.steps=5000\n"
    "  engram run experiments/flow/sphere.yaml --set flow.x0=mine.npy\n";

static int print_result(const eg_config *cfg, const eg_lab_result *r)
{
    eg_metrics m;
    cli_table *t = cli_table_new(2);
    eg_err err = {0};
    eg_status st = eg_metrics_last(&m, r->dir, &err);

    cli_table_cell(t, "run");
    cli_table_cell(t, "%s", r->dir);
    cli_table_cell(t, "status");
    cli_table_cell(t, "%s%s%s", eg_outcome_name(r->outcome),
                   r->reason[0] ? ": " : "", r->reason);
    if (st == EG_OK) {
        eg_headline h;

        for (int i = 0; eg_headline_at(&h, cfg, i); i++) {
            const eg_series *s = eg_metrics_find(&m, h.name);

            if (!s || s->n == 0) continue;
            cli_table_cell(t, "%s", h.name);
            cli_table_cell(t, "%.4g", s->value[s->n - 1]);
        }
        eg_metrics_release(&m);
    } else if (st == EG_ENOMEM) {
        cli_table_free(t);
        return cli_error(st, &err);
    }
    return cli_table_print(t);
}

static int print_json(const eg_lab_result *r)
{
    return cli_print_json(json_pack(
        "{s:o, s:s, s:o, s:I, s:f, s:f, s:I, s:I, s:I, s:I, s:o}", "run",
        cli_json_string(r->dir), "status", eg_outcome_name(r->outcome),
        "reason", cli_json_string(r->reason), "steps_done",
        (json_int_t)r->steps_done, "seconds", r->seconds, "tokens_per_s",
        r->tokens_per_s, "evaluations", (json_int_t)r->evaluations,
        "solver_steps", (json_int_t)r->solver_steps, "memory_announced_bytes",
        (json_int_t)r->announced_bytes, "memory_peak_bytes",
        (json_int_t)r->peak_bytes, "last", cli_last_values(r->dir)));
}

/* A run directory given as FILE is what --resume and --extend go on with. */
static int aim(const cli_args *a, eg_lab_opts *o)
{
    o->dir = cli_value(a, "out");
    if ((o->resume || o->extend) && !o->dir && cli_is_folder(a->word[0]))
        o->dir = a->word[0];
    o->go_back = cli_value(a, "from") != NULL;
    if (o->go_back && !o->resume)
        return cli_fail(CLI_MISUSE, "--from goes with --resume");
    if (o->go_back && o->extend)
        return cli_fail(CLI_MISUSE,
                        "--from and --extend: first the one, then the other");
    return cli_int(a, "from", 0, INT64_MAX, &o->from) ? CLI_DONE : CLI_MISUSE;
}

/* The end of a rank that only helps: that of rank 0, which has said it all. One
 * that cannot help ends them all, since they wait for it. */
static int served(const eg_ranks *ranks, const eg_lab_result *r, eg_status st,
                  const eg_err *err)
{
    if (!r->served) {
        cli_mute(false);
        ranks->abort(ranks->ctx, cli_error(st, err));
    }
    if (st != EG_OK) return st == EG_EINVAL ? CLI_MISUSE : CLI_FAILED;
    if (r->outcome == EG_DIVERGED) return CLI_FAILED;
    return r->outcome == EG_INTERRUPTED ? CLI_INTERRUPTED : CLI_DONE;
}

static int carry_out(const cli_args *a, const eg_config *cfg, eg_pool *pool,
                     const eg_ranks *ranks)
{
    eg_lab_opts o = {.root = cli_runs_root(a),
                     .kern = cli_value(a, "kern"),
                     .pool = pool,
                     .ranks = ranks,
                     .resume = cli_flag(a, "resume"),
                     .extend = cli_value(a, "extend"),
                     .stop = cli_stop,
                     .plan = cli_plan,
                     .note = cli_note,
                     .progress = cli_progress};
    eg_lab_result r;
    eg_err err = {0};
    eg_status st;
    int code;

    code = aim(a, &o);
    if (code != CLI_DONE) return code;
    cli_catch_signals();
    st = eg_lab_run(&r, cfg, &o, &err);
    cli_progress_end();
    if (ranks->rank > 0) return served(ranks, &r, st, &err);
    if (st != EG_OK) {
        const char *option = o.extend ? "--extend" : "--resume";

        if (r.dir[0]) cli_say("run directory: %s", r.dir);
        code = cli_error(st, &err);
        if (r.unmatched)
            cli_tell_nearest(cfg, o.root, option);
        else if (st == EG_EINVAL && (o.resume || o.extend) && o.dir)
            cli_tell_differs(cfg, o.dir, option);
        return code;
    }
    if (r.untouched) {
        cli_say("%s is finished: nothing was done", r.dir);
        return cli_flag(a, "json") ? print_json(&r) : print_result(cfg, &r);
    }
    if (r.announced_bytes > 0)
        cli_say("peak memory %.1f MiB, announced %.1f MiB; %.0f tokens/s",
                (double)r.peak_bytes / 1048576.0,
                (double)r.announced_bytes / 1048576.0, r.tokens_per_s);
    if (r.evaluations > 0)
        cli_say("%lld steps, %lld field evaluations in %.1f s; peak memory "
                "%.1f MiB",
                (long long)r.solver_steps, (long long)r.evaluations, r.seconds,
                (double)r.peak_bytes / 1048576.0);
    code = cli_flag(a, "json") ? print_json(&r) : print_result(cfg, &r);
    if (r.outcome == EG_INTERRUPTED) {
        cli_say("interrupted by %s; go on with: engram run %s --resume",
                cli_stop(NULL) ? cli_stop_name() : "another rank", r.dir);
        return CLI_INTERRUPTED;
    }
    if (r.outcome == EG_DIVERGED)
        return cli_fail(
            CLI_FAILED, "diverged: %s; what was good stays in %s/%s", r.reason,
            r.dir, cfg->run.kind == EG_RUN_FLOW ? "arrays" : "checkpoints");
    return code;
}

static int prepare(const cli_args *a, eg_config *cfg, const eg_ranks *ranks,
                   eg_pool **pool)
{
    int code = cli_config(a, a->word[0], cfg);

    if (code == CLI_DONE) code = cli_pool_of(a, cli_ranks_threads(ranks), pool);
    return code;
}

/* What goes wrong on one rank alone, a file that its machine lacks, that one
 * says, for the others would wait for it. */
static int run_as_told(const cli_args *a, eg_config *cfg, const eg_ranks *ranks)
{
    eg_pool *pool = NULL;
    bool torn = false;
    int mine = prepare(a, cfg, ranks, &pool);
    int code = cli_ranks_agree(ranks, mine, &torn);

    if (torn && code == CLI_DONE && mine != CLI_DONE) {
        cli_mute(false);
        (void)prepare(a, cfg, ranks, &pool);
    }
    if (torn) code = CLI_FAILED;
    if (code == CLI_DONE) code = carry_out(a, cfg, pool, ranks);
    eg_pool_free(pool);
    return code;
}

int cmd_run(const cli_args *a)
{
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_ranks ranks;
    int code;

    if (!cfg) return cli_fail(CLI_FAILED, "out of memory");
    code = cli_ranks_open(&ranks);
    if (code == CLI_DONE) code = run_as_told(a, cfg, &ranks);
    cli_ranks_close(&ranks);
    eg_free(cfg);
    return code;
}
