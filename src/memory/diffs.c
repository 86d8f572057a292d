/* Central differences. */
#include "memory/diffs.h"
#include "base/sweep.h"
#include "memory/dense.h"

#include <math.h>

egi_diffs egi_diffs_check(egi_loss_fn loss, void *ctx, double *w,
                          const double *grad, eg_index n, int directions,
                          double delta, eg_rng *rng, double *v)
{
    egi_diffs r = {.norm = egi_norm(grad, n), .curvature = (double)INFINITY};
    double middle = loss(ctx, w), ff = 0, gg = 0, fg = 0;

    for (int k = 0; k < directions; k++) {
        double plus, minus, diff, slope;

        egi_fill_unit(v, n, rng);
        slope = egi_dot(grad, v, n);
        egi_axpy(w, delta, v, n);
        plus = loss(ctx, w);
        egi_axpy(w, -2 * delta, v, n);
        minus = loss(ctx, w);
        egi_axpy(w, delta, v, n);
        diff = (plus - minus) / (2 * delta);
        r.directions = egi_most(r.directions, fabs(diff - slope) / r.norm);
        r.curvature = egi_least(r.curvature,
                                (plus - 2 * middle + minus) / (delta * delta));
        ff += diff * diff;
        gg += slope * slope;
        fg += diff * slope;
    }
    for (int k = 0; k < directions; k++) {
        eg_index i = (eg_index)eg_rng_below(rng, (uint32_t)n);
        double keep = w[i], plus, minus;

        w[i] = keep + delta;
        plus = loss(ctx, w);
        w[i] = keep - delta;
        minus = loss(ctx, w);
        w[i] = keep;
        r.entries = egi_most(
            r.entries, fabs((plus - minus) / (2 * delta) - grad[i]) / r.norm);
    }
    r.cosine = fg / sqrt(ff * gg);
    return r;
}
