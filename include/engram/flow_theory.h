/* Numerical checks of what the papers on flows state (2312.10794, 2305.05465,
 * 2410.06833, 2411.04990, 2510.22026): the options of the rows of
 * eg_flow_theories; those on clusters and on the prequel stand in headers of
 * their own. In brackets sections of those papers or the origin.
 *
 * Sweep variables are whole numbers: times and inverse temperatures count in
 * thousandths, "1000 t" and "1000 beta".
 *
 * The option `impostor` of some rows is for the controls of claims: it
 * falsifies one side of what the row compares, and is 0 for the statement
 * itself. */
#ifndef ENGRAM_FLOW_THEORY_H
#define ENGRAM_FLOW_THEORY_H

#include "engram/flow.h"
#include "engram/flow_theory_clusters.h"
#include "engram/flow_theory_prequel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* scalar [2312.10794, Theorem 6.8]: the equation of equiangular tokens, time
 * from orthonormal to inner product 1/2 and to `level` by its closed inverse.
 * Emits, over 1000 beta: SA_half, SA_level, USA_half, USA_level; quadrature,
 * the largest relative difference of the four from integrating dt = dg/rate;
 * SA_rate, USA_rate = (dg/dt)/(1-g) at 1 - g = 1e-9 (2 and 2 exp(beta)). */
#define EG_FLOW_THEORY_SCALAR_FIELDS(I, R, B, T, E, L)             \
    I(n, "32", 1, 1000000, "tokens")                               \
    L(betas, "[0.1, 1, 4, 9]", "inverse temperatures, above 0")    \
    R(level, "0.999", 0, 0.999999999999, "inner product to reach") \
    R(impostor, "0", -0.5, 0.5,                                    \
      "controls only: relative change of beta in the integral")
EG_FIELDS_STRUCT(eg_flow_theory_scalar, EG_FLOW_THEORY_SCALAR_FIELDS)

/* scalar_bounds [2312.10794, appendix]: bounds on the same curve. Emits, over
 * 1000 beta: SA_half = time to 1/2 over n exp(beta)/2 (at most 1); SA_always,
 * SA_after = largest ln of (1-g) over (1/2) exp(-(n/(n+exp(beta/2)))
 * (t - n exp(beta)/2)), for all t >= 0 and for t >= n exp(beta)/2 (at most 0
 * where the bound is true); USA_always, USA_after, the same with
 * (1/2) exp(-exp(beta/2)(t - n/2)). */
#define EG_FLOW_THEORY_SCALAR_BOUNDS_FIELDS(I, R, B, T, E, L) \
    I(n, "2", 1, 1000000, "tokens")                           \
    L(betas, "[0, 1, 4]", "inverse temperatures, to 12")
EG_FIELDS_STRUCT(eg_flow_theory_scalar_bounds,
                 EG_FLOW_THEORY_SCALAR_BOUNDS_FIELDS)

/* scalar_flow [2312.10794, Theorem 6.8]: n tokens in n dimensions with equal
 * inner products, integrated as a flow. Emits, over 1000 t: gamma, the closed
 * inverse; simulated, the mean of <x_i,x_j>; spread, their largest deviation
 * from it; off, from gamma; rate, the mean of -d ln(1 - <x_i,x_j>)/dt since the
 * time before. */
#define EG_FLOW_THEORY_SCALAR_FLOW_FIELDS(I, R, B, T, E, L)          \
    I(n, "16", 2, 4096, "tokens, and dimensions")                    \
    R(beta, "4", 0, 100, "inverse temperature")                      \
    E(model, "SA", EG_FLOW_MODELS, "attention weights")              \
    R(start, "0", -1, 1, "inner product at t = 0, above -1/(n-1)")   \
    L(times, "[0.5, 1, 2, 5, 10]", "when, ascending")                \
    E(method, "dop853", EG_FLOW_METHODS, "integrator")               \
    R(h, "0.1", 1e-6, 100, "step of the fixed-step methods")         \
    R(uneven, "0", -1, 1,                                            \
      "controls only: added to the first token's second coordinate") \
    R(impostor, "0", -0.5, 0.5,                                      \
      "controls only: relative change of beta in the flow")
EG_FIELDS_STRUCT(eg_flow_theory_scalar_flow, EG_FLOW_THEORY_SCALAR_FLOW_FIELDS)

/* scheme_lag: when an orthonormal start reaches <x_i,x_j> = level, by a
 * fixed-step scheme and exactly. Emits, over 1000 beta: exact (the closed
 * inverse), scheme (interpolated between steps), ratio of the two. */
#define EG_FLOW_THEORY_SCHEME_LAG_FIELDS(I, R, B, T, E, L)      \
    I(n, "32", 2, 4096, "tokens, and dimensions")               \
    L(betas, "[1, 6]", "inverse temperatures")                  \
    R(level, "0.999", 0, 0.999999999, "inner product to reach") \
    E(method, "authors", EG_FLOW_METHODS, "integrator")         \
    R(h, "0.1", 1e-6, 100, "its step")
EG_FIELDS_STRUCT(eg_flow_theory_scheme_lag, EG_FLOW_THEORY_SCHEME_LAG_FIELDS)

/* schemes [2510.22026]: where a layer normalises, equiangular reduction from
 * <x_i,x_j> = 0, |x_i| = 1. Emits, over 1000 t and for each scheme S of post,
 * pre, peri, nGPT, sqrt: S = 1 - <x_i,x_j>/|x_i||x_j|; rate_S =
 * -d ln(1-rho)/dt; flow_S, 1 - rho of n tokens in n dimensions integrated as a
 * flow (option flow). */
#define EG_FLOW_THEORY_SCHEMES_FIELDS(I, R, B, T, E, L) \
    I(n, "32", 2, 256, "tokens")                        \
    R(beta, "1", 0, 100, "inverse temperature")         \
    R(alpha, "1", 1e-3, 1e3, "step of nGPT")            \
    L(times, "[10, 50, 200]", "when, ascending")        \
    B(flow, "true", "integrate the flow as well")
EG_FIELDS_STRUCT(eg_flow_theory_schemes, EG_FLOW_THEORY_SCHEMES_FIELDS)

/* energy_identity [2312.10794, section 3]: at random tokens, dE/dt along the
 * field by differences (h = 1e-3, fourth order) against sum_i |v_i|^2 / n (USA)
 * and sum_i Z_i |v_i|^2 / n^2 (SA). Emits, over 1000 beta, the largest over the
 * draws: SA, USA, relative differences; wedge_SA = |sum_i Z_i x_i ^ v_i|
 * relative to sum_i Z_i |v_i|, wedge_USA without Z (for d = 2 the sum of
 * angular velocities): both constants of motion. */
#define EG_FLOW_THEORY_ENERGY_IDENTITY_FIELDS(I, R, B, T, E, L)    \
    I(n, "20", 2, 4096, "tokens")                                  \
    I(d, "3", 2, 4096, "dimension")                                \
    L(betas, "[1, 3, 9]", "inverse temperatures, above 0, to 300") \
    I(draws, "5", 1, 1000, "random sets of tokens")                \
    R(impostor, "0", -1, 1,                                        \
      "controls only: SA's weights are Z_i/n to the power 1 less " \
      "this, USA's to this power")
EG_FIELDS_STRUCT(eg_flow_theory_energy_identity,
                 EG_FLOW_THEORY_ENERGY_IDENTITY_FIELDS)

/* energy_path [2312.10794, section 3.4]: energy along a run from uniform
 * tokens, with kernel exp(beta <x, Q'K y>). matrix: identity, V = Q'K = Id;
 * symmetric, V = Q'K = a GOE matrix / sqrt(d); -identity, -symmetric, V the
 * negative of Q'K; other, Q'K = Id and V Gaussian. Emits, over 1000 t: energy;
 * increment, since the time before. */
#define EG_FLOW_THEORY_ENERGY_PATH_FIELDS(I, R, B, T, E, L)                 \
    I(n, "32", 2, 4096, "tokens")                                           \
    I(d, "3", 2, 4096, "dimension")                                         \
    R(beta, "2", 0.001, 100, "inverse temperature")                         \
    E(model, "SA", EG_FLOW_MODELS, "attention weights")                     \
    E(matrix, "identity", "identity|-identity|symmetric|-symmetric|other",  \
      "value matrix")                                                       \
    L(times, "[0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30]", \
      "when, ascending")
EG_FIELDS_STRUCT(eg_flow_theory_energy_path, EG_FLOW_THEORY_ENERGY_PATH_FIELDS)

/* energy_uniform [2312.10794, section 3.4]: energy of the uniform measure, its
 * minimum. Emits, over 1000 beta, for every dimension D: energy_dD by Bessel
 * functions; quadrature_dD, relative difference from integrating
 * exp(beta t) (1-t^2)^((D-3)/2); sample_dD, the energy of `n` random tokens
 * without its diagonal, over energy_dD (1 on average; sample_dD_sd). */
#define EG_FLOW_THEORY_ENERGY_UNIFORM_FIELDS(I, R, B, T, E, L)     \
    L(dims, "[2, 3, 8]", "dimensions")                             \
    L(betas, "[1, 4, 9]", "inverse temperatures, above 0, to 300") \
    I(n, "200", 2, 4096, "tokens of a sample")                     \
    I(draws, "50", 2, 10000, "samples")                            \
    R(impostor, "0", -0.5, 0.5,                                    \
      "controls only: relative change of beta in the integral")
EG_FIELDS_STRUCT(eg_flow_theory_energy_uniform,
                 EG_FLOW_THEORY_ENERGY_UNIFORM_FIELDS)

/* cross_ratio: |x_i-x_j||x_k-x_l| / (|x_i-x_k||x_j-x_l|) are constants of
 * motion at beta = 0. Emits, over d: change, the largest relative change over
 * all quadruples until time t. */
#define EG_FLOW_THEORY_CROSS_RATIO_FIELDS(I, R, B, T, E, L) \
    I(n, "8", 4, 32, "tokens")                              \
    L(dims, "[2, 3, 5]", "dimensions")                      \
    R(beta, "0", 0, 100, "inverse temperature")             \
    R(t, "3", 0.001, 1000, "when")
EG_FIELDS_STRUCT(eg_flow_theory_cross_ratio, EG_FLOW_THEORY_CROSS_RATIO_FIELDS)

/* ring_rates [2312.10794, section 7; growth rates by Bessel functions]: linear
 * growth of degree l around the uniform state. Emits, over l: SA, USA, rates
 * by formula, USA times exp(-beta); for d = 2 also field_SA, field_USA, read
 * off the field of `n` equispaced tokens displaced by 1e-6 cos(l theta). */
#define EG_FLOW_THEORY_RING_RATES_FIELDS(I, R, B, T, E, L) \
    I(d, "2", 2, 64, "dimension")                          \
    R(beta, "4", 0.001, 300, "inverse temperature")        \
    I(degrees, "5", 1, 100, "l = 1 to this")               \
    I(n, "64", 3, 100000, "tokens of the ring; above 2 degrees")
EG_FIELDS_STRUCT(eg_flow_theory_ring_rates, EG_FLOW_THEORY_RING_RATES_FIELDS)

/* fastest_modes: Emits, over 1000 beta: for every dimension D degree_dD, the
 * degree of largest growth around the uniform state; root = sqrt(2 beta);
 * reach = arccos((sqrt(1+4 beta^2)-1)/(2 beta)), the angle at which two tokens
 * on a circle attract most; steepest, that angle by a search for the maximum of
 * exp(beta cos u) sin u. */
#define EG_FLOW_THEORY_FASTEST_MODES_FIELDS(I, R, B, T, E, L) \
    L(betas, "[1, 2, 4, 6, 9, 16, 25, 64, 100]", "to 300")    \
    L(dims, "[2, 3]", "dimensions")
EG_FIELDS_STRUCT(eg_flow_theory_fastest_modes,
                 EG_FLOW_THEORY_FASTEST_MODES_FIELDS)

/* mode_selection [2.4; Bruno, Pasqualotto, Agazzi]: many random tokens on a
 * circle. Emits, over draws: dominant, the k of largest |c_k|^2 at time t; off,
 * how far that is from the fastest mode; growth, the measured exponential rate
 * of |c_k|, k the fastest mode, between t/2 and t, over its formula. */
#define EG_FLOW_THEORY_MODE_SELECTION_FIELDS(I, R, B, T, E, L)           \
    I(n, "4000", 16, 10000000, "tokens")                                 \
    R(beta, "9", 0.1, 300, "inverse temperature")                        \
    R(t, "4", 0.01, 1000, "when; about ln(sqrt n)/rate ends the growth") \
    I(draws, "4", 1, 1000, "starts")
EG_FIELDS_STRUCT(eg_flow_theory_mode_selection,
                 EG_FLOW_THEORY_MODE_SELECTION_FIELDS)

/* kuramoto [2312.10794, section 7.1 and Theorem 4.2]: random tokens on a
 * circle. Emits, over millionths of beta: identity, the largest difference of
 * the field at beta = 0 from R sin(psi - theta_i); distance, the largest
 * distance at time t of a token from where it is with beta = 0; per_beta,
 * the same over beta. */
#define EG_FLOW_THEORY_KURAMOTO_FIELDS(I, R, B, T, E, L)   \
    I(n, "32", 2, 4096, "tokens")                          \
    I(d, "2", 2, 64, "dimension; identity needs 2")        \
    L(betas, "[0.0001, 0.001, 0.01]", "small, above 1e-6") \
    E(model, "SA", EG_FLOW_MODELS, "attention weights")    \
    R(t, "2", 0.01, 1000, "when")                          \
    R(impostor, "0", 0, 1, "controls only: beta of the field in identity")
EG_FIELDS_STRUCT(eg_flow_theory_kuramoto, EG_FLOW_THEORY_KURAMOTO_FIELDS)

/* sharp [2312.10794, section 9; Cohn, Kumar]: V = -Id on the sphere ends in
 * minimisers of the energy. Emits, over draws: deviation, the largest distance
 * of an <x_i,x_j> from `inner` at time t; energy; moment_1, moment_2, ... to
 * moment_5, the design moments (0 up to the strength of the design). */
#define EG_FLOW_THEORY_SHARP_FIELDS(I, R, B, T, E, L)               \
    I(n, "4", 2, 256, "tokens")                                     \
    I(d, "3", 2, 64, "dimension")                                   \
    R(beta, "1", 0.001, 100, "inverse temperature")                 \
    L(inner, "[-0.333333333333333333]", "inner products to expect") \
    R(t, "200", 0.01, 1e9, "when")                                  \
    I(draws, "4", 1, 1000, "starts")
EG_FIELDS_STRUCT(eg_flow_theory_sharp, EG_FLOW_THEORY_SHARP_FIELDS)

/* phase [2312.10794, Figures 3 to 5]: an ensemble of uniform starts. scores,
 * values: random matrices B and V, drawn anew with every start, the same ones
 * for every beta (flow_ensemble.h). Emits, over 1000 beta, for every
 * time T ("30", "2.5"): density_T, the share of pairs with <x_i,x_j> >
 * 1 - delta, and density_T_sd over draws; components_T, their mean number;
 * together_T, the share of draws with all pairs above; clusters_K_T, the share
 * with K = 1 ... 4 components; with `dimension` dimension_T, the mean number of
 * Gram eigenvalues above 1e-3, and dimension_T_sd; boundary (Q = K = V = Id),
 * the time at which equiangular tokens that start orthogonal reach 1 - delta.
 */
#define EG_FLOW_THEORY_PHASE_FIELDS(I, R, B, T, E, L)                        \
    I(n, "32", 2, 4096, "tokens")                                            \
    I(d, "2", 2, 65536, "dimension")                                         \
    L(betas, "[1, 4, 9]", "inverse temperatures")                            \
    L(times, "[2.5, 10, 18, 30]", "when, ascending")                         \
    E(model, "SA", EG_FLOW_MODELS, "attention weights")                      \
    E(method, "authors", EG_FLOW_METHODS, "authors, euler, rk4")             \
    R(h, "0.1", 1e-6, 100, "step")                                           \
    R(delta, "1e-3", 1e-12, 1, "tokens with <x,y> > 1 - delta are together") \
    E(scores, "identity", "identity|gaussian|goe|wigner",                    \
      "B of the scores <x_i, B x_j>; wigner: goe with a wrong diagonal")     \
    E(values, "identity", "identity|gram|scores|-scores",                    \
      "V: identity, W W' / sqrt d, plus or minus B normalised")              \
    E(convention, "rows", "rows|columns",                                    \
      "V' x_j, as the original program on rows, or V x_j")                   \
    B(dimension, "false", "count Gram eigenvalues above 1e-3")               \
    I(draws, "1024", 1, 1000000, "starts")
EG_FIELDS_STRUCT(eg_flow_theory_phase, EG_FLOW_THEORY_PHASE_FIELDS)

/* causal [2411.04990, Theorem 4.1]: token k sees tokens 1 to k only. V:
 * identity, or diagonal with entries `values`. Emits, over 1000 t: first_moved
 * = |x_1(t) - x_1(0)|; distance = largest |x_k - x_1(0)|; to_axis, to_plane =
 * largest distance from +-e_1, from the normalised projection of x_1(0) on the
 * span of e_1, e_2. */
#define EG_FLOW_THEORY_CAUSAL_FIELDS(I, R, B, T, E, L)                  \
    I(n, "16", 2, 4096, "tokens, uniform")                              \
    I(d, "3", 2, 60, "dimension")                                       \
    R(beta, "1", 0, 100, "inverse temperature")                         \
    B(causal, "true", "the mask")                                       \
    B(keys, "false", "Q and K Gaussian of variance 1/d, instead of Id") \
    L(values, "", "diagonal of V; all 1 when empty")                    \
    L(times, "[10, 100, 1000]", "when, ascending")
EG_FIELDS_STRUCT(eg_flow_theory_causal, EG_FLOW_THEORY_CAUSAL_FIELDS)

/* renyi [2411.04990, section 5]: n uniform points on a circle, in order; a
 * centre is farther (geodesic) than delta from all centres before, a strong
 * centre from all points before. Emits, over 1000 delta: centres, strong
 * (means, with NAME_sd of one draw); parking = 0.7475979 2 pi/delta, formula =
 * (pi/delta) (1 - (1 - delta/pi)^n). */
#define EG_FLOW_THEORY_RENYI_FIELDS(I, R, B, T, E, L)  \
    I(n, "2000", 1, 100000000, "points")               \
    L(deltas, "[0.1, 0.5]", "separations, 0.001 to 3") \
    I(draws, "200", 1, 1000000, "sequences")
EG_FIELDS_STRUCT(eg_flow_theory_renyi, EG_FLOW_THEORY_RENYI_FIELDS)

/* strong_centres [2411.04990, Theorem 5.1]: causal flow on the circle; strong
 * centres at separation delta = c (1 + 2e) beta^-1/2, c = 1.05 times its least
 * value, and their times T_j. Emits, over draws: centres, how many; moved = the
 * largest move by T_j over e c beta^-1/2 (below 1 by the theorem), T_j cut at
 * `horizon`; shortest = the smallest T_j. */
#define EG_FLOW_THEORY_STRONG_CENTRES_FIELDS(I, R, B, T, E, L) \
    I(n, "64", 2, 4096, "tokens")                              \
    R(beta, "64", 1, 1000, "inverse temperature")              \
    R(e, "1", 0.01, 10, "epsilon of the theorem")              \
    R(horizon, "1000", 0.1, 1e6, "no time beyond this")        \
    I(draws, "3", 1, 1000, "starts")                           \
    B(causal, "true", "the mask")                              \
    R(impostor, "0", -1, 1e9, "controls only: relative change of T_j")
EG_FIELDS_STRUCT(eg_flow_theory_strong_centres,
                 EG_FLOW_THEORY_STRONG_CENTRES_FIELDS)

/* noise_threshold [2606.05140]: noise sqrt(2/kappa) dW. Emits, over 1000 beta,
 * for every dimension D: kappa_dD = beta/a_1(beta), at which the uniform state
 * loses stability; for the smallest beta also continuous_dD, the beta_* up to
 * which the transition is continuous. */
#define EG_FLOW_THEORY_NOISE_THRESHOLD_FIELDS(I, R, B, T, E, L) \
    L(dims, "[2, 3, 4, 8]", "dimensions")                       \
    L(betas, "[0.001, 1, 4]", "inverse temperatures, to 300")
EG_FIELDS_STRUCT(eg_flow_theory_noise_threshold,
                 EG_FLOW_THEORY_NOISE_THRESHOLD_FIELDS)

/* noise_run: n tokens of USA on a circle with noise, uniform start. Emits, over
 * 1000 kappa/kappa_#: order, |mean x| at time t, mean over draws. */
#define EG_FLOW_THEORY_NOISE_RUN_FIELDS(I, R, B, T, E, L) \
    I(n, "1000", 2, 10000000, "tokens")                   \
    R(beta, "1", 0.001, 100, "inverse temperature")       \
    L(ratios, "[0.5, 2]", "kappa over kappa_#")           \
    R(t, "20", 0.1, 1e6, "when")                          \
    R(h, "0.02", 1e-6, 10, "step")                        \
    I(draws, "2", 1, 1000, "starts")
EG_FIELDS_STRUCT(eg_flow_theory_noise_run, EG_FLOW_THEORY_NOISE_RUN_FIELDS)

/* long_context [Chen, Lin, Polyanskiy, Rigollet 2025]: one attention layer on n
 * equiangular tokens with inner product rho, beta = c log n. Emits, over
 * log10 n, for every c: cosine_1, cosine_2, ... of two outputs, in the order of
 * `c`. */
#define EG_FLOW_THEORY_LONG_CONTEXT_FIELDS(I, R, B, T, E, L) \
    R(rho, "0.5", 0, 0.99, "inner product")                  \
    L(c, "[1, 2, 3]", "beta over log n")                     \
    L(exponents, "[2, 4, 8, 16, 32]", "log10 n, whole, to 250")
EG_FIELDS_STRUCT(eg_flow_theory_long_context,
                 EG_FLOW_THEORY_LONG_CONTEXT_FIELDS)

/* orders [numerical schemes]: a fixed-step scheme against Dormand-Prince 8(5,3)
 * at rtol 1e-13. x0: one item a token, renormalised; uniform when empty. Emits,
 * over 1000 t: error, the largest coordinate difference with step h; half, with
 * h/2; order = log2(error/half). */
#define EG_FLOW_THEORY_ORDERS_FIELDS(I, R, B, T, E, L)  \
    L(x0, "", "tokens")                                 \
    I(n, "32", 2, 4096, "tokens, when x0 is empty")     \
    I(d, "2", 2, 64, "dimension")                       \
    R(beta, "4", 0, 100, "inverse temperature")         \
    E(method, "authors", EG_FLOW_METHODS, "integrator") \
    R(h, "0.1", 1e-6, 10, "step")                       \
    L(times, "[2.5, 10, 30]", "when, ascending")
EG_FIELDS_STRUCT(eg_flow_theory_orders, EG_FLOW_THEORY_ORDERS_FIELDS)

#ifdef __cplusplus
}
#endif
#endif
