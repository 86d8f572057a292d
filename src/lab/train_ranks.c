/* A training run that several processes share: rank 0 carries it out, with the
 * run directory, the probes and the talk; the others have a trainer and serve.
 */
#include "lab/train_ranks.h"

#include <stdio.h>
#include <string.h>
#include "engram/kern.h"
#include "engram/text.h"
#include "lab/lab_priv.h"

eg_status egi_train_spec(eg_train_spec *spec, const eg_config *c,
                         const eg_lab_opts *opts, eg_err *err)
{
    *spec = eg_config_train(c);
    spec->pool = opts->pool;
    spec->ranks = opts->ranks;
    spec->kern = opts->kern ? opts->kern : "auto";
    return eg_kern_check(spec->kern, err);
}

/* What all ranks must have in common: the configuration and the kernel set. */
enum { MARK = 128 };
static eg_status make_mark(char mark[MARK], const eg_config *cfg,
                           const char *kern, eg_err *err)
{
    char hash[EG_CONFIG_HASH];
    eg_status st = eg_config_hash(hash, cfg, err);

    if (st == EG_OK) (void)snprintf(mark, MARK, "%s %s", hash, kern);
    return st;
}

eg_status egi_ranks_share(eg_trainer *tr, const eg_config *cfg,
                          const eg_train_spec *spec, eg_err *err)
{
    char mark[MARK];
    eg_status st;

    if (!spec->ranks || spec->ranks->size == 1) return EG_OK;
    st = make_mark(mark, cfg, spec->kern, err);
    if (st == EG_OK) eg_trainer_share(tr, mark);
    return st;
}

/* ---- how it ended, in one number ------------------------------------------
 */

void egi_ranks_end(const eg_lab_opts *opts, eg_status st,
                   const eg_lab_result *r)
{
    eg_ranks_end(opts->ranks, (int)st << 8 | (int)r->outcome);
}

static eg_status ended(eg_lab_result *out, int code, eg_err *err)
{
    eg_status st = (eg_status)(code >> 8);

    out->outcome = (eg_outcome)(code & 0xff);
    return st == EG_OK ? st : EG_FAIL(err, st, "rank 0 failed");
}

/* ---- the others -----------------------------------------------------------
 */

static eg_status build(eg_trainer **trainer, eg_task **task, char mark[MARK],
                       const eg_config *cfg, const eg_lab_opts *opts,
                       eg_err *err)
{
    eg_train_spec spec;
    eg_train_plan plan;
    eg_status st;

    EG_TRY(egi_train_spec(&spec, cfg, opts, err));
    EG_TRY(eg_config_task(task, cfg, err));
    spec.task = *task;
    EG_TRY(eg_train_plan_make(&plan, &spec, err));
    spec.kern = plan.kern;
    EG_TRY(make_mark(mark, cfg, plan.kern, err));
    EG_TRY(eg_trainer_new(trainer, &spec, err));
done:
    return st;
}

eg_status egi_train_serve(eg_lab_result *out, const eg_config *cfg,
                          const eg_err *unready, const eg_lab_opts *opts,
                          eg_err *err)
{
    eg_trainer *trainer = NULL;
    eg_task *task = NULL;
    char mark[MARK] = "";
    int code = 0;
    eg_err why = unready ? *unready : (eg_err){0};
    eg_status built =
        unready ? why.status : build(&trainer, &task, mark, cfg, opts, &why);
    eg_status st =
        eg_trainer_serve(&code, built == EG_OK ? trainer : NULL, opts->ranks,
                         mark, opts->stop, opts->ctx, err);

    out->served = st == EG_OK;
    if (st == EG_OK)
        st = ended(out, code, err);
    else if (built != EG_OK) /* which rank 0 did not fail by */
        st = EG_FAIL(err, built, "rank %d: %.*s", opts->ranks->rank,
                     eg_text_fit(why.msg, 400), why.msg);
    if (trainer) out->steps_done = eg_trainer_step_index(trainer);
    eg_trainer_free(trainer);
    eg_task_free(task);
    return st;
}
