/* train.clamp at the mean: what hooks are in the model itself, on average over
 * positions and sequences of the step's batch, with nothing held. */
#include <string.h>

#include "engram/mem.h"
#include "nn/hold.h"
#include "nn/rewrite.h"

/* Rows of sequence `index`, added up for each hold that asks. */
static void on_sequence(void *ctx, int index, int worker, const eg_acts *acts)
{
    egi_clamps *c = ctx;

    (void)worker;
    for (int i = 0; i < c->n; i++) {
        const egi_hold *h = &c->hold[i];
        eg_view v;

        if (c->of[i].mean && c->mean.vt->hook(acts->state, c->of[i].hook, &v))
            eg_hook_sum(c->mean.part + (eg_index)index * c->mean.cols +
                            c->of[i].at,
                        &v, acts->n_ctx, h->first, h->cols);
    }
}

static bool due(const egi_clamps *c, int64_t step)
{
    for (int i = 0; i < c->n; i++)
        if (c->of[i].mean && egi_held_at(&c->hold[i], step)) return true;
    return false;
}

void egi_clamps_means(egi_clamps *c, int64_t step)
{
    const egi_clamp_mean *m = &c->mean;
    double n = (double)m->batch * (double)m->n_ctx;

    if (m->cols == 0 || !due(c, step)) return;
    m->vt->eval(m->engine, &(egi_eval_call){.split = EG_TRAIN,
                                            .step = (uint64_t)step,
                                            .count = m->batch,
                                            .fn = on_sequence,
                                            .ctx = c});
    memset(m->row, 0, (size_t)m->cols * sizeof *m->row);
    for (int i = 0; i < m->batch; i++) /* in their order */
        for (eg_index k = 0; k < m->cols; k++)
            m->row[k] += m->part[i * m->cols + k] / n;
}

eg_status egi_clamps_mean_init(egi_clamps *c, const eg_model *m,
                               const egi_engine_spec *like,
                               const egi_load *load, eg_err *err)
{
    egi_clamp_mean *mean = &c->mean;
    egi_engine_spec spec = {.program = &mean->p,
                            .task = like->task,
                            .pool = like->pool,
                            .kern = like->kern};
    eg_status st = EG_OK;

    if (mean->cols == 0) return EG_OK;
    mean->vt = egi_engine_of(m);
    mean->batch = like->batch;
    mean->n_ctx = m->T;
    mean->row = eg_calloc((size_t)mean->cols, sizeof *mean->row);
    mean->part =
        eg_calloc((size_t)mean->batch * (size_t)mean->cols, sizeof *mean->part);
    if (!mean->row || !mean->part)
        return EG_FAIL(err, EG_ENOMEM, "train.clamp");
    for (int i = 0; i < c->n; i++)
        if (c->of[i].mean) c->hold[i].row = mean->row + c->of[i].at;
    EG_TRY(egi_program_build(&mean->p, m, eg_task_group(0, 0), EGI_HOOKS_BASIC,
                             err));
    EG_TRY(egi_program_rewrite(&mean->p, NULL, load, 0, err));
    EG_TRY(mean->vt->make(&mean->engine, &spec, err));
done:
    return st;
}

void egi_clamps_mean_release(egi_clamps *c)
{
    if (c->mean.engine) c->mean.vt->free(c->mean.engine);
    egi_program_release(&c->mean.p);
    eg_free(c->mean.row);
    eg_free(c->mean.part);
    c->mean = (egi_clamp_mean){0};
}
