/* Scores of heads on repeated tokens, set up once and measured many times. */
#ifndef EGI_PROBE_HEADS_H
#define EGI_PROBE_HEADS_H

#include "engram/probe.h"
#include "probe/batch.h"

/* X(EG_HEAD_ id, name, unit, help) */
#define EGI_HEAD_LIST(X)                                              \
    X(PREVIOUS, "previous", "share", "attention to the token before") \
    X(INDUCTION, "induction", "share",                                \
      "attention right behind earlier copies of the token")           \
    X(DUPLICATE, "duplicate", "share",                                \
      "attention to earlier copies of the token")                     \
    X(FIRST, "first", "share", "attention to the first token")        \
    X(CURRENT, "current", "share", "attention to the token itself")   \
    X(ENTROPY, "entropy", "nats", "entropy of the attention")

typedef struct egi_heads {
    int n_layers, n_ctx, vocab, count;
    uint64_t seed;
    eg_heads table;   /* what was found */
    char (*hook)[64]; /* [n_layers] the pattern's; "": has none */
    int *first;       /* [n_layers] row of its head 0 */
    egi_ratio *part;  /* [count, table.n + 1, EG_HEAD_SCORES] the last: even */
    egi_ratio *loss;  /* [count, 2] first, again */
    double *row;      /* [threads, n_ctx] */
} egi_heads;

eg_status egi_heads_init(egi_heads *h, const eg_eval *eval, const eg_model *m,
                         eg_pool *pool, int count, uint64_t seed, eg_err *err);
void egi_heads_release(egi_heads *h);
/* Fills h->table. Allocates nothing. */
void egi_heads_run(egi_heads *h, eg_eval *eval);

/* One row of attention, from t to 0 .. t, added to scores r [EG_HEAD_SCORES]:
 * a [t + 1] >= 0 in any scale, z [t + 1] tokens; again: t is in the
 * repetition. A row without weight, or with an infinite one, is left out. */
void egi_head_add(egi_ratio *r, const double *a, const int32_t *z, int t,
                  bool again);

#endif
