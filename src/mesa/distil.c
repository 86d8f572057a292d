/* Streams of a network as lessons for one block of another. */
#include "mesa/distil.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/eval.h"
#include "engram/mem.h"

static void keep(void *ctx, int index, int worker, const eg_acts *acts)
{
    egi_streams *s = ctx;
    eg_index row = s->T * s->d;

    (void)worker;
    for (int l = 0; l <= s->blocks; l++) {
        bool behind = l == s->blocks;
        double *to = s->x + ((eg_index)l * s->count + index) * row;
        char name[64];
        eg_view v;
        bool there;

        (void)snprintf(name, sizeof name, "blocks.%d.hook_resid_%s", l - behind,
                       behind ? "post" : "pre");
        there = eg_acts_hook(acts, name, &v);
        EG_ASSERT(there);
        for (eg_index i = 0; i < row; i++) to[i] = eg_view_at(&v, i);
    }
}

eg_status egi_streams_record(egi_streams *s, const eg_model *m,
                             const eg_task *task, int count, eg_pool *pool,
                             eg_err *err)
{
    const eg_model_opts *o = eg_model_options(m);
    eg_eval *eval = NULL;
    eg_status st = EG_OK;

    *s = (egi_streams){.blocks = (int)o->n_layers,
                       .count = count,
                       .T = eg_model_ctx(m),
                       .d = (eg_index)o->d_model};
    s->x = eg_calloc((size_t)(s->blocks + 1) * (size_t)count *
                         (size_t)(s->T * s->d),
                     sizeof *s->x);
    if (!s->x) {
        st = EG_FAIL(err, EG_ENOMEM, "streams of %d sequences", count);
        goto done;
    }
    EG_TRY(eg_eval_new(&eval, m, task, pool, "auto", EG_EVAL_BASIC, err));
    eg_eval_run(eval, EG_PROBE, 0, 0, count, keep, s);
done:
    eg_eval_free(eval);
    if (st != EG_OK) egi_streams_release(s);
    return st;
}

void egi_streams_release(egi_streams *s)
{
    eg_free(s->x);
    *s = (egi_streams){0};
}

static void lesson(const eg_task *task, eg_split split, eg_rng *rng,
                   eg_seq *out)
{
    const egi_lesson *c = task->state;
    const egi_streams *s = c->s;
    eg_index row = s->T * s->d;
    eg_index at = (eg_index)c->l * s->count +
                  (eg_index)eg_rng_below(rng, (uint32_t)s->count);

    (void)split;
    memcpy(out->inputs, s->x + at * row, (size_t)row * sizeof *s->x);
    memcpy(out->outputs, s->x + (at + s->count) * row,
           (size_t)row * sizeof *s->x);
    for (eg_index t = 0; t < s->T; t++) out->targets[t] = out->labels[t] = 0;
}

static const egi_task_kind lessons = {
    .name = "lesson", .loss = "all", .sequence = lesson};

void egi_lesson_make(egi_lesson *c, const egi_streams *s, int l, uint64_t seed)
{
    *c = (egi_lesson){.s = s, .l = l};
    c->task.kind = &lessons;
    eg_fields_default(eg_task_fields, &c->task.opts);
    c->task.opts.kind = EG_TASK_LINEAR; /* for its groups */
    c->task.seed = seed;
    c->task.io =
        (eg_io){.n_ctx = (int)s->T, .n_in = (int)s->d, .n_out = (int)s->d};
    c->task.state = c;
}

eg_status egi_train(eg_trainer **out, const eg_train_spec *spec, double *loss,
                    egi_more_fn more, void *ctx, eg_err *err)
{
    int64_t n = spec->train.steps, tail = n / 10 > 0 ? n / 10 : 1;
    eg_status st = eg_trainer_new(out, spec, err);

    if (loss) *loss = 0;
    if (st != EG_OK) return st;
    for (int64_t t = 0; t < n && more(ctx, (double)t / (double)n); t++) {
        eg_step_info info;

        eg_trainer_step(*out, &info);
        if (!info.finite) {
            eg_trainer_free(*out);
            *out = NULL;
            return EG_FAIL(err, EG_EINVAL,
                           "training diverged at step %lld: a smaller lr?",
                           (long long)t);
        }
        if (loss && t >= n - tail) *loss += info.loss / (double)tail;
    }
    return EG_OK;
}

typedef struct losses {
    double *sum; /* [count] */
} losses;

static void add_up(void *ctx, int index, int worker, const eg_acts *acts)
{
    losses *l = ctx;
    double sum = 0;

    (void)worker;
    for (int t = 0; t < acts->n_ctx; t++) sum += acts->nll[t];
    l->sum[index] = sum / acts->n_ctx;
}

eg_status egi_test_loss(double *loss, const eg_model *m, const eg_task *task,
                        int count, eg_pool *pool, eg_err *err)
{
    losses l = {eg_calloc((size_t)count, sizeof *l.sum)};
    eg_eval *eval = NULL;
    eg_status st = EG_OK;

    *loss = 0;
    if (!l.sum) {
        st = EG_FAIL(err, EG_ENOMEM, "losses of %d sequences", count);
        goto done;
    }
    EG_TRY(eg_eval_new(&eval, m, task, pool, "auto", EG_EVAL_PRED, err));
    eg_eval_run(eval, EG_TEST, 0, 0, count, add_up, &l);
    for (int i = 0; i < count; i++) *loss += l.sum[i] / count;
done:
    eg_eval_free(eval);
    eg_free(l.sum);
    return st;
}
