/* checkpoints/: names, the newest, and the removal of old ones; and of what a
 * killed process left half written. The files themselves are written by the
 * trainer. */
#include "base/folder.h"
#include "nn/schedule.h"
#include "lab/run_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* step-<n>.safetensors -> n, or -1. */
int64_t egi_checkpoint_step(const char *name)
{
    char *end;
    long long n;

    if (strncmp(name, "step-", 5) != 0) return -1;
    if (name[5] < '0' || name[5] > '9') return -1;
    errno = 0;
    n = strtoll(name + 5, &end, 10);
    return errno == 0 && strcmp(end, ".safetensors") == 0 ? n : -1;
}

void egi_checkpoint_name(char buf[64], int64_t step)
{
    snprintf(buf, 64, "checkpoints/step-%lld.safetensors", (long long)step);
}

void eg_run_checkpoint_path(const eg_run *run, int64_t step, char *buf,
                            size_t size)
{
    char name[64];

    egi_checkpoint_name(name, step);
    snprintf(buf, size, "%s/%s", run->dir, name);
}

eg_status egi_checkpoint_below(int64_t *step, const eg_folder *run,
                               int64_t below, eg_err *err)
{
    eg_folder f;
    eg_status st;
    int64_t best = -1;
    DIR *d;

    *step = -1;
    if (!eg_folder_has(run, "checkpoints")) return EG_OK;
    st = eg_folder_sub(&f, run, "checkpoints", false, err);
    if (st != EG_OK) return st;
    d = egi_folder_list(&f);
    if (!d) st = EGI_FAIL_ERRNO(err, f.path);
    eg_folder_close(&f);
    if (!d) return st;
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        int64_t n = egi_checkpoint_step(e->d_name);

        if (n < 0 || n >= below) continue;
        if (n > best) best = n;
    }
    closedir(d);
    *step = best;
    return EG_OK;
}

eg_status eg_run_checkpoint_below(int64_t *step, const char *dir, int64_t below,
                                  eg_err *err)
{
    eg_folder f;
    eg_status st = eg_folder_open(&f, dir, err);

    *step = -1;
    if (st == EG_OK) st = egi_checkpoint_below(step, &f, below, err);
    eg_folder_close(&f);
    return st;
}

eg_status eg_run_last_checkpoint(int64_t *step, const char *dir, eg_err *err)
{
    return eg_run_checkpoint_below(step, dir, INT64_MAX, err);
}

void eg_run_prune(const eg_run *run, int keep)
{
    egi_run_prune(run, keep, 0);
}

void egi_run_prune(const eg_run *run, int keep, int64_t per_decade)
{
    const eg_folder *f = &run->folder;
    int64_t below = INT64_MAX;

    for (int i = 0; i < keep && below >= 0; i++)
        if (egi_checkpoint_below(&below, f, below, NULL) != EG_OK) return;
    while (below >= 0) {
        char name[64];

        (void)egi_checkpoint_below(&below, f, below, NULL);
        if (below < 0) break;
        if (egi_decade_has(per_decade, below)) continue;
        egi_checkpoint_name(name, below);
        (void)eg_folder_remove(f, name);
    }
}

/* A file of a run that is written under a temporary name? */
static bool is_ours(const char *name, size_t n)
{
    static const char *const end[] = {
        "config.yaml",     "run.json",    "metrics.jsonl",
        "timing.jsonl",    "report.html", "sums",
        EG_TOKENIZER_FILE, EGI_NOTES,     ".npy",
        ".safetensors",    ".csv",        ".sums"};

    if (strncmp(name, "config.", 7) == 0 && n > 12 &&
        memcmp(name + n - 5, ".yaml", 5) == 0) /* of a run that was extended */
        return true;
    for (size_t i = 0; i < sizeof end / sizeof *end; i++) {
        size_t m = strlen(end[i]);

        if (n >= m && memcmp(name + n - m, end[i], m) == 0 &&
            (n == m || end[i][0] == '.'))
            return true;
    }
    return false;
}

bool egi_is_unfinished_end(const char *s)
{
    static const char digit[] = "0123456789";
    const char *end = s + strspn(s, digit);

    if (end == s || *end != '-' || !end[1]) return false;
    return end[1 + strspn(end + 1, digit)] == '\0';
}

bool egi_is_unfinished(const char *name)
{
    static const char tmp[] = ".tmp-";
    const char *at = strstr(name, tmp);

    return at && is_ours(name, (size_t)(at - name)) &&
           egi_is_unfinished_end(at + sizeof tmp - 1);
}

eg_status egi_only_begun(bool *only, const eg_folder *f, eg_err *err)
{
    DIR *d = egi_folder_list(f);

    *only = d != NULL;
    if (!d) return EGI_FAIL_ERRNO(err, f->path);
    for (const struct dirent *e = readdir(d); e && *only; e = readdir(d))
        *only = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
                strcmp(e->d_name, "lock") == 0 ||
                (strncmp(e->d_name, "config.yaml.", 12) == 0 &&
                 egi_is_unfinished(e->d_name));
    closedir(d);
    return EG_OK;
}

static void sweep(const eg_folder *f)
{
    DIR *d = f->fd >= 0 ? egi_folder_list(f) : NULL;

    if (!d) return;
    for (const struct dirent *e = readdir(d); e; e = readdir(d))
        if (egi_is_unfinished(e->d_name)) (void)eg_folder_remove(f, e->d_name);
    closedir(d);
}

void egi_run_sweep(const eg_run *run)
{
    sweep(&run->folder);
    for (int i = 0; i < EGI_RUN_FOLDERS; i++) sweep(&run->sub[i]);
}
