/* Probes, asked before and after the updates of a run. */
#include "probe/probes.h"

#include <math.h>

#include "nn/schedule.h"

bool eg_probes_due(const eg_probes *p, int64_t step, int64_t n_steps)
{
    return step % p->opts.every == 0 || step == n_steps - 1 ||
           egi_decade_has(p->opts.per_decade, step);
}

/* ---- until somebody asks to stop ------------------------------------------
 */

void eg_probes_until(eg_probes *p, bool (*stop)(void *ctx), void *ctx)
{
    p->stop = stop;
    p->stop_ctx = ctx;
    p->stopped = false;
}

bool eg_probes_stopped(const eg_probes *p)
{
    return p->stopped;
}

/* The i-th evaluator that measures; NULL past the end. */
static eg_eval *eval_of(const eg_probes *p, int i)
{
    enum { EVALS = 6 };
    eg_eval *const all[EVALS] = {
        p->eval,    p->compress.eval[0], p->compress.eval[1],
        p->predict, p->deviation.eval,   p->deviation.predict};
    int n = 0;

    for (int k = 0; k < EVALS; k++)
        if (all[k] && n++ == i) return all[k];
    return NULL;
}

/* Others use these evaluators, too: they are told of it for the time of a call
 * alone. */
static void listen(eg_probes *p)
{
    for (int i = 0; p->stop && eval_of(p, i); i++)
        eg_eval_until(eval_of(p, i), p->stop, p->stop_ctx);
}

static bool stopped(eg_probes *p)
{
    for (int i = 0; p->stop && eval_of(p, i); i++)
        p->stopped = p->stopped || eg_eval_stopped(eval_of(p, i));
    return p->stopped;
}

static void done(eg_probes *p)
{
    (void)stopped(p);
    for (int i = 0; p->stop && eval_of(p, i); i++)
        eg_eval_until(eval_of(p, i), NULL, NULL);
}

/* ---- by float32 products besides ------------------------------------------
 */

typedef void probe_fn(eg_probes *p, int64_t step, eg_probe_emit emit,
                      void *ctx);

static void swap(eg_eval **a, eg_eval **b)
{
    eg_eval *t = *a;
    *a = *b;
    *b = t;
}

/* Once, and where that is wanted once more by the other evaluators. */
static void measured(eg_probes *p, int64_t step, probe_fn *fn,
                     eg_probe_emit emit, void *ctx)
{
    egi_deviation *d = &p->deviation;

    if (!d->eval) {
        fn(p, step, emit, ctx);
        return;
    }
    egi_deviation_start(d, emit, ctx);
    fn(p, step, egi_deviation_keep, d);
    for (int turn = 0; turn < 2; turn++) {
        swap(&p->eval, &d->eval);
        swap(&p->predict, &d->predict);
        if (turn == 0 && !stopped(p)) fn(p, step, egi_deviation_tell, d);
    }
}

/* ---- before an update -----------------------------------------------------
 */

static void emit_heads(eg_probes *p, eg_probe_emit emit, void *ctx)
{
    const eg_heads *t = &p->heads.table;

    egi_heads_run(&p->heads, p->eval);
    if (stopped(p)) return;
    for (int i = 0; i < t->n * EG_HEAD_SCORES; i++) {
        double x = t->row[i / EG_HEAD_SCORES].score[i % EG_HEAD_SCORES];

        if (!isnan(x)) emit(ctx, p->head_name[i], x);
    }
    if (!isnan(t->loss_first)) emit(ctx, "repeat_loss_first", t->loss_first);
    if (!isnan(t->loss_again)) emit(ctx, "repeat_loss_again", t->loss_again);
}

static void forward_before(eg_probes *p, int64_t step, eg_probe_emit emit,
                           void *ctx)
{
    egi_measure_run(&p->batch, p->eval, EG_PROBE, (uint64_t)step);
    if (!stopped(p)) egi_measure_emit(&p->batch, emit, ctx);
    if (!stopped(p) && p->opts.heads) emit_heads(p, emit, ctx);
}

void eg_probes_before(eg_probes *p, int64_t step, eg_probe_emit emit, void *ctx)
{
    listen(p);
    measured(p, step, forward_before, emit, ctx);
    done(p);
}

/* ---- after it -------------------------------------------------------------
 */

static void emit_weights(eg_probes *p, eg_probe_emit emit, void *ctx)
{
    egi_weights_refresh(&p->weights, p->model);
    for (int r = 0; r < egi_n_probes; r++) {
        double value = 0;

        if (egi_probe_table[r].kind != EGI_ON_WEIGHTS) continue;
        if (!egi_probe_table[r].weights(&value, &p->weights)) continue;
        emit(ctx, egi_probe_table[r].info.name, value);
    }
}

static void emit_tensors(eg_probes *p, int64_t step, eg_probe_emit emit,
                         void *ctx)
{
    int n_tensors = eg_model_n_tensors(p->model), k = 0;

    for (int r = 0; r < egi_n_probes; r++) {
        if (egi_probe_table[r].kind != EGI_ON_TENSORS) continue;
        for (int i = 0; i < n_tensors; i++, k++) {
            double value = 0;
            if (egi_probe_table[r].tensor(&value, p->trainer, i, step)) {
                emit(ctx, p->name[k], value);
            }
        }
    }
}

/* Is it the last step of the run, or of a part of it? */
static bool is_last(const eg_probes *p, int64_t step)
{
    return step + 1 >= eg_trainer_end(p->trainer, step + 1);
}

/* At the last step, and now and then before. */
static bool now_and_then(const eg_probes *p, int64_t every, int64_t step)
{
    return !p->trainer || is_last(p, step) || (every > 0 && step % every == 0);
}

static bool llc_due(const eg_probes *p, int64_t step)
{
    int64_t every = p->opts.llc_every;

    if (p->llc.steps == 0) return false;
    return every == 0 || step % every == 0 || is_last(p, step);
}

static void emit_radii(eg_probes *p, int64_t step, eg_probe_emit emit,
                       void *ctx)
{
    (void)step;
    egi_radii_run(&p->radii, p->eval, p->model, emit, ctx);
}

static void emit_linear(eg_probes *p, int64_t step, eg_probe_emit emit,
                        void *ctx)
{
    (void)step;
    egi_linear_run(&p->linear, p->eval, emit, ctx);
    egi_sensitivity_run(&p->sensitivity, p->eval, emit, ctx);
}

/* The measures of a batch, unless they are given up. */
static void run_batch(eg_probes *p, egi_measure *m, eg_split split,
                      uint64_t step, eg_probe_emit emit, void *ctx)
{
    egi_measure_run(m, p->predict, split, step);
    if (!stopped(p)) egi_measure_emit(m, emit, ctx);
}

static void run_llc(eg_probes *p, int64_t step, eg_probe_emit emit, void *ctx)
{
    if (!egi_llc_run(&p->llc, step, p->stop, p->stop_ctx, emit, ctx))
        p->stopped = true;
}

void eg_probes_fleeting(eg_probes *p, int64_t step, eg_probe_emit emit,
                        void *ctx)
{
    if (p->opts.norms && p->trainer) emit_tensors(p, step, emit, ctx);
}

static void forward_after(eg_probes *p, int64_t step, eg_probe_emit emit,
                          void *ctx)
{
    if (p->opts.test > 0) run_batch(p, &p->test, EG_TEST, 0, emit, ctx);
    if (!stopped(p) && p->opts.train > 0)
        run_batch(p, &p->train, EG_TRAIN, (uint64_t)step + 1, emit, ctx);
}

static void after(eg_probes *p, int64_t step, eg_probe_emit emit, void *ctx)
{
    measured(p, step, forward_after, emit, ctx);
    if (!stopped(p) && p->opts.compressed)
        egi_compress_run(&p->compress, emit, ctx);
    if (!stopped(p) && now_and_then(p, p->opts.radius_every, step))
        measured(p, step, emit_radii, emit, ctx);
    if (!stopped(p) && now_and_then(p, p->opts.linear_every, step))
        measured(p, step, emit_linear, emit, ctx);
    if (stopped(p)) return;
    if (p->opts.recall) emit_weights(p, emit, ctx);
    eg_probes_fleeting(p, step, emit, ctx);
    /* the last, since it leaves other gradients behind */
    if (llc_due(p, step)) run_llc(p, step, emit, ctx);
}

void eg_probes_after(eg_probes *p, int64_t step, eg_probe_emit emit, void *ctx)
{
    listen(p);
    after(p, step, emit, ctx);
    done(p);
}

void eg_probes_last(eg_probes *p, int64_t step, eg_probe_emit emit, void *ctx)
{
    listen(p);
    if (!now_and_then(p, p->opts.radius_every, step))
        measured(p, step, emit_radii, emit, ctx);
    if (!stopped(p) && !now_and_then(p, p->opts.linear_every, step))
        measured(p, step, emit_linear, emit, ctx);
    if (!stopped(p) && p->llc.steps > 0 && !llc_due(p, step))
        run_llc(p, step, emit, ctx);
    done(p);
}
