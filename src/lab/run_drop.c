/* A run that ended before it began: nothing of it stays. What this process
 * made is removed, what was there before is left alone. */
#include "base/folder.h"
#include "lab/run_priv.h"

#include <string.h>

void egi_run_begin(eg_run *run)
{
    run->begun = true;
}

/* The files in arrays or checkpoints, which this process made. */
static void remove_files(const eg_folder *f)
{
    DIR *d = egi_folder_list(f);

    if (!d) return;
    for (const struct dirent *e = readdir(d); e; e = readdir(d))
        (void)eg_folder_remove(f, e->d_name);
    (void)closedir(d);
}

/* A folder goes only when nothing else has come into it. */
static void remove_made(eg_run *run)
{
    const struct {
        const char *name;
        bool made;
    } file[] = {{"config.yaml", true},
                {"run.json", true},
                {run->metrics.name, run->metrics.f != NULL},
                {run->metrics.sums_name, run->metrics.sums.fd >= 0},
                {run->timing.name, run->timing.f != NULL},
                {run->timing.sums_name, run->timing.sums.fd >= 0},
                {"log", run->log != NULL}};

    for (int i = 0; i < EGI_RUN_FOLDERS; i++) {
        eg_folder *f = &run->sub[i];

        if (f->fd < 0 || f->found == strlen(f->path)) continue;
        remove_files(f);
        eg_folder_unmake(f);
    }
    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        if (file[i].made) (void)eg_folder_remove(&run->folder, file[i].name);
}

bool egi_run_drop(eg_run *run)
{
    if (run->begun || (run->entered && !run->created)) return false;
    if (run->created) remove_made(run);
    if (run->made_lock && run->lock >= 0)
        (void)eg_folder_remove(&run->folder, "lock");
    if (run->resumed == 0) {
        eg_folder_unmake(&run->folder);
        eg_folder_unmake(&run->parent);
    }
    return true;
}
