/* engram report: pages and figures from runs and verdicts. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/report.h"
#include "engram/sweep.h"

const cli_option cli_report_options[] = {
    {"out", 'o', "FILE",
     "the page (default: report.html in the folder of the run or of the name, "
     "or here when there are several); replaces nothing but such a page"},
    {"svg", 0, "DIR",
     "static figures for a paper, in place of the page; DIR is made, or holds "
     "nothing but such figures"},
    {"csv", 0, "DIR",
     "the numbers in all figures, in place of the page: a file each, named "
     "after setting and figure"},
    {"whole", 0, NULL,
     "with --svg: fractions on axes from 0 to 1 (default: axes fit the data)"},
    {"times", 0, "T,T,...",
     "with --svg: when flows are pictured (default: four moments, evenly "
     "spaced in the distance travelled)"},
    {"title", 0, "TEXT", "heading of the page"},
    CLI_OPT_RUNS,
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};

const char cli_report_help[] =
    "RUN is a name: all runs of that name, as a sweep leaves them, the newest\n"
    "of each configuration and seed. Or it is one run (as for `engram show`),\n"
    "a folder of runs, or a claims.json that `engram reproduce` left behind,\n"
    "or its folder, or a sweep: its page tells which points wait, run, "
    "finished\n"
    "or failed. One page holds them all and opens without a network; runs\n"
    "that differ in the seed alone become bands, and a figure says where\n"
    "configurations of one name differ.\n"
    "\n"
    "  engram report birth-basic\n"
    "  engram report runs/reproduce/birth/20260131-120000 --out birth.html\n"
    "  engram report birth-basic --svg figures\n"
    "  engram report birth-basic --csv numbers\n";

enum { MAX_TIMES = 12 };

/* "2.5,18,30" as numbers; -1: it is no such list. */
static int read_times(double *t, const char *text)
{
    int n = 0;

    while (text && n < MAX_TIMES) {
        char *end = NULL;

        t[n++] = strtod(text, &end);
        if (end == text || (*end && *end != ',') || !isfinite(t[n - 1]))
            return -1;
        if (!*end) return n;
        text = end + 1;
    }
    return text ? -1 : n;
}

/* Where the page goes when nothing else is said: to the one run, the verdicts
 * or the runs of one name; of several, here. A folder without a record may be
 * the user's own. */
static int place(char page[EG_PATH + 16], const cli_args *a,
                 const cli_paths *runs, const char *folder)
{
    const char *one = runs->path[0];

    snprintf(page, EG_PATH + 16, "report.html");
    if (a->n_words != 1) return CLI_DONE;
    if (runs->n == 1) {
        if (!cli_is_folder(one)) return CLI_DONE;
        if (!eg_folder_holds(one, "run.json") &&
            !eg_folder_holds(one, "claims.json") &&
            !eg_folder_holds(one, "sweep.json"))
            return cli_fail(CLI_MISUSE,
                            "%s holds no run.json and no claims.json: --out "
                            "FILE says where the page goes",
                            one);
        folder = one;
    }
    snprintf(page, EG_PATH + 16, "%s/report.html", folder);
    return CLI_DONE;
}

/* Pictures, numbers, or both. */
static eg_status figures(const eg_report_opts *o, const char *const *paths,
                         int n, const char *svg, const char *csv, eg_err *err)
{
    int files = 0;
    eg_status st = EG_OK;

    if (svg) st = eg_report_svg(paths, n, svg, o, &files, err);
    if (svg && st == EG_OK) cli_print("%d figures in %s", files, svg);
    if (csv && st == EG_OK) {
        st = eg_report_csv(paths, n, csv, o, &files, err);
        if (st == EG_OK) cli_print("%d files of numbers in %s", files, csv);
    }
    return st;
}

static int draw(const cli_args *a, const cli_paths *runs, const char *folder,
                const double *times, int n_times)
{
    const char **paths = eg_calloc((size_t)runs->n, sizeof *paths);
    const char *svg = cli_value(a, "svg"), *csv = cli_value(a, "csv");
    const char *out = cli_value(a, "out");
    char page[EG_PATH + 16];
    eg_report_opts o = {.out = out ? out : page,
                        .title = cli_value(a, "title"),
                        .times = times,
                        .n_times = n_times,
                        .whole = cli_flag(a, "whole"),
                        .note = cli_warn};
    eg_err err = {0};
    eg_status st;

    if (!paths) return cli_fail(CLI_FAILED, "out of memory");
    for (int i = 0; i < runs->n; i++) paths[i] = runs->path[i];
    if (!svg && !csv && !out && place(page, a, runs, folder) != CLI_DONE) {
        eg_free(paths);
        return CLI_MISUSE;
    }
    if (svg || csv)
        st = figures(&o, paths, runs->n, svg, csv, &err);
    else
        st = eg_report_write(paths, runs->n, &o, &err);
    eg_free(paths);
    if (st != EG_OK) return cli_error(st, &err);
    if (svg || csv) return CLI_DONE;
    cli_print("%s", o.out);
    if (!eg_report_has_plotly())
        cli_say("this build has no plotting library: the page holds verdicts "
                "and data, no figures");
    return CLI_DONE;
}

/* The runs of a word, and the sweep of that name: its points, those without a
 * run too. A sweep is called after its runs, mostly. */
static int find(cli_paths *runs, const cli_args *a, const char *word,
                char folder[EG_PATH])
{
    const char *root = cli_runs_root(a);
    eg_sweep *s = NULL;
    eg_err err = {0};
    eg_status st;
    bool added;

    if (!eg_sweep_is(root, word))
        return cli_find_runs(runs, root, word, folder);
    st = eg_sweep_open(&s, root, word, &err);
    if (st != EG_OK) return cli_error(st, &err);
    added = cli_paths_add(runs, eg_sweep_dir(s));
    eg_sweep_free(s);
    if (!added) return cli_fail(CLI_FAILED, "out of memory");
    return !strchr(word, '/') && cli_names_runs(root, word)
               ? cli_find_runs(runs, root, word, folder)
               : CLI_DONE;
}

int cmd_report(const cli_args *a)
{
    cli_paths runs = {0};
    char folder[EG_PATH] = "";
    double times[MAX_TIMES];
    int n_times = read_times(times, cli_value(a, "times")), code = CLI_DONE;

    for (int i = 0; code == CLI_DONE && i < a->n_words; i++)
        code = find(&runs, a, a->word[i], folder);
    if (n_times < 0)
        code = cli_fail(CLI_MISUSE,
                        "--times takes at most %d numbers and commas, as in "
                        "2.5,18,30; found '%s'",
                        MAX_TIMES, cli_value(a, "times"));
    if (code == CLI_DONE) code = draw(a, &runs, folder, times, n_times);
    eg_free(runs.path);
    return code;
}
