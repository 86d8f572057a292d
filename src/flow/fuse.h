/* Tokens that have met, as one of their mass. */
#ifndef EG_FLOW_FUSE_H
#define EG_FLOW_FUSE_H

#include "flow/components.h"
#include "flow/system.h"

/* Who is who. The other arrays are scratch. */
typedef struct egi_fusion {
    int32_t *owner; /* [n] which row every original token is */
    int32_t *label, *fallen, *newest, *older; /* [n] */
} egi_fusion;

/* Every token a row of its own; release after, whatever came of it. */
eg_status egi_fusion_init(egi_fusion *w, eg_index n, eg_err *err);
void egi_fusion_release(egi_fusion *w);

/* Replaces tokens of y [f->n, d] with |x - y| < 1e-9 by their mean; true
 * when some met. c is workspace. Cost of the components, where tokens that
 * are this near are few. */
bool egi_fuse(eg_flow *f, double *y, egi_fusion *w, egi_components *c);
/* Rows of the fused system to all tokens, [spec.n, d]; out may be y. */
void egi_unfuse(const eg_flow *f, double *out, const double *y,
                const int32_t *owner);
/* All tokens apart again. */
void egi_fuse_reset(eg_flow *f);

#endif
