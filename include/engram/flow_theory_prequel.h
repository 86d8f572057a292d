/* Statements on tokens in R^d, which nothing normalises: the prequel
 * (2305.05465), its released scripts, and zero temperature (2508.09628). Rows
 * of eg_flow_theories, as in flow_theory.h. */
#ifndef ENGRAM_FLOW_THEORY_PREQUEL_H
#define ENGRAM_FLOW_THEORY_PREQUEL_H

#include "engram/flow.h"

#ifdef __cplusplus
extern "C" {
#endif

/* rescaled [2305.05465]: z_i = exp(-tV) x_i in R^d. V: d^2 numbers, row after
 * row; identity when empty. x0: one item a token; uniform in [-side, side]^d
 * when empty. Emits, over 1000 t: hull (length, area, volume; d <= 3), vertices
 * of it; shrunk, its decrease since the time before; rank, the numerical rank
 * of the attention matrix P (singular values above n 2^-52 times the largest),
 * and boolean, the largest |P_ij - 0 or 1|; entropy of its rows; with A = Id,
 * candidates = largest over tokens of max_j <z_i,z_j> - |z_i|^2 over |z_i|^2,
 * 0 on the set S of Theorem 3.1. With the leading k
 * coordinates phi = (left eigenvectors of V) z, by subspace iteration: k = 1:
 * low, high = extreme phi; n_low, tokens below 0; three = largest distance of a
 * phi from the nearest of low, 0 and high; three_by_rank, that of the median
 * token; any k: groups, the number of clusters of phi (joined below `join`
 * times its range). coordinate = rms of the last coordinate. */
#define EG_FLOW_THEORY_RESCALED_FIELDS(I, R, B, T, E, L)                \
    I(d, "2", 1, 16, "dimension")                                       \
    L(V, "", "value matrix")                                            \
    L(x0, "", "tokens")                                                 \
    I(n, "20", 2, 1000, "tokens, when x0 is empty")                     \
    R(side, "5", 1e-3, 1e3, "half the side of the cube of the start")   \
    I(k, "1", 1, 16, "leading coordinates")                             \
    R(join, "0.05", 1e-6, 1, "width of a group, relative to the range") \
    L(times, "[1, 2, 3, 4, 5]", "when, ascending")                      \
    R(rtol, "1e-11", 1e-15, 1, "relative tolerance of the integrator")
EG_FIELDS_STRUCT(eg_flow_theory_rescaled, EG_FLOW_THEORY_RESCALED_FIELDS)

/* repulsive [2305.05465, Theorem C.5]: V = -Id in R^d, Q'K = Id, uniform start
 * in [-side, side]^d. Emits, over 1000 t: square = mean |x_i|^2; decay = square
 * times 2t/d, 1 in the end; uniformity = largest |n P_ij - 1|. */
#define EG_FLOW_THEORY_REPULSIVE_FIELDS(I, R, B, T, E, L)             \
    I(n, "20", 2, 1000, "tokens")                                     \
    I(d, "2", 1, 64, "dimension")                                     \
    R(side, "2", 1e-3, 1e3, "half the side of the cube of the start") \
    L(times, "[1, 10, 100, 1000]", "when, ascending")
EG_FIELDS_STRUCT(eg_flow_theory_repulsive, EG_FLOW_THEORY_REPULSIVE_FIELDS)

/* programs [2305.05465, its released scripts]: what they integrate. V = Id, A =
 * Id, uniform start in [-side, side]^d, step h. Emits, over the number of
 * steps: rk4_euler, the largest difference of the script's RK4 from explicit
 * Euler relative to the largest coordinate; rk4_flow, of the script's RK4 from
 * the flow itself; true_rk4, of RK4 as it should be, from the flow; linear, of
 * the path of the low-rank script from exp(tV) x_0; linear_flow, of exp(tV) x_0
 * from the flow dx_i/dt = sum_j P_ij V x_j. V = M M'/d, M uniform, for the last
 * two. */
#define EG_FLOW_THEORY_PROGRAMS_FIELDS(I, R, B, T, E, L)              \
    I(n, "20", 2, 100, "tokens")                                      \
    I(d, "2", 1, 16, "dimension")                                     \
    R(side, "5", 1e-3, 100, "half the side of the cube of the start") \
    R(h, "0.1", 1e-6, 1, "step")                                      \
    L(steps, "[10, 50]", "when, ascending")
EG_FIELDS_STRUCT(eg_flow_theory_programs, EG_FLOW_THEORY_PROGRAMS_FIELDS)

/* low_rank [2305.05465, its released script]: V = M M', M uniform in [-1, 1],
 * tokens uniform in [-1, 1]^d that follow dx/dt = Vx, by the script's step of
 * Runge and Kutta or exactly; attention is looked at only. Emits, over steps:
 * rank, the numerical rank of the attention matrix; at step 0 stiffness = h
 * times the leading eigenvalue of V, and growth, that of the leading coordinate
 * in one step over its exponential. */
#define EG_FLOW_THEORY_LOW_RANK_FIELDS(I, R, B, T, E, L)  \
    I(n, "40", 2, 400, "tokens")                          \
    I(d, "80", 1, 1024, "dimension")                      \
    R(h, "0.1", 1e-6, 1, "step")                          \
    B(exact, "false", "exp(hV) in the place of the step") \
    I(steps, "110", 1, 100000, "steps; fewer where tokens overflow")
EG_FIELDS_STRUCT(eg_flow_theory_low_rank, EG_FLOW_THEORY_LOW_RANK_FIELDS)

/* leaders [2305.05465, its released script]: x-dynamics in the plane by
 * explicit Euler, V = M M', A = M' M'', uniform entries in [-1, 1]. Emits, over
 * draws: first, last, most = numerical rank of attention at the start, at the
 * end, at most; low, 1 where it ends at 3 or less; few, when; reached, the time
 * at which tokens leave the range of doubles, or the end. */
#define EG_FLOW_THEORY_LEADERS_FIELDS(I, R, B, T, E, L) \
    I(n, "20", 2, 400, "tokens")                        \
    R(h, "0.1", 1e-6, 1, "step")                        \
    I(steps, "100", 1, 100000, "steps")                 \
    I(draws, "20", 1, 10000, "scripts run")
EG_FIELDS_STRUCT(eg_flow_theory_leaders, EG_FLOW_THEORY_LEADERS_FIELDS)

/* sparse_value [2305.05465, its notebook at d = 128]: V symmetric with 10 % of
 * uniform entries, eigenvalues of modulus below 1 redrawn in [1, 2]; rescaled
 * tokens in its eigenbasis, uniform in [-1/2, 1/2]^d at the start, Euler steps.
 * program: with the notebook's scores, which use phi exp(tD) phi and at t = 0 a
 * matrix of ones for the exponential. Emits, over steps: low, high = extremes
 * of the leading coordinate; n_low, tokens in its lower half; off, largest
 * distance of it from the extremes at the start (0 by Theorem 4.2); positive,
 * eigenvalues above 0; clustered, coordinates that stay below 10; wrong,
 * coordinates for which these two disagree; spread, largest standard deviation
 * within a half over coordinates with positive eigenvalue; grown, least of the
 * largest tokens over the others; at step 0 leading, lowest eigenvalue. */
#define EG_FLOW_THEORY_SPARSE_VALUE_FIELDS(I, R, B, T, E, L)   \
    I(n, "128", 2, 1024, "tokens")                             \
    I(d, "128", 2, 1024, "dimension")                          \
    R(h, "0.1", 1e-6, 1, "step")                               \
    I(steps, "150", 1, 100000, "steps")                        \
    I(every, "50", 1, 100000, "steps between what is emitted") \
    B(program, "false", "the notebook's scores")
EG_FIELDS_STRUCT(eg_flow_theory_sparse_value,
                 EG_FLOW_THEORY_SPARSE_VALUE_FIELDS)

/* hardmax [2508.09628]: x_i <- x_i + eta (argmax over tokens y of <x_i, B y> -
 * x_i) in the plane, B = sign Id. Emits, over steps: radius = largest |x_i|;
 * vertex_moved = how far a vertex of the first hull went; steady = share of the
 * tokens whose first target aims at itself; of these own_moved = how far those
 * targets went, to_vertex = largest distance left, bent = largest distance from
 * the segment to the target; to_other, bent_other = the last two of the other
 * tokens, whose first target moves. */
#define EG_FLOW_THEORY_HARDMAX_FIELDS(I, R, B, T, E, L) \
    I(n, "40", 3, 1000, "tokens, Gaussian")             \
    E(sign, "positive", "positive|negative", "of B")    \
    R(eta, "0.05", 1e-6, 1, "step")                     \
    L(steps, "[1, 10, 100, 1000]", "when, ascending")
EG_FIELDS_STRUCT(eg_flow_theory_hardmax, EG_FLOW_THEORY_HARDMAX_FIELDS)

#ifdef __cplusplus
}
#endif
#endif
