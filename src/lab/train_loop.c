/* A training run: task, trainer and probes are built, the plan is told, then
 * steps follow steps; between them rows are written, checkpoints saved, news
 * given. Nothing here decides a number: with or without probes, watched or
 * not, resumed or not, the trainer does the same. */
#include "lab/train_loop.h"
#include "lab/pending_row.h"
#include "lab/read_sums.h"
#include "lab/train_ranks.h"

#include <string.h>
#include "engram/mem.h"
#include "flow/lapack.h"
#include "nn/schedule.h"
#include "probe/probes.h"

/* What a run takes of the host's heap besides, and of the program's text: rows,
 * records, streams. */
enum { BESIDE = 1 << 20 };

/* Memory is given out before it is there: without a look at what the machine
 * has, a run too large is killed in the middle. */
static eg_status check_memory(const egi_loop *l, eg_err *err)
{
    const double gib = 1073741824.0;
    int64_t have = egi_memory_total();

    if (have == 0 || l->announced <= have) return EG_OK;
    return EG_FAIL(err, EG_ENOMEM,
                   "this run would take %.1f GiB and the machine has %.1f: "
                   "make model.d_model, task.n_ctx, train.slots or the number "
                   "of threads smaller",
                   (double)l->announced / gib, (double)have / gib);
}

static eg_status build(egi_loop *l, eg_err *err)
{
    const eg_config *c = l->cfg;
    int64_t probes;
    eg_status st;

    EG_TRY(egi_train_spec(&l->spec, c, l->opts, err));
    EG_TRY(egi_early_init(&l->early, &c->train, err));
    EG_TRY(eg_config_task(&l->task, c, err));
    l->spec.task = l->task;
    EG_TRY(eg_train_plan_make(&l->plan, &l->spec, err));
    l->spec.kern = l->plan.kern;
    if (c->probe.linear.n > 0)
        EG_TRY(egi_lapack_touch((int)c->probe.linear_sequences,
                                (int)c->model.d_model, err));
    l->announced = eg_memory_now() + BESIDE + l->plan.total + l->plan.eval;
    EG_TRY(check_memory(l, err));
    EG_TRY(eg_trainer_new(&l->trainer, &l->spec, err));
    probes = -eg_mem_query().live_bytes;
    EG_TRY(eg_probes_new(&l->probes, &c->probe, l->trainer, l->task,
                         l->opts->pool, l->spec.kern, err));
    probes += eg_mem_query().live_bytes + egi_radii_bytes(&l->probes->radii);
    if (probes > l->plan.eval) l->announced += probes - l->plan.eval;
    EG_TRY(eg_row_init(&l->row, EG_ROW_CELLS, err));
    EG_TRY(eg_row_init(&l->timing, 8, err));
done:
    return st;
}

static eg_status restore(egi_loop *l, eg_err *err)
{
    const egi_restore r = {.run = l->run,
                           .trainer = l->trainer,
                           .probes = l->probes,
                           .kern = l->plan.kern,
                           .told = l->opts->go_back,
                           .from = l->opts->from};
    eg_status st = egi_train_restore(&r, &l->saved, err);

    if (st == EG_OK && !l->run->created)
        st = egi_early_replay(&l->early, &l->run->folder, l->probes, err);
    return st == EG_OK ? egi_ranks_share(l->trainer, l->cfg, &l->spec, err)
                       : st;
}

/* Was this process asked to stop, or another rank? */
static bool asked_to_stop(const egi_loop *l)
{
    return (l->opts->stop && l->opts->stop(l->opts->ctx)) ||
           eg_trainer_asked(l->trainer);
}

static eg_status save(egi_loop *l, eg_err *err)
{
    const eg_checkpoint_opts *o = &l->cfg->checkpoint;
    int64_t step = eg_trainer_step_index(l->trainer);
    char name[64];
    eg_status st = EG_OK;

    if (step == l->saved) { /* a process may have died before it did this */
        egi_run_prune(l->run, (int)o->keep, o->per_decade);
        return EG_OK;
    }
    EG_TRY(eg_run_sync(l->run, err));
    egi_checkpoint_name(name, step);
    EG_TRY(eg_trainer_save_in(l->trainer, &l->run->folder, name, err));
    l->saved = step;
    egi_run_prune(l->run, (int)o->keep, o->per_decade);
    eg_run_log(l->run, "checkpoint %lld", (long long)step);
done:
    return st;
}

/* A run of no steps measures what it starts from. */
static eg_status look(egi_loop *l, eg_lab_result *out, eg_err *err)
{
    eg_step_info info;
    eg_status st = EG_OK;

    eg_row_start(&l->row, 0);
    eg_probes_before(l->probes, 0, egi_row_emit, l);
    eg_trainer_look(l->trainer, &info);
    if (!info.finite)
        egi_end_diverged(l, &info, out);
    else if (!eg_probes_stopped(l->probes))
        st = egi_row_measured(l, &info, err);
    if (st == EG_OK && eg_probes_stopped(l->probes)) {
        egi_end_interrupted(l, out); /* all of it is measured anew */
        st = eg_trainer_remember(l->trainer, NULL, err);
    }
    return st;
}

/* end: of the part of the run that step is in. */
static eg_status snapshot(egi_loop *l, int64_t step, int64_t end, eg_err *err)
{
    const eg_folder *arrays = &l->run->sub[EGI_ARRAYS];
    eg_status st = eg_probes_snapshot(l->probes, step, end, arrays, err);

    return st == EG_OK ? egi_run_sum_snapshot(l->run, step, err) : st;
}

/* Is a checkpoint due after so many steps? */
static bool save_due(const egi_loop *l, int64_t steps)
{
    const eg_checkpoint_opts *o = &l->cfg->checkpoint;

    return (o->every > 0 && steps > 0 && steps % o->every == 0) ||
           egi_decade_has(o->per_decade, steps);
}

/* One step with everything that belongs to it. */
static eg_status one_step(egi_loop *l, eg_lab_result *out, eg_err *err)
{
    int64_t step = eg_trainer_step_index(l->trainer);
    int64_t end = eg_trainer_end(l->trainer, step);
    bool measured =
        eg_probes_due(l->probes, step, eg_trainer_end(l->trainer, step + 1));
    eg_step_info info;
    double began = eg_clock();
    eg_status st = EG_OK;

    if (eg_probes_snapshot_due(l->probes, step, end))
        EG_TRY(snapshot(l, step, end, err));
    eg_row_start(&l->row, step);
    if (measured) eg_probes_before(l->probes, step, egi_row_emit, l);
    if (eg_probes_stopped(l->probes)) return EG_OK; /* before the step */
    l->measuring += eg_clock() - began;
    eg_trainer_step(l->trainer, &info);
    EG_TRY(eg_task_trouble(l->task, err));
    if (!info.finite) {
        egi_end_diverged(l, &info, out);
        return EG_OK;
    }
    began = eg_clock();
    if (measured) EG_TRY(egi_row_measured(l, &info, err));
    if (measured && !egi_row_waits(l->trainer))
        EG_TRY(egi_row_timing(l, step, err));
    l->measuring += eg_clock() - began;
    l->n_measured += measured;
    egi_tell_progress(l, step, &info, measured);
    if (save_due(l, step + 1) && !egi_end_overflown(l, out))
        EG_TRY(save(l, err));
done:
    return st;
}

/* Steps until the last one, or whatever else ends the run. */
static eg_status all_steps(egi_loop *l, eg_lab_result *out, eg_err *err)
{
    int64_t n = l->cfg->train.steps;
    eg_status st = EG_OK;

    while (eg_trainer_step_index(l->trainer) < n && !l->early.met &&
           out->outcome == EG_FINISHED) {
        if (asked_to_stop(l) || eg_probes_stopped(l->probes)) {
            if (egi_end_overflown(l, out)) return EG_OK;
            egi_end_interrupted(l, out);
            break;
        }
        EG_TRY(one_step(l, out, err));
    }
    /* at the last step, whose row then waits */
    if (out->outcome == EG_FINISHED && eg_probes_stopped(l->probes) &&
        !egi_end_overflown(l, out))
        egi_end_interrupted(l, out);
done:
    return st;
}

/* The row that waits since the run was stopped: what was measured before the
 * update stands in the checkpoint, what is measured behind it is of its
 * weights. */
static eg_status late_row(egi_loop *l, eg_err *err)
{
    int64_t step = eg_trainer_step_index(l->trainer) - 1;
    const eg_metrics *k = &l->known;
    eg_status st;

    EG_TRY(egi_row_recall(&l->known, l->trainer, err));
    eg_row_start(&l->row, step);
    for (int i = 0; i < k->n; i++) {
        egi_row_put(l, k->series[i].name, k->series[i].value[0]);
        if (strcmp(k->series[i].name, EGI_LAST_BEFORE) == 0) break;
    }
    EG_TRY(eg_trainer_remember(l->trainer, NULL, err));
    EG_TRY(egi_row_end(l, step, err));
    eg_metrics_release(&l->known);
    if (egi_row_waits(l->trainer)) return EG_OK; /* stopped again */
    EG_TRY(egi_row_timing(l, step, err));
    l->saved = -1; /* its checkpoint has a row that waits */
    if (save_due(l, step + 1)) EG_TRY(save(l, err));
done:
    return st;
}

/* The end of a run that has all its steps, or of those that it needs. */
static eg_status last_look(egi_loop *l, eg_lab_result *out, eg_err *err)
{
    int64_t step = eg_trainer_step_index(l->trainer);
    eg_status st = EG_OK;

    if (l->early.met && step < l->cfg->train.steps) {
        out->stopped_early = true;
        egi_early_say(&l->early, out->reason, sizeof out->reason);
    }
    if (eg_probes_snapshot_due(l->probes, step, step))
        st = snapshot(l, step, step, err);
    return st;
}

static eg_status steps(egi_loop *l, eg_lab_result *out, eg_err *err)
{
    int64_t n = l->cfg->train.steps;
    eg_status st = EG_OK;

    if (l->opts->stop) eg_probes_until(l->probes, l->opts->stop, l->opts->ctx);
    if (egi_row_waits(l->trainer)) EG_TRY(late_row(l, err));
    if (n == 0) EG_TRY(look(l, out, err));
    if (l->saved < 0 && l->step0 == 0 && save_due(l, 0)) EG_TRY(save(l, err));
    EG_TRY(all_steps(l, out, err));
    if (out->outcome == EG_DIVERGED && n > 0) {
        /* the weights before this step are the last good ones: they stay
         * behind when no checkpoint has been made yet */
        if (l->saved >= 0 || egi_bad_weight(eg_trainer_model(l->trainer)))
            return EG_OK;
        return save(l, err);
    }
    if (n > 0 && egi_end_overflown(l, out)) return EG_OK;
    if (out->outcome == EG_FINISHED) EG_TRY(last_look(l, out, err));
    EG_TRY(save(l, err));
    if (l->cfg->train.profile)
        EG_TRY(egi_run_profile(l->run, l->trainer, l->opts->pool, err));
done:
    return st;
}

/* What reads the tokens of a checkpoint lies beside it: a tokenizer, or one of
 * the characters that statistics of the user's name. */
static eg_status keep_tokenizer(const egi_loop *l, eg_err *err)
{
    const eg_tokenizer *t = eg_task_tokenizer(l->task);
    const eg_folder *f = &l->run->folder;
    eg_tokenizer *made = NULL;
    eg_status st = EG_OK;

    if (eg_folder_has(f, EG_TOKENIZER_FILE)) return EG_OK;
    if (!t && egi_names_file(l->cfg, "task.stats")) {
        EG_TRY(eg_task_characters(&made, l->task, err));
        t = made;
    }
    if (t) EG_TRY(eg_tokenizer_write(t, f, EG_TOKENIZER_FILE, err));
done:
    eg_tokenizer_free(made);
    return st;
}

static void fill_facts(const egi_loop *l, eg_run_facts *f, eg_lab_result *out)
{
    double seconds = eg_clock() - l->clock0;
    int64_t done = eg_trainer_step_index(l->trainer);
    int64_t here = done - l->step0;

    out->steps_done = done;
    out->seconds = seconds;
    out->tokens_per_s =
        here > 0 ? (double)(here * egi_loop_tokens(l)) / seconds : 0;
    out->announced_bytes = l->announced;
    out->peak_bytes = eg_memory_peak();
    *f = (eg_run_facts){.kern = l->plan.kern,
                        .precision = eg_train_precision_name(&l->cfg->train),
                        .threads = eg_pool_size(l->opts->pool),
                        .n_params = l->plan.n_params,
                        .n_trained = l->plan.n_trained,
                        .announced_bytes = out->announced_bytes,
                        .peak_bytes = out->peak_bytes,
                        .steps = l->cfg->train.steps,
                        .steps_done = done,
                        .tokens_per_s = out->tokens_per_s,
                        .tokens = done * egi_loop_tokens(l),
                        .metrics_left_out = l->most_over};
    if (!out->stopped_early) return;
    f->stopped_by = l->cfg->train.stop_metric;
    f->stopped_step = l->early.step;
    f->stopped_value = l->early.value;
}

eg_status egi_train_run(eg_lab_result *out, eg_run_facts *facts, eg_run *run,
                        const eg_config *cfg, const eg_lab_opts *opts,
                        eg_err *err)
{
    eg_status st = EG_OK;
    egi_loop *l = eg_calloc(1, sizeof *l);

    if (!l) return EG_FAIL(err, EG_ENOMEM, "train: out of memory");
    l->cfg = cfg;
    l->opts = opts;
    l->run = run;
    l->news = egi_no_news(opts->label ? opts->label : cfg->run.name);
    l->news.n_steps = cfg->train.steps;
    EG_TRY(build(l, err));
    EG_TRY(restore(l, err));
    l->step0 = l->last_step = eg_trainer_step_index(l->trainer);
    l->clock0 = l->last_row = eg_clock();
    fill_facts(l, facts, out);
    EG_TRY(eg_run_record(run, "running", "", facts, err));
    egi_run_begin(run);
    EG_TRY(keep_tokenizer(l, err));
    egi_tell_notes(l);
    egi_tell_plan(l);
    st = steps(l, out, err);
    fill_facts(l, facts, out);
done:
    eg_row_release(&l->row);
    eg_row_release(&l->timing);
    eg_metrics_release(&l->known);
    eg_probes_free(l->probes);
    eg_trainer_free(l->trainer);
    eg_task_free(l->task);
    eg_free(l);
    return st;
}
