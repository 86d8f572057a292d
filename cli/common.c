/* What several commands do alike: configurations, folders, runs. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "engram/mem.h"
#include "engram/verify.h"

const char *cli_runs_root(const cli_args *a)
{
    const char *root = cli_value(a, "runs");

    return root ? root : "runs";
}

bool cli_is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* --seed in the words of run.seed; seed is left as it is without one. */
static bool read_seed(const cli_args *a, int64_t *seed)
{
    const char *text = cli_value(a, "seed");
    eg_run_opts o;
    eg_err err = {0};

    if (!text) return true;
    if (eg_field_parse(eg_field_find(eg_run_fields, "seed"), &o, text, &err) !=
        EG_OK) {
        cli_fail(CLI_MISUSE, "--%s", err.msg);
        return false;
    }
    *seed = o.seed;
    return true;
}

static void warn_of_config(void *ctx, const eg_finding *f)
{
    const char *const *dir = ctx;

    if (f->sound == EG_DAMAGED && strcmp(f->file, "config.yaml") == 0)
        (void)cli_fail(CLI_FAILED, "warning: %s/config.yaml: %s", *dir, f->why);
}

void cli_warn_config(const char *dir)
{
    eg_err unread = {0};

    if (eg_folder_holds(dir, "run.json"))
        (void)eg_run_verify(dir, EG_VERIFY_RECORD, warn_of_config, &dir,
                            &unread);
}

/* The configuration of a run: one that is not what the run wrote is taken, as
 * its user may mean it, but not without a word. */
static eg_status load_run(eg_config *cfg, const char *dir, eg_err *err)
{
    eg_folder run;
    eg_status st = eg_folder_open(&run, dir, err);

    if (st == EG_OK) st = eg_config_load_run(cfg, &run, err);
    eg_folder_close(&run);
    if (st == EG_OK) cli_warn_config(dir);
    return st;
}

int cli_config(const cli_args *a, const char *file, eg_config *cfg)
{
    eg_err err = {0};
    eg_status st;
    int64_t seed = -1;

    if (!read_seed(a, &seed)) return CLI_MISUSE;
    if (!file)
        st = EG_OK;
    else if (cli_is_folder(file))
        st = load_run(cfg, file, &err);
    else
        st = eg_config_load(cfg, file, &err);
    for (int i = 0; st == EG_OK && i < a->n_values; i++) {
        eg_err why = {0};

        if (strcmp(a->value[i].option->name, "set") != 0) continue;
        st = eg_config_set(cfg, a->value[i].value, &why);
        if (st != EG_OK) st = EG_FAIL(&err, st, "--set %s", why.msg);
    }
    if (st != EG_OK) return cli_error(st, &err);
    if (seed >= 0) cfg->run.seed = seed;
    return CLI_DONE;
}

int cli_pool(const cli_args *a, eg_pool **pool)
{
    return cli_pool_of(a, 0, pool);
}

int cli_pool_of(const cli_args *a, int64_t threads, eg_pool **pool)
{
    eg_err err = {0};
    eg_status st;

    *pool = NULL;
    if (!cli_int(a, "threads", 1, 1024, &threads)) return CLI_MISUSE;
    st = eg_pool_new(pool, (int)threads, &err);
    return st == EG_OK ? CLI_DONE : cli_error(st, &err);
}

bool cli_experiments(const cli_args *a, char dir[EG_PATH])
{
    const char *given = cli_value(a, "experiments");
    char exe[EG_PATH] = "", *slash;
    ssize_t n;

    if (!given) given = getenv("ENGRAM_EXPERIMENTS");
    if (given) {
        snprintf(dir, EG_PATH, "%s", given);
        return true;
    }
    snprintf(dir, EG_PATH, "experiments");
    if (cli_is_folder(dir)) return true;
    n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    slash = n > 0 ? strrchr(exe, '/') : NULL;
    if (slash) {
        *slash = '\0';
        snprintf(dir, EG_PATH, "%.900s/../experiments", exe);
        if (cli_is_folder(dir)) return true;
        snprintf(dir, EG_PATH, "%.900s/../share/engram/experiments", exe);
        if (cli_is_folder(dir)) return true;
    }
    cli_fail(CLI_FAILED, "no folder 'experiments' here, beside the program or "
                         "installed; --experiments DIR names it");
    return false;
}
