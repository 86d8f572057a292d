/* What the program says on stderr while it works, and how it is stopped. */
#include "cli.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "engram/pool.h"

static bool quiet;
static bool line_open; /* the progress line has no end yet */
static volatile sig_atomic_t stop_asked;

void cli_quiet(bool q)
{
    quiet = q;
}

void cli_progress_end(void)
{
    if (line_open) fputc('\n', stderr);
    line_open = false;
}

int cli_fail(int code, const char *fmt, ...)
{
    va_list ap;

    cli_progress_end();
    fputs("engram: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return code;
}

int cli_error(eg_status st, const eg_err *err)
{
    bool misuse = st == EG_EINVAL;

    return cli_fail(misuse ? CLI_MISUSE : CLI_FAILED, "%s",
                    err->msg[0] ? err->msg : eg_status_name(st));
}

void cli_say(const char *fmt, ...)
{
    va_list ap;

    if (quiet) return;
    cli_progress_end();
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static void on_signal(int sig)
{
    if (stop_asked) { /* somebody is in a hurry */
        signal(sig, SIG_DFL);
        raise(sig);
    }
    stop_asked = 1;
}

void cli_catch_signals(void)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_signal;
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file limit is an error of write */
    signal(SIGPIPE, SIG_IGN);
}

bool cli_stop(void *ctx)
{
    (void)ctx;
    return stop_asked != 0;
}

static void put(char *buf, size_t size, const char *label, double v, int digits)
{
    size_t used = strlen(buf);

    if (isnan(v)) return;
    snprintf(buf + used, size - used, "  %s %.*f", label, digits, v);
}

/* The same for a number of any size. */
static void put_short(char *buf, size_t size, const char *label, double v)
{
    size_t used = strlen(buf);

    if (isnan(v)) return;
    snprintf(buf + used, size - used, "  %s %.6g", label, v);
}

static void put_eta(char *buf, size_t size, double eta)
{
    size_t used = strlen(buf);
    int s;

    if (!(eta >= 0 && eta < 1e8)) return; /* not known yet */
    s = (int)(eta + 0.5);
    if (s >= 3600)
        snprintf(buf + used, size - used, "  ETA %d:%02d:%02d", s / 3600,
                 s / 60 % 60, s % 60);
    else
        snprintf(buf + used, size - used, "  ETA %d:%02d", s / 60, s % 60);
}

/* A line longer than the terminal would wrap and not be overwritten. */
static void cut_to_terminal(char *line)
{
    struct winsize w;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col < 20) return;
    if (strlen(line) >= w.ws_col) line[w.ws_col - 1] = '\0';
}

/* One line that is overwritten on a terminal, a line now and then elsewhere. */
void cli_progress(void *ctx, const eg_progress *p)
{
    static double last; /* when something was shown */
    double now = eg_clock();
    bool tty = isatty(STDERR_FILENO), end = p->step + 1 >= p->n_steps;
    char line[400];

    (void)ctx;
    if (quiet) return;
    if (!end && now - last < (tty ? 0.1 : 5.0)) return;
    last = now;
    snprintf(line, sizeof line, "%s  %s %lld/%lld", p->label,
             isnan(p->t) ? "step" : "time", (long long)p->step + 1,
             (long long)p->n_steps);
    put_short(line, sizeof line, "t", p->t);
    put_short(line, sizeof line, "energy", p->energy);
    put(line, sizeof line, "components", p->components, 0);
    put(line, sizeof line, "loss", p->loss, 3);
    put(line, sizeof line, "acc", p->accuracy, 3);
    put(line, sizeof line, "W_O2", p->recall_wo2, 2);
    put(line, sizeof line, "W_K2", p->recall_wk2, 2);
    put(line, sizeof line, "W_K1", p->recall_wk1, 2);
    put(line, sizeof line, "tok/s", p->tokens_per_s, 0);
    put_eta(line, sizeof line, p->eta);
    if (tty) {
        cut_to_terminal(line);
        fprintf(stderr, "\r\033[K%s", line);
        line_open = true;
        if (end) cli_progress_end();
    } else {
        fprintf(stderr, "%s\n", line);
    }
    fflush(stderr);
}

void cli_plan(void *ctx, const eg_lab_plan *p)
{
    (void)ctx;
    if (p->about) {
        cli_say("%s: %s", p->dir, p->about);
        if (p->start_step > 0)
            cli_say("going on from time %lld of %lld", (long long)p->start_step,
                    (long long)p->steps);
        return;
    }
    cli_say("%s: %lld parameters, %lld trained; %lld steps of %lld tokens; "
            "%.1f MiB announced",
            p->dir, (long long)p->n_params, (long long)p->n_trained,
            (long long)p->steps, (long long)p->tokens_per_step,
            (double)p->bytes / 1048576.0);
    cli_say("kernels %s, %s, %d threads%s", p->kern, p->precision, p->threads,
            p->start_step > 0 ? "; resumed" : "");
    if (p->start_step > 0)
        cli_say("going on from step %lld", (long long)p->start_step);
}
