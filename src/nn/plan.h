/* The plan: which algebra a network uses, what its backward pass must produce,
 * and where each gradient sum lies. Decided once; independent of precision.
 *
 * Five exact shortcuts, all off in the plain plan:
 *  table   the first block reads x0 = W_E[z] + W_pos[t], so a projection of it
 *          is a gather from projected tables, V + T rows of GEMM in place of
 *          B T; with LayerNorm the tables are centred and the gathered row is
 *          scaled by rstd. Gradients are summed per table row.
 * scores  without a norm in front, the first block's scores are sums of four
 *          products of a token's or a position's row with another's: entries of
 *          a table made once a step, whose gradient is a table as well. Pays
 *          with wide heads (real/scores.c).
 *  merge   one head of full width: W_V W_O is one matrix.
 *  fold    without norms the last block is linear behind its attention:
 *          logits = x A + z C with A = (1 + W_F) W_U, C = W_O A.
 *  sheets  with parallel norms the first block's feed-forward depends on a
 *          token and its position only: once for each distinct pair of the
 *          batch, 42 % of the places at batch 64 (real/sheets.h).
 * and one of bookkeeping:
 *  subset  the last block is computed at the positions in the loss only. */
#ifndef EG_NN_PLAN_H
#define EG_NN_PLAN_H

#include "nn/nn.h"

/* Offsets into the block of gradient sums; -1: not wanted. */
typedef struct egi_layer_acc {
    eg_index q, k, v;    /* [d, nq], [d, nk], [d, nv] */
    eg_index o;          /* [n_heads vw, d] */
    eg_index ey, py, by; /* tables: [V, n], [T, n], [n], egi_sum_cols */
    eg_index ln1_w, ln1_b, ln2_w, ln2_b;
    eg_index f, in, out;
} egi_layer_acc;

typedef struct egi_layer_plan {
    bool table;     /* q (k, v) come from tables */
    bool table_mlp; /* so does the input of the feed-forward */
    bool merge_ov;
    bool rotary;
    bool k_copy; /* identity keys, rotated: they need a buffer */
    /* W_QK projects keys, and queries are the input itself, once a head, which
     * only rotated ones are: otherwise the product is the same either way */
    bool at_key;
    int kw, vw;  /* width of a head's keys and values */
    bool scores; /* scores come from tables: no queries, no keys */
    int sv, sn;  /* columns of a head's score table: tokens first; all */
    bool lone_x; /* nothing but the residual sum reads the input: not kept */
    int nq;      /* columns of the projected queries, or of score tables */
    int nk, nv;  /* of keys and values; 0: identity */
    int nm;      /* of the feed-forward's input, when from tables */
    bool has_o;  /* z passes an output matrix */
    int mlp;
    bool need_x; /* the gradient of the block's input is wanted */
    bool need_a; /* and of what its attention reads */
    bool need_q, need_k, need_v; /* gradients at queries, keys, values */
    egi_layer_acc acc;
} egi_layer_plan;

typedef struct egi_plan {
    const eg_model *m;
    bool fold, subset, keep; /* keep: buffers hold what hooks promise */
    bool sheets;
    bool in_context; /* the loss: occur >= 2, or all */
    bool need_embed; /* W_E or W_pos are trained */
    egi_layer_plan layer[EGI_LAYERS];
    eg_index acc_e, acc_pos, acc_lnf_w, acc_lnf_b;
    eg_index acc_u; /* [d, V]: of W_U, or of A when folded */
    eg_index acc_c; /* [n_heads vw, V]: of C */
    eg_index n_acc;
} egi_plan;

/* What a plan is for. */
typedef enum egi_use {
    EGI_TRAIN,       /* with every shortcut */
    EGI_TRAIN_PLAIN, /* with none */
    EGI_PREDICT,     /* all positions, forward only, shortcuts */
    EGI_INSPECT      /* all positions, forward only, every buffer kept */
} egi_use;

/* trains [n_tensors]: is the tensor updated at any step? in_context: the loss
 * is over second and later occurrences; batch: sequences a step (both for
 * training only). */
void egi_plan_make(egi_plan *p, const eg_model *m, const bool *trains,
                   bool in_context, int batch, egi_use use);

/* Multiply-adds, counted as two, that a training step of this plan needs for
 * each token of its batch: the matrix products and the causal part of
 * attention; rows averaged over sequences of the task. */
typedef struct egi_flops {
    double all, attention; /* attention: part of all */
    double tables;         /* part of both: scores that are looked up */
} egi_flops;
egi_flops egi_plan_flops(const egi_plan *p, const eg_task *task, int batch);
/* The float32 kernel set that "auto" stands for in training by this plan. */
const char *egi_plan_kern(const egi_plan *p, const eg_task *task, int batch);

/* The tensor behind a block's queries, and behind its keys; -1: none. */
static inline int egi_query_matrix(const egi_layer_plan *lp,
                                   const egi_block_roles *r)
{
    if (lp->at_key) return -1;
    return r->qk >= 0 ? r->qk : r->q;
}

static inline int egi_key_matrix(const egi_layer_plan *lp,
                                 const egi_block_roles *r)
{
    return lp->at_key ? r->qk : r->k;
}

/* Columns of the first block's tables: q | k | feed-forward input | v. */
static inline int egi_table_cols(const egi_layer_plan *lp)
{
    return lp->nq + lp->nk + lp->nm + lp->nv;
}

/* Where those of the feed-forward's input and of values begin. */
static inline int egi_table_mlp(const egi_layer_plan *lp)
{
    return lp->nq + lp->nk;
}

static inline int egi_table_values(const egi_layer_plan *lp)
{
    return lp->nq + lp->nk + lp->nm;
}

/* Columns of the tables' gradient sums: values only where they are wanted. */
static inline int egi_sum_cols(const egi_layer_plan *lp)
{
    return egi_table_values(lp) + (lp->need_v ? lp->nv : 0);
}

#endif
