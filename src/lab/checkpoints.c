/* checkpoints/: names, the newest, and the removal of old ones; and of what a
 * killed process left half written. The files themselves are written by the
 * trainer. */
#include "lab/run_priv.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* step-<n>.safetensors -> n, or -1. */
static int64_t step_of(const char *name)
{
    char *end;
    long long n;

    if (strncmp(name, "step-", 5) != 0) return -1;
    if (name[5] < '0' || name[5] > '9') return -1;
    n = strtoll(name + 5, &end, 10);
    return strcmp(end, ".safetensors") == 0 ? n : -1;
}

void eg_run_checkpoint_path(const eg_run *run, int64_t step, char *buf,
                            size_t size)
{
    snprintf(buf, size, "%s/checkpoints/step-%lld.safetensors", run->dir,
             (long long)step);
}

/* The newest checkpoint older than below, or -1. */
static int64_t newest_below(const char *dir, int64_t below)
{
    char path[EG_PATH + 16];
    int64_t best = -1;
    DIR *d;

    if (egi_path(path, sizeof path, dir, "checkpoints", NULL) != EG_OK)
        return -1;
    d = opendir(path);
    if (!d) return -1;
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        int64_t n = step_of(e->d_name);

        if (n < 0 || n >= below) continue;
        if (n > best) best = n;
    }
    closedir(d);
    return best;
}

int64_t eg_run_last_checkpoint(const char *dir)
{

    return newest_below(dir, INT64_MAX);
}

void eg_run_prune(const eg_run *run, int keep)
{
    int64_t below = INT64_MAX;

    for (int i = 0; i < keep && below >= 0; i++)
        below = newest_below(run->dir, below);
    while (below >= 0) {
        char path[EG_PATH + 64];

        below = newest_below(run->dir, below);
        if (below < 0) break;
        eg_run_checkpoint_path(run, below, path, sizeof path);
        unlink(path);
    }
}

/* Unfinished files are called <name>.tmp-<pid>-<n> (engram/file.h). */
static void sweep(const char *dir)
{
    DIR *d = opendir(dir);

    if (!d) return;
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[EG_PATH];

        if (!strstr(e->d_name, ".tmp-")) continue;
        if (egi_path(path, sizeof path, dir, e->d_name, NULL) == EG_OK)
            unlink(path);
    }
    closedir(d);
}

void egi_run_sweep(const eg_run *run)
{
    static const char *const folder[] = {".", "arrays", "checkpoints"};

    for (int i = 0; i < 3; i++) {
        char path[EG_PATH];

        if (egi_path(path, sizeof path, run->dir, folder[i], NULL) == EG_OK)
            sweep(path);
    }
}
