/* Blocks of sequences, each with its own context, room and sums. */
#include "mesa/crew.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "base/sweep.h"

#define BLOCK 32 /* sequences */

typedef struct block {
    egi_icl icl;
    double *pred, *work;
    double *at;   /* [T] sums over its sequences */
    double *grad; /* [3, steps] */
    double sum, squares;
} block;

struct egi_icl_crew {
    const egi_icl_solver *solver;
    const egi_icl_source *source;
    eg_pool *pool;
    int count, n;
    eg_index steps, T;
    block *block; /* [n] */
    double *room;
    /* of the run */
    const egi_icl_how *how;
    eg_split split;
    uint64_t step;
    bool grad;
};

eg_status egi_icl_crew_new(egi_icl_crew **out, const egi_icl_solver *solver,
                           const egi_icl_source *source, eg_index steps,
                           int count, eg_pool *pool, eg_err *err)
{
    egi_icl_crew *c = eg_calloc(1, sizeof *c);
    egi_icl_how how = {.steps = steps};
    eg_index work = 0, pred = 0;
    double *next;
    eg_status st = EG_OK;

    *out = NULL;
    if (!c) return EG_FAIL(err, EG_ENOMEM, "%s in context", solver->name);
    c->solver = solver;
    c->source = source;
    c->pool = pool;
    c->steps = steps;
    c->count = count;
    c->n = (count + BLOCK - 1) / BLOCK;
    c->T = eg_task_io(source->task).n_ctx;
    c->block = eg_calloc((size_t)c->n, sizeof *c->block);
    if (!c->block) {
        st = EG_FAIL(err, EG_ENOMEM, "%s of %d contexts", solver->name, count);
        goto done;
    }
    for (int i = 0; i < c->n; i++)
        EG_TRY(egi_icl_new(&c->block[i].icl, source, err));
    work = solver->work(&c->block[0].icl, &how);
    pred = c->T * c->block[0].icl.p;
    c->room = eg_calloc((size_t)c->n * (size_t)(work + pred + c->T + 3 * steps),
                        sizeof *c->room);
    if (!c->room) {
        st = EG_FAIL(err, EG_ENOMEM, "%s of %d contexts", solver->name, count);
        goto done;
    }
    next = c->room;
    for (int i = 0; i < c->n; i++) {
        c->block[i].pred = egi_take(&next, pred);
        c->block[i].work = egi_take(&next, work);
        c->block[i].at = egi_take(&next, c->T);
        c->block[i].grad = egi_take(&next, 3 * steps);
    }
    *out = c;
    c = NULL;
done:
    egi_icl_crew_free(c);
    return st;
}

void egi_icl_crew_free(egi_icl_crew *c)
{
    if (!c) return;
    for (int i = 0; i < c->n && c->block; i++)
        egi_icl_release(&c->block[i].icl);
    eg_free(c->block);
    eg_free(c->room);
    eg_free(c);
}

/* Adds to the sums of the block what its context's predictions have lost. */
static void count_losses(block *b)
{
    const egi_icl *c = &b->icl;
    double sum = 0;

    for (eg_index t = 0; t < c->T; t++) {
        double loss = 0;

        for (eg_index i = t * c->p; i < (t + 1) * c->p; i++) {
            double e = b->pred[i] - c->target[i];

            loss += e * e / 2;
        }
        b->at[t] += loss;
        sum += loss / (double)c->T;
    }
    b->sum += sum;
    b->squares += sum * sum;
}

static void run_block(void *ctx, int task, int worker)
{
    egi_icl_crew *c = ctx;
    block *b = &c->block[task];
    egi_icl_grad grad = {b->grad, b->grad + c->steps, b->grad + 2 * c->steps};
    int first = task * BLOCK;
    int last = first + BLOCK < c->count ? first + BLOCK : c->count;

    (void)worker;
    memset(b->at, 0, (size_t)(c->T + 3 * c->steps) * sizeof *b->at);
    b->sum = b->squares = 0;
    for (int i = first; i < last; i++) {
        egi_icl_make(&b->icl, c->source, c->split, c->step, (uint32_t)i);
        c->solver->run(&b->icl, c->how, b->pred, c->grad ? &grad : NULL,
                       b->work);
        count_losses(b);
    }
}

void egi_icl_crew_run(egi_icl_crew *c, const egi_icl_how *how, eg_split split,
                      uint64_t step, egi_icl_loss *loss, double *grad)
{
    double n = c->count, sum = 0, squares = 0;

    EG_ASSERT(how->steps == c->steps);
    c->how = how;
    c->split = split;
    c->step = step;
    c->grad = grad != NULL;
    eg_pool_run(c->pool, c->n, run_block, c);
    if (loss->at) memset(loss->at, 0, (size_t)c->T * sizeof *loss->at);
    if (grad) memset(grad, 0, (size_t)(3 * c->steps) * sizeof *grad);
    for (int i = 0; i < c->n; i++) {
        const block *b = &c->block[i];

        sum += b->sum;
        squares += b->squares;
        for (eg_index t = 0; t < c->T && loss->at; t++)
            loss->at[t] += b->at[t] / n;
        for (eg_index k = 0; k < 3 * c->steps && grad; k++)
            grad[k] += b->grad[k] / (n * (double)c->T);
    }
    loss->mean = sum / n;
    loss->se = sqrt(egi_most(squares / n - loss->mean * loss->mean, 0) / n);
}
