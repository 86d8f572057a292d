/* Statements on flows beyond the theorems: the rest of the rows of
 * eg_flow_theories, as in flow_theory.h. */
#ifndef ENGRAM_FLOW_THEORY_MORE_H
#define ENGRAM_FLOW_THEORY_MORE_H

#include "engram/flow_theory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* mean_field [2312.10794, section 3]: two independent samples of n tokens, d =
 * 2 from the density (1 + tilt cos)/2 pi, d > 2 uniform. Emits, over n, for
 * every time T ("0", "1"): W_T, the distance W_1 of the samples, mean over
 * draws, and scaled_T = sqrt(n) W_T; growth, the largest ln(W_t/W_0)/t of any
 * draw; bound, d = 2, USA: 2 exp(beta), twice the Lipschitz constant of
 * exp(beta cos) sin, which growth cannot pass. */
#define EG_FLOW_THEORY_MEAN_FIELD_FIELDS(I, R, B, T, E, L)   \
    L(tokens, "[100, 400, 1600, 6400]", "n")                 \
    I(d, "2", 2, 64, "dimension")                            \
    R(tilt, "0", 0, 0.99, "of the density")                  \
    R(beta, "1", 0, 100, "inverse temperature")              \
    E(model, "SA", EG_FLOW_MODELS, "attention weights")      \
    L(times, "[1, 2]", "when, ascending; 0 comes by itself") \
    I(draws, "20", 1, 10000, "pairs of samples")
EG_FIELDS_STRUCT(eg_flow_theory_mean_field, EG_FLOW_THEORY_MEAN_FIELD_FIELDS)

/* dirac [2504.14697]: SA on the circle from the density (1 + tilt cos)/2 pi, n
 * tokens at its quantiles. Emits, over 1000 t: W = W_2 to the Dirac mass at the
 * pole; rate, its mean -d ln W/dt since the time before: 1/2 in a density that
 * is positive at the antipode, as long as n exp(-t) tokens are left there. */
#define EG_FLOW_THEORY_DIRAC_FIELDS(I, R, B, T, E, L) \
    I(n, "100000", 2, 10000000, "tokens")             \
    R(beta, "0.5", 0, 10, "inverse temperature")      \
    R(tilt, "0.5", 0, 0.99, "of the density")         \
    L(times, "[1, 2, 4, 6, 8]", "when, ascending")
EG_FIELDS_STRUCT(eg_flow_theory_dirac, EG_FLOW_THEORY_DIRAC_FIELDS)

/* layers [2312.10794, Figure 1]: histograms of inner products <x_i,x_j> layer
 * by layer, for attention alone (x <- N(x + h A(x)), h = 1 a post-norm layer)
 * from uniform tokens, the null model of the paper's trained network. Emits,
 * over layers: mean, median, low, high (5 and 95 %), above (share above 0.9);
 * of the histogram with bins of Freedman and Diaconis, scaled to area 1, width
 * of a bin, top, its highest bar, and top_at, where; peaks, of `bins` bars. The
 * same with NAME_all, all n^2 inner products, i = j included, as the paper has
 * them.
 */
#define EG_FLOW_THEORY_LAYERS_FIELDS(I, R, B, T, E, L)        \
    I(n, "256", 2, 4096, "tokens")                            \
    I(d, "16", 2, 4096, "dimension")                          \
    R(beta, "9", 0, 1000, "inverse temperature")              \
    R(h, "1", 1e-6, 100, "step of a layer")                   \
    I(bins, "50", 2, 4000, "bars in which peaks are counted") \
    L(layers, "[0, 5, 30, 48]", "which, ascending from 0")
EG_FIELDS_STRUCT(eg_flow_theory_layers, EG_FLOW_THEORY_LAYERS_FIELDS)

/* steer [2411.04551]: clouds around the axes e_c of the sphere, first gathered
 * by attention, then pushed one after the other to targets along e_c + 0.8
 * e_(c+1) by w relu(<a,x> + b); gate: b cuts off the other clouds. Emits, over
 * stages (0 the start, 1 gathered, then a cloud each): distance, the largest
 * W_2 of a cloud to its target; width, the widest angle within a cloud; gap,
 * the smallest between two; room, by how much the gate can tell them apart. */
#define EG_FLOW_THEORY_STEER_FIELDS(I, R, B, T, E, L)        \
    I(clouds, "2", 2, 16, "clouds, at most d")               \
    I(n, "24", 1, 1000, "tokens of a cloud")                 \
    I(d, "3", 2, 64, "dimension")                            \
    R(side, "0.25", 0, 1, "half the side of a cloud's cube") \
    R(beta, "20", 0, 300, "inverse temperature")             \
    R(t_gather, "12", 0.01, 1e6, "time of attention")        \
    R(strength, "10", 0.01, 1e4, "of the feed-forward")      \
    R(t_push, "10", 0.01, 1e6, "time of each push")          \
    B(gate, "true", "cut off the others")
EG_FIELDS_STRUCT(eg_flow_theory_steer, EG_FLOW_THEORY_STEER_FIELDS)

/* perceptron [2601.21366]: USA and w relu(a x), with w = a' the gradient flow
 * of F = E + (1/n) sum_i f(x_i), f(x) = (1/2) sum_k relu(<a_k,x>)^2; gradient
 * false: w of its own. Emits, over 1000 t: objective = F; increment, since the
 * time before; identity, relative difference of dF/dt along the field (h =
 * 1e-4) from (1/n) sum |dx_i/dt|^2; atoms, clusters of the tokens; speed, rms
 * of |dx_i/dt|. */
#define EG_FLOW_THEORY_PERCEPTRON_FIELDS(I, R, B, T, E, L) \
    I(n, "64", 2, 4096, "tokens")                          \
    I(d, "3", 2, 64, "dimension")                          \
    I(m, "6", 1, 256, "hidden neurons")                    \
    R(size, "1", 0, 100, "standard deviation of a")        \
    R(beta, "2", 0.001, 20, "inverse temperature")         \
    B(gradient, "true", "w = a'")                          \
    L(times, "[0.1, 0.3, 1, 3, 10, 30]", "when, ascending")
EG_FIELDS_STRUCT(eg_flow_theory_perceptron, EG_FLOW_THEORY_PERCEPTRON_FIELDS)

/* reweight: tokens with masses that change as well, shifted USA,
 * dm_i/dt = m_i (Z_i - sum_j m_j Z_j), Z_i = sum_j m_j exp(beta (<x_i,x_j> -
 * 1)): ascent of the same energy. Emits, over 1000 t: energy = (1/2 beta) sum_i
 * m_i Z_i; increment, since the time before; identity, relative difference of
 * dE/dt (h = 1e-4) from sum m |dx/dt|^2 + (1/beta) Var_m Z; total, sum of the
 * masses less 1; heaviest, largest mass. */
#define EG_FLOW_THEORY_REWEIGHT_FIELDS(I, R, B, T, E, L) \
    I(n, "24", 2, 512, "tokens")                         \
    I(d, "3", 2, 64, "dimension")                        \
    R(beta, "4", 0.001, 100, "inverse temperature")      \
    B(moving, "true", "masses change")                   \
    L(times, "[0.3, 1, 3, 10, 30]", "when, ascending")   \
    R(impostor, "0", -1, 1,                              \
      "controls only: relative change of the mean Z that is taken off")
EG_FIELDS_STRUCT(eg_flow_theory_reweight, EG_FLOW_THEORY_REWEIGHT_FIELDS)

/* experts: SA and a push towards r_e, e the expert of largest <r_e,x> (top-1 of
 * random unit vectors), step h. Emits, over draws: clusters at time t; cells,
 * experts with tokens then; unequal = |clusters - cells|; mixed, pairs of
 * tokens in one cluster and two cells. */
#define EG_FLOW_THEORY_EXPERTS_FIELDS(I, R, B, T, E, L) \
    I(n, "48", 2, 4096, "tokens")                       \
    I(d, "8", 2, 256, "dimension")                      \
    I(experts, "4", 1, 64, "experts")                   \
    R(strength, "3", -1000, 1000, "of the push")        \
    R(beta, "1", 0, 100, "inverse temperature")         \
    R(h, "0.05", 1e-6, 1, "step")                       \
    R(t, "30", 0.01, 1e5, "when")                       \
    I(draws, "8", 1, 1000, "starts")
EG_FIELDS_STRUCT(eg_flow_theory_experts, EG_FLOW_THEORY_EXPERTS_FIELDS)

#ifdef __cplusplus
}
#endif
#endif
