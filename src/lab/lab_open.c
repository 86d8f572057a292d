/* The directory of a run: a new one, or that of a run to go on with. */
#include "lab/lab_open.h"

#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "lab/extend.h"
#include "lab/run_priv.h"

/* Was the run finished before? Then there is nothing to do. EG_ENOMEM. */
static eg_status was_finished(bool *was, eg_lab_result *out, const char *dir,
                              eg_err *err)
{
    eg_run_info info;
    eg_status st = eg_run_info_read(&info, dir, err);

    *was = st == EG_OK && strcmp(info.status, "finished") == 0;
    if (!*was) return st == EG_ENOMEM ? st : EG_OK;
    *out = (eg_lab_result){.outcome = EG_FINISHED,
                           .untouched = true,
                           .stopped_early = info.stopped_early,
                           .steps_done = info.steps_done,
                           .seconds = info.seconds,
                           .tokens_per_s = info.tokens_per_s,
                           .evaluations = info.evaluations,
                           .solver_steps = info.solver_steps,
                           .announced_bytes = info.announced_bytes,
                           .peak_bytes = info.peak_bytes};
    snprintf(out->dir, sizeof out->dir, "%s", dir);
    snprintf(out->reason, sizeof out->reason, "%s", info.reason);
    return EG_OK;
}

/* What is not done again should at least be what was asked for, and was
 * done. */
static eg_status check_finished(const char *dir, const eg_config *cfg,
                                eg_err *err)
{
    eg_folder f;
    eg_err why = {0};
    eg_status st;

    EG_TRY(eg_folder_open(&f, dir, err));
    st = egi_run_sound(dir, &why);
    if (st == EG_OK)
        st = egi_run_same_config(&f, cfg, NULL, false, err);
    else
        st = EG_FAIL(err, st,
                     "%s is finished, but %.*s; `engram verify` looks at all "
                     "of it",
                     dir, eg_text_fit(why.msg, 300), why.msg);
done:
    eg_folder_close(&f);
    return st;
}

/* The directory of the run to go on with; unfinished ones first. */
static eg_status find_again(bool *found, char dir[EG_PATH],
                            const eg_config *cfg, const char *root, eg_err *err)
{
    eg_status st = egi_lab_find(found, dir, root, cfg, false, err);

    return st == EG_OK && !*found
               ? egi_lab_find(found, dir, root, cfg, true, err)
               : st;
}

static eg_status none_found(eg_lab_result *out, const char *root, eg_err *err)
{
    out->unmatched = true;
    return EG_FAIL(err, EG_EINVAL,
                   "no run of this configuration under %s to go on with; "
                   "nothing was done",
                   root);
}

/* Does opts->dir hold one? */
static eg_status check_there(const char *dir, const char *option, eg_err *err)
{
    if (eg_folder_holds(dir, "config.yaml")) return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "%s holds no run to go on with; without %s one begins there",
                   dir, option);
}

/* Goes on with the run at dir; *run NULL: it was finished before, maybe while
 * its lock was waited for. */
static eg_status go_on(eg_run **run, eg_lab_result *out, const char *dir,
                       const eg_config *cfg, bool go_back, eg_err *err)
{
    bool is = false;
    eg_status st = EG_OK;

    do {
        if (!go_back) EG_TRY(was_finished(&is, out, dir, err));
        if (is) return check_finished(dir, cfg, err);
        EG_TRY(egi_run_open(run, dir, cfg, err));
    } while (!go_back && egi_run_leave_finished(run));
done:
    return st;
}

static eg_status create(eg_run **run, const char *root, bool begun,
                        const eg_config *cfg, const eg_lab_opts *opts,
                        eg_err *err)
{
    const egi_run_place at = {.root = root,
                              .dir = opts->dir,
                              .begun = begun,
                              .sweep = opts->sweep,
                              .point = opts->point};

    return egi_run_create(run, &at, cfg, err);
}

static eg_status open_again(eg_run **run, eg_lab_result *out,
                            const eg_config *cfg, const char *root,
                            const eg_lab_opts *opts, eg_err *err)
{
    char found[EG_PATH];
    const char *dir = opts->dir ? opts->dir : found;
    bool is = true;
    eg_status st = EG_OK;

    if (!opts->dir) {
        EG_TRY(find_again(&is, found, cfg, root, err));
        if (!is) return none_found(out, root, err);
    } else if (!eg_folder_holds(dir, "config.yaml") &&
               eg_folder_holds(dir, "lock")) {
        return create(run, NULL, true, cfg, opts, err); /* killed so early */
    } else {
        EG_TRY(check_there(dir, "--resume", err));
    }
    st = go_on(run, out, dir, cfg, opts->go_back, err);
done:
    return st;
}

/* Is the configuration at dir that one, whatever else there is? */
static eg_status has_config(bool *is, const char *dir, const eg_config *cfg,
                            eg_err *err)
{
    eg_config *saved = eg_calloc(1, sizeof *saved);
    eg_folder f = {.fd = -1};
    eg_status st;

    *is = false;
    if (!saved) return EG_FAIL(err, EG_ENOMEM, "run: out of memory");
    EG_TRY(eg_folder_open(&f, dir, err));
    EG_TRY(eg_config_load_run(saved, &f, err));
    *is = eg_config_same(saved, cfg);
done:
    eg_folder_close(&f);
    eg_free(saved);
    return st;
}

/* The run of configuration cfg, to go on as `longer`; if it is that already, it
 * is gone on with. */
static eg_status open_longer(eg_run **run, eg_lab_result *out,
                             const eg_config *cfg, const eg_config *longer,
                             const char *root, const eg_lab_opts *opts,
                             eg_err *err)
{
    char found[EG_PATH];
    const char *dir = opts->dir ? opts->dir : found;
    bool is = false, there = opts->dir != NULL;
    eg_status st = EG_OK;

    if (opts->dir) {
        EG_TRY(check_there(dir, "--extend", err));
        EG_TRY(has_config(&is, dir, longer, err));
    } else {
        EG_TRY(find_again(&there, found, cfg, root, err));
        if (!there) {
            EG_TRY(find_again(&there, found, longer, root, err));
            is = there;
        }
        if (!there) return none_found(out, root, err);
    }
    if (is) return go_on(run, out, dir, longer, false, err);
    EG_TRY(egi_run_open(run, dir, cfg, err));
    st = egi_run_extend(*run, cfg, longer, err);
    if (st == EG_OK) return EG_OK;
    (void)egi_run_drop(*run);
    eg_run_close(*run);
    *run = NULL;
done:
    return st;
}

/* The run of cfg, which becomes what it is extended to. */
static eg_status open_extended(eg_run **run, eg_lab_result *out, eg_config *cfg,
                               const char *root, const eg_lab_opts *opts,
                               eg_err *err)
{
    eg_config *before = eg_calloc(1, sizeof *before);
    bool longer;
    eg_status st;

    if (!before) return EG_FAIL(err, EG_ENOMEM, "run: out of memory");
    *before = *cfg;
    EG_TRY(egi_config_extend(cfg, opts->extend, &longer, err));
    EG_TRY(open_longer(run, out, before, cfg, root, opts, err));
done:
    eg_free(before);
    return st;
}

eg_status egi_lab_open(eg_run **run, eg_lab_result *out, eg_config *cfg,
                       const char *root, const eg_lab_opts *opts, eg_err *err)
{
    if (opts->extend) return open_extended(run, out, cfg, root, opts, err);
    if (opts->resume) return open_again(run, out, cfg, root, opts, err);
    return create(run, root, false, cfg, opts, err);
}
