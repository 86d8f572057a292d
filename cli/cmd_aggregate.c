/* engram aggregate: what the runs of every setting come to over their seeds. */
#include "aggregate.h"

#include <jansson.h>
#include <string.h>
#include "engram/mem.h"

const cli_option cli_aggregate_options[] = {
    {"metric", 'm', "NAME",
     "of what; may be repeated (default: what tells how a run of this kind "
     "went; with --at first:... the step)"},
    {"at", 0, "WHERE",
     "last (default), max, min, max:METRIC, min:METRIC, step=N, or an event: "
     "first:METRIC>X (or >=, <, <=)"},
    {"by", 0, "KEY",
     "a setting is what has this key alike, whatever else differs; may be "
     "repeated (default: all keys that differ but for the seed)"},
    {"curve", 0, NULL, "each metric at every step, in place of --at"},
    {"points", 0, "N", "with --curve: so many steps at most (default: 50)"},
    {"fit", 0, "KEY", "power laws of the metrics against a key that differs"},
    {"confidence", 0, "X", "of the intervals (default: 0.95)"},
    {"resamples", 0, "N", "of the bootstrap (default: 10000, of curves 1000)"},
    {"draws", 0, "N", "seed of the bootstrap (default: 0)"},
    {"csv", 0, NULL, "print comma-separated values in place of a table"},
    CLI_OPT_RUNS,
    CLI_OPT_QUIET,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_aggregate_help[] =
    "RUN is a name (all runs of that name), a folder of runs, or one run as "
    "for\n"
    "`engram show`. Runs that differ in the seed alone are one setting: its\n"
    "mean, median and standard deviation, and the interval that each lies in,\n"
    "by the percentile bootstrap over runs. With one run there is no "
    "interval,\n"
    "with fewer than five it is too narrow. An event that some runs never saw\n"
    "has a median (Kaplan and Meier) as long as half of them did, and no "
    "mean.\n"
    "docs/aggregate.md says how each number is found.\n"
    "\n"
    "  engram aggregate birth-basic --metric acc_in_context_test\n"
    "  engram aggregate birth-basic --at 'first:acc_in_context_test>0.9'\n"
    "  engram aggregate birth-basic -m loss --at max:acc_in_context_test "
    "--csv\n"
    "  engram aggregate birth-basic -m loss --curve\n"
    "  engram aggregate birth-basic -m loss --fit model.d_model\n";

enum { THEORY_METRICS = 4 }; /* shown of a statement */

/* ---- what is asked --------------------------------------------------------
 */

static int add_metric(aggregate *j, const char *name)
{
    eg_question *q;

    if (j->n == MAX_METRICS)
        return cli_fail(CLI_MISUSE, "--metric: at most %d of them",
                        MAX_METRICS);
    q = &j->ask[j->n++];
    *q = (eg_question){.at = j->at};
    if (strlen(name) >= sizeof q->metric || !name[0])
        return cli_fail(CLI_MISUSE, "--metric: expected a name, found '%.40s'",
                        name);
    eg_text_copy(q->metric, sizeof q->metric, name);
    return CLI_DONE;
}

/* What tells how a run went, as far as the runs have it. */
static int add_headlines(aggregate *j, char (*names)[96], int n)
{
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_folder f;
    eg_headline h;
    eg_err err = {0};
    eg_status st;

    if (!cfg) return cli_fail(CLI_FAILED, "out of memory");
    st = eg_folder_open(&f, j->x.run[0].dir, &err);
    if (st == EG_OK) st = eg_config_load_run(cfg, &f, &err);
    eg_folder_close(&f);
    for (int i = 0; st == EG_OK && eg_headline_at(&h, cfg, i); i++)
        for (int k = 0; h.swept && k < n; k++)
            if (strcmp(names[k], h.name) == 0) add_metric(j, h.name);
    for (int k = 0; j->n == 0 && k < n && k < THEORY_METRICS; k++)
        add_metric(j, names[k]);
    eg_free(cfg);
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

static int choose_metrics(aggregate *j)
{
    char(*names)[96] = NULL;
    int n = 0, code = CLI_DONE;
    eg_err err = {0};
    eg_status st;

    for (int i = 0; i < j->args->n_values && code == CLI_DONE; i++)
        if (strcmp(j->args->value[i].option->name, "metric") == 0)
            code = add_metric(j, j->args->value[i].value);
    if (code != CLI_DONE || j->n > 0) return code;
    if (j->at.kind == EG_AT_FIRST) return add_metric(j, EG_METRIC_STEP);
    st = eg_ensemble_metrics(&names, &n, &j->x, &err);
    if (st != EG_OK) return cli_error(st, &err);
    if (n > 0)
        code = add_headlines(j, names, n);
    else
        code = cli_fail(CLI_FAILED, "no run has measured anything yet");
    eg_free(names);
    return code;
}

static int read_numbers(aggregate *j)
{
    int64_t resamples = 0, seed = 0;
    const char *text = cli_value(j->args, "confidence");

    if (!cli_real("confidence", text, 0.01, 0.999, &j->how.confidence) ||
        !cli_int(j->args, "resamples", EG_RESAMPLES_MIN, EG_RESAMPLES_MAX,
                 &resamples) ||
        !cli_int(j->args, "draws", 0, INT64_MAX, &seed))
        return CLI_MISUSE;
    if (j->how.confidence == 0) j->how.confidence = 0.95;
    if (resamples == 0)
        resamples =
            cli_flag(j->args, "curve") ? EG_CURVE_RESAMPLES : EG_RESAMPLES;
    j->how.resamples = (int)resamples;
    j->how.seed = (uint64_t)seed;
    return CLI_DONE;
}

static int read_at(aggregate *j)
{
    const char *text = cli_value(j->args, "at");
    eg_err err = {0};
    eg_status st = eg_at_parse(&j->at, text ? text : "last", &err);

    if (st != EG_OK) return cli_error(st, &err);
    if (text && cli_flag(j->args, "curve"))
        return cli_fail(CLI_MISUSE, "--at and --curve: a curve has all steps");
    if (cli_flag(j->args, "curve") && cli_value(j->args, "fit"))
        return cli_fail(CLI_MISUSE, "--curve and --fit: expected one of them");
    eg_at_format(&j->at, j->at_text, sizeof j->at_text);
    return CLI_DONE;
}

/* ---- which runs -----------------------------------------------------------
 */

static int read_by(aggregate *j, eg_strs *by)
{
    memset(by, 0, sizeof *by);
    for (int i = 0; i < j->args->n_values; i++) {
        const char *key = j->args->value[i].value;

        if (strcmp(j->args->value[i].option->name, "by") != 0) continue;
        if (by->n == EG_STRS_MAX || strlen(key) >= EG_STRS_LEN)
            return cli_fail(CLI_MISUSE, "--by: expected a key, found '%.60s'",
                            key);
        for (int k = 0; k < by->n; k++)
            if (strcmp(by->item[k], key) == 0)
                return cli_fail(CLI_MISUSE, "--by: %s is given twice", key);
        eg_text_copy(by->item[by->n++], EG_STRS_LEN, key);
    }
    return CLI_DONE;
}

/* What a reader should know of these runs before believing a number. */
static void tell_runs(const aggregate *j)
{
    const eg_ensemble *x = &j->x;
    int few = 0, single = 0, empty = 0, unfinished = 0, diverged = 0;

    for (int i = 0; i < x->n_settings; i++) {
        few += x->setting[i].n_runs > 1 && x->setting[i].n_runs < EG_FEW_RUNS;
        single += x->setting[i].n_runs == 1;
        empty += x->setting[i].n_runs == 0;
    }
    for (int i = 0; i < x->n_runs; i++) {
        bool gone = strcmp(x->run[i].status, "diverged") == 0;

        diverged += gone;
        unfinished += !gone && strcmp(x->run[i].status, "finished") != 0;
    }
    cli_say("%d runs in %d setting%s; intervals: percentile bootstrap over "
            "runs, %g %%, %d resamples, seed %llu",
            x->n_runs, x->n_settings, x->n_settings == 1 ? "" : "s",
            100 * j->how.confidence, j->how.resamples,
            (unsigned long long)j->how.seed);
    if (empty)
        cli_say("%d setting%s without a run yet", empty, empty == 1 ? "" : "s");
    if (single)
        cli_say("%d setting%s with one run: no interval", single,
                single == 1 ? "" : "s");
    if (few)
        cli_say("%d setting%s with fewer than %d runs: %s too narrow", few,
                few == 1 ? "" : "s", EG_FEW_RUNS,
                few == 1 ? "its interval is" : "their intervals are");
    if (diverged)
        cli_say("%d run%s diverged: what was measured before counts", diverged,
                diverged == 1 ? "" : "s");
    if (unfinished)
        cli_say("%d run%s not finished: so far", unfinished,
                unfinished == 1 ? " is" : "s are");
    if (x->n_doubles)
        cli_say("%d run%s left out: another one has the same configuration "
                "and seed",
                x->n_doubles, x->n_doubles == 1 ? "" : "s");
    if (x->n_unread)
        cli_say("%d run%s left out: %s", x->n_unread,
                x->n_unread == 1 ? "" : "s", x->why);
}

/* The runs of a sweep, as far as its points have begun. */
static int add_sweep(aggregate *j, const char *word)
{
    eg_sweep *s = NULL;
    eg_point *p = NULL;
    eg_err err = {0};
    eg_status st = eg_sweep_open(&s, cli_runs_root(j->args), word, &err);
    bool whole = true;

    if (st == EG_OK) st = eg_sweep_read(&p, s, &err);
    for (int i = 0; st == EG_OK && whole && i < eg_sweep_points(s); i++)
        if (p[i].dir[0]) whole = cli_paths_add(&j->paths, p[i].dir);
    eg_free(p);
    eg_sweep_free(s);
    if (!whole) return cli_fail(CLI_FAILED, "out of memory");
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

static eg_status open_sweep(aggregate *j, const eg_strs *by, eg_err *err)
{
    eg_sweep *s = NULL;
    eg_status st =
        eg_sweep_open(&s, cli_runs_root(j->args), j->args->word[0], err);

    if (st == EG_OK) st = eg_ensemble_of_sweep(&j->x, s, by, err);
    eg_sweep_free(s);
    return st;
}

static eg_status open_paths(aggregate *j, const eg_strs *by, eg_err *err)
{
    return eg_ensemble_of_runs(&j->x, (const char(*)[EG_PATH])j->paths.path,
                               j->paths.n, by, err);
}

/* One sweep is asked for its own axes; it is one of several words like its
 * runs. */
static int open_runs(aggregate *j)
{
    const char *root = cli_runs_root(j->args);
    bool sweep = j->args->n_words == 1 && eg_sweep_is(root, j->args->word[0]);
    char folder[EG_PATH];
    eg_strs by;
    eg_err err = {0};
    eg_status st;
    int code = read_by(j, &by);

    for (int i = 0; code == CLI_DONE && !sweep && i < j->args->n_words; i++)
        code = eg_sweep_is(root, j->args->word[i])
                   ? add_sweep(j, j->args->word[i])
                   : cli_find_runs(&j->paths, root, j->args->word[i], folder);
    if (code != CLI_DONE) return code;
    st = sweep ? open_sweep(j, by.n ? &by : NULL, &err)
               : open_paths(j, by.n ? &by : NULL, &err);
    if (st != EG_OK) return cli_error(st, &err);
    if (j->x.n_runs > 0) return CLI_DONE;
    if (sweep)
        return cli_fail(CLI_FAILED, "%s: no point of this sweep has begun",
                        j->args->word[0]);
    return cli_fail(CLI_FAILED, "no run that can be read: %s", j->x.why);
}

static int work(aggregate *j)
{
    const char *fit = cli_value(j->args, "fit");
    eg_aggregate all = {0};
    eg_err err = {0};
    eg_status st;
    int code = read_numbers(j);

    if (code == CLI_DONE) code = read_at(j);
    if (code == CLI_DONE) code = open_runs(j);
    if (code == CLI_DONE) code = choose_metrics(j);
    if (code != CLI_DONE) return code;
    st = eg_aggregate_make(&all, &j->x, j->ask, j->n, &j->how, &err);
    if (st != EG_OK) return cli_error(st, &err);
    tell_runs(j);
    if (cli_flag(j->args, "curve"))
        code = aggregate_bands(j);
    else if (fit)
        code = aggregate_laws(j, &all, fit);
    else
        aggregate_estimates(j, &all);
    eg_aggregate_release(&all);
    return code;
}

int cmd_aggregate(const cli_args *a)
{
    aggregate *j = eg_calloc(1, sizeof *j);
    int code;

    if (!j) return cli_fail(CLI_FAILED, "out of memory");
    j->args = a;
    code = sheet_begin(&j->out, a);
    if (code == CLI_DONE) code = work(j);
    if (code == CLI_DONE)
        code = sheet_end(&j->out, aggregate_about(j));
    else
        sheet_drop(&j->out, NULL);
    eg_ensemble_release(&j->x);
    eg_free(j->paths.path);
    eg_free(j);
    return code;
}
