/* The local learning coefficient of the loss at the weights (Lau et al. 2023,
 * arXiv 2308.12108): with a chain of stochastic gradient Langevin dynamics
 * about w*,
 *
 *     w <- w - step/2 (nbeta grad L(w) + pull (w - w*)) + N(0, step)
 *     llc = nbeta (mean of L(w) - L(w*)) over its second half,
 *
 * each loss on the batch that the chain is at, both on the same one. For a loss
 * with a regular minimum it is half the number of weights, less what pull
 * takes; where many weights change nothing it is less.
 *
 * Batches are those of training at steps from EGI_LLC_FIRST on, which no run
 * reaches, and the noise has a stream of its own, so a number is the same on
 * every rerun. The weights are put back, and the run goes on as if nothing had
 * been measured. */
#ifndef EGI_PROBE_LLC_H
#define EGI_PROBE_LLC_H

#include "engram/probe.h"

#define EGI_LLC_FIRST (INT64_C(1) << 38)

typedef struct egi_llc {
    eg_trainer *trainer;
    int64_t steps, chains; /* steps 0: not asked for */
    double step, nbeta, pull;
    double *start;  /* [size] all tensors at w* */
    double *w;      /* [size] and along the chain */
    double *grad;   /* [size of the largest] */
    double *losses; /* [steps] L(w*) on each batch */
    double *room;
} egi_llc;

eg_status egi_llc_init(egi_llc *c, const eg_probe_opts *opts, eg_trainer *tr,
                       eg_err *err);
void egi_llc_release(egi_llc *c);
/* Emits llc and, of several chains, llc_se. step: of training. stop (NULL:
 * never) is asked between steps: once it is true nothing is emitted, and false
 * returned. */
bool egi_llc_run(egi_llc *c, int64_t step, bool (*stop)(void *ctx),
                 void *stop_ctx, eg_probe_emit emit, void *ctx);

#endif
