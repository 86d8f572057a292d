/* Probes on sequences: each is a mean over chosen positions, kept as a sum and
 * a count so that sequences can be added in a fixed order.
 *
 * The functions are pure: one sequence in, one ratio out. */
#ifndef EGI_PROBE_BATCH_H
#define EGI_PROBE_BATCH_H

#include "engram/task.h"

typedef struct egi_ratio {
    double sum, count; /* value = sum / count, absent when count is 0 */
} egi_ratio;

/* One sequence and what the model made of it; arrays are [n_ctx]. */
typedef struct egi_seq {
    int n_ctx;
    const int32_t *tokens;        /* z_t */
    const int32_t *targets;       /* y_t, -1: none (then no probe counts t) */
    const int32_t *occur;         /* c_t: the position's label */
    const int32_t *pred;          /* argmax of the logits */
    const double *nll;            /* -log p(y_t); vectors: |error|^2 / 2 */
    const int32_t *look1, *look2; /* where a head of the first and second block
                                     looks most: m1[t], m2[t]; NULL if absent */
    const eg_group *group;        /* of probes of a group */
    int at;                       /* of probes of a position, from 0 */
    const double *law; /* exact -log p(y_t); NULL: the task does not know */
} egi_seq;

typedef egi_ratio (*egi_batch_fn)(const egi_seq *s);

/* losses.c */
egi_ratio egi_loss_global(const egi_seq *s);
egi_ratio egi_loss_in_context(const egi_seq *s);
egi_ratio egi_acc_all(const egi_seq *s);
egi_ratio egi_acc_start(const egi_seq *s);
egi_ratio egi_acc_in_context(const egi_seq *s);
egi_ratio egi_repeat_fraction(const egi_seq *s);
egi_ratio egi_loss_group(const egi_seq *s);
egi_ratio egi_loss_at(const egi_seq *s);
egi_ratio egi_acc_group(const egi_seq *s);

/* law.c */
egi_ratio egi_floor_group(const egi_seq *s);
egi_ratio egi_memorised(const egi_seq *s);
egi_ratio egi_extracted(const egi_seq *s);

/* attention.c */
egi_ratio egi_attn_prev(const egi_seq *s);
egi_ratio egi_attn_prev_first(const egi_seq *s);
egi_ratio egi_attn_prev_all(const egi_seq *s);
egi_ratio egi_attn_answer(const egi_seq *s);
egi_ratio egi_attn_match(const egi_seq *s);
egi_ratio egi_attn_match_other(const egi_seq *s);
egi_ratio egi_attn_cond(const egi_seq *s);
egi_ratio egi_pred_attended(const egi_seq *s);
egi_ratio egi_attn_repeat_first(const egi_seq *s);
egi_ratio egi_attn_repeat_second(const egi_seq *s);

/* look[h, t] = argmax over s <= t of pattern[h, t, s], the lowest s on ties.
 * pattern [n_heads, n_ctx, n_ctx], float32 or float64; look [n_heads, n_ctx] */
void egi_attn_look(int32_t *look, const eg_view *pattern);

#endif
