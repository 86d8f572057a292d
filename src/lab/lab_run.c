/* From a configuration to a finished run directory. */
#include "lab/lab_open.h"

#include <math.h>
#include <stdio.h>
#include "engram/kern.h"
#include "engram/mem.h"
#include "lab/lab_priv.h"
#include "lab/run_priv.h"
#include "lab/train_ranks.h"

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
    EG_TRY(egi_lab_inputs(&in, &taken, cfg, err));
    EG_TRY(egi_lab_open(&dir, out, taken, root, opts, err));
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
    eg_status st = egi_lab_inputs(&in, &taken, cfg, &why);

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
