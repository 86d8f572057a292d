/* Processes of a sweep; see crew.h. A process writes its result into a pipe of
 * its own, whose end of file says that it is gone, however it went. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): glibc's switch for ppoll */
#define _GNU_SOURCE
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "engram/mem.h"

enum { TICK_NS = 500000000 };

static int child(const crew *c, const eg_point *p, int out, pid_t parent,
                 const sigset_t *mask)
{
    crew_result r = {.status = EG_OK};

    cli_begin_child(parent, mask);
    c->work(c->ctx, p, &r);
    return write(out, &r, sizeof r) == (ssize_t)sizeof r ? 0 : CLI_FAILED;
}

/* No process could be made for it: that is not the point's fault. */
static int give_back(const crew *c, const eg_point *p, const char *what)
{
    crew_result r = {.run.outcome = EG_INTERRUPTED};

    (void)cli_fail(CLI_FAILED, "%s: %s", what, strerror(errno));
    (void)c->ended(c->ctx, p, &r);
    return CLI_FAILED;
}

/* Signals are held back: one that comes now is passed on to this process as
 * well, which is listed by then. */
static int start(crew *c, crew_place *at, const sigset_t *mask)
{
    pid_t parent = getpid();
    int fd[2];

    if (pipe(fd) != 0) return give_back(c, &at->point, "pipe");
    fflush(NULL);
    at->pid = fork();
    if (at->pid == 0) {
        close(fd[0]);
        _exit(child(c, &at->point, fd[1], parent, mask));
    }
    close(fd[1]);
    if (at->pid < 0) {
        close(fd[0]);
        return give_back(c, &at->point, "fork");
    }
    at->pipe = fd[0];
    c->n_running++;
    return CLI_DONE;
}

/* What it left; a process that died left nothing. */
static int finish(crew *c, crew_place *at)
{
    crew_result r = {.status = EG_OK};
    int status = 0;
    bool whole = read(at->pipe, &r, sizeof r) == (ssize_t)sizeof r;

    close(at->pipe);
    at->pipe = -1;
    while (waitpid(at->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!whole || WIFSIGNALED(status)) {
        r = (crew_result){.status = EG_EIO, .died = true};
        if (WIFSIGNALED(status))
            snprintf(r.reason, sizeof r.reason,
                     "its process was ended by signal %d (%s)",
                     WTERMSIG(status), strsignal(WTERMSIG(status)));
        else
            snprintf(r.reason, sizeof r.reason,
                     "its process ended without a result");
    }
    c->n_running--;
    return c->ended(c->ctx, &at->point, &r);
}

static void pass_on(const crew *c)
{
    for (int i = 0; i < c->jobs; i++)
        if (c->place[i].pipe >= 0) kill(c->place[i].pid, SIGTERM);
}

/* Until a process is gone, a signal has come, or it is time for a tick. */
static int await(crew *c, struct pollfd *at, const sigset_t *mask)
{
    const struct timespec most = {.tv_nsec = TICK_NS};
    nfds_t n = 0;
    int code = CLI_DONE, worst = CLI_DONE;

    for (int i = 0; i < c->jobs; i++)
        if (c->place[i].pipe >= 0)
            at[n++] = (struct pollfd){.fd = c->place[i].pipe, .events = POLLIN};
    if (ppoll(at, n, &most, mask) < 0) return CLI_DONE;
    for (int i = 0, k = 0; i < c->jobs; i++) {
        if (c->place[i].pipe < 0) continue;
        if (at[k++].revents) code = finish(c, &c->place[i]);
        if (code > worst) worst = code;
    }
    return worst;
}

/* Points into free places. *got: what the last one asked for came to. */
static int fill(crew *c, eg_taken *got, const sigset_t *mask)
{
    int code = CLI_DONE;

    *got = EG_TAKEN;
    for (int i = 0; i < c->jobs && code == CLI_DONE && *got == EG_TAKEN; i++) {
        if (c->place[i].pipe >= 0) continue;
        code = c->take(c->ctx, got, &c->place[i].point);
        if (code == CLI_DONE && *got == EG_TAKEN)
            code = start(c, &c->place[i], mask);
    }
    return code;
}

static int run(crew *c, struct pollfd *at, bool wait)
{
    eg_taken got = EG_TAKEN;
    bool told = false;
    int code = CLI_DONE, one;
    sigset_t before;

    cli_catch_signals();
    cli_hold_signals(&before);
    for (;;) {
        /* one that came while a process ended is noted before the next one
         * is made */
        sigprocmask(SIG_SETMASK, &before, NULL);
        cli_hold_signals(&before);
        if (cli_stop(NULL) && !told) {
            pass_on(c);
            told = true;
        }
        if (code == CLI_DONE && !told && c->n_running < c->jobs)
            code = fill(c, &got, &before);
        if (c->n_running == 0 &&
            (told || code != CLI_DONE || got == EG_TAKE_FINISHED ||
             (got == EG_TAKE_WAIT && !wait)))
            break;
        one = await(c, at, &before);
        if (one == CLI_DONE) one = c->tick(c->ctx);
        if (one != CLI_DONE && code == CLI_DONE) {
            code = one;
            pass_on(c);
        }
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}

int crew_run(crew *c, bool wait)
{
    struct pollfd *at = eg_calloc((size_t)c->jobs, sizeof *at);
    int code = CLI_FAILED;

    c->place = eg_calloc((size_t)c->jobs, sizeof *c->place);
    if (at && c->place) {
        for (int i = 0; i < c->jobs; i++) c->place[i].pipe = -1;
        code = run(c, at, wait);
    } else {
        (void)cli_fail(CLI_FAILED, "out of memory");
    }
    eg_free(at);
    eg_free(c->place);
    c->place = NULL;
    return code;
}
