/* The statement mesa_linearise: a softmax network is trained, then each of its
 * blocks in turn is taught to linear attention and replaced. */
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "base/sweep.h"
#include "mesa/checks.h"
#include "mesa/distil.h"

#define EG_FIELDS_OWNER eg_theory_mesa_linearise
EG_FIELDS_TABLE(egi_mesa_linearise_fields, EG_THEORY_MESA_LINEARISE_FIELDS)

typedef struct check {
    const eg_theory_mesa_linearise *o;
    const eg_theory_out *out;
    eg_pool *pool;
    eg_task *task;
    eg_train_spec spec; /* of the softmax network */
    eg_trainer *net;
    egi_streams streams;
    double loss, done, share; /* of the whole: done, and what runs now */
    bool stopped;
} check;

static bool more(void *ctx, double done)
{
    check *c = ctx;

    c->stopped = c->stopped || !egi_progress(c->out, c->done + c->share * done);
    return !c->stopped;
}

static void one_item(eg_strs *list, const char *word)
{
    *list = (eg_strs){.n = 1};
    (void)snprintf(list->item[0], sizeof list->item[0], "%s", word);
}

static eg_status make_task(check *c, uint64_t seed, eg_err *err)
{
    eg_task_opts t;

    eg_fields_default(eg_task_fields, &t);
    t.kind = EG_TASK_LINEAR;
    t.dim = c->o->dim;
    t.n_ctx = 4 * c->o->dim;
    return eg_task_new(&c->task, &t, seed, err);
}

/* The paper's: raw states, positions beside queries and keys of block 0. */
static void describe_net(check *c, uint64_t seed)
{
    const eg_theory_mesa_linearise *o = c->o;
    eg_model_opts *m = &c->spec.model;
    eg_optim_opts *p = &c->spec.optim;

    eg_fields_default(eg_model_fields, m);
    m->n_layers = o->layers;
    m->d_model = 4 * o->dim;
    m->n_heads = o->heads;
    m->d_head = 2 * o->dim;
    m->qk = EG_QK_FACTORISED;
    m->pos = EG_POS_CONCATENATED;
    m->pos_layers = 1;
    m->init = EG_INIT_NORMAL;
    m->init_std = 0.05;
    eg_fields_default(eg_optim_fields, p);
    p->kind = EG_OPTIM_ADAMW;
    p->lr = o->lr;
    p->beta2 = .999;
    p->weight_decay = .05;
    p->clip = EG_CLIP_VALUE;
    p->schedule = EG_LR_COSINE;
    p->warmup = o->warmup;
    p->warmup_zero = true;
    p->lr_end = 1e-5;
    p->schedule_end = 30000 > o->steps ? 30000 : o->steps;
    eg_fields_default(eg_train_fields, &c->spec.train);
    c->spec.train.steps = o->steps;
    c->spec.train.batch = o->batch;
    eg_fields_default(eg_init_fields, &c->spec.init);
    c->spec.task = c->task;
    c->spec.pool = c->pool;
    c->spec.seed = seed;
    c->spec.kern = "auto";
}

/* One block of linear attention between the streams about block l. */
static eg_status teach(check *c, eg_trainer **out, egi_lesson *lesson, int l,
                       double *residual, eg_err *err)
{
    eg_train_spec *spec = eg_calloc(1, sizeof *spec);
    eg_status st;

    *out = NULL;
    if (!spec) return EG_FAIL(err, EG_ENOMEM, "block %d", l);
    egi_lesson_make(lesson, &c->streams, l, c->spec.seed);
    *spec = c->spec;
    spec->task = &lesson->task;
    spec->model.n_layers = 1;
    spec->model.input = EG_MAT_IDENTITY;
    spec->model.readout = EG_READOUT_FIRST;
    if (l > 0) {
        spec->model.pos = EG_POS_NONE;
        spec->model.pos_layers = 0;
    }
    one_item(&spec->model.mixer, "linear");
    spec->optim.schedule = EG_LR_CONSTANT;
    spec->optim.schedule_end = 0;
    spec->optim.warmup = 0;
    spec->optim.warmup_zero = false;
    spec->optim.lr_end = 0;
    spec->optim.lr = c->o->lesson_lr;
    spec->train.steps = c->o->lesson_steps;
    st = egi_train(out, spec, residual, more, c, err);
    eg_free(spec);
    return st;
}

static void copy_tensor(eg_model *to, int i, const eg_model *from,
                        const char *name, double *room)
{
    int k = eg_model_find(from, name);

    EG_ASSERT(k >= 0 &&
              eg_model_tensor(from, k)->size == eg_model_tensor(to, i)->size);
    eg_model_get(from, k, room);
    eg_model_set(to, i, room);
}

/* The network with block l of `taught` in the place of its own. */
static eg_status replace(check *c, eg_model **out, const eg_model *taught,
                         int l, eg_err *err)
{
    const eg_model *net = eg_trainer_model(c->net);
    eg_model_opts *o = eg_calloc(1, sizeof *o);
    eg_index most = 1;
    double *room = NULL;
    char prefix[32];
    eg_status st = EG_OK;

    *out = NULL;
    if (!o) return EG_FAIL(err, EG_ENOMEM, "block %d", l);
    *o = c->spec.model;
    o->mixer.n = (int)o->n_layers;
    for (int i = 0; i < o->mixer.n; i++)
        (void)snprintf(o->mixer.item[i], sizeof o->mixer.item[i], "%s",
                       i == l ? "linear" : "softmax");
    EG_TRY(eg_model_new(out, o, eg_task_io(c->task), EG_FLOAT32, 0, err));
    for (int i = 0; i < eg_model_n_tensors(*out); i++)
        if (eg_model_tensor(*out, i)->size > most)
            most = eg_model_tensor(*out, i)->size;
    room = eg_calloc((size_t)most, sizeof *room);
    if (!room) {
        st = EG_FAIL(err, EG_ENOMEM, "block %d", l);
        goto done;
    }
    (void)snprintf(prefix, sizeof prefix, "blocks.%d.", l);
    for (int i = 0; i < eg_model_n_tensors(*out); i++) {
        const char *name = eg_model_tensor(*out, i)->name;
        bool here = strncmp(name, prefix, strlen(prefix)) == 0;
        char theirs[80];

        (void)snprintf(theirs, sizeof theirs, "blocks.0.%s",
                       here ? name + strlen(prefix) : "");
        copy_tensor(*out, i, here ? taught : net, here ? theirs : name, room);
    }
done:
    eg_free(room);
    eg_free(o);
    if (st != EG_OK) {
        eg_model_free(*out);
        *out = NULL;
    }
    return st;
}

static eg_status one_block(check *c, int l, eg_err *err)
{
    const eg_theory_out *out = c->out;
    egi_lesson lesson;
    eg_trainer *taught = NULL;
    eg_model *mixed = NULL;
    double residual = 0, loss = 0;
    eg_status st = EG_OK;

    EG_TRY(teach(c, &taught, &lesson, l, &residual, err));
    if (c->stopped) goto done;
    EG_TRY(replace(c, &mixed, eg_trainer_model(taught), l, err));
    EG_TRY(egi_test_loss(&loss, mixed, c->task, (int)c->o->sequences, c->pool,
                         err));
    out->emit(out->ctx, l + 1, "ratio", loss / c->loss);
    out->emit(out->ctx, l + 1, "loss", loss);
    out->emit(out->ctx, l + 1, "residual", residual);
done:
    eg_model_free(mixed);
    eg_trainer_free(taught);
    return st;
}

static eg_status run(check *c, eg_err *err)
{
    const eg_theory_mesa_linearise *o = c->o;
    double all = (double)(o->steps + o->layers * o->lesson_steps);
    eg_status st = EG_OK;

    c->share = (double)o->steps / all;
    EG_TRY(egi_train(&c->net, &c->spec, NULL, more, c, err));
    if (c->stopped) goto done;
    EG_TRY(egi_test_loss(&c->loss, eg_trainer_model(c->net), c->task,
                         (int)o->sequences, c->pool, err));
    c->out->emit(c->out->ctx, 0, "loss", c->loss);
    EG_TRY(egi_streams_record(&c->streams, eg_trainer_model(c->net), c->task,
                              (int)o->recorded, c->pool, err));
    for (int l = 0; l < o->layers && !c->stopped; l++) {
        c->done += c->share;
        c->share = (double)o->lesson_steps / all;
        EG_TRY(one_block(c, l, err));
    }
done:
    return st;
}

eg_status egi_theory_mesa_linearise(const void *options, uint64_t seed,
                                    eg_pool *pool, const eg_theory_out *out,
                                    eg_err *err)
{
    check *c = eg_calloc(1, sizeof *c);
    eg_status st = EG_OK;

    if (!c) return EG_FAIL(err, EG_ENOMEM, "mesa_linearise");
    c->o = options;
    c->out = out;
    c->pool = pool;
    EG_TRY(make_task(c, seed, err));
    describe_net(c, seed);
    EG_TRY(run(c, err));
done:
    egi_streams_release(&c->streams);
    eg_trainer_free(c->net);
    eg_task_free(c->task);
    eg_free(c);
    return st;
}
