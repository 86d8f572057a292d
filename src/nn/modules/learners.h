/* Online learners as mixers: every rule is one row here and one egi_rule in
 * learners.c. Each keeps a state S [key, value] a head and reads z = S^T q. */
#ifndef EG_NN_LEARNERS_H
#define EG_NN_LEARNERS_H

#include "nn/module.h"

/* X(name, help). g: a gate that forgets, b: one of strength. */
/* clang-format off */
#define EGI_LEARNERS(X)                                                        \
    X(decayed, "S = g S + b k v^T, a gate g a head (Mamba-2)")                 \
    X(retnet, "S = g S + k v^T, g = 1 - 2^(-5 - h) in head h for ever (RetNet)") \
    X(gla, "the same with a gate for each key channel (GLA)")                  \
    X(delta, "S += b k (v - S^T k)^T (DeltaNet)")                              \
    X(gated_delta, "S = g S, then the delta rule (Gated DeltaNet)")            \
    X(kda, "the same with a gate for each key channel (KDA)")                  \
    X(gdn2, "S = g S, S += k (w * v - S^T (b * k))^T, channel by channel (GDN-2)") \
    X(delta_product, "model.delta_steps delta steps a position (DeltaProduct)") \
    X(comba, "S = g S, erased along s k: S += b k (v - S^T (s k))^T (Comba)")  \
    X(precond_delta, "delta rule, written along keys over their second moment") \
    X(implicit, "delta rule with b / (1 + b |k|^2): a proximal step (Longhorn)") \
    X(nlms, "delta rule with b / |k|^2: normalised least mean squares")        \
    X(oja, "S = S g, S += b (k - S v) v^T: the error is the key's (Gated Oja)") \
    X(rwkv7, "S = g S + (a * k) (v - S^T k)^T, S^T k of the S before (RWKV-7)") \
    X(titans, "M = m M + b k (v - S^T k)^T, S = g S + M (Titans, linear)") \
    X(ttt, "x -> LN(x S + c), trained on k -> v - k batch by batch (TTT-linear)")
/* clang-format on */

typedef enum egi_forget {
    EGI_FORGET_NOT,
    EGI_FORGET_HEAD,   /* a gate a head */
    EGI_FORGET_CHANNEL /* a gate for each row of the state */
} egi_forget;

/* What goes into op recur. */
typedef struct egi_parts {
    int in[EGI_INS]; /* in the order of real/recur.h */
    egi_attr how;
} egi_parts;

typedef struct egi_rule {
    egi_forget forget;
    bool strength; /* b is a gate; else 1 */
    bool erases;   /* what the key stands for is taken away */
    bool own;      /* every head has keys and values of its own */
    bool steps;    /* several a position */
    egi_kind core; /* where it is not op recur */
    /* What else it has, and how that changes what is read and written; NULL. */
    void (*tensors)(eg_model *m, int l);
    void (*change)(egi_builder *b, int a, int l, egi_parts *p);
} egi_rule;

#define EGI_RULE_DECLARE(name, help) extern const egi_rule egi_rule_##name;
EGI_LEARNERS(EGI_RULE_DECLARE)
#undef EGI_RULE_DECLARE

/* Steps a position of block l's mixer. */
int egi_learner_steps(const eg_model *m, int l);
/* Width of a head's keys. */
static inline eg_index egi_key_width(const eg_model *m)
{
    return egi_merged_qk(m) ? m->d_model : m->d_head;
}

#endif
