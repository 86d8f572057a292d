/* The engine: slots of sequences through forward and backward on all threads,
 * summed by a fixed scheme; and forward passes for the evaluator. */
#include <string.h>

#include "nn/real/hooks.h"
#include "nn/real/sheets.h"

#define REDUCE_CHUNK 16384 /* entries a task of the reduction sums */

typedef struct engine {
    N(net) net;
    const eg_task *task;
    eg_pool *pool;
    int n_states, slots, batch;
    N(state) * state; /* one a worker */
    N(hooks) * hooks; /* one a worker; evaluator only */
    N(sheets) sheets; /* where the plan says so */
    real *acc;        /* [slots, n_acc] */
    double *loss;     /* [slots] */
    int64_t *count;   /* [slots] */
    /* the request in hand */
    int64_t step;
    eg_split split;
    uint32_t first;
    eg_acts_fn fn;
    void *ctx;
} engine;

static eg_seq seq_of(N(state) * st)
{
    eg_seq s = {st->tokens, st->targets, st->occur};
    return s;
}

/* ------------------------------------------------------------- gradient -- */

/* ---- the first block's feed-forward, once for each distinct pair ---- */

static void tokens_task(void *ctx, int i, int worker)
{
    engine *e = ctx;
    N(state) *st = &e->state[worker];
    eg_seq seq = seq_of(st);
    eg_index T = e->net.m->T;

    eg_task_sequence(e->task, EG_TRAIN, (uint64_t)e->step, (uint32_t)i, &seq);
    memcpy(e->sheets.tokens + i * T, seq.tokens,
           (size_t)T * sizeof *seq.tokens);
}

static void sheet_task(void *ctx, int sheet, int worker)
{
    engine *e = ctx;

    N(sheet_forward)(&e->net, &e->state[worker], &e->sheets, sheet);
}

/* Slot s takes sheets s, s + S, ..., in order. */
static void sheet_back_task(void *ctx, int slot, int worker)
{
    engine *e = ctx;
    real *acc = e->acc + (eg_index)slot * e->net.plan.n_acc;

    for (int i = slot; i < e->sheets.n; i += e->slots)
        N(sheet_backward)(&e->net, &e->state[worker], &e->sheets, i, acc);
}

/* Points the state of sequence i at its rows. */
static void open_sheets(engine *e, N(state) * st, int i)
{
    eg_index at = (eg_index)i * e->net.m->T;

    if (!e->net.plan.sheets) return;
    st->mlp_row = e->sheets.row + at;
    st->mlp_out = e->sheets.out;
    st->mlp_dout = e->sheets.dout + at * e->sheets.ld;
}

static void close_sheets(engine *e)
{
    for (int i = 0; i < e->n_states; i++) {
        e->state[i].mlp_row = NULL;
        e->state[i].mlp_out = NULL;
        e->state[i].mlp_dout = NULL;
    }
}

/* Sequences b B / S .. (b + 1) B / S - 1 of the batch, in order. */
static void slot_task(void *ctx, int slot, int worker)
{
    engine *e = ctx;
    N(state) *st = &e->state[worker];
    const N(net) *net = &e->net;
    real *acc = e->acc + (eg_index)slot * net->plan.n_acc;
    int from = (int)((int64_t)slot * e->batch / e->slots);
    int to = (int)((int64_t)(slot + 1) * e->batch / e->slots);
    eg_seq seq = seq_of(st);

    memset(acc, 0, (size_t)net->plan.n_acc * sizeof *acc);
    e->loss[slot] = 0;
    e->count[slot] = 0;
    for (int i = from; i < to; i++) {
        eg_task_sequence(e->task, EG_TRAIN, (uint64_t)e->step, (uint32_t)i,
                         &seq);
        open_sheets(e, st, i);
        int n = N(forward)(net, st);
        if (net->plan.sheets) e->sheets.length[i] = n > 0 ? st->n : 0;
        if (n == 0) continue;
        for (int r = 0; r < st->rows; r++)
            if (st->rtarget[r] >= 0) e->loss[slot] += st->nll[r];
        e->count[slot] += n;
        N(backward)(net, st, acc);
    }
}

static void reduce_task(void *ctx, int chunk, int worker)
{
    engine *e = ctx;
    eg_index n_acc = e->net.plan.n_acc, at = (eg_index)chunk * REDUCE_CHUNK;
    eg_index n = n_acc - at < REDUCE_CHUNK ? n_acc - at : REDUCE_CHUNK;

    (void)worker;
    /* Pairs, then pairs of pairs: slot s takes in slot s + width. */
    for (int width = 1; width < e->slots; width *= 2)
        for (int s = 0; s + width < e->slots; s += 2 * width)
            e->net.K->add(e->acc + s * n_acc + at,
                          e->acc + (s + width) * n_acc + at, n);
}

static void engine_gradient(egi_engine *opaque, int64_t step, void *grad,
                            double *loss_sum, int64_t *n_loss)
{
    engine *e = (engine *)opaque;
    eg_index n_acc = e->net.plan.n_acc;

    N(net_prepare)(&e->net);
    e->step = step;
    if (e->net.plan.sheets) {
        eg_pool_run(e->pool, e->batch, tokens_task, e);
        N(sheets_index)(&e->sheets);
        eg_pool_run(e->pool, e->sheets.n, sheet_task, e);
    }
    eg_pool_run(e->pool, e->slots, slot_task, e);
    if (e->net.plan.sheets) {
        close_sheets(e);
        eg_pool_run(e->pool, e->slots, sheet_back_task, e);
    }
    eg_pool_run(e->pool, (int)((n_acc + REDUCE_CHUNK - 1) / REDUCE_CHUNK),
                reduce_task, e);
    *loss_sum = 0;
    *n_loss = 0;
    for (int s = 0; s < e->slots; s++) {
        *loss_sum += e->loss[s];
        *n_loss += e->count[s];
    }
    N(finish)
    (&e->net, e->acc, grad, *n_loss > 0 ? (real)(1.0 / (double)*n_loss) : 0);
}

/* ----------------------------------------------------------------- eval -- */

/* What acts->state points at. */
typedef struct view_of {
    const N(hooks) * hooks;
} view_of;

static void eval_task(void *ctx, int i, int worker)
{
    engine *e = ctx;
    N(state) *st = &e->state[worker];
    eg_seq seq = seq_of(st);
    view_of view = {e->hooks ? &e->hooks[worker] : NULL};

    eg_task_sequence(e->task, e->split, (uint64_t)e->step,
                     e->first + (uint32_t)i, &seq);
    N(forward)(&e->net, st);
    if (e->hooks) N(hooks_fill)(&e->net, st);
    eg_acts acts = {.n_ctx = e->net.m->T,
                    .tokens = st->tokens,
                    .targets = st->targets,
                    .occur = st->occur,
                    .nll = st->nll,
                    .pred = st->pred,
                    .state = &view};
    e->fn(e->ctx, i, worker, &acts);
}

static void engine_eval(egi_engine *opaque, eg_split split, uint64_t step,
                        uint32_t first, int count, eg_acts_fn fn, void *ctx)
{
    engine *e = (engine *)opaque;

    N(net_prepare)(&e->net);
    e->split = split;
    e->step = (int64_t)step;
    e->first = first;
    e->fn = fn;
    e->ctx = ctx;
    eg_pool_run(e->pool, count, eval_task, e);
}

static bool engine_hook(const void *state, const char *name, eg_view *out)
{
    const N(hooks) *h = ((const view_of *)state)->hooks;

    for (int i = 0; h && i < h->n; i++)
        if (strcmp(h->hook[i].name, name) == 0) {
            *out = h->hook[i].view;
            return true;
        }
    return false;
}

static const char *engine_hook_name(const egi_engine *opaque, int i)
{
    const engine *e = (const engine *)opaque;
    const N(hooks) *h = e->hooks;
    return h && i >= 0 && i < h->n ? h->hook[i].name : NULL;
}

/* ------------------------------------------------------------ life time -- */

static void engine_free(egi_engine *opaque)
{
    engine *e = (engine *)opaque;

    if (!e) return;
    for (int i = 0; e->state && i < e->n_states; i++)
        N(state_release)(&e->state[i]);
    eg_free(e->state);
    eg_free(e->hooks);
    eg_free(e->acc);
    eg_free(e->loss);
    eg_free(e->count);
    N(sheets_release)(&e->sheets);
    N(net_release)(&e->net);
    eg_free(e);
}

static eg_status engine_make(egi_engine **out, const egi_engine_spec *s,
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
    EG_TRY(N(net_init)(&e->net, s->m, s->plan, s->kern, err));
    e->net.pool = s->pool;
    e->n_states = eg_pool_size(s->pool);
    e->state = eg_calloc((size_t)e->n_states, sizeof *e->state);
    e->hooks =
        s->plan->keep ? eg_calloc((size_t)e->n_states, sizeof *e->hooks) : NULL;
    e->acc = eg_calloc((size_t)(e->slots * e->net.plan.n_acc), sizeof *e->acc);
    e->loss = eg_calloc((size_t)e->slots, sizeof *e->loss);
    e->count = eg_calloc((size_t)e->slots, sizeof *e->count);
    if (!e->state || (s->plan->keep && !e->hooks) || !e->acc || !e->loss ||
        !e->count) {
        st = EG_FAIL(err, EG_ENOMEM, "gradient sums and states");
        goto done;
    }
    for (int i = 0; i < e->n_states; i++) {
        EG_TRY(N(state_init)(&e->state[i], &e->net, s->flags, err));
        if (e->hooks) N(hooks_init)(&e->hooks[i], &e->net, &e->state[i]);
    }
    if (s->plan->sheets)
        EG_TRY(
            N(sheets_init)(&e->sheets, s->m, s->batch, e->state[0].ldx, err));
    *out = (egi_engine *)e;
    e = NULL;
done:
    engine_free((egi_engine *)e);
    return st;
}

static void engine_measure(egi_engine_bytes *out, const egi_engine_spec *s)
{
    memset(out, 0, sizeof *out);
    size_t net = N(net_bytes)(s->m, s->plan, s->kern);
    size_t state = N(state_bytes)(s->m, s->plan, s->kern, s->flags);
    int slots = s->slots < s->batch ? s->slots : s->batch;

    if (s->plan->sheets)
        out->sheets = (int64_t)N(sheets_bytes)(s->m, s->batch,
                                               N(state_ldx)(s->m, s->plan));
    out->packs = (int64_t)net;
    out->states = (int64_t)state * eg_pool_size(s->pool);
    out->accs = (int64_t)slots * s->plan->n_acc * (int64_t)sizeof(real);
}

/* ------------------------------------------------------------ optimiser -- */

static void engine_sgd(const egi_engine *e, void *w, void *m, const void *g,
                       eg_index n, double lr, double mu, double wd, int first)
{
    ((const engine *)e)
        ->net.K->sgd(w, m, g, n, (real)lr, (real)mu, (real)wd, first);
}

static void engine_adam(const egi_engine *e, void *w, void *m, void *v,
                        const void *g, eg_index n, double lr,
                        const double hyper[7])
{
    ((const engine *)e)
        ->net.K->adam(w, m, v, g, n, lr, hyper[0], hyper[1], hyper[2], hyper[3],
                      hyper[4], hyper[5], hyper[6]);
}

static double engine_sumsq(const egi_engine *e, const void *x, eg_index n)
{
    return ((const engine *)e)->net.K->sumsq(x, n);
}

static void engine_clip(const egi_engine *e, void *g, eg_index n, double factor,
                        double bound)
{
    real *x = g, top = (real)bound;

    if (factor < 1) ((const engine *)e)->net.K->scale(x, (real)factor, n);
    for (eg_index i = 0; bound > 0 && i < n; i++) {
        if (x[i] > top) x[i] = top;
        if (x[i] < -top) x[i] = -top;
    }
}

const egi_engine_vt N(egi_engine) = {
    .make = engine_make,
    .free = engine_free,
    .measure = engine_measure,
    .gradient = engine_gradient,
    .eval = engine_eval,
    .hook = engine_hook,
    .hook_name = engine_hook_name,
    .sgd = engine_sgd,
    .adam = engine_adam,
    .sumsq = engine_sumsq,
    .clip = engine_clip,
};
