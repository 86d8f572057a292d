/* The engine behind trainer and evaluator: one table of functions a
 * precision. */
#ifndef EG_NN_ENGINE_H
#define EG_NN_ENGINE_H

#include "engram/eval.h"
#include "engram/ranks.h"
#include "nn/profile.h"
#include "nn/prog.h"

typedef struct egi_engine egi_engine; /* opaque, one type a precision */

typedef struct egi_engine_spec {
    const egi_program *program; /* outlives the engine */
    const eg_task *task;
    eg_pool *pool;
    const char *kern;
    int slots; /* gradient sums; 0: forward only */
    int batch;
    uint64_t seed; /* of masks */
    bool profile;  /* take the time of every op */
} egi_engine_spec;

/* Gradient sums, rooms of all threads, weights and packs, pairs of a batch. */
typedef struct egi_engine_bytes {
    int64_t accs, rooms, packs, pairs;
} egi_engine_bytes;

/* A value of the program, so many columns of it, that is held: at row [cols] at
 * every position (NULL: zeros), or at what a value of another engine, of the
 * same shapes and threads, is there. */
typedef struct egi_hold {
    int value;
    eg_index first, cols;
    const double *row;
    egi_engine *other; /* NULL: none */
    int other_value;
    int64_t from, to; /* of steps of gradients, from <= step < to; eval holds
                         at any */
} egi_hold;

static inline bool egi_held_at(const egi_hold *h, int64_t step)
{
    return step >= h->from && step < h->to;
}

/* Whether a call is to end before its time: the thread that called asks stop
 * between ops, the others look. */
typedef struct egi_halt {
    bool (*stop)(void *ctx);
    void *ctx;
    _Atomic bool is;
} egi_halt;

static inline bool egi_halted(egi_halt *h, bool asks)
{
    if (asks && h->stop(h->ctx)) h->is = true;
    return h->is;
}

/* Sequences to run forwards, and who is shown what comes of them. */
typedef struct egi_eval_call {
    eg_split split;
    uint64_t step;
    uint32_t first;
    int count;
    eg_source_fn source; /* who writes them; NULL: the task */
    const void *from;
    eg_acts_fn fn;
    void *ctx;
    egi_halt *halt; /* NULL: it runs to its end; fn is not told of a sequence
                       that was given up */
} egi_eval_call;

typedef struct egi_engine_vt {
    eg_status (*make)(egi_engine **out, const egi_engine_spec *s, eg_err *err);
    void (*free)(egi_engine *e);
    /* What make would take, without taking it. */
    eg_status (*measure)(egi_engine_bytes *out, const egi_engine_spec *s,
                         eg_err *err);
    /* Loss sum and count over the batch of a step, gradient of the mean into
     * grad (laid out like the parameters). ranks (NULL: alone): those that make
     * this call together. */
    void (*gradient)(egi_engine *e, int64_t step, void *grad, double *loss_sum,
                     int64_t *n_loss, const eg_ranks *ranks);
    /* From now on gradients are of sequences that source writes; NULL: of the
     * task's. */
    void (*source)(egi_engine *e, eg_source_fn source, const void *from);
    void (*eval)(egi_engine *e, const egi_eval_call *call);
    /* From now on n values are held, of kept ones that an op makes (0: none,
     * which cannot fail); hold and the rows in it outlive that. Only eval asks
     * others, only gradient the step. */
    eg_status (*hold)(egi_engine *e, const egi_hold *hold, int n, eg_err *err);
    /* Ticks of thread i, or (-1) of what is done once a step, all threads
     * waiting or helping; NULL: no such thread, or no profile. */
    egi_tick *(*ticks)(const egi_engine *e, int i);
    bool (*hook)(const void *state, const char *name, eg_view *out);
    /* Optimiser on one tensor's entries. */
    void (*sgd)(const egi_engine *e, void *w, void *m, const void *g,
                eg_index n, double lr, double mu, double wd, int first);
    void (*adam)(const egi_engine *e, void *w, void *m, void *v, const void *g,
                 eg_index n, double lr, const double hyper[7]);
    double (*sumsq)(const egi_engine *e, const void *x, eg_index n);
    void (*clip)(const egi_engine *e, void *g, eg_index n, double factor,
                 double bound);
} egi_engine_vt;

extern const egi_engine_vt egi_engine_f32, egi_engine_f64;

/* What the two evaluators of a run would take: one with hooks, one without. */
eg_status egi_eval_bytes(int64_t *bytes, const eg_model *m, const eg_task *task,
                         eg_pool *pool, const char *kern, eg_err *err);

static inline const egi_engine_vt *egi_engine_of(const eg_model *m)
{
    return m->precision == EG_FLOAT64 ? &egi_engine_f64 : &egi_engine_f32;
}

#endif
