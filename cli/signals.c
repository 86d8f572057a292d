/* How a run is asked to end: Ctrl-C, the loss of the terminal, and the signals
 * that batch systems send ahead of the end of the time allowed. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Slurm and PBS: TERM, or one that was asked for; Grid Engine: USR1, USR2; LSF:
 * USR2, INT, TERM; a limit of processor time: XCPU, every second. */
static const struct {
    int number;
    const char *name;
} asks[] = {{SIGINT, "SIGINT"},   {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"},
            {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}, {SIGXCPU, "SIGXCPU"}};
enum { N_ASKS = sizeof asks / sizeof *asks };

static atomic_int caught;       /* the first that came; 0: none */
static _Atomic int64_t when_ms; /* when it came */
static pid_t parent;            /* of a process of a sweep; 0: not one */

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Only a second Ctrl-C is somebody in a hurry: batch systems repeat theirs,
 * `timeout` sends each twice, and the run must still be saved. */
static void on_signal(int sig)
{
    int none = 0;
    int kept = errno;

    if (atomic_compare_exchange_strong(&caught, &none, sig)) {
        atomic_store(&when_ms, now_ms());
    } else if (sig == SIGINT && now_ms() - atomic_load(&when_ms) > 200) {
        signal(sig, SIG_DFL);
        raise(sig);
    }
    errno = kept;
}

static void catch_one(int sig)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_signal;
    sa.sa_flags = SA_RESTART;
    sigaction(sig, &sa, NULL);
}

void cli_catch_signals(void)
{
    for (int i = 0; i < N_ASKS; i++) {
        struct sigaction old;

        /* nohup, and a shell that runs something in the background, ignore
         * what is not meant for us */
        if (sigaction(asks[i].number, NULL, &old) == 0 &&
            old.sa_handler != SIG_IGN)
            catch_one(asks[i].number);
    }
    signal(SIGPIPE, SIG_IGN);
}

void cli_hold_signals(sigset_t *before)
{
    sigset_t all;

    sigemptyset(&all);
    for (int i = 0; i < N_ASKS; i++) sigaddset(&all, asks[i].number);
    sigprocmask(SIG_BLOCK, &all, before);
}

void cli_begin_child(pid_t of, const sigset_t *mask)
{
    parent = of;
    catch_one(SIGTERM); /* the parent passes on what it gets as this */
    sigprocmask(SIG_SETMASK, mask, NULL);
}

bool cli_stop(void *ctx)
{
    (void)ctx;
    return atomic_load(&caught) != 0 || (parent && getppid() != parent);
}

const char *cli_stop_name(void)
{
    int sig = atomic_load(&caught);

    for (int i = 0; i < N_ASKS; i++)
        if (asks[i].number == sig) return asks[i].name;
    return "the end of its parent";
}
