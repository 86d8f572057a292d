/* Online learners as mixers: what each has beside queries, keys and values, and
 * how these go into op recur (real/recur.h has the step). */
#include "nn/modules/learners.h"

/* Yang et al. 2023 (2312.06635); Dao, Gu 2024 (2405.21060). */
const egi_rule egi_rule_decayed = {.forget = EGI_FORGET_HEAD, .strength = true};
const egi_rule egi_rule_gla = {.forget = EGI_FORGET_CHANNEL, .strength = true};
/* Schlag, Irie, Schmidhuber 2021 (2102.11174). */
const egi_rule egi_rule_delta = {.strength = true, .erases = true};
/* Yang, Kautz, Hatamizadeh 2024 (2412.06464). */
const egi_rule egi_rule_gated_delta = {
    .forget = EGI_FORGET_HEAD, .strength = true, .erases = true};
/* Kimi Team 2025 (2510.26692). */
const egi_rule egi_rule_kda = {
    .forget = EGI_FORGET_CHANNEL, .strength = true, .erases = true};

/* Width of a head's keys. */
static eg_index key_width(const eg_model *m)
{
    return egi_merged_qk(m) ? m->d_model : m->d_head;
}

void egi_learner_tensors(const egi_mixer *self, eg_model *m, int l)
{
    const egi_rule *r = self->rule;

    egi_qkv_tensors(m, l);
    if (r->strength) egi_gate_tensors(m, l, "beta", 1, EGI_FILL_ZERO);
    if (r->forget != EGI_FORGET_NOT)
        egi_gate_tensors(m, l, "decay",
                         r->forget == EGI_FORGET_HEAD ? 1 : key_width(m),
                         EGI_FILL_DECAY);
}

int egi_learner_emit(egi_builder *b, const egi_mixer *self, int a, int l)
{
    const egi_rule *r = self->rule;
    egi_qkv in = egi_qkv_emit(b, a, l);
    egi_attr how = {.heads = b->m->n_heads,
                    .k_heads = in.k_heads,
                    .v_heads = in.v_heads,
                    .scale = in.scale,
                    .steps = 1,
                    .erases = r->erases};
    int beta = -1, decay = -1;

    if (r->strength) beta = egi_gate_emit(b, a, l, "beta", b->m->opts.beta_max);
    if (r->forget != EGI_FORGET_NOT) decay = egi_gate_emit(b, a, l, "decay", 1);
    return egi_mixed_emit(
        b, l, &in,
        egi_put_all(
            b, self->core,
            (const int[EGI_INS]){in.q, in.k, in.v, beta, decay, -1, -1, -1},
            how));
}
