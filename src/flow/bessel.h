/* Zonal expansion of the kernel of the flow:
 *     exp(beta <x,y>) = sum_l N_l a_l(beta) P_l(<x,y>)   on S^{d-1},
 *     a_l(beta) = Gamma(d/2) (2/beta)^nu I_{l+nu}(beta),  nu = d/2 - 1,
 * P_l with P_l(1) = 1, N_l the number of harmonics of degree l. d = 2:
 * a_l = I_l; d = 3: a_l = i_l = sqrt(pi/(2 beta)) I_{l+1/2}. Everything here
 * is scaled by exp(-|beta|), so no beta overflows. */
#ifndef EG_FLOW_BESSEL_H
#define EG_FLOW_BESSEL_H

#include "engram/status.h"

/* a[l] = exp(-|beta|) a_l(beta), l = 0..n-1, n >= 1, d >= 2, any beta;
 * relative error about 1e-14 (|beta| <= 1e4), also where a_l is tiny, 0 below
 * 1e-300. d = 2 gives the scaled modified Bessel functions I_l. Miller's
 * downward recurrence in u_l = N_l a_l, normalised by sum u_l = exp(|beta|).
 * O(n + sqrt(beta)). */
void egi_bessel_zonal(double *a, eg_index n, eg_index d, double beta);

/* exp(-|beta|) I_{nu+k}(beta), k = 0..n-1, for nu = 0, 1/2, 1, 3/2, ... given
 * as twice_nu >= 0, and beta >= 0 (0: I_0 = 1, else 0). */
void egi_bessel_i(double *v, eg_index n, eg_index twice_nu, double beta);

/* The smallest L with exp(-|beta|) sum_{l > L} N_l |a_l| <= eps; *tail is that
 * sum (not NULL). No distribution of tokens of total mass 1 sees a larger
 * truncation error, in the field or in the potential. */
eg_index egi_zonal_degree(double *tail, eg_index d, double beta, double eps);

#endif
