/* The population loss of Lemma 1, L(W) = E CE(y, U W w_E(z)) with z ~ pi_u,
 * y ~ pi_b(.|z). Scores are kept by rows z: s[z, k] = w_U(k) . W w_E(z). */
#ifndef EGI_MEMORY_LEMMA1_H
#define EGI_MEMORY_LEMMA1_H

#include "engram/status.h"

typedef struct egi_pairs {
    eg_index v;
    const double *pi_u; /* [v] */
    const double *pi_b; /* [v, v] */
} egi_pairs;

/* L from scores s [v, v]; g [v, v] (may be NULL) gets dL/ds. */
double egi_pairs_loss(const egi_pairs *p, const double *s, double *g);
/* KL(pi_b(.|z) || softmax(s[z, :])) averaged over z with weights pi_u, and
 * uniformly. */
void egi_pairs_kl(const egi_pairs *p, const double *s, double *weighted,
                  double *uniform);
/* s = E W^T U^T; work [v, d]. */
void egi_pairs_scores(double *s, const double *e, const double *u,
                      const double *w, eg_index v, eg_index d, double *work);
/* Lemma 1: grad [d, d] = sum_{k,z} g[z, k] w_U(k) w_E(z)^T; work [v, d]. */
void egi_pairs_grad(double *grad, const double *e, const double *u,
                    const double *g, eg_index v, eg_index d, double *work);

#endif
