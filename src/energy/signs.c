/* The update of energies whose states are signs: entry by entry, each set to
 * the sign with the smaller energy. The dot products rho_i.x are kept up to
 * date, so that a sweep costs as much as two products with all patterns. */
#include "energy/energies.h"

#include <math.h>

#include "memory/dense.h"

/* E(x_j = -1) - E(x_j = +1), over a positive number; dot[i] = rho_i.x. */
static double pull(const eg_energy *e, const double *dot, const double *x,
                   eg_index j)
{
    double sum = 0, up = -HUGE_VAL, down = -HUGE_VAL;

    if (e->kind == EG_ENERGY_EXPONENTIAL) { /* the largest terms first */
        for (eg_index i = 0; i < e->d; i++) {
            double p = e->pattern[i * e->n + j], rest = dot[i] - p * x[j];

            if (rest + p > up) up = rest + p;
            if (rest - p > down) down = rest - p;
        }
        if (down > up) up = down;
    }
    for (eg_index i = 0; i < e->d; i++) {
        double p = e->pattern[i * e->n + j], rest = dot[i] - p * x[j];

        switch (e->kind) {
        case EG_ENERGY_HOPFIELD:
            sum += p * rest;
            break;
        case EG_ENERGY_POLYNOMIAL:
            sum +=
                egi_power(rest + p, e->power) - egi_power(rest - p, e->power);
            break;
        default:
            sum += exp(rest + p - up) - exp(rest - p - up);
        }
    }
    return sum;
}

double egi_signs_sweep(const eg_energy *e, double *x, const unsigned char *held,
                       double *work)
{
    double most = 0;

    for (eg_index i = 0; i < e->d; i++)
        work[i] = egi_dot(x, e->pattern + i * e->n, e->n);
    for (eg_index j = 0; j < e->n; j++) {
        double to, by;

        if (held && held[j]) continue;
        to = pull(e, work, x, j);
        if (to == 0) continue;
        by = (to > 0 ? 1 : -1) - x[j];
        if (by == 0) continue;
        x[j] += by;
        if (fabs(by) > most) most = fabs(by);
        for (eg_index i = 0; i < e->d; i++)
            work[i] += by * e->pattern[i * e->n + j];
    }
    return most;
}
