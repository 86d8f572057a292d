/* nn, inside: the model's sizes and roles of its tensors. */
#ifndef EG_NN_NN_H
#define EG_NN_NN_H

#include <math.h>

#include "engram/model.h"
#include "engram/train.h"

#define EGI_LAYERS 64

/* Initial values of a tensor. */
typedef enum egi_fill {
    EGI_FILL_MATRIX,   /* by model.init and fan_in, or model.init_std */
    EGI_FILL_RESIDUAL, /* the same, of a matrix that writes to the stream */
    EGI_FILL_EMBED,    /* N(0, embed_std^2) */
    EGI_FILL_SINUSOIDS,
    EGI_FILL_ONE,
    EGI_FILL_ZERO,
    EGI_FILL_DECAY,  /* a gate of decay is model.decay_init where x is 0 */
    EGI_FILL_PRECOND /* -0.2 */
} egi_fill;

struct eg_model {
    eg_model_opts opts;
    eg_precision precision;
    int n_layers, d_model, d_head;
    /* Of each block. */
    int heads[EGI_LAYERS], kv_heads[EGI_LAYERS], mlp_width[EGI_LAYERS];
    eg_io io;                               /* tokens, or vectors */
    int V, T;                               /* d_vocab, n_ctx */
    int loss;                               /* row of egi_losses */
    int mixer[EGI_LAYERS], mlp[EGI_LAYERS]; /* rows of egi_mixers, egi_mlps */
    /* Of egi_norms, from 1; 0: none. */
    int qk_norm[EGI_LAYERS], head_norm[EGI_LAYERS];
    int n_tensors, cap_tensors;
    eg_tensor *tensor;
    eg_status tensors_st; /* of the first row that found no memory */
    eg_index n_params;
    void *params; /* float or double [n_params] */
};

/* A model without parameters: its sizes and its table of tensors, whatever the
 * machine's memory. */
eg_status egi_model_shape(eg_model **out, const eg_model_opts *opts, eg_io io,
                          eg_precision precision, eg_err *err);

/* The same with parameters of 0, to be filled; those that are fixed and follow
 * from the options are what they are. */
eg_status egi_model_blank(eg_model **out, const eg_model_opts *opts, eg_io io,
                          eg_precision precision, eg_err *err);

/* Sizes and rows of tables from m->opts, m->io. EG_EINVAL names the key. */
eg_status egi_model_resolve(eg_model *m, eg_err *err);

/* Does a position with that target and label belong to the group? */
static inline bool egi_in_group(const eg_group *g, int32_t target,
                                int32_t label)
{
    return target >= 0 && label >= g->lo && label <= g->hi;
}

/* All weights of a model of the same table and precision. */
void egi_model_copy(eg_model *to, const eg_model *from);
/* Entry j of tensor t, narrowed to the model's precision. */
void egi_entry_set(eg_model *m, const eg_tensor *t, eg_index j, double x);
/* Draws the initial values of tensor i. */
void egi_tensor_init(eg_model *m, int i, uint64_t seed);
/* Draws those that init.std, init.xavier and init.uniform name again; of a
 * model without parameters, checks the patterns alone. EG_EINVAL: one that
 * matches nothing that is drawn. */
eg_status egi_init_named(eg_model *m, const eg_init_opts *o, uint64_t seed,
                         eg_err *err);

/* A matrix or embeddings, and no gain, bias or sinusoids? */
static inline bool egi_is_matrix(const eg_tensor *t)
{
    return t->fill == EGI_FILL_MATRIX || t->fill == EGI_FILL_RESIDUAL ||
           t->fill == EGI_FILL_EMBED;
}

/* Does "blocks.*.attn.W_O" match the name? '*' stands for any text. */
bool egi_match(const char *pattern, const char *name);

/* One matrix W_QK a head, at the query or at the key? */
static inline bool egi_merged_qk(const eg_model *m)
{
    return m->opts.qk != EG_QK_FACTORISED;
}

/* Does block l have the positions that attention gives to queries and keys? */
static inline bool egi_placed(const eg_model *m, int l)
{
    return m->opts.pos_layers == 0 || l < m->opts.pos_layers;
}

static inline bool egi_concatenated(const eg_model *m, int l)
{
    return m->opts.pos == EG_POS_CONCATENATED && egi_placed(m, l);
}

/* FNV-1a: a stream that depends on a name alone. */
static inline uint32_t egi_name_hash(const char *s)
{
    uint32_t h = 2166136261u;

    for (; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

/* What embeddings of tokens are multiplied by. */
static inline double egi_embed_scale(const eg_model *m)
{
    double s = m->opts.embed_scale;

    return s > 0 ? s : sqrt((double)m->d_model);
}

/* What logits of a tied head are divided by. */
static inline double egi_tied_divisor(const eg_model *m)
{
    return m->opts.tied_scale ? m->d_model : 1;
}

/* Do norms read what enters a branch (pre, parallel), and one more the last
 * residual stream? */
static inline bool egi_norm_first(const eg_model *m)
{
    return m->opts.norm == EG_NORM_PRE || m->opts.norm == EG_NORM_PARALLEL;
}

/* Bytes of a number. */
static inline int64_t egi_width(const eg_model *m)
{
    return m->precision == EG_FLOAT64 ? 8 : 4;
}

/* The entries of tensor i (float or double, by the model); NULL for role -1. */
static inline void *egi_param(const eg_model *m, int i)
{
    if (i < 0) return NULL;
    return (char *)m->params + (size_t)(m->tensor[i].offset * egi_width(m));
}

#endif
