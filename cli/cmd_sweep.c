/* engram sweep: one configuration over a grid, in one or several processes. */
#include "cli.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
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
    "\n"
    "  engram sweep basic.yaml --grid model.d_model=64,128,256 --seeds 0-9 "
    "--jobs 2\n";

#define MAX_POINTS 10000

/* One point: its process and what it wrote to the pipe. */
typedef struct point {
    pid_t pid;
    int pipe;
    int code;
    char label[400];
    eg_lab_result result;
} point;

typedef struct sweep {
    const cli_args *args;
    grid *grid;
    eg_config *cfg;
    int n, n_started, n_running;
    point *point;
} sweep;

/* In the child: the run itself. Its outcome goes through the pipe. */
static int run_point(sweep *s, const point *p, int64_t threads, int out)
{
    eg_lab_opts o = {.root = cli_runs_root(s->args),
                     .kern = cli_value(s->args, "kern"),
                     .label = p->label,
                     .stop = cli_stop,
                     .progress = cli_progress};
    eg_lab_result r = {0};
    eg_pool *pool = NULL;
    eg_err err = {0};
    eg_status st = eg_pool_new(&pool, (int)threads, &err);
    int code = CLI_DONE;

    o.pool = pool;
    if (st == EG_OK) st = eg_lab_run(&r, s->cfg, &o, &err);
    cli_progress_end();
    if (st != EG_OK) {
        code = cli_error(st, &err);
        snprintf(r.reason, sizeof r.reason, "%.255s", err.msg);
    }
    if (write(out, &r, sizeof r) != (ssize_t)sizeof r) code = CLI_FAILED;
    eg_pool_free(pool);
    if (code == CLI_DONE && r.outcome == EG_INTERRUPTED) code = CLI_INTERRUPTED;
    if (code == CLI_DONE && r.outcome == EG_DIVERGED) code = CLI_FAILED;
    return code;
}

static int start_point(sweep *s, int64_t threads)
{
    point *p = &s->point[s->n_started];
    int fd[2], code;

    code = cli_config(s->args, s->args->word[0], s->cfg);
    if (code == CLI_DONE)
        code = grid_apply(s->grid, s->n_started, s->cfg, p->label,
                          sizeof p->label);
    if (code != CLI_DONE) return code;
    if (pipe(fd) != 0) return cli_fail(CLI_FAILED, "pipe: %s", strerror(errno));
    fflush(NULL);
    p->pid = fork();
    if (p->pid < 0) return cli_fail(CLI_FAILED, "fork: %s", strerror(errno));
    if (p->pid == 0) {
        close(fd[0]);
        _exit(run_point(s, p, threads, fd[1]));
    }
    close(fd[1]);
    p->pipe = fd[0];
    s->n_started++;
    s->n_running++;
    return CLI_DONE;
}

/* Waits for any child; reads what it left. */
static void finish_point(sweep *s)
{
    int status = 0;
    pid_t pid = wait(&status);

    if (pid < 0) { /* a signal: the children got it too and will end */
        if (errno != EINTR) s->n_running = 0;
        return;
    }
    for (int i = 0; i < s->n_started; i++) {
        point *p = &s->point[i];

        if (p->pid != pid) continue;
        p->code = WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
        if (read(p->pipe, &p->result, sizeof p->result) !=
            (ssize_t)sizeof p->result)
            p->result = (eg_lab_result){.reason = "the process died"};
        close(p->pipe);
        s->n_running--;
    }
}

static double last_value(const char *dir, const char *name)
{
    char path[EG_PATH + 32];
    eg_metrics m;
    const eg_series *f;
    double v = NAN;

    snprintf(path, sizeof path, "%s/metrics.jsonl", dir);
    if (eg_metrics_read(&m, path, NULL) != EG_OK) return NAN;
    f = eg_metrics_find(&m, name);
    if (f && f->n) v = f->value[f->n - 1];
    eg_metrics_release(&m);
    return v;
}

static const char *status_of(const point *p)
{
    if (p->code != CLI_DONE && p->result.outcome == EG_FINISHED)
        return "failed";
    return eg_outcome_name(p->result.outcome);
}

static void put_value(cli_table *t, double v)
{
    if (isfinite(v))
        cli_table_cell(t, "%.4g", v);
    else
        cli_table_cell(t, "-");
}

static int print(const sweep *s)
{
    bool json = cli_flag(s->args, "json");
    json_t *list = json ? json_array() : NULL;
    cli_table *t = json ? NULL : cli_table_new(5);
    static const char *const head[] = {"point", "status", "loss",
                                       "acc_in_context_test", "run"};

    for (int i = 0; t && i < 5; i++) cli_table_cell(t, "%s", head[i]);
    for (int i = 0; i < s->n_started; i++) {
        const point *p = &s->point[i];
        double loss = last_value(p->result.dir, "loss");
        double acc = last_value(p->result.dir, "acc_in_context_test");

        if (json) {
            json_array_append_new(
                list,
                json_pack("{s:s, s:s, s:o, s:o, s:s, s:s}", "point", p->label,
                          "status", status_of(p), "loss",
                          isfinite(loss) ? json_real(loss) : json_null(),
                          "acc_in_context_test",
                          isfinite(acc) ? json_real(acc) : json_null(), "run",
                          p->result.dir, "reason", p->result.reason));
            continue;
        }
        cli_table_cell(t, "%s", p->label);
        cli_table_cell(t, "%s", status_of(p));
        put_value(t, loss);
        put_value(t, acc);
        cli_table_cell(t, "%s", p->result.dir[0] ? p->result.dir : "-");
    }
    if (json) return cli_print_json(json_pack("{s:o}", "points", list));
    cli_table_print(t, stdout);
    return CLI_DONE;
}

static int run_all(sweep *s)
{
    int64_t jobs = 1, threads = 0;
    int code = CLI_DONE, worst = CLI_DONE;

    if (!cli_int(s->args, "jobs", 1, 256, &jobs)) return CLI_MISUSE;
    if (!cli_int(s->args, "threads", 1, 1024, &threads)) return CLI_MISUSE;
    if (threads == 0) threads = eg_cpu_count() / jobs;
    if (threads < 1) threads = 1;
    if (jobs > 1) cli_quiet(true); /* progress lines would mix */
    cli_catch_signals();
    while (code == CLI_DONE && s->n_started < s->n && !cli_stop(NULL)) {
        if (s->n_running < jobs)
            code = start_point(s, threads);
        else
            finish_point(s);
    }
    while (s->n_running > 0) finish_point(s);
    if (code != CLI_DONE) return code;
    code = print(s);
    for (int i = 0; i < s->n_started; i++)
        if (s->point[i].code > worst) worst = s->point[i].code;
    if (cli_stop(NULL)) worst = CLI_INTERRUPTED;
    return worst != CLI_DONE ? worst : code;
}

int cmd_sweep(const cli_args *a)
{
    sweep s = {.args = a};
    int code = CLI_FAILED;

    s.grid = eg_calloc(1, sizeof *s.grid);
    s.cfg = eg_calloc(1, sizeof *s.cfg);
    if (s.grid && s.cfg) code = grid_parse(s.grid, a);
    if (code == CLI_DONE) {
        s.n = grid_size(s.grid);
        if (s.n > MAX_POINTS)
            code = cli_fail(CLI_MISUSE, "sweep: %d points are too many", s.n);
    }
    if (code == CLI_DONE) {
        s.point = eg_calloc((size_t)s.n, sizeof *s.point);
        code = s.point ? run_all(&s) : cli_fail(CLI_FAILED, "out of memory");
    }
    eg_free(s.point);
    eg_free(s.grid);
    eg_free(s.cfg);
    return code;
}
