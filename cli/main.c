/* engram: the table of commands. */
#include "cli.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SMALL = 2 << 20, STACK = 8 << 20 };

const cli_command cli_commands[] = {
    {"run", "FILE", 1, 1, "train a model, check a statement, let tokens flow",
     cli_run_help, cli_run_options, cmd_run},
    {"reproduce", "[ID...|all]", 0, 64,
     "run a paper's experiments and judge its claims", cli_reproduce_help,
     cli_reproduce_options, cmd_reproduce},
    {"sweep", "FILE|NAME", 1, 1, "run a configuration over a grid and seeds",
     cli_sweep_help, cli_sweep_options, cmd_sweep},
    {"aggregate", "SWEEP|RUN...", 1, 256,
     "mean, median and interval of a metric over the seeds of every setting",
     cli_aggregate_help, cli_aggregate_options, cmd_aggregate},
    {"list", "[claims|tasks|groups|mixers|probes|theories|flow|kernels]", 0, 1,
     "what there is: claims, tasks, mixers, probes", cli_list_help,
     cli_list_options, cmd_list},
    {"runs", "[NAME]", 0, 1, "the runs on disk", cli_runs_help,
     cli_runs_options, cmd_runs},
    {"show", "RUN|CONFIG", 1, 1,
     "one run: record, last values; or a program of operations", cli_show_help,
     cli_show_options, cmd_show},
    {"tag", "RUN [+TAG|-TAG...]", 1, 129, "find a run again by a word",
     cli_tag_help, cli_tag_options, cmd_tag},
    {"note", "RUN [TEXT...]", 1, 256,
     "write down what there is to say of a run", cli_note_help,
     cli_note_options, cmd_note},
    {"sql", "[SELECT]", 0, 1, "ask the runs on disk in SQL", cli_sql_help,
     cli_sql_options, cmd_sql},
    {"compare", "RUN RUN...", 2, 8, "what differs between runs, and how much",
     cli_compare_help, cli_compare_options, cmd_compare},
    {"gc", "[checkpoints|temporary|damaged|diverged...]", 0, 4,
     "list or remove what nobody needs of the runs", cli_gc_help,
     cli_gc_options, cmd_gc},
    {"verify", "[RUN|SWEEP...]", 0, 256, "is what is on disk what was written?",
     cli_verify_help, cli_verify_options, cmd_verify},
    {"report", "RUN...", 1, 256, "draw runs and verdicts as one page",
     cli_report_help, cli_report_options, cmd_report},
    {"watch", "[RUN|NAME|SWEEP]", 0, 1,
     "runs as they run, on a page in the browser", cli_watch_help,
     cli_watch_options, cmd_watch},
    {"top", "[NAME]", 0, 1, "runs as they run, in the terminal", cli_top_help,
     cli_top_options, cmd_top},
    {"lens", "WEIGHTS [CONFIG]", 1, 2,
     "four lenses on a model, or on every checkpoint of a run, as one page",
     cli_lens_help, cli_lens_options, cmd_lens},
    {"dump", "CONFIG", 1, 1,
     "write activations and gradients of one step as .npy", cli_dump_help,
     cli_dump_options, cmd_dump},
    {"probe", "WEIGHTS [CONFIG]", 1, 2,
     "what a checkpoint does: losses, accuracies, heads by what they are",
     cli_probe_help, cli_probe_options, cmd_probe},
    {"export", "WEIGHTS [CONFIG]|RUN...", 1, 256,
     "a model, or what runs measured, for other programs", cli_export_help,
     cli_export_options, cmd_export},
    {"task", "KIND|CONFIG", 1, 1,
     "write a task's sequences as text, or what is known of them",
     cli_task_help, cli_task_options, cmd_task},
    {"generate", "WEIGHTS [CONFIG]", 1, 2, "let a model go on, token by token",
     cli_generate_help, cli_generate_options, cmd_generate},
    {"stats", "TEXT", 1, 1, "measure character statistics of a text",
     cli_stats_help, cli_stats_options, cmd_stats},
    {"recall", "FILE...", 1, 256,
     "store lines, numbers or pictures and recall them from a part",
     cli_recall_help, cli_recall_options, cmd_recall},
    {"tokenize", "TEXT...", 1, 256,
     "make shards of tokens from texts, and learn a vocabulary",
     cli_tokenize_help, cli_tokenize_options, cmd_tokenize},
    {"bench", "[birth|full|gpt2|mesa|kernels|flow|energy|scaling|limits]", 0, 1,
     "verify, then time", cli_bench_help, cli_bench_options, cmd_bench},
    {"doctor", "", 0, 0, "what this build and this machine can do",
     cli_doctor_help, cli_doctor_options, cmd_doctor},
    {"help", "[COMMAND|TOPIC]", 0, 1, "explain a command or a topic",
     cli_help_help, cli_help_options, cmd_help},
    {"version", "", 0, 0, "version and commit", cli_version_help,
     cli_version_options, cmd_version},
    {"completion", "bash|zsh|fish", 1, 1, "completion for a shell",
     cli_completion_help, cli_completion_options, cmd_completion},
    {"man", "", 0, 0, "write the man pages", cli_man_help, cli_man_options,
     cmd_man},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL}};

const cli_command *cli_find(const char *name)
{
    for (const cli_command *c = cli_commands; c->name; c++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}

static int unknown_command(const char *name)
{
    eg_nearest near = {.asked = name};

    for (const cli_command *c = cli_commands; c->name; c++)
        eg_nearest_try(&near, c->name);
    if (near.best)
        return cli_fail(CLI_MISUSE, "no command '%s'; did you mean '%s'?", name,
                        near.best);
    return cli_fail(CLI_MISUSE, "no command '%s'; `engram help` lists them",
                    name);
}

/* Output that could not be written is a failure (a full disk, a closed
 * pipe). */
static int finish(int code)
{
    bool bad = ferror(stdout) != 0; /* of what was flushed before */

    if ((fflush(stdout) != 0 || bad) && code == CLI_DONE)
        return cli_fail(CLI_FAILED, "cannot write to standard output");
    return code;
}

static int run(int argc, char **argv)
{
    const cli_command *command;
    const char *name;
    cli_args args;
    bool helped = false;
    int code;

    if (argc < 2) {
        cli_usage(stdout);
        return finish(CLI_DONE);
    }
    name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
    if (strcmp(name, "--version") == 0) name = "version";
    command = cli_find(name);
    if (!command) return unknown_command(name);
    code = cli_parse(&args, command, argc - 1, argv + 1, &helped);
    if (code == CLI_DONE && !helped) code = command->run(&args);
    return finish(code);
}

/* ---- where the stack is small ---------------------------------------------
 */

typedef struct call {
    int argc, code;
    char **argv;
    sigset_t mask;
} call;

static void *run_call(void *arg)
{
    call *c = arg;

    (void)pthread_sigmask(SIG_SETMASK, &c->mask, NULL);
    c->code = run(c->argc, c->argv);
    return NULL;
}

/* Kernels keep panels on the stack (engram/pool.h). Where the limit is below
 * what they and the libraries may take (ulimit -s), the command runs on a
 * thread with a stack of its own, which alone gets the signals. */
static int run_apart(int argc, char **argv)
{
    call c = {.argc = argc, .argv = argv, .code = CLI_FAILED};
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all;
    int rc = pthread_attr_init(&attr);

    if (rc == 0) rc = pthread_attr_setstacksize(&attr, STACK);
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &c.mask);
    if (rc == 0) rc = pthread_create(&thread, &attr, run_call, &c);
    if (rc == 0) rc = pthread_join(thread, NULL);
    if (rc != 0)
        return cli_fail(CLI_FAILED,
                        "the stack is limited to less than %d KiB, and no "
                        "thread with its own can be started: %s",
                        SMALL >> 10, strerror(rc));
    return c.code;
}

/* A file must not get the number of a stream that was closed when the program
 * began: what is printed would go into it. Nobody hears the talk then, but
 * results that cannot be written are a failure. */
static void fill_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    static char line[1 << 16];
    struct rlimit stack;

    fill_streams();
    cli_tune_heap();
    (void)signal(SIGXFSZ, SIG_IGN); /* a file limit is an error of write */
    /* a line of results in one write, for whoever shares the file */
    (void)setvbuf(stdout, line, _IOLBF, sizeof line);
    if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur < SMALL)
        return run_apart(argc, argv);
    return run(argc, argv);
}
