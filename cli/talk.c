/* What the program says. Talk goes to stderr, a line in one write, after what
 * stdout still held: where both are one file, no line is cut by another, also
 * not by those of other processes. Nothing of what is printed here can act on
 * a terminal: names are shown as eg_text_clean makes them. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static bool quiet, mute;

void cli_quiet(bool q)
{
    quiet = q;
}

bool cli_is_quiet(void)
{
    return quiet;
}

void cli_mute(bool m)
{
    mute = m;
}

void cli_put(const char *text, size_t n)
{
    if (mute) return;
    (void)fflush(stdout);
    while (n > 0) {
        ssize_t k = write(STDERR_FILENO, text, n);

        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return; /* nobody listens */
        text += k;
        n -= (size_t)k;
    }
}

static void put_line(const char *before, const char *fmt, va_list ap)
{
    char raw[2048], line[4096];
    size_t n = cli_progress_break(line);

    (void)vsnprintf(raw, sizeof raw, fmt, ap);
    n += eg_text_copy(line + n, 16, before);
    n += eg_text_clean(line + n, sizeof line - n - 1, raw);
    line[n++] = '\n';
    cli_put(line, n);
}

int cli_fail(int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put_line("engram: ", fmt, ap);
    va_end(ap);
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
    va_start(ap, fmt);
    put_line("", fmt, ap);
    va_end(ap);
}

void cli_print(const char *fmt, ...)
{
    char raw[2048], line[4096];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    (void)eg_text_clean(line, sizeof line, raw);
    (void)puts(line);
}

void cli_note(void *ctx, const char *text)
{
    (void)ctx;
    cli_say("note: %s", text);
}

void cli_warn(void *ctx, const char *text)
{
    (void)ctx;
    (void)cli_fail(CLI_FAILED, "warning: %s", text);
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
