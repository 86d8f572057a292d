/* engram watch: runs as they run, on a page in the browser. */
#include "cli.h"

#include <string.h>
#include "engram/sweep.h"
#include "engram/watch.h"

const cli_option cli_watch_options[] = {
    {"port", 'p', "N", "port of 127.0.0.1 (default: one that is free)"},
    CLI_OPT_RUNS,
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};

const char cli_watch_help[] =
    "Serves a page on this machine and prints its address, of which a random\n"
    "word is part: whoever has it can look, nobody can change a thing. The\n"
    "page shows the runs under runs/ as they grow: progress, curves, "
    "attention\n"
    "maps and memories, tokens of flows. RUN (as for `engram show`) or the\n"
    "NAME of several, or of a sweep, opens it there. Ctrl-C ends it; runs do "
    "not notice.\n"
    "\n"
    "  engram watch\n"
    "  engram watch birth-basic --port 8000\n";

static const double TURN = 0.5; /* seconds */

/* The folder of a run below the root. */
static int id_of(const char *root, const char *dir, char id[EG_PATH])
{
    size_t n = strlen(root);

    while (n > 1 && root[n - 1] == '/') n--;
    if (strncmp(dir, root, n) != 0 || dir[n] != '/')
        return cli_fail(CLI_MISUSE,
                        "%s does not lie in %s; --runs DIR names the folder of "
                        "its runs",
                        dir, root);
    (void)snprintf(id, EG_PATH, "%s", dir + n + strspn(dir + n, "/"));
    n = strlen(id);
    while (n > 1 && id[n - 1] == '/') id[--n] = '\0';
    return CLI_DONE;
}

/* What the page opens with: a sweep, a name of runs, or a run's id. */
static int find_word(const char *root, const char *word, char open[EG_PATH])
{
    char dir[EG_PATH];
    int code;

    if (!strchr(word, '/') && eg_sweep_is(root, word)) {
        (void)snprintf(open, EG_PATH, "sweeps/%s", word);
        return CLI_DONE;
    }
    if (!strchr(word, '/') && cli_names_runs(root, word)) {
        (void)snprintf(open, EG_PATH, "%s", word);
        return CLI_DONE;
    }
    code = cli_find_run(root, word, dir);
    return code == CLI_DONE ? id_of(root, dir, open) : code;
}

int cmd_watch(const cli_args *a)
{
    char open[EG_PATH] = "";
    int64_t port = 0;
    eg_watch_opts o = {.root = cli_runs_root(a), .open = open};
    eg_watch *w = NULL;
    eg_err err = {0};
    eg_status st;
    int code = CLI_DONE;

    if (!cli_int(a, "port", 1, 65535, &port)) return CLI_MISUSE;
    o.port = (int)port;
    if (a->n_words > 0) code = find_word(o.root, a->word[0], open);
    if (code != CLI_DONE) return code;
    cli_catch_signals();
    st = eg_watch_open(&w, &o, &err);
    if (st != EG_OK) return cli_error(st, &err);
    cli_print("%s", eg_watch_address(w));
    (void)fflush(stdout);
    cli_say("this page shows the runs of %s on this machine only; Ctrl-C ends "
            "it",
            o.root);
    while (st == EG_OK && !cli_stop(NULL)) st = eg_watch_turn(w, TURN, &err);
    eg_watch_close(w);
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}
