/* The table of solvers, and those of one line. */
#include "mesa/solve.h"

#include <math.h>
#include <string.h>

#include "base/sweep.h"
#include "memory/dense.h"
#include "mesa/cholesky.h"

void egi_icl_apply(double *y, const double *a, double ridge, const double *x,
                   eg_index n)
{
    for (eg_index i = 0; i < n; i++)
        y[i] = egi_dot(a + i * n, x, n) + ridge * x[i];
}

static void add_pair(double *gram, double *cross, const egi_icl *c, eg_index i)
{
    const double *k = c->k + i * c->m, *y = c->y + i * c->p;

    for (eg_index r = 0; r < c->m; r++)
        egi_axpy(gram + r * c->m, k[r], k, c->m);
    for (eg_index r = 0; r < c->p; r++)
        egi_axpy(cross + r * c->m, y[r], k, c->m);
}

eg_index egi_icl_walk_work(const egi_icl *c)
{
    return c->m * (c->m + c->p);
}

void egi_icl_walk(const egi_icl *c, const egi_icl_how *h, double *pred,
                  const egi_icl_grad *g, double *work, egi_icl_at_fn fn)
{
    double *gram = egi_take(&work, c->m * c->m);
    double *cross = egi_take(&work, c->m * c->p);
    egi_icl_at at = {.m = c->m,
                     .p = c->p,
                     .gram = gram,
                     .cross = cross,
                     .g = g,
                     .work = work};

    memset(gram, 0, (size_t)egi_icl_walk_work(c) * sizeof *gram);
    for (eg_index t = 0; t < c->T; t++) {
        if (h->newest) add_pair(gram, cross, c, t);
        at.q = c->q + t * c->m;
        at.target = c->target + t * c->p;
        at.pred = pred + t * c->p;
        fn(&at, h);
        if (!h->newest) add_pair(gram, cross, c, t);
    }
}

static eg_index no_work(const egi_icl *c, const egi_icl_how *h)
{
    (void)c, (void)h;
    return 0;
}

static void zero(const egi_icl *c, const egi_icl_how *h, double *pred,
                 const egi_icl_grad *g, double *work)
{
    (void)h, (void)g, (void)work;
    memset(pred, 0, (size_t)c->T * (size_t)c->p * sizeof *pred);
}

static void oracle(const egi_icl *c, const egi_icl_how *h, double *pred,
                   const egi_icl_grad *g, double *work)
{
    (void)h, (void)g, (void)work;
    egi_mul_nt(pred, c->q, c->truth, c->T, c->p, c->m);
}

/* Y A^-1 q. */
static void ridge_at(const egi_icl_at *at, const egi_icl_how *h)
{
    eg_index m = at->m;
    double *l = at->work, *x = l + m * m;

    memcpy(l, at->gram, (size_t)(m * m) * sizeof *l);
    for (eg_index i = 0; i < m; i++) l[i * m + i] += h->ridge;
    egi_cholesky(l, m);
    egi_cholesky_solve(x, l, at->q, m);
    for (eg_index i = 0; i < at->p; i++)
        at->pred[i] = egi_dot(at->cross + i * m, x, m);
}

/* X <- X (2 - A X), in this order: with X^T in the place of one X, the same to
 * the eye, rounding grows without bound. */
static void newton_at(const egi_icl_at *at, const egi_icl_how *h)
{
    eg_index m = at->m;
    double *a = at->work, *x = a + m * m, *ax = x + m * m, *next = ax + m * m;
    double trace = 0;

    memcpy(a, at->gram, (size_t)(m * m) * sizeof *a);
    for (eg_index i = 0; i < m; i++) trace += a[i * m + i] += h->ridge;
    memset(x, 0, (size_t)(m * m) * sizeof *x);
    for (eg_index i = 0; i < m; i++) x[i * m + i] = trace > 0 ? 1 / trace : 0;
    for (eg_index k = 0; k < h->steps; k++) {
        egi_mul(ax, a, x, m, m, m);
        for (eg_index i = 0; i < m * m; i++) ax[i] = -ax[i];
        for (eg_index i = 0; i < m; i++) ax[i * m + i] += 2;
        egi_mul(next, x, ax, m, m, m);
        memcpy(x, next, (size_t)(m * m) * sizeof *x);
    }
    egi_icl_apply(ax, x, 0, at->q, m);
    for (eg_index i = 0; i < at->p; i++)
        at->pred[i] = egi_dot(at->cross + i * m, ax, m);
}

static eg_index square_work(const egi_icl *c, const egi_icl_how *h)
{
    (void)h;
    return egi_icl_walk_work(c) + 4 * c->m * c->m;
}

static eg_index ridge_work(const egi_icl *c, const egi_icl_how *h)
{
    (void)h;
    return egi_icl_walk_work(c) + c->m * (c->m + 1);
}

static eg_index iterate_work(const egi_icl *c, const egi_icl_how *h)
{
    return egi_icl_walk_work(c) + egi_icl_iterate_work(c, h);
}

#define WALK(name, fn)                                                     \
    static void name(const egi_icl *c, const egi_icl_how *h, double *pred, \
                     const egi_icl_grad *g, double *work)                  \
    {                                                                      \
        egi_icl_walk(c, h, pred, g, work, fn);                             \
    }
WALK(ridge, ridge_at)
WALK(momentum, egi_icl_momentum)
WALK(prop2, egi_icl_prop2)
WALK(chebyshev, egi_icl_chebyshev)
WALK(newton, newton_at)

/* A walk, where nothing is clipped between the steps. */
static void gd(const egi_icl *c, const egi_icl_how *h, double *pred,
               const egi_icl_grad *g, double *work)
{
    if (h->clip > 0)
        egi_icl_gd_clipped(c, h, pred, g, work);
    else
        egi_icl_walk(c, h, pred, g, work, egi_icl_gd);
}

static eg_index gd_work(const egi_icl *c, const egi_icl_how *h)
{
    eg_index layers = egi_icl_gdpp_work(c, h), walk = iterate_work(c, h);

    return layers > walk ? layers : walk;
}

/* clang-format off */
const egi_icl_solver egi_icl_solvers[EGI_ICL_KINDS] = {
    {"zero",      0, NULL,        no_work,           zero},
    {"gd",        1, "eta",       gd_work,           gd},
    {"gdpp",      3, NULL,        egi_icl_gdpp_work, egi_icl_gdpp},
    {"ridge",     0, "ridge",     ridge_work,        ridge},
    {"momentum",  2, NULL,        iterate_work,      momentum},
    {"prop2",     2, NULL,        iterate_work,      prop2},
    {"chebyshev", 0, "low",       iterate_work,      chebyshev},
    {"newton",    0, NULL,        square_work,       newton},
    {"kernel",    0, "sharpness", no_work,           egi_icl_kernel},
    {"oracle",    0, NULL,        no_work,           oracle},
    {"dmmse",     0, NULL,        egi_icl_dmmse_work, egi_icl_dmmse},
};
/* clang-format on */
