/* The evaluator: a forward-only engine on the plain plan. */
#include "engram/eval.h"

#include "engram/mem.h"
#include "nn/engine.h"

struct eg_eval {
    const eg_model *m;
    const egi_engine_vt *vt;
    egi_engine *engine;
    egi_plan plan;
};

/* Lets eg_acts_hook find the engine that made the activations. */
typedef struct tagged {
    const egi_engine_vt *vt;
    const void *state;
} tagged;

typedef struct relay {
    const egi_engine_vt *vt;
    eg_acts_fn fn;
    void *ctx;
} relay;

static void relay_acts(void *ctx, int index, int worker, const eg_acts *acts)
{
    relay *r = ctx;
    tagged t = {r->vt, acts->state};
    eg_acts mine = *acts;

    mine.state = &t;
    r->fn(r->ctx, index, worker, &mine);
}

bool eg_acts_hook(const eg_acts *a, const char *name, eg_view *out)
{
    const tagged *t = a->state;
    return t->vt->hook(t->state, name, out);
}

/* Forward only, every buffer kept, nothing trained. */
static egi_engine_spec eval_spec(egi_plan *plan, const eg_model *m,
                                 eg_pool *pool, const char *kern, int flags)
{
    static const bool nothing[12 * EGI_LAYERS + 6];

    egi_plan_make(plan, m, nothing, false, 0,
                  flags & EG_EVAL_PRED ? EGI_PREDICT : EGI_INSPECT);
    egi_engine_spec spec = {
        .m = m, .pool = pool, .kern = kern, .plan = plan, .flags = flags};
    return spec;
}

int64_t egi_eval_bytes(const eg_model *m, eg_pool *pool, const char *kern)
{
    static const int flags[] = {EG_EVAL_BASIC, EG_EVAL_PRED};
    int64_t bytes = 0;

    for (int i = 0; i < 2; i++) {
        egi_plan plan;
        egi_engine_bytes b;
        egi_engine_spec spec = eval_spec(&plan, m, pool, kern, flags[i]);
        egi_engine_of(m)->measure(&b, &spec);
        bytes += b.states + b.packs;
    }
    return bytes;
}

eg_status eg_eval_new(eg_eval **out, const eg_model *m, const eg_task *task,
                      eg_pool *pool, const char *kern, int flags, eg_err *err)
{
    eg_status st = EG_OK;
    eg_eval *e = eg_calloc(1, sizeof *e);

    *out = NULL;
    if (!e) return EG_FAIL(err, EG_ENOMEM, "evaluator");
    e->m = m;
    e->vt = egi_engine_of(m);
    egi_engine_spec spec = eval_spec(&e->plan, m, pool, kern, flags);
    spec.task = task;
    EG_TRY(e->vt->make(&e->engine, &spec, err));
    *out = e;
    e = NULL;
done:
    eg_eval_free(e);
    return st;
}

void eg_eval_free(eg_eval *e)
{
    if (!e) return;
    if (e->vt) e->vt->free(e->engine);
    eg_free(e);
}

const char *eg_eval_hook_name(const eg_eval *e, int i)
{
    return e->vt->hook_name(e->engine, i);
}

void eg_eval_run(eg_eval *e, eg_split split, uint64_t step, uint32_t first,
                 int count, eg_acts_fn fn, void *ctx)
{
    relay r = {e->vt, fn, ctx};
    e->vt->eval(e->engine, split, step, first, count, relay_acts, &r);
}
