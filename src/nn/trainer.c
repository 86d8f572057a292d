/* Training: gradient of a step's batch, clipping, optimiser, bookkeeping. */
#include "nn/trainer.h"

#include <math.h>
#include <string.h>

#include "engram/kern.h"
#include "engram/mem.h"
#include "nn/schedule.h"
#include "nn/weights.h"

/* ------------------------------------------------------------ life time -- */

bool egi_uses_m1(const eg_optim_opts *o)
{
    return o->kind != EG_OPTIM_SGD || o->momentum > 0;
}

/* Does weight decay touch the tensor? */
static bool decays(const eg_optim_opts *o, const eg_tensor *t)
{
    return !t->undecayed && (egi_is_matrix(t) || !o->decay_matrices);
}

static eg_precision precision_of(const eg_train_spec *s)
{
    return eg_train_precision(&s->train);
}

static eg_status model_for(eg_trainer *tr, const eg_train_spec *s, eg_err *err)
{
    eg_status st = eg_model_new(&tr->m, &s->model, eg_task_io(s->task),
                                precision_of(s), s->seed, err);

    if (st == EG_OK) st = egi_init_named(tr->m, &s->init, s->seed, err);
    if (st != EG_OK || !s->init.from[0]) return st;
    return egi_model_load_but(tr->m, s->init.from, s->init.allow_extra,
                              &s->init.fresh, tr->note[0], sizeof tr->note[0],
                              err);
}

/* The loss is a mean over a group of the task, which must have positions. */
static eg_status check_loss(const eg_train_spec *s, eg_err *err)
{
    char names[512] = "";
    const eg_group *g;

    if (egi_train_group(s)) return EG_OK;
    for (int i = 0; (g = eg_task_group(eg_task_options(s->task)->kind, i)); i++)
        (void)snprintf(names + strlen(names), sizeof names - strlen(names),
                       "%s%s", i ? ", " : "", g->name);
    return EG_FAIL(err, EG_EINVAL,
                   "train.loss: expected a group of the task, %s, found '%s'",
                   names, s->train.loss);
}

static eg_status check_rows(const eg_trainer *tr, eg_err *err)
{
    if (tr->load.rows > 0) return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "train.loss: no position of this task is in the group '%s': "
                   "there is nothing to train on; take train.loss: all",
                   egi_train_group(&tr->spec)->name);
}

/* The kernel set of the precision; where none is named, the best. */
static eg_status choose_kern(eg_trainer *tr, eg_err *err)
{
    const char *name = tr->spec.kern;
    bool any = !name || strcmp(name, "auto") == 0;
    const eg_kern_f32 *set = any ? NULL : eg_kern_pick_bf16(name);
    const eg_kern_f64 *wide;

    switch (tr->spec.train.precision) {
    case EG_TRAIN_FLOAT64:
        wide = eg_kern_pick_f64(any ? "auto" : name);
        if (wide) tr->spec.kern = wide->name;
        return EG_OK;
    case EG_TRAIN_BFLOAT16:
        if (any) set = eg_kern_pick_bf16("auto");
        if (!set)
            return EG_FAIL(err, EG_EUNSUPPORTED,
                           "kernel set '%s': unknown or not runnable on this "
                           "CPU",
                           name);
        tr->spec.kern = set->name;
        return EG_OK;
    default:
        if (any) tr->spec.kern = egi_program_kern(&tr->program, &tr->load);
        if (set && strcmp(name, set->name) == 0)
            return EG_FAIL(err, EG_EINVAL,
                           "kernel set '%s': expected one of float32, or "
                           "train.precision: bfloat16",
                           name);
        return EG_OK;
    }
}

/* All but the engine, which is the large part; planned: nor parameters. */
static eg_status trainer_core(eg_trainer **out, const eg_train_spec *spec,
                              bool planned, eg_err *err)
{
    eg_status st = EG_OK;
    eg_trainer *tr = eg_calloc(1, sizeof *tr);
    bool *trains = NULL;

    *out = NULL;
    if (!tr) return EG_FAIL(err, EG_ENOMEM, "trainer");
    tr->spec = *spec;
    EG_TRY(egi_parts_parse(&tr->parts, &spec->train.parts, 1, spec->train.steps,
                           "train.parts", err));
    EG_TRY(check_loss(spec, err));
    if (planned) {
        EG_TRY(egi_model_shape(&tr->m, &spec->model, eg_task_io(spec->task),
                               precision_of(spec), err));
        EG_TRY(egi_init_named(tr->m, &spec->init, spec->seed, err));
    } else {
        EG_TRY(model_for(tr, spec, err));
    }
    tr->vt = egi_engine_of(tr->m);
    size_t n = (size_t)tr->m->n_tensors;
    tr->from = eg_calloc(n, sizeof *tr->from);
    tr->updates = eg_calloc(n, sizeof *tr->updates);
    tr->grad_norm = eg_calloc(n, sizeof *tr->grad_norm);
    trains = eg_calloc(n, sizeof *trains);
    if (!tr->from || !tr->updates || !tr->grad_norm || !trains) {
        st = EG_FAIL(err, EG_ENOMEM, "trainer");
        goto done;
    }
    EG_TRY(egi_freeze_parse(tr->from, tr->m, &spec->train, spec->strict_freeze,
                            tr->note[1], sizeof tr->note[1], err));
    EG_TRY(egi_trainer_program(tr, trains, err));
    EG_TRY(check_rows(tr, err));
    EG_TRY(egi_ranks_check(tr, err));
    EG_TRY(choose_kern(tr, err));
    *out = tr;
    tr = NULL;
done:
    eg_free(trains);
    eg_trainer_free(tr);
    return st;
}

eg_status egi_trainer_planned(eg_trainer **out, const eg_train_spec *spec,
                              eg_err *err)
{
    return trainer_core(out, spec, true, err);
}

eg_status eg_trainer_new(eg_trainer **out, const eg_train_spec *spec,
                         eg_err *err)
{
    eg_status st = EG_OK;
    eg_trainer *tr = NULL;
    size_t width, n;

    *out = NULL;
    EG_TRY(trainer_core(&tr, spec, false, err));
    n = (size_t)tr->m->n_params;
    width = (size_t)egi_width(tr->m);
    tr->grad = eg_calloc(n, width);
    if (egi_uses_m1(&spec->optim)) tr->m1 = eg_calloc(n, width);
    if (spec->optim.kind != EG_OPTIM_SGD) tr->m2 = eg_calloc(n, width);
    if (!tr->grad || (egi_uses_m1(&spec->optim) && !tr->m1) ||
        (spec->optim.kind != EG_OPTIM_SGD && !tr->m2)) {
        st = EG_FAIL(err, EG_ENOMEM, "gradients and moments");
        goto done;
    }
    egi_engine_spec es = egi_trainer_engine(tr);
    EG_TRY(tr->vt->make(&tr->engine, &es, err));
    EG_TRY(egi_clamps_load(&tr->clamps, tr->m, &es, &tr->load,
                           spec->init.allow_extra, err));
    EG_TRY(egi_clamps_mean_init(&tr->clamps, tr->m, &es, &tr->load, err));
    EG_TRY(tr->vt->hold(tr->engine, tr->clamps.hold, tr->clamps.n, err));
    *out = tr;
    tr = NULL;
done:
    eg_trainer_free(tr);
    return st;
}

void eg_trainer_free(eg_trainer *tr)
{
    if (!tr) return;
    if (tr->vt) tr->vt->free(tr->engine);
    eg_free(tr->grad);
    eg_free(tr->m1);
    eg_free(tr->m2);
    eg_free(tr->from);
    eg_free(tr->updates);
    eg_free(tr->grad_norm);
    eg_free(tr->memo);
    egi_clamps_release(&tr->clamps);
    egi_program_release(&tr->program);
    eg_model_free(tr->m);
    eg_free(tr);
}

const char *eg_trainer_note(const eg_trainer *tr, int i)
{
    for (int k = 0; k < 2; k++)
        if (tr->note[k][0] && i-- == 0) return tr->note[k];
    return NULL;
}

eg_model *eg_trainer_model(eg_trainer *tr)
{
    return tr->m;
}

int64_t eg_trainer_steps(const eg_trainer *tr)
{
    return tr->spec.train.steps;
}

int64_t eg_trainer_end(const eg_trainer *tr, int64_t steps)
{
    return egi_parts_end(&tr->parts, steps);
}

int64_t eg_trainer_step_index(const eg_trainer *tr)
{
    return tr->step;
}

/* ----------------------------------------------------------------- step -- */

bool eg_trainer_trains(const eg_trainer *tr, int i, int64_t step)
{
    return step >= tr->from[i];
}

double eg_trainer_grad_norm(const eg_trainer *tr, int i)
{
    return tr->grad_norm[i];
}

static void gradient(eg_trainer *tr, int64_t step, double *sum, int64_t *n,
                     const eg_ranks *ranks)
{
    double start = eg_clock();

    egi_clamps_means(&tr->clamps, step);
    tr->vt->gradient(tr->engine, step, tr->grad, sum, n, ranks);
    tr->busy += eg_clock() - start;
    tr->gradients++;
}

void eg_trainer_gradient(eg_trainer *tr, int64_t step, double *loss)
{
    double sum;
    int64_t n;

    gradient(tr, step, &sum, &n, NULL);
    if (loss) *loss = n > 0 ? sum / (double)n : 0;
}

void eg_trainer_gradient_on(eg_trainer *tr, eg_source_fn source,
                            const void *from, double *loss)
{
    tr->vt->source(tr->engine, source, from);
    eg_trainer_gradient(tr, 0, loss);
    tr->vt->source(tr->engine, NULL, NULL);
}

eg_view eg_trainer_grad(const eg_trainer *tr, int i)
{
    eg_view v = eg_model_view(tr->m, i);

    v.data = egi_at(tr, tr->grad, i);
    return v;
}

void eg_trainer_get_grad(const eg_trainer *tr, int i, double *out)
{
    eg_view v = eg_trainer_grad(tr, i);

    for (eg_index j = 0; j < tr->m->tensor[i].size; j++)
        out[j] = eg_view_at(&v, j);
}

/* Norms of the trained tensors' gradients; false when one is not finite. */
static bool measure_gradient(eg_trainer *tr, eg_step_info *info)
{
    double total = 0;

    for (int i = 0; i < tr->m->n_tensors; i++) {
        tr->grad_norm[i] = 0;
        if (!eg_trainer_trains(tr, i, tr->step)) continue;
        double s = tr->vt->sumsq(tr->engine, egi_at(tr, tr->grad, i),
                                 tr->m->tensor[i].size);
        tr->grad_norm[i] = sqrt(s);
        total += s;
        if (isfinite(s) || info->bad_tensor >= 0) continue;
        info->finite = false;
        info->bad_tensor = i;
    }
    info->grad_norm = sqrt(total);
    return info->finite;
}

static void update_tensor(eg_trainer *tr, int i, double lr, double factor)
{
    const eg_optim_opts *o = &tr->spec.optim;
    eg_index n = tr->m->tensor[i].size;
    void *w = egi_param(tr->m, i), *g = egi_at(tr, tr->grad, i);
    void *m1 = egi_at(tr, tr->m1, i), *m2 = egi_at(tr, tr->m2, i);
    double bound = o->clip == EG_CLIP_VALUE ? o->clip_at : 0;
    double decay = decays(o, &tr->m->tensor[i]) ? o->weight_decay : 0;

    if (factor < 1 || bound > 0) tr->vt->clip(tr->engine, g, n, factor, bound);
    if (o->kind == EG_OPTIM_SGD) {
        tr->vt->sgd(tr->engine, w, m1, g, n, lr, o->momentum, decay,
                    tr->updates[i] == 0);
    } else {
        bool decoupled = o->kind == EG_OPTIM_ADAMW;
        double t = (double)(tr->updates[i] + 1);
        const double hyper[7] = {o->beta1,
                                 o->beta2,
                                 o->eps,
                                 decoupled ? 0 : decay,
                                 decoupled ? decay : 0,
                                 1 - pow(o->beta1, t),
                                 1 - pow(o->beta2, t)};
        tr->vt->adam(tr->engine, w, m1, m2, g, n, lr, hyper);
    }
    tr->updates[i]++;
}

/* Loss and gradient of the step, of all ranks together. */
static void look(eg_trainer *tr, eg_step_info *info)
{
    const eg_optim_opts *o = &tr->spec.optim;
    double sum;

    *info = (eg_step_info){
        .step = tr->step,
        .finite = true,
        .bad_tensor = -1,
        .lr = egi_learning_rate(o, tr->step, tr->spec.train.steps)};
    gradient(tr, tr->step, &sum, &info->n_loss, tr->spec.ranks);
    info->loss = info->n_loss > 0 ? sum / (double)info->n_loss : 0;
    if (!measure_gradient(tr, info) || !isfinite(info->loss))
        info->finite = false;
    egi_ranks_ask(tr);
}

void eg_trainer_look(eg_trainer *tr, eg_step_info *info)
{
    egi_ranks_tell(tr, EGI_TELL_LOOK);
    look(tr, info);
}

void eg_trainer_step(eg_trainer *tr, eg_step_info *info)
{
    const eg_optim_opts *o = &tr->spec.optim;
    double factor = 1, start;

    egi_ranks_tell(tr, EGI_TELL_STEP);
    look(tr, info);
    if (!info->finite) return;
    if (o->clip == EG_CLIP_NORM && info->grad_norm > o->clip_at)
        factor = o->clip_at / info->grad_norm;
    /* A batch without a position in the loss moves nothing. */
    start = eg_clock();
    for (int i = 0; info->n_loss > 0 && i < tr->m->n_tensors; i++)
        if (eg_trainer_trains(tr, i, tr->step))
            update_tensor(tr, i, info->lr, factor);
    tr->busy += eg_clock() - start;
    egi_beside_end(tr->vt->ticks(tr->engine, -1), tr->program.n_ops,
                   EGI_BESIDE_UPDATE, start);
    tr->step++;
}
