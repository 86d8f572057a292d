/* Several processes that train one model: rank 0 tells, the others serve. */
#include <stdio.h>
#include <string.h>

#include "nn/trainer.h"

/* What rank 0 tells; its steps tell of themselves what they are. */
typedef struct order {
    int32_t what, code;
    char mark[128];
} order;

static bool several(const eg_ranks *r)
{
    return r && r->size > 1;
}

static void tell(const eg_ranks *r, int what, int code, const char *mark)
{
    order o = {.what = what, .code = code};

    if (!several(r) || r->rank != 0) return;
    (void)snprintf(o.mark, sizeof o.mark, "%s", mark);
    r->spread(r->ctx, &o, sizeof o);
}

void egi_ranks_tell(const eg_trainer *tr, int what)
{
    tell(tr->spec.ranks, what, 0, "");
}

void eg_ranks_end(const eg_ranks *ranks, int code)
{
    tell(ranks, EGI_TELL_END, code, "");
}

void egi_ranks_ask(eg_trainer *tr)
{
    const eg_ranks *r = tr->spec.ranks;
    unsigned char asked[EG_RANKS_MAX];
    size_t from[EG_RANKS_MAX + 1];

    if (!several(r)) return;
    for (int i = 0; i <= r->size; i++) from[i] = (size_t)i;
    asked[r->rank] = tr->stop && tr->stop(tr->stop_ctx);
    r->gather(r->ctx, asked, from);
    for (int i = 0; i < r->size; i++) tr->asked |= asked[i];
}

bool eg_trainer_asked(const eg_trainer *tr)
{
    return tr->asked;
}

eg_status egi_ranks_check(const eg_trainer *tr, eg_err *err)
{
    const eg_ranks *r = tr->spec.ranks;

    if (!several(r) || r->size <= tr->slots) return EG_OK;
    if (tr->spec.train.slots == 0 && tr->slots == 1 &&
        tr->spec.train.batch >= r->size)
        return EG_FAIL(err, EG_EINVAL,
                       "%d ranks cannot share the one slot in which this model "
                       "sums its gradients: set train.slots=%d (each slot %.0f "
                       "MiB in every rank), or start one rank, with threads",
                       r->size, r->size,
                       (double)(tr->m->n_params * egi_width(tr->m)) /
                           (1 << 20));
    return EG_FAIL(err, EG_EINVAL,
                   "%d ranks cannot share the %d slot%s of this run: start %d "
                   "at most, or set train.slots and train.batch",
                   r->size, tr->slots, tr->slots == 1 ? "" : "s", tr->slots);
}

/* What the next step reads, from rank 0 to all. */
static void share(eg_trainer *tr)
{
    const eg_ranks *r = tr->spec.ranks;
    size_t width = (size_t)egi_width(tr->m);
    size_t bytes = (size_t)tr->m->n_params * width;

    r->spread(r->ctx, tr->m->params, bytes);
    if (tr->m1) r->spread(r->ctx, tr->m1, bytes);
    if (tr->m2) r->spread(r->ctx, tr->m2, bytes);
    r->spread(r->ctx, tr->updates,
              (size_t)tr->m->n_tensors * sizeof *tr->updates);
    r->spread(r->ctx, &tr->step, sizeof tr->step);
}

void eg_trainer_share(eg_trainer *tr, const char *mark)
{
    if (!several(tr->spec.ranks)) return;
    tell(tr->spec.ranks, EGI_TELL_SHARE, 0, mark);
    share(tr);
}

eg_status eg_trainer_serve(int *code, eg_trainer *tr, const eg_ranks *ranks,
                           const char *mark, bool (*stop)(void *ctx), void *ctx,
                           eg_err *err)
{
    eg_step_info info;
    order o;

    if (tr) tr->stop = stop;
    if (tr) tr->stop_ctx = ctx;
    for (;;) {
        ranks->spread(ranks->ctx, &o, sizeof o);
        *code = o.code;
        if (o.what == EGI_TELL_END) return EG_OK;
        if (!tr)
            return EG_FAIL(err, EG_EINVAL, "rank %d has no trainer",
                           ranks->rank);
        if (o.what == EGI_TELL_SHARE && strcmp(o.mark, mark) != 0)
            return EG_FAIL(err, EG_EINVAL,
                           "rank %d: expected what rank 0 trains, %s, found "
                           "%s (configuration, kernel set)",
                           ranks->rank, o.mark, mark);
        if (o.what == EGI_TELL_SHARE) share(tr);
        if (o.what == EGI_TELL_LOOK) eg_trainer_look(tr, &info);
        if (o.what == EGI_TELL_STEP) eg_trainer_step(tr, &info);
    }
}
