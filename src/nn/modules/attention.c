/* Queries, keys and values as every mixer takes them, and W_O behind it; and
 * the mixers z = P v with P from q and k. Keys and values may have fewer heads
 * than queries have. */
#include "nn/modules/learners.h"

#include <math.h>
#include <stdio.h>

/* Heads of keys, and of values: of a learner that takes several steps a
 * position, so many each. */
static int kv_heads(const eg_model *m, int l)
{
    return m->kv_heads[l] * egi_learner_steps(m, l);
}

void egi_qkv_tensors(eg_model *m, int l)
{
    eg_index d = m->d_model, H = m->heads[l], D = m->d_head,
             kv = kv_heads(m, l);
    eg_index in = d + (egi_concatenated(m, l) ? d : 0); /* of W_Q, W_K */
    bool bias = m->opts.attn_bias;

    if (egi_merged_qk(m)) {
        egi_tensor_add(m, l, "attn.W_QK", EGI_FILL_MATRIX, H, d, d, d);
    } else {
        egi_tensor_add(m, l, "attn.W_Q", EGI_FILL_MATRIX, H, in, D, in);
        egi_tensor_add(m, l, "attn.W_K", EGI_FILL_MATRIX, kv, in, D, in);
    }
    if (m->opts.pos == EG_POS_RELATIVE && egi_placed(m, l))
        egi_tensor_add(m, l, "attn.W_rel", EGI_FILL_MATRIX, m->T,
                       egi_merged_qk(m) ? d : D, 0, egi_merged_qk(m) ? d : D);
    if (m->opts.value == EG_MAT_MATRIX)
        egi_tensor_add(m, l, "attn.W_V", EGI_FILL_MATRIX, kv, d, D, d);
    if (m->opts.output == EG_MAT_MATRIX)
        egi_tensor_add(m, l, "attn.W_O", EGI_FILL_RESIDUAL, H, D, d, H * D);
    if (bias && !egi_merged_qk(m)) {
        egi_tensor_add(m, l, "attn.b_Q", EGI_FILL_ZERO, H, D, 0, in);
        egi_tensor_add(m, l, "attn.b_K", EGI_FILL_ZERO, kv, D, 0, in);
    }
    if (bias && m->opts.value == EG_MAT_MATRIX)
        egi_tensor_add(m, l, "attn.b_V", EGI_FILL_ZERO, kv, D, 0, d);
    if (bias && m->opts.output == EG_MAT_MATRIX)
        egi_tensor_add(m, l, "attn.b_O", EGI_FILL_ZERO, d, 0, 0, H * D);
    if (m->opts.qk_conv > 0) {
        eg_index n = m->opts.qk_conv;

        egi_tensor_add(m, l, "attn.W_conv_Q", EGI_FILL_MATRIX, n, H * D, 0, n);
        egi_tensor_add(m, l, "attn.W_conv_K", EGI_FILL_MATRIX, n, kv * D, 0, n);
    }
    if (m->head_norm[l] > 0)
        egi_norm_tensors(m, &egi_norms[m->head_norm[l] - 1], l, "attn.z_norm",
                         m->opts.value == EG_MAT_MATRIX ? D : d / H);
    if (m->qk_norm[l] == 0) return;
    egi_norm_tensors(m, &egi_norms[m->qk_norm[l] - 1], l, "attn.q_norm",
                     egi_merged_qk(m) ? d : D);
    egi_norm_tensors(m, &egi_norms[m->qk_norm[l] - 1], l, "attn.k_norm",
                     egi_merged_qk(m) ? d : D);
}

int egi_by_heads(egi_builder *b, int x, int l, const char *w, const char *bias,
                 int heads)
{
    int value = egi_weight(b, l, w);

    if (heads > 1)
        value = egi_put(b, EGI_OP_beside, value, -1, -1, -1,
                        (egi_attr){.heads = heads});
    return egi_linear(b, x, value, l, bias);
}

/* Turned between the matrix and the product: queries the input, once for each
 * head, and keys x W_QK[h]^T, as the original program of birth has it. */
static void at_key(egi_builder *b, int a, int l, int *q, int *k)
{
    int heads = b->m->heads[l];
    int w = egi_put(b, EGI_OP_transpose, egi_weight(b, l, "attn.W_QK"), -1, -1,
                    -1, (egi_attr){.scale = 1});

    *k = egi_linear(b, a, w, l, NULL);
    *q = a;
    if (heads > 1)
        *q = egi_put(b, EGI_OP_tile, a, -1, -1, -1, (egi_attr){.heads = heads});
}

static int turn(egi_builder *b, int x, int heads)
{
    return egi_put(
        b, EGI_OP_rotary, x, -1, -1, -1,
        (egi_attr){.heads = heads,
                   .theta = b->m->opts.rotary_theta,
                   .halves = b->m->opts.rotary_pairs == EG_ROTARY_HALVES});
}

/* kind: of egi_norms, from 1; 0: none. */
static int normed(egi_builder *b, int kind, int x, int heads, int l,
                  const char *name)
{
    return kind == 0
               ? x
               : egi_norm_emit(b, &egi_norms[kind - 1], x, heads, l, name);
}

/* [a, P[position]] where positions are concatenated. */
static int placed(egi_builder *b, int a, int l)
{
    if (!egi_concatenated(b->m, l)) return a;
    return egi_put(b, EGI_OP_cat, a, egi_weight(b, -1, "W_pos_qk"), -1, -1,
                   (egi_attr){0});
}

static int convolved(egi_builder *b, int x, int l, const char *name)
{
    if (b->m->opts.qk_conv == 0) return x;
    return egi_put(b, EGI_OP_conv, x, egi_weight(b, l, name), -1, -1,
                   (egi_attr){0});
}

egi_qkv egi_qkv_emit(egi_builder *b, int a, int l)
{
    const eg_model *m = b->m;
    bool one = egi_merged_qk(m), own_v = m->opts.value == EG_MAT_MATRIX;
    int64_t turned = m->opts.rotary_layers;
    bool rotary = m->opts.pos == EG_POS_ROTARY && (turned == 0 || l < turned);
    bool key = rotary && m->opts.qk == EG_QK_MERGED_KEY;
    int H = m->heads[l], width = one ? m->d_model : m->d_head;
    egi_qkv p = {.a = a,
                 .k = a,
                 .v = a,
                 .k_heads = one && !key ? 1 : kv_heads(m, l),
                 .v_heads = own_v ? kv_heads(m, l) : H,
                 .scale = m->opts.scale_scores ? 1 / sqrt(width) : 1};
    int x = placed(b, a, l); /* what queries and keys read */

    if (own_v) p.v = egi_by_heads(b, a, l, "attn.W_V", "attn.b_V", p.v_heads);
    if (key) {
        at_key(b, a, l, &p.q, &p.k);
    } else {
        p.q = egi_by_heads(b, x, l, one ? "attn.W_QK" : "attn.W_Q", "attn.b_Q",
                           H);
        if (!one)
            p.k = egi_by_heads(b, x, l, "attn.W_K", "attn.b_K", p.k_heads);
    }
    p.q = convolved(b, p.q, l, "attn.W_conv_Q");
    p.k = convolved(b, p.k, l, "attn.W_conv_K");
    p.q = normed(b, m->qk_norm[l], p.q, H, l, "attn.q_norm");
    p.k = normed(b, m->qk_norm[l], p.k, p.k_heads, l, "attn.k_norm");
    if (rotary) {
        p.q = turn(b, p.q, H);
        p.k = turn(b, p.k, p.k_heads);
    }
    return p;
}

int egi_mixed_emit(egi_builder *b, int l, const egi_qkv *in, int z)
{
    int H = b->m->heads[l], out;
    const egi_op *op;

    if (b->p->st != EG_OK) return 0;
    out = normed(b, b->m->head_norm[l], z, H, l, "attn.z_norm");
    if (b->m->opts.output == EG_MAT_MATRIX)
        out = egi_linear(b, out, egi_weight(b, l, "attn.W_O"), l, "attn.b_O");
    if (b->p->st != EG_OK) return 0;
    op = &b->p->op[b->p->value[z].maker];
    egi_see_heads(b, l, "attn.hook_q", in->q, H);
    if (in->k != in->a) egi_see_heads(b, l, "attn.hook_k", in->k, in->k_heads);
    if (in->v != in->a) egi_see_heads(b, l, "attn.hook_v", in->v, in->v_heads);
    if (egi_op_info(op->kind)->mixes)
        egi_see_as(b, l, "attn.hook_attn_scores", z, EGI_LOOK_SCORES, H);
    if (egi_op_patterned(op))
        egi_see_as(b, l, "attn.hook_pattern", z, EGI_LOOK_PATTERN, H);
    egi_see_heads(b, l, "attn.hook_z", z, H);
    egi_see_as(b, l, "attn.hook_result", out, EGI_LOOK_RESULT, H);
    egi_see(b, l, "hook_attn_out", out);
    return out;
}

static void tensors(const egi_mixer *self, eg_model *m, int l)
{
    (void)self;
    egi_qkv_tensors(m, l);
}

static int emit(egi_builder *b, const egi_mixer *self, int a, int l)
{
    egi_qkv in = egi_qkv_emit(b, a, l);
    egi_attr how = {.heads = b->m->heads[l],
                    .k_heads = in.k_heads,
                    .v_heads = in.v_heads,
                    .scale = in.scale,
                    .whole = !b->m->opts.causal};
    int far = egi_weight(b, l, "attn.W_rel");
    egi_kind core = self->core;

    how = egi_drop_attr(b, how, l, "attn.pattern", b->m->opts.dropout_attn);
    if (far >= 0 || how.drop > 0) core = EGI_OP_attend;
    return egi_mixed_emit(b, l, &in,
                          egi_put(b, core, in.q, in.k, in.v, far, how));
}

/* clang-format off */
const egi_mixer egi_mixers[] = {
    {"softmax", "P = softmax of scaled scores, causal but for model.causal: false", tensors, emit,
     EGI_OP_softmax, NULL},
    {"linear", "P = scaled scores as they are, causal", tensors, emit,
     EGI_OP_linatt, NULL},
    {"mesa", "z = Phi q, Phi the ridge regression of values on keys up to here",
     egi_mesa_tensors, egi_mesa_emit, EGI_OP_linatt, NULL},
    {"mesa_decay", "the same, what was seen forgotten by gates",
     egi_mesa_tensors, egi_mesa_emit, EGI_OP_recur, NULL},
    {"mesanet", "both gated, the ridge fixed, by conjugate gradients",
     egi_mesanet_tensors, egi_mesanet_emit, EGI_OP_recur, NULL},
#define LEARNER(name, help) \
    {#name, help, egi_learner_tensors, egi_learner_emit, EGI_OP_recur, \
     &egi_rule_##name},
    EGI_LEARNERS(LEARNER)
#undef LEARNER
    {NULL, NULL, NULL, NULL, 0, NULL}};
/* clang-format on */
