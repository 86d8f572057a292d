/* The engine, inside: shared by engine.c, among.c, engine_eval.c and
 * engine_hold.c. */
#ifndef EG_NN_ENGINE_IMPL_H
#define EG_NN_ENGINE_IMPL_H

#include "nn/engine.h"
#include "nn/real/batch.h"
#include "nn/real/look.h"

typedef struct N(engine) {
    N(exec) x;
    const eg_task *task;
    eg_pool *pool;
    int n_rooms, slots, batch;
    N(room) * room;   /* one a worker */
    N(looks) * looks; /* one a worker; where the program has hooks */
    N(batch) pairs;   /* where the program asks for it */
    real *acc;        /* [slots, n_acc] */
    egi_tick *ticks;  /* [1 + n_rooms, egi_ticks] of all; NULL: no profile */
    double *loss;     /* [slots] */
    int64_t *count;   /* [slots] */
    const egi_hold *hold; /* [n_hold] */
    N(held) * held;       /* [n_rooms, n_hold] */
    int n_hold;
    eg_source_fn source;   /* of gradients; NULL: the task */
    const void *source_of; /* what it is told */
    /* the request in hand */
    uint64_t seed;
    int64_t step;
    real *grad;
    const egi_eval_call *call;
    const eg_ranks *ranks; /* NULL: this process computes all slots, */
    int from, to;          /* else these: from <= slot < to */
    int first;             /* number of the first task that runs now */
} N(engine);

#define EGI_REDUCE_CHUNK 16384 /* entries a task of the reduction sums */

/* The first sequence of a slot: slot s has s B / S .. (s + 1) B / S - 1. */
static inline int egi_slot_begin(int slot, int batch, int slots)
{
    return (int)((int64_t)slot * batch / slots);
}

/* among.c: a step that several ranks share; NULL: that this one makes alone,
 * and nothing of what follows does anything. */
void N(among_begin)(N(engine) * e, const eg_ranks *ranks);
/* The first sequence and the first sheet of this rank, or the end of them. */
int N(among_sequences)(const N(engine) * e, bool end);
int N(among_sheets)(const N(engine) * e, bool end);
/* To all ranks: tokens of all sequences; values of pairs; gradients of pairs by
 * place; losses and counts of all slots. */
void N(among_tokens)(const N(engine) * e);
void N(among_values)(const N(engine) * e);
void N(among_places)(const N(engine) * e);
void N(among_losses)(const N(engine) * e);
/* Are the slots that slot has taken in, and those of slot + width, all of this
 * rank? Such sums come first, by themselves; then all others, from rank to
 * rank, and the result, that of slot 0, to all. */
bool N(among_own)(const N(engine) * e, int slot, int width);
void N(among_sum)(const N(engine) * e);

/* engine_hold.c: engines that held values come from, made ready for a step, and
 * run on the sequence in room r; which values are held at a step. */
void N(others_prepare)(const N(engine) * e);
void N(others_forward)(const N(engine) * e, const N(room) * r, int worker);
void N(holds_at)(N(engine) * e, int64_t step);
eg_status N(engine_hold)(egi_engine *opaque, const egi_hold *hold, int n,
                         eg_err *err);

/* engine_eval.c: rows of egi_engine_vt. */
void N(engine_eval)(egi_engine *opaque, const egi_eval_call *call);
bool N(engine_hook)(const void *state, const char *name, eg_view *out);

#endif
