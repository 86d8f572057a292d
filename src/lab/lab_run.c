/* From a configuration to a finished run directory. */
#include "lab/lab_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "engram/kern.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/extend.h"
#include "lab/flow_priv.h"
#include "lab/run_priv.h"
#include "lab/train_ranks.h"
#include "lab/read_sums.h"

const char *eg_outcome_name(eg_outcome o)
{
    static const char *const name[] = {"finished", "interrupted", "diverged"};

    return name[o];
}

eg_progress egi_no_news(const char *label)
{
    const double no = (double)NAN;

    return (eg_progress){
        .label = label, .loss = no, .t = no, .tokens_per_s = no, .eta = no};
}

static bool is_finished(const eg_run_info *info)
{
    return strcmp(info->status, "finished") == 0;
}

/* Is the run at dir of that configuration, and over or not as asked? One that
 * cannot be read is not; EG_ENOMEM. saved: to read into. */
static eg_status is_of(bool *is, const char *dir, const eg_config *cfg,
                       bool finished, eg_config *saved, eg_err *err)
{
    eg_run_info info;
    eg_folder f;
    eg_status st = eg_folder_open(&f, dir, err);

    if (st == EG_OK) st = egi_run_info_read(&info, &f, err);
    if (st == EG_OK && is_finished(&info) == finished) {
        st = eg_config_load_run(saved, &f, err);
        *is = st == EG_OK && eg_config_same(saved, cfg);
    }
    eg_folder_close(&f);
    return st == EG_ENOMEM ? st : EG_OK;
}

/* The newest run in folder/<name> whose configuration is cfg; EG_ENOMEM. */
static eg_status find(bool *found, char dir[EG_PATH], const char *root,
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

/* The files of a flow read, and named in *taken as its run directory will name
 * them; of a training run their checksums. *taken is released with eg_free. */
static eg_status take_inputs(egi_inputs *in, eg_config **taken,
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
    eg_status st = take_inputs(&in, &taken, cfg, err);

    *found = false;
    if (st == EG_OK) st = find(found, dir, root, taken, finished, err);
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
    bool found =
        take_inputs(&in, &taken, cfg, NULL) == EG_OK && fn(near, where, taken);

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

/* Was the run finished before? Then there is nothing to do. EG_ENOMEM. */
static eg_status was_finished(bool *was, eg_lab_result *out, const char *dir,
                              eg_err *err)
{
    eg_run_info info;
    eg_status st = eg_run_info_read(&info, dir, err);

    *was = st == EG_OK && is_finished(&info);
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
    eg_status st = find(found, dir, root, cfg, false, err);

    return st == EG_OK && !*found ? find(found, dir, root, cfg, true, err) : st;
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

/* Opens what opts ask for: a given or new directory, or one to go on with. */
static eg_status open_run(eg_run **run, eg_lab_result *out, eg_config *cfg,
                          const char *root, const eg_lab_opts *opts,
                          eg_err *err)
{
    if (opts->extend) return open_extended(run, out, cfg, root, opts, err);
    if (opts->resume) return open_again(run, out, cfg, root, opts, err);
    return create(run, root, false, cfg, opts, err);
}

static eg_status carry_out(eg_lab_result *out, eg_run_facts *facts, eg_run *run,
                           const eg_config *cfg, const egi_inputs *in,
                           const eg_lab_opts *opts, eg_err *err)
{
    eg_status st = egi_inputs_write(in, run, err);

    if (st != EG_OK) return st;
    if (cfg->run.kind == EG_RUN_THEORY)
        return egi_theory_run(out, facts, run, cfg, opts, err);
    if (cfg->run.kind == EG_RUN_FLOW)
        return egi_flow_run(out, facts, run, cfg, opts, err);
    return egi_train_run(out, facts, run, cfg, opts, err);
}

/* By the process that writes: the only one, or rank 0. */
static eg_status run(eg_lab_result *out, const eg_config *cfg,
                     const eg_lab_opts *opts, eg_err *err)
{
    const char *root = opts->root ? opts->root : "runs";
    eg_run_facts facts = {0};
    egi_inputs in = {0};
    eg_config *taken = NULL;
    eg_err local = {0};
    eg_run *dir = NULL;
    eg_status st;

    *out = (eg_lab_result){0};
    if (!err) err = &local;
    EG_TRY(eg_kern_check(opts->kern, err));
    EG_TRY(take_inputs(&in, &taken, cfg, err));
    EG_TRY(open_run(&dir, out, taken, root, opts, err));
    if (!dir) goto done;
    egi_run_of_sweep(dir, opts->sweep, opts->point);
    dir->tell = opts->note;
    dir->tell_ctx = opts->ctx;
    snprintf(out->dir, sizeof out->dir, "%s", eg_run_dir(dir));
    st = carry_out(out, &facts, dir, taken, &in, opts, err);
    if (st != EG_OK) {
        egi_inputs_name(&in, out->dir, err);
        if (egi_run_drop(dir)) { /* found before anything was computed */
            *out = (eg_lab_result){0};
            eg_run_close(dir);
            goto done;
        }
        eg_run_log(dir, "failed: %s", err->msg);
        /* best effort: the disk may be the reason */
        (void)eg_run_record(dir, "failed", err->msg, &facts, NULL);
    } else {
        eg_run_log(dir, "%s %s", eg_outcome_name(out->outcome), out->reason);
        st = eg_run_record(dir, eg_outcome_name(out->outcome), out->reason,
                           &facts, err);
    }
    eg_run_close(dir);
    /* an index that can be rebuilt must not fail a run */
    if (!opts->dir || opts->sweep)
        (void)eg_catalogue_update(root, out->dir, NULL);
done:
    egi_inputs_release(&in);
    eg_free(taken);
    return st;
}

static eg_status serve(eg_lab_result *out, const eg_config *cfg,
                       const eg_lab_opts *opts, eg_err *err)
{
    egi_inputs in = {0};
    eg_config *taken = NULL;
    eg_err why = {0};
    eg_status st = take_inputs(&in, &taken, cfg, &why);

    st = egi_train_serve(out, taken, st == EG_OK ? NULL : &why, opts, err);
    egi_inputs_release(&in);
    eg_free(taken);
    return st;
}

eg_status eg_lab_run(eg_lab_result *out, const eg_config *cfg,
                     const eg_lab_opts *opts, eg_err *err)
{
    const eg_ranks *ranks = opts->ranks;
    eg_status st;

    *out = (eg_lab_result){0};
    if (!ranks || ranks->size == 1) return run(out, cfg, opts, err);
    if (cfg->run.kind != EG_RUN_TRAIN) {
        out->served = ranks->rank > 0;
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%d ranks can share a training run alone, no run of "
                       "another kind: start one, with threads",
                       ranks->size);
    }
    if (opts->extend) {
        out->served = ranks->rank > 0;
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "a run is extended by one process; %d ranks can go on "
                       "with it then, by --resume",
                       ranks->size);
    }
    if (ranks->rank > 0) return serve(out, cfg, opts, err);
    st = run(out, cfg, opts, err);
    egi_ranks_end(opts, st, out);
    return st;
}
