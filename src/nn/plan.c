/* What a training run will need: memory, arithmetic. Nothing of it is taken. */
#include <string.h>

#include "nn/schedule.h"
#include "nn/trainer.h"

/* What describes a step, beside its numbers: of small models a tenth of all. */
static int64_t tables_of(const eg_trainer *tr)
{
    const egi_program *p = &tr->program;
    size_t tensor = sizeof *tr->m->tensor + sizeof *tr->from +
                    sizeof *tr->updates + sizeof *tr->grad_norm;

    return (int64_t)(sizeof *tr + sizeof *tr->m +
                     (size_t)tr->m->n_tensors * tensor +
                     (size_t)p->cap_values * sizeof *p->value +
                     (size_t)p->cap_ops * sizeof *p->op +
                     (size_t)p->cap_hooks * sizeof *p->hook);
}

eg_status eg_train_plan_make(eg_train_plan *plan, const eg_train_spec *spec,
                             eg_err *err)
{
    eg_trainer *tr = NULL;
    eg_status st = egi_trainer_planned(&tr, spec, err);
    egi_engine_bytes b;
    int64_t width;

    memset(plan, 0, sizeof *plan);
    if (st != EG_OK) return st;
    width = egi_width(tr->m);
    egi_engine_spec es = egi_trainer_engine(tr);
    EG_TRY(tr->vt->measure(&b, &es, err));
    EG_TRY(egi_eval_bytes(&plan->eval, tr->m, spec->task, spec->pool,
                          tr->spec.kern, err));
    for (int i = 0; i < tr->m->n_tensors; i++) {
        plan->n_params += tr->m->tensor[i].size;
        if (tr->from[i] != EGI_NEVER) plan->n_trained += tr->m->tensor[i].size;
    }
    plan->params = tr->m->n_params * width;
    plan->grads = plan->params + b.accs;
    plan->moments = plan->params * (egi_uses_m1(&spec->optim) +
                                    (spec->optim.kind != EG_OPTIM_SGD));
    plan->states = b.rooms + b.pairs + tables_of(tr);
    plan->states += egi_clamps_files(&tr->clamps) * (plan->params + b.rooms);
    if (tr->clamps.mean.cols > 0)
        plan->states += b.rooms + spec->train.batch * tr->clamps.mean.cols * 8;
    plan->packs = b.packs;
    plan->total =
        plan->params + plan->grads + plan->moments + plan->states + plan->packs;
    plan->slots = tr->slots;
    plan->kern = tr->spec.kern;
    egi_flops flops = egi_program_flops(&tr->program, &tr->load);
    plan->flops_per_token = flops.all;
    plan->looked_up_per_token = flops.tables;
done:
    eg_trainer_free(tr);
    return st;
}
