/* Associative memories as energies ("Beyond Scaling Laws: Understanding
 * Transformer Performance with Associative Memory", arXiv 2405.08707; sections
 * of its text in brackets): what a state x costs beside d stored patterns
 * rho_1 ... rho_d, and the update that brings it nearer to one of them. float64
 * throughout; sums of exponentials by their logarithms. */
#ifndef ENGRAM_ENERGY_H
#define ENGRAM_ENERGY_H

#include "engram/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Energies -------------------------------------------------------------*/

/* clang-format off */
/* nearest      g(x) = min_i |x - rho_i|^2, eq. 3
 * distance     E(x) = -(1/beta) log sum_i exp(-beta |x - rho_i|^2), eq. 4 at beta 1
 * mchn         -(1/beta) log sum_i exp(beta rho_i.x) + |x|^2/2 + log(d)/beta + xi^2/2,
 *              xi = max_i |rho_i|: modern continuous Hopfield network, 2008.02217
 * hopfield     -x^T W x / 2, W = sum_i rho_i rho_i^T / n without its diagonal
 * polynomial   -sum_i (rho_i.x)^power: dense associative memory, 1606.01164
 * exponential  -log sum_i exp(rho_i.x): 1702.01929
 * In the last three patterns and states are of -1 and +1. */
/* clang-format on */
#define EG_ENERGY_KINDS "nearest|distance|mchn|hopfield|polynomial|exponential"
typedef enum eg_energy_kind {
    EG_ENERGY_NEAREST,
    EG_ENERGY_DISTANCE,
    EG_ENERGY_MCHN,
    EG_ENERGY_HOPFIELD,
    EG_ENERGY_POLYNOMIAL,
    EG_ENERGY_EXPONENTIAL
} eg_energy_kind;

typedef struct eg_energy {
    eg_energy_kind kind;
    const double *pattern; /* [d, n], borrowed */
    eg_index d, n;
    double beta; /* distance, mchn */
    int power;   /* polynomial, from 2 to 32 */
    double xi2;  /* max_i |rho_i|^2 */
} eg_energy;

/* Does the kind have states of -1 and +1? */
EG_API bool eg_energy_signs(eg_energy_kind kind);

/* Fills *e; cost d n. EG_EINVAL: no pattern, an entry that is not finite, or
 * not -1 or +1 where the kind has signs, a beta that is not positive, a power
 * out of range. beta and power are of the kinds that have them, else ignored.
 */
EG_API eg_status eg_energy_init(eg_energy *e, eg_energy_kind kind,
                                const double *pattern, eg_index d, eg_index n,
                                double beta, int power, eg_err *err);

/* The energy at x [n]; work [d]. Cost d n. */
EG_API double eg_energy_at(const eg_energy *e, const double *x, double *work);

/* Its gradient g [n], which may not be x; work [d]. Cost 2 d n. Of the kinds
 * with signs that of the same formula at real x; of nearest that of the pattern
 * that is nearest, the lowest on ties:
 *     distance  2 (x - sum_i p_i rho_i),  p = softmax(-beta |x - rho|^2)
 *     mchn      x - sum_i p_i rho_i,      p = softmax(beta rho.x) */
EG_API void eg_energy_gradient(double *g, const eg_energy *e, const double *x,
                               double *work);

/* One update of x [n] in place: x <- sum_i p_i rho_i, which for mchn is
 * attention with keys and values rho; of nearest p is 1 at the nearest. Of the
 * kinds with signs one sweep over the entries in their order, each set to the
 * sign with the smaller energy, and left on ties. Entries with held[i] != 0
 * stay as they are (NULL: none). The energy never rises: each step finds the
 * smallest value, over the free entries, of a bound that touches it at x
 * (distance: sum_i p_i |x - rho_i|^2 + (1/beta) sum_i p_i log p_i).
 * work [d + n]. Returns the largest change of an entry. Cost 2 d n. */
EG_API double eg_energy_step(const eg_energy *e, double *x,
                             const unsigned char *held, double *work);

/* ---- Balls about patterns [section 5, corrected] ---------------------------
 *
 * All by logarithms, so that n = 10^6 is as good as n = 2; relative accuracy of
 * what they are the logarithms of about 1e-12. n >= 1, r > 0. */

/* V_n(r) = pi^(n/2) r^n / Gamma(1 + n/2), the volume. */
EG_API double eg_ball_log_volume(double n, double r);

/* The integral of exp(-dist) over the ball, which a partition function is a sum
 * of: with squared distances pi^(n/2) gamma(n/2, r^2) / Gamma(n/2), as the
 * text defines dist; with distances 2 pi^(n/2) gamma(n, r) / Gamma(n/2), which
 * is what eq. 12 to 14 compute. gamma is the lower incomplete function. */
EG_API double eg_ball_log_mass(double n, double r, bool squared);

/* r* = sqrt(n / (2 pi e)), at which V is 1/sqrt(pi n) by Stirling; and the r
 * with V = 1 exactly. */
EG_API double eg_ball_critical(double n);
EG_API double eg_ball_unit(double n);

/* h(Z) = log Z + 1/Z, the loss of proposition 4, by log Z; and the log Z >= 0
 * with h = loss, NaN below 1, where there is none. */
EG_API double eg_loss_of_log_z(double log_z);
EG_API double eg_log_z_of_loss(double loss);

/* ---- Power laws
 * ------------------------------------------------------------*/

/* log y = intercept + slope log x by least squares, with the interval in which
 * the slope lies with so much confidence if the errors of log y are
 * independent, normal and alike: slope +- t se, t of Student's law of n - 2
 * degrees. Two pairs have no interval: low and high are -inf and inf, se is
 * NaN. */
typedef struct eg_power_fit {
    int n;
    double slope, intercept, se, low, high;
    double residual; /* standard deviation of log y about the line */
} eg_power_fit;

/* EG_EINVAL: fewer than two pairs, a number that is not positive and finite,
 * all x alike, or a confidence outside (0, 1). */
EG_API eg_status eg_power_fit_pairs(eg_power_fit *out, const double *x,
                                    const double *y, int n, double confidence,
                                    eg_err *err);

/* The paper's law for N parameters and D tokens: N = bracket D^2 with bracket =
 * A l d_emb / (pi T^3), where a model has N = A l d_emb^2 in l layers and reads
 * T tokens. A l d_emb = N / d_emb, so the bracket moves with N: see
 * eg_edge_tokens.
 */
EG_API double eg_law_bracket(double A, double layers, double d_emb, double T);

/* D = sqrt(pi T^3 d_emb), the tokens at which the condition behind it, Z = 1 at
 * the upper edge of eq. 14, is met: a function of width and context alone. */
EG_API double eg_edge_tokens(double d_emb, double T);

#ifdef __cplusplus
}
#endif
#endif
