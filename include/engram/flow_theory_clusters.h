/* Statements on clusters: that tokens become one, how fast, and how long
 * several live (2312.10794, 2410.06833). Rows of eg_flow_theories, as in
 * flow_theory.h.
 */
#ifndef ENGRAM_FLOW_THEORY_CLUSTERS_H
#define ENGRAM_FLOW_THEORY_CLUSTERS_H

#include "engram/flow.h"

#ifdef __cplusplus
extern "C" {
#endif

/* two_clusters [exact reduction]: m of n tokens at one point, the others at an
 * angle u0. Emits, over 1000 t: ode, the angle by the equation for two
 * clusters; flow, by the flow of all tokens; weighted, by the flow of two
 * tokens with masses m and n - m. */
#define EG_FLOW_THEORY_TWO_CLUSTERS_FIELDS(I, R, B, T, E, L) \
    I(n, "20", 2, 4096, "tokens")                            \
    I(m, "6", 1, 4096, "of them in the first cluster")       \
    I(d, "2", 2, 64, "dimension")                            \
    R(beta, "4", 0, 100, "inverse temperature")              \
    R(u0, "2", 0.001, 3.1, "angle at t = 0")                 \
    E(model, "SA", EG_FLOW_MODELS, "attention weights")      \
    L(times, "[1, 5, 10, 20, 30]", "when, ascending")        \
    R(impostor, "0", -0.5, 0.5,                              \
      "controls only: relative change of beta in the equation")
EG_FIELDS_STRUCT(eg_flow_theory_two_clusters,
                 EG_FLOW_THEORY_TWO_CLUSTERS_FIELDS)

/* cluster_life [exact reduction]: two clusters of shares p, 1-p at angle u0.
 * Emits, over 1000 beta: life, the time to inner product 0.999;
 * over_exponential = life / exp(beta (1 - cos u0)). */
#define EG_FLOW_THEORY_CLUSTER_LIFE_FIELDS(I, R, B, T, E, L) \
    R(p, "0.5", 0.001, 0.999, "share of the first cluster")  \
    R(u0, "2", 0.1, 3.1, "angle at t = 0")                   \
    L(betas, "[2, 4, 8, 16, 32]", "inverse temperatures, to 100")
EG_FIELDS_STRUCT(eg_flow_theory_cluster_life,
                 EG_FLOW_THEORY_CLUSTER_LIFE_FIELDS)

/* clustering [2312.10794, Theorems 6.3, 6.4]: one cluster, exponentially fast.
 * start: uniform; hemisphere, uniform with the last coordinate >= 0. Emits,
 * over 1000 t, with x* the direction of the last mean: gap = 1 - min <x_i,x*>;
 * rate = -d ln(gap)/dt since the time before (2 for SA in the end); with a
 * hemisphere lowest = min of the last coordinate, risen = its change, and
 * bound, the growth of min <x_i,x*> over (1 - min <x_i,x*>)/(2 n exp(2 beta)).
 */
#define EG_FLOW_THEORY_CLUSTERING_FIELDS(I, R, B, T, E, L)              \
    I(n, "16", 2, 4096, "tokens")                                       \
    I(d, "3", 2, 4096, "dimension")                                     \
    R(beta, "1", 0, 100, "inverse temperature")                         \
    E(model, "SA", EG_FLOW_MODELS, "attention weights")                 \
    E(start, "hemisphere", "hemisphere|uniform", "tokens at t = 0")     \
    B(keys, "false", "Q and K Gaussian of variance 1/d, instead of Id") \
    E(sign, "positive", "positive|negative", "of V, Id or -Id")         \
    L(times, "[0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 14]",             \
      "when, ascending; x* is taken 20 later than the last")
EG_FIELDS_STRUCT(eg_flow_theory_clustering, EG_FLOW_THEORY_CLUSTERING_FIELDS)

/* concentration [2312.10794, Theorem 6.9]: uniform tokens in many dimensions
 * follow the scalar curve g. Emits, over d: spread = rms of <x_i,x_j> - g(t)
 * over pairs at time t; scaled = sqrt(d) spread, each with NAME_sd over draws.
 */
#define EG_FLOW_THEORY_CONCENTRATION_FIELDS(I, R, B, T, E, L) \
    I(n, "16", 2, 256, "tokens")                              \
    L(dims, "[64, 256, 1024]", "dimensions")                  \
    R(beta, "1", 0, 100, "inverse temperature")               \
    R(t, "1", 0.001, 1000, "when")                            \
    I(draws, "8", 1, 1000, "starts")                          \
    R(impostor, "0", -1, 1, "controls only: relative change of g")
EG_FIELDS_STRUCT(eg_flow_theory_concentration,
                 EG_FLOW_THEORY_CONCENTRATION_FIELDS)

/* wendel [2312.10794, Lemma 6.7]: are n uniform points in an open hemisphere?
 * Emits, over n, for every dimension D: share_dD of the draws, formula_dD =
 * 2^(1-n) sum_{k<D} C(n-1,k), sd_dD of a share of so many draws. */
#define EG_FLOW_THEORY_WENDEL_FIELDS(I, R, B, T, E, L) \
    L(points, "[4, 8, 16]", "n")                       \
    L(dims, "[2, 3, 8]", "dimensions, to 32")          \
    I(draws, "20000", 1, 100000000, "sets of points")
EG_FIELDS_STRUCT(eg_flow_theory_wendel, EG_FLOW_THEORY_WENDEL_FIELDS)

/* caps [2410.06833, Theorem 2.1]: n tokens in two opposite caps of size e on
 * the circle. Emits, over 1000 beta: lambda, 0.9 of the theorem's largest;
 * lambda_printed, the largest with the printed sign of its first bound; T1, T2;
 * bound, printed_bound = 2 exp(-lambda beta) with each; at T1 apart = largest
 * |x_i-x_j|^2 in a cap over bound; at T2 inside = smallest <x_i,w> - (1 - 2e),
 * 0 or more in the doubled caps. */
#define EG_FLOW_THEORY_CAPS_FIELDS(I, R, B, T, E, L)                 \
    I(n, "8", 2, 256, "tokens")                                      \
    R(e, "0.01", 1e-6, 0.0625, "size of the caps")                   \
    L(betas, "[8, 10]", "inverse temperatures, 6 to 40")             \
    E(model, "SA", EG_FLOW_MODELS, "attention weights")              \
    R(horizon, "1e6", 1, 1e15, "T2 is looked at no later than this") \
    R(impostor, "0", 0, 1e9,                                         \
      "controls only: T1 is divided, T2 multiplied by 1 + this")
EG_FIELDS_STRUCT(eg_flow_theory_caps, EG_FLOW_THEORY_CAPS_FIELDS)

/* cap_exit [2410.06833, Theorem 2.1, and two clusters]: n tokens in two caps of
 * size e at an angle on the circle, SA. Emits, over 1000 beta: spread, largest
 * distance in a cap after `settle`; exit, when the first token leaves its
 * doubled cap; ode, the same by the equation of two clusters from the angles
 * at `settle`; ratio of the two; T2, the theorem's time before which none
 * leaves; after = exit/T2. Over the last beta, of two and more: slope, that of
 * ln(beta exit) against beta (1 - cos u) by least squares, u the angle between
 * the clusters at `settle`: 1 in the end, when exits take exp(beta (1 - cos u))
 * / (2 beta sin^2 u); T2_slope, that of ln(T2). */
#define EG_FLOW_THEORY_CAP_EXIT_FIELDS(I, R, B, T, E, L)       \
    I(n, "8", 2, 256, "tokens, an even number")                \
    R(e, "0.01", 1e-6, 0.0625, "size of the caps")             \
    R(angle, "2.5", 0.5, 2.8, "between their centres")         \
    L(betas, "[4, 6, 8, 10]", "inverse temperatures, 1 to 12") \
    R(settle, "30", 1, 1e6, "time for each cap to collapse")   \
    B(same, "false", "one start for all betas")                \
    R(impostor, "0", -0.9, 10,                                 \
      "controls only: relative change of beta in the equation")
EG_FIELDS_STRUCT(eg_flow_theory_cap_exit, EG_FLOW_THEORY_CAP_EXIT_FIELDS)

/* kinetic [2410.06833, its program]: five tokens whose clusters merge one
 * after the other. Emits, over the number of clusters left ({<x_i,x_j> >
 * 1 - delta}): t, when that many were left first. */
#define EG_FLOW_THEORY_KINETIC_FIELDS(I, R, B, T, E, L)      \
    L(x0,                                                    \
      "[0.99806638 0.06215705, 0.97712061 0.21268594, "      \
      "-0.24578194 0.96932515, -0.97354734 0.2284854, "      \
      "-0.99892629 -0.04632772]",                            \
      "tokens on the circle, renormalised")                  \
    R(beta, "4", 0, 100, "inverse temperature")              \
    E(method, "dop853", EG_FLOW_METHODS, "integrator")       \
    R(h, "0.1", 1e-6, 100, "step of the fixed-step methods") \
    R(t, "400", 0.1, 1e9, "until when")                      \
    R(delta, "1e-3", 1e-12, 1, "tokens with <x,y> > 1 - delta are together")
EG_FIELDS_STRUCT(eg_flow_theory_kinetic, EG_FLOW_THEORY_KINETIC_FIELDS)

/* staircase [2410.06833, Figure 3]: five angles, accelerated so that the
 * gradient has length ln(beta); tokens that met (closer than 1e-3 where the
 * gradient is below 1e-5) are made one. Emits, over beta, for E = (1/n^2)
 * sum_ij exp(beta (cos(th_i-th_j) - 1)): t_36, t_48, t_76, t_999, the times
 * (steps times h) at which E passes 0.36, 0.48, 0.76, 0.999; flat_28, flat_44,
 * flat_52, the share of the steps before t_999 with E within 0.01 of
 * 0.28, 0.44, 0.52; fall, the largest decrease of E in a step. */
#define EG_FLOW_THEORY_STAIRCASE_FIELDS(I, R, B, T, E, L)       \
    L(betas, "[500, 1000, 2000, 4000]", "whole numbers")        \
    R(h, "1e-5", 1e-8, 0.01, "step")                            \
    I(steps, "1000000", 1, 1000000000, "at most so many steps") \
    R(impostor, "0", -0.9, 10,                                  \
      "controls only: relative change of the speed ln(beta)")
EG_FIELDS_STRUCT(eg_flow_theory_staircase, EG_FLOW_THEORY_STAIRCASE_FIELDS)

#ifdef __cplusplus
}
#endif
#endif
