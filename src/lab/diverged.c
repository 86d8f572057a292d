/* Why a step could not be made: which numbers are none. Runs once, where a
 * training run ends, and so may take its time. */
#include "lab/lab_priv.h"

#include <math.h>
#include <stdio.h>

#include "engram/eval.h"
#include "engram/mem.h"

static bool all_finite(const eg_view *v)
{
    for (eg_index i = 0; i < eg_view_size(v); i++)
        if (!isfinite(eg_view_at(v, i))) return false;
    return true;
}

/* The first tensor of the table with a number that is none; NULL: none has. */
static const char *bad_weight(const eg_model *m)
{
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_view v = eg_model_view(m, i);

        if (!all_finite(&v)) return eg_model_tensor(m, i)->name;
    }
    return NULL;
}

/* The first hook point of each sequence that is not finite; -1: none is. */
typedef struct search {
    const eg_eval *eval;
    int *found; /* [sequences of the batch] */
} search;

static void look(void *ctx, int index, int worker, const eg_acts *acts)
{
    const search *s = ctx;
    const char *name;

    (void)worker;
    s->found[index] = -1;
    for (int i = 0; (name = eg_eval_hook_name(s->eval, i)); i++) {
        eg_view v;

        if (!eg_acts_hook(acts, name, &v) || all_finite(&v)) continue;
        s->found[index] = i;
        return;
    }
}

/* The first activation, in the order of the forward pass, that is not finite
 * in some sequence of the step's batch; "" when all are, or without memory. */
static void bad_activation(char *name, size_t size, const eg_train_spec *spec,
                           const eg_model *m, int64_t step)
{
    int batch = (int)spec->train.batch, first = -1;
    eg_eval *eval = NULL;
    search s = {.found = eg_calloc((size_t)batch, sizeof(int))};

    name[0] = '\0';
    if (s.found && eg_eval_new(&eval, m, spec->task, spec->pool, spec->kern,
                               EG_EVAL_BASIC, NULL) == EG_OK) {
        s.eval = eval;
        eg_eval_run(eval, EG_TRAIN, (uint64_t)step, 0, batch, look, &s);
        for (int i = 0; i < batch; i++)
            if (s.found[i] >= 0 && (first < 0 || s.found[i] < first))
                first = s.found[i];
        if (first >= 0)
            snprintf(name, size, "%s", eg_eval_hook_name(eval, first));
    }
    eg_eval_free(eval);
    eg_free(s.found);
}

void egi_say_diverged(char *buf, size_t size, const eg_step_info *info,
                      const eg_train_spec *spec, eg_trainer *tr)
{
    const eg_model *m = eg_trainer_model(tr);
    const char *loss = isfinite(info->loss) ? "" : "the loss is not finite",
               *weight;
    char hook[64];
    long long step = (long long)info->step;

    if (info->bad_tensor >= 0) {
        snprintf(buf, size, "step %lld: %s%sthe gradient of %s is not finite",
                 step, loss, loss[0] ? ", and " : "",
                 eg_model_tensor(m, info->bad_tensor)->name);
        return;
    }
    weight = bad_weight(m);
    if (weight) {
        snprintf(buf, size, "step %lld: %s, nor is the weight %s", step, loss,
                 weight);
        return;
    }
    bad_activation(hook, sizeof hook, spec, m, info->step);
    if (hook[0])
        snprintf(buf, size,
                 "step %lld: %s; the first activation that is not: %s", step,
                 loss, hook);
    else
        snprintf(buf, size,
                 "step %lld: %s, though weights, gradients and activations are",
                 step, loss);
}
