/* Solvers of regression in context, one row each; equations in mesa.h. */
#ifndef EGI_MESA_SOLVE_H
#define EGI_MESA_SOLVE_H

#include "engram/pool.h"
#include "mesa/context.h"

typedef struct egi_icl_how {
    eg_index steps;
    double ridge, low, sharpness, clip;
    bool newest;             /* false: pairs i <= t - 1 only */
    const double *a, *b, *c; /* [steps] alpha, beta, gamma */
} egi_icl_how;

/* Adds dL/d(alpha, beta, gamma), L the sum over t of |pred - target|^2 / 2. */
typedef struct egi_icl_grad {
    double *a, *b, *c; /* [steps] */
} egi_icl_grad;

typedef struct egi_icl_solver {
    const char *name;
    int coefs; /* lists of coefficients: 0 none, 1 alpha, 2 beta too, 3 */
    const char *tuned; /* the option that a grid looks for; NULL: none */
    /* Doubles of working memory. */
    eg_index (*work)(const egi_icl *c, const egi_icl_how *h);
    /* pred [T, p]; g NULL: no gradient is wanted. */
    void (*run)(const egi_icl *c, const egi_icl_how *h, double *pred,
                const egi_icl_grad *g, double *work);
} egi_icl_solver;

/* In the order of the option `solver`. */
typedef enum egi_icl_kind {
    EGI_ICL_ZERO,
    EGI_ICL_GD,
    EGI_ICL_GDPP,
    EGI_ICL_RIDGE,
    EGI_ICL_MOMENTUM,
    EGI_ICL_PROP2,
    EGI_ICL_CHEBYSHEV,
    EGI_ICL_NEWTON,
    EGI_ICL_KERNEL,
    EGI_ICL_ORACLE,
    EGI_ICL_DMMSE,
    EGI_ICL_KINDS
} egi_icl_kind;
extern const egi_icl_solver egi_icl_solvers[EGI_ICL_KINDS];

/* What a solver knows at one position. */
typedef struct egi_icl_at {
    eg_index m, p;
    const double *gram;   /* [m, m] sum of k k^T, without ridge */
    const double *cross;  /* [p, m] sum of y k^T */
    const double *q;      /* [m] */
    const double *target; /* [p] */
    double *pred;         /* [p] */
    const egi_icl_grad *g;
    double *work;
} egi_icl_at;
typedef void (*egi_icl_at_fn)(const egi_icl_at *at, const egi_icl_how *h);

/* fn at every position, with the sums of the pairs seen there. work: what fn
 * takes and egi_icl_walk_work. */
void egi_icl_walk(const egi_icl *c, const egi_icl_how *h, double *pred,
                  const egi_icl_grad *g, double *work, egi_icl_at_fn fn);
eg_index egi_icl_walk_work(const egi_icl *c);

/* y [n] = (a + ridge) x for a symmetric a [n, n]. */
void egi_icl_apply(double *y, const double *a, double ridge, const double *x,
                   eg_index n);

/* The iterations, at one position, and their working memory. */
void egi_icl_gd(const egi_icl_at *at, const egi_icl_how *h);
void egi_icl_momentum(const egi_icl_at *at, const egi_icl_how *h);
void egi_icl_prop2(const egi_icl_at *at, const egi_icl_how *h);
void egi_icl_chebyshev(const egi_icl_at *at, const egi_icl_how *h);
eg_index egi_icl_iterate_work(const egi_icl *c, const egi_icl_how *h);
/* Those that look at whole sequences. */
void egi_icl_gdpp(const egi_icl *c, const egi_icl_how *h, double *pred,
                  const egi_icl_grad *g, double *work);
eg_index egi_icl_gdpp_work(const egi_icl *c, const egi_icl_how *h);
void egi_icl_gd_clipped(const egi_icl *c, const egi_icl_how *h, double *pred,
                        const egi_icl_grad *g, double *work);
void egi_icl_kernel(const egi_icl *c, const egi_icl_how *h, double *pred,
                    const egi_icl_grad *g, double *work);
void egi_icl_dmmse(const egi_icl *c, const egi_icl_how *h, double *pred,
                   const egi_icl_grad *g, double *work);
eg_index egi_icl_dmmse_work(const egi_icl *c, const egi_icl_how *h);

#endif
