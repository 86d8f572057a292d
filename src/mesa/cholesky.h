/* Symmetric positive definite systems of a few unknowns. */
#ifndef EGI_MESA_CHOLESKY_H
#define EGI_MESA_CHOLESKY_H

#include "engram/status.h"

/* a [n, n] = L L^T; L comes into the lower triangle, what is above it stays.
 * False: a is not positive definite to working accuracy; the pivots that are
 * not above 0 are then taken for infinite, so that a solution has 0 there. */
bool egi_cholesky(double *a, eg_index n);
/* x [n] with L L^T x = b; x may be b. */
void egi_cholesky_solve(double *x, const double *l, const double *b,
                        eg_index n);

#endif
