/* Online learners as mixers: what each has beside queries, keys and values, and
 * how these go into op recur (real/recur.h has the step). */
#include "nn/modules/learners.h"

#include <string.h>

enum { Q, K, V, STRENGTH, DECAY, ERASE };

int egi_learner_steps(const eg_model *m, int l)
{
    const egi_rule *r = egi_mixers[m->mixer[l]].rule;

    return r && r->steps ? (int)m->opts.delta_steps : 1;
}

void egi_learner_tensors(const egi_mixer *self, eg_model *m, int l)
{
    const egi_rule *r = self->rule;

    egi_qkv_tensors(m, l);
    if (r->strength)
        egi_gate_tensors(m, l, "beta", egi_learner_steps(m, l), EGI_FILL_ZERO);
    if (r->forget != EGI_FORGET_NOT)
        egi_gate_tensors(m, l, "decay",
                         r->forget == EGI_FORGET_HEAD ? 1 : egi_key_width(m),
                         EGI_FILL_DECAY);
    if (r->tensors) r->tensors(m, l);
}

int egi_learner_emit(egi_builder *b, const egi_mixer *self, int a, int l)
{
    const egi_rule *r = self->rule;
    egi_qkv in = egi_qkv_emit(b, a, l);
    int steps = egi_learner_steps(b->m, l);
    egi_parts p = {.in = {in.q, in.k, in.v, -1, -1, -1, -1, -1},
                   .how = {.heads = b->m->heads[l],
                           .k_heads = in.k_heads / steps,
                           .v_heads = in.v_heads / steps,
                           .scale = in.scale,
                           .steps = steps,
                           .erases = r->erases}};

    if (r->strength)
        p.in[STRENGTH] = egi_gate_emit(b, a, l, "beta", b->m->opts.beta_max);
    if (r->forget != EGI_FORGET_NOT)
        p.in[DECAY] = egi_gate_emit(b, a, l, "decay", 1);
    if (r->change) r->change(b, a, l, &p);
    return egi_mixed_emit(
        b, l, &in, egi_put_all(b, r->core ? r->core : self->core, p.in, p.how));
}

/* ---- the rules ------------------------------------------------------------
 */

static int times(egi_builder *b, int x, int y)
{
    return egi_put(b, EGI_OP_mul, x, y, -1, -1, (egi_attr){0});
}

static int by_head(egi_builder *b, int x, int g, double scale)
{
    return egi_put(b, EGI_OP_byhead, x, g, -1, -1, (egi_attr){.scale = scale});
}

/* Weight decay passes over the tensor added last. */
static void undecayed(eg_model *m)
{
    if (m->tensors_st == EG_OK) m->tensor[m->n_tensors - 1].undecayed = true;
}

/* Yang et al. 2023 (2312.06635); Dao, Gu 2024 (2405.21060). */
const egi_rule egi_rule_decayed = {.forget = EGI_FORGET_HEAD, .strength = true};
const egi_rule egi_rule_gla = {.forget = EGI_FORGET_CHANNEL, .strength = true};

/* Sun et al. 2023 (2307.08621), without its rotations, norm and gate. */
static void retnet_change(egi_builder *b, int a, int l, egi_parts *p)
{
    (void)a;
    p->in[DECAY] = egi_put(b, EGI_OP_retain, p->in[K], -1, -1, -1,
                           (egi_attr){.heads = b->m->heads[l]});
    egi_see_heads(b, l, "attn.hook_retention", p->in[DECAY], b->m->heads[l]);
}

const egi_rule egi_rule_retnet = {.change = retnet_change};

/* Schlag, Irie, Schmidhuber 2021 (2102.11174). */
const egi_rule egi_rule_delta = {.strength = true, .erases = true};

/* Yang, Kautz, Hatamizadeh 2024 (2412.06464). */
const egi_rule egi_rule_gated_delta = {
    .forget = EGI_FORGET_HEAD, .strength = true, .erases = true};

/* Kimi Team 2025 (2510.26692). */
const egi_rule egi_rule_kda = {
    .forget = EGI_FORGET_CHANNEL, .strength = true, .erases = true};

/* Gates of what is erased, a key channel, and of what is written, a value
 * channel. */
static void gdn2_tensors(eg_model *m, int l)
{
    egi_gate_tensors(m, l, "erase", m->d_head, EGI_FILL_ZERO);
    egi_gate_tensors(m, l, "write", m->d_head, EGI_FILL_ZERO);
}

static void gdn2_change(egi_builder *b, int a, int l, egi_parts *p)
{
    double top = b->m->opts.beta_max;

    p->in[ERASE] = times(b, p->in[K], egi_gate_emit(b, a, l, "erase", top));
    p->in[V] = times(b, p->in[V], egi_gate_emit(b, a, l, "write", top));
    egi_see_heads(b, l, "attn.hook_v_written", p->in[V], b->m->heads[l]);
}

const egi_rule egi_rule_gdn2 = {.forget = EGI_FORGET_CHANNEL,
                                .erases = true,
                                .own = true,
                                .tensors = gdn2_tensors,
                                .change = gdn2_change};

/* Siems et al. 2025 (2502.10297). */
const egi_rule egi_rule_delta_product = {
    .strength = true, .erases = true, .own = true, .steps = true};

/* A number a head in (0, 1) says how much of the key is erased; and as much of
 * that, times another, is taken from the query. Hu et al. 2025 (2506.02475). */
static void comba_tensors(eg_model *m, int l)
{
    egi_tensor_add(m, l, "attn.comba_s", EGI_FILL_ONE, m->heads[l], 0, 0, 0);
    egi_tensor_add(m, l, "attn.comba_d", EGI_FILL_ONE, m->heads[l], 0, 0, 0);
    undecayed(m);
}

static void comba_change(egi_builder *b, int a, int l, egi_parts *p)
{
    int s = egi_put(b, EGI_OP_sigmoid, egi_weight(b, l, "attn.comba_s"), -1, -1,
                    -1, (egi_attr){.scale = 1});

    (void)a;
    p->in[ERASE] = by_head(b, p->in[K], s, 1);
    p->in[Q] =
        egi_put(b, EGI_OP_add, p->in[Q],
                by_head(b, p->in[ERASE], egi_weight(b, l, "attn.comba_d"), -1),
                -1, -1, (egi_attr){0});
}

const egi_rule egi_rule_comba = {.forget = EGI_FORGET_HEAD,
                                 .strength = true,
                                 .erases = true,
                                 .own = true,
                                 .tensors = comba_tensors,
                                 .change = comba_change};

/* The moment has gates of its own, and an offset a head. */
static void precond_tensors(eg_model *m, int l)
{
    egi_gate_tensors(m, l, "moment_decay", 1, EGI_FILL_DECAY);
    egi_gate_tensors(m, l, "moment_beta", 1, EGI_FILL_ZERO);
    egi_tensor_add(m, l, "attn.precond_c", EGI_FILL_PRECOND, m->heads[l], 0, 0,
                   0);
    undecayed(m);
}

static void precond_change(egi_builder *b, int a, int l, egi_parts *p)
{
    p->in[ERASE] = p->in[K];
    p->in[K] = egi_put(b, EGI_OP_precond, p->in[K],
                       egi_gate_emit(b, a, l, "moment_decay", 1),
                       egi_gate_emit(b, a, l, "moment_beta", 1),
                       egi_weight(b, l, "attn.precond_c"), (egi_attr){0});
}

const egi_rule egi_rule_precond_delta = {.strength = true,
                                         .erases = true,
                                         .own = true,
                                         .tensors = precond_tensors,
                                         .change = precond_change};

static void implicit_change(egi_builder *b, int a, int l, egi_parts *p)
{
    (void)a;
    (void)l;
    p->in[STRENGTH] = egi_put(b, EGI_OP_stepsize, p->in[STRENGTH], p->in[K], -1,
                              -1, (egi_attr){0});
}

/* Liu et al. 2024 (2407.14207), with the exact step. */
const egi_rule egi_rule_implicit = {
    .strength = true, .erases = true, .own = true, .change = implicit_change};

static void nlms_change(egi_builder *b, int a, int l, egi_parts *p)
{
    (void)a;
    (void)l;
    p->in[STRENGTH] =
        egi_put(b, EGI_OP_stepsize, p->in[STRENGTH], p->in[K], -1, -1,
                (egi_attr){.turned = true, .eps = b->m->opts.norm_eps});
}

/* Nagumo, Noda 1967; Widrow, Hoff 1960. */
const egi_rule egi_rule_nlms = {
    .strength = true, .erases = true, .own = true, .change = nlms_change};

/* The gated delta rule with keys and values in each other's place, read along
 * the other axis of the state; values of unit length, without which it is not
 * stable. */
static void oja_change(egi_builder *b, int a, int l, egi_parts *p)
{
    int heads = b->m->heads[l], k = p->in[K];

    (void)a;
    p->in[K] = egi_put(b, EGI_OP_unitnorm, p->in[V], -1, -1, -1,
                       (egi_attr){.heads = heads, .eps = b->m->opts.norm_eps});
    p->in[V] = k;
    egi_see_heads(b, l, "attn.hook_v_written", p->in[K], heads);
    p->how.across = true;
}

const egi_rule egi_rule_oja = {.forget = EGI_FORGET_CHANNEL,
                               .strength = true,
                               .erases = true,
                               .own = true,
                               .change = oja_change};

static void rwkv7_tensors(eg_model *m, int l)
{
    egi_gate_tensors(m, l, "rate", m->d_head, EGI_FILL_ZERO);
}

static void rwkv7_change(egi_builder *b, int a, int l, egi_parts *p)
{
    p->in[ERASE] = p->in[K];
    p->in[K] =
        times(b, p->in[K], egi_gate_emit(b, a, l, "rate", b->m->opts.beta_max));
    p->how.before = true;
}

/* Peng et al. 2025 (2503.14456). */
const egi_rule egi_rule_rwkv7 = {.forget = EGI_FORGET_CHANNEL,
                                 .erases = true,
                                 .own = true,
                                 .tensors = rwkv7_tensors,
                                 .change = rwkv7_change};

static void titans_tensors(eg_model *m, int l)
{
    egi_gate_tensors(m, l, "momentum", 1, EGI_FILL_ZERO);
}

static void titans_change(egi_builder *b, int a, int l, egi_parts *p)
{
    p->in[EGI_INS - 1] = egi_gate_emit(b, a, l, "momentum", 1);
    p->how.before = true;
}

/* Behrouz, Zhong, Mirrokni 2024 (2501.00663), a linear memory. */
const egi_rule egi_rule_titans = {.forget = EGI_FORGET_HEAD,
                                  .strength = true,
                                  .erases = true,
                                  .tensors = titans_tensors,
                                  .change = titans_change};

/* Gain and bias of the inner norm, and the state at first; op ttt reads them
 * behind the strength. */
static void ttt_tensors(eg_model *m, int l)
{
    egi_tensor_add(m, l, "attn.ttt_w", EGI_FILL_ONE, m->heads[l], m->d_head, 0,
                   0);
    egi_tensor_add(m, l, "attn.ttt_b", EGI_FILL_ZERO, m->heads[l], m->d_head, 0,
                   0);
    egi_tensor_add(m, l, "attn.ttt_S", EGI_FILL_MATRIX, m->heads[l], m->d_head,
                   m->d_head, m->d_head);
}

static void ttt_change(egi_builder *b, int a, int l, egi_parts *p)
{
    (void)a;
    p->in[STRENGTH + 1] = egi_weight(b, l, "attn.ttt_w");
    p->in[STRENGTH + 2] = egi_weight(b, l, "attn.ttt_b");
    p->in[STRENGTH + 3] = egi_weight(b, l, "attn.ttt_S");
    p->how.at = b->m->opts.ttt_batch;
    p->how.eps = b->m->opts.norm_eps;
}

/* Sun et al. 2024 (2407.04620). */
const egi_rule egi_rule_ttt = {.strength = true,
                               .own = true,
                               .core = EGI_OP_ttt,
                               .tensors = ttt_tensors,
                               .change = ttt_change};
