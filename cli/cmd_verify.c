/* engram verify: is what is on disk what was written? */
#include "cli.h"

#include <jansson.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/sweep.h"
#include "engram/verify.h"

const cli_option cli_verify_options[] = {
    {"strict", 0, NULL, "exit 1 for what is odd as well"},
    CLI_OPT_RUNS,
    CLI_OPT_QUIET,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_verify_help[] =
    "RUN is a run directory, a name (its newest run), an id or name/id, or a\n"
    "sweep, for the runs of all its points, which must be there; none: every\n"
    "run. Reads all files again and compares them with the checksums\n"
    "that were taken when they were written: configuration, record, rows of\n"
    "metrics, checkpoints, arrays. A run that is at work, or was killed, is\n"
    "checked as far as it has come. Nothing is written.\n"
    "\n"
    "  whole      as it was written\n"
    "  damaged    changed or lost since; the last column says what was found\n"
    "  unchecked  no checksum: of an engram before checksums, or a file that\n"
    "             engram did not write\n"
    "  odd        whole, and yet not what a run leaves: weights that were\n"
    "             trained between two checkpoints and did not move, rows of\n"
    "             metrics that are missing or out of order, times that cannot "
    "be\n"
    "\n"
    "Exit 1 when anything is damaged; with --strict, or odd. What to do: a "
    "checkpoint that is "
    "damaged\n"
    "can be left out (`engram run RUN --resume --from STEP`), a finished run\n"
    "can be made again from its config.yaml. Without engram: `xxhsum -c sums`\n"
    "in arrays/, and docs/formats.md.\n"
    "\n"
    "  engram verify birth-basic\n"
    "  engram verify --json\n";

typedef struct check {
    const char *dir;
    cli_table *table;
    json_t *files; /* of this run */
    int n, damaged, odd;
} check;

static void note(void *ctx, const eg_finding *f)
{
    check *c = ctx;

    c->n += f->sound != EG_ODD; /* that file is told of already */
    c->odd += f->sound == EG_ODD;
    c->damaged += f->sound == EG_DAMAGED;
    if (c->files) {
        cli_json_add(c->files, json_pack("{s:o, s:s, s:I, s:o}", "file",
                                         cli_json_string(f->file), "state",
                                         eg_sound_name(f->sound), "bytes",
                                         (json_int_t)f->bytes, "why",
                                         cli_json_string(f->why)));
        return;
    }
    cli_table_cell(c->table, "%s", eg_sound_name(f->sound));
    cli_table_cell(c->table, "%lld", (long long)f->bytes);
    cli_table_cell(c->table, "%s/%s", c->dir, f->file);
    cli_table_cell(c->table, "%s", f->why);
}

static eg_status check_run(check *c, json_t *runs, const char *dir, eg_err *err)
{
    int before = c->damaged;
    eg_status st;

    c->dir = dir;
    if (runs) c->files = json_array();
    st = eg_run_verify(dir, EG_VERIFY_ALL, note, c, err);
    if (runs)
        cli_json_add(runs, json_pack("{s:o, s:i, s:o}", "run",
                                     cli_json_string(dir), "damaged",
                                     c->damaged - before, "files", c->files));
    return st;
}

static int check_all(const cli_args *a, char (*dirs)[EG_PATH], int n)
{
    static const char *const head[] = {"state", "bytes", "file", "found"};
    bool json = cli_flag(a, "json");
    json_t *runs = json ? json_array() : NULL;
    check c = {.table = json ? NULL : cli_table_new(4)};
    eg_err err = {0};
    eg_status st = EG_OK;
    int code;

    if (json && !runs) return cli_fail(CLI_FAILED, "out of memory");
    for (int i = 0; i < 4 && !json; i++) cli_table_cell(c.table, "%s", head[i]);
    for (int i = 0; i < n && st == EG_OK; i++)
        st = check_run(&c, runs, dirs[i], &err);
    code =
        runs ? cli_print_json(json_pack("{s:i, s:i, s:o}", "damaged", c.damaged,
                                        "odd", c.odd, "runs", runs))
             : cli_table_print(c.table);
    if (st != EG_OK) return cli_error(st, &err);
    if (c.damaged > 0)
        return cli_fail(CLI_FAILED, "%d of %d files in %d run%s damaged",
                        c.damaged, c.n, n, n == 1 ? "" : "s");
    cli_say("%d files in %d run%s, nothing damaged", c.n, n, n == 1 ? "" : "s");
    if (c.odd > 0) cli_say("%d things are odd, as the list says", c.odd);
    return c.odd > 0 && cli_flag(a, "strict") ? CLI_FAILED : code;
}

/* As `engram show` finds it; a run that has lost its record, by its path. */
static int add_run(cli_paths *p, const char *root, const char *word)
{
    char dir[EG_PATH];
    int code = CLI_DONE;

    if (eg_folder_holds(word, "config.yaml"))
        (void)snprintf(dir, sizeof dir, "%s", word);
    else
        code = cli_find_run(root, word, dir);
    if (code == CLI_DONE && !cli_paths_add(p, dir))
        code = cli_fail(CLI_FAILED, "out of memory");
    return code;
}

/* The points of a sweep by what there is of them. */
typedef struct account {
    int ended, open, lost;
} account;

static bool add_point(cli_paths *p, account *sum, const eg_point *point)
{
    bool ended = point->state == EG_POINT_FINISHED ||
                 point->state == EG_POINT_DIVERGED ||
                 point->state == EG_POINT_FAILED;
    bool there = point->dir[0] && cli_is_folder(point->dir);

    sum->ended += ended && there;
    sum->open += !ended;
    /* a point may fail before it has a run */
    sum->lost +=
        ended && !there && (point->dir[0] || point->state != EG_POINT_FAILED);
    return !there || cli_paths_add(p, point->dir);
}

static int add_sweep(cli_paths *p, int *lost, const char *root,
                     const char *word)
{
    eg_sweep *s = NULL;
    eg_point *point = NULL;
    account sum = {0};
    eg_err err = {0};
    eg_status st;
    bool ok = true;

    EG_TRY(eg_sweep_open(&s, root, word, &err));
    EG_TRY(eg_sweep_read(&point, s, &err));
    for (int i = 0; ok && i < eg_sweep_points(s); i++)
        ok = add_point(p, &sum, &point[i]);
    if (ok)
        cli_say("sweep %s: %d of %d points have ended, %d are open, the runs "
                "of %d are lost",
                eg_sweep_name(s), sum.ended, eg_sweep_points(s), sum.open,
                sum.lost);
    *lost += sum.lost;
done:
    eg_free(point);
    eg_sweep_free(s);
    if (st != EG_OK) return cli_error(st, &err);
    return ok ? CLI_DONE : cli_fail(CLI_FAILED, "out of memory");
}

static int add_all(cli_paths *p, const char *root)
{
    eg_err err = {0};
    eg_status st = eg_runs_find(&p->path, &p->n, root, &err);

    if (st != EG_OK) return cli_error(st, &err);
    if (p->n == 0) cli_say("no runs under %s", root);
    return CLI_DONE;
}

int cmd_verify(const cli_args *a)
{
    const char *root = cli_runs_root(a);
    cli_paths p = {0};
    int code = CLI_DONE, lost = 0;

    if (a->n_words == 0) code = add_all(&p, root);
    for (int i = 0; i < a->n_words && code == CLI_DONE; i++) {
        const char *word = a->word[i];

        if (!eg_folder_holds(word, "run.json") && eg_sweep_is(root, word))
            code = add_sweep(&p, &lost, root, word);
        else
            code = add_run(&p, root, word);
    }
    if (code == CLI_DONE) code = check_all(a, p.path, p.n);
    if (code == CLI_DONE && lost > 0)
        code = cli_fail(CLI_FAILED, "the runs of %d points are lost", lost);
    eg_free(p.path);
    return code;
}
