/* Probes: set up once, then asked before and after the updates of a run. */
#include "probe/probes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "engram/kern.h"
#include "engram/mem.h"
#include "nn/schedule.h"

#define EG_FIELDS_OWNER eg_probe_opts
EG_FIELDS_TABLE(eg_probe_fields, EG_PROBE_FIELDS)

/* "norm.<tensor>" with the tensor's name in place. */
static void fill_in(char *out, const char *pattern, const char *tensor)
{
    int head = (int)strcspn(pattern, "<");

    (void)snprintf(out, EGI_NAME, "%.*s%s", head, pattern, tensor);
}

static eg_status name_tensors(eg_probes *p, eg_err *err)
{
    int n_tensors = eg_model_n_tensors(p->model);
    size_t n_rows = 0;

    for (int r = 0; r < egi_n_probes; r++) {
        n_rows += egi_probe_table[r].kind == EGI_ON_TENSORS;
    }
    p->name = eg_calloc(n_rows * (size_t)n_tensors, sizeof *p->name);
    if (!p->name) return EG_FAIL(err, EG_ENOMEM, "names of probes");
    for (int r = 0; r < egi_n_probes; r++) {
        if (egi_probe_table[r].kind != EGI_ON_TENSORS) continue;
        for (int i = 0; i < n_tensors; i++) {
            fill_in(p->name[p->n_names++], egi_probe_table[r].info.name,
                    eg_model_tensor(p->model, i)->name);
        }
    }
    return EG_OK;
}

static eg_status heads_init(eg_probes *p, eg_pool *pool, eg_err *err)
{
    int64_t most = EGI_HEAD_MOST;
    int count = (int)(p->opts.batch < most ? p->opts.batch : most);
    eg_status st =
        egi_heads_init(&p->heads, p->eval, p->model, pool, count, 0, err);
    size_t n = (size_t)p->heads.table.n * EG_HEAD_SCORES;

    if (st != EG_OK) return st;
    p->head_name = eg_calloc(n, sizeof *p->head_name);
    if (!p->head_name) return EG_FAIL(err, EG_ENOMEM, "names of heads");
    for (size_t i = 0; i < n; i++) {
        const eg_head *h = &p->heads.table.row[i / EG_HEAD_SCORES];
        const char *score = eg_head_score((int)(i % EG_HEAD_SCORES))->name;

        (void)snprintf(p->head_name[i], EGI_NAME, "head.%d.%d.%s", h->layer,
                       h->head, score);
    }
    return EG_OK;
}

static eg_status measures_init(eg_probes *p, int threads, eg_err *err)
{
    int heads = eg_model_heads(p->model, 0);
    unsigned told = egi_measure_told(p->task);
    unsigned shown = p->opts.attention ? egi_measure_offers(p->eval) : 0;
    eg_status st = EG_OK;

    /* pairs of heads are of two blocks with as many each */
    if (eg_model_options(p->model)->n_layers > 1 &&
        eg_model_heads(p->model, 1) != heads)
        shown &= ~(unsigned)EGI_NEEDS_LOOKS;
    p->batch = (egi_measure){.n_heads = heads,
                             .n_ctx = eg_model_ctx(p->model),
                             .has = shown | told,
                             .task = eg_task_options(p->task)->kind,
                             .from = p->task,
                             .count = (int)p->opts.batch};
    EG_TRY(egi_measure_init(&p->batch, EGI_ON_BATCH, threads, err));
    p->test = (egi_measure){.n_heads = heads,
                            .n_ctx = eg_model_ctx(p->model),
                            .has = told,
                            .task = eg_task_options(p->task)->kind,
                            .from = p->task,
                            .count = (int)p->opts.test};
    p->train = p->test;
    p->train.count = (int)p->opts.train;
    EG_TRY(egi_measure_at(&p->test, &p->opts.positions, err));
    EG_TRY(egi_measure_init(&p->test, EGI_ON_TEST, threads, err));
    EG_TRY(egi_measure_init(&p->train, EGI_ON_TRAIN, threads, err));
done:
    return st;
}

eg_status eg_probes_of(eg_probes **out, const eg_probe_opts *opts,
                       const eg_model *m, const eg_task *task, eg_pool *pool,
                       const char *kern, eg_err *err)
{
    /* what is no forward pass of the model is of float32 in any case */
    const char *beside = kern ? eg_kern_beside(kern) : NULL;
    const char *plain = beside ? beside : kern;
    eg_status st = EG_OK;
    eg_probes *p = eg_calloc(1, sizeof *p);

    *out = NULL;
    if (!p) return EG_FAIL(err, EG_ENOMEM, "probes");
    p->opts = *opts;
    p->model = m;
    p->task = task;
    EG_TRY(
        eg_eval_new(&p->eval, p->model, task, pool, kern, EG_EVAL_BASIC, err));
    if (opts->test > 0 || opts->train > 0) /* which need predictions only */
        EG_TRY(eg_eval_new(&p->predict, p->model, task, pool, kern,
                           EG_EVAL_PRED, err));
    if (beside && opts->deviation)
        EG_TRY(egi_deviation_init(&p->deviation, m, task, pool, beside,
                                  p->predict != NULL, err));
    EG_TRY(measures_init(p, eg_pool_size(pool), err));
    EG_TRY(egi_weights_init(&p->weights, p->model, task, pool, plain, err));
    p->linear.n_at = p->test.n_at;
    memcpy(p->linear.at, p->test.at, sizeof p->linear.at);
    EG_TRY(egi_linear_init(&p->linear, opts, m, task, eg_pool_size(pool), err));
    EG_TRY(egi_sensitivity_init(&p->sensitivity, (int)opts->sensitivity, m,
                                task, err));
    EG_TRY(egi_radii_init(&p->radii, opts, p->eval, m, pool, plain, err));
    EG_TRY(name_tensors(p, err));
    if (opts->heads) EG_TRY(heads_init(p, pool, err));
    if (opts->compressed)
        EG_TRY(
            egi_compress_init(&p->compress, opts, m, task, pool, plain, err));
    if (opts->snapshots > 0) EG_TRY(egi_snapshot_init(p, err));
    *out = p;
    p = NULL;
done:
    eg_probes_free(p);
    return st;
}

eg_status eg_probes_new(eg_probes **out, const eg_probe_opts *opts,
                        eg_trainer *tr, const eg_task *task, eg_pool *pool,
                        const char *kern, eg_err *err)
{
    eg_status st =
        eg_probes_of(out, opts, eg_trainer_model(tr), task, pool, kern, err);

    if (st != EG_OK) return st;
    (*out)->trainer = tr;
    if (opts->llc > 0) st = egi_llc_init(&(*out)->llc, opts, tr, err);
    if (st != EG_OK) {
        eg_probes_free(*out);
        *out = NULL;
    }
    return st;
}

void eg_probes_free(eg_probes *p)
{
    if (!p) return;
    eg_eval_free(p->eval);
    eg_eval_free(p->predict);
    egi_deviation_release(&p->deviation);
    egi_measure_release(&p->batch);
    egi_measure_release(&p->test);
    egi_measure_release(&p->train);
    egi_weights_release(&p->weights);
    egi_heads_release(&p->heads);
    egi_compress_release(&p->compress);
    egi_llc_release(&p->llc);
    egi_linear_release(&p->linear);
    egi_sensitivity_release(&p->sensitivity);
    egi_radii_release(&p->radii);
    egi_snapshot_release(p);
    eg_free(p->head_name);
    eg_free(p->name);
    eg_free(p);
}

eg_eval *eg_probes_eval(eg_probes *p)
{
    return p->eval;
}

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
