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

typedef struct told {
    egi_buf text;
    int n_fixed;
} told;

static void put_key(void *ctx, const char *key, const char *there,
                    const char *here)
{
    told *k = ctx;
    bool may = eg_config_may_change(key);

    k->n_fixed += !may;
    egi_buf_add(&k->text, "%s: %s there, %s here%s\n", key, there, here,
                may ? "; it may change" : "");
}

/* The configuration of the run at dir, and what became of it. */
static bool read_run(eg_config *there, char status[32], const char *dir)
{
    eg_run_info info;
    eg_folder f;
    bool read = eg_folder_open(&f, dir, NULL) == EG_OK &&
                eg_config_load_run(there, &f, NULL) == EG_OK;

    if (!read || egi_run_info_read(&info, &f, NULL) != EG_OK)
        info.status[0] = '\0';
    snprintf(status, 32, "%s", info.status);
    eg_folder_close(&f);
    return read;
}

/* Fills near, and releases what it held. */
static void describe(eg_lab_near *near, const char *dir, const char *status,
                     const eg_config *there, const eg_config *cfg)
{
    told k = {.n_fixed = 0};
    int n = eg_config_diff(there, cfg, put_key, &k);

    eg_free(near->keys);
    *near = (eg_lab_near){.n_keys = n, .n_fixed = k.n_fixed};
    snprintf(near->dir, sizeof near->dir, "%s", dir);
    snprintf(near->status, sizeof near->status, "%s", status);
    if (k.text.n > 0) (void)egi_buf_take(&k.text, &near->keys, NULL);
    egi_buf_release(&k.text);
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
    char(*dirs)[EG_PATH] = NULL, status[32];
    int n = 0, best = 0;
    eg_config *there = eg_calloc(1, sizeof *there);

    *near = (eg_lab_near){.n_keys = 0};
    if (there) (void)egi_dirs_find(&dirs, &n, root, "config.yaml", NULL);
    for (int i = 0; i < n; i++) {
        int k;

        if (!read_run(there, status, dirs[i])) continue;
        k = distance(there, cfg);
        if (!is_nearer(near, k, best, status)) continue;
        best = k;
        describe(near, dirs[i], status, there, cfg);
    }
    eg_free(dirs);
    eg_free(there);
    return near->dir[0] != '\0';
}

bool egi_lab_compare(eg_lab_near *near, const char *dir, const eg_config *cfg)
{
    char status[32];
    eg_config *there = eg_calloc(1, sizeof *there);

    *near = (eg_lab_near){.n_keys = 0};
    if (there && read_run(there, status, dir))
        describe(near, dir, status, there, cfg);
    eg_free(there);
    return near->dir[0] != '\0';
}
