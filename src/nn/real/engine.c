/* The engine: slots of sequences through forward and backward on all threads,
 * summed by a fixed scheme. */
#include <string.h>

#include "base/pool_priv.h"
#include "engram/mem.h"
#include "nn/draw.h"
#include "nn/real/engine_impl.h"
#include "nn/real/update.h"

typedef N(engine) engine;

/* Sequence i of the step's batch. */
static void draw(const engine *e, int i, eg_seq *out)
{
    if (e->source)
        e->source(e->source_of, (uint32_t)i, out);
    else
        eg_task_sequence(e->task, EG_TRAIN, (uint64_t)e->step, (uint32_t)i,
                         out);
}

static void engine_source(egi_engine *opaque, eg_source_fn source,
                          const void *from)
{
    engine *e = (engine *)opaque;

    e->source = source;
    e->source_of = from;
}

/* ---- what is computed once for each distinct pair -------------------------
 */

static void tokens_task(void *ctx, int i, int worker)
{
    engine *e = ctx;
    N(room) *r = &e->room[worker];
    eg_index T = e->pairs.T;

    i += e->first;
    draw(e, i, &r->seq);
    memcpy(e->pairs.tokens + i * T, r->seq.tokens,
           (size_t)T * sizeof *r->seq.tokens);
}

static void sheet_task(void *ctx, int sheet, int worker)
{
    engine *e = ctx;

    N(sheet_out)(&e->x, &e->room[worker], &e->pairs, e->first + sheet);
}

/* Of one slot, gradients of tensors need no sums. */
static N(sums) sums_of(const engine *e, int slot)
{
    return (N(sums)){e->acc + (eg_index)slot * e->x.n_acc,
                     e->x.p->direct ? e->grad : NULL};
}

/* Slot s takes sheets s, s + S, ..., in order. */
static void sheet_back_task(void *ctx, int i, int worker)
{
    engine *e = ctx;
    int slot = e->first + i;
    N(sums) s = sums_of(e, slot);

    for (int k = slot; k < e->pairs.n; k += e->slots)
        N(sheet_back)(&e->x, &e->room[worker], &e->pairs, k, s);
}

/* Whole tasks, first to end - 1, to threads; or one after the other, each
 * shared by a team. A task is told its number less first. */
static void run_tasks(engine *e, int first, int end, eg_task_fn fn)
{
    e->first = first;
    if (!e->x.p->team) {
        eg_pool_run(e->pool, end - first, fn, e);
        return;
    }
    for (int i = 0; i < end - first; i++) fn(e, i, 0);
}

static void pairs_forward(engine *e)
{
    run_tasks(e, N(among_sequences)(e, false), N(among_sequences)(e, true),
              tokens_task);
    N(among_tokens)(e);
    N(batch_index)(&e->pairs);
    run_tasks(e, N(among_sheets)(e, false), N(among_sheets)(e, true),
              sheet_task);
    N(among_values)(e);
}

/* ---- sequences ------------------------------------------------------------
 */

/* As many sequences as a room holds, from the i-th on. */
static void draw_some(const engine *e, N(room) * r, int i, int to)
{
    int many = e->x.p->many;

    r->index = i;
    r->count = to - i < many ? to - i : many;
    for (int k = 0; k < r->count; k++) {
        eg_seq s = N(room_seq)(r, &e->x, k);

        draw(e, i + k, &s);
        r->draw[k] = egi_draw_of(e->seed, e->step, i + k);
    }
}

/* The sequences of a slot, in order. */
static void slot_task(void *ctx, int task, int worker)
{
    engine *e = ctx;
    N(room) *r = &e->room[worker];
    int slot = e->first + task;
    N(sums) sums = sums_of(e, slot);
    int from = egi_slot_begin(slot, e->batch, e->slots);
    int to = egi_slot_begin(slot + 1, e->batch, e->slots);

    memset(sums.acc, 0, (size_t)e->x.n_acc * sizeof *sums.acc);
    e->loss[slot] = 0;
    e->count[slot] = 0;
    for (int i = from; i < to; i += r->count) {
        double start = egi_beside_begin(r->tick);
        int n;

        draw_some(e, r, i, to);
        egi_beside_end(r->tick, e->x.p->n_ops, EGI_BESIDE_DRAW, start);
        N(others_forward)(e, r, worker);
        n = N(exec_forward)(&e->x, r, sums);
        if (e->pairs.n_cuts > 0) e->pairs.length[i] = n > 0 ? r->n : 0;
        if (n == 0) continue;
        for (int k = 0; k < r->rows; k++)
            if (r->target[k] >= 0) e->loss[slot] += r->nll[k];
        e->count[slot] += n;
        N(exec_backward)(&e->x, r, sums);
    }
}

static void reduce_task(void *ctx, int chunk, int worker)
{
    engine *e = ctx;
    eg_index n_acc = e->x.n_acc, at = (eg_index)chunk * EGI_REDUCE_CHUNK;
    eg_index n = n_acc - at < EGI_REDUCE_CHUNK ? n_acc - at : EGI_REDUCE_CHUNK;

    (void)worker;
    /* Pairs, then pairs of pairs: slot s takes in slot s + width. */
    for (int width = 1; width < e->slots; width *= 2)
        for (int s = 0; s + width < e->slots; s += 2 * width)
            if (N(among_own)(e, s, width))
                e->x.K->add(e->acc + s * n_acc + at,
                            e->acc + (s + width) * n_acc + at, n);
}

/* All sums are read, and every second one at least is written. */
static double sums_bytes(const engine *e)
{
    return 1.5 * e->slots * (double)e->x.n_acc * sizeof(real);
}

static void engine_gradient(egi_engine *opaque, int64_t step, void *grad,
                            double *loss_sum, int64_t *n_loss,
                            const eg_ranks *ranks)
{
    engine *e = (engine *)opaque;
    eg_index chunks = (e->x.n_acc + EGI_REDUCE_CHUNK - 1) / EGI_REDUCE_CHUNK;
    double start;

    N(exec_prepare)(&e->x);
    N(exec_begin)(&e->x, grad);
    e->step = step;
    N(holds_at)(e, step);
    N(others_prepare)(e);
    e->grad = grad;
    N(among_begin)(e, ranks);
    if (e->pairs.n_cuts > 0) pairs_forward(e);
    run_tasks(e, e->from, e->to, slot_task);
    if (e->pairs.n_cuts > 0) {
        N(among_places)(e);
        run_tasks(e, e->from, e->to, sheet_back_task);
    }
    start = egi_beside_begin(e->x.tick);
    egi_pool_moves(e->pool, sums_bytes(e));
    if (e->slots > 1) eg_pool_run(e->pool, (int)chunks, reduce_task, e);
    N(among_sum)(e);
    N(among_losses)(e);
    egi_beside_end(e->x.tick, e->x.p->n_ops, EGI_BESIDE_SUM, start);
    *loss_sum = 0;
    *n_loss = 0;
    for (int s = 0; s < e->slots; s++) {
        *loss_sum += e->loss[s];
        *n_loss += e->count[s];
    }
    N(exec_finish)
    (&e->x, e->acc, grad, *n_loss > 0 ? (real)(1.0 / (double)*n_loss) : 0);
}

/* ---- life -----------------------------------------------------------------
 */

static void engine_free(egi_engine *opaque)
{
    engine *e = (engine *)opaque;

    if (!e) return;
    for (int i = 0; e->room && i < e->n_rooms; i++)
        N(room_release)(&e->room[i]);
    for (int i = 0; e->looks && i < e->n_rooms; i++)
        N(looks_release)(&e->looks[i]);
    eg_free(e->room);
    eg_free(e->looks);
    eg_free(e->acc);
    eg_free(e->ticks);
    eg_free(e->held);
    eg_free(e->loss);
    eg_free(e->count);
    N(batch_release)(&e->pairs);
    N(exec_release)(&e->x);
    eg_free(e);
}

static eg_status take_time(engine *e, eg_err *err)
{
    size_t n = (size_t)egi_ticks(e->x.p->n_ops);

    e->ticks = eg_calloc(n * (size_t)(1 + e->n_rooms), sizeof *e->ticks);
    if (!e->ticks) return EG_FAIL(err, EG_ENOMEM, "a profile of %zu", n);
    e->x.tick = e->ticks;
    for (int i = 0; i < e->n_rooms; i++)
        e->room[i].tick = e->ticks + n * (size_t)(1 + i);
    return EG_OK;
}

static egi_tick *engine_ticks(const egi_engine *opaque, int i)
{
    const engine *e = (const engine *)opaque;

    if (!e->ticks || i >= e->n_rooms) return NULL;
    return i < 0 ? e->x.tick : e->room[i].tick;
}

static int n_rooms(const egi_engine_spec *s)
{
    return s->program->team ? 1 : eg_pool_size(s->pool);
}

static int slots_of(const egi_engine_spec *s)
{
    EG_ASSERT(!s->program->direct || s->slots == 1);
    return s->slots < s->batch ? s->slots : s->batch;
}

/* A worker's room, and its part of the sums, which are those that it is handed
 * first (pool_priv.h). */
static void touch_task(void *ctx, int task, int worker)
{
    engine *e = ctx;
    int from, to;

    (void)task;
    egi_pool_part(e->pool, e->slots, worker, &from, &to);
    memset(e->acc + from * e->x.n_acc, 0,
           (size_t)((to - from) * e->x.n_acc) * sizeof *e->acc);
    if (worker < e->n_rooms) N(room_touch)(&e->room[worker], &e->x);
}

static eg_status engine_make(egi_engine **out, const egi_engine_spec *s,
                             eg_err *err)
{
    eg_status st = EG_OK;
    engine *e = eg_calloc(1, sizeof *e);
    bool looks = s->program->n_hooks > 0;

    *out = NULL;
    if (!e) return EG_FAIL(err, EG_ENOMEM, "engine");
    e->task = s->task;
    e->pool = s->pool;
    e->batch = s->batch;
    e->seed = s->seed;
    e->slots = slots_of(s);
    e->n_rooms = n_rooms(s);
    EG_TRY(N(exec_init)(&e->x, s->program, s->kern, s->pool, err));
    e->room = eg_calloc((size_t)e->n_rooms, sizeof *e->room);
    e->looks = looks ? eg_calloc((size_t)e->n_rooms, sizeof *e->looks) : NULL;
    e->acc = eg_realloc(NULL,
                        ((size_t)(e->slots * e->x.n_acc) + 1) * sizeof *e->acc);
    e->loss = eg_calloc((size_t)e->slots, sizeof *e->loss);
    e->count = eg_calloc((size_t)e->slots, sizeof *e->count);
    if (!e->room || (looks && !e->looks) || !e->acc || !e->loss || !e->count) {
        st = EG_FAIL(err, EG_ENOMEM, "gradient sums and rooms");
        goto done;
    }
    EG_TRY(N(batch_init)(&e->pairs, &e->x, e->batch, err));
    for (int i = 0; i < e->n_rooms; i++) {
        EG_TRY(N(room_init)(&e->room[i], &e->x, err));
        if (e->pairs.n_cuts > 0) e->room[i].batch = &e->pairs;
    }
    egi_pool_each(e->pool, touch_task, e);
    for (int i = 0; looks && i < e->n_rooms; i++)
        EG_TRY(N(looks_init)(&e->looks[i], &e->x, &e->room[i], err));
    if (s->profile) EG_TRY(take_time(e, err));
    *out = (egi_engine *)e;
    e = NULL;
done:
    engine_free((egi_engine *)e);
    return st;
}

static eg_status engine_measure(egi_engine_bytes *out, const egi_engine_spec *s,
                                eg_err *err)
{
    int64_t room;
    N(exec) x;
    eg_status st =
        N(exec_plan)(&x, s->program, s->kern, eg_pool_size(s->pool), err);

    *out = (egi_engine_bytes){0};
    if (st != EG_OK) return st;
    room = (int64_t)(N(room_bytes)(&x) + N(looks_bytes)(&x));
    out->rooms = room * n_rooms(s);
    out->packs = (int64_t)x.bytes;
    out->pairs = (int64_t)N(batch_bytes)(&x, s->batch);
    out->accs = (int64_t)slots_of(s) * x.n_acc * (int64_t)sizeof(real);
    N(exec_release)(&x);
    return EG_OK;
}

const N(exec) * N(engine_exec)(const egi_engine *e)
{
    return &((const engine *)e)->x;
}

const egi_engine_vt N(egi_engine) = {
    .make = engine_make,
    .free = engine_free,
    .measure = engine_measure,
    .gradient = engine_gradient,
    .source = engine_source,
    .eval = N(engine_eval),
    .ticks = engine_ticks,
    .hold = N(engine_hold),
    .hook = N(engine_hook),
    .sgd = N(engine_sgd),
    .adam = N(engine_adam),
    .sumsq = N(engine_sumsq),
    .clip = N(engine_clip),
};
