/* Why a step could not be made: which numbers are none. Runs once, where a
 * training run ends, and so may take its time. */
#include "lab/lab_priv.h"

#include <math.h>
#include <stdio.h>

#include "engram/eval.h"
#include "engram/mem.h"
#include "base/num.h"

const char *egi_bad_weight(const eg_model *m)
{
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_view v = eg_model_view(m, i);

        if (eg_view_not_finite(&v) >= 0) return eg_model_tensor(m, i)->name;
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

        if (!eg_acts_hook(acts, name, &v) || eg_view_not_finite(&v) < 0)
            continue;
        s->found[index] = i;
        return;
    }
}

/* The first activation, in the order of the forward pass, that is not finite
 * in some sequence of the step's batch; "" when all are. False: no memory. */
static bool bad_activation(char *name, size_t size, const eg_train_spec *spec,
                           const eg_model *m, int64_t step)
{
    int batch = (int)spec->train.batch, first = -1;
    eg_eval *eval = NULL;
    search s = {.found = eg_calloc((size_t)batch, sizeof(int))};
    bool looked =
        s.found && eg_eval_new(&eval, m, spec->task, spec->pool, spec->kern,
                               EG_EVAL_BASIC, NULL) == EG_OK;

    name[0] = '\0';
    if (looked) {
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
    return looked;
}

/* What stands behind a loss that is not finite while all gradients are. */
static void say_behind(char *buf, size_t size, const eg_step_info *info,
                       const eg_train_spec *spec, const eg_model *m)
{
    const char *weight = egi_bad_weight(m);
    char hook[64];

    if (weight)
        snprintf(buf, size, ", nor is the weight %s", weight);
    else if (!bad_activation(hook, sizeof hook, spec, m, info->step))
        buf[0] = '\0';
    else if (hook[0])
        snprintf(buf, size, "; the first activation that is not: %s", hook);
    else
        snprintf(buf, size, ", though weights, gradients and activations are");
}

/* Steps too long are the usual reason, where there have been any. */
static void say_remedy(char *buf, size_t size, const eg_step_info *info,
                       const eg_optim_opts *o)
{
    buf[0] = '\0';
    if (info->step > 0)
        egi_snprintf(buf, size, "; try optim.lr=%.3g%s", o->lr / 10,
                     o->clip == EG_CLIP_NONE ? " or optim.clip=norm" : "");
}

void egi_say_overflown(char *buf, size_t size, int64_t steps,
                       const char *weight)
{
    snprintf(buf, size, "step %lld: its update made the weight %s not finite",
             (long long)steps - 1, weight);
}

void egi_say_diverged(char *buf, size_t size, const eg_step_info *info,
                      const eg_train_spec *spec, eg_trainer *tr)
{
    const eg_model *m = eg_trainer_model(tr);
    bool loss = !isfinite(info->loss);
    char what[128], remedy[64];

    if (info->bad_tensor >= 0)
        snprintf(what, sizeof what, "%sthe gradient of %s is not finite",
                 loss ? ", and " : "",
                 eg_model_tensor(m, info->bad_tensor)->name);
    else
        say_behind(what, sizeof what, info, spec, m);
    say_remedy(remedy, sizeof remedy, info, &spec->optim);
    snprintf(buf, size, "step %lld: %s%s%s", (long long)info->step,
             loss ? "the loss is not finite" : "", what, remedy);
}
