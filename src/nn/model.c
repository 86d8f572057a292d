/* The model as a table of tensors: which there are, their shapes, and their
 * initial values. Nothing here computes; see real/ for that. */
#include "nn/nn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/rng.h"

/* ------------------------------------------------------------- options -- */

static eg_status resolve_mlp(eg_model *m, eg_err *err)
{
    static const char *const kinds[] = {"none", "linear", "relu", "gelu"};
    const eg_strs *s = &m->opts.mlp;

    if (s->n != 0 && s->n != 1 && s->n != m->n_layers)
        return EG_FAIL(err, EG_EINVAL,
                       "model.mlp: expected 1 item or one for each of the %d "
                       "blocks, found %d",
                       m->n_layers, s->n);
    for (int l = 0; l < m->n_layers; l++) {
        const char *item = s->n == 0 ? "none" : s->item[s->n == 1 ? 0 : l];
        int kind = -1;
        for (int k = 0; k < 4; k++)
            if (strcmp(item, kinds[k]) == 0) kind = k;
        if (kind < 0)
            return EG_FAIL(err, EG_EINVAL,
                           "model.mlp: expected none, linear, relu or gelu, "
                           "found '%s'",
                           item);
        m->mlp[l] = kind;
    }
    return EG_OK;
}

static eg_status resolve_sizes(eg_model *m, eg_err *err)
{
    const eg_model_opts *o = &m->opts;
    int64_t d_head = o->d_head, d_mlp = o->d_mlp;

    if (m->V < 2 || m->T < 1)
        return EG_FAIL(err, EG_EINVAL,
                       "expected d_vocab >= 2 and n_ctx >= 1, found %d and %d",
                       m->V, m->T);
    if (d_head == 0) {
        if (o->d_model % o->n_heads != 0)
            return EG_FAIL(err, EG_EINVAL,
                           "model.n_heads: %d does not divide model.d_model = "
                           "%d; set model.d_head",
                           (int)o->n_heads, (int)o->d_model);
        d_head = o->d_model / o->n_heads;
    }
    if (d_mlp == 0) d_mlp = 4 * o->d_model;
    m->n_layers = (int)o->n_layers;
    m->d_model = (int)o->d_model;
    m->n_heads = (int)o->n_heads;
    m->d_head = (int)d_head;
    m->d_mlp = (int)d_mlp;
    if ((o->value == EG_MAT_IDENTITY || o->output == EG_MAT_IDENTITY) &&
        m->n_heads * m->d_head != m->d_model)
        return EG_FAIL(err, EG_EINVAL,
                       "model.value, model.output: identity needs n_heads * "
                       "d_head = d_model, found %d * %d and %d",
                       m->n_heads, m->d_head, m->d_model);
    if (o->pos == EG_POS_ROTARY) {
        int width = egi_merged_qk(m) ? m->d_model : m->d_head;
        if (width % 2 != 0)
            return EG_FAIL(err, EG_EINVAL,
                           "model.pos: rotary needs an even key width, found "
                           "%d",
                           width);
    }
    return resolve_mlp(m, err);
}

/* --------------------------------------------------------------- table -- */

static void tensor_add(eg_model *m, int *role, const char *name, int ndim,
                       eg_index a, eg_index b, eg_index c, eg_index fan_in)
{
    eg_tensor *t = &m->tensor[m->n_tensors];

    snprintf(t->name, sizeof t->name, "%s", name);
    t->ndim = ndim;
    t->shape[0] = a;
    t->shape[1] = b;
    t->shape[2] = c;
    t->size = a * (ndim > 1 ? b : 1) * (ndim > 2 ? c : 1);
    t->fan_in = fan_in;
    t->offset = m->n_params;
    /* Each tensor starts on a cache line in either precision. */
    m->n_params += (t->size + 15) / 16 * 16;
    *role = m->n_tensors++;
}

static void norm_add(eg_model *m, int *w, int *b, const char *prefix)
{
    char name[64];

    snprintf(name, sizeof name, "%s.w", prefix);
    tensor_add(m, w, name, 1, m->d_model, 0, 0, 0);
    snprintf(name, sizeof name, "%s.b", prefix);
    tensor_add(m, b, name, 1, m->d_model, 0, 0, 0);
}

static void attn_add(eg_model *m, int l)
{
    egi_block_roles *r = &m->block[l];
    eg_index d = m->d_model, H = m->n_heads, D = m->d_head;
    char name[64];

#define ADD(role, text, a, b, c, fan)                           \
    do {                                                        \
        snprintf(name, sizeof name, "blocks.%d.attn." text, l); \
        tensor_add(m, &r->role, name, 3, a, b, c, fan);         \
    } while (0)
    if (egi_merged_qk(m)) {
        ADD(qk, "W_QK", H, d, d, d);
    } else {
        ADD(q, "W_Q", H, d, D, d);
        ADD(k, "W_K", H, d, D, d);
    }
    if (m->opts.value == EG_MAT_MATRIX) ADD(v, "W_V", H, d, D, d);
    if (m->opts.output == EG_MAT_MATRIX) ADD(o, "W_O", H, D, d, H * D);
#undef ADD
}

static void block_add(eg_model *m, int l)
{
    egi_block_roles *r = &m->block[l];
    eg_index d = m->d_model;
    char name[64];

    memset(r, 0xff, sizeof *r); /* every role -1 */
    if (m->opts.norm != EG_NORM_NONE) {
        snprintf(name, sizeof name, "blocks.%d.ln1", l);
        norm_add(m, &r->ln1_w, &r->ln1_b, name);
    }
    attn_add(m, l);
    if (m->mlp[l] == EG_MLP_NONE) return;
    if (m->opts.norm != EG_NORM_NONE) {
        snprintf(name, sizeof name, "blocks.%d.ln2", l);
        norm_add(m, &r->ln2_w, &r->ln2_b, name);
    }
    if (m->mlp[l] == EG_MLP_LINEAR) {
        snprintf(name, sizeof name, "blocks.%d.mlp.W_F", l);
        tensor_add(m, &r->f, name, 2, d, d, 0, d);
        return;
    }
    snprintf(name, sizeof name, "blocks.%d.mlp.W_in", l);
    tensor_add(m, &r->in, name, 2, d, m->d_mlp, 0, d);
    snprintf(name, sizeof name, "blocks.%d.mlp.W_out", l);
    tensor_add(m, &r->out, name, 2, m->d_mlp, d, 0, m->d_mlp);
}

static void table_build(eg_model *m)
{
    int pos = m->opts.pos;

    m->e = m->pos = m->lnf_w = m->lnf_b = m->u = -1;
    tensor_add(m, &m->e, "W_E", 2, m->V, m->d_model, 0, 0);
    if (pos != EG_POS_NONE && pos != EG_POS_ROTARY) {
        tensor_add(m, &m->pos, "W_pos", 2, m->T, m->d_model, 0, 0);
        m->tensor[m->pos].fixed = pos != EG_POS_LEARNED;
    }
    for (int l = 0; l < m->n_layers; l++) block_add(m, l);
    if (egi_norm_first(m)) norm_add(m, &m->lnf_w, &m->lnf_b, "ln_final");
    if (!m->opts.tied)
        tensor_add(m, &m->u, "W_U", 2, m->d_model, m->V, 0, m->d_model);
}

/* ------------------------------------------------------ initial values -- */

static void set_entry(eg_model *m, const eg_tensor *t, eg_index j, double x)
{
    if (m->precision == EG_FLOAT64)
        ((double *)m->params)[t->offset + j] = x;
    else
        ((float *)m->params)[t->offset + j] = (float)x;
}

/* FNV-1a: the stream of a tensor depends on its name alone. */
static uint32_t name_hash(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

static double sinusoid(const eg_model *m, eg_index j)
{
    eg_index t = j / m->d_model, i = j % m->d_model;
    eg_index even = i / 2 * 2;
    double rate = pow(10000.0, -(double)even / (double)m->d_model);
    double size = m->opts.pos == EG_POS_SIN ? 1 : 1 / sqrt((double)m->d_model);
    return size * (i % 2 == 0 ? sin((double)t * rate) : cos((double)t * rate));
}

static double matrix_entry(const eg_model *m, eg_rng *rng, eg_index fan_in)
{
    double scale = 1.0 / sqrt((double)fan_in);

    switch (m->opts.init) {
    case EG_INIT_UNIFORM:
        return scale * (2.0 * eg_rng_uniform(rng) - 1.0);
    case EG_INIT_NORMAL:
        return scale * eg_rng_normal(rng);
    default:
        return 0.0;
    }
}

static void tensor_init(eg_model *m, int i, uint64_t seed)
{
    const eg_tensor *t = &m->tensor[i];
    eg_rng rng = eg_rng_make(seed, EG_RNG_INIT, 0, name_hash(t->name));
    double std = m->opts.embed_std;
    size_t len = strlen(t->name);

    if (std <= 0) std = 1.0 / sqrt((double)m->d_model);
    for (eg_index j = 0; j < t->size; j++) {
        double x;
        if (i == m->pos &&
            (m->opts.pos == EG_POS_SIN || m->opts.pos == EG_POS_SIN_SCALED))
            x = sinusoid(m, j);
        else if (i == m->e || i == m->pos)
            x = std * eg_rng_normal(&rng);
        else if (t->ndim == 1) /* LayerNorm gain or bias */
            x = t->name[len - 1] == 'w' ? 1.0 : 0.0;
        else
            x = matrix_entry(m, &rng, t->fan_in);
        set_entry(m, t, j, x);
    }
}

/* -------------------------------------------------------------- public -- */

eg_status egi_model_shape(eg_model **out, const eg_model_opts *opts,
                          int d_vocab, int n_ctx, eg_precision precision,
                          eg_err *err)
{
    eg_status st = EG_OK;
    eg_model *m = eg_calloc(1, sizeof *m);

    *out = NULL;
    if (!m) return EG_FAIL(err, EG_ENOMEM, "model");
    m->opts = *opts;
    m->precision = precision;
    m->V = d_vocab;
    m->T = n_ctx;
    EG_TRY(resolve_sizes(m, err));
    m->tensor = eg_calloc((size_t)m->n_layers * 12 + 6, sizeof *m->tensor);
    if (!m->tensor) {
        st = EG_FAIL(err, EG_ENOMEM, "table of tensors");
        goto done;
    }
    table_build(m);
    *out = m;
    m = NULL;
done:
    eg_model_free(m);
    return st;
}

eg_status eg_model_new(eg_model **out, const eg_model_opts *opts, int d_vocab,
                       int n_ctx, eg_precision precision, uint64_t seed,
                       eg_err *err)
{
    eg_status st = EG_OK;
    eg_model *m = NULL;

    *out = NULL;
    EG_TRY(egi_model_shape(&m, opts, d_vocab, n_ctx, precision, err));
    m->params = eg_calloc((size_t)m->n_params, precision == EG_FLOAT64 ? 8 : 4);
    if (!m->params) {
        st = EG_FAIL(err, EG_ENOMEM, "no memory for a model of %lld parameters",
                     (long long)m->n_params);
        goto done;
    }
    for (int i = 0; i < m->n_tensors; i++) tensor_init(m, i, seed);
    *out = m;
    m = NULL;
done:
    eg_model_free(m);
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
    for (eg_index j = 0; j < t->size; j++) set_entry(m, t, j, in[j]);
}
