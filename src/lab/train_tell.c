/* What a training run says of itself; see train_loop.h. */
#include "lab/train_loop.h"

#include <math.h>
#include <stdio.h>

int64_t egi_loop_tokens(const egi_loop *l)
{
    return l->cfg->train.batch * eg_task_ctx(l->task);
}

void egi_tell_notes(const egi_loop *l)
{
    const char *text;

    for (int i = 0; (text = eg_trainer_note(l->trainer, i)); i++) {
        eg_run_log(l->run, "note: %s", text);
        if (l->opts->note) l->opts->note(l->opts->ctx, text);
    }
}

void egi_tell_plan(const egi_loop *l)
{
    const eg_lab_opts *o = l->opts;
    eg_lab_plan p = {.dir = eg_run_dir(l->run),
                     .kern = l->plan.kern,
                     .precision = eg_train_precision_name(&l->cfg->train),
                     .threads = eg_pool_size(o->pool),
                     .n_params = l->plan.n_params,
                     .n_trained = l->plan.n_trained,
                     .bytes = l->announced,
                     .steps = l->cfg->train.steps,
                     .start_step = eg_trainer_step_index(l->trainer),
                     .tokens_per_step = egi_loop_tokens(l),
                     .flops_per_token = l->plan.flops_per_token};

    eg_run_log(l->run,
               "plan: %lld parameters, %lld trained, %.1f MiB, kernels %s, "
               "%d threads, from step %lld of %lld",
               (long long)p.n_params, (long long)p.n_trained,
               (double)p.bytes / 1048576.0, p.kern, p.threads,
               (long long)p.start_step, (long long)p.steps);
    if (o->plan) o->plan(o->ctx, &p);
}

/* How often there will be measured behind a step. */
static double measurements_left(const egi_loop *l, int64_t step)
{
    const eg_probe_opts *o = &l->cfg->probe;
    int64_t last = l->news.n_steps - 1;
    int64_t n = last / o->every - step / o->every;
    double decades = log10((double)(last + 1) / (double)(step + 1));

    if (last % o->every != 0 && step < last) n++;
    return (double)n + (double)o->per_decade * decades;
}

void egi_tell_progress(egi_loop *l, int64_t step, const eg_step_info *info,
                       bool measured)
{
    eg_progress *p = &l->news;
    double seconds = eg_clock() - l->clock0;
    double pace = (seconds - l->measuring) / (double)(step + 1 - l->step0);

    if (!l->opts->progress) return;
    p->step = step;
    p->loss = info->n_loss > 0 ? info->loss : (double)NAN;
    p->measured = measured;
    p->tokens_per_s = (double)egi_loop_tokens(l) / pace;
    p->eta = pace * (double)(p->n_steps - step - 1);
    if (l->n_measured > 0)
        p->eta +=
            l->measuring / (double)l->n_measured * measurements_left(l, step);
    l->opts->progress(l->opts->ctx, p);
}

void egi_end_interrupted(const egi_loop *l, eg_lab_result *out)
{
    out->outcome = EG_INTERRUPTED;
    out->stopped_early = false;
    snprintf(out->reason, sizeof out->reason,
             "stopped by the user after %lld steps",
             (long long)eg_trainer_step_index(l->trainer));
}

void egi_end_diverged(egi_loop *l, const eg_step_info *info, eg_lab_result *out)
{
    out->outcome = EG_DIVERGED;
    egi_say_diverged(out->reason, sizeof out->reason, info, &l->spec,
                     l->trainer);
}

bool egi_end_overflown(egi_loop *l, eg_lab_result *out)
{
    const char *weight = egi_bad_weight(eg_trainer_model(l->trainer));

    if (!weight) return false;
    out->outcome = EG_DIVERGED;
    egi_say_overflown(out->reason, sizeof out->reason,
                      eg_trainer_step_index(l->trainer), weight);
    return true;
}
