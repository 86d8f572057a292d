/* Which runs a word stands for. */
#include "cli.h"

#include <string.h>
#include "engram/mem.h"

/* Is it the folder of a run? One that is there and cannot be opened is an
 * error, whatever the reason. */
static int is_run(bool *is, const char *dir)
{
    eg_folder f;
    eg_err err = {0};
    eg_status st;

    *is = false;
    if (!cli_is_folder(dir)) return CLI_DONE;
    st = eg_folder_open(&f, dir, &err);
    if (st != EG_OK) return cli_error(st, &err);
    *is = eg_folder_has(&f, "run.json");
    eg_folder_close(&f);
    return CLI_DONE;
}

int cli_find_run(const char *root, const char *word, char dir[EG_PATH])
{
    char(*dirs)[EG_PATH] = NULL;
    char by_name[EG_PATH + 2], by_id[EG_PATH + 2];
    int n = 0, code;
    bool found = false;
    eg_err err = {0};
    eg_status st;

    snprintf(dir, EG_PATH, "%s", word);
    code = is_run(&found, dir);
    if (code != CLI_DONE || found) return code;
    snprintf(dir, EG_PATH, "%s/%s", root, word);
    code = is_run(&found, dir);
    if (code != CLI_DONE || found) return code;
    st = eg_runs_find(&dirs, &n, root, &err);
    if (st != EG_OK) return cli_error(st, &err);
    snprintf(by_name, sizeof by_name, "/%.1000s/", word);
    snprintf(by_id, sizeof by_id, "/%.1000s", word);
    for (int i = n - 1; i >= 0 && !found; i--) { /* newest of a name first */
        size_t len = strlen(dirs[i]), tail = strlen(by_id);

        found = strstr(dirs[i] + strlen(root), by_name) ||
                (len > tail && strcmp(dirs[i] + len - tail, by_id) == 0);
        if (found) snprintf(dir, EG_PATH, "%s", dirs[i]);
    }
    eg_free(dirs);
    if (found) return CLI_DONE;
    return cli_fail(CLI_MISUSE,
                    "no run '%s' under %s; `engram runs` lists them", word,
                    root);
}

bool cli_paths_add(cli_paths *p, const char *path)
{
    int n;

    if (p->n == p->cap) {
        int cap = p->cap ? 2 * p->cap : 16;
        char(*more)[EG_PATH] = eg_realloc(p->path, (size_t)cap * sizeof *more);

        if (!more) return false;
        p->path = more;
        p->cap = cap;
    }
    n = snprintf(p->path[p->n], EG_PATH, "%s", path);
    while (n > 1 && n < EG_PATH && p->path[p->n][n - 1] == '/')
        p->path[p->n][--n] = '\0';
    p->n++;
    return true;
}

/* ---- all runs of a folder -------------------------------------------------
 */

typedef struct seen {
    char *config; /* its text; NULL: none */
    size_t size;
    int run;
    bool finished;
} seen;

/* Reads what there is to know of run i; one that is damaged has less to say.
 * EG_ENOMEM. */
static eg_status look(seen *new, const char *dir, int i, eg_err *err)
{
    eg_folder f;
    eg_run_info info;
    eg_status st = eg_folder_open(&f, dir, err);

    *new = (seen){.run = i};
    if (st == EG_OK)
        st = eg_file_read_in(&new->config, &new->size, &f, "config.yaml",
                             1 << 22, err);
    eg_folder_close(&f);
    if (st != EG_ENOMEM) st = eg_run_info_read(&info, dir, err);
    new->finished = st == EG_OK &&strcmp(info.status, "finished") == 0;
    return st == EG_ENOMEM ? st : EG_OK;
}

/* Adds a run, which is older than all that were added before, unless there is
 * one of its configuration: true. */
static bool has_newer(seen *s, int *n, seen *new)
{
    for (int k = 0; new->config &&k < *n; k++) {
        if (!s[k].config || s[k].size != new->size ||
            memcmp(s[k].config, new->config, new->size) != 0)
            continue;
        if (!s[k].finished && new->finished) {
            s[k].run = new->run;
            s[k].finished = true;
        }
        eg_free(new->config);
        return true;
    }
    s[(*n)++] = *new;
    return false;
}

/* The newest of each configuration and seed, oldest first. */
static int add_all(cli_paths *p, char (*dirs)[EG_PATH], int n,
                   const char *folder)
{
    seen *s = eg_calloc((size_t)n, sizeof *s);
    bool *keep = eg_calloc((size_t)n, sizeof *keep);
    int kept = 0, older = 0;
    bool ok = s && keep;
    eg_err err = {0};

    for (int i = n - 1; ok && i >= 0; i--) {
        seen new;

        ok = look(&new, dirs[i], i, &err) == EG_OK;
        if (ok)
            older += has_newer(s, &kept, &new);
        else
            eg_free(new.config);
    }
    for (int k = 0; k < kept; k++) {
        keep[s[k].run] = true;
        eg_free(s[k].config);
    }
    for (int i = 0; ok && i < n; i++)
        if (keep[i]) ok = cli_paths_add(p, dirs[i]);
    eg_free(s);
    eg_free(keep);
    if (!ok) return cli_fail(CLI_FAILED, "out of memory");
    if (older)
        cli_say("%s: %d runs; %d more have a newer one of the same "
                "configuration and seed",
                folder, kept, older);
    else if (kept > 1)
        cli_say("%s: %d runs", folder, kept);
    return CLI_DONE;
}

/* Something to draw by itself, be it damaged. */
static bool is_one(const char *path)
{
    static const char *const file[] = {"run.json", "config.yaml",
                                       "metrics.jsonl", "claims.json"};

    if (!cli_is_folder(path)) return true;
    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        if (eg_folder_holds(path, file[i])) return true;
    return false;
}

bool cli_names_runs(const char *root, const char *word)
{
    char dir[EG_PATH];
    int n = snprintf(dir, sizeof dir, "%s/%s", root, word);

    return word[0] != '\0' && n >= 0 && n < EG_PATH && cli_is_folder(dir);
}

/* there: word is a path, not a name. */
static int find_runs(cli_paths *p, const char *root, const char *word,
                     bool there, char folder[EG_PATH])
{
    char(*dirs)[EG_PATH] = NULL, dir[EG_PATH];
    int n = 0, code = CLI_DONE;
    eg_err err = {0};
    eg_status st = EG_OK;

    n = there ? snprintf(dir, sizeof dir, "%s", word)
              : snprintf(dir, sizeof dir, "%s/%s", root, word);
    if (n < 0 || n >= EG_PATH)
        return cli_fail(CLI_MISUSE, "path too long: %s", word);
    n = 0;
    if (cli_is_folder(dir) && !is_one(dir))
        st = eg_runs_find(&dirs, &n, dir, &err);
    if (st != EG_OK) {
        code = cli_error(st, &err);
    } else if (n > 0) {
        if (n > 1) snprintf(folder, EG_PATH, "%s", dir);
        code = add_all(p, dirs, n, dir);
    } else if (there && !is_one(dir)) {
        code = cli_names_runs(root, word)
                   ? find_runs(p, root, word, false, folder)
                   : cli_fail(CLI_MISUSE, "%s: holds no run and no claims.json",
                              word);
    } else {
        if (!there) code = cli_find_run(root, word, dir);
        if (code == CLI_DONE && !cli_paths_add(p, dir))
            code = cli_fail(CLI_FAILED, "out of memory");
    }
    eg_free(dirs);
    return code;
}

int cli_find_runs(cli_paths *p, const char *root, const char *word,
                  char folder[EG_PATH])
{
    return find_runs(p, root, word, eg_file_exists(word), folder);
}
