/* Probes on weights: float64 copies of the tensors that the memory probes read,
 * and the linear maps they make.
 *
 * Rows are vectors and weights act from the right. LayerNorms are left out, as
 * the probes define it. Everything is done in
 * blocks of rows, shared out over the pool; a block's result never depends on
 * the thread. */
#ifndef EGI_PROBE_WEIGHTS_H
#define EGI_PROBE_WEIGHTS_H

#include "engram/kern.h"
#include "engram/model.h"
#include "engram/pool.h"
#include "engram/task.h"

enum {
    EGI_ROWS = 32,  /* rows of a block */
    EGI_COLS = 256, /* columns of a product made at once */
    EGI_EARLY = 64  /* positions of the early W_K1 probe */
};

/* Attention of one block; NULL is the identity, or the other form. Of W_K and
 * W_V there are n_heads / group. */
typedef struct egi_attn {
    const double *W_QK;      /* [n_heads, d_model, d_model] */
    const double *W_Q, *W_K; /* [n_heads, d_model, d_head] */
    const double *W_V;       /* [n_heads, d_model, d_head] */
    const double *W_O;       /* [n_heads, d_head, d_model] */
    int n_heads;
    int group; /* heads of queries that read one head of keys and values */
} egi_attn;

/* Feed-forward of one block: x W_F, or f(x W_in) W_out. */
typedef struct egi_ffn {
    int kind;                   /* EG_MLP_... */
    const double *W_F;          /* [d_model, d_model] */
    const double *W_in, *W_out; /* [d_model, d_mlp], [d_mlp, d_model] */
} egi_ffn;

/* One thread's scratch. */
typedef struct egi_scratch {
    double *row;  /* [EGI_ROWS, wide] */
    double *pack; /* right operand of a product */
} egi_scratch;

typedef struct egi_weights {
    int d_vocab, n_ctx, d_model, d_head, d_mlp;
    int n_blocks;        /* that the probes know: at most 2 */
    const double *W_E;   /* [d_vocab, d_model] */
    const double *W_pos; /* [n_ctx, d_model]; NULL: no table of positions */
    const double *W_U;   /* entry (a, v) at a u_rs + v u_cs, times u_scale */
    eg_index u_rs, u_cs;
    double u_scale;
    egi_attn attn[2];
    egi_ffn ffn; /* of the second block */

    const double *bigram; /* [d_vocab, d_vocab] */
    int n_triggers;       /* fixed ones; 0: random */
    int32_t *triggers;    /* ascending */

    eg_pool *pool;
    const eg_kern_f64 *kern;
    egi_scratch *scratch; /* [threads] */
    double *a, *b;        /* [max(d_vocab, n_ctx), d_model] each */
    double *part;         /* [row blocks of a or b] partial results */

    int n_slots; /* copies: tensor index and destination */
    struct {
        int tensor;
        double *copy;
    } slot[16];
} egi_weights;

/* load.c: set-up (allocates) and refresh from the model (does not). */
eg_status egi_weights_init(egi_weights *w, const eg_model *m,
                           const eg_task *task, eg_pool *pool, const char *kern,
                           eg_err *err);
/* The work space alone, for weights whose sizes and pointers are filled in. */
eg_status egi_weights_workspace(egi_weights *w, eg_err *err);
void egi_weights_release(egi_weights *w);
void egi_weights_refresh(egi_weights *w, const eg_model *m);

/* maps.c. The maps take rows x [n, d_model] to y [n, d_model]:
 *     EGI_MAP_QK   sum_h x W_QK[h]  or  sum_h x W_Q[h] W_K[h]^T
 *     EGI_MAP_OV   sum_h x W_V[h] W_O[h]
 *     EGI_MAP_FFN  the feed-forward of the second block */
typedef enum egi_map { EGI_MAP_QK, EGI_MAP_OV, EGI_MAP_FFN } egi_map;
void egi_apply(const egi_weights *w, egi_map map, int block, double *y,
               const double *x, eg_index n);
/* C [n, cols] = scale A B, B(k, j) = b[k brs + j bcs]; one thread, any cols. */
void egi_product(const egi_weights *w, const egi_scratch *s, double *c,
                 eg_index ldc, const double *a, eg_index lda, const double *b,
                 eg_index brs, eg_index bcs, eg_index n, eg_index cols,
                 eg_index inner, double scale);
/* Runs fn over blocks of EGI_ROWS of n rows; fn must write part[block]. The sum
 * of the parts, in order. */
typedef double (*egi_rows_fn)(const void *ctx, const egi_scratch *s,
                              eg_index first, eg_index count);
double egi_sum_rows(const egi_weights *w, eg_index n, egi_rows_fn fn,
                    const void *ctx);

/* The memories as matrices of scores A B, before any argmax. */
typedef struct egi_scores {
    double *a;       /* [n, d_model] */
    const double *b; /* as in egi_product */
    eg_index n, brs, bcs;
    double scale;
} egi_scores;
typedef enum egi_memory {
    EGI_MEM_O2, /* (w_E(k) W_V2 W_O2) . w_U(j) */
    EGI_MEM_K2, /* (w_E(i) W_QK2) . (w_E(j) W_V1 W_O1) */
    EGI_MEM_K1, /* (p_t W_QK1) . p_s */
    EGI_MEM_F   /* F(w_E(z)) . w_U(v) */
} egi_memory;
/* memories.c: fills w->a and w->b, valid until the next call; false where the
 * model has no such memory. */
bool egi_memory_scores(egi_scores *s, const egi_weights *w, egi_memory which);
/* out [rows, cols], the top left of the scores, float32. */
void egi_scores_write(float *out, const egi_weights *w, const egi_scores *s,
                      eg_index rows, eg_index cols);

/* recall.c: fraction of rows i with argmax_j (A B)_ij = i over the n columns,
 * lowest j on ties; of more than 8192 rows, 1024 are asked, evenly spread, and
 * A is overwritten. */
double egi_recall_diagonal(const egi_weights *w, const egi_scores *s);
bool egi_recall_W_O2(double *value, const egi_weights *w);
bool egi_recall_W_K2(double *value, const egi_weights *w);
bool egi_recall_W_K1(double *value, const egi_weights *w);
bool egi_recall_W_K1_early(double *value, const egi_weights *w);

/* kl.c */
bool egi_kl_W_F(double *value, const egi_weights *w);

#endif
