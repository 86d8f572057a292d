/* The pair 5(4) of Dormand and Prince with its dense output of order 4:
 * DOPRI5 (Hairer, Norsett, Wanner, "Solving Ordinary Differential Equations I",
 * II.5 table 5.2, II.6 (6.17)). */
#include <math.h>

#include "flow/ode_inner.h"

enum { STAGES = 6, ALL = 7 };

/* clang-format off */
static const double c[ALL] = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
/* Row 6 is b. */
static const double a[ALL][ALL] = {
    {0},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176,
     -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
};
/* b minus the weights of order 4. */
static const double error4[ALL] = {
    71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200,
    22.0 / 525, -1.0 / 40,
};
static const double d[ALL] = {
    -12715105075.0 / 11282082432.0, 0, 87487479700.0 / 32700410799.0,
    -10690763975.0 / 1880347072.0, 701980252875.0 / 199316789632.0,
    -1453857185.0 / 822651844.0, 69997945.0 / 29380423.0,
};
/* clang-format on */

static double error(const egi_solver *s, double h, const double *y_new,
                    double *const *k)
{
    double e = egi_scaled_norm2(s, y_new, error4, k, ALL);
    return h * sqrt(e / (double)s->size);
}

const egi_pair egi_dopri5 = {.stages = STAGES,
                             .all = ALL,
                             .order = 5,
                             .estimate_needs_end = true,
                             .grow = 10,
                             .shrink = 0.2,
                             .expo = 0.2 - 0.75 * 0.04,
                             .damp = 0.04,
                             .c = c,
                             .a = a[0],
                             .error = error,
                             .n_dense = 1,
                             .d = d};
