/* Special functions that closed forms of the theory need, float64. */
#ifndef EGI_FLOW_SPECIAL_H
#define EGI_FLOW_SPECIAL_H

#include "engram/status.h"

/* Ei(x), x > 0 (its zero is 0.3725...), to 1e-14 relative; inf past 716. */
double egi_ei(double x);
/* E1(x), x > 0, to 1e-14 relative. */
double egi_e1(double x);

/* Nodes and weights of Gauss-Legendre on [-1, 1], the positive half: n / 2 of
 * each, n even. */
void egi_legendre(int n, double *node, double *weight);
/* Integral of f over [a, b]: Gauss-Legendre of 16 points on so many panels. */
double egi_integral(double (*f)(const void *ctx, double x), const void *ctx,
                    double a, double b, int panels);

/* ---- The scalar equation of equiangular tokens (2312.10794, Thm 6.8) ---- */

/* dg/dt of inner product g = 1 - u, given u in [0, 1 + 1/(n-1)]; model SA or
 * USA of flow.h. */
double egi_scalar_rate(int model, double n, double beta, double u);
/* Time from g = 0 to g = 1 - u by the closed inverse; negative for g < 0.
 * n = 1 and beta = 0 included; beta <= 700, beta n/(n-1) <= 700. */
double egi_scalar_time(int model, double n, double beta, double u);
/* The u at time t (any sign) after u0. */
double egi_scalar_at(int model, double n, double beta, double u0, double t);

#endif
