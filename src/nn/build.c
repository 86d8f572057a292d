/* The plain program of a model: the formula, op by op, without a shortcut; and
 * where its hooks are. */
#include "nn/prog.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct builder {
    egi_program *p;
    const eg_model *m;
    egi_hooks hooks;
} builder;

/* ---- ops ------------------------------------------------------------------
 */

/* -1 stands for an input that is left out. */
static int emit(builder *b, egi_kind kind, int x, int y, int z, egi_attr attr)
{
    const int in[EGI_INS] = {x, y, z, -1};

    return egi_op_add(b->p, kind, in, attr);
}

static int weight(builder *b, int tensor)
{
    return tensor < 0 ? -1 : egi_tensor_value(b->p, tensor);
}

/* A matrix a head, their columns side by side. */
static int heads(builder *b, int tensor)
{
    int w = weight(b, tensor), H = b->m->n_heads;

    if (H == 1) return w;
    return emit(b, EGI_OP_beside, w, -1, -1, (egi_attr){.heads = H});
}

static int linear(builder *b, int x, int w)
{
    return emit(b, EGI_OP_linear, x, w, -1, (egi_attr){0});
}

static int add(builder *b, int x, int y)
{
    return emit(b, EGI_OP_add, x, y, -1, (egi_attr){0});
}

/* ---- hooks ----------------------------------------------------------------
 */

/* Value v has that hook, in block l (-1: in none). */
static void hook(builder *b, int l, const char *name, int v, egi_look look,
                 int n_heads)
{
    egi_hook h = {.value = v, .look = look, .heads = n_heads};

    bool large = look == EGI_LOOK_SCORES || look == EGI_LOOK_RESULT;

    if (b->hooks == EGI_HOOKS_NONE || v < 0) return;
    if (large && b->hooks != EGI_HOOKS_FULL) return;
    if (l >= 0)
        snprintf(h.name, sizeof h.name, "blocks.%d.%s", l, name);
    else
        snprintf(h.name, sizeof h.name, "%s", name);
    egi_hook_add(b->p, &h);
}

static void see(builder *b, int l, const char *name, int v)
{
    hook(b, l, name, v, EGI_LOOK_ROWS, 0);
}

static void see_heads(builder *b, int l, const char *name, int v, int n_heads)
{
    hook(b, l, name, v, EGI_LOOK_HEADS, n_heads);
}

/* ---- modules --------------------------------------------------------------
 */

static int norm(builder *b, int x, int w, int bias, int l, const char *name)
{
    char part[64];
    int y = emit(b, EGI_OP_layernorm, x, weight(b, w), weight(b, bias),
                 (egi_attr){.eps = b->m->opts.norm_eps});

    snprintf(part, sizeof part, "%s.hook_scale", name);
    hook(b, l, part, y, EGI_LOOK_SCALE, 0);
    snprintf(part, sizeof part, "%s.hook_normalized", name);
    hook(b, l, part, y, EGI_LOOK_NORMALIZED, 0);
    return y;
}

static int embedding(builder *b)
{
    const eg_model *m = b->m;
    int x = emit(b, EGI_OP_embed, weight(b, m->e), -1, -1, (egi_attr){0}), pos;

    see(b, -1, "hook_embed", x);
    if (m->pos < 0) return x;
    pos = emit(b, EGI_OP_place, weight(b, m->pos), -1, -1, (egi_attr){0});
    see(b, -1, "hook_pos_embed", pos);
    return add(b, x, pos);
}

static int turn(builder *b, int x, int n_heads)
{
    return emit(b, EGI_OP_rotary, x, -1, -1,
                (egi_attr){.heads = n_heads, .theta = b->m->opts.rotary_theta});
}

/* Softmax attention that reads a: queries, keys, values, mixed, W_O. */
static int attention(builder *b, int a, int l)
{
    const eg_model *m = b->m;
    const egi_block_roles *r = &m->block[l];
    int H = m->n_heads, k_heads = r->k >= 0 ? H : 1;
    int width = r->k >= 0 ? m->d_head : m->d_model;
    int64_t turned = m->opts.rotary_layers;
    bool rotary = m->opts.pos == EG_POS_ROTARY && (turned == 0 || l < turned);
    egi_attr how = {.heads = H,
                    .k_heads = k_heads,
                    .v_heads = H,
                    .scale = m->opts.scale_scores ? 1 / sqrt(width) : 1};
    int q = linear(b, a, heads(b, r->qk >= 0 ? r->qk : r->q));
    int k = r->k >= 0 ? linear(b, a, heads(b, r->k)) : a;
    int v = r->v >= 0 ? linear(b, a, heads(b, r->v)) : a;
    int z, out;

    if (rotary) {
        q = turn(b, q, H);
        k = turn(b, k, k_heads);
    }
    z = emit(b, EGI_OP_softmax, q, k, v, how);
    out = r->o < 0 ? z : linear(b, z, weight(b, r->o));
    see_heads(b, l, "attn.hook_q", q, H);
    if (k != a) see_heads(b, l, "attn.hook_k", k, k_heads);
    if (v != a) see_heads(b, l, "attn.hook_v", v, H);
    hook(b, l, "attn.hook_attn_scores", z, EGI_LOOK_SCORES, H);
    hook(b, l, "attn.hook_pattern", z, EGI_LOOK_PATTERN, H);
    see_heads(b, l, "attn.hook_z", z, H);
    hook(b, l, "attn.hook_result", out, EGI_LOOK_RESULT, H);
    see(b, l, "hook_attn_out", out);
    return out;
}

static int feed_forward(builder *b, int x, int l)
{
    const egi_block_roles *r = &b->m->block[l];
    egi_kind f = b->m->mlp[l] == EG_MLP_RELU ? EGI_OP_relu : EGI_OP_gelu;

    if (b->m->mlp[l] == EG_MLP_LINEAR) {
        x = linear(b, x, weight(b, r->f));
    } else {
        x = linear(b, x, weight(b, r->in));
        see(b, l, "mlp.hook_pre", x);
        x = emit(b, f, x, -1, -1, (egi_attr){0});
        see(b, l, "mlp.hook_post", x);
        x = linear(b, x, weight(b, r->out));
    }
    see(b, l, "hook_mlp_out", x);
    return x;
}

/* Block l from the residual stream x to the next. */
static int block(builder *b, int x, int l)
{
    const egi_block_roles *r = &b->m->block[l];
    int norms = b->m->opts.norm, a = x, mid, in;
    bool post = norms == EG_NORM_POST;

    see(b, l, "hook_resid_pre", x);
    if (egi_norm_first(b->m)) a = norm(b, x, r->ln1_w, r->ln1_b, l, "ln1");
    mid = add(b, x, attention(b, a, l));
    if (post) mid = norm(b, mid, r->ln1_w, r->ln1_b, l, "ln1");
    see(b, l, "hook_resid_mid", mid);
    if (b->m->mlp[l] != EG_MLP_NONE) {
        in = norms == EG_NORM_PARALLEL ? x : mid;
        if (egi_norm_first(b->m))
            in = norm(b, in, r->ln2_w, r->ln2_b, l, "ln2");
        mid = add(b, mid, feed_forward(b, in, l));
        if (post) mid = norm(b, mid, r->ln2_w, r->ln2_b, l, "ln2");
    }
    see(b, l, "hook_resid_post", mid);
    return mid;
}

/* Logits and the loss. */
static void head(builder *b, int x)
{
    const eg_model *m = b->m;
    int u;

    if (m->lnf_w >= 0) x = norm(b, x, m->lnf_w, m->lnf_b, -1, "ln_final");
    if (m->opts.tied)
        u = emit(b, EGI_OP_transpose, weight(b, m->e), -1, -1,
                 (egi_attr){.scale = 1.0 / m->d_model});
    else
        u = weight(b, m->u);
    x = linear(b, x, u);
    see(b, -1, "logits", x);
    emit(b, EGI_OP_xent, x, -1, -1, (egi_attr){0});
}

eg_status egi_program_build(egi_program *p, const eg_model *m, bool in_context,
                            egi_hooks hooks, eg_err *err)
{
    builder b = {.p = p, .m = m, .hooks = hooks};
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
