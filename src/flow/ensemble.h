/* Ensembles: what their tests look at. */
#ifndef EG_FLOW_ENSEMBLE_H
#define EG_FLOW_ENSEMBLE_H

#include "engram/flow.h"
#include "flow/sums_priv.h"

/* The start x [n, d] of a draw: token i is d normals of the stream (seed,
 * EG_RNG_FLOW, draw, i), over their norm. */
void egi_ensemble_draw(double *x, const eg_flow_ensemble *e, eg_index draw);

#endif
