/* Online learners as mixers: every rule is one row here and one egi_rule in
 * learners.c. Each keeps a state S [key, value] a head and reads z = S^T q. */
#ifndef EG_NN_LEARNERS_H
#define EG_NN_LEARNERS_H

#include "nn/module.h"

#define EGI_LEARNERS(X)                                                     \
    X(decayed, "S = g S + b k v^T, a gate g a head (Mamba-2; b 1: RetNet)") \
    X(gla, "the same with a gate for each key channel (GLA)")               \
    X(delta, "S += b k (v - S^T k)^T (DeltaNet)")                           \
    X(gated_delta, "S = g S, then the delta rule (Gated DeltaNet)")         \
    X(kda, "the same with a gate for each key channel (Kimi Delta Attention)")

typedef enum egi_forget {
    EGI_FORGET_NOT,
    EGI_FORGET_HEAD,   /* a gate a head */
    EGI_FORGET_CHANNEL /* a gate for each row of the state */
} egi_forget;

typedef struct egi_rule {
    egi_forget forget;
    bool strength; /* b is a gate; else 1 */
    bool erases;   /* what the key stands for is taken away */
} egi_rule;

#define EGI_RULE_DECLARE(name, help) extern const egi_rule egi_rule_##name;
EGI_LEARNERS(EGI_RULE_DECLARE)
#undef EGI_RULE_DECLARE

#endif
