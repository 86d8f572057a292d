/* engram top: runs as they run, in the terminal. */
#include "top.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "engram/pool.h"
#include "engram/watch.h"

const cli_option cli_top_options[] = {
    {"once", '1', NULL, "print once and end, also on a terminal"},
    {"all", 'a', NULL, "also runs that have ended, the newest first"},
    {"every", 0, "S", "seconds between two looks (default: 1)"},
    CLI_OPT_RUNS,
    CLI_OPT_JSON,
    {NULL, 0, NULL, NULL}};

const char cli_top_help[] =
    "The sweeps that are worked on and the runs that run under runs/, with\n"
    "NAME those runs of that name: how far, how fast, how long still, the "
    "loss\n"
    "(or what else the run measures) and its past. On a terminal it is drawn\n"
    "anew in place until Ctrl-C; elsewhere, with --once or --json, it is\n"
    "printed once.\n"
    "\n"
    "  engram top\n"
    "  engram top birth-basic --once --json\n";

enum { BAR = 20, SPARK = 24 };

/* May characters beyond ASCII be printed? */
static bool has_unicode(void)
{
    static const char *const name[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        const char *v = getenv(name[i]);

        if (v && *v)
            return strstr(v, "UTF-8") || strstr(v, "utf8") ||
                   strstr(v, "UTF8") || strstr(v, "utf-8");
    }
    return false;
}

/* A bar of BAR columns, part of it full. */
static void put_bar(char *out, size_t size, double part)
{
    static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    bool unicode = has_unicode();
    int full, rest, n = 0;

    part = part > 0 ? fmin(part, 1) : 0;
    full = (int)(part * BAR);
    rest = unicode ? (int)((part * BAR - full) * 8) : 0;
    for (int i = 0; i < full; i++)
        n += snprintf(out + n, size - (size_t)n, "%s", unicode ? "█" : "#");
    n += snprintf(out + n, size - (size_t)n, "%s", eighth[rest]);
    for (int i = full + (rest > 0); i < BAR; i++)
        n += snprintf(out + n, size - (size_t)n, "%s", unicode ? "·" : ".");
}

/* The past of a run in SPARK columns at most. */
static void put_spark(char *out, size_t size, const eg_board_run *r)
{
    static const char *const step[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char plain[] = "_.-=+*#@";
    bool unicode = has_unicode();
    double lo = INFINITY, hi = -INFINITY;
    int n = r->n_spark < SPARK ? r->n_spark : SPARK;
    size_t used = 0;

    out[0] = '\0';
    for (int i = 0; i < r->n_spark; i++) {
        if (!isfinite(r->spark[i])) continue;
        lo = fmin(lo, r->spark[i]);
        hi = fmax(hi, r->spark[i]);
    }
    for (int i = 0; i < n; i++) {
        double v = r->spark[(int64_t)i * r->n_spark / n];
        int k = hi > lo ? (int)((v - lo) / (hi - lo) * 7.999) : 0;

        if (!isfinite(v))
            used += (size_t)snprintf(out + used, size - used, " ");
        else if (unicode)
            used += (size_t)snprintf(out + used, size - used, "%s", step[k]);
        else
            used += (size_t)snprintf(out + used, size - used, "%c", plain[k]);
    }
}

static void put_eta(char *out, size_t size, double eta)
{
    int s = isfinite(eta) && eta < 1e8 ? (int)(eta + 0.5) : -1;

    if (s < 0)
        (void)snprintf(out, size, "-");
    else if (s >= 3600)
        (void)snprintf(out, size, "%d:%02d:%02d", s / 3600, s / 60 % 60,
                       s % 60);
    else
        (void)snprintf(out, size, "%d:%02d", s / 60, s % 60);
}

static bool is_wanted(const cli_args *a, const eg_board_run *r)
{
    if (a->n_words > 0 && strcmp(r->info.name, a->word[0]) != 0) return false;
    return cli_flag(a, "all") || strcmp(r->info.status, "running") == 0;
}

/* ---- as JSON ---------------------------------------------------------------
 */

static json_t *real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *sweeps_json(const top_sweeps *t)
{
    json_t *list = json_array();

    for (int i = 0; i < t->n; i++) {
        const top_sweep *s = &t->sweep[i];
        json_t *o;

        if (s->over) continue;
        o = json_pack("{s:o, s:i, s:i, s:o}", "name", cli_json_string(s->name),
                      "points", s->points, "ended", s->ended, "eta",
                      real(top_sweep_eta(s)));
        for (int k = 0; k <= EG_POINT_FAILED; k++)
            cli_json_set(o, eg_point_state_name((eg_point_state)k),
                         json_integer(s->count[k]));
        cli_json_add(list, o);
    }
    return list;
}

static int print_json(const cli_args *a, const eg_board *b, const top_sweeps *t)
{
    json_t *runs = json_array();

    for (int i = 0; i < eg_board_count(b); i++) {
        const eg_board_run *r = eg_board_at(b, i);
        json_t *o, *spark;

        if (!is_wanted(a, r)) continue;
        spark = json_array();
        for (int k = 0; k < r->n_spark; k++)
            cli_json_add(spark, real(r->spark[k]));
        o = json_pack(
            "{s:o, s:o, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, "
            "s:o}",
            "id", cli_json_string(r->id), "name", cli_json_string(r->info.name),
            "kind", r->info.kind, "status", r->info.status, "seed",
            (json_int_t)r->info.seed, "step", (json_int_t)r->step, "steps",
            (json_int_t)r->info.steps, "steps_per_s", real(r->per_s), "eta",
            real(r->eta), "metric", cli_json_string(r->metric), "value",
            real(r->value), "past", spark);
        cli_json_add(runs, o);
    }
    return cli_print_json(
        json_pack("{s:o, s:o}", "runs", runs, "sweeps", sweeps_json(t)));
}

/* ---- as lines --------------------------------------------------------------
 */

/* Ends the line within the columns of a terminal; 0: as long as it is. */
static void print_line(const char *text, int columns)
{
    char clean[1024];

    (void)eg_text_clean(clean, sizeof clean, text);
    if (columns > 0) clean[cli_fit(clean, columns)] = '\0';
    puts(clean);
}

static void pad(char *out, size_t size, const char *text, int columns)
{
    char clean[256];
    int n;

    (void)eg_text_clean(clean, sizeof clean, text);
    clean[cli_fit(clean, columns)] = '\0';
    n = columns - cli_columns(clean);
    (void)snprintf(out, size, "%s%*s", clean, n > 0 ? n : 0, "");
}

static void print_run(const eg_board_run *r, int columns)
{
    char bar[8 * BAR], spark[8 * SPARK], eta[32], line[1400], id[300];
    char count[48], speed[32] = "-", value[160] = "";
    double part =
        r->info.steps > 0 ? (double)r->step / (double)r->info.steps : 0;
    bool runs = strcmp(r->info.status, "running") == 0;

    put_bar(bar, sizeof bar, part);
    put_spark(spark, sizeof spark, r);
    put_eta(eta, sizeof eta, r->eta);
    pad(id, sizeof id, r->id, 30);
    (void)snprintf(count, sizeof count, "%lld/%lld", (long long)r->step,
                   (long long)r->info.steps);
    if (isfinite(r->per_s))
        (void)snprintf(speed, sizeof speed, "%.3g", r->per_s);
    if (r->metric[0])
        (void)snprintf(value, sizeof value, "%s %.4g", r->metric, r->value);
    (void)snprintf(
        line, sizeof line, "%s %s %3.0f %%  %15s %8s/s  %9s  %-20s %s", id, bar,
        100 * part, count, speed, runs ? eta : r->info.status, value, spark);
    print_line(line, columns);
}

static void print_sweep(const top_sweep *s, int columns)
{
    char bar[8 * BAR], eta[32], name[300], line[1000], word[300];
    double part = s->points > 0 ? (double)s->ended / s->points : 0;
    int bad = s->count[EG_POINT_DIVERGED] + s->count[EG_POINT_FAILED];

    put_bar(bar, sizeof bar, part);
    put_eta(eta, sizeof eta, top_sweep_eta(s));
    (void)snprintf(word, sizeof word, "sweep %s", s->name);
    pad(name, sizeof name, word, 30);
    (void)snprintf(word, sizeof word, "%d failed or diverged", bad);
    (void)snprintf(line, sizeof line,
                   "%s %s %3.0f %%  %8d/%d points   %9s  %d running%s%s", name,
                   bar, 100 * part, s->ended, s->points, eta,
                   s->count[EG_POINT_RUNNING], bad ? ", " : "",
                   bad ? word : "");
    print_line(line, columns);
}

/* Lines printed. */
static int print_sweeps(const top_sweeps *t, int columns)
{
    int lines = 0;

    for (int i = 0; i < t->n; i++) {
        if (t->sweep[i].over) continue;
        print_sweep(&t->sweep[i], columns);
        lines++;
    }
    return lines;
}

/* Lines printed. */
static int print_board(const cli_args *a, const eg_board *b,
                       const top_sweeps *t, int columns, int rows)
{
    int wanted = 0, shown = 0, running = 0, sweeps;
    char line[256];
    time_t now = time(NULL);
    struct tm tm;

    for (int i = 0; i < eg_board_count(b); i++) {
        wanted += is_wanted(a, eg_board_at(b, i));
        running += strcmp(eg_board_at(b, i)->info.status, "running") == 0;
    }
    (void)localtime_r(&now, &tm);
    (void)snprintf(line, sizeof line,
                   "%02d:%02d:%02d  %d running, %d in all, in %s", tm.tm_hour,
                   tm.tm_min, tm.tm_sec, running, eg_board_count(b),
                   cli_runs_root(a));
    print_line(line, columns);
    sweeps = print_sweeps(t, columns);
    for (int i = 0; i < eg_board_count(b); i++) {
        const eg_board_run *r = eg_board_at(b, i);

        if (!is_wanted(a, r)) continue;
        if (rows > 0 && shown >= rows - 3 - sweeps && wanted > shown + 1) break;
        print_run(r, columns);
        shown++;
    }
    if (shown == wanted) return shown + 1 + sweeps;
    (void)snprintf(line, sizeof line, "and %d more", wanted - shown);
    print_line(line, columns);
    return shown + 2 + sweeps;
}

/* Drawn anew in place until it is enough. */
static int stay(const cli_args *a, eg_board *b, top_sweeps *t, double every)
{
    eg_err err = {0};
    eg_status st = EG_OK;
    int lines = 0;

    while (!cli_stop(NULL)) {
        struct winsize w = {.ws_col = 80, .ws_row = 24};
        const struct timespec nap = {.tv_nsec = 50000000};
        double next = eg_clock() + every;

        st = eg_board_look(b, NULL, &err);
        if (st != EG_ENOMEM) st = top_sweeps_look(t, cli_runs_root(a), &err);
        if (st == EG_ENOMEM) break;
        (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
        /* up to the first line, and everything from there on is gone */
        if (lines > 0) (void)printf("\033[%dA\r\033[J", lines);
        lines = print_board(a, b, t, w.ws_col > 0 ? w.ws_col - 1 : 79,
                            w.ws_row > 4 ? w.ws_row : 24);
        if (fflush(stdout) != 0) break;
        while (!cli_stop(NULL) && eg_clock() < next)
            (void)nanosleep(&nap, NULL);
    }
    return st == EG_ENOMEM ? cli_error(st, &err) : CLI_DONE;
}

static bool in_place(const cli_args *a)
{
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && term && *term &&
           strcmp(term, "dumb") != 0 && !cli_flag(a, "once") &&
           !cli_flag(a, "json");
}

int cmd_top(const cli_args *a)
{
    double every = 1;
    eg_board *b = NULL;
    top_sweeps sweeps = {0};
    eg_err err = {0};
    eg_status st;
    int code;

    if (!cli_real("every", cli_value(a, "every"), 0.1, 3600, &every))
        return CLI_MISUSE;
    st = eg_board_new(&b, cli_runs_root(a), &err);
    if (st == EG_OK) st = eg_board_look(b, NULL, &err);
    if (st == EG_OK) st = top_sweeps_look(&sweeps, cli_runs_root(a), &err);
    if (st != EG_OK) {
        top_sweeps_release(&sweeps);
        eg_board_free(b);
        return cli_error(st, &err);
    }
    cli_catch_signals();
    if (in_place(a))
        code = stay(a, b, &sweeps, every);
    else if (cli_flag(a, "json"))
        code = print_json(a, b, &sweeps);
    else
        code = print_board(a, b, &sweeps, 0, 0) > 0 ? CLI_DONE : CLI_FAILED;
    top_sweeps_release(&sweeps);
    eg_board_free(b);
    return code;
}
