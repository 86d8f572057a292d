/* The model as a table of tensors: which there are, their shapes, and their
 * initial values. Nothing here computes; see real/ for that. */
#include "nn/module.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/rng.h"

/* ------------------------------------------------------------- options -- */

/* Item l of a list with one item, or one for each block. */
static const char *item_of(const eg_strs *s, int l, const char *none)
{
    if (s->n == 0) return none;
    return s->item[s->n == 1 ? 0 : l];
}

/* A table's names: "softmax, linear or delta". */
typedef const char *(*names_fn)(int i, const char **help);

static const char *listed(char *buf, size_t size, names_fn name)
{
    const char *help, *one;
    size_t at = 0;

    buf[0] = '\0';
    for (int i = 0; (one = name(i, &help)) && at < size; i++)
        at += (size_t)snprintf(buf + at, size - at, "%s%s",
                               i == 0               ? ""
                               : name(i + 1, &help) ? ", "
                                                    : " or ",
                               one);
    return buf;
}

/* What each block is made of: rows of a table by name. */
static eg_status resolve_rows(const eg_model *m, int *row, const eg_strs *s,
                              const char *key, const char *none,
                              int (*find)(const char *), names_fn name,
                              eg_err *err)
{
    char names[512];

    if (s->n > 1 && s->n != m->n_layers)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: expected 1 item or one for each of the %d "
                       "blocks, found %d",
                       key, m->n_layers, s->n);
    for (int l = 0; l < m->n_layers; l++) {
        const char *item = item_of(s, l, none);

        row[l] = find(item);
        if (row[l] < 0)
            return EG_FAIL(err, EG_EINVAL, "%s: expected %s, found '%s'", key,
                           listed(names, sizeof names, name), item);
    }
    return EG_OK;
}

/* The row of model.error, or the first that fits the task's targets. */
static eg_status resolve_loss(eg_model *m, eg_err *err)
{
    const char *asked = m->opts.error;
    bool vectors = m->io.n_out > 0;
    char names[512];

    for (int i = 0; egi_losses[i].name; i++) {
        const egi_loss *l = &egi_losses[i];

        if (asked[0] ? strcmp(l->name, asked) != 0 : l->vectors != vectors)
            continue;
        m->loss = i;
        if (l->vectors == vectors) return EG_OK;
        return EG_FAIL(err, EG_EINVAL,
                       "model.error: %s is of %s, and the task predicts %s",
                       asked, l->vectors ? "vectors" : "tokens",
                       vectors ? "vectors" : "tokens");
    }
    return EG_FAIL(err, EG_EINVAL, "model.error: expected %s, found '%s'",
                   listed(names, sizeof names, eg_model_error_name), asked);
}

/* "none" comes before the norms. */
static int qk_norm_find(const char *name)
{
    int row = egi_norm_find(name);

    return row >= 0 ? row + 1 : strcmp(name, "none") == 0 ? 0 : -1;
}

static eg_status resolve_parts(eg_model *m, eg_err *err)
{
    eg_status st;

    EG_TRY(resolve_rows(m, m->mixer, &m->opts.mixer, "model.mixer", "softmax",
                        egi_mixer_find, eg_model_mixer_name, err));
    EG_TRY(resolve_rows(m, m->mlp, &m->opts.mlp, "model.mlp", "none",
                        egi_mlp_find, eg_model_mlp_name, err));
    EG_TRY(resolve_rows(m, m->qk_norm, &m->opts.qk_norm, "model.qk_norm",
                        "none", qk_norm_find, eg_model_qk_norm_name, err));
    EG_TRY(resolve_loss(m, err));
done:
    return st;
}

static eg_status resolve_heads(eg_model *m, eg_err *err)
{
    int64_t kv = m->opts.n_kv_heads;

    m->n_kv_heads = kv == 0 ? m->n_heads : (int)kv;
    if (m->n_heads % m->n_kv_heads != 0)
        return EG_FAIL(err, EG_EINVAL,
                       "model.n_kv_heads: expected a divisor of n_heads = %d, "
                       "found %d",
                       m->n_heads, m->n_kv_heads);
    if (m->n_kv_heads != m->n_heads &&
        (m->opts.qk == EG_QK_MERGED || m->opts.value == EG_MAT_IDENTITY))
        return EG_FAIL(err, EG_EINVAL,
                       "model.n_kv_heads: shared heads of keys and values need "
                       "qk: factorised and value: matrix");
    return EG_OK;
}

/* What only some mixers and forms of queries and keys have. */
static eg_status check_attention(const eg_model *m, eg_err *err)
{
    const eg_model_opts *o = &m->opts;

    if (o->pos == EG_POS_CONCATENATED && egi_merged_qk(m))
        return EG_FAIL(err, EG_EINVAL,
                       "model.pos: concatenated needs model.qk: factorised, "
                       "found %s",
                       o->qk == EG_QK_MERGED ? "merged" : "merged_key");
    for (int l = 0; l < m->n_layers; l++) {
        bool softmax = egi_mixers[m->mixer[l]].core == EGI_OP_softmax;

        if (!softmax && o->pos == EG_POS_RELATIVE && egi_placed(m, l))
            return EG_FAIL(err, EG_EINVAL,
                           "model.pos: relative needs model.mixer: softmax, "
                           "found %s in block %d",
                           egi_mixers[m->mixer[l]].name, l);
        if (!softmax && o->dropout_attn > 0)
            return EG_FAIL(err, EG_EINVAL,
                           "model.dropout_attn: patterns are dropped of "
                           "model.mixer: softmax, found %s in block %d",
                           egi_mixers[m->mixer[l]].name, l);
    }
    return EG_OK;
}

/* Vectors that enter, or are predicted, without a matrix fit the stream. */
static eg_status check_ends(const eg_model *m, eg_err *err)
{
    const eg_model_opts *o = &m->opts;
    bool plain = o->input == EG_MAT_IDENTITY;
    bool first = o->readout == EG_READOUT_FIRST;

    if ((plain || first) && m->io.n_in == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "model.%s: %s is of vectors, and the task gives tokens",
                       plain ? "input" : "readout",
                       plain ? "identity" : "first");
    if (plain && m->d_model != m->io.n_in)
        return EG_FAIL(err, EG_EINVAL,
                       "model.input: identity needs model.d_model = the %d "
                       "entries of the task's inputs, found %d",
                       m->io.n_in, m->d_model);
    if (first && m->d_model < m->io.n_out)
        return EG_FAIL(err, EG_EINVAL,
                       "model.readout: first needs model.d_model of at least "
                       "the %d entries of the task's targets, found %d",
                       m->io.n_out, m->d_model);
    return EG_OK;
}

static eg_status resolve_sizes(eg_model *m, eg_err *err)
{
    const eg_model_opts *o = &m->opts;
    int64_t d_head = o->d_head, d_mlp = o->d_mlp;

    if (m->T < 1 || (m->io.n_in > 0 ? m->io.n_out < 1 : m->V < 2))
        return EG_FAIL(
            err, EG_EINVAL,
            "expected n_ctx >= 1 and d_vocab >= 2, or vectors, found "
            "%d and %d, %d to %d",
            m->T, m->V, m->io.n_in, m->io.n_out);
    if (m->V == 0 && o->tied)
        return EG_FAIL(err, EG_EINVAL,
                       "model.tied: a head is tied to embeddings, and the "
                       "task gives vectors, which have none");
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
    if (check_ends(m, err) != EG_OK) return EG_EINVAL;
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
    if (resolve_heads(m, err) != EG_OK || resolve_parts(m, err) != EG_OK)
        return EG_EINVAL;
    return check_attention(m, err);
}

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
    for (int l = 0; l < m->n_layers; l++) {
        if (norm) norm_add(m, l, "ln1");
        egi_mixers[m->mixer[l]].tensors(m, l);
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
    EG_TRY(resolve_sizes(m, err));
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

eg_status eg_model_new(eg_model **out, const eg_model_opts *opts, eg_io io,
                       eg_precision precision, uint64_t seed, eg_err *err)
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
    for (int i = 0; i < m->n_tensors; i++) egi_tensor_init(m, i, seed);
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
