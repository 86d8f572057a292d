/* The plain program of a model: the formula, op by op, without a shortcut. */
#include "nn/prog.h"

#include <math.h>
#include <stdio.h>

typedef struct builder {
    egi_program *p;
    const eg_model *m;
    bool named; /* every value gets its hook name, and is kept */
} builder;

/* Adds op; -1 stands for an input that is left out. hook NULL: no name; else
 * that of the hook, in block l (-1: in none). */
static int emit(builder *b, egi_kind kind, const int in[EGI_INS], egi_attr attr,
                int l, const char *hook)
{
    char name[64] = "";
    int v;

    if (hook && l >= 0)
        snprintf(name, sizeof name, "blocks.%d.%s", l, hook);
    else if (hook)
        snprintf(name, sizeof name, "%s", hook);
    v = egi_op_add(b->p, kind, in, attr, name);
    if (b->p->st == EG_OK) b->p->value[v].kept = b->named && hook;
    return v;
}

#define IN(...) ((const int[EGI_INS]){__VA_ARGS__})

static int weight(builder *b, int tensor)
{
    return tensor < 0 ? -1 : egi_tensor_value(b->p, tensor);
}

/* A matrix a head, their columns side by side. */
static int heads(builder *b, int tensor)
{
    int w = weight(b, tensor), H = b->m->n_heads;

    if (H == 1) return w;
    return emit(b, EGI_OP_beside, IN(w, -1, -1, -1), (egi_attr){.heads = H}, -1,
                NULL);
}

static int linear(builder *b, int x, int w, int l, const char *hook)
{
    return emit(b, EGI_OP_linear, IN(x, w, -1, -1), (egi_attr){0}, l, hook);
}

static int add(builder *b, int x, int y, int l, const char *hook)
{
    return emit(b, EGI_OP_add, IN(x, y, -1, -1), (egi_attr){0}, l, hook);
}

static int norm(builder *b, int x, int w, int bias, int l, const char *hook)
{
    return emit(b, EGI_OP_layernorm, IN(x, weight(b, w), weight(b, bias), -1),
                (egi_attr){.eps = b->m->opts.norm_eps}, l, hook);
}

static int embedding(builder *b)
{
    const eg_model *m = b->m;
    int e = emit(b, EGI_OP_embed, IN(weight(b, m->e), -1, -1, -1),
                 (egi_attr){0}, -1, "hook_embed");

    if (m->pos < 0) return e;
    int pos = emit(b, EGI_OP_place, IN(weight(b, m->pos), -1, -1, -1),
                   (egi_attr){0}, -1, "hook_pos_embed");
    return add(b, e, pos, 0, "hook_resid_pre");
}

static int rotate(builder *b, int x, int n_heads, int l, const char *hook)
{
    return emit(b, EGI_OP_rotary, IN(x, -1, -1, -1),
                (egi_attr){.heads = n_heads, .theta = b->m->opts.rotary_theta},
                l, hook);
}

/* Softmax attention that reads a: queries, keys, values, mixed, W_O. */
static int attention(builder *b, int a, int l)
{
    const eg_model *m = b->m;
    const egi_block_roles *r = &m->block[l];
    int H = m->n_heads, k_heads = r->k >= 0 ? H : 1;
    int64_t turned = m->opts.rotary_layers;
    bool rotary = m->opts.pos == EG_POS_ROTARY && (turned == 0 || l < turned);
    int width = r->k >= 0 ? m->d_head : m->d_model;
    int q = linear(b, a, heads(b, r->qk >= 0 ? r->qk : r->q), l,
                   rotary ? NULL : "attn.hook_q");
    int k = a, v = a;

    if (r->k >= 0)
        k = linear(b, a, heads(b, r->k), l, rotary ? NULL : "attn.hook_k");
    if (r->v >= 0) v = linear(b, a, heads(b, r->v), l, "attn.hook_v");
    if (rotary) {
        q = rotate(b, q, H, l, "attn.hook_q");
        k = rotate(b, k, k_heads, l, "attn.hook_k");
    }
    egi_attr how = {.heads = H,
                    .k_heads = k_heads,
                    .v_heads = H,
                    .scale = m->opts.scale_scores ? 1 / sqrt(width) : 1};
    int z = emit(b, EGI_OP_softmax, IN(q, k, v, -1), how, l, "attn.hook_z");
    if (r->o < 0) return z;
    return linear(b, z, weight(b, r->o), l, "hook_attn_out");
}

static int feed_forward(builder *b, int x, int l)
{
    const egi_block_roles *r = &b->m->block[l];
    egi_kind f = b->m->mlp[l] == EG_MLP_RELU ? EGI_OP_relu : EGI_OP_gelu;

    if (b->m->mlp[l] == EG_MLP_LINEAR)
        return linear(b, x, weight(b, r->f), l, "hook_mlp_out");
    x = linear(b, x, weight(b, r->in), l, "mlp.hook_pre");
    x = emit(b, f, IN(x, -1, -1, -1), (egi_attr){0}, l, "mlp.hook_post");
    return linear(b, x, weight(b, r->out), l, "hook_mlp_out");
}

/* Block l from the residual stream x to the next. */
static int block(builder *b, int x, int l)
{
    const egi_block_roles *r = &b->m->block[l];
    int norms = b->m->opts.norm, a = x, mid, in;
    bool mlp = b->m->mlp[l] != EG_MLP_NONE, post = norms == EG_NORM_POST;

    if (egi_norm_first(b->m)) a = norm(b, x, r->ln1_w, r->ln1_b, l, NULL);
    mid = add(b, x, attention(b, a, l), l, post ? NULL : "hook_resid_mid");
    if (post) mid = norm(b, mid, r->ln1_w, r->ln1_b, l, "hook_resid_mid");
    if (!mlp) return mid;
    in = norms == EG_NORM_PARALLEL ? x : mid;
    if (egi_norm_first(b->m)) in = norm(b, in, r->ln2_w, r->ln2_b, l, NULL);
    x = add(b, mid, feed_forward(b, in, l), l, post ? NULL : "hook_resid_post");
    if (post) x = norm(b, x, r->ln2_w, r->ln2_b, l, "hook_resid_post");
    return x;
}

/* Logits and the loss. */
static void head(builder *b, int x)
{
    const eg_model *m = b->m;
    int u;

    if (m->lnf_w >= 0) x = norm(b, x, m->lnf_w, m->lnf_b, -1, NULL);
    if (m->opts.tied)
        u = emit(b, EGI_OP_transpose, IN(weight(b, m->e), -1, -1, -1),
                 (egi_attr){.scale = 1.0 / m->d_model}, -1, NULL);
    else
        u = weight(b, m->u);
    x = linear(b, x, u, -1, "logits");
    emit(b, EGI_OP_xent, IN(x, -1, -1, -1), (egi_attr){0}, -1, NULL);
}

eg_status egi_program_build(egi_program *p, const eg_model *m, bool in_context,
                            bool named, eg_err *err)
{
    builder b = {.p = p, .m = m, .named = named};
    int x;

    egi_program_init(p, m);
    p->in_context = in_context;
    x = embedding(&b);
    for (int l = 0; l < m->n_layers; l++) x = block(&b, x, l);
    head(&b, x);
    if (p->st == EG_OK) return EG_OK;
    egi_program_release(p);
    return EG_FAIL(err, EG_ENOMEM, "a program of %d blocks", m->n_layers);
}
