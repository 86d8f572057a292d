/* engram reproduce: a paper's claims, run and judged. */
#include "cli.h"

#include <math.h>
#include <string.h>
#include <unistd.h>
#include "engram/mem.h"
#include "engram/report.h"

const cli_option cli_reproduce_options[] = {
    {"quick", 0, NULL,
     "small sizes: half a minute to two minutes on two cores (default)"},
    {"full", 0, NULL, "the paper's sizes and ten seeds"},
    {"reuse", 0, NULL,
     "take finished runs of the same configuration, go on with stopped ones"},
    {"experiments", 0, "DIR", "where the experiments are"},
    {"no-report", 0, NULL, "do not draw the report page"},
    CLI_OPT_RUNS,
    CLI_OPT_THREADS,
    CLI_OPT_KERN,
    CLI_OPT_QUIET,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_reproduce_help[] =
    "ID is a paper (birth), a file of claims (birth/theory, theory) or one\n"
    "claim; `engram list claims` shows them. Every configuration is run once,\n"
    "however many claims share it. The table of verdicts goes to stdout:\n"
    "\n"
    "  holds     measured as the paper says, and the control failed\n"
    "  refuted   the paper's statement is wrong, as expected, and was shown "
    "so\n"
    "  fails     not as expected, not measured, or its control is none\n"
    "  not run   something kept it from running\n"
    "\n"
    "Exit 0 only when everything that was to be run holds or is refuted as\n"
    "expected. Results stay under runs/reproduce/<id>/<time>/. After Ctrl-C\n"
    "(or a crash) the same command with --reuse goes on where it stopped.\n"
    "\n"
    "  engram reproduce birth --quick\n"
    "  engram reproduce birth/theory --json\n"
    "  engram reproduce all --full\n";

static void begins(void *ctx, const char *label, int i, int n, bool reused)
{
    (void)ctx;
    cli_say("[%d/%d] %s%s", i + 1, n, label, reused ? " (reused)" : "");
}

static void put_value(cli_table *t, double v)
{
    if (isnan(v))
        cli_table_cell(t, "-");
    else
        cli_table_cell(t, "%.4g", v);
}

static int print_table(const eg_judgement *j)
{
    cli_table *t = cli_table_new(6);
    static const char *const head[] = {"verdict", "measured", "expected",
                                       "spread",  "control",  "claim"};
    int count[4] = {0}, code;

    for (int i = 0; i < 6; i++) cli_table_cell(t, "%s", head[i]);
    for (int i = 0; i < j->n; i++) {
        const eg_claim_result *r = &j->claim[i];

        count[r->verdict]++;
        cli_table_cell(t, "%s", eg_verdict_name(r->verdict));
        put_value(t, r->measured);
        cli_table_cell(t, "%s", r->expected);
        if (r->n_seeds > 1 && isfinite(r->mean))
            cli_table_cell(t, "%.3g..%.3g (%d)", r->min, r->max, r->n_seeds);
        else
            cli_table_cell(t, "%s", "");
        if (r->has_control)
            put_value(t, r->control);
        else
            cli_table_cell(t, "%s", r->info.no_control ? "none" : "");
        cli_table_cell(t, "%s", r->info.id);
    }
    code = cli_table_print(t);
    for (int i = 0; i < j->n; i++)
        if (j->claim[i].note[0])
            cli_print("  %s: %s", j->claim[i].info.id, j->claim[i].note);
    printf("%d hold, %d refuted as expected, %d fail, %d not run\n",
           count[EG_HOLDS], count[EG_REFUTED], count[EG_FAILS],
           count[EG_NOT_RUN]);
    return code;
}

/* runs/reproduce/<id>/<stamp>, made: parent is the folder above. */
static eg_status result_folder(const cli_args *a, eg_folder *parent,
                               eg_folder *dir, eg_err *err)
{
    char id[200] = "all", path[EG_PATH];
    eg_status st;

    *dir = (eg_folder){.fd = -1};
    if (a->n_words == 1) eg_text_copy(id, sizeof id, a->word[0]);
    if (a->n_words > 1) snprintf(id, sizeof id, "several");
    for (char *s = id; *s; s++)
        if (*s == '/') *s = '-';
    snprintf(path, sizeof path, "%.700s/reproduce/%s", cli_runs_root(a), id);
    st = eg_folder_make(parent, path, err);
    return st == EG_OK ? eg_folder_dated(dir, parent, err) : st;
}

/* claims.json names its runs by absolute paths, so that it can be read from
 * anywhere. */
static void make_absolute(eg_judgement *j)
{
    char cwd[EG_PATH];

    if (!getcwd(cwd, sizeof cwd)) return;
    for (int i = 0; i < j->n_dirs; i++) {
        char path[2 * EG_PATH];

        if (j->dirs[i][0] == '/') continue;
        snprintf(path, sizeof path, "%s/%s", cwd, j->dirs[i]);
        snprintf(j->dirs[i], EG_PATH, "%.1023s", path);
    }
}

static void write_report(const char *json_path, const char *dir,
                         const char *command)
{
    char page[EG_PATH + 32];
    eg_report_opts o = {.out = page, .command = command};
    eg_err err = {0};

    snprintf(page, sizeof page, "%s/report.html", dir);
    if (eg_report_write(&json_path, 1, &o, &err) == EG_OK)
        cli_say("report: %s", page);
    else
        cli_fail(CLI_FAILED, "no report: %s", err.msg);
}

static int conclude(const cli_args *a, eg_judgement *j, eg_profile profile,
                    const eg_folder *dir)
{
    char path[EG_PATH + 32], *json = NULL, command[1024];
    eg_err err = {0};
    int code;
    size_t n;
    eg_status st = EG_OK;

    make_absolute(j);
    st = eg_judgement_json(j, profile, &json, &err);
    snprintf(path, sizeof path, "%s/claims.json", dir->path);
    if (st == EG_OK)
        st = eg_file_write_in(dir, "claims.json", json, strlen(json), &err);
    if (st != EG_OK) {
        eg_free(json);
        return cli_error(st, &err);
    }
    code = cli_flag(a, "json") ? cli_print_json_text(json) : print_table(j);
    eg_free(json);
    cli_say("%.0f s of runs, peak memory %.0f MiB; results: %s", j->seconds,
            (double)j->peak_bytes / 1048576.0, path);
    n = eg_text_copy(command, sizeof command, "engram reproduce");
    for (int i = 0; i < a->n_words && n < sizeof command - 64; i++)
        n += (size_t)snprintf(command + n, sizeof command - n, " %.*s",
                              eg_text_fit(a->word[i], sizeof command - n - 64),
                              a->word[i]);
    snprintf(command + n, sizeof command - n, "%s --%s",
             a->n_words ? "" : " all", eg_profile_name(profile));
    if (!cli_flag(a, "no-report")) write_report(path, dir->path, command);
    if (j->interrupted) {
        cli_say("interrupted by %s; the same command with --reuse goes on",
                cli_stop_name());
        return CLI_INTERRUPTED;
    }
    return eg_judgement_good(j) ? code : CLI_FAILED;
}

/* Every word must pick something that is in the profile or at least exists. */
static int check_words(const cli_args *a, const eg_experiments *x)
{
    for (int w = 0; w < a->n_words; w++) {
        eg_claim_info c;
        bool found = false;
        const char *near;

        for (int i = 0; !found && eg_experiments_claim(x, i, &c); i++)
            found = eg_claim_matches(c.id, a->word[w]);
        if (found) continue;
        near = eg_experiments_nearest(x, a->word[w]);
        return cli_fail(CLI_MISUSE,
                        "no claim, file or paper '%s'%s%s%s; `engram list "
                        "claims` shows them",
                        a->word[w], near ? "; did you mean '" : "",
                        near ? near : "", near ? "'?" : "");
    }
    return CLI_DONE;
}

static int reproduce(const cli_args *a, const eg_experiments *x, eg_pool *pool)
{
    eg_profile profile = cli_flag(a, "full") ? EG_FULL : EG_QUICK;
    eg_reproduce_opts o = {.profile = profile,
                           .words = (const char *const *)a->word,
                           .n_words = a->n_words,
                           .reuse = cli_flag(a, "reuse"),
                           .lab = {.root = cli_runs_root(a),
                                   .kern = cli_value(a, "kern"),
                                   .pool = pool,
                                   .stop = cli_stop,
                                   .progress = cli_progress},
                           .begins = begins};
    eg_folder parent = {.fd = -1}, dir = {.fd = -1};
    eg_judgement j = {0};
    eg_err err = {0};
    eg_status st = result_folder(a, &parent, &dir, &err);
    int code;

    /* known to be there before hours of runs */
    if (st == EG_OK) {
        cli_catch_signals();
        st = eg_reproduce(&j, x, &o, &err);
        cli_progress_end();
    }
    if (st != EG_OK)
        code = cli_error(st, &err);
    else if (j.n == 0)
        code = cli_fail(CLI_MISUSE, "nothing of that is in the %s profile",
                        eg_profile_name(profile));
    else
        code = conclude(a, &j, profile, &dir);
    eg_folder_unmake(&dir); /* as far as nothing is in it */
    eg_folder_unmake(&parent);
    eg_judgement_release(&j);
    return code;
}

int cmd_reproduce(const cli_args *a)
{
    char dir[EG_PATH];
    eg_experiments *x = NULL;
    eg_pool *pool = NULL;
    eg_err err = {0};
    eg_status st;
    int code;

    if (cli_flag(a, "quick") && cli_flag(a, "full"))
        return cli_fail(CLI_MISUSE, "reproduce: --quick or --full, not both");
    if (!cli_experiments(a, dir)) return CLI_FAILED;
    st = eg_experiments_load(&x, dir, &err);
    if (st != EG_OK) return cli_error(st, &err);
    code = check_words(a, x);
    if (code == CLI_DONE) code = cli_pool(a, &pool);
    if (code == CLI_DONE) code = reproduce(a, x, pool);
    eg_pool_free(pool);
    eg_experiments_free(x);
    return code;
}
