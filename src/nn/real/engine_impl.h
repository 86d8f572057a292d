/* The engine, inside: shared by engine.c and engine_hold.c. */
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
    /* the request in hand */
    uint64_t seed;
    int64_t step;
    real *grad;
    const egi_eval_call *call;
} N(engine);

/* engine_hold.c: engines that held values come from, made ready for a step, and
 * run on the sequence in room r; which values are held at a step. */
void N(others_prepare)(const N(engine) * e);
void N(others_forward)(const N(engine) * e, const N(room) * r, int worker);
void N(holds_at)(N(engine) * e, int64_t step);
eg_status N(engine_hold)(egi_engine *opaque, const egi_hold *hold, int n,
                         eg_err *err);

#endif
