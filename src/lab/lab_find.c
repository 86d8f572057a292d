/* Runs that are there already of a configuration, or nearly of it. */
#include "lab/lab_open.h"

#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "lab/lab_priv.h"
#include "lab/read_sums.h"
#include "lab/run_priv.h"

/* Is the run at dir of that configuration, and over or not as asked? One that
 * cannot be read is not; EG_ENOMEM. saved: to read into. */
static eg_status is_of(bool *is, const char *dir, const eg_config *cfg,
                       bool finished, eg_config *saved, eg_err *err)
{
    eg_run_info info;
    eg_folder f;
    eg_status st = eg_folder_open(&f, dir, err);

    if (st == EG_OK) st = egi_run_info_read(&info, &f, err);
    if (st == EG_OK && (strcmp(info.status, "finished") == 0) == finished) {
        st = eg_config_load_run(saved, &f, err);
        *is = st == EG_OK && eg_config_same(saved, cfg);
    }
    eg_folder_close(&f);
    return st == EG_ENOMEM ? st : EG_OK;
}

eg_status egi_lab_find(bool *found, char dir[EG_PATH], const char *root,
                       const eg_config *cfg, bool finished, eg_err *err)
{
    char(*dirs)[EG_PATH] = NULL, folder[EG_PATH];
    int n = 0;
    eg_config *saved = eg_calloc(1, sizeof *saved);
    eg_status st = EG_OK;

    *found = false;
    if (!saved)
        st = EG_FAIL(err, EG_ENOMEM, "run: out of memory");
    else if ((size_t)snprintf(folder, sizeof folder, "%s/%s", root,
                              cfg->run.name) < sizeof folder)
        st = eg_runs_find(&dirs, &n, folder, err);
    if (st != EG_ENOMEM) st = EG_OK; /* what cannot be listed holds none */
    for (int i = n - 1; i >= 0 && !*found && st == EG_OK; i--) {
        st = is_of(found, dirs[i], cfg, finished, saved, err);
        if (*found) snprintf(dir, EG_PATH, "%s", dirs[i]);
    }
    eg_free(dirs);
    eg_free(saved);
    return st;
}

eg_status egi_lab_inputs(egi_inputs *in, eg_config **taken,
                         const eg_config *cfg, eg_err *err)
{
    *taken = eg_calloc(1, sizeof **taken);
    if (!*taken) return EG_FAIL(err, EG_ENOMEM, "run: out of memory");
    **taken = *cfg;
    return cfg->run.kind == EG_RUN_FLOW ? egi_inputs_take(in, *taken, err)
                                        : egi_read_sums(*taken, NULL, err);
}

eg_status eg_lab_find(bool *found, char dir[EG_PATH], const char *root,
                      const eg_config *cfg, bool finished, eg_err *err)
{
    egi_inputs in = {0};
    eg_config *taken;
    eg_status st = egi_lab_inputs(&in, &taken, cfg, err);

    *found = false;
    if (st == EG_OK) st = egi_lab_find(found, dir, root, taken, finished, err);
    egi_inputs_release(&in);
    eg_free(taken);
    return st;
}

typedef bool (*near_fn)(eg_lab_near *near, const char *where,
                        const eg_config *cfg);

static bool look_near(near_fn fn, eg_lab_near *near, const char *where,
                      const eg_config *cfg)
{
    egi_inputs in = {0};
    eg_config *taken;
    bool found = egi_lab_inputs(&in, &taken, cfg, NULL) == EG_OK &&
                 fn(near, where, taken);

    if (!found) *near = (eg_lab_near){.n_keys = 0};
    egi_inputs_release(&in);
    eg_free(taken);
    return found;
}

bool eg_lab_nearest(eg_lab_near *near, const char *root, const eg_config *cfg)
{
    return look_near(egi_lab_nearest, near, root, cfg);
}

bool eg_lab_compare(eg_lab_near *near, const char *dir, const eg_config *cfg)
{
    return look_near(egi_lab_compare, near, dir, cfg);
}
