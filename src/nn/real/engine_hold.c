/* What is held in an engine, and the engines that such values come from. */
#include "engram/mem.h"
#include "nn/real/engine_impl.h"

typedef N(engine) engine;

/* Does hold i need its other engine, as no hold before it does? */
static bool asks_first(const engine *e, int i)
{
    if (e->held[i].off || !e->hold[i].other) return false;
    for (int k = 0; k < i; k++)
        if (!e->held[k].off && e->hold[k].other == e->hold[i].other)
            return false;
    return true;
}

void N(others_prepare)(const engine *e)
{
    for (int i = 0; i < e->n_hold; i++)
        if (asks_first(e, i)) N(exec_prepare)(&((engine *)e->hold[i].other)->x);
}

/* The same sequence through the engines that held values come from. */
void N(others_forward)(const engine *e, const N(room) * r, int worker)
{
    for (int i = 0; i < e->n_hold; i++) {
        engine *o = (engine *)e->hold[i].other;
        N(room) * q;
        eg_seq own;

        if (!asks_first(e, i)) continue;
        q = &o->room[worker];
        own = q->seq;
        q->seq = r->seq; /* which it only reads */
        N(exec_forward)(&o->x, q, (N(sums)){NULL, NULL});
        q->seq = own;
    }
}

/* Which values are held at the step. */
void N(holds_at)(engine *e, int64_t step)
{
    for (int w = 0; w < e->n_rooms; w++)
        for (int i = 0; i < e->n_hold; i++)
            e->held[(eg_index)w * e->n_hold + i].off =
                !egi_held_at(&e->hold[i], step);
}

/* Columns as worker w finds them. */
static N(held) held_by(const egi_hold *hold, int w)
{
    const engine *o = (const engine *)hold->other;
    N(held)
    h = {.value = hold->value,
         .first = hold->first,
         .cols = hold->cols,
         .row = hold->row};

    if (!o) return h;
    const egi_place *at = &o->x.room.at[hold->other_value];
    h.ld = at->ld;
    h.x = o->room[w].base + at->x + hold->first;
    return h;
}

eg_status N(engine_hold)(egi_engine *opaque, const egi_hold *hold, int n,
                         eg_err *err)
{
    engine *e = (engine *)opaque;
    size_t all = (size_t)n * (size_t)e->n_rooms;
    N(held) *held = n > 0 ? eg_calloc(all, sizeof *held) : NULL;

    if (n > 0 && !held) return EG_FAIL(err, EG_ENOMEM, "%d held values", n);
    eg_free(e->held);
    e->held = held;
    e->hold = hold;
    e->n_hold = n;
    for (int w = 0; w < e->n_rooms; w++) {
        N(room) *r = &e->room[w];

        r->held = n > 0 ? held + (eg_index)w * n : NULL;
        r->n_held = n;
        for (int i = 0; i < n; i++)
            held[(eg_index)w * n + i] = held_by(&hold[i], w);
    }
    return EG_OK;
}
