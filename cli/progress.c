/* The progress line: overwritten in place on a terminal, a line now and then
 * elsewhere. It uses no escape sequences: a carriage return, and spaces over
 * what is left of a longer line before. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "engram/pool.h"

enum { PARTS = 12, LINE = 1000 };

/* What there is to say; parts of the highest rank go first when the terminal
 * is narrow, rank 0 never. */
typedef struct part {
    char text[64];
    int rank;
} part;

typedef struct news {
    part part[PARTS];
    int n;
} news;

static int shown; /* columns of the line that has no end yet; 0: none */

static bool overwrites(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

size_t cli_progress_break(char *buf)
{
    if (shown == 0) return 0;
    shown = 0;
    buf[0] = '\n';
    return 1;
}

void cli_progress_end(void)
{
    char end[1];
    size_t n = cli_progress_break(end);

    if (n) cli_put(end, n);
}

static part *add(news *w, int rank)
{
    EG_ASSERT(w->n < PARTS);
    w->part[w->n].rank = rank;
    return &w->part[w->n++];
}

static void put(news *w, int rank, const char *label, double v, int digits)
{
    if (isnan(v)) return;
    snprintf(add(w, rank)->text, sizeof w->part->text, "%s %.*f", label, digits,
             v);
}

/* The same for a number of any size. */
static void put_short(news *w, int rank, const char *label, double v,
                      int digits)
{
    if (isnan(v)) return;
    snprintf(add(w, rank)->text, sizeof w->part->text, "%s %.*g", label, digits,
             v);
}

static void put_eta(news *w, double eta)
{
    int s;

    if (!(eta >= 0 && eta < 1e8)) return; /* not known yet */
    s = (int)(eta + 0.5);
    if (s >= 3600)
        snprintf(add(w, 0)->text, sizeof w->part->text, "ETA %d:%02d:%02d",
                 s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(add(w, 0)->text, sizeof w->part->text, "ETA %d:%02d", s / 60,
                 s % 60);
}

static void collect(news *w, const eg_progress *p)
{
    snprintf(add(w, 1)->text, sizeof w->part->text, "%s %lld/%lld",
             p->unit       ? p->unit
             : isnan(p->t) ? "step"
                           : "time",
             (long long)p->step + 1, (long long)p->n_steps);
    put_short(w, 4, "t", p->t, 6);
    put(w, 2, "loss", p->loss, 3);
    for (int i = 0; i < p->n_news; i++)
        put_short(w, 3 + i, p->news[i].brief, p->news[i].value,
                  isnan(p->t) ? 3 : 6);
    put(w, 3 + EG_NEWS, "tok/s", p->tokens_per_s, 0);
    put_eta(w, p->eta);
}

static int width_of(const news *w)
{
    int columns = 0;

    for (int i = 0; i < w->n; i++)
        columns += (int)strlen(w->part[i].text) + (i > 0 ? 2 : 0);
    return columns;
}

static void drop(news *w, int i)
{
    memmove(&w->part[i], &w->part[i + 1],
            (size_t)(--w->n - i) * sizeof w->part[0]);
}

/* Parts of a rank above 0 leave until the rest fits into columns. */
static void narrow(news *w, int columns)
{
    while (width_of(w) > columns) {
        int worst = 0;

        for (int i = 1; i < w->n; i++)
            if (w->part[i].rank > w->part[worst].rank) worst = i;
        if (w->n == 0 || w->part[worst].rank == 0) return;
        drop(w, worst);
    }
}

/* Label and parts within columns; returns the bytes. A third of the line is
 * the label's if it needs it, and what the parts leave over. */
static size_t compose(char line[LINE], const char *label, news *w, int columns)
{
    char name[400];
    int taken, room;
    size_t n;

    (void)eg_text_clean(name, sizeof name, label);
    taken = cli_columns(name);
    if (taken > columns / 3) taken = columns / 3;
    narrow(w, columns - taken - (taken > 0 ? 2 : 0));
    room = columns - width_of(w) - 2;
    n = room > 0 ? cli_fit(name, room) : 0;
    n = eg_text_copy(line, n + 1, name);
    for (int i = 0; i < w->n; i++)
        n += (size_t)snprintf(line + n, LINE - n, "%s%s", n > 0 ? "  " : "",
                              w->part[i].text);
    return n;
}

static int terminal_columns(void)
{
    struct winsize w;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col
                                                                     : 80;
}

/* A line that fills the terminal would wrap and not be overwritten. */
static void draw(const char *label, news *w, bool end)
{
    char line[2 * LINE] = "\r";
    int columns = terminal_columns() - 1;
    size_t n = 1 + compose(line + 1, label, w,
                           columns < LINE / 2 ? columns : LINE / 2);
    int now = cli_columns(line + 1), blank = shown - now;

    if (blank > columns - now) blank = columns - now;
    for (; blank > 0 && n < sizeof line - 1; blank--) line[n++] = ' ';
    shown = now > 0 ? now : 1;
    if (end) n += cli_progress_break(line + n);
    cli_put(line, n);
}

void cli_progress(void *ctx, const eg_progress *p)
{
    static double last; /* when something was shown */
    double now = eg_clock();
    bool in_place = overwrites(), end = p->step + 1 >= p->n_steps;
    news w = {.n = 0};

    (void)ctx;
    if (cli_is_quiet()) return;
    if (!end && now - last < (in_place ? 0.1 : 5.0)) return;
    last = now;
    collect(&w, p);
    if (in_place) {
        draw(p->label, &w, end);
    } else {
        char line[LINE + 1];
        size_t n = compose(line, p->label, &w, LINE / 2);

        line[n++] = '\n';
        cli_put(line, n);
    }
}
