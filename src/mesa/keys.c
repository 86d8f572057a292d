#include "mesa/keys.h"

#include <math.h>

void egi_key_draw(double *k, eg_index d, egi_keys kind, eg_rng *rng)
{
    double sum = 0;

    for (eg_index i = 0; i < d; i++) {
        double x = eg_rng_normal(rng);

        k[i] = kind == EGI_KEYS_SILU ? x / (1 + exp(-x)) : x;
        sum += k[i] * k[i];
    }
    for (eg_index i = 0; i < d; i++) k[i] /= sqrt(sum);
}

void egi_key_add(double *h, double s, const double *k, eg_index d)
{
    for (eg_index i = 0; i < d; i++)
        for (eg_index j = 0; j < d; j++) h[i * d + j] += s * k[i] * k[j];
}
