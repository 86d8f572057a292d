/* Ensembles: what their tests look at. */
#ifndef EG_FLOW_ENSEMBLE_H
#define EG_FLOW_ENSEMBLE_H

#include "engram/flow.h"
#include "flow/sums_priv.h"

/* The start x [n, d] of a draw: token i is d normals of the stream (seed,
 * EG_RNG_FLOW, draw, i), over their norm. */
void egi_ensemble_draw(double *x, const eg_flow_ensemble *e, eg_index draw);

/* The random matrices of a draw, [d, d] each; work [d, d]. */
void egi_ensemble_matrices(double *B, double *V, double *work,
                           const eg_flow_ensemble *e, eg_index draw);
/* Runs a draw from x [n, d] with its random matrices; look as in
 * eg_flow_solve. */
eg_status egi_ensemble_play(const eg_flow_ensemble *e, eg_index draw, double *x,
                            bool (*look)(void *ctx, eg_index i, double t,
                                         const double *x),
                            void *ctx, eg_err *err);
/* Steps until the state at e->times[i] counts. */
double egi_ensemble_steps(const eg_flow_ensemble *e, eg_index i);

#endif
