/* The reference particle kernels: plain loops in the order of the formulas. */
#include <math.h>

#include "base/cmplx.h"
#include "kern/particles.h"

#define P_(name) name##_f32
#define P_DIFFERENCE 0
#include "kern/ref_pairs.h"

#define P_(name) name##_f64
#define P_DIFFERENCE 1
#include "kern/ref_pairs.h"

static void ref_circle_moments(double *c, const double *x, const double *mass,
                               eg_index n, eg_index K, double *work)
{
    (void)work;
    for (eg_index k = 0; k < 2 * (K + 1); k++) c[k] = 0;
    for (eg_index i = 0; i < n; i++) {
        double complex z = CMPLX(x[2 * i], x[2 * i + 1]);
        double complex p = mass ? mass[i] : 1;

        for (eg_index k = 0; k <= K; k++, p *= z) {
            c[2 * k] += creal(p);
            c[2 * k + 1] += cimag(p);
        }
    }
}

static void ref_circle_field(double *S, double *F, const double *x, eg_index n,
                             eg_index K, const double *g)
{
    for (eg_index i = 0; i < n; i++) {
        double complex z = CMPLX(x[2 * i], x[2 * i + 1]), p = 1;
        double out[3] = {0, 0, 0};

        for (eg_index k = 0; k <= K; k++, p *= z)
            for (eg_index f = 0; f < 3; f++)
                out[f] += g[6 * k + 2 * f] * creal(p) +
                          g[6 * k + 2 * f + 1] * cimag(p);
        S[i] = out[0];
        F[2 * i] = out[1];
        F[2 * i + 1] = out[2];
    }
}

/* q_lm(z) of one particle for every l of one m: q[l - m]. */
static void ref_latitude(double *q, double z, const double *gamma,
                         eg_index terms)
{
    for (eg_index l = 0; l < terms; l++) {
        double one = l > 0 ? q[l - 1] : 0, two = l > 1 ? q[l - 2] : 0;
        q[l] = l == 0 ? 1 : z * one - gamma[l] * two;
    }
}

static void ref_sphere_moments(double *M, const double *x, const double *mass,
                               eg_index n, eg_index L, const double *gamma,
                               double *work)
{
    for (eg_index k = 0; k < 2 * egi_sphere_size(L); k++) M[k] = 0;
    for (eg_index i = 0; i < n; i++) {
        double complex p = mass ? mass[i] : 1;

        for (eg_index m = 0; m <= L; m++) {
            eg_index at = egi_sphere_at(L, m, m);

            ref_latitude(work, x[3 * i + 2], gamma + at, L - m + 1);
            for (eg_index l = 0; l <= L - m; l++) {
                M[2 * (at + l)] += work[l] * creal(p);
                M[2 * (at + l) + 1] += work[l] * cimag(p);
            }
            p *= CMPLX(x[3 * i], x[3 * i + 1]);
        }
    }
}

static void ref_sphere_field(double *S, double *F, const double *x, eg_index n,
                             eg_index L, const double *gamma, const double *g)
{
    for (eg_index i = 0; i < n; i++) {
        double complex p = 1;
        double out[4] = {0, 0, 0, 0};

        for (eg_index m = 0; m <= L; m++) {
            eg_index at = egi_sphere_at(L, m, m);
            double q = 1, last = 0, z = x[3 * i + 2];

            for (eg_index l = 0; l <= L - m; l++) {
                const double *gl = g + 8 * (at + l);
                double next = l < L - m ? z * q - gamma[at + l + 1] * last : 0;

                for (eg_index f = 0; f < 4; f++)
                    out[f] +=
                        q * (gl[2 * f] * creal(p) + gl[2 * f + 1] * cimag(p));
                last = q;
                q = next;
            }
            p *= CMPLX(x[3 * i], x[3 * i + 1]);
        }
        S[i] = out[0];
        for (eg_index k = 0; k < 3; k++) F[3 * i + k] = out[k + 1];
    }
}

enum { LANES = EGI_SWARM_LANES };

static double lane_dot(const double *x, eg_index i, eg_index j, eg_index d,
                       eg_index lane)
{
    double sum = 0;

    for (eg_index k = 0; k < d; k++)
        sum += x[(i * d + k) * LANES + lane] * x[(j * d + k) * LANES + lane];
    return sum;
}

static void
ref_swarm(double *A, double *Z, const double *x, eg_index n, eg_index d,
          double beta,
          double *work) /* NOLINT(readability-non-const-parameter) */
{
    (void)work;
    for (eg_index lane = 0; lane < LANES; lane++) {
        for (eg_index i = 0; i < n; i++) {
            Z[i * LANES + lane] = 0;
            for (eg_index k = 0; k < d; k++) A[(i * d + k) * LANES + lane] = 0;
            for (eg_index j = 0; j < n; j++) {
                double dot = i == j ? 1 : lane_dot(x, i, j, d, lane);
                double w = exp(beta * (dot - 1));

                Z[i * LANES + lane] += w;
                for (eg_index k = 0; k < d; k++)
                    A[(i * d + k) * LANES + lane] +=
                        w * x[(j * d + k) * LANES + lane];
            }
        }
    }
}

static void ref_swarm_rate(double *f, const double *A, const double *Z,
                           double scale, const double *u, eg_index n,
                           eg_index d, bool tangent)
{
    for (eg_index lane = 0; lane < LANES; lane++) {
        for (eg_index i = 0; i < n; i++) {
            double c = Z ? 1 / Z[i * LANES + lane] : scale, radial = 0;

            for (eg_index k = 0; k < d; k++) {
                eg_index at = (i * d + k) * LANES + lane;
                if (tangent) radial += A[at] * u[at];
            }
            for (eg_index k = 0; k < d; k++) {
                eg_index at = (i * d + k) * LANES + lane;
                f[at] = c * (A[at] - (tangent ? radial * u[at] : 0));
            }
        }
    }
}

static void ref_swarm_unit(double *u, const double *y, eg_index n, eg_index d)
{
    for (eg_index lane = 0; lane < LANES; lane++) {
        for (eg_index i = 0; i < n; i++) {
            double s = 0;

            for (eg_index k = 0; k < d; k++) {
                eg_index at = (i * d + k) * LANES + lane;
                s += y[at] * y[at];
            }
            s = s > 0 ? 1 / sqrt(s) : 0;
            for (eg_index k = 0; k < d; k++) {
                eg_index at = (i * d + k) * LANES + lane;
                u[at] = s * y[at];
            }
        }
    }
}

static void ref_swarm_step(double *x, const double *A, const double *Z,
                           double c, eg_index n, eg_index d, bool tangent)
{
    for (eg_index lane = 0; lane < LANES; lane++) {
        for (eg_index i = 0; i < n; i++) {
            double h = Z ? c / Z[i * LANES + lane] : c, radial = 0, s = 0;

            for (eg_index k = 0; k < d && tangent; k++)
                radial += A[(i * d + k) * LANES + lane] *
                          x[(i * d + k) * LANES + lane];
            for (eg_index k = 0; k < d; k++) {
                eg_index at = (i * d + k) * LANES + lane;
                x[at] += h * (A[at] - radial * x[at]);
                s += x[at] * x[at];
            }
            s = s > 0 ? 1 / sqrt(s) : 0;
            for (eg_index k = 0; k < d; k++) x[(i * d + k) * LANES + lane] *= s;
        }
    }
}

static void ref_swarm_links(uint8_t *link, const double *x, eg_index n,
                            eg_index d, double threshold)
{
    for (eg_index i = 0; i < n; i++) {
        for (eg_index j = i + 1; j < n; j++) {
            unsigned bits = 0;
            for (eg_index lane = 0; lane < LANES; lane++)
                if (lane_dot(x, i, j, d, lane) > threshold) bits |= 1u << lane;
            *link++ = (uint8_t)bits;
        }
    }
}

const egi_particles egi_particles_ref = {
    .name = "ref",
    .pairs_f32 = ref_pairs_f32,
    .pairs_f64 = ref_pairs_f64,
    .rows_f32 = ref_rows_f32,
    .rows_f64 = ref_rows_f64,
    .circle_moments = ref_circle_moments,
    .circle_field = ref_circle_field,
    .sphere_moments = ref_sphere_moments,
    .sphere_field = ref_sphere_field,
    .swarm = ref_swarm,
    .swarm_rate = ref_swarm_rate,
    .swarm_unit = ref_swarm_unit,
    .swarm_step = ref_swarm_step,
    .swarm_links = ref_swarm_links,
};
