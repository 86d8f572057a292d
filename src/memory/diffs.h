/* A gradient against central differences along random unit directions and
 * along single entries. */
#ifndef EGI_MEMORY_DIFFS_H
#define EGI_MEMORY_DIFFS_H

#include "engram/rng.h"

/* The loss at w [n]. */
typedef double (*egi_loss_fn)(void *ctx, const double *w);

typedef struct egi_diffs {
    double norm;       /* of the gradient */
    double directions; /* largest |difference - g.v| / |g|, v random */
    double entries;    /* the same for v a unit vector */
    double cosine;     /* of differences and g.v over the directions */
    double curvature;  /* smallest second difference over the directions */
} egi_diffs;

/* w is restored; v [n] is scratch. */
egi_diffs egi_diffs_check(egi_loss_fn loss, void *ctx, double *w,
                          const double *grad, eg_index n, int directions,
                          double delta, eg_rng *rng, double *v);

#endif
