/* What the ranks of one step exchange (engram/ranks.h), so that all of them end
 * with the sums of one process: tokens and values of pairs before the
 * sequences, gradients of pairs behind them, and the sums of the slots by the
 * same tree.
 *
 * Slots, and the sequences of each, are shared in runs of their order; so are
 * sheets of pairs forwards. A part that is computed by one rank comes to the
 * others as it stands. */
#include "nn/real/engine_impl.h"

typedef N(engine) engine;

/* The first slot, and the first sequence, of rank r. */
static int slot_of(const engine *e, int r)
{
    return eg_ranks_share(e->ranks, e->slots, r);
}

static int sequence_of(const engine *e, int r)
{
    return egi_slot_begin(slot_of(e, r), e->batch, e->slots);
}

static int sheet_of(const engine *e, int r)
{
    return eg_ranks_share(e->ranks, e->pairs.n, r);
}

/* Each rank's things of `each` bytes to all; first says with which they
 * begin. */
static void gather(const engine *e, void *data, size_t each,
                   int (*first)(const engine *e, int r))
{
    size_t from[EG_RANKS_MAX + 1];

    if (!e->ranks) return;
    for (int r = 0; r <= e->ranks->size; r++)
        from[r] = (size_t)first(e, r) * each;
    e->ranks->gather(e->ranks->ctx, data, from);
}

void N(among_begin)(engine *e, const eg_ranks *ranks)
{
    bool alone = !ranks || ranks->size == 1;

    e->ranks = alone ? NULL : ranks;
    e->from = alone ? 0 : slot_of(e, ranks->rank);
    e->to = alone ? e->slots : slot_of(e, ranks->rank + 1);
}

int N(among_sequences)(const engine *e, bool end)
{
    return egi_slot_begin(end ? e->to : e->from, e->batch, e->slots);
}

int N(among_sheets)(const engine *e, bool end)
{
    if (!e->ranks) return end ? e->pairs.n : 0;
    return sheet_of(e, e->ranks->rank + end);
}

void N(among_tokens)(const engine *e)
{
    gather(e, e->pairs.tokens, (size_t)e->pairs.T * sizeof *e->pairs.tokens,
           sequence_of);
}

void N(among_values)(const engine *e)
{
    for (int i = 0; i < e->pairs.n_cuts; i++) {
        const N(cut) *c = &e->pairs.cut[i];

        gather(e, c->out, (size_t)(e->pairs.T * c->ld) * sizeof *c->out,
               sheet_of);
    }
}

void N(among_places)(const engine *e)
{
    gather(e, e->pairs.length, sizeof *e->pairs.length, sequence_of);
    for (int i = 0; i < e->pairs.n_cuts; i++) {
        const N(cut) *c = &e->pairs.cut[i];

        if (c->dout)
            gather(e, c->dout, (size_t)(e->pairs.T * c->ld) * sizeof *c->dout,
                   sequence_of);
    }
}

void N(among_losses)(const engine *e)
{
    gather(e, e->loss, sizeof *e->loss, slot_of);
    gather(e, e->count, sizeof *e->count, slot_of);
}

/* ---- the tree -------------------------------------------------------------
 */

bool N(among_own)(const engine *e, int slot, int width)
{
    int end = slot + 2 * width < e->slots ? slot + 2 * width : e->slots;

    return slot >= e->from && end <= e->to;
}

static int owner(const engine *e, int slot)
{
    int n = e->ranks->size;

    return (int)((((int64_t)slot + 1) * n - 1) / e->slots);
}

typedef struct sum {
    const engine *e;
    real *to;
    const real *from;
} sum;

static void add_task(void *ctx, int chunk, int worker)
{
    const sum *s = ctx;
    eg_index at = (eg_index)chunk * EGI_REDUCE_CHUNK;
    eg_index n = s->e->x.n_acc - at;

    (void)worker;
    s->e->x.K->add(s->to + at, s->from + at,
                   n < EGI_REDUCE_CHUNK ? n : EGI_REDUCE_CHUNK);
}

/* Slot s takes in slot s + width: here, or from where that is. */
static void take_in(const engine *e, int slot, int width)
{
    const eg_ranks *r = e->ranks;
    int to = owner(e, slot), from = owner(e, slot + width);
    eg_index n = e->x.n_acc;
    size_t bytes = (size_t)n * sizeof *e->acc;
    sum s = {e, e->acc + slot * n, e->acc + (slot + width) * n};
    int chunks = (int)((n + EGI_REDUCE_CHUNK - 1) / EGI_REDUCE_CHUNK);

    if (from == r->rank && to != r->rank) r->send(r->ctx, to, s.from, bytes);
    if (to != r->rank) return;
    if (from != r->rank)
        r->receive(r->ctx, from, e->acc + (slot + width) * n, bytes);
    eg_pool_run(e->pool, chunks, add_task, &s);
}

void N(among_sum)(const engine *e)
{
    if (!e->ranks) return;
    for (int width = 1; width < e->slots; width *= 2)
        for (int s = 0; s + width < e->slots; s += 2 * width)
            if (!N(among_own)(e, s, width)) take_in(e, s, width);
    e->ranks->spread(e->ranks->ctx, e->acc,
                     (size_t)e->x.n_acc * sizeof *e->acc);
}
