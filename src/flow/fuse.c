/* Fusing: nothing is lost beyond rounding, and the fast rates inside a
 * collapsed cluster are gone. */
#include <math.h>
#include <string.h>

#include "flow/fuse.h"

/* 1 - <x,y> = |x - y|^2 / 2 of unit vectors, without cancellation */
static bool met(const double *x, const double *y, eg_index d)
{
    static const double limit = 2e-14;
    double s = 0;

    for (eg_index k = 0; k < d; k++) {
        s += (x[k] - y[k]) * (x[k] - y[k]);
        if (s >= limit) return false;
    }
    return true;
}

static double mass_of(const eg_flow *f, eg_index i)
{
    return f->mass ? f->mass[i] : 1;
}

/* The masses of a system that had none. */
static void give_masses(eg_flow *f)
{
    if (f->mass) return;
    f->mass = f->mass_block;
    for (eg_index i = 0; i < f->n; i++) f->mass[i] = 1;
}

bool egi_fuse(eg_flow *f, double *y, int32_t *owner, int32_t *fallen)
{
    eg_index d = f->spec.d, kept = 0;

    for (eg_index i = 0; i < f->n; i++) {
        eg_index j = 0;

        while (j < kept && !met(y + j * d, y + i * d, d)) j++;
        fallen[i] = (int32_t)j;
        if (j == kept) { /* on its own, so far */
            if (kept < i) {
                memcpy(y + kept * d, y + i * d, (size_t)d * sizeof *y);
                f->mass[kept] = mass_of(f, i);
            }
            kept++;
            continue;
        }
        give_masses(f);
        double a = f->mass[j], b = mass_of(f, i);
        double share = a + b > 0 ? b / (a + b) : 0.5;

        for (eg_index k = 0; k < d; k++)
            y[j * d + k] += share * (y[i * d + k] - y[j * d + k]);
        egi_unit(y + j * d, y + j * d, d);
        f->mass[j] = a + b;
    }
    if (kept == f->n) return false;
    for (eg_index i = 0; i < f->spec.n; i++) owner[i] = fallen[owner[i]];
    f->n = kept;
    for (eg_index i = 0; i < kept; i++) f->log_mass[i] = log(f->mass[i]);
    return true;
}

void egi_unfuse(const eg_flow *f, double *out, const double *y,
                const int32_t *owner)
{
    eg_index d = f->spec.d;

    /* an owner never stands behind its token */
    for (eg_index i = f->spec.n; i-- > 0;)
        memmove(out + i * d, y + owner[i] * d, (size_t)d * sizeof *out);
}

void egi_fuse_reset(eg_flow *f)
{
    const double *mass = f->spec.mass;

    f->n = f->spec.n;
    f->mass = mass ? f->mass_block : NULL;
    for (eg_index i = 0; mass && i < f->n; i++) {
        f->mass[i] = mass[i];
        f->log_mass[i] = log(mass[i]);
    }
}
