/* engram verify: is what is on disk what was written? */
#include "cli.h"

#include <jansson.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/verify.h"

const cli_option cli_verify_options[] = {
    {"strict", 0, NULL, "exit 1 for what is odd as well"},
    CLI_OPT_RUNS,
    CLI_OPT_QUIET,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_verify_help[] =
    "RUN is a run directory, a name (its newest run), an id or name/id; none:\n"
    "every run. Reads all files again and compares them with the checksums\n"
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
static int find(const char *root, const char *word, char dir[EG_PATH])
{
    if (!cli_holds(word, "config.yaml")) return cli_find_run(root, word, dir);
    snprintf(dir, EG_PATH, "%s", word);
    return CLI_DONE;
}

int cmd_verify(const cli_args *a)
{
    const char *root = cli_runs_root(a);
    char(*dirs)[EG_PATH] = NULL;
    eg_err err = {0};
    eg_status st = EG_OK;
    int n = a->n_words, code = CLI_DONE;

    if (n == 0) {
        st = eg_runs_find(&dirs, &n, root, &err);
        if (st != EG_OK) return cli_error(st, &err);
        if (n == 0) cli_say("no runs under %s", root);
    } else {
        dirs = eg_calloc((size_t)n, sizeof *dirs);
        if (!dirs) return cli_fail(CLI_FAILED, "out of memory");
        for (int i = 0; i < n && code == CLI_DONE; i++)
            code = find(root, a->word[i], dirs[i]);
    }
    if (code == CLI_DONE) code = check_all(a, dirs, n);
    eg_free(dirs);
    return code;
}
