/* A model's options: names to rows of tables, sizes that follow from others,
 * and what does not go together. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "engram/text.h"
#include "nn/modules/learners.h"

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

/* Error: no row of a table has that name. A short table is listed. */
static eg_status no_row(const char *key, const char *item, names_fn name,
                        eg_err *err)
{
    eg_nearest near = {.asked = item};
    char names[512];
    const char *help, *one;

    if (strlen(listed(names, sizeof names, name)) < 60)
        return EG_FAIL(err, EG_EINVAL, "%s: expected %s, found '%s'", key,
                       names, item);
    for (int i = 0; (one = name(i, &help)); i++) eg_nearest_try(&near, one);
    return EG_FAIL(err, EG_EINVAL,
                   "%s: expected a name of `engram list mixers`, found "
                   "'%s'%s%s%s",
                   key, item, near.best ? "; did you mean '" : "",
                   near.best ? near.best : "", near.best ? "'?" : "");
}

/* What each block is made of: rows of a table by name. */
static eg_status resolve_rows(const eg_model *m, int *row, const eg_strs *s,
                              const char *key, int (*find)(const char *),
                              names_fn name, eg_err *err)
{
    if (s->n != 1 && s->n != m->n_layers)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: expected 1 item or one for each of the %d "
                       "blocks, found %d",
                       key, m->n_layers, s->n);
    for (int l = 0; l < m->n_layers; l++) {
        const char *item = s->item[s->n == 1 ? 0 : l];

        row[l] = find(item);
        if (row[l] < 0) return no_row(key, item, name, err);
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

    EG_TRY(resolve_rows(m, m->mixer, &m->opts.mixer, "model.mixer",
                        egi_mixer_find, eg_model_mixer_name, err));
    EG_TRY(resolve_rows(m, m->mlp, &m->opts.mlp, "model.mlp", egi_mlp_find,
                        eg_model_mlp_name, err));
    EG_TRY(resolve_rows(m, m->qk_norm, &m->opts.qk_norm, "model.qk_norm",
                        qk_norm_find, eg_model_qk_norm_name, err));
    EG_TRY(resolve_rows(m, m->head_norm, &m->opts.head_norm, "model.head_norm",
                        qk_norm_find, eg_model_qk_norm_name, err));
    EG_TRY(resolve_loss(m, err));
done:
    return st;
}

/* The item of a list of sizes for block l, or the option that stands for all.
 * EG_EINVAL names the key. */
static eg_status size_of(int *out, const eg_model *m, const eg_strs *s,
                         const char *key, int64_t one, int64_t most, int l,
                         eg_err *err)
{
    int64_t n = one;

    if (s->n > 0 && s->n != m->n_layers)
        return EG_FAIL(err, EG_EINVAL,
                       "model.%s: expected an item for each of the %d blocks, "
                       "found %d",
                       key, m->n_layers, s->n);
    if (s->n > 0 && (!egi_int_parse(s->item[l], &n) || n < 1 || n > most))
        return EG_FAIL(err, EG_EINVAL,
                       "model.%s: expected whole numbers from 1 to %lld, found "
                       "'%s'",
                       key, (long long)most, s->item[l]);
    *out = (int)n;
    return EG_OK;
}

static eg_status resolve_heads(eg_model *m, eg_err *err)
{
    const eg_model_opts *o = &m->opts;
    eg_status st = EG_OK;

    for (int l = 0; l < m->n_layers; l++) {
        int64_t kv = o->n_kv_heads, mlp = o->d_mlp ? o->d_mlp : 4 * o->d_model;

        EG_TRY(size_of(&m->heads[l], m, &o->heads, "heads", o->n_heads, 256, l,
                       err));
        EG_TRY(size_of(&m->kv_heads[l], m, &o->kv_heads, "kv_heads",
                       kv ? kv : m->heads[l], 256, l, err));
        EG_TRY(size_of(&m->mlp_width[l], m, &o->mlp_widths, "mlp_widths", mlp,
                       65536, l, err));
        if (m->heads[l] % m->kv_heads[l] != 0)
            return EG_FAIL(err, EG_EINVAL,
                           "model.n_kv_heads: expected a divisor of n_heads = "
                           "%d, found %d in block %d",
                           m->heads[l], m->kv_heads[l], l);
        if (m->kv_heads[l] != m->heads[l] &&
            (o->qk == EG_QK_MERGED || o->value == EG_MAT_IDENTITY))
            return EG_FAIL(err, EG_EINVAL,
                           "model.n_kv_heads: shared heads of keys and values "
                           "need qk: factorised and value: matrix");
        if ((o->value == EG_MAT_IDENTITY || o->output == EG_MAT_IDENTITY) &&
            m->heads[l] * m->d_head != m->d_model)
            return EG_FAIL(err, EG_EINVAL,
                           "model.value, model.output: identity needs n_heads "
                           "* d_head = d_model, found %d * %d and %d",
                           m->heads[l], m->d_head, m->d_model);
    }
done:
    return st;
}

/* One width for the heads of all blocks. */
static eg_status resolve_head_width(eg_model *m, eg_err *err)
{
    const eg_model_opts *o = &m->opts;

    m->d_head = (int)o->d_head;
    if (m->d_head > 0) return EG_OK;
    if (o->heads.n > 0)
        return EG_FAIL(err, EG_EINVAL,
                       "model.heads: blocks with heads of their own need "
                       "model.d_head");
    if (o->d_model % o->n_heads != 0)
        return EG_FAIL(err, EG_EINVAL,
                       "model.n_heads: %d does not divide model.d_model = "
                       "%d; set model.d_head",
                       (int)o->n_heads, (int)o->d_model);
    m->d_head = (int)(o->d_model / o->n_heads);
    return EG_OK;
}

/* Blocks that have positions: of the codes that attention takes. */
static eg_status check_pos_layers(const eg_model *m, eg_err *err)
{
    const eg_model_opts *o = &m->opts;
    char pos[32];

    (void)eg_choice(eg_field_find(eg_model_fields, "pos")->choices, o->pos, pos,
                    sizeof pos);
    if (o->pos_layers > 0 && o->pos != EG_POS_RELATIVE &&
        o->pos != EG_POS_CONCATENATED)
        return EG_FAIL(err, EG_EINVAL,
                       "model.pos_layers: blocks are chosen of model.pos: "
                       "relative or concatenated, found %s",
                       pos);
    if (o->rotary_layers > 0 && o->pos != EG_POS_ROTARY)
        return EG_FAIL(err, EG_EINVAL,
                       "model.rotary_layers: blocks are chosen of model.pos: "
                       "rotary, found %s",
                       pos);
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
    if (!o->causal && o->qk_conv > 0)
        return EG_FAIL(err, EG_EINVAL,
                       "model.causal: false has no model.qk_conv, which looks "
                       "back");
    if (!o->causal && o->pos == EG_POS_RELATIVE)
        return EG_FAIL(err, EG_EINVAL,
                       "model.causal: false has no relative positions: there "
                       "is no row of W_rel for what comes later");
    if (o->qk_conv > 0 && egi_merged_qk(m))
        return EG_FAIL(err, EG_EINVAL,
                       "model.qk_conv: queries and keys that are convolved "
                       "need model.qk: factorised, found %s",
                       o->qk == EG_QK_MERGED ? "merged" : "merged_key");
    for (int l = 0; l < m->n_layers; l++) {
        const egi_mixer *mixer = &egi_mixers[m->mixer[l]];
        bool softmax = mixer->core == EGI_OP_softmax;

        if (mixer->rule && mixer->rule->core == EGI_OP_ttt && o->norm_eps <= 0)
            return EG_FAIL(err, EG_EINVAL,
                           "model.norm_eps: mixer %s in block %d norms what "
                           "may be 0, and needs more than 0",
                           mixer->name, l);
        if (mixer->rule && mixer->rule->own &&
            (egi_merged_qk(m) || m->kv_heads[l] != m->heads[l] ||
             o->value == EG_MAT_IDENTITY))
            return EG_FAIL(err, EG_EINVAL,
                           "model.mixer: %s in block %d needs keys and values "
                           "of each head's own: qk: factorised, value: "
                           "matrix, and n_kv_heads: 0",
                           mixer->name, l);

        if (!o->causal && !softmax)
            return EG_FAIL(err, EG_EINVAL,
                           "model.causal: false needs model.mixer: softmax, "
                           "found %s in block %d",
                           mixer->name, l);
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

eg_status egi_model_resolve(eg_model *m, eg_err *err)
{
    const eg_model_opts *o = &m->opts;

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
    m->n_layers = (int)o->n_layers;
    m->d_model = (int)o->d_model;
    if (resolve_head_width(m, err) != EG_OK || check_ends(m, err) != EG_OK)
        return EG_EINVAL;
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
    if (check_pos_layers(m, err) != EG_OK) return EG_EINVAL;
    return check_attention(m, err);
}
