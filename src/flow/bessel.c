/* Scaled modified Bessel functions by Miller's downward recurrence. */
#include "flow/bessel.h"

#include <math.h>

/* u_l = N_l a_l up to a common factor, walking down: all terms positive, so
 * nothing cancels, and their sum is the normalisation. */
typedef struct descent {
    double beta, nu;
    eg_index d, l;
    double u, above; /* u_l, u_{l+1} */
    double sum;      /* of u from l up */
    int rescaled;    /* times that all were divided by HUGE_U */
} descent;

#define HUGE_U 1e250

/* N_{l-1} / N_l, l >= 1. */
static double shrink(eg_index l, eg_index d)
{
    double x = (double)l, m = (double)d;

    if (d == 2) return l == 1 ? 0.5 : 1;
    return (2 * x + m - 4) * x / ((2 * x + m - 2) * (x + m - 3));
}

/* Where to begin so that degrees below n come out right: beyond the bulk of
 * u, which lies below both beta and sqrt(2 beta (nu + 1)), and far enough for
 * the wrong start to die out like exp(-(l^2 - n^2) / beta). */
static descent begin(eg_index n, eg_index d, double beta)
{
    double nu = 0.5 * (double)d - 1;
    double bulk = fmin(beta, sqrt(4 * beta * (nu + 1)));
    double top = (double)n + 100 + 25 * sqrt(beta) + bulk;

    return (descent){.beta = beta,
                     .nu = nu,
                     .d = d,
                     .l = (eg_index)top,
                     .u = 1e-250,
                     .sum = 1e-250};
}

/* From l to l - 1; returns the factor that everything was scaled with. */
static double descend(descent *s)
{
    double r = shrink(s->l, s->d), factor = 1;
    double below = r * (shrink(s->l + 1, s->d) * s->above +
                        2 * ((double)s->l + s->nu) / s->beta * s->u);

    s->above = s->u;
    s->u = below;
    s->sum += below;
    s->l--;
    if (s->u > HUGE_U) {
        factor = 1 / HUGE_U;
        s->u *= factor;
        s->above *= factor;
        s->sum *= factor;
        s->rescaled++;
    }
    return factor;
}

/* Two terms of the power series; the next is beta^4 smaller. */
static void small_beta(double *a, eg_index n, eg_index d, double beta)
{
    double nu = 0.5 * (double)d - 1, term = exp(-beta);

    for (eg_index l = 0; l < n; l++) {
        a[l] = term * (1 + beta * beta / (4 * ((double)l + nu + 1)));
        term *= 0.5 * beta / ((double)l + nu + 1);
    }
}

#define SMALL_BETA 1e-4

void egi_bessel_zonal(double *a, eg_index n, eg_index d, double beta)
{
    double b = fabs(beta), count = 1;

    EG_ASSERT(n >= 1 && d >= 2);
    if (b < SMALL_BETA) {
        small_beta(a, n, d, b);
    } else {
        descent s = begin(n, d, b);

        for (eg_index l = 0; l < n; l++) a[l] = 0;
        while (s.l > 0) {
            double factor = descend(&s);
            if (factor < 1)
                for (eg_index l = s.l + 1; l < n; l++) a[l] *= factor;
            if (s.l < n) a[s.l] = s.u;
        }
        for (eg_index l = 0; l < n; l++) {
            a[l] = a[l] / s.sum / count; /* N_l may overflow: then a_l is 0 */
            count /= shrink(l + 1, d);
        }
    }
    if (beta < 0)
        for (eg_index l = 1; l < n; l += 2) a[l] = -a[l];
}

void egi_bessel_i(double *v, eg_index n, eg_index twice_nu, double beta)
{
    double nu = 0.5 * (double)twice_nu, factor;

    EG_ASSERT(beta >= 0 && twice_nu >= 0);
    egi_bessel_zonal(v, n, twice_nu + 2, beta);
    if (twice_nu == 0) return;
    factor = beta > 0 ? exp(nu * log(0.5 * beta) - lgamma(nu + 1)) : 0;
    for (eg_index k = 0; k < n; k++) v[k] *= factor;
}

/* Below beta = SMALL_BETA: N_l a_l < beta^l / l! for l >= 1. */
static eg_index small_degree(double *tail, double beta, double eps)
{
    double term = beta;
    eg_index l = 0;

    for (; 2 * term > eps; l++) term *= beta / (double)(l + 2);
    *tail = 2 * term;
    return l;
}

eg_index egi_zonal_degree(double *tail, eg_index d, double beta, double eps)
{
    double b = fabs(beta), beyond = 0;
    descent all, s;

    EG_ASSERT(d >= 2 && eps > 0);
    if (b < SMALL_BETA) return small_degree(tail, b, eps);
    all = begin(0, d, b);
    while (all.l > 0) descend(&all);
    /* once more, now that the whole sum is known */
    s = begin(0, d, b);
    for (;;) {
        int left = all.rescaled - s.rescaled;

        *tail = beyond;
        beyond = s.sum * pow(HUGE_U, -left) / all.sum;
        if (beyond > eps || s.l == 0) break;
        descend(&s);
    }
    return s.l;
}
