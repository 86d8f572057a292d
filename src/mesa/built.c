/* Models built by hand, and their forward pass on streams of the caller's. */
#include "mesa/built.h"

#include <stdio.h>
#include <string.h>

#include "engram/mem.h"

static void one_item(eg_strs *list, const char *word)
{
    *list = (eg_strs){.n = 1};
    (void)snprintf(list->item[0], sizeof list->item[0], "%s", word);
}

static eg_status make_model(egi_built *b, const egi_built_spec *spec,
                            eg_err *err)
{
    int width = spec->channels * spec->n;
    eg_io io = {.n_ctx = spec->n_ctx, .n_in = width, .n_out = width};
    eg_model_opts *o = eg_calloc(1, sizeof *o);
    eg_status st;

    if (!o)
        return EG_FAIL(err, EG_ENOMEM, "a network of %d layers", spec->layers);
    eg_fields_default(eg_model_fields, o);
    o->n_layers = spec->layers;
    o->d_model = width;
    o->n_heads = spec->heads;
    o->d_head = (int64_t)spec->head_channels * spec->n;
    o->qk = EG_QK_FACTORISED;
    o->pos = EG_POS_NONE;
    o->input = EG_MAT_IDENTITY;
    o->readout = EG_READOUT_FIRST;
    o->scale_scores = false;
    o->init = EG_INIT_ZERO;
    one_item(&o->mixer, spec->mixer);
    one_item(&o->mlp, spec->local ? "linear" : "none");
    st = eg_model_new(&b->model, o, io, EG_FLOAT64, 0, err);
    eg_free(o);
    return st;
}

/* A task of vectors of the stream's width, for its shape alone. */
static eg_status make_shape(egi_built *b, const egi_built_spec *spec,
                            eg_err *err)
{
    eg_task_opts o;

    eg_fields_default(eg_task_fields, &o);
    o.kind = EG_TASK_LINEAR;
    o.dim = b->width;
    o.n_ctx = spec->n_ctx;
    return eg_task_new(&b->shape, &o, 0, err);
}

eg_status egi_built_new(egi_built *b, const egi_built_spec *spec, eg_err *err)
{
    eg_index most = 1;
    eg_status st = EG_OK;

    *b = (egi_built){.n = spec->n, .width = (eg_index)spec->channels * spec->n};
    EG_TRY(make_shape(b, spec, err));
    EG_TRY(make_model(b, spec, err));
    for (int i = 0; i < eg_model_n_tensors(b->model); i++) {
        eg_index size = eg_model_tensor(b->model, i)->size;

        if (size > most) most = size;
    }
    b->tensor = eg_calloc((size_t)most, sizeof *b->tensor);
    if (!b->tensor)
        st = EG_FAIL(err, EG_ENOMEM, "a network of %d layers", spec->layers);
done:
    if (st != EG_OK) egi_built_release(b);
    return st;
}

void egi_built_release(egi_built *b)
{
    eg_eval_free(b->eval);
    eg_model_free(b->model);
    eg_task_free(b->shape);
    eg_free(b->tensor);
    *b = (egi_built){0};
}

static int find(const egi_built *b, int l, const char *name)
{
    char full[64];
    int i;

    (void)snprintf(full, sizeof full, "blocks.%d.%s", l, name);
    i = eg_model_find(b->model, full);
    EG_ASSERT(i >= 0);
    return i;
}

/* Adds s m, or s times the identity, to block (from, to) of head h. */
static void add(egi_built *b, int i, int h, int from, int to, const double *m,
                double s)
{
    const eg_tensor *t = eg_model_tensor(b->model, i);
    eg_index cols = t->shape[t->ndim - 1], rows = t->shape[t->ndim - 2];
    double *block = b->tensor + (h * rows + from * b->n) * cols + to * b->n;

    EG_ASSERT((from + 1) * b->n <= rows && (to + 1) * b->n <= cols);
    EG_ASSERT((h + 1) * rows * cols <= t->size);
    eg_model_get(b->model, i, b->tensor);
    for (eg_index r = 0; r < b->n; r++)
        for (eg_index c = 0; c < b->n; c++)
            block[r * cols + c] += s * (m ? m[r * b->n + c] : r == c);
    eg_model_set(b->model, i, b->tensor);
}

void egi_built_join(egi_built *b, int l, const char *name, int h, int from,
                    int to, double s)
{
    add(b, find(b, l, name), h, from, to, NULL, s);
}

void egi_built_put(egi_built *b, int l, const char *name, int h, int from,
                   int to, const double *m)
{
    add(b, find(b, l, name), h, from, to, m, 1);
}

void egi_built_scale(egi_built *b, int l, const char *name, double s)
{
    int i = find(b, l, name);

    eg_model_get(b->model, i, b->tensor);
    for (eg_index k = 0; k < eg_model_tensor(b->model, i)->size; k++)
        b->tensor[k] *= s;
    eg_model_set(b->model, i, b->tensor);
}

void egi_built_fill(egi_built *b, int l, const char *name, double s)
{
    int i = find(b, l, name);

    for (eg_index k = 0; k < eg_model_tensor(b->model, i)->size; k++)
        b->tensor[k] = s;
    eg_model_set(b->model, i, b->tensor);
}

typedef struct streams {
    const egi_built *b;
    const double *x;
    double *out;
} streams;

static void give(const void *from, uint32_t index, eg_seq *seq)
{
    const streams *s = from;
    eg_index T = eg_model_ctx(s->b->model), row = T * s->b->width;

    memcpy(seq->inputs, s->x + (eg_index)index * row,
           (size_t)row * sizeof *s->x);
    memset(seq->outputs, 0, (size_t)row * sizeof *s->x);
    for (eg_index t = 0; t < T; t++) seq->targets[t] = seq->labels[t] = 0;
}

static void take(void *ctx, int index, int worker, const eg_acts *acts)
{
    streams *s = ctx;
    eg_index T = acts->n_ctx, n = s->b->n;
    const double *y;
    eg_view view;
    bool there = eg_acts_hook(acts, "outputs", &view);

    (void)worker;
    EG_ASSERT(there && view.dtype == EG_F64);
    y = view.data;
    for (eg_index t = 0; t < T; t++)
        memcpy(s->out + ((eg_index)index * T + t) * n, y + t * s->b->width,
               (size_t)n * sizeof *y);
}

eg_status egi_built_run(egi_built *b, const double *x, int count, double *out,
                        eg_pool *pool, eg_err *err)
{
    streams s = {b, x, out};

    if (!b->eval) {
        eg_status st = eg_eval_new(&b->eval, b->model, b->shape, pool, "ref",
                                   EG_EVAL_BASIC, err);

        if (st != EG_OK) return st;
    }
    eg_eval_run_on(b->eval, give, &s, count, take, &s);
    return EG_OK;
}
