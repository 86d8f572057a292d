/* engram report: pages and figures from runs and verdicts. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>

#include "engram/mem.h"
#include "engram/report.h"

const cli_option cli_report_options[] = {
    {"out", 'o', "FILE",
     "the page (default: report.html in the run's folder, or here when there "
     "are several)"},
    {"svg", 0, "DIR", "static figures for a paper, in place of the page"},
    {"times", 0, "T,T,...",
     "with --svg: when flows are pictured (default: four moments, evenly "
     "spaced in the distance travelled)"},
    {"title", 0, "TEXT", "heading of the page"},
    CLI_OPT_RUNS,
    CLI_OPT_QUIET,
    {NULL, 0, NULL, NULL}};

const char cli_report_help[] =
    "RUN is a run (as for `engram show`), or a claims.json that `engram\n"
    "reproduce` left behind, or its folder. One page holds them all and opens\n"
    "without a network; runs that differ in the seed alone become bands.\n"
    "\n"
    "  engram report birth-basic\n"
    "  engram report runs/reproduce/birth/20260131-120000 --out birth.html\n"
    "  engram report birth-basic --svg figures\n";

/* A path is taken as it is; anything else is looked up among the runs. */
static bool resolve(const cli_args *a, int i, char dir[EG_PATH])
{
    if (eg_file_exists(a->word[i])) {
        snprintf(dir, EG_PATH, "%s", a->word[i]);
        return true;
    }
    return cli_find_run(cli_runs_root(a), a->word[i], dir);
}

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

int cmd_report(const cli_args *a)
{
    char(*dirs)[EG_PATH] = eg_calloc((size_t)a->n_words, sizeof *dirs);
    const char **paths = eg_calloc((size_t)a->n_words, sizeof *paths);
    const char *svg = cli_value(a, "svg"), *out = cli_value(a, "out");
    char page[EG_PATH + 16] = "report.html";
    eg_report_opts o = {.out = out ? out : page,
                        .title = cli_value(a, "title")};
    eg_err err = {0};
    eg_status st = EG_OK;
    int code = CLI_DONE, files = 0;
    double times[MAX_TIMES];
    int n_times = read_times(times, cli_value(a, "times"));

    if (!dirs || !paths) {
        eg_free(paths);
        eg_free(dirs);
        return cli_fail(CLI_FAILED, "out of memory");
    }
    for (int i = 0; code == CLI_DONE && i < a->n_words; i++) {
        if (!resolve(a, i, dirs[i])) code = CLI_MISUSE;
        paths[i] = dirs[i];
    }
    if (n_times < 0)
        code = cli_fail(CLI_MISUSE,
                        "--times takes at most %d numbers and commas, as in "
                        "2.5,18,30; found '%s'",
                        MAX_TIMES, cli_value(a, "times"));
    if (a->n_words == 1 && cli_is_folder(dirs[0]))
        snprintf(page, sizeof page, "%s/report.html", dirs[0]);
    if (code == CLI_DONE) {
        if (svg)
            st = eg_report_svg_at(paths, a->n_words, svg, times, n_times,
                                  &files, &err);
        else
            st = eg_report_write(paths, a->n_words, &o, &err);
        if (st != EG_OK) code = cli_error(st, &err);
    }
    if (code == CLI_DONE && svg) cli_print("%d figures in %s", files, svg);
    if (code == CLI_DONE && !svg) cli_print("%s", o.out);
    if (code == CLI_DONE && !svg && !eg_report_has_plotly())
        cli_say("this build has no plotting library: the page holds verdicts "
                "and data, no figures");
    eg_free(paths);
    eg_free(dirs);
    return code;
}
