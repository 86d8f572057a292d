/* Mixers that solve a regression of values on keys at every position: what they
 * read are queries behind the inverse of what the keys have been. */
#include "nn/module.h"

static egi_attr heads_of(const egi_builder *b, const egi_qkv *in, int l)
{
    return (egi_attr){.heads = b->m->heads[l],
                      .k_heads = in->k_heads,
                      .v_heads = in->v_heads,
                      .scale = in->scale};
}

/* ---- the mesa layer -------------------------------------------------------
 */

/* With gates where the core is a state that forgets. */
static bool gated(const egi_mixer *self)
{
    return self->core == EGI_OP_recur;
}

void egi_mesa_tensors(const egi_mixer *self, eg_model *m, int l)
{
    egi_qkv_tensors(m, l);
    if (gated(self)) egi_gate_tensors(m, l, "decay", 1, EGI_FILL_DECAY);
    egi_tensor_add(m, l, "attn.log_lambda", EGI_FILL_ZERO, m->heads[l], 0, 0,
                   0);
}

int egi_mesa_emit(egi_builder *b, const egi_mixer *self, int a, int l)
{
    egi_qkv in = egi_qkv_emit(b, a, l);
    egi_attr how = heads_of(b, &in, l);
    int decay = gated(self) ? egi_gate_emit(b, a, l, "decay", 1) : -1;
    int q = egi_put_all(
        b, EGI_OP_mesa,
        (const int[EGI_INS]){in.q, in.k, -1, decay,
                             egi_weight(b, l, "attn.log_lambda"), -1, -1, -1},
        how);

    egi_see_heads(b, l, "attn.hook_q_star", q, how.heads);
    how.steps = 1;
    return egi_mixed_emit(
        b, l, &in,
        egi_put_all(b, self->core,
                    (const int[EGI_INS]){q, in.k, in.v, -1, decay, -1, -1, -1},
                    how));
}

/* ---- MesaNet --------------------------------------------------------------
 */

void egi_mesanet_tensors(const egi_mixer *self, eg_model *m, int l)
{
    eg_index width = egi_merged_qk(m) ? m->d_model : m->d_head;

    (void)self;
    egi_qkv_tensors(m, l);
    egi_gate_tensors(m, l, "beta", 1, EGI_FILL_ZERO);
    egi_gate_tensors(m, l, "decay", 1, EGI_FILL_DECAY);
    egi_tensor_add(m, l, "attn.softplus_lambda", EGI_FILL_ZERO, m->heads[l],
                   width, 0, 0);
    if (m->tensors_st == EG_OK) m->tensor[m->n_tensors - 1].undecayed = true;
}

int egi_mesanet_emit(egi_builder *b, const egi_mixer *self, int a, int l)
{
    const eg_model_opts *o = &b->m->opts;
    egi_qkv in = egi_qkv_emit(b, a, l);
    egi_attr how = heads_of(b, &in, l);
    int beta = egi_gate_emit(b, a, l, "beta", o->beta_max);
    int decay = egi_gate_emit(b, a, l, "decay", 1), q;

    how.steps = (int)o->mesa_steps;
    how.eps = o->mesa_tol;
    how.guarded = o->mesa_guard == EG_MESA_FLA;
    q = egi_put_all(b, EGI_OP_mesanet,
                    (const int[EGI_INS]){
                        in.q, in.k, beta, decay,
                        egi_weight(b, l, "attn.softplus_lambda"), -1, -1, -1},
                    how);
    egi_see_heads(b, l, "attn.hook_q_star", q, how.heads);
    how.steps = 1;
    return egi_mixed_emit(b, l, &in,
                          egi_put_all(b, self->core,
                                      (const int[EGI_INS]){q, in.k, in.v, beta,
                                                           decay, -1, -1, -1},
                                      how));
}
