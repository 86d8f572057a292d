/* Balls about patterns: volumes and integrals by their logarithms, and the loss
 * of proposition 4. */
#include "energy/special.h"

#include <math.h>

#include "engram/energy.h"

#define LOG_PI 1.14472988584940017414

double eg_ball_log_volume(double n, double r)
{
    EG_ASSERT(n >= 1 && r > 0);
    return n / 2 * LOG_PI + n * log(r) - egi_log_gamma(1 + n / 2);
}

double eg_ball_log_mass(double n, double r, bool squared)
{
    EG_ASSERT(n >= 1 && r > 0);
    if (squared)
        return n / 2 * LOG_PI + egi_log_lower_gamma(n / 2, r * r) -
               egi_log_gamma(n / 2);
    return M_LN2 + n / 2 * LOG_PI + egi_log_lower_gamma(n, r) -
           egi_log_gamma(n / 2);
}

double eg_ball_critical(double n)
{
    return sqrt(n / (2 * M_PI * M_E));
}

double eg_ball_unit(double n)
{
    return exp(egi_log_gamma(1 + n / 2) / n - LOG_PI / 2);
}

double eg_loss_of_log_z(double log_z)
{
    return log_z + exp(-log_z);
}

/* h rises for log Z > 0, from 1 and slower than log Z: the root lies between 0
 * and loss. Newton from the right, where h is above, stays there. */
double eg_log_z_of_loss(double loss)
{
    double u = loss;

    if (!(loss >= 1)) return (double)NAN;
    if (loss == 1) return 0;
    for (int k = 0; k < 100; k++) {
        double by = (eg_loss_of_log_z(u) - loss) / -expm1(-u);

        u -= by;
        if (fabs(by) <= 1e-15 * u) break;
    }
    return u;
}
