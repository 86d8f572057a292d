/* The evaluator: a forward-only engine, on the plain program where hooks are
 * wanted. */
#include "engram/eval.h"

#include <string.h>

#include "engram/mem.h"
#include "nn/engine.h"
#include "nn/hold.h"
#include "nn/rewrite.h"

struct eg_eval {
    const egi_engine_vt *vt;
    egi_engine *engine;
    egi_program program;
    egi_hold *hold; /* [n_hold] */
    double **row;   /* [n_hold] theirs, or NULL */
    int n_hold;
    egi_halt halt; /* stop NULL: calls run to their end */
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

/* Nothing is trained; EG_EVAL_PRED alone takes shortcuts, those that a forward
 * pass of a few sequences is worth. */
static eg_status program_for(egi_program *p, const eg_model *m, int flags,
                             eg_err *err)
{
    static const unsigned shortcuts =
        1u << EGI_REWRITE_join | 1u << EGI_REWRITE_into |
        1u << EGI_REWRITE_fold | 1u << EGI_REWRITE_merge |
        1u << EGI_REWRITE_table | 1u << EGI_REWRITE_head;
    const egi_load load = {
        .batch = 64, .n = 1, .rows = 1, .logits = EGI_LOGITS};
    egi_hooks hooks = flags & EG_EVAL_FULL ? EGI_HOOKS_FULL : EGI_HOOKS_BASIC;
    bool pred = flags & EG_EVAL_PRED;
    eg_status st = egi_program_build(p, m, eg_task_group(0, 0),
                                     pred ? EGI_HOOKS_NONE : hooks, err);

    if (st == EG_OK)
        st = egi_program_rewrite(p, NULL, &load, pred ? shortcuts : 0, err);
    return st;
}

eg_status egi_eval_bytes(int64_t *bytes, const eg_model *m, const eg_task *task,
                         eg_pool *pool, const char *kern, eg_err *err)
{
    static const int flags[] = {EG_EVAL_BASIC, EG_EVAL_PRED};
    eg_status st = EG_OK;

    *bytes = 0;
    for (int i = 0; i < 2 && st == EG_OK; i++) {
        egi_program p = {0};
        egi_engine_bytes b = {0};
        egi_engine_spec spec = {
            .program = &p, .task = task, .pool = pool, .kern = kern};

        st = program_for(&p, m, flags[i], err);
        if (st == EG_OK) st = egi_engine_of(m)->measure(&b, &spec, err);
        *bytes += b.rooms + b.packs;
        egi_program_release(&p);
    }
    return st;
}

static void free_holds(eg_eval *e)
{
    for (int i = 0; i < e->n_hold; i++) eg_free(e->row[i]);
    eg_free(e->row);
    eg_free(e->hold);
    e->row = NULL;
    e->hold = NULL;
    e->n_hold = 0;
}

eg_status eg_eval_new(eg_eval **out, const eg_model *m, const eg_task *task,
                      eg_pool *pool, const char *kern, int flags, eg_err *err)
{
    eg_status st = EG_OK;
    eg_eval *e = eg_calloc(1, sizeof *e);
    egi_engine_spec spec = {.task = task, .pool = pool, .kern = kern};

    *out = NULL;
    if (!e) return EG_FAIL(err, EG_ENOMEM, "evaluator");
    e->vt = egi_engine_of(m);
    EG_TRY(program_for(&e->program, m, flags, err));
    spec.program = &e->program;
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
    free_holds(e);
    if (e->vt) e->vt->free(e->engine);
    egi_program_release(&e->program);
    eg_free(e);
}

const char *eg_eval_hook_name(const eg_eval *e, int i)
{
    const egi_program *p = &e->program;

    return i >= 0 && i < p->n_hooks ? p->hook[i].name : NULL;
}

static void run(eg_eval *e, egi_eval_call c)
{
    relay r = {e->vt, c.fn, c.ctx};

    c.fn = relay_acts;
    c.ctx = &r;
    if (e->halt.stop) c.halt = &e->halt;
    e->vt->eval(e->engine, &c);
}

void eg_eval_until(eg_eval *e, bool (*stop)(void *ctx), void *ctx)
{
    e->halt.stop = stop;
    e->halt.ctx = ctx;
    e->halt.is = false;
}

bool eg_eval_stopped(const eg_eval *e)
{
    return e->halt.is;
}

void eg_eval_run(eg_eval *e, eg_split split, uint64_t step, uint32_t first,
                 int count, eg_acts_fn fn, void *ctx)
{
    run(e, (egi_eval_call){.split = split,
                           .step = step,
                           .first = first,
                           .count = count,
                           .fn = fn,
                           .ctx = ctx});
}

void eg_eval_run_on(eg_eval *e, eg_source_fn source, const void *from,
                    int count, eg_acts_fn fn, void *ctx)
{
    run(e, (egi_eval_call){.count = count,
                           .source = source,
                           .from = from,
                           .fn = fn,
                           .ctx = ctx});
}

/* ---- holding --------------------------------------------------------------
 */

eg_index eg_eval_columns(const eg_eval *e, const char *hook, int head)
{
    return egi_hold_columns(&e->program, hook, head);
}

/* Room for one more, at the end. */
static eg_status more_holds(eg_eval *e, eg_err *err)
{
    size_t n = (size_t)e->n_hold + 1;
    egi_hold *hold = eg_calloc(n, sizeof *hold);
    double **row = eg_calloc(n, sizeof *row);

    if (!hold || !row) {
        eg_free(hold);
        eg_free(row);
        return EG_FAIL(err, EG_ENOMEM, "%zu held values", n);
    }
    for (int i = 0; i < e->n_hold; i++) {
        hold[i] = e->hold[i];
        row[i] = e->row[i];
    }
    eg_free(e->hold);
    eg_free(e->row);
    e->hold = hold;
    e->row = row;
    return EG_OK;
}

/* What is held, but for its row. */
static eg_status describe(egi_hold *one, const eg_eval *e, const eg_hold *want,
                          eg_err *err)
{
    const egi_hook *there = NULL;
    eg_status st = egi_hold_find(one, &e->program, want->hook, want->head, err);

    if (st != EG_OK || !want->other) return st;
    there = egi_hook_find(&want->other->program, want->hook);
    if (!there || want->other->vt != e->vt ||
        eg_eval_columns(want->other, want->hook, want->head) != one->cols)
        return EG_FAIL(err, EG_ESHAPE, "%s: the other model has another shape",
                       want->hook);
    one->other = want->other->engine;
    one->other_value = there->value;
    return EG_OK;
}

eg_status eg_eval_hold(eg_eval *e, const eg_hold *want, eg_err *err)
{
    egi_hold one = {0};
    double *row = NULL;
    eg_status st = describe(&one, e, want, err);

    if (st != EG_OK) return st;
    if (want->row && !want->other) {
        row = eg_calloc((size_t)one.cols, sizeof *row);
        if (!row) return EG_FAIL(err, EG_ENOMEM, "%s: a row", want->hook);
        memcpy(row, want->row, (size_t)one.cols * sizeof *row);
        one.row = row;
    }
    EG_TRY(more_holds(e, err));
    e->hold[e->n_hold] = one;
    e->row[e->n_hold++] = row;
    row = NULL;
    EG_TRY(e->vt->hold(e->engine, e->hold, e->n_hold, err));
done:
    eg_free(row);
    if (st != EG_OK) eg_eval_let_go(e);
    return st;
}

void eg_eval_let_go(eg_eval *e)
{
    (void)e->vt->hold(e->engine, NULL, 0, NULL); /* frees, and cannot fail */
    free_holds(e);
}
