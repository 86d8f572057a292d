/* Processes of a sweep; see crew.h. A process writes its result into a pipe of
 * its own, whose end of file says that it is gone, however it went. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): glibc's switch for ppoll */
#define _GNU_SOURCE
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engram/mem.h"

static int child(const crew *c, const point *p, int out, pid_t parent,
                 const sigset_t *mask)
{
    eg_lab_result r = {0};
    int code;

    cli_begin_child(parent, mask);
    code = c->work(c->ctx, p, &r);
    if (write(out, &r, sizeof r) != (ssize_t)sizeof r) code = CLI_FAILED;
    return code;
}

/* Signals are held back: one that comes now is passed on to this process as
 * well, which is listed by then. */
static int start(crew *c, const sigset_t *mask)
{
    point *p = &c->point[c->n_started];
    pid_t parent = getpid();
    int fd[2], code = c->begin(c->ctx, p, c->n_started);

    if (code != CLI_DONE) return code;
    if (pipe(fd) != 0) return cli_fail(CLI_FAILED, "pipe: %s", strerror(errno));
    fflush(NULL);
    p->pid = fork();
    if (p->pid == 0) {
        close(fd[0]);
        _exit(child(c, p, fd[1], parent, mask));
    }
    close(fd[1]);
    if (p->pid < 0) {
        close(fd[0]);
        return cli_fail(CLI_FAILED, "fork: %s", strerror(errno));
    }
    p->pipe = fd[0];
    c->n_started++;
    c->n_running++;
    return CLI_DONE;
}

/* What it left; a process that died left nothing. */
static void finish(crew *c, point *p)
{
    int status = 0;
    bool whole = read(p->pipe, &p->result, sizeof p->result) ==
                 (ssize_t)sizeof p->result;

    close(p->pipe);
    p->pipe = -1;
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR) {
    }
    p->code = WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
    if (!whole) p->result = (eg_lab_result){0};
    if (WIFSIGNALED(status))
        snprintf(p->result.reason, sizeof p->result.reason,
                 "its process was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (!whole)
        snprintf(p->result.reason, sizeof p->result.reason,
                 "its process ended without a result");
    c->n_running--;
    c->ended(c->ctx, p);
}

static void pass_on(const crew *c)
{
    for (int i = 0; i < c->n_started; i++)
        if (c->point[i].pipe >= 0) kill(c->point[i].pid, SIGTERM);
}

/* Until a process is gone, or a signal has come. */
static void await(crew *c, struct pollfd *at, const sigset_t *mask)
{
    nfds_t n = 0;

    for (int i = 0; i < c->n_started; i++)
        if (c->point[i].pipe >= 0)
            at[n++] = (struct pollfd){.fd = c->point[i].pipe, .events = POLLIN};
    if (ppoll(at, n, NULL, mask) < 0) return;
    for (int i = 0, k = 0; i < c->n_started; i++) {
        if (c->point[i].pipe < 0) continue;
        if (at[k++].revents) finish(c, &c->point[i]);
    }
}

int crew_run(crew *c)
{
    struct pollfd *at = eg_calloc((size_t)c->jobs, sizeof *at);
    bool told = false;
    int code = CLI_DONE;
    sigset_t before;

    if (!at) return cli_fail(CLI_FAILED, "out of memory");
    cli_catch_signals();
    cli_hold_signals(&before);
    for (;;) {
        bool more;

        /* one that came while a process ended is noted before the next one
         * is made */
        sigprocmask(SIG_SETMASK, &before, NULL);
        cli_hold_signals(&before);
        more = code == CLI_DONE && c->n_started < c->n && !cli_stop(NULL);
        if (cli_stop(NULL) && !told) {
            pass_on(c);
            told = true;
        }
        if (more && c->n_running < c->jobs)
            code = start(c, &before);
        else if (c->n_running > 0)
            await(c, at, &before);
        else
            break;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    eg_free(at);
    return code;
}
