/* engram export, of runs: what they measured, for other programs. */
#include "export_runs.h"

#include <math.h>
#include <string.h>

#include "engram/export_runs.h"
#include "engram/mem.h"
#include "engram/sweep.h"
#include "engram/verify.h"

typedef struct exporting {
    eg_export_runs runs;
    const char *to;
    double began;
} exporting;

static void damaged(void *ctx, const eg_finding *f)
{
    char text[EG_PATH + 900]; /* a finding's texts are below 512 bytes */

    if (f->sound != EG_DAMAGED) return;
    (void)snprintf(text, sizeof text, "%s/%s: %s", (const char *)ctx, f->file,
                   f->why);
    cli_warn(NULL, text);
}

/* Before run i: is somebody waiting, and is it what was written? */
static bool next(void *ctx, int i)
{
    exporting *x = ctx;
    double seconds = eg_clock() - x->began;
    eg_progress p = {.label = x->to,
                     .unit = "runs",
                     .step = i,
                     .n_steps = x->runs.n,
                     .loss = (double)NAN,
                     .t = (double)NAN,
                     .tokens_per_s = (double)NAN,
                     .eta = i ? seconds / i * (x->runs.n - i) : (double)NAN};

    if (cli_stop(NULL)) return false;
    if (seconds > 1) cli_progress(NULL, &p);
    (void)eg_run_verify(x->runs.dir[i], EG_VERIFY_RECORD, damaged,
                        x->runs.dir[i], NULL);
    return true;
}

static eg_status write_all(exporting *x, const char *out, bool as_long,
                           eg_err *err)
{
    if (strcmp(x->to, "csv") == 0)
        return eg_export_csv(&x->runs, out, as_long, err);
    return strcmp(x->to, "npz") == 0
               ? eg_export_npz(&x->runs, out, err)
               : eg_export_tensorboard(&x->runs, out, err);
}

static int write_runs(const cli_args *a, const char *to, cli_paths *p,
                      const char *folder)
{
    const char *out = cli_value(a, "out");
    exporting x = {.runs = {.dir = p->path,
                            .n = p->n,
                            .sweep = folder[0] != '\0',
                            .next = next},
                   .to = to,
                   .began = eg_clock()};
    eg_err err = {0};
    eg_status st;

    for (int i = 0; i < p->n; i++)
        if (!cli_is_folder(p->path[i]))
            return cli_fail(CLI_MISUSE, "--to %s: expected a run, found %s", to,
                            p->path[i]);
    cli_catch_signals();
    x.runs.ctx = &x;
    st = write_all(&x, out, cli_flag(a, "long"), &err);
    cli_progress_end();
    if (st != EG_OK) return cli_error(st, &err);
    if (x.runs.stopped) {
        cli_say("interrupted by %s: nothing was written", cli_stop_name());
        return CLI_INTERRUPTED;
    }
    cli_print("%s", out);
    return CLI_DONE;
}

static bool has_path(const cli_paths *p, const char *path)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->path[i], path) == 0) return true;
    return false;
}

/* Was its run extended? Then it is that of no point any more. */
static bool was_changed(const eg_point *p)
{
    eg_run_info info;

    return eg_run_info_read(&info, p->dir, NULL) == EG_OK &&
           info.config_hash[0] && strcmp(info.config_hash, p->config_hash) != 0;
}

/* The runs of a sweep, in the order of its points; folder: its own. Points
 * that are one run count once. */
static int find_sweep(cli_paths *p, const char *root, const char *word,
                      char folder[EG_PATH])
{
    eg_sweep *s = NULL;
    eg_point *point = NULL;
    eg_err err = {0};
    int without = 0, changed = 0, n = 0, code = CLI_DONE;
    eg_status st = eg_sweep_open(&s, root, word, &err);

    if (st == EG_OK) st = eg_sweep_read(&point, s, &err);
    if (st != EG_OK)
        code = cli_error(st, &err);
    else
        n = eg_sweep_points(s);
    for (int i = 0; point && code == CLI_DONE && i < n; i++) {
        bool has = point[i].dir[0] != '\0',
             other = has && was_changed(&point[i]);

        without += !has;
        changed += other;
        if (has && !other && !has_path(p, point[i].dir) &&
            !cli_paths_add(p, point[i].dir))
            code = cli_fail(CLI_FAILED, "out of memory");
    }
    if (code == CLI_DONE && without)
        cli_say("%s: %d of %d points have no run yet", eg_sweep_name(s),
                without, n);
    if (code == CLI_DONE && changed)
        cli_say("%s: the runs of %d of %d points have another configuration "
                "now: they were extended",
                eg_sweep_name(s), changed, n);
    if (code == CLI_DONE && p->n == 0)
        code = cli_fail(CLI_FAILED, "%s: no point has a run", eg_sweep_name(s));
    if (code == CLI_DONE) eg_text_copy(folder, EG_PATH, eg_sweep_dir(s));
    eg_free(point);
    eg_sweep_free(s);
    return code;
}

int export_runs(const cli_args *a, const char *to)
{
    cli_paths runs = {0};
    const char *root = cli_runs_root(a);
    char folder[EG_PATH] = "";
    int code = CLI_DONE;

    for (int i = 0; code == CLI_DONE && i < a->n_words; i++)
        code = eg_sweep_is(root, a->word[i])
                   ? find_sweep(&runs, root, a->word[i], folder)
                   : cli_find_runs(&runs, root, a->word[i], folder);
    if (code == CLI_DONE) code = write_runs(a, to, &runs, folder);
    eg_free(runs.path);
    return code;
}
