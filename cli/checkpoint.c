/* A trained model named on the command line. */
#include "cli.h"

#include <string.h>

#include "engram/mem.h"

/* Is it a path and not the name of a run? Shards and runs are often called
 * alike: a folder without a model in it gives way to the runs of its name. */
static bool is_path(const cli_args *a, const char *word)
{
    if (!cli_is_folder(word)) return eg_file_exists(word);
    if (eg_folder_holds(word, "run.json")) return false;
    return eg_folder_holds(word, "config.json") ||
           eg_folder_holds(word, "model.safetensors") ||
           !cli_names_runs(cli_runs_root(a), word);
}

/* A path that is there, or the run of that name. */
static int place_of(const cli_args *a, const char *word, char path[EG_PATH])
{
    if (strlen(word) >= EG_PATH)
        return cli_fail(CLI_MISUSE, "path too long: %s", word);
    if (!is_path(a, word)) return cli_find_run(cli_runs_root(a), word, path);
    eg_text_copy(path, EG_PATH, word);
    return CLI_DONE;
}

/* The values of --set, in their order: fills item, gives their number. */
static int assignments(const cli_args *a, const char **item)
{
    int n = 0;

    for (int i = 0; i < a->n_values; i++)
        if (strcmp(a->value[i].option->name, "set") == 0)
            item[n++] = a->value[i].value;
    return n;
}

int cli_checkpoint(const cli_args *a, const char *word, const char *config,
                   int n_ctx, eg_checkpoint *out)
{
    return cli_checkpoint_as(
        a, word, (eg_checkpoint_how){.config = config, .n_ctx = n_ctx}, out);
}

int cli_checkpoint_as(const cli_args *a, const char *word,
                      eg_checkpoint_how how, eg_checkpoint *out)
{
    char path[EG_PATH];
    const char **item, *config = how.config;
    int64_t seed = 0;
    eg_err err = {0};
    eg_status st;
    int code = place_of(a, word, path);

    *out = (eg_checkpoint){0};
    if (code != CLI_DONE) return code;
    if (!cli_int(a, "seed", 0, EG_SEED_MAX, &seed)) return CLI_MISUSE;
    how.seed = seed;
    how.allow_extra = cli_flag(a, "allow-extra");
    item = eg_calloc((size_t)a->n_values + 1, sizeof *item);
    if (!item) return cli_fail(CLI_FAILED, "out of memory");
    how.n_assign = assignments(a, item);
    how.assign = item;
    if (cli_is_folder(config ? config : path))
        cli_warn_config(config ? config : path);
    st = eg_checkpoint_open(out, path, &how, &err);
    eg_free((void *)item);
    if (st != EG_OK) return cli_error(st, &err);
    if (cli_value(a, "seed")) out->config->run.seed = seed;
    if (out->note[0]) cli_note(NULL, out->note);
    return CLI_DONE;
}
