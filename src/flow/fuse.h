/* Tokens that have met, as one of their mass. */
#ifndef EG_FLOW_FUSE_H
#define EG_FLOW_FUSE_H

#include "flow/system.h"

/* Replaces tokens of y [f->n, d] with 1 - <x,y> < 1e-14 by their mean; owner
 * [n] keeps which row every original token of f->spec.n is. True when some
 * met. fallen [n] is scratch. */
bool egi_fuse(eg_flow *f, double *y, int32_t *owner, int32_t *fallen);
/* Rows of the fused system to all tokens, [spec.n, d]; out may be y. */
void egi_unfuse(const eg_flow *f, double *out, const double *y,
                const int32_t *owner);
/* All tokens apart again. */
void egi_fuse_reset(eg_flow *f);

#endif
