/* A run that ended before it began: nothing of it stays. What this process
 * made is removed, what was there before is left alone. */
#include "lab/run_priv.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

/* dir and all in it; links are removed, not followed. */
static void remove_tree(const char *dir)
{
    DIR *d = opendir(dir);

    if (!d) return;
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[EG_PATH];

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (egi_path(path, sizeof path, dir, e->d_name, NULL) != EG_OK)
            continue;
        if (unlink(path) != 0) remove_tree(path);
    }
    closedir(d);
    rmdir(dir);
}

void egi_run_begin(eg_run *run)
{
    run->begun = true;
}

bool egi_run_drop(eg_run *run)
{
    static const char *const file[] = {"config.yaml",   "run.json",
                                       "metrics.jsonl", "timing.jsonl",
                                       "log",           "lock"};
    char path[EG_PATH + 16];

    if (run->begun || !run->created) return false;
    if (run->made_dir) {
        remove_tree(run->dir);
        return true;
    }
    for (int i = 0; i < EGI_RUN_FOLDERS; i++)
        if (run->made_folder[i] && egi_path(path, sizeof path, run->dir,
                                            egi_run_folder[i], NULL) == EG_OK)
            remove_tree(path);
    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        if (egi_path(path, sizeof path, run->dir, file[i], NULL) == EG_OK)
            unlink(path);
    return true;
}
