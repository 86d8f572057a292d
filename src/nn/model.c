/* The model as a table of tensors: which there are, their shapes, and their
 * initial values. Nothing here computes; see real/ for that. */
#include "nn/module.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/rng.h"

/* --------------------------------------------------------------- table -- */

void egi_tensor_add(eg_model *m, int l, const char *name, egi_fill fill,
                    eg_index a, eg_index b, eg_index c, eg_index fan_in)
{
    eg_tensor *t;

    if (m->tensors_st != EG_OK) return;
    if (m->n_tensors == m->cap_tensors) {
        int cap = m->cap_tensors ? 2 * m->cap_tensors : 32;

        t = eg_realloc(m->tensor, (size_t)cap * sizeof *t);
        if (!t) {
            m->tensors_st = EG_ENOMEM;
            return;
        }
        m->tensor = t;
        m->cap_tensors = cap;
    }
    t = &m->tensor[m->n_tensors++];
    *t = (eg_tensor){.ndim = c   ? 3
                             : b ? 2
                                 : 1,
                     .shape = {a, b, c},
                     .size = a * (b ? b : 1) * (c ? c : 1),
                     .fan_in = fan_in,
                     .fill = (int)fill,
                     .offset = m->n_params};
    if (l >= 0)
        (void)snprintf(t->name, sizeof t->name, "blocks.%d.%s", l, name);
    else
        (void)snprintf(t->name, sizeof t->name, "%s", name);
    /* Each tensor starts on a cache line in either precision. */
    m->n_params += (t->size + 15) / 16 * 16;
}

static void norm_add(eg_model *m, int l, const char *name)
{
    egi_norm_tensors(m, &egi_norms[m->opts.norm_kind], l, name, m->d_model);
}

static void table_build(eg_model *m)
{
    bool norm = m->opts.norm != EG_NORM_NONE;

    egi_input_tensors(m);
    if (m->opts.embed_norm) norm_add(m, -1, "embed.ln");
    for (int l = 0; l < m->n_layers; l++) {
        if (norm) norm_add(m, l, "ln1");
        egi_mixers[m->mixer[l]].tensors(&egi_mixers[m->mixer[l]], m, l);
        if (norm && egi_mlps[m->mlp[l]].matrices > 0) norm_add(m, l, "ln2");
        egi_mlp_tensors(m, l);
    }
    if (egi_norm_first(m)) norm_add(m, -1, "ln_final");
    egi_head_tensors(m);
}

/* -------------------------------------------------------------- public -- */

eg_status egi_model_shape(eg_model **out, const eg_model_opts *opts, eg_io io,
                          eg_precision precision, eg_err *err)
{
    eg_status st = EG_OK;
    eg_model *m = eg_calloc(1, sizeof *m);

    *out = NULL;
    if (!m) return EG_FAIL(err, EG_ENOMEM, "model");
    m->opts = *opts;
    m->precision = precision;
    m->io = io;
    m->V = io.d_vocab;
    m->T = io.n_ctx;
    EG_TRY(egi_model_resolve(m, err));
    table_build(m);
    if (m->tensors_st != EG_OK) {
        st = EG_FAIL(err, m->tensors_st, "table of tensors");
        goto done;
    }
    *out = m;
    m = NULL;
done:
    eg_model_free(m);
    return st;
}

eg_status egi_model_blank(eg_model **out, const eg_model_opts *opts, eg_io io,
                          eg_precision precision, eg_err *err)
{
    eg_status st = EG_OK;
    eg_model *m = NULL;

    *out = NULL;
    EG_TRY(egi_model_shape(&m, opts, io, precision, err));
    m->params = eg_calloc((size_t)m->n_params, precision == EG_FLOAT64 ? 8 : 4);
    if (!m->params) {
        st = EG_FAIL(err, EG_ENOMEM, "no memory for a model of %lld parameters",
                     (long long)m->n_params);
        goto done;
    }
    for (int i = 0; i < m->n_tensors; i++)
        if (m->tensor[i].fill == EGI_FILL_SINUSOIDS) egi_tensor_init(m, i, 0);
    *out = m;
    m = NULL;
done:
    eg_model_free(m);
    return st;
}

eg_status eg_model_new(eg_model **out, const eg_model_opts *opts, eg_io io,
                       eg_precision precision, uint64_t seed, eg_err *err)
{
    eg_status st = egi_model_blank(out, opts, io, precision, err);

    for (int i = 0; st == EG_OK && i < (*out)->n_tensors; i++)
        egi_tensor_init(*out, i, seed);
    return st;
}

void eg_model_free(eg_model *m)
{
    if (!m) return;
    eg_free(m->tensor);
    eg_free(m->params);
    eg_free(m);
}

const eg_model_opts *eg_model_options(const eg_model *m)
{
    return &m->opts;
}

eg_precision eg_model_precision(const eg_model *m)
{
    return m->precision;
}

eg_io eg_model_io(const eg_model *m)
{
    return m->io;
}

int eg_model_vocab(const eg_model *m)
{
    return m->V;
}

int eg_model_ctx(const eg_model *m)
{
    return m->T;
}

int eg_model_mlp(const eg_model *m, int l)
{
    return m->mlp[l];
}

int eg_model_heads(const eg_model *m, int l)
{
    return m->heads[l];
}

int eg_model_kv_heads(const eg_model *m, int l)
{
    return m->kv_heads[l];
}

int eg_model_mlp_width(const eg_model *m, int l)
{
    return m->mlp_width[l];
}

int eg_model_head_width(const eg_model *m)
{
    return m->d_head;
}

int eg_model_n_tensors(const eg_model *m)
{
    return m->n_tensors;
}

const eg_tensor *eg_model_tensor(const eg_model *m, int i)
{
    return &m->tensor[i];
}

int eg_model_find(const eg_model *m, const char *name)
{
    for (int i = 0; i < m->n_tensors; i++)
        if (strcmp(m->tensor[i].name, name) == 0) return i;
    return -1;
}

eg_view eg_model_view(const eg_model *m, int i)
{
    const eg_tensor *t = &m->tensor[i];
    eg_view v = {.data = egi_param(m, i),
                 .dtype = m->precision == EG_FLOAT64 ? EG_F64 : EG_F32,
                 .ndim = t->ndim};
    for (int k = 0; k < t->ndim; k++) v.shape[k] = t->shape[k];
    return v;
}

void eg_model_get(const eg_model *m, int i, double *out)
{
    eg_view v = eg_model_view(m, i);
    for (eg_index j = 0; j < m->tensor[i].size; j++) out[j] = eg_view_at(&v, j);
}

void eg_model_set(eg_model *m, int i, const double *in)
{
    const eg_tensor *t = &m->tensor[i];
    for (eg_index j = 0; j < t->size; j++) egi_entry_set(m, t, j, in[j]);
}

void egi_model_copy(eg_model *to, const eg_model *from)
{
    size_t width = from->precision == EG_FLOAT64 ? 8 : 4;

    EG_ASSERT(to->precision == from->precision &&
              to->n_params == from->n_params);
    memcpy(to->params, from->params, (size_t)from->n_params * width);
}
