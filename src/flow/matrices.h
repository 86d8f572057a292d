/* Small dense matrices, row-major, for set-up and for exp(tV). */
#ifndef EG_FLOW_MATRICES_H
#define EG_FLOW_MATRICES_H

#include "engram/status.h"

/* C [n, n] = A B, or A' B, or A'; C is neither of them. */
void egi_mat_mul(double *C, const double *A, const double *B, eg_index n);
void egi_mat_mul_tn(double *C, const double *A, const double *B, eg_index n);
void egi_mat_transpose(double *C, const double *A, eg_index n);
/* y [n] = A x [m], A [n, m]. */
void egi_mat_apply(double *y, const double *A, const double *x, eg_index n,
                   eg_index m);
/* Is A = c Id, to the last bit? */
bool egi_mat_is_scalar(const double *A, eg_index n, double *c);
/* The 1-norm: the largest column sum. */
double egi_mat_norm1(const double *A, eg_index n);

/* E = exp(t A) by scaling and squaring with the Pade approximant of degree 13
 * (Higham 2005). work [egi_expm_work(n)]. Entries overflow to infinity or NaN
 * where the result does. */
eg_index egi_expm_work(eg_index n);
void egi_expm(double *E, const double *A, double t, eg_index n, double *work);

#endif
