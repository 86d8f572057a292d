/* Where a training run goes on: at its newest checkpoint, or at the one that
 * the user names. Everything is checked before the run is entered; what is
 * damaged is a refusal that says from where it would go. */
#include "lab/lab_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "lab/pending_row.h"
#include "lab/run_priv.h"

/* Rows that a run writes in its first steps. */
static eg_index rows_below(const egi_restore *r, int64_t step)
{
    eg_index n = 0;

    for (int64_t i = 0; i < step; i++)
        n += eg_probes_due(r->probes, i, eg_trainer_end(r->trainer, i + 1));
    return n;
}

/* Those that there are beside the checkpoint of that step, which the trainer
 * holds. */
static eg_index rows_beside(const egi_restore *r, int64_t step)
{
    eg_index n = rows_below(r, step);

    return step > 0 && n > 0 ? n - egi_row_waits(r->trainer) : n;
}

static eg_status load(const egi_restore *r, int64_t step, eg_err *err)
{
    char name[64];
    eg_status st;

    egi_checkpoint_name(name, step);
    st = eg_trainer_load_in(r->trainer, &r->run->folder, name, err);
    if (st != EG_OK || eg_trainer_step_index(r->trainer) == step) return st;
    return EG_FAIL(err, EG_EFORMAT,
                   "%s/%s: expected step %" PRId64 ", found %" PRId64,
                   r->run->dir, name, step, eg_trainer_step_index(r->trainer));
}

/* The newest checkpoint below a step that can be gone on from; 0: none, only
 * the beginning. */
static int64_t older_whole(const egi_restore *r, int64_t below)
{
    eg_index good = egi_run_good_rows(r->run);

    for (;;) {
        if (egi_checkpoint_below(&below, &r->run->folder, below, NULL) !=
                EG_OK ||
            below <= 0)
            return 0;
        if (load(r, below, NULL) == EG_OK && rows_beside(r, below) <= good)
            return below;
    }
}

/* Behind what is wrong, what can be done. */
static void add_remedy(const egi_restore *r, int64_t below, eg_err *err)
{
    int64_t step = older_whole(r, below);
    size_t n = strlen(err->msg);

    if (step > 0)
        (void)snprintf(err->msg + n, sizeof err->msg - n,
                       "; the checkpoint of step %" PRId64
                       " is whole: --resume --from %" PRId64 " goes back to it",
                       step, step);
    else
        (void)snprintf(err->msg + n, sizeof err->msg - n,
                       "; --resume --from 0 begins anew");
}

/* A run that was interrupted or finished, or went on from a checkpoint, had
 * that one. What is lost is made again from an older one, which is said; from
 * nothing, it is the user's to say. */
static eg_status check_not_lost(const egi_restore *r, int64_t step, eg_err *err)
{
    const egi_record *was = &r->run->was;

    if (strcmp(was->status, "interrupted") != 0 &&
        strcmp(was->status, "running") != 0 &&
        strcmp(was->status, "finished") != 0)
        return EG_OK;
    if (was->steps_done <= 0 || step >= was->steps_done) return EG_OK;
    if (step < 0)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: the checkpoint of step %" PRId64
                       " is lost, and there is no other",
                       r->run->dir, was->steps_done);
    egi_run_note(r->run,
                 "%s: the checkpoint of step %" PRId64
                 " is lost; going on from step %" PRId64,
                 r->run->dir, was->steps_done, step);
    return EG_OK;
}

/* The newest checkpoint, and rows up to it; *step -1: none yet. */
static eg_status find_newest(const egi_restore *r, int64_t *step, eg_err *err)
{
    eg_status st = egi_checkpoint_below(step, &r->run->folder, INT64_MAX, err);

    if (st == EG_OK) st = check_not_lost(r, *step, err);
    if (st == EG_OK && *step >= 0) st = load(r, *step, err);
    if (st == EG_OK)
        st = egi_run_check_rows(r->run, rows_beside(r, *step), false, err);
    if (st == EG_EFORMAT) add_remedy(r, *step < 0 ? 0 : *step, err);
    return st;
}

/* The one that the user names. */
static eg_status find_told(const egi_restore *r, int64_t *step, eg_err *err)
{
    char name[64];
    eg_status st = EG_OK;

    *step = r->from;
    if (*step > 0) {
        egi_checkpoint_name(name, *step);
        if (!eg_folder_has(&r->run->folder, name)) {
            int64_t newest;

            st = egi_checkpoint_below(&newest, &r->run->folder, INT64_MAX, err);
            return st != EG_OK ? st
                               : EG_FAIL(err, EG_EINVAL,
                                         "%s: no checkpoint of step %" PRId64
                                         "; the newest is of step %" PRId64,
                                         r->run->dir, *step, newest);
        }
        st = load(r, *step, err);
    }
    if (st == EG_OK)
        st = egi_run_check_rows(r->run, rows_beside(r, *step), true, err);
    if (st == EG_EFORMAT) add_remedy(r, *step, err);
    return st;
}

/* Checkpoints behind the one gone back to keep their bytes under another name:
 * the next --resume must not find them. */
static eg_status set_aside(const egi_restore *r, int64_t step, eg_err *err)
{
    const eg_folder *f = &r->run->folder;
    eg_status st = EG_OK;

    for (int64_t newer = INT64_MAX; st == EG_OK;) {
        char name[64], aside[80];

        st = egi_checkpoint_below(&newer, f, newer, err);
        if (st != EG_OK) return st;
        if (newer < 0 || (newer <= step && step > 0)) break;
        egi_checkpoint_name(name, newer);
        (void)snprintf(aside, sizeof aside, "%s.aside", name);
        st = eg_folder_rename(f, name, aside, err);
        eg_run_log(r->run, "%s set aside", name);
    }
    return st;
}

eg_status egi_train_restore(const egi_restore *r, int64_t *saved, eg_err *err)
{
    int64_t step = -1;
    eg_status st;

    *saved = -1;
    EG_TRY(r->told ? find_told(r, &step, err) : find_newest(r, &step, err));
    if (step > 0 || (step == 0 && !r->told)) *saved = step;
    if (step > 0) egi_run_kernels(r->run, r->kern);
    EG_TRY(egi_run_enter(r->run, err));
    if (r->told) EG_TRY(set_aside(r, step, err));
    if (!r->run->created)
        EG_TRY(eg_run_keep(r->run, rows_beside(r, step), err));
done:
    return st;
}
