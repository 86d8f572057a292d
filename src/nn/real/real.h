/* One engine, two precisions: this folder is compiled with real = float and
 * with real = double; N(x) gives each its own names. */
#ifndef EG_NN_REAL_H
#define EG_NN_REAL_H

#include "engram/kern.h"
#include "engram/mem.h"
#include "engram/pool.h"
#include "nn/engine.h"
#include "nn/plan.h"

#ifdef EG_REAL_DOUBLE
typedef double real;
typedef eg_kern_f64 kern;
#define N(x) x##_f64
#else
typedef float real;
typedef eg_kern_f32 kern;
#define N(x) x##_f32
#endif

/* A dense matrix of the network in use this step, [in, out], and its packed
 * forms: pw for y = x W, pwt for dx = dy W^T. */
typedef struct N(lin) {
    int in, out;
    real *w, *pw, *pwt;
} N(lin);

typedef struct N(lnet) {
    N(lin) q, k, v, o;   /* effective: merged where the plan says so */
    N(lin) f, win, wout; /* feed-forward */
    /* tables of the first block */
    real *wt;      /* [d, n] diag(gain) W, columns q|k|m|v */
    real *ey, *py; /* [V, n], [T, n] */
    real *by;      /* [n], bias W; NULL without norm */
    real *kx;      /* [sn, n_heads kw or d]: keys of tokens and positions */
} N(lnet);

/* Weights shared by all threads, rebuilt once a step. */
typedef struct N(net) {
    const kern *K;
    const eg_model *m;
    egi_plan plan;
    N(lnet) layer[EGI_LAYERS];
    N(lin) u;      /* W_U, or A when folded */
    N(lin) c;      /* C when folded */
    real *ec, *pc; /* centred W_E, W_pos; the originals without norm */
    real *work;    /* packing space for set-up products */
    eg_pool *pool; /* shares the larger of them; NULL: no team */
    real *rot;     /* [T, width/2, 2] cos, sin */
    int rot_width;
    real *raw_u;             /* [d, V] W_U before folding */
    real *dtable;            /* [d, n] scratch of finish.c, like the next */
    real *rows, *dhead, *du; /* [max(V, T, n_heads vw), d], [d, V], [d, V] */
    void *block;
    size_t bytes;
} N(net);

/* Activations of one block, kept for the backward pass. */
typedef struct N(lact) {
    real *x;             /* [rows, d] residual stream at the input */
    real *xhat1, *rstd1; /* norm 1 */
    real *a;             /* attention's input; x without norm */
    real *q, *k, *v;     /* k, v may point at a */
    eg_index ldk, ldv;
    real *p, *z, *h; /* pattern, mixed values, attn_out (keep only) */
    real *mid;       /* after attention */
    real *xhat2, *rstd2;
    real *mi;         /* feed-forward input */
    real *pre, *post; /* post == pre for relu unless keep */
    real *mo;         /* mlp_out (keep only) */
    real *pattern, *scores, *result, *scale1, *scale2; /* for hooks */
} N(lact);

/* One thread's room for one sequence. */
typedef struct N(state) {
    int32_t *tokens, *targets, *occur; /* [T] */
    int32_t *idx, *limit, *rtarget;    /* [T]: rows of the last block */
    int32_t *limit_all, *each, *pred;  /* [T]: t + 1, t */
    int n;                             /* positions computed: last row + 1 */
    int rows;                          /* rows of the last block */
    double *nll;
    eg_index ldx, ldq, ldk, ldv, ldz, ldm, ldu;
    N(lact) act[EGI_LAYERS];
    /* the first block's feed-forward, computed elsewhere (sheets.h); NULL: here
     */
    const int32_t *mlp_row; /* [T] rows of mlp_out */
    const real *mlp_out;
    real *mlp_dout; /* [T, d] gradient at it */
    real *embed;    /* W_E[z] alone (keep only) */
    real *xl;       /* input of the last block at its rows */
    real *out;      /* residual after the last block */
    real *xhatf, *rstdf, *xf, *scalef;
    real *logits; /* [rows, V] */
    /* backward scratch */
    real *dlogits, *dx, *dmid, *da_room, *dq, *dk, *dv, *dz, *dpre, *dmi, *row,
        *dots;
    real *da; /* at the attention's input: da_room, or dx where both are one */
    real *work;
    size_t bytes;
    void *block;
} N(state);

/* The kernel set of that name, NULL when there is none. */
const kern *N(net_kern)(const char *name);
eg_status N(net_init)(N(net) * net, const eg_model *m, const egi_plan *plan,
                      const char *kern_name, eg_err *err);
void N(net_release)(N(net) * net);
/* Rebuilds everything derived from the parameters. */
void N(net_prepare)(N(net) * net);
/* A matrix and its strides: m(i, j) = at[i rows + j cols]. */
typedef struct N(mat) {
    const real *at;
    eg_index rows, cols;
} N(mat);
/* Who computes a product of weights: a kernel set, threads (or NULL), and room
 * for the packed right operand. */
typedef struct N(team) {
    const kern *K;
    eg_pool *pool;
    real *work;
} N(team);
/* c [M, n] (+)= alpha A B, B [K, n], shared by the pool in rows of c where that
 * pays, as the kernels' gemm. Not from inside a task. */
void N(product_on)(N(team) team, real *c, eg_index ldc, N(mat) a, N(mat) b,
                   eg_index M, eg_index n, eg_index K, real alpha, int acc);
void N(product)(const N(net) * net, real *c, eg_index ldc, N(mat) a, N(mat) b,
                eg_index M, eg_index n, eg_index K, real alpha, int acc);

eg_status N(state_init)(N(state) * st, const N(net) * net, int flags,
                        eg_err *err);
void N(state_release)(N(state) * st);
/* Row stride of the residual stream. */
eg_index N(state_ldx)(const eg_model *m, const egi_plan *plan);
/* Bytes the two would take, without taking them. */
size_t N(net_bytes)(const eg_model *m, const egi_plan *plan, const char *kern);
size_t N(state_bytes)(const eg_model *m, const egi_plan *plan, const char *kern,
                      int flags);

/* Chooses the rows, then tokens to logits, nll and pred. Returns the number of
 * positions in the loss (0: nothing was computed). */
int N(forward)(const N(net) * net, N(state) * st);
/* Adds this sequence's gradients (of the SUM of losses) to acc [n_acc]. */
void N(backward)(const N(net) * net, N(state) * st, real *acc);
/* Gradient sums to gradients of the parameters, times scale. grad is laid out
 * like the parameters. */
void N(finish)(N(net) * net, const real *acc, real *grad, real scale);

/* With scores from tables: the first block's q.w [d, n_heads sn] from its
 * query and key matrices, and kx; and from dw [d, n_heads sn] (row stride ld),
 * the gradient at q.w, what those matrices and the embeddings behind the keys
 * receive, added to grad. */
void N(scores_prepare)(N(net) * net);
void N(scores_finish)(const N(net) * net, const real *dw, eg_index ld,
                      real *grad);

/* Rotates pairs (2i, 2i+1) of each head's width columns of x [rows, heads
 * width] by its position limit[r] - 1; sign -1 undoes it. */
void N(rotate)(const N(net) * net, real *x, eg_index ld, const int32_t *limit,
               int rows, int heads, int width, int sign);

/* Columns of all heads' keys: those of a projection, or the input itself. */
static inline eg_index N(key_columns)(const eg_model *m,
                                      const egi_layer_plan *lp)
{
    return m->block[0].k >= 0 ? (eg_index)m->n_heads * lp->kw : m->d_model;
}

/* 1 / sqrt(key width), or 1. */
static inline real N(score_scale)(const eg_model *m, const egi_layer_plan *lp)
{
    return (real)(m->opts.scale_scores ? 1.0 / __builtin_sqrt(lp->kw) : 1.0);
}

/* y = x W over rows: pack has the right operand. */
static inline void N(lin_forward)(const kern *K, real *y, eg_index ldy,
                                  const real *x, eg_index ldx, const N(lin) * w,
                                  eg_index rows, int acc)
{
    K->gemm_packed(y, ldy, x, ldx, 1, w->pw, rows, w->out, w->in, 1, acc);
}

/* dx (+)= dy W^T */
static inline void N(lin_back)(const kern *K, real *dx, eg_index lddx,
                               const real *dy, eg_index lddy, const N(lin) * w,
                               eg_index rows, int acc)
{
    K->gemm_packed(dx, lddx, dy, lddy, 1, w->pwt, rows, w->in, w->out, 1, acc);
}

/* dw [in, out] += x^T dy over rows */
static inline void N(lin_grad)(const kern *K, real *dw, const real *x,
                               eg_index ldx, const real *dy, eg_index lddy,
                               int in, int out, eg_index rows, real *work)
{
    K->gemm(dw, out, x, 1, ldx, dy, lddy, 1, in, out, rows, 1, 1, work);
}

#endif
