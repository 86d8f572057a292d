/* The engine on programs: slots of sequences through forward and backward on
 * all threads, summed by a fixed scheme. */
#include <string.h>

#include "engram/mem.h"
#include "nn/engine.h"
#include "nn/real/batch.h"

#define REDUCE_CHUNK 16384 /* entries a task of the reduction sums */

typedef struct engine {
    egi_program p;
    N(exec) x;
    const eg_task *task;
    eg_pool *pool;
    int n_rooms, slots, batch;
    N(room) * room; /* one a worker */
    N(batch) pairs; /* where the program asks for it */
    real *acc;      /* [slots, n_acc] */
    double *loss;   /* [slots] */
    int64_t *count; /* [slots] */
    int64_t step;   /* in hand */
} engine;

/* ---- what is computed once for each distinct pair -------------------------
 */

static void tokens_task(void *ctx, int i, int worker)
{
    engine *e = ctx;
    N(room) *r = &e->room[worker];
    eg_seq seq = {r->tokens, r->targets, r->occur};
    eg_index T = e->pairs.T;

    eg_task_sequence(e->task, EG_TRAIN, (uint64_t)e->step, (uint32_t)i, &seq);
    memcpy(e->pairs.tokens + i * T, seq.tokens, (size_t)T * sizeof *seq.tokens);
}

static void sheet_task(void *ctx, int sheet, int worker)
{
    engine *e = ctx;

    N(sheet_out)(&e->x, &e->room[worker], &e->pairs, sheet);
}

/* Slot s takes sheets s, s + S, ..., in order. */
static void sheet_back_task(void *ctx, int slot, int worker)
{
    engine *e = ctx;
    real *acc = e->acc + (eg_index)slot * e->x.n_acc;

    for (int i = slot; i < e->pairs.n; i += e->slots)
        N(sheet_back)(&e->x, &e->room[worker], &e->pairs, i, acc);
}

static void pairs_forward(engine *e)
{
    eg_pool_run(e->pool, e->batch, tokens_task, e);
    N(batch_index)(&e->pairs);
    eg_pool_run(e->pool, e->pairs.n, sheet_task, e);
}

/* ---- sequences ------------------------------------------------------------
 */

/* Sequences b B / S .. (b + 1) B / S - 1 of the batch, in order. */
static void slot_task(void *ctx, int slot, int worker)
{
    engine *e = ctx;
    N(room) *r = &e->room[worker];
    real *acc = e->acc + (eg_index)slot * e->x.n_acc;
    int from = (int)((int64_t)slot * e->batch / e->slots);
    int to = (int)((int64_t)(slot + 1) * e->batch / e->slots);
    eg_seq seq = {r->tokens, r->targets, r->occur};

    memset(acc, 0, (size_t)e->x.n_acc * sizeof *acc);
    e->loss[slot] = 0;
    e->count[slot] = 0;
    for (int i = from; i < to; i++) {
        int n;

        eg_task_sequence(e->task, EG_TRAIN, (uint64_t)e->step, (uint32_t)i,
                         &seq);
        r->index = i;
        n = N(exec_forward)(&e->x, r);
        if (e->pairs.n_cuts > 0) e->pairs.length[i] = n > 0 ? r->n : 0;
        if (n == 0) continue;
        for (int k = 0; k < r->rows; k++)
            if (r->target[k] >= 0) e->loss[slot] += r->nll[k];
        e->count[slot] += n;
        N(exec_backward)(&e->x, r, acc);
    }
}

static void reduce_task(void *ctx, int chunk, int worker)
{
    engine *e = ctx;
    eg_index n_acc = e->x.n_acc, at = (eg_index)chunk * REDUCE_CHUNK;
    eg_index n = n_acc - at < REDUCE_CHUNK ? n_acc - at : REDUCE_CHUNK;

    (void)worker;
    /* Pairs, then pairs of pairs: slot s takes in slot s + width. */
    for (int width = 1; width < e->slots; width *= 2)
        for (int s = 0; s + width < e->slots; s += 2 * width)
            e->x.K->add(e->acc + s * n_acc + at,
                        e->acc + (s + width) * n_acc + at, n);
}

static void steps_gradient(egi_engine *opaque, int64_t step, void *grad,
                           double *loss_sum, int64_t *n_loss)
{
    engine *e = (engine *)opaque;
    eg_index chunks = (e->x.n_acc + REDUCE_CHUNK - 1) / REDUCE_CHUNK;

    N(exec_prepare)(&e->x);
    e->step = step;
    if (e->pairs.n_cuts > 0) pairs_forward(e);
    eg_pool_run(e->pool, e->slots, slot_task, e);
    if (e->pairs.n_cuts > 0) eg_pool_run(e->pool, e->slots, sheet_back_task, e);
    eg_pool_run(e->pool, (int)chunks, reduce_task, e);
    *loss_sum = 0;
    *n_loss = 0;
    for (int s = 0; s < e->slots; s++) {
        *loss_sum += e->loss[s];
        *n_loss += e->count[s];
    }
    N(exec_finish)
    (&e->x, e->acc, grad, *n_loss > 0 ? (real)(1.0 / (double)*n_loss) : 0);
}

static void steps_free(egi_engine *opaque)
{
    engine *e = (engine *)opaque;

    if (!e) return;
    for (int i = 0; e->room && i < e->n_rooms; i++)
        N(room_release)(&e->room[i]);
    eg_free(e->room);
    eg_free(e->acc);
    eg_free(e->loss);
    eg_free(e->count);
    N(batch_release)(&e->pairs);
    N(exec_release)(&e->x);
    egi_program_release(&e->p);
    eg_free(e);
}

/* The share of positions in the loss, over sample sequences. */
static double loss_rows(const eg_task *task, bool in_context, int32_t *buf)
{
    enum { SAMPLES = 64 };
    int T = eg_task_ctx(task), n = 0;
    eg_seq s = {buf, buf + T, buf + 2 * (eg_index)T};

    for (uint32_t i = 0; i < SAMPLES; i++) {
        eg_task_sequence(task, EG_PROBE, 0, i, &s);
        for (int t = 0; t < T; t++)
            n += s.targets[t] >= 0 && (!in_context || s.occur[t] >= 2);
    }
    return (double)n / ((double)SAMPLES * T);
}

static eg_status load_of(egi_load *load, const egi_engine_spec *s, eg_err *err)
{
    eg_index T = eg_task_ctx(s->task);
    int32_t *buf = eg_calloc((size_t)T * 3, sizeof *buf);

    if (!buf) return EG_FAIL(err, EG_ENOMEM, "a sequence of %td", T);
    *load =
        (egi_load){.batch = s->batch,
                   .slots = s->slots,
                   .loss_rows = loss_rows(s->task, s->plan->in_context, buf)};
    eg_free(buf);
    return EG_OK;
}

static eg_status program_for(egi_program *p, const egi_engine_spec *s,
                             eg_err *err)
{
    egi_load load;
    eg_status st = EG_OK;

    if (s->load)
        load = *s->load;
    else
        EG_TRY(load_of(&load, s, err));
    EG_TRY(egi_program_build(p, s->m, s->plan->in_context, s->hooks, err));
    EG_TRY(egi_program_rewrite(p, s->trains, &load, s->rewrites, err));
done:
    return st;
}

static eg_status steps_make(egi_engine **out, const egi_engine_spec *s,
                            eg_err *err)
{
    eg_status st = EG_OK;
    engine *e = eg_calloc(1, sizeof *e);

    *out = NULL;
    if (!e) return EG_FAIL(err, EG_ENOMEM, "engine");
    e->task = s->task;
    e->pool = s->pool;
    e->batch = s->batch;
    e->slots = s->slots < s->batch ? s->slots : s->batch;
    e->n_rooms = eg_pool_size(s->pool);
    EG_TRY(program_for(&e->p, s, err));
    EG_TRY(N(exec_init)(&e->x, &e->p, N(net_kern)(s->kern), s->pool, err));
    e->room = eg_calloc((size_t)e->n_rooms, sizeof *e->room);
    e->acc = eg_calloc((size_t)(e->slots * e->x.n_acc), sizeof *e->acc);
    e->loss = eg_calloc((size_t)e->slots, sizeof *e->loss);
    e->count = eg_calloc((size_t)e->slots, sizeof *e->count);
    if (!e->room || !e->acc || !e->loss || !e->count) {
        st = EG_FAIL(err, EG_ENOMEM, "gradient sums and rooms");
        goto done;
    }
    for (int i = 0; i < e->n_rooms; i++)
        EG_TRY(N(room_init)(&e->room[i], &e->x, err));
    EG_TRY(N(batch_init)(&e->pairs, &e->x, e->batch, err));
    for (int i = 0; e->pairs.n_cuts > 0 && i < e->n_rooms; i++)
        e->room[i].batch = &e->pairs;
    *out = (egi_engine *)e;
    e = NULL;
done:
    steps_free((egi_engine *)e);
    return st;
}

const egi_engine_vt N(egi_steps) = {
    .make = steps_make, .free = steps_free, .gradient = steps_gradient};
