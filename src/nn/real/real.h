/* One engine, two precisions: this folder is compiled with real = float and
 * with real = double; N(x) gives each its own names. */
#ifndef EG_NN_REAL_H
#define EG_NN_REAL_H

#include "engram/kern.h"
#include "engram/mem.h"
#include "engram/pool.h"

#ifdef EG_REAL_DOUBLE
typedef double real;
typedef eg_kern_f64 kern;
#define N(x) x##_f64
#else
typedef float real;
typedef eg_kern_f32 kern;
#define N(x) x##_f32
#endif

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
void N(product)(N(team) team, real *c, eg_index ldc, N(mat) a, N(mat) b,
                eg_index M, eg_index n, eg_index K, real alpha, int acc);

#endif
