/* A model of GPT-2's form as Hugging Face has it. */
#include "engram/export.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "engram/mem.h"
#include "models/models.h"
#include "nn/module.h"

/* ---- has it the form? -----------------------------------------------------
 */

typedef struct rule {
    bool fits;
    const char *key, *wants;
} rule;

static bool alike(const eg_model *m)
{
    for (int l = 0; l < m->n_layers; l++)
        if (m->mixer[l] != egi_mixer_find("softmax") ||
            m->mlp[l] != m->mlp[0] || m->qk_norm[l] != 0 ||
            m->head_norm[l] != 0 || m->heads[l] != m->heads[0] ||
            m->mlp_width[l] != m->mlp_width[0])
            return false;
    return true;
}

static eg_status check_form(const eg_model *m, eg_err *err)
{
    const eg_model_opts *o = &m->opts;
    bool table = o->pos == EG_POS_LEARNED || o->pos == EG_POS_RANDOM ||
                 o->pos == EG_POS_SIN || o->pos == EG_POS_SIN_SCALED;
    const rule rules[] = {
        {m->V > 0, "task", "one of tokens"},
        {o->norm == EG_NORM_PRE, "model.norm", "pre"},
        {egi_norms[o->norm_kind].kind == EGI_OP_layernorm, "model.norm_kind",
         "layer or layer_no_bias"},
        {alike(m),
         "model.mixer, model.mlp, model.qk_norm, model.head_norm, model.heads",
         "softmax, the same feed-forward and the same heads in every block"},
        {o->qk == EG_QK_FACTORISED, "model.qk", "factorised"},
        {o->value == EG_MAT_MATRIX && o->output == EG_MAT_MATRIX,
         "model.value, model.output", "matrix"},
        {m->kv_heads[0] == m->heads[0], "model.n_kv_heads", "0"},
        {m->heads[0] * m->d_head == m->d_model, "model.d_head",
         "d_model / n_heads"},
        {egi_mlps[m->mlp[0]].matrices == 2, "model.mlp",
         "gelu, gelu_erf, relu or silu"},
        {table, "model.pos", "a table: learned, random or sinusoidal"},
        {o->causal, "model.causal", "true"},
        {!o->embed_norm, "model.embed_norm", "false"},
        {egi_embed_scale(m) == 1, "model.embed_scale", "1"},
        {!o->unembed_bias, "model.unembed_bias", "false"},
        {!o->tied || !o->tied_scale, "model.tied_scale", "false"},
        {o->qk_conv == 0, "model.qk_conv", "0"},
        {o->resid_clip == 0, "model.resid_clip", "0"}};

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rules[i].fits)
            return EG_FAIL(err, EG_EUNSUPPORTED,
                           "GPT-2 does not have this model's form: expected "
                           "%s: %s",
                           rules[i].key, rules[i].wants);
    return EG_OK;
}

/* ---- weights --------------------------------------------------------------
 */

typedef struct exporter {
    const eg_model *m;
    eg_st_entry *entry;
    float **own; /* [n] their numbers */
    int n;
} exporter;

/* Adds a tensor of zeros; NULL: no memory. */
static float *add(exporter *x, const char *name, eg_index rows, eg_index cols)
{
    eg_st_entry *e = &x->entry[x->n];
    float *to = eg_calloc((size_t)((rows ? rows : 1) * cols), sizeof *to);

    if (!to) return NULL;
    x->own[x->n++] = to;
    egi_name_of(e->name, name, 0);
    e->view = (eg_view){.data = to,
                        .dtype = EG_F32,
                        .ndim = rows ? 2 : 1,
                        .shape = {rows ? rows : cols, rows ? cols : 0}};
    return to;
}

/* What our tensor holds, into part of their columns. */
static void fill(const exporter *x, int i, float *to, const egi_move *how,
                 eg_index cols)
{
    const eg_tensor *t = &x->m->tensor[i];
    egi_sides s = egi_sides_of(t);
    eg_view v = eg_model_view(x->m, i);
    eg_index at = how->part * s.out;

    for (eg_index r = 0; r < s.in; r++)
        for (eg_index k = 0; k < s.out; k++) {
            eg_index from = t->ndim == 1 ? k : egi_place(&s, r, k);
            eg_index place =
                how->lie == EGI_OUT_IN ? k * s.in + r : r * cols + at + k;

            to[place] = (float)eg_view_at(&v, from);
        }
}

/* One move in block l, the other way: their tensor is made by the first part
 * that we have. A bias that we do not have is zeros. */
static eg_status add_move(exporter *x, const egi_move *how, int l, eg_err *err)
{
    char ours[128], theirs[128];
    eg_index parts = how->parts ? how->parts : 1, d = x->m->d_model;
    bool bias = strstr(how->theirs, ".bias") != NULL;
    bool wide = strstr(how->theirs, "mlp.c_fc") != NULL;
    bool flat;
    egi_sides s = {1, wide ? x->m->mlp_width[0] : d, 0};
    float *to = NULL;
    int i;

    egi_name_of(ours, how->ours, l);
    egi_name_of(theirs, how->theirs, l);
    i = eg_model_find(x->m, ours);
    if (i < 0 && !bias) return EG_OK; /* a head that is tied */
    if (i >= 0) s = egi_sides_of(&x->m->tensor[i]);
    flat = bias || strstr(how->theirs, "ln_");
    if (flat) s = (egi_sides){1, s.in * s.out, s.in * s.out};
    for (int k = 0; k < x->n; k++)
        if (strcmp(x->entry[k].name, theirs) == 0) to = x->own[k];
    if (!to && how->lie == EGI_OUT_IN)
        to = add(x, theirs, s.out, s.in);
    else if (!to)
        to = add(x, theirs, flat ? 0 : s.in, s.out * parts);
    if (!to) return EG_FAIL(err, EG_ENOMEM, "%s", theirs);
    if (i < 0) return EG_OK;
    if (flat) { /* heads after each other, as they lie */
        eg_view v = eg_model_view(x->m, i);

        for (eg_index k = 0; k < s.out; k++)
            to[how->part * s.out + k] = (float)eg_view_at(&v, k);
        return EG_OK;
    }
    fill(x, i, to, how, s.out * parts);
    return EG_OK;
}

static eg_status add_all(exporter *x, eg_err *err)
{
    for (const egi_move *how = egi_gpt2.moves; how->theirs; how++) {
        int blocks = strchr(how->theirs, '#') ? x->m->n_layers : 1;

        for (int l = 0; l < blocks; l++) {
            eg_status st = add_move(x, how, l, err);

            if (st != EG_OK) return st;
        }
    }
    return EG_OK;
}

/* transformers expects everything but the head below `transformer.`. */
static void add_prefix(exporter *x)
{
    for (int k = 0; k < x->n; k++) {
        char name[128];

        (void)snprintf(name, sizeof name, "%s", x->entry[k].name);
        if (strcmp(name, "lm_head.weight") != 0)
            (void)snprintf(x->entry[k].name, sizeof x->entry[k].name,
                           "transformer.%.100s", name);
    }
}

/* Every tensor in halves of a float, in the place of its numbers: those that
 * are read lie behind those that are written. */
static eg_status narrow(const exporter *x, eg_dtype dtype, eg_err *err)
{
    for (int k = 0; k < x->n && dtype != EG_F32; k++) {
        eg_view *v = &x->entry[k].view;
        unsigned char *to = (unsigned char *)x->own[k];

        for (eg_index i = 0, n = eg_view_size(v); i < n; i++) {
            float one = x->own[k][i];
            uint16_t half = egi_half_bits(one, dtype);
            eg_view h = {.data = &half, .dtype = dtype};

            if (isfinite(one) && !isfinite(eg_view_at(&h, 0)))
                return EG_FAIL(err, EG_EINVAL, "%s: %g is too large for %s",
                               x->entry[k].name, (double)one,
                               eg_dtype_name(dtype));
            memcpy(to + 2 * i, &half, sizeof half);
        }
        v->dtype = dtype;
    }
    return EG_OK;
}

/* ---- config.json ----------------------------------------------------------
 */

static const char *activation(const eg_model *m)
{
    switch (egi_mlps[m->mlp[0]].f) {
    case EGI_OP_gelu:
        return "gelu_new";
    case EGI_OP_gelu_erf:
        return "gelu";
    case EGI_OP_relu:
        return "relu";
    default:
        return "silu";
    }
}

static eg_status write_config(const eg_model *m, eg_dtype dtype,
                              const eg_folder *to, eg_err *err)
{
    json_t *j = json_pack(
        "{s:s, s:[s], s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:f, s:b, s:b, "
        "s:f, s:f, s:f, s:n, s:n}",
        "model_type", "gpt2", "architectures", "GPT2LMHeadModel", "torch_dtype",
        eg_dtype_name(dtype), "vocab_size", m->V, "n_positions", m->T, "n_embd",
        m->d_model, "n_layer", m->n_layers, "n_head", m->heads[0], "n_inner",
        m->mlp_width[0], "activation_function", activation(m),
        "layer_norm_epsilon", m->opts.norm_eps, "scale_attn_weights",
        m->opts.scale_scores, "tie_word_embeddings", m->opts.tied,
        "resid_pdrop", m->opts.dropout, "embd_pdrop", m->opts.dropout_embed,
        "attn_pdrop", m->opts.dropout_attn, "bos_token_id", "eos_token_id");
    char *text = j ? egi_json_print(j, JSON_INDENT(2)) : NULL;
    eg_status st;

    json_decref(j);
    if (!text) return EG_FAIL(err, EG_ENOMEM, "%s/config.json", to->path);
    st = eg_file_write_in(to, "config.json", text, strlen(text), err);
    eg_free(text);
    return st;
}

eg_status eg_export_gpt2(const eg_model *m, const char *folder, eg_dtype dtype,
                         eg_err *err)
{
    static const char *const meta[] = {"format", "pt"};
    size_t most = 3 + 12 * (size_t)m->n_layers + 3;
    exporter x = {.m = m};
    eg_folder to = {.fd = -1};
    bool made = false;
    eg_status st;

    EG_ASSERT(dtype == EG_F32 || dtype == EG_F16 || dtype == EG_BF16);
    EG_TRY(check_form(m, err));
    EG_TRY(eg_folder_make(&to, folder, err));
    made = true;
    EG_TRY(eg_folder_empty(&to, NULL, err));
    x.entry = eg_calloc(most, sizeof *x.entry);
    x.own = eg_calloc(most, sizeof *x.own);
    if (!x.entry || !x.own) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: list of tensors", folder);
        goto done;
    }
    EG_TRY(add_all(&x, err));
    add_prefix(&x);
    EG_TRY(narrow(&x, dtype, err));
    EG_TRY(
        eg_st_write_in(&to, "model.safetensors", x.entry, x.n, meta, 1, err));
    EG_TRY(write_config(m, dtype, &to, err));
done:
    for (int k = 0; k < x.n; k++) eg_free(x.own[k]);
    eg_free(x.entry);
    eg_free(x.own);
    if (made && st != EG_OK)
        eg_folder_unmake(&to);
    else
        eg_folder_close(&to);
    return st;
}
