/* Forward passes for the evaluator, and what it may look at. */
#include <string.h>

#include "nn/real/engine_impl.h"

typedef N(engine) engine;

static void eval_task(void *ctx, int i, int worker)
{
    engine *e = ctx;
    N(room) *r = &e->room[worker];
    const egi_eval_call *c = e->call;
    const N(looks) *looks = e->looks ? &e->looks[worker] : NULL;

    r->halt = c->halt;
    r->asks = worker == 0;
    if (c->halt && egi_halted(c->halt, r->asks)) return;
    if (c->source)
        c->source(c->from, c->first + (uint32_t)i, &r->seq);
    else
        eg_task_sequence(e->task, c->split, c->step, c->first + (uint32_t)i,
                         &r->seq);
    N(others_forward)(e, r, worker);
    N(exec_forward)(&e->x, r, (N(sums)){NULL, NULL});
    r->halt = NULL;
    if (c->halt && c->halt->is) return;
    if (looks) N(looks_fill)(looks, &e->x, r);
    eg_acts acts = {.n_ctx = e->x.p->m->T,
                    .tokens = r->seq.tokens,
                    .targets = r->seq.targets,
                    .labels = r->seq.labels,
                    .inputs = r->seq.inputs,
                    .outputs = r->seq.outputs,
                    .nll = r->nll,
                    .pred = r->pred,
                    .state = looks};
    c->fn(c->ctx, i, worker, &acts);
}

void N(engine_eval)(egi_engine *opaque, const egi_eval_call *call)
{
    engine *e = (engine *)opaque;

    N(exec_prepare)(&e->x);
    N(others_prepare)(e);
    e->call = call;
    eg_pool_run(e->pool, call->count, eval_task, e);
}

bool N(engine_hook)(const void *state, const char *name, eg_view *out)
{
    const N(looks) *l = state;

    for (int i = 0; l && i < l->n; i++)
        if (strcmp(l->look[i].name, name) == 0) {
            *out = l->look[i].view;
            return true;
        }
    return false;
}
