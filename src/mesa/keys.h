/* Random keys of the statements on MesaNet. */
#ifndef EGI_MESA_KEYS_H
#define EGI_MESA_KEYS_H

#include "engram/rng.h"
#include "engram/status.h"

typedef enum egi_keys {
    EGI_KEYS_NORMAL, /* directions without a law */
    EGI_KEYS_SILU    /* of x / (1 + exp(-x)), x normal: with a mean */
} egi_keys;

/* k [d], of length 1. */
void egi_key_draw(double *k, eg_index d, egi_keys kind, eg_rng *rng);
/* h [d, d] += s k k^T */
void egi_key_add(double *h, double s, const double *k, eg_index d);

#endif
