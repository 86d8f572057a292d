/* Numerical checks of the theory of optimisers inside a network ("Uncovering
 * mesa-optimization algorithms in Transformers", arXiv 2309.05858; sections of
 * the paper in brackets): the rows of eg_mesa_theories.
 *
 * Sequences are those of the task `linear`: states of a system of their own,
 * each of which is to be told from those before. Losses are in the paper's
 * unit, sum over entries of (prediction - target)^2 / 2, mean over sequences;
 * the mean over positions is the loss that a network is trained on. */
#ifndef ENGRAM_MESA_H
#define ENGRAM_MESA_H

#include "engram/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The table; its last row has a NULL name. */
EG_API extern const eg_theory eg_mesa_theories[];

/* Where the sequences come from, in every statement. */
#define EG_MESA_DATA_FIELDS(I, R, B, T, E, L)           \
    I(dim, "10", 1, 64, "entries of a state, task.dim") \
    I(n_ctx, "50", 2, 4096, "positions T, task.n_ctx")  \
    R(noise, "0.01", 0, 1e6, "noise of a step, task.noise")

/* clang-format off */
/* mesa_solver [3, appendix]: a solver of least squares in context, at every
 * position t of sequences, from the pairs (s_{i-1}, s_i), i <= t. With S S^T and
 * Y their sums of s_{i-1} s_{i-1}^T and s_i s_{i-1}^T, and A = S S^T + ridge,
 * s_{t+1} is told by
 *     zero       0
 *     gd         Phi s_t after steps of gradient descent from Phi = 0,
 *                Phi += alpha_l (Y - Phi A): as well so many steps of
 *                Richardson's iteration for A x = s_t, terms of Neumann's series
 *     gdpp       p after layers p += alpha Y x, x -= beta A x, k -= gamma A k,
 *                in which the sums are over the keys k as they then are
 *     ridge      Y A^-1 s_t, exactly
 *     momentum   Y x by the iteration of Proposition 2, x_{j+1} = x_j + alpha_j
 *                (s_t - A x_j) + beta_j (x_j - x_{j-1}) from 0
 *     prop2      Y x / |A|_F by the paper's control for its Proposition 2:
 *                term -= alpha_j A term / |A|_F,
 *                x_j = x_{j-1} + term + beta_j (x_{j-1} - x_{j-2})
 *     chebyshev  Y x, x by Chebyshev's iteration for A x = s_t and a spectrum
 *                from low |A|_F to |A|_F
 *     newton     Y X s_t by steps of X <- X (2 - A X) from 1/trace(A)
 *     kernel     the sum of softmax_i(sharpness s_{i-1} . s_t) s_i: an induction
 *                head
 *     oracle     W s_t: who knows the system
 *     dmmse      the mean of W s_t over the systems of training (n_systems), each
 *                weighed by exp(-|s_i - W s_{i-1}|^2 / (2 noise^2)) of the pairs:
 *                the best for sequences of these [2306.15063]
 * Coefficients that are not given are alpha = eta in gd and gdpp, beta = eta and
 * gamma = 0 in gdpp, alpha = 1 and beta = 0 in prop2, alpha
 * = eta and beta = 0 in momentum. tune looks for better ones
 * on sequences of training: grid tries grid_points values from grid_from to
 * grid_to of the one number that a solver has (eta, ridge, low, sharpness), adam
 * trains alpha, beta and gamma.
 *
 * Emits, over t: loss. At t = 0: mean, over positions, and mean_se, its standard
 * error over sequences; mean_entry = mean / dim; tuned, what grid has found;
 * alpha_j, beta_j, gamma_j, what adam has. */
/* clang-format on */
#define EG_THEORY_MESA_SOLVER_FIELDS(I, R, B, T, E, L)                         \
    E(solver, "ridge",                                                         \
      "zero|gd|gdpp|ridge|momentum|prop2|chebyshev|newton|kernel|oracle|"      \
      "dmmse",                                                                 \
      "how s_{t+1} is told")                                                   \
    EG_MESA_DATA_FIELDS(I, R, B, T, E, L)                                      \
    E(system, "orthogonal", "orthogonal|contracting|fixed|nonlinear",          \
      "task.system, or the task nonlinear")                                    \
    I(hidden, "0", 0, 64, "task.hidden: entries of a hidden state")            \
    I(lags, "1", 1, 64,                                                        \
      "states in each key and input, [s_t, s_{t-1}, ...], task.lags")          \
    B(features, "false",                                                       \
      "system nonlinear: pairs are (psi(s_{i-1}), s_i / |s_i|), psi what the " \
      "law makes of a state before W")                                         \
    B(met, "false", "test sequences are of the n_systems, not of others")      \
    B(newest, "true",                                                          \
      "false: without the pair (s_{t-1}, s_t), as the original program's "     \
      "control has it")                                                        \
    I(n_systems, "0", 0, 4096, "task.n_systems: how many there are")           \
    I(sequences, "2560", 1, 10000000, "test sequences")                        \
    I(steps, "1", 1, 64, "steps of an iteration")                              \
    R(ridge, "0", 0, 1e6, "added to the diagonal, the paper's 1/lambda")       \
    R(eta, "0.0325", 0, 1e6, "gd: every step")                                 \
    L(alpha, "[]", "coefficients, one a step")                                 \
    L(beta, "[]", "the same")                                                  \
    L(gamma, "[]", "the same")                                                 \
    R(clip, "0", 0, 1e6,                                                       \
      "gd, gdpp: entries are clipped to minus and plus this after each step, " \
      "as in the paper's networks; 0: not")                                    \
    R(low, "0.01", 0, 1, "chebyshev: lower end of the spectrum")               \
    R(sharpness, "1", 0, 1e6, "kernel: beta")                                  \
    E(tune, "none", "none|grid|adam", "look for coefficients first")           \
    I(tune_sequences, "512", 1, 1000000, "sequences of grid")                  \
    R(grid_from, "0.0001", 0, 1e6, "first value")                              \
    R(grid_to, "10", 0, 1e6, "last value")                                     \
    I(grid_points, "40", 2, 10000, "values, evenly spread")                    \
    I(updates, "300", 1, 10000000, "updates of adam")                          \
    I(batch, "64", 1, 100000, "fresh sequences for each")                      \
    R(grad_clip, "0", 0, 1e6,                                                  \
      "adam: slopes are clipped to minus and plus this, since one sequence "   \
      "of "                                                                    \
      "a thousand can be most of a mean; 0: not")                              \
    R(lr, "0.01", 0, 1, "learning rate of adam, falling to 0 as a cosine")
EG_FIELDS_STRUCT(eg_theory_mesa_solver, EG_THEORY_MESA_SOLVER_FIELDS)

/* clang-format off */
/* mesa_construction [3.1, 3.2, 5.3]: an ordinary model whose weights are put in
 * by hand, in float64, and the solver that it stands for, on the same sequences.
 * Channels of dim entries make the stream; steps have random sizes about eta.
 *     prop1  Proposition 1, tokens [Phi_0 s_t, s_t, s_{t-1}] with a random Phi_0:
 *            one linear head is a step of gradient descent from Phi_0
 *     gd     tokens [0, s_t, s_t, s_{t-1}]: a linear head a step is descent from
 *            0, for every prefix at once
 *     gdpp   the same tokens, two heads a layer: keys change as well
 *     prop2  Proposition 2: layers that precondition s_t, each with a matrix on
 *            every position for what attention cannot do, and a last one that
 *            reads the answer
 *     mesa   tokens [0, s_t, s_t, s_{t-1}]: one mesa layer is ridge regression
 * Emits, over the steps: gap, the largest difference of two predictions over
 * the largest prediction; loss, the network's mean loss; parameters, numbers
 * that it has in all, and entries, those that are not 0. */
/* clang-format on */
#define EG_THEORY_MESA_CONSTRUCTION_FIELDS(I, R, B, T, E, L)            \
    E(construction, "gd", "prop1|gd|gdpp|prop2|mesa", "which network")  \
    EG_MESA_DATA_FIELDS(I, R, B, T, E, L)                               \
    L(steps, "[1, 2, 4, 6]", "steps; 1 for prop1 and mesa")             \
    R(eta, "0.02", 0, 1e6, "size of steps, times U(0.5, 1.5)")          \
    R(ridge, "0.001", 0, 1e6, "prop2, mesa: added to the diagonal")     \
    B(as_printed, "false", "prop2: -alpha in both products of a layer") \
    I(sequences, "16", 1, 100000, "sequences")                          \
    R(impostor, "0", -1, 1,                                             \
      "controls only: relative change of what every mixer writes")
EG_FIELDS_STRUCT(eg_theory_mesa_construction,
                 EG_THEORY_MESA_CONSTRUCTION_FIELDS)

/* mesa_cg [2506.05233, the solver]: the system (H + lambda) x = q of one
 * position of MesaNet, H = sum of what is left of strength k k^T, forgotten by
 * the factor `forget` a token, keys and query of length 1, by conjugate
 * gradients from 0 with `guard` added to both denominators; the public kernels
 * have 1e-5. Emits, over steps: residual, |q - (H + lambda) x| / |q|, of the
 * system itself, not of the recursion; stopped, how many steps were taken
 * before nothing was left. */
#define EG_THEORY_MESA_CG_FIELDS(I, R, B, T, E, L)                          \
    I(dim, "64", 1, 1024, "entries of a key")                               \
    I(tokens, "64", 1, 1000000, "keys seen")                                \
    E(keys, "normal", "normal|silu",                                        \
      "directions without a law, or of SiLU of normal numbers, which have " \
      "a mean")                                                             \
    R(strength, "1", 0, 2, "with which each is written, beta")              \
    R(forget, "1", 0, 1, "what is left after a token, gamma")               \
    R(lambda, "1", 1e-9, 1e6, "the regulariser")                            \
    R(guard, "0", 0, 1, "added to both denominators")                       \
    L(steps, "[10, 20, 30]", "how many, ascending")                         \
    I(draws, "16", 1, 100000, "systems")
EG_FIELDS_STRUCT(eg_theory_mesa_cg, EG_THEORY_MESA_CG_FIELDS)

/* mesa_precision: H = sum of what is left of k k^T, keys of length 1, kept in
 * few digits: every `chunk` tokens the state with what the chunk adds, which is
 * summed in float64, is rounded to the type that keeps it, as kernels with
 * chunk-wise states do. For float32, bfloat16 and float16 as NAME, emits over
 * tokens: error_NAME, the spectral norm of the state less that in float64;
 * solution_NAME, |x' - x| / |x| for (H + lambda) x = q, and 1 where H' + lambda
 * is not positive definite any more; indefinite_NAME, 1 there and else 0. */
#define EG_THEORY_MESA_PRECISION_FIELDS(I, R, B, T, E, L)                   \
    I(dim, "128", 1, 1024, "entries of a key")                              \
    E(keys, "normal", "normal|silu",                                        \
      "directions without a law, or of SiLU of normal numbers, which have " \
      "a mean")                                                             \
    I(rank, "0", 0, 1024,                                                   \
      "keys lie in a random space of so many dimensions; 0: in all")        \
    R(forget, "1", 0, 1, "what is left after a token, gamma")               \
    R(lambda, "0.25", 1e-9, 1e6, "the regulariser, at its least")           \
    I(chunk, "64", 1, 1000000, "tokens between two roundings")              \
    L(tokens, "[64, 256, 1024, 4096]", "keys seen, ascending")              \
    I(draws, "2", 1, 10000, "streams of keys")
EG_FIELDS_STRUCT(eg_theory_mesa_precision, EG_THEORY_MESA_PRECISION_FIELDS)

/* clang-format off */
/* mesa_stairs [arXiv 2501.16265]: linear attention on regression in context.
 * N pairs x_i ~ N(0, diag(eigenvalues)), y_i = w . x_i, w ~ N(0, I), and an x
 * whose y is to be told; with beta = sum of y_i x_i / N a network of H heads says
 *     separate   beta^T U x, U = sum_h v_h k_h q_h^T, keys and queries of rank one
 *     merged     the same with U = sum_h v_h U_h
 * and is trained by gradient descent on the exact population loss
 *     L(U) = tr C - 2 tr(C U C) + tr(U C U^T M),  C = diag(eigenvalues),
 *     M = C^2 + (C^2 + C tr C) / N
 * from entries N(0, init_std^2). With the m leading components learnt it is
 *     L_m = tr C - sum_{d <= m} l_d / (1 + (1 + tr C / l_d) / N).
 * Emits, over N: drops, how many times the loss falls fast in log time with a
 * rest between; plateau_m, the loss where it rests between L_{m-1} and L_{m+1};
 * formula_m = L_m; final, the loss in the end; gap, the largest
 * |plateau_m - L_m| / L_m over 1 <= m < dim. */
/* clang-format on */
#define EG_THEORY_MESA_STAIRS_FIELDS(I, R, B, T, E, L)                  \
    E(keys, "separate", "separate|merged",                              \
      "a key and a query vector a head, or one matrix")                 \
    L(eigenvalues, "[0.4, 0.3, 0.2, 0.1]", "of the inputs, descending") \
    L(pairs, "[32]", "contexts N to sweep")                             \
    I(heads, "4", 1, 64, "heads H")                                     \
    R(init_std, "0.01", 1e-12, 1, "entries at the start")               \
    R(lr, "0.2", 1e-9, 10, "step of gradient descent")                  \
    I(steps, "400000", 1, 1000000000, "steps")                          \
    I(draws, "4", 1, 1000, "independent starts")                        \
    R(impostor, "0", -1, 100,                                           \
      "controls only: relative change of N in the formula")
EG_FIELDS_STRUCT(eg_theory_mesa_stairs, EG_THEORY_MESA_STAIRS_FIELDS)

/* clang-format off */
/* mesa_linearise [4.3]: a softmax network is trained on raw states (dim entries,
 * 4 dim positions, width 4 dim, heads of 2 dim, as the paper's); then each of its
 * blocks in turn is taught to linear attention, which reads the stream before the
 * block and should write what the block writes, and replaced by it. In the
 * training's float32.
 * Emits, over the blocks from 1: loss, mean test loss with that block replaced;
 * ratio, the same over the network's own; residual, what the lesson ends with.
 * At 0: loss, the network's. */
/* clang-format on */
#define EG_THEORY_MESA_LINEARISE_FIELDS(I, R, B, T, E, L)                 \
    I(dim, "10", 1, 64, "entries of a state")                             \
    I(layers, "7", 1, 16, "blocks")                                       \
    I(heads, "4", 1, 64, "heads of each")                                 \
    I(steps, "5000", 1, 10000000, "training steps")                       \
    I(batch, "64", 1, 65536, "sequences of each, and of a lesson's")      \
    R(lr, "0.004", 0, 1, "peak learning rate")                            \
    I(warmup, "1000", 0, 10000000, "steps of warm-up")                    \
    I(lesson_steps, "15000", 0, 10000000, "steps of each block's lesson") \
    R(lesson_lr, "0.001", 0, 1, "its learning rate")                      \
    I(recorded, "1024", 1, 1000000, "sequences that lessons are made of") \
    I(sequences, "640", 1, 1000000, "test sequences")
EG_FIELDS_STRUCT(eg_theory_mesa_linearise, EG_THEORY_MESA_LINEARISE_FIELDS)

#ifdef __cplusplus
}
#endif
#endif
