/* engram sweep: one configuration over a grid, in one or many processes. */
#include "sweep_cli.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include "crew.h"
#include "engram/mem.h"

const cli_option cli_sweep_options[] = {
    {"grid", 0, "KEY=VALUES",
     "values of one key: a,b,c, or of a number lo:hi:n (equal distances) or "
     "lo:hi:nlog (equal ratios); may be repeated, all combinations run"},
    {"seeds", 0, "LIST", "seeds, e.g. 0-9 or 1,2,5"},
    {"name", 0, "NAME",
     "of the sweep (default: run.name, with -2, -3, ... when that is taken)"},
    {"dry-run", 0, NULL,
     "check every point, print the plan with memory and time, run nothing"},
    {"resume", 0, NULL, "the word must be a sweep that is there"},
    {"retry", 0, NULL, "of a sweep that is there, run failed points again"},
    {"anew", 0, NULL,
     "run also what has been run before with the same configuration and seed"},
    {"no-wait", 0, NULL,
     "end when no point is left to take, though others are still at theirs, "
     "without the table"},
    {"jobs", 'j', "N",
     "processes at a time (default: by the sizes; small runs: one a core)"},
    {"threads", 't', "N", "threads of one process (default: cores / jobs)"},
    {"journal", 0, "HOW",
     "of the queue: wal, rollback or auto (default: rollback on a file system "
     "of a network)"},
    {"slurm", 0, "N", "write a job array of N tasks that work on the sweep"},
    {"sbatch", 0, "OPTION",
     "with --slurm: a line #SBATCH OPTION, e.g. --time=4:00:00; may be "
     "repeated"},
    {"submit", 0, NULL, "with --slurm: hand the array to sbatch"},
    CLI_OPT_SET,
    CLI_OPT_RUNS,
    CLI_OPT_KERN,
    CLI_OPT_QUIET,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_sweep_help[] =
    "Runs FILE at every point of the grid with every seed. FILE is a\n"
    "configuration, or has a section sweep: {name, grid: {key: values}, "
    "seeds}\n"
    "of its own. All points are checked before the first one runs. Many small\n"
    "runs go faster side by side than with threads; the results are the same\n"
    "bits.\n"
    "\n"
    "runs/sweeps/NAME/ holds what the sweep is and who does what. `engram "
    "sweep\n"
    "NAME` goes on with it after Ctrl-C, a crash or a lost machine, and any\n"
    "number of such processes may work on it at once, here or wherever the\n"
    "folder is shared. Runs that were killed go on from their checkpoints;\n"
    "finished runs of the same configuration and seed are taken as they are\n"
    "(with --kern SET those of that set), unless they read a text or a\n"
    "statistics file of their own.\n"
    "Under mpirun or srun every rank takes points. docs/sweeps.md has more.\n"
    "\n"
    "  engram sweep basic.yaml --grid model.d_model=64,128,256 --seeds 0-9\n"
    "  engram sweep basic.yaml --grid optim.lr=0.001:1:7log --dry-run\n"
    "  engram sweep birth-basic --retry\n"
    "  mpirun -n 4 engram sweep basic.yaml --seeds 0-9\n"
    "  engram sweep basic.yaml --seeds 0-9 --slurm 8 --submit\n";

enum { LINES = 100, LAUNCH_SECONDS = 600 };

/* A sweep at work in this process. */
typedef struct work {
    sweep_cli *s;
    bool alone;         /* one process at a time: its own progress is shown */
    bool worst;         /* something failed in this process */
    double start, told; /* when it began; when progress was last told */
    int before;         /* points that were over then */
} work;

/* ---- in the crew ------------------------------------------------------------
 */

/* Others write for long: that ends no run, and is asked again. */
static int unless_busy(eg_status st, const eg_err *err)
{
    return st == EG_OK || st == EG_EBUSY ? CLI_DONE : cli_error(st, err);
}

static int take(void *ctx, eg_taken *got, eg_point *p)
{
    work *w = ctx;
    eg_err err = {0};
    eg_status st = eg_sweep_take(got, p, w->s->sweep, &err);

    if (st == EG_EBUSY) *got = EG_TAKE_WAIT;
    return unless_busy(st, &err);
}

/* In the process of the point. */
static void run_point(void *ctx, const eg_point *p, crew_result *r)
{
    work *w = ctx;
    char label[400];
    eg_lab_opts o = {.kern = cli_value(w->s->args, "kern"),
                     .label = label,
                     .stop = cli_stop,
                     .progress = cli_progress};
    eg_err err = {0};

    (void)snprintf(label, sizeof label, "[%d/%d] %s", p->i + 1,
                   eg_sweep_points(w->s->sweep), p->label);
    if (!w->alone) cli_quiet(true); /* progress lines would mix */
    r->status = eg_pool_new(&o.pool, (int)w->s->threads, &err);
    if (r->status == EG_OK)
        r->status = eg_sweep_run(&r->run, w->s->sweep, p, &o, &err);
    cli_progress_end();
    (void)eg_text_copy(r->reason, sizeof r->reason,
                       r->status == EG_OK ? r->run.reason
                       : err.msg[0]       ? err.msg
                                          : eg_status_name(r->status));
    eg_pool_free(o.pool);
}

static int ended(void *ctx, const eg_point *p, const crew_result *r)
{
    work *w = ctx;
    eg_err err = {0};
    bool bad = (r->status != EG_OK && r->status != EG_EBUSY) ||
               r->run.outcome == EG_DIVERGED;
    eg_status st =
        eg_sweep_ended(w->s->sweep, p, r->status, &r->run, r->reason, &err);

    if (bad) {
        w->worst = true;
        cli_progress_end();
        (void)cli_fail(CLI_FAILED, "%s: %s", p->label, r->reason);
    } else if (r->status == EG_OK && !w->alone &&
               eg_sweep_points(w->s->sweep) <= LINES) {
        cli_progress_end();
        cli_say("%s: %s", p->label, eg_outcome_name(r->run.outcome));
    }
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

/* Points of all processes; how many are left, and for how long. */
static void tell_progress(work *w, const eg_sweep_count *n)
{
    int all = eg_sweep_points(w->s->sweep);
    int over = n->finished + n->diverged + n->failed;
    double done = over - w->before, seconds = eg_clock() - w->start;
    eg_progress p = {.label = eg_sweep_name(w->s->sweep),
                     .unit = "point",
                     .step = over - 1,
                     .n_steps = all,
                     .loss = (double)NAN,
                     .t = (double)NAN,
                     .tokens_per_s = (double)NAN,
                     .eta = done > 0 ? seconds / done * (all - over)
                                     : (double)NAN};

    if (over < all && done > 0) cli_progress(NULL, &p);
}

static int tick(void *ctx)
{
    work *w = ctx;
    eg_sweep_count n;
    eg_err err = {0};
    eg_status st = eg_sweep_beat(w->s->sweep, &err);

    if (st != EG_OK) return unless_busy(st, &err);
    if (w->alone || cli_is_quiet() || eg_clock() - w->told < 1) return CLI_DONE;
    w->told = eg_clock();
    st = eg_sweep_counted(&n, w->s->sweep, &err);
    if (st != EG_OK) return unless_busy(st, &err);
    if (w->told - w->start > 2) tell_progress(w, &n);
    return CLI_DONE;
}

/* ---- a sweep ------------------------------------------------------------- */

static bool journal_of(const cli_args *a, eg_journal *how)
{
    static const char *const name[] = {"auto", "wal", "rollback"};
    const char *text = cli_value(a, "journal");

    *how = EG_JOURNAL_AUTO;
    for (int i = 0; text && i < 3; i++)
        if (strcmp(text, name[i]) == 0) {
            *how = (eg_journal)i;
            return true;
        }
    if (!text) return true;
    (void)cli_fail(CLI_MISUSE,
                   "--journal: expected auto, wal or rollback, found '%s'",
                   text);
    return false;
}

static int conclude(const sweep_cli *s, bool worst)
{
    const eg_sweep *sweep = s->sweep;
    eg_sweep_count n;
    int begun = 0, all = eg_sweep_points(sweep);
    int code = sweep_print_points(s, &n, &begun);

    if (code != CLI_DONE) return code;
    if (n.failed + n.diverged > 0)
        cli_say("%d of %d points failed%s", n.failed + n.diverged, all,
                n.failed > 0 ? "; once more: --retry" : "");
    if (cli_stop(NULL)) {
        cli_say("interrupted by %s, %d of %d points begun; go on with: engram "
                "sweep %s",
                cli_stop_name(), begun, all, eg_sweep_name(sweep));
        return CLI_INTERRUPTED;
    }
    if (n.pending + n.running > 0)
        cli_say("%d of %d points are left", n.pending + n.running, all);
    return worst || n.failed + n.diverged > 0 ? CLI_FAILED : CLI_DONE;
}

static int begin(work *w)
{
    sweep_cli *s = w->s;
    eg_sweep_count n;
    eg_journal how;
    char note[256], before[64] = "";
    eg_err err = {0};
    eg_status st;

    if (!journal_of(s->args, &how)) return CLI_MISUSE;
    eg_sweep_only_kern(s->sweep, cli_value(s->args, "kern"));
    st = eg_sweep_join(s->sweep, how, cli_flag(s->args, "retry"), note, &err);
    if (st == EG_OK) st = eg_sweep_counted(&n, s->sweep, &err);
    if (st != EG_OK) return cli_error(st, &err);
    if (note[0]) cli_note(NULL, note);
    w->before = n.finished + n.diverged + n.failed;
    if (n.before > 0)
        (void)snprintf(before, sizeof before, " (%d in runs from before)",
                       n.before);
    cli_say("sweep %s: %d points, %d of them finished%s; %lld processes of "
            "%lld threads",
            eg_sweep_name(s->sweep), eg_sweep_points(s->sweep), n.finished,
            before, (long long)s->jobs, (long long)s->threads);
    return CLI_DONE;
}

static int work_on(sweep_cli *s)
{
    work w = {.s = s, .alone = s->jobs == 1, .start = eg_clock()};
    crew c = {.jobs = (int)s->jobs,
              .take = take,
              .work = run_point,
              .ended = ended,
              .tick = tick,
              .ctx = &w};
    bool first = s->launch.rank == 0;
    int code;

    if (s->launch.size > 1) w.alone = false;
    if (!first) cli_quiet(true);
    code = begin(&w);
    if (code != CLI_DONE) return code;
    code = crew_run(&c, first && !cli_flag(s->args, "no-wait"));
    cli_progress_end();
    if (first && !cli_flag(s->args, "no-wait")) {
        int how = conclude(s, w.worst);

        return code != CLI_DONE ? code : how;
    }
    if (code != CLI_DONE) return code;
    return cli_stop(NULL) ? CLI_INTERRUPTED : w.worst ? CLI_FAILED : CLI_DONE;
}

/* ---- the command --------------------------------------------------------- */

static int open_sweep(sweep_cli *s)
{
    static const char *const of_new[] = {"grid", "seeds", "name", "set",
                                         "anew"};
    const cli_args *a = s->args;
    eg_err err = {0};
    eg_status st;

    for (size_t i = 0; i < sizeof of_new / sizeof *of_new; i++)
        if (cli_value(a, of_new[i]) || cli_flag(a, of_new[i]))
            return cli_fail(CLI_MISUSE,
                            "sweep: %s is there and goes on as it is: expected "
                            "no --%s",
                            a->word[0], of_new[i]);
    st = eg_sweep_open(&s->sweep, cli_runs_root(a), a->word[0], &err);
    if (st != EG_OK) return cli_error(st, &err);
    *s->base = *eg_sweep_base(s->sweep);
    /* the sizes of the base will do: its points were looked at when it began */
    (void)eg_sweep_check(&s->plan, s->base, &(eg_grid){.n_axes = 0},
                         cli_value(a, "kern"), false, NULL, NULL, NULL);
    s->plan.n_points = eg_sweep_points(s->sweep);
    return CLI_DONE;
}

static int make_sweep(sweep_cli *s)
{
    const cli_args *a = s->args;
    const eg_sweep_make how = {.root = cli_runs_root(a),
                               .name = s->name[0] ? s->name : NULL,
                               .file = a->word[0],
                               .launch = s->launch.id,
                               .base = s->base,
                               .grid = &s->grid,
                               .anew = cli_flag(a, "anew"),
                               .kern = cli_value(a, "kern")};
    eg_err err = {0};
    eg_status st = eg_sweep_create(&s->sweep, &how, &err);

    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

/* Of a rank beyond the first: the sweep that the first one makes. */
static int join_launch(sweep_cli *s)
{
    eg_err err = {0};
    eg_status st;

    cli_catch_signals();
    st = eg_sweep_of_launch(&s->sweep, cli_runs_root(s->args), s->launch.id,
                            LAUNCH_SECONDS, cli_stop, &err);
    if (st != EG_OK) return cli_error(st, &err);
    s->plan.n_points = eg_sweep_points(s->sweep);
    return CLI_DONE;
}

/* A file, or a run to take the configuration of; else a sweep, if there is one.
 */
static bool is_sweep(const cli_args *a)
{
    const char *word = a->word[0];
    struct stat info;

    if (stat(word, &info) == 0 &&
        (!S_ISDIR(info.st_mode) || (eg_folder_holds(word, "config.yaml") &&
                                    !eg_folder_holds(word, "sweep.json"))))
        return false;
    return eg_sweep_is(cli_runs_root(a), word);
}

static int check_flags(const cli_args *a, bool there)
{
    eg_journal how;

    if (!there && cli_flag(a, "resume"))
        return cli_fail(CLI_MISUSE,
                        "sweep --resume: expected a sweep below %s/sweeps, "
                        "found '%s'",
                        cli_runs_root(a), a->word[0]);
    if (!there && cli_flag(a, "retry"))
        return cli_fail(CLI_MISUSE,
                        "sweep --retry: expected the name of a sweep, found "
                        "'%s'",
                        a->word[0]);
    if (there && cli_flag(a, "dry-run"))
        return cli_fail(CLI_MISUSE,
                        "sweep --dry-run: expected a configuration; %s is a "
                        "sweep that was checked when it was made",
                        a->word[0]);
    if (!journal_of(a, &how)) return CLI_MISUSE;
    if (!cli_value(a, "slurm") &&
        (cli_flag(a, "submit") || cli_value(a, "sbatch")))
        return cli_fail(CLI_MISUSE, "sweep: --submit and --sbatch go with "
                                    "--slurm");
    return cli_value(a, "slurm") ? sweep_slurm_check(a) : CLI_DONE;
}

static int carry_out(sweep_cli *s)
{
    const cli_args *a = s->args;
    bool there = is_sweep(a), dry = cli_flag(a, "dry-run");
    int code = check_flags(a, there);

    if (code != CLI_DONE) return code;
    if (there)
        code = open_sweep(s);
    else if (s->launch.rank > 0)
        code = join_launch(s);
    else
        code = sweep_prepare(s, dry);
    if (code == CLI_DONE) code = sweep_share(s, s->plan.n_points);
    if (code == CLI_DONE && dry)
        return s->launch.rank == 0 ? sweep_print_plan(s) : CLI_DONE;
    if (code == CLI_DONE && !s->sweep) code = make_sweep(s);
    if (code != CLI_DONE) return code;
    return cli_value(a, "slurm") ? sweep_slurm(s, s->plan.n_points)
                                 : work_on(s);
}

int cmd_sweep(const cli_args *a)
{
    sweep_cli *s = eg_calloc(1, sizeof *s);
    int code;

    if (!s) return cli_fail(CLI_FAILED, "out of memory");
    s->args = a;
    launch_read(&s->launch);
    s->base = eg_calloc(1, sizeof *s->base);
    code = s->base ? carry_out(s) : cli_fail(CLI_FAILED, "out of memory");
    eg_sweep_free(s->sweep);
    eg_grid_release(&s->grid);
    eg_free(s->base);
    eg_free(s);
    return code;
}
