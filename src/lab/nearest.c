/* Which run did somebody mean who asked for one that is not there? */
#include "lab/lab_priv.h"

#include <string.h>
#include "engram/mem.h"
#include "base/buf.h"
#include "lab/run_priv.h"

enum { OF_ANOTHER_KIND = 1000 }; /* counts as so many keys */

static int distance(const eg_config *there, const eg_config *here)
{
    int n = eg_config_diff(there, here, NULL, NULL);

    if (there->run.kind != here->run.kind ||
        strcmp(there->run.theory, here->run.theory) != 0)
        n += OF_ANOTHER_KIND;
    return n;
}

static void put_key(void *ctx, const char *key, const char *there,
                    const char *here)
{
    egi_buf_add(ctx, "%s: %s there, %s here\n", key, there, here);
}

/* Of as many keys the one that can be gone on with, then the newest. */
static bool is_nearer(const eg_lab_near *best, int keys, int best_keys,
                      const char *status)
{
    bool over = strcmp(status, "finished") == 0;
    bool best_over = strcmp(best->status, "finished") == 0;

    if (!best->dir[0] || keys < best_keys) return true;
    return keys == best_keys && (!over || best_over);
}

bool egi_lab_nearest(eg_lab_near *near, const char *root, const eg_config *cfg)
{
    char(*dirs)[EG_PATH] = NULL;
    int n = 0, best = 0;
    eg_config *there = eg_calloc(1, sizeof *there);
    egi_buf keys = {0};

    *near = (eg_lab_near){.n_keys = 0};
    if (there) (void)egi_dirs_find(&dirs, &n, root, "config.yaml", NULL);
    for (int i = 0; i < n; i++) {
        eg_run_info info;
        eg_folder f;
        bool read = eg_folder_open(&f, dirs[i], NULL) == EG_OK &&
                    eg_config_load_run(there, &f, NULL) == EG_OK;
        int k;

        if (!read || egi_run_info_read(&info, &f, NULL) != EG_OK)
            info.status[0] = '\0';
        eg_folder_close(&f);
        if (!read) continue;
        k = distance(there, cfg);
        if (!is_nearer(near, k, best, info.status)) continue;
        best = k;
        snprintf(near->dir, sizeof near->dir, "%s", dirs[i]);
        snprintf(near->status, sizeof near->status, "%s", info.status);
        egi_buf_release(&keys);
        near->n_keys = eg_config_diff(there, cfg, put_key, &keys);
    }
    if (keys.n > 0) (void)egi_buf_take(&keys, &near->keys, NULL);
    egi_buf_release(&keys);
    eg_free(dirs);
    eg_free(there);
    return near->dir[0] != '\0';
}
