/* A sweep as a job array of Slurm: each task is one more process at the queue,
 * so that tasks may come and go as the cluster likes. */
#include "sweep_cli.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT "slurm.sh"

/* text as one word of a shell. */
static void put_word(FILE *f, const char *text)
{
    (void)fputc('\'', f);
    for (; *text; text++)
        if (*text == '\'')
            (void)fputs("'\\''", f);
        else
            (void)fputc(*text, f);
    (void)fputc('\'', f);
}

/* Comments of the script are Slurm's options: nothing may end the line. */
int sweep_slurm_check(const cli_args *a)
{
    int64_t tasks;

    if (!cli_int(a, "slurm", 1, 100000, &tasks)) return CLI_MISUSE;
    for (int i = 0; i < a->n_values; i++) {
        const char *text = a->value[i].value;

        if (strcmp(a->value[i].option->name, "sbatch") != 0) continue;
        if (text[0] != '-' || strpbrk(text, "\n\r"))
            return cli_fail(CLI_MISUSE,
                            "--sbatch: expected an option of sbatch such as "
                            "--time=4:00:00, found '%s'",
                            text);
    }
    return CLI_DONE;
}

static void put_head(FILE *f, const sweep_cli *s, int64_t tasks)
{
    const cli_args *a = s->args;
    char name[EG_TEXT];
    double mib = (double)s->plan.bytes / 1048576.0;

    (void)eg_text_clean(name, sizeof name, eg_sweep_name(s->sweep));
    for (char *c = name; *c; c++)
        if (*c == ' ') *c = '-';
    (void)fprintf(f,
                  "#!/bin/sh\n"
                  "#SBATCH --job-name=engram-%s\n"
                  "#SBATCH --array=0-%lld\n"
                  "#SBATCH --ntasks=1\n"
                  "#SBATCH --cpus-per-task=%lld\n"
                  "#SBATCH --signal=B:TERM@60\n"
                  "#SBATCH --requeue\n"
                  "#SBATCH --open-mode=append\n"
                  "#SBATCH --output=slurm-%%A_%%a.log\n",
                  name, (long long)tasks - 1,
                  (long long)(s->jobs * s->threads));
    if (s->plan.bytes > 0)
        (void)fprintf(f, "#SBATCH --mem=%.0fM\n",
                      (1.25 * mib + 64) * (double)s->jobs);
    for (int i = 0; i < a->n_values; i++)
        if (strcmp(a->value[i].option->name, "sbatch") == 0)
            (void)fprintf(f, "#SBATCH %s\n", a->value[i].value);
}

static void put_body(FILE *f, const sweep_cli *s, const char *exe,
                     const char *here, const char *dir)
{
    const char *kern = cli_value(s->args, "kern");
    const char *journal = cli_value(s->args, "journal");

    (void)fputs("# Written by engram sweep --slurm. Each task takes points "
                "until none is left.\n"
                "cd ",
                f);
    put_word(f, here);
    (void)fputs(" || exit 1\nexec ", f);
    put_word(f, exe);
    (void)fputs(" sweep ", f);
    put_word(f, dir);
    (void)fprintf(f, " --resume --no-wait --jobs %lld --threads %lld",
                  (long long)s->jobs, (long long)s->threads);
    if (kern) {
        (void)fputs(" --kern ", f);
        put_word(f, kern);
    }
    if (journal) (void)fprintf(f, " --journal %s", journal);
    (void)fputs("\n", f);
}

/* Absolute paths: the task begins somewhere else. */
static int write_script(const sweep_cli *s, int64_t tasks, char *path,
                        size_t size)
{
    char exe[PATH_MAX], here[PATH_MAX], dir[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    eg_folder f;
    eg_outfile o;
    eg_err err = {0};
    eg_status st;

    if (n < 0 || !getcwd(here, sizeof here) ||
        !realpath(eg_sweep_dir(s->sweep), dir))
        return cli_fail(CLI_FAILED, "%s: %s", eg_sweep_dir(s->sweep),
                        strerror(errno));
    exe[n] = '\0';
    st = eg_folder_open(&f, dir, &err);
    if (st == EG_OK) st = eg_outfile_open_in(&o, &f, SCRIPT, &err);
    if (st == EG_OK) {
        put_head(o.f, s, tasks);
        put_body(o.f, s, exe, here, dir);
        st = eg_outfile_commit(&o, &err);
    }
    eg_folder_close(&f);
    (void)snprintf(path, size, "%s/" SCRIPT, eg_sweep_dir(s->sweep));
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

/* In the sweep's folder, where its logs then lie. */
static int submit(const sweep_cli *s)
{
    pid_t pid;
    int status = 0;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        if (chdir(eg_sweep_dir(s->sweep)) == 0)
            (void)execlp("sbatch", "sbatch", SCRIPT, (char *)NULL);
        _exit(errno == ENOENT ? 127 : 126);
    }
    if (pid < 0) return cli_fail(CLI_FAILED, "fork: %s", strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return CLI_DONE;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return cli_fail(CLI_FAILED, "--submit: there is no program sbatch");
    return cli_fail(CLI_FAILED,
                    "--submit: sbatch failed; the script stays in "
                    "%s",
                    eg_sweep_dir(s->sweep));
}

int sweep_slurm(const sweep_cli *s, int n_points)
{
    char path[EG_PATH + 16];
    int64_t tasks = 1;
    int code;

    if (!cli_int(s->args, "slurm", 1, 100000, &tasks)) return CLI_MISUSE;
    if (tasks > n_points) tasks = n_points;
    code = write_script(s, tasks, path, sizeof path);
    if (code != CLI_DONE) return code;
    if (cli_flag(s->args, "submit")) return submit(s);
    cli_print("%s", path);
    cli_say("hand it to Slurm: cd %s && sbatch " SCRIPT,
            eg_sweep_dir(s->sweep));
    return CLI_DONE;
}
