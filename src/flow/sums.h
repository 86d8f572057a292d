/* The n^2 sums of the flow with Q = K = V = Id on the unit sphere, by the
 * cheapest way that is accurate enough:
 *     S_i = sum_j m_j exp(beta <x_i,x_j> - |beta|)
 *     F_i = sum_j m_j exp(beta <x_i,x_j> - |beta|) x_j
 * so that SA's drive is F/S and USA's exp(|beta|) F / sum m. Tokens must be
 * unit vectors. Bits do not depend on the number of threads. */
#ifndef EG_FLOW_SUMS_H
#define EG_FLOW_SUMS_H

#include "engram/flow.h"

typedef struct egi_sums_plan {
    int kind;        /* EG_FLOW_SUM_DIRECT, _FOURIER or _HARMONICS */
    eg_index degree; /* K or L; 0 for direct */
    /* Bound of |error| of S_i and of F_i, relative to the total mass:
     * truncation plus rounding. SA divides by S_i >= m_i (beta >= 0): its
     * velocity is off by at most 2 error sum m / S_i. */
    double error;
    double seconds;   /* predicted, one evaluation on one core */
    const char *kern; /* of whose kernels; NULL: "auto" */
    char why[200];    /* a sentence */
} egi_sums_plan;

/* Chooses. want is EG_FLOW_SUM_AUTO or the kind to take. model: EG_FLOW_SA asks
 * more of the truncation, tol / (2 n) instead of tol. Errors: a kind that does
 * not fit d; a degree beyond what is stored; auto never fails. */
eg_status egi_sums_choose(egi_sums_plan *plan, int want, eg_index n, eg_index d,
                          double beta, int model, int precision, double tol,
                          eg_err *err);

typedef struct egi_sums egi_sums;
/* Room for up to n tokens. pool may be NULL. precision EG_FLOW's 0: float64,
 * 1: float32 (direct sums only). */
eg_status egi_sums_new(egi_sums **out, const egi_sums_plan *plan, eg_index n,
                       eg_index d, double beta, int precision, eg_pool *pool,
                       eg_err *err);
void egi_sums_free(egi_sums *s);
/* S [n], F [n, d] from x [n, d] and masses mass [n] (NULL: 1); n up to that of
 * egi_sums_new. Allocates nothing. */
void egi_sums_eval(egi_sums *s, double *S, double *F, const double *x,
                   const double *mass, eg_index n);

#endif
