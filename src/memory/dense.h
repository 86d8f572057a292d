/* Small dense float64 algebra for the theory checks. Row-major, contiguous. */
#ifndef EGI_MEMORY_DENSE_H
#define EGI_MEMORY_DENSE_H

#include "engram/rng.h"

/* n entries N(0, sd^2). */
void egi_fill_normal(double *x, eg_index n, double sd, eg_rng *rng);

/* A direction: n entries of length 1, uniform over the sphere. */
void egi_fill_unit(double *x, eg_index n, eg_rng *rng);

/* C [M, N] = A [M, K] B [K, N]. */
void egi_mul(double *c, const double *a, const double *b, eg_index M,
             eg_index N, eg_index K);
/* C [M, N] = A [M, K] B [N, K]^T: the dot products of rows. */
void egi_mul_nt(double *c, const double *a, const double *b, eg_index M,
                eg_index N, eg_index K);
/* C [M, N] = A [K, M]^T B [K, N]. */
void egi_mul_tn(double *c, const double *a, const double *b, eg_index M,
                eg_index N, eg_index K);

double egi_dot(const double *x, const double *y, eg_index n);
double egi_norm(const double *x, eg_index n); /* Euclidean, Frobenius */
void egi_axpy(double *y, double a, const double *x, eg_index n);
void egi_scale(double *x, double a, eg_index n);

/* p = softmax(s); returns log sum exp. p may equal s. */
double egi_softmax(double *p, const double *s, eg_index n);
/* Position of the largest entry, the lowest on ties. */
eg_index egi_argmax(const double *x, eg_index n);

/* Orthonormal basis of the rows of a [n, d], n <= d, in place (modified
 * Gram-Schmidt, twice). */
void egi_orthonormalise(double *a, eg_index n, eg_index d);

#endif
