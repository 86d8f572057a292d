/* The table of numerical kernels.
 *
 * The reference set ("ref") is plain loops in formula order with float64 sums,
 * kept for ever. A fast set is a copy of it with some entries replaced, chosen
 * once from the CPU's features. There is one table for float32 and one for
 * float64.
 *
 * Conventions. Matrices are row-major with explicit strides, in entries. A
 * kernel cannot fail: the caller has checked the shapes. Any extent may be 0.
 * Results depend on the arguments only, never on the thread. */
#ifndef ENGRAM_KERN_H
#define ENGRAM_KERN_H

#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Query rows are taken in blocks of this many by the attention kernels. */
#define EG_ATTN_BLOCK 32

/* The entries, for a real type R.
 *
 * pack_size   entries of a packed K x N right operand
 * pack        packs B(k, n) = b[k*rs + n*cs] for gemm_packed
 * gemm_packed C[M,N] = alpha A B (+ C if acc), A(m, k) = a[m*rs + k*cs] with
 *             rs == 1 or cs == 1; B packed; C(m, n) = c[m*ldc + n]
 * gemm        the same, B(k, n) = b[k*brs + n*bcs] with brs == 1 or bcs == 1;
 *             work [pack_size(K, N)] is used when B has to be packed
 *
 * attn_size   entries of the saved pattern for these limits
 * attn        Z[r,:] = sum_{s < limit[r]} P[r,s] V[s,:],
 *             P[r,:] = softmax_s(scale Q[r,:].K[s,:]), one head.
 *             q [rows, dh] ldq, k [*, dh] ldk, v [*, dv] ldv, z [rows, dv] ldz.
 *             limit[] >= 1 and non-decreasing. P is kept in p: block b of
 *             EG_ATTN_BLOCK query rows is [limit of its last row]
 *             [EG_ATTN_BLOCK], key-major, zero beyond each row's limit and in
 *             lanes without a row; blocks follow each other.
 *             work [attn_work(dh, dv, max limit)]
 * attn_scores the scaled scores of one query row: s[limit]
 * attn_back   from dz (and z of the forward pass):
 *             dq [rows, dh] is written, dk [*, dh] and dv [*, dv] are added to;
 *             each may be NULL. dk may equal dv, v may equal k.
 * attn_table  as attn, where each query's scores stand in two tables: with
 *             y = te[token[t],:] + tp[t,:], t = limit[r] - 1, the score of key
 *             s is y[token[s]] + y[V + s]; te [*, ldt], tp [*, ldt], tokens
 *             below V. tp may be NULL: then y = te[token[t],:] and the score is
 *             y[token[s]]. work [attn_table_work(V, dv, max limit)]
 * attn_table_back  from dz (and z, p of the forward pass), with g = dS: for
 *             every s < limit[r] dte[token[t], token[s]] += g,
 *             dte[token[t], V + s] += g, and the same at row t of dtp (both
 *             NULL: not wanted; dtp alone NULL: as tp); dv is added to, or NULL
 *
 * layernorm   xhat = (x - mean) rstd, y = xhat w + b, rstd = 1/sqrt(var + eps),
 *             biased variance; xhat, y [rows, d] with strides ldh, ldy;
 *             rstd [rows]; w, b [d]. y may equal x.
 * layernorm_back  dx += ..., dw += ..., db += ... (dw, db may be NULL)
 *             from dy, xhat, rstd, w
 * relu, gelu  y = f(x); _back: dx = dy f'(x) (written; dx may equal dy).
 *             gelu is the tanh form.
 * clip        y = min(max(x, -top), top), top >= 0; _back: dx = dy where |x| <=
 *             top, else 0 (written; dx may equal dy)
 * xent        rows of logits [rows, V] with stride ld: nll[r] = log sum exp -
 *             logit of target[r]; pred[r] = argmax, lowest index on ties;
 *             dlogits (may equal logits, may be NULL) = weight (softmax -
 *             onehot). Rows with target < 0: nll 0, dlogits 0, pred filled.
 *
 * add         y += x              axpy  y += a x        scale  y *= a
 * dot         sum x y (float64)   sumsq sum x x (float64)
 * embed       y[t,:] = e[tokens[t],:] + p[t,:]  (p may be NULL), strides
 * gather      y[r,:] = scale[t] (e[token[t],:] + p[t,:]) + b, t = limit[r] - 1:
 *             rows of tables with row stride ld; p may be NULL; scale and b
 *             are both given or both NULL
 * gather_back de[token[t],:] += g, dp[t,:] += g with g = scale[t] dy[r,:];
 *             db += dy[r,:]; dots[r] = dy[r,:] . (y[r,:] - b); y has dy's
 *             stride; dp, db, dots may be NULL, scale NULL stands for 1
 * linatt      z[r,:] += scale sum_{s < limit[r]} (q[r,:].k[s,:]) v[s,:] of one
 *             head: q [rows, kw], k [*, kw], v [*, vw], z [rows, vw]; limit as
 *             in attn. For widths of some tens: beyond, products of matrices
 *             are faster. work [linatt_work(kw, vw)]
 * linatt_back dv[s,:] += scale sum_{r: limit[r] > s} (q[r,:].k[s,:]) dz[r,:],
 *             dv [n, vw]. With dz, q, v for q, dz, k it gives dk; linatt with
 *             dz, v, k for q, k, v gives dq. work as of linatt
 * mesa        recursive least squares: y[r,:] = R_t x[r,:], t = limit[r] - 1,
 *             R_t = (g[t] R_{t-1}^-1 + k[t,:] k[t,:]^T)^-1, R_{-1} = lambda I:
 *             heads side by side, head h columns h w .. of x and y [rows,
 *             heads w] (y may equal x), h / shared w .. of k [*, heads / shared
 *             w], column h of g [*, heads], lambda [heads]; g NULL stands for
 *             1; limit as in attn. R is float64 in every set and exactly
 *             symmetric. Rows are NaN from a key on at which no digit is left:
 *             |k|^2 trace(R) / g above 2^23 (float32) or 2^52 (float64), or
 *             k.R k negative; and where lambda is not positive and finite.
 *             taken [heads, last limit, w] (may be NULL): p of R_t = R_{t-1} /
 *             g - p p^T. work [heads mesa_work(w)]; on: R_{-1} is what the last
 *             call left there
 * mesa_again  y[r,:] = R_t x[r,:] for other rows of one head, from what its
 *             keys took off: no roots, no divisions but for g. work
 *             [mesa_work(w)]
 * vecmat      y[n] = sum_i x[i] A[i,:], A [m, n]; a small matrix: of rows that
 *             lie behind each other, and best of whole vectors
 * rowdot      y[m]: y[i] = A[i,:].x[i ldx + :], so that ldx 0 is A x and ldx n
 *             the products of the rows of two matrices
 * rank1       Y[i,:] = g[i gs] A[i,:] + x[i] z[:], gs 0 or 1; g NULL stands for
 *             1; Y may equal A
 * muladd      y[i] += a[i] x[i]
 * gemv        y[n] = sum_i x[i] A[i,:], A [m, n] with row stride lda, of any
 *             size: what comes from memory is read once. An entry of y depends
 *             on its own column alone, so that columns may be shared
 * gemv_t      y[m] = A x, A [m, n] with row stride lda
 * softmax     x = softmax(scale x), a row
 * sgd         g' = g + wd w; m = g' if first else mu m + g'; w -= lr m
 *             (m may be NULL when mu == 0)
 * adam        m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; with g' = g + wd_l2 w
 *             in place of g;
 *             w = w (1 - lr wd) - lr (m/c1) / (sqrt(v/c2) + eps);
 *             c1 = 1 - b1^t, c2 = 1 - b2^t */
/* R is a type, which neither tool can know.
 * NOLINTBEGIN(bugprone-macro-parentheses) */
/* clang-format off */
#define EG_KERN_ENTRIES(R)                                                     \
    const char *name;                                                          \
    eg_index (*pack_size)(eg_index K, eg_index N);                             \
    void (*pack)(R *pb, const R *b, eg_index rs, eg_index cs, eg_index K,      \
                 eg_index N);                                                  \
    void (*gemm_packed)(R *c, eg_index ldc, const R *a, eg_index rs,           \
                        eg_index cs, const R *pb, eg_index M, eg_index N,      \
                        eg_index K, R alpha, int acc);                         \
    void (*gemm)(R *c, eg_index ldc, const R *a, eg_index rs, eg_index cs,     \
                 const R *b, eg_index brs, eg_index bcs, eg_index M,           \
                 eg_index N, eg_index K, R alpha, int acc, R *work);           \
    eg_index (*attn_size)(const int32_t *limit, eg_index rows);                \
    eg_index (*attn_work)(eg_index dh, eg_index dv, eg_index max_limit);       \
    void (*attn)(R *z, eg_index ldz, R *p, const R *q, eg_index ldq,           \
                 const int32_t *limit, const R *k, eg_index ldk, const R *v,   \
                 eg_index ldv, eg_index rows, eg_index dh, eg_index dv,        \
                 R scale, R *work);                                            \
    void (*attn_scores)(R *s, const R *q, const R *k, eg_index ldk,            \
                        eg_index limit, eg_index dh, R scale);                 \
    void (*attn_back)(R *dq, eg_index lddq, R *dk, eg_index lddk, R *dv_,      \
                      eg_index lddv, const R *dz, eg_index lddz, const R *z,   \
                      eg_index ldz, const R *p, const R *q, eg_index ldq,      \
                      const int32_t *limit, const R *k, eg_index ldk,          \
                      const R *v, eg_index ldv, eg_index rows, eg_index dh,    \
                      eg_index dv, R scale, R *work);                          \
    eg_index (*attn_table_work)(eg_index V, eg_index dv, eg_index max_limit);  \
    void (*attn_table)(R *z, eg_index ldz, R *p, const R *te, const R *tp,     \
                       eg_index ldt, eg_index V, const int32_t *token,         \
                       const int32_t *limit, const R *v, eg_index ldv,         \
                       eg_index rows, eg_index dv, R *work);                   \
    void (*attn_table_back)(R *dte, R *dtp, eg_index ldt, eg_index V,          \
                            const int32_t *token, R *dv_, eg_index lddv,       \
                            const R *dz, eg_index lddz, const R *z,            \
                            eg_index ldz, const R *p, const int32_t *limit,    \
                            const R *v, eg_index ldv, eg_index rows,           \
                            eg_index dv, R *work);                             \
    void (*layernorm)(R *y, eg_index ldy, R *xhat, eg_index ldh, R *rstd,      \
                      const R *x, eg_index ldx, const R *w, const R *b,        \
                      eg_index rows, eg_index d, double eps);                  \
    void (*layernorm_back)(R *dx, eg_index lddx, R *dw, R *db, const R *dy,    \
                           eg_index lddy, const R *xhat, eg_index ldh,         \
                           const R *rstd, const R *w, eg_index rows,           \
                           eg_index d);                                        \
    void (*relu)(R *y, const R *x, eg_index n);                                \
    void (*relu_back)(R *dx, const R *dy, const R *x, eg_index n);             \
    void (*gelu)(R *y, const R *x, eg_index n);                                \
    void (*gelu_back)(R *dx, const R *dy, const R *x, eg_index n);             \
    void (*clip)(R *y, const R *x, R top, eg_index n);                         \
    void (*clip_back)(R *dx, const R *dy, const R *x, R top, eg_index n);      \
    void (*xent)(R *dlogits, double *nll, int32_t *pred, const R *logits,      \
                 eg_index ld, const int32_t *target, eg_index rows,            \
                 eg_index V, R weight);                                        \
    void (*add)(R *y, const R *x, eg_index n);                                 \
    void (*axpy)(R *y, R a, const R *x, eg_index n);                           \
    void (*scale)(R *y, R a, eg_index n);                                      \
    double (*dot)(const R *x, const R *y, eg_index n);                         \
    double (*sumsq)(const R *x, eg_index n);                                   \
    void (*embed)(R *y, eg_index ldy, const R *e, eg_index lde, const R *p,    \
                  eg_index ldp, const int32_t *tokens, eg_index rows,          \
                  eg_index d);                                                 \
    void (*gather)(R * y, eg_index ldy, const R *e, const R *p, eg_index ld,   \
                   const int32_t *token, const int32_t *limit, const R *scale, \
                   const R *b, eg_index rows, eg_index n);                     \
    void (*gather_back)(R * de, R * dp, R * db, R * dots, eg_index ld,         \
                        const int32_t *token, const int32_t *limit,            \
                        const R *scale, const R *dy, const R *y, eg_index ldy, \
                        const R *b, eg_index rows, eg_index n);                \
    eg_index (*linatt_work)(eg_index kw, eg_index vw);                         \
    void (*linatt)(R * z, eg_index ldz, const R *q, eg_index ldq,              \
                   const int32_t *limit, eg_index rows, const R *k,            \
                   eg_index ldk, const R *v, eg_index ldv, eg_index kw,        \
                   eg_index vw, R scale, R *work);                             \
    void (*linatt_back)(R * dv, eg_index lddv, const R *k, eg_index ldk,       \
                        eg_index n, const R *q, eg_index ldq, const R *dz,     \
                        eg_index lddz, const int32_t *limit, eg_index rows,    \
                        eg_index kw, eg_index vw, R scale, R *work);           \
    eg_index (*mesa_work)(eg_index w);                                         \
    void (*mesa)(R * y, eg_index ldy, const R *x, eg_index ldx,                \
                 const int32_t *limit, eg_index rows, const R *k,              \
                 eg_index ldk, const R *g, eg_index ldg, eg_index w,           \
                 eg_index heads, eg_index shared, const double *lambda,        \
                 int on, double *taken, R *work);                              \
    void (*mesa_again)(R * y, eg_index ldy, const R *x, eg_index ldx,          \
                       const int32_t *limit, eg_index rows,                    \
                       const double *taken, const R *g, eg_index ldg,          \
                       eg_index w, double lambda, R *work);                    \
    void (*vecmat)(R * y, const R *x, const R *a, eg_index m, eg_index n);     \
    void (*rowdot)(R * y, const R *a, const R *x, eg_index ldx, eg_index m,    \
                   eg_index n);                                                \
    void (*rank1)(R * y, const R *a, const R *g, eg_index gs, const R *x,      \
                  const R *z, eg_index m, eg_index n);                         \
    void (*muladd)(R * y, const R *a, const R *x, eg_index n);                 \
    void (*gemv)(R * y, const R *x, const R *a, eg_index lda, eg_index m,      \
                 eg_index n);                                                  \
    void (*gemv_t)(R * y, const R *a, eg_index lda, const R *x, eg_index m,    \
                   eg_index n);                                                \
    void (*softmax)(R * x, R scale, eg_index n);                               \
    void (*sgd)(R *w, R *m, const R *g, eg_index n, R lr, R mu, R wd,          \
                int first);                                                    \
    void (*adam)(R *w, R *m, R *v, const R *g, eg_index n, double lr,          \
                 double b1, double b2, double eps, double wd_l2, double wd,    \
                 double c1, double c2);
/* clang-format on */
/* NOLINTEND(bugprone-macro-parentheses) */

typedef struct eg_kern_f32 {
    EG_KERN_ENTRIES(float)
} eg_kern_f32;

typedef struct eg_kern_f64 {
    EG_KERN_ENTRIES(double)
} eg_kern_f64;

/* The float32 set of that name ("auto", "ref", "generic", "avx2", "avx512",
 * "amx", or one of eg_kern_pick_bf16 by its full name); NULL: unknown or not
 * runnable on this CPU. "auto" is never NULL; name NULL is "auto", here and
 * below. */
EG_API const eg_kern_f32 *eg_kern_pick(const char *name);
/* EG_EINVAL and a sentence where there is none of that name. */
EG_API eg_status eg_kern_check(const char *name, eg_err *err);
/* The set of that name for precision bfloat16 ("amx" or "amx-bf16", and so
 * on): a float32 set whose gemm, gemm_packed, attn, attn_scores and attn_back
 * round the operands of their products to bfloat16 and sum in float32. Products
 * of matrices are the same to the bit in all of these sets (kern/bf16.h). */
EG_API const eg_kern_f32 *eg_kern_pick_bf16(const char *name);
/* The float32 set beside one of precision bfloat16, by its full name; NULL for
 * any other name. */
EG_API const char *eg_kern_beside(const char *name);
/* The float64 set; "amx" is "avx512": the matrix unit has no float64. */
EG_API const eg_kern_f64 *eg_kern_pick_f64(const char *name);
/* Names of the sets runnable here, best first; NULL past the end. */
EG_API const char *eg_kern_name(int i);
/* What the CPU offers, e.g. "avx512f avx2 fma amx-bf16"; static storage. */
EG_API const char *eg_cpu_features(void);

#ifdef __cplusplus
}
#endif
#endif
