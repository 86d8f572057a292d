/* Numerical checks of what surrounds the theory of energy_theory.h: capacities,
 * scaling laws of associative memories, the Energy Transformer. They are rows
 * of eg_energy_theories as well. */
#ifndef ENGRAM_ENERGY_THEORY_MORE_H
#define ENGRAM_ENERGY_THEORY_MORE_H

#include "engram/energy_theory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
/* energy_associative [2310.02984]: items x of 1 ... N with p(x) ~ x^-alpha, output
 * x mod M, random unit vectors e_x, u_y in d dimensions, W = sum_x q(x) u_f(x) e_x^T;
 * said is the y with the largest u_y^T W e_x. Strengths q by storage: power, p^rho;
 * top, 1 for the d / (2 log d) most frequent items; all, 1. embeddings circle: u_y on
 * a circle and e_x = u_f(x). Emits, over d: error, the mass of items that are said
 * wrong. At 0: slope, of log error over log d; slope_log, over log(d / log d);
 * theory, -(alpha - 1) / (2 alpha rho), the slope of storage power. */
/* clang-format on */
#define EG_THEORY_ENERGY_ASSOCIATIVE_FIELDS(I, R, B, T, E, L)         \
    L(dims, "[16, 32, 64, 128, 256, 512, 1024]", "widths d to sweep") \
    I(items, "2000", 2, 10000000, "items N")                          \
    I(outputs, "5", 2, 10000, "outputs M")                            \
    R(alpha, "2", 1.01, 100, "exponent of the law of items")          \
    E(storage, "power", "power|top|all",                              \
      "with which strength each is written")                          \
    R(rho, "1", 0.01, 100, "power: q = p^rho")                        \
    E(embeddings, "random", "random|circle",                          \
      "random directions, or learnt ones")                            \
    I(draws, "30", 1, 10000, "independent embeddings")
EG_FIELDS_STRUCT(eg_theory_energy_associative,
                 EG_THEORY_ENERGY_ASSOCIATIVE_FIELDS)

/* energy_unseen [2310.02984, infinite width]: emits, over the number of samples
 * T: error = sum_x p (1 - p)^T. At 0: slope, of log error over log T; theory,
 * -1 + 1/alpha. */
#define EG_THEORY_ENERGY_UNSEEN_FIELDS(I, R, B, T, E, L)               \
    L(samples, "[256, 1024, 4096]", "numbers of samples T, ascending") \
    I(items, "1000000", 2, 100000000, "items N")                       \
    R(alpha, "2", 1.01, 100, "exponent of the law of items")
EG_FIELDS_STRUCT(eg_theory_energy_unseen, EG_THEORY_ENERGY_UNSEEN_FIELDS)

/* energy_pairs: W = sum of u_f(x) e_x^T over N items, e and u ~ N(0, 1/d).
 * Emits, over d: pairs, the largest N of which `share` are recalled, by
 * bisection to 2 %, each time with 100 items asked; per_width = N / d,
 * per_parameter = N / d^2; log_pairs, the mean of log N. */
#define EG_THEORY_ENERGY_PAIRS_FIELDS(I, R, B, T, E, L)            \
    L(dims, "[16, 32, 64]", "widths d to sweep")                   \
    I(outputs, "0", 0, 10000, "outputs M; 0: one for each item")   \
    R(share, "0.9", 0.01, 1, "of the items that must be recalled") \
    I(draws, "8", 1, 10000, "independent bisections")
EG_FIELDS_STRUCT(eg_theory_energy_pairs, EG_THEORY_ENERGY_PAIRS_FIELDS)

/* clang-format off */
/* energy_capacity [Table 1]: d random patterns of n signs. Emits, over n: patterns, d
 * = load n, or load times the formula n^(r-1) / (2 (2r-3)!! log n), r = 2 for
 * hopfield, 2^(n/2) for exponential; fixed, the share of patterns that one sweep
 * leaves as they are; predicted, (1 - Q(sqrt(n^(r-1) / ((2r-3)!! d))))^n for
 * hopfield and polynomial, Q the normal tail; overlap, x.rho / n of the state after
 * `sweeps` sweeps from rho. */
/* clang-format on */
#define EG_THEORY_ENERGY_CAPACITY_FIELDS(I, R, B, T, E, L)                 \
    E(kind, "hopfield", "hopfield|polynomial|exponential", "which energy") \
    L(units, "[100, 200, 400]", "numbers of units n to sweep")             \
    I(power, "3", 2, 32, "of polynomial, r")                               \
    R(load, "1", 1e-9, 1e9, "patterns, in units of unit")                  \
    E(unit, "formula", "n|formula", "what load counts")                    \
    I(tests, "50", 1, 1000000, "patterns that are tried")                  \
    I(sweeps, "20", 1, 10000, "of each")                                   \
    I(draws, "8", 1, 10000, "independent sets of patterns")
EG_FIELDS_STRUCT(eg_theory_energy_capacity, EG_THEORY_ENERGY_CAPACITY_FIELDS)

/* clang-format off */
/* energy_separation: how far apart d patterns of E_beta must be. Normal patterns in n
 * dimensions are scaled until the iteration from each stays within `within` of the
 * smallest distance. Emits, over d: distance, that smallest distance; scaled, times
 * sqrt(beta); enough = sqrt((log(d - 1) + log(diameter / (within distance))) / beta),
 * which an elementary estimate says suffices; room = enough - distance. */
/* clang-format on */
#define EG_THEORY_ENERGY_SEPARATION_FIELDS(I, R, B, T, E, L)           \
    L(patterns, "[2, 4, 8, 16, 32]", "numbers of patterns d to sweep") \
    I(dim, "8", 1, 1024, "dimensions n")                               \
    R(beta, "1", 1e-9, 1e9, "inverse temperature")                     \
    R(within, "0.1", 1e-9, 0.5, "how near, in smallest distances")     \
    I(draws, "8", 1, 10000, "independent sets of patterns")
EG_FIELDS_STRUCT(eg_theory_energy_separation,
                 EG_THEORY_ENERGY_SEPARATION_FIELDS)

/* clang-format off */
/* energy_sphere [2008.02217, theorem 3]: patterns on a sphere of radius M = K sqrt(n -
 * 1). Emits, over n: a_ln_b = a + log b, b = 2 K^2 beta / 5, a = 2 / (n - 1) (1 +
 * log(2 beta K^2 p (n - 1))); c = b / W(exp(a_ln_b)); patterns, sqrt(p) c^((n-1)/4),
 * how many are stored with probability 1 - p; of that many random ones (two at least,
 * `most` at most): stored, the share from which the update ends within M / 10; room,
 * the smallest 2 M (d - 1) exp(-beta Delta) - |f(rho) - rho|, the bound on the error of
 * one step; inside, the smaller room of 0 <= E <= 2 M^2 at the patterns. */
/* clang-format on */
#define EG_THEORY_ENERGY_SPHERE_FIELDS(I, R, B, T, E, L) \
    L(dims, "[20]", "dimensions n to sweep")             \
    R(radius, "3", 1e-6, 1e6, "K")                       \
    R(beta, "1", 1e-6, 1e6, "inverse temperature")       \
    R(failure, "0.001", 1e-12, 1, "p")                   \
    I(most, "500", 2, 100000, "patterns at most")        \
    I(draws, "8", 1, 10000, "independent sets of patterns")
EG_FIELDS_STRUCT(eg_theory_energy_sphere, EG_THEORY_ENERGY_SPHERE_FIELDS)

/* clang-format off */
/* energy_transformer [2302.07253]: tokens x ~ N(0, 1), g = gain (x - mean) /
 * sqrt(var + eps) + bias, E = -(1/beta) sum over heads and queries of log sum_k
 * exp(beta Q.K) - sum relu(Xi g)^2 / 2, beta = 1 / sqrt(head_width). Emits, over the
 * step x <- x - alpha dE/dg: energy; rise, against the step before. At 0: gradient,
 * the largest error of dE/dg along random directions, over its length; curvature,
 * the smallest v^T (dg/dx) v for random unit v, not negative in theory. */
/* clang-format on */
#define EG_THEORY_ENERGY_TRANSFORMER_FIELDS(I, R, B, T, E, L)                  \
    I(tokens, "16", 1, 4096, "tokens")                                         \
    I(width, "32", 2, 4096, "their entries, D")                                \
    I(heads, "4", 1, 256, "heads")                                             \
    I(head_width, "8", 1, 1024, "entries of a query, Y")                       \
    I(memories, "128", 1, 65536, "rows of Xi")                                 \
    E(init, "original", "original|newer",                                      \
      "W_Q and W_K ~ N(0, .002^2), Xi ~ N(0, .02^2) as in the first code, or " \
      "all N(0, 1) as in the newer file")                                      \
    R(alpha, "0.1", -1e6, 1e6, "size of a step")                               \
    I(steps, "12", 1, 100000, "steps")                                         \
    R(gain, "1", 1e-6, 1e6, "gamma, of all entries alike")                     \
    R(bias, "0", 0, 1e3, "spread of delta")                                    \
    R(eps, "1e-5", 0, 1, "in the norm")                                        \
    B(own, "true", "queries look at their own token too")                      \
    B(queries_only, "false",                                                   \
      "controls only: the gradient without what a token is as a key")
EG_FIELDS_STRUCT(eg_theory_energy_transformer,
                 EG_THEORY_ENERGY_TRANSFORMER_FIELDS)

/* clang-format off */
/* energy_scaling [section 6, equations quoted there]: two laws of the loss of language
 * models over parameters N and tokens D, and what each asks of N beside D where
 * proposition 5 has N = O(D^2). Kaplan et al. 2020 (2001.08361), equation 1.5:
 * L = ((n_c / N)^(alpha_n / alpha_d) + d_c / D)^alpha_d; Hoffmann et al. 2022
 * (2203.15556), equation 2: L = E + a / N^alpha + b / D^beta. Emits over the pair,
 * from 1: kaplan, chinchilla. At 0: kaplan_limit, chinchilla_limit, the losses at N =
 * D = 10^100; kaplan_slope, of log N over log D where too few tokens raise Kaplan's
 * loss by `excess` (a part of it); chinchilla_slope, the same of the best N and D at
 * each of `compute` = 6 N D, found by a search; best_n, best_d, over compute, from 1.
 * Parameters of attention and feed-forwards as the paper counts them, over d_ff, from 1:
 * qkv = 3 l w^2, dense = l (w^2 + 2 w), ffn = l (2 w d_ff + w + d_ff), expansion A =
 * (qkv + dense + ffn) / (l w^2). */
/* clang-format on */
#define EG_THEORY_ENERGY_SCALING_FIELDS(I, R, B, T, E, L)                     \
    L(parameters, "[1.5e9, 70e9, 16e9]", "N of each model")                   \
    L(tokens, "[22e9, 1.4e12, 100e9]", "D of each")                           \
    R(n_c, "6.4e13", 1, 1e30, "Kaplan's scale of N")                          \
    R(d_c, "1.8e13", 1, 1e30, "Kaplan's scale of D")                          \
    R(alpha_n, "0.076", 1e-4, 10, "Kaplan's exponent of N")                   \
    R(alpha_d, "0.103", 1e-4, 10, "Kaplan's exponent of D")                   \
    R(excess, "0.02", 1e-6, 1, "what too few tokens add to Kaplan's loss")    \
    R(floor, "1.61", 0, 100, "E of Hoffmann et al.")                          \
    R(a, "406.4", 1e-6, 1e12, "their factor of N")                            \
    R(alpha, "0.34", 1e-4, 10, "and its exponent")                            \
    R(b, "410.7", 1e-6, 1e12, "their factor of D")                            \
    R(beta, "0.28", 1e-4, 10, "and its exponent")                             \
    L(compute, "[1e18, 1e20, 1e22, 1e24]", "6 N D, of the best N and D each") \
    I(layers, "24", 1, 1000000, "layers l of a model whose parameters count") \
    I(width, "1024", 1, 1000000, "its width w")                               \
    L(d_ff, "[3072, 4096]", "widths of its feed-forwards")
EG_FIELDS_STRUCT(eg_theory_energy_scaling, EG_THEORY_ENERGY_SCALING_FIELDS)

#ifdef __cplusplus
}
#endif
#endif
