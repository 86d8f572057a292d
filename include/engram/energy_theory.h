/* Numerical checks of the theory of transformers as associative memories
 * (arXiv 2405.08707; sections of its text in brackets): the rows of
 * eg_energy_theories. Energies as in energy.h.
 *
 * `impostor` is for the controls of claims: it puts a wrong constant in the
 * place of one in the statement, with which the claim must fail. */
#ifndef ENGRAM_ENERGY_THEORY_H
#define ENGRAM_ENERGY_THEORY_H

#include "engram/energy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The table; its last row has a NULL name. */
EG_API extern const eg_theory eg_energy_theories[];

/* clang-format off */
/* energy_bounds [lemmas 1 to 4, propositions 1 to 3]: d patterns N(0, s^2) in n
 * dimensions, s one of the spreads, n one of 1 ... dims, and x ~ N(0, 4 s^2); y
 * and z of d entries N(0, s^2). D = max |rho|^2 - min |rho|^2, M is the energy mchn
 * at beta 2. Emits, over d, the smallest room of `cases` draws, negative where the
 * statement fails, of an interval the smaller of the rooms at its two ends:
 *     lemma1       t LSE(y) + (1 - t) LSE(z) - LSE(t y + (1 - t) z)
 *     lemma2       max y <= LSE(y) <= max y + log d; lemma2_low, of its left end
 *     lemma3       min y - log d <= -LSE(-y) <= min y
 *     lemma4       |y - z|_inf - |LSE(y) - LSE(z)|
 *     prop1        g - log d <= E <= g
 *     prop2        D - |E - 2 M + log d|
 *     prop2_sided  0 <= 2 M - log d - E <= D
 *     prop3        -D - log d <= g - 2 M <= 0
 *     printed      -D <= g - 2 M <= D + log d, proposition 3 as printed
 *     props        the least of prop1, prop2_sided and prop3
 * and printed_wrong, prop3_wrong, the shares of draws in which these last two fail
 * by more than 1e-9; even, the largest |LSE(y) - max y - log d| for equal entries;
 * off, the largest |2 M - log d - E|. */
/* clang-format on */
#define EG_THEORY_ENERGY_BOUNDS_FIELDS(I, R, B, T, E, L)                     \
    L(patterns, "[1, 2, 3, 4, 5, 6]", "numbers of patterns d to sweep")      \
    I(dims, "4", 1, 1024, "dimensions n are drawn from 1 to this")           \
    L(spreads, "[0.3, 1, 3]", "standard deviations s, one drawn each time")  \
    I(cases, "4000", 1, 10000000, "draws at each d")                         \
    B(equal, "false", "all patterns have the length of the first")           \
    R(impostor, "0", -3, 3,                                                  \
      "controls only: relative change of LSE in the lemmas and of E in the " \
      "propositions")
EG_FIELDS_STRUCT(eg_theory_energy_bounds, EG_THEORY_ENERGY_BOUNDS_FIELDS)

/* clang-format off */
/* energy_values [Figure 1]: energies of given patterns at given points. Emits,
 * over the point: g, nearest neighbour; for every beta as B: E_B, distance; M_B,
 * mchn; attract_B and bowl_B, the two parts of M_B, -(1/B) log sum exp(B rho.x)
 * and |x|^2/2 + log(d)/B + xi^2/2. Points are those listed, numbered from 1 on;
 * without a list a grid over [from, to] in every dimension, numbered from 1 on
 * with the last dimension running fastest, and in one dimension 1000 x; in two x and
 * y, its coordinates, stand beside the energies. */
/* clang-format on */
#define EG_THEORY_ENERGY_VALUES_FIELDS(I, R, B, T, E, L)            \
    I(dim, "2", 1, 8, "entries of a pattern")                       \
    L(patterns, "[-2, -0.5, 0.2, -0.3, 1.5, 1.5]", "their entries") \
    L(points, "[]", "entries of the points; none: the grid")        \
    L(betas, "[1]", "inverse temperatures")                         \
    R(from, "-4", -1000, 1000, "first coordinate of the grid")      \
    R(to, "4", -1000, 1000, "last one")                             \
    I(side, "33", 2, 2001, "coordinates in each dimension")         \
    R(impostor, "0", -1, 1, "controls only: relative change of every beta")
EG_FIELDS_STRUCT(eg_theory_energy_values, EG_THEORY_ENERGY_VALUES_FIELDS)

/* clang-format off */
/* energy_descent: d random patterns in n dimensions, N(0, 1) or signs, and starts
 * N(0, spread^2) or signs. Emits, over the number of updates: energy, the mean;
 * rise, the largest E(x_k) - E(x_{k-1}) of all starts; moved, the largest change
 * of an entry. At 0: gradient, the largest |difference - formula| of the gradient
 * over its length, central differences of step 1e-5 (not of nearest, which has
 * kinks); update, for distance and mchn the largest |x_1 - x_0 + c grad|, c = 1/2
 * and 1; bound, the smallest Q(y) - E(y) at N(0, spread^2) points y for the
 * bound Q of energy.h that touches at x_0, and touch, the largest |Q - E| there. */
/* clang-format on */
#define EG_THEORY_ENERGY_DESCENT_FIELDS(I, R, B, T, E, L)                 \
    E(kind, "distance", EG_ENERGY_KINDS, "which energy")                  \
    I(patterns, "16", 1, 100000, "patterns d")                            \
    I(dim, "8", 1, 10000, "dimensions n")                                 \
    R(beta, "1", 1e-9, 1e9, "inverse temperature")                        \
    I(power, "3", 2, 32, "of polynomial")                                 \
    R(spread, "2", 0, 1000, "of the starts")                              \
    I(starts, "200", 1, 1000000, "each with patterns of its own")         \
    I(steps, "20", 1, 10000, "updates")                                   \
    R(impostor, "0", -1, 10,                                              \
      "controls only: relative change of the length of each update, of "  \
      "every term of the gradient's formula, and of all or the slope of " \
      "the bound")
EG_FIELDS_STRUCT(eg_theory_energy_descent, EG_THEORY_ENERGY_DESCENT_FIELDS)

/* clang-format off */
/* energy_basins [definition 1]: is each of the given patterns stored, that is, does
 * the iteration from it end at a fixed point of its own? Emits, over the pattern,
 * from 1: end_J, entry J of that point; error, its distance from the pattern;
 * apart, its distance from the nearest end of another pattern; stored, 1 where
 * apart is more than 1e-6; radius, the largest r, by bisection along `rays`
 * random directions, within which x still ends there (0 where not stored). At 0:
 * stored, how many. */
/* clang-format on */
#define EG_THEORY_ENERGY_BASINS_FIELDS(I, R, B, T, E, L)         \
    E(kind, "distance", "nearest|distance|mchn", "which energy") \
    I(dim, "1", 1, 64, "entries of a pattern")                   \
    L(patterns, "[-2, 0, 1]", "their entries")                   \
    R(beta, "1", 1e-9, 1e9, "inverse temperature")               \
    I(rays, "16", 1, 10000, "directions")                        \
    I(steps, "100000", 1, 100000000, "updates at most")
EG_FIELDS_STRUCT(eg_theory_energy_basins, EG_THEORY_ENERGY_BASINS_FIELDS)

/* clang-format off */
/* energy_ball [section 5, corrected]: the integral of exp(-dist) over a ball in n
 * dimensions. Emits, over n: radius r, where none is given r_star; r_star = sqrt(n
 * / (2 pi e)), r_one, of volume 1; log_volume at r, log_volume_star at r_star and
 * stirling = -log(pi n)/2, what that should be; few = sqrt(pi n) and many = few
 * exp(r_star), between which the number of patterns lies if Z = 1 [eq. 14];
 * log_squared and log_plain, the integral with dist = |y|^2 and |y|, and the same
 * without log; room_squared, room_plain, the smaller room of exp(-dist(r)) V <= I <=
 * V in logarithms; shells, the larger error of the two logarithms against quadrature
 * over spherical shells. */
/* clang-format on */
#define EG_THEORY_ENERGY_BALL_FIELDS(I, R, B, T, E, L)                   \
    L(dims, "[2, 8, 64, 512, 768, 1024, 1280]", "dimensions n to sweep") \
    R(radius, "0", 0, 1e6, "r; 0: r_star of each n")                     \
    R(impostor, "0", -1, 1e6,                                            \
      "controls only: relative change of both integrals")
EG_FIELDS_STRUCT(eg_theory_energy_ball, EG_THEORY_ENERGY_BALL_FIELDS)

/* clang-format off */
/* energy_floor [proposition 4]: emits h = log Z + 1/Z over 1000 Z, and z, the Z > 1
 * with h(Z) = loss, over 1000 loss. */
/* clang-format on */
#define EG_THEORY_ENERGY_FLOOR_FIELDS(I, R, B, T, E, L) \
    L(partition, "[0.1, 0.5, 1, 2, 10]", "values of Z") \
    L(losses, "[1.61, 2.2, 2.4]", "losses, from 1 on")
EG_FIELDS_STRUCT(eg_theory_energy_floor, EG_THEORY_ENERGY_FLOOR_FIELDS)

/* clang-format off */
/* energy_law [section 5 and appendix G]: pairs of parameters N and tokens D*, and the
 * derivation's own numbers. Emits, over the pair from 1: ratio = N / D*^2; over the
 * width, from 1, of a model with N = expansion layers width^2: edge = sqrt(pi T^3
 * width), the D of which it says that Z = 1; bracket, the constant in N = bracket
 * D^2, and edge_ratio = N / edge^2, which is the same number. At 0: slope of log N
 * over log D*, slope_se, and slope_low and slope_high, its interval by Student's law
 * (three pairs and more); width_slope, of log N over log edge. */
/* clang-format on */
#define EG_THEORY_ENERGY_LAW_FIELDS(I, R, B, T, E, L)                   \
    L(parameters, "[39.95e6, 60.26e6, 80.2e6]", "N of each model")      \
    L(tokens, "[214.18e6, 261.78e6, 309.37e6]", "D* of each")           \
    R(confidence, "0.95", 0.01, 0.9999, "of the interval of the slope") \
    L(widths, "[954, 1280, 1440]", "d_emb of models in the derivation") \
    I(layers, "8", 1, 1000000, "their layers l")                        \
    R(expansion, "12", 1e-3, 1e6, "A in N = A l d_emb^2")               \
    I(n_ctx, "1024", 1, 1000000000, "tokens of a sequence, T")
EG_FIELDS_STRUCT(eg_theory_energy_law, EG_THEORY_ENERGY_LAW_FIELDS)

/* clang-format off */
/* energy_layers [eq. 5 to 11, proposition 4]: patterns in 1 to 3 dimensions, at least
 * `spacing` apart, split among layers; g_t(x) is the smallest squared distance to
 * those of layer t, or with energy sum -log of their sum of exp(-|x - rho|^2); Omega
 * is the union of balls of radius r about all of them, Z_t = int over Omega of
 * exp(-g_t). With E_t = g_t (plain) or E_t = exp(-g_t) / Z_t (printed), E_glob = -log
 * sum_t exp(-E_t) and the model density exp(-E_glob) over its integral, emits over
 * 1000 r: loss = log int exp(-E_glob) + mean of E_glob at the patterns, by
 * quadrature; formula = log Z_t + E_t, the mean over patterns, t their own layer,
 * and error = loss - formula; error_nearest, the same with int exp(-min_t g_t) in the
 * place of Z_t; z, mean of Z_t; z_balls, what eg_ball_log_mass says of the balls of a
 * layer; volume, of Omega; c_low, c_high, the range of c(x) = log l - log sum_s
 * exp(E_t - E_s), t the layer with the smallest E_t; room, the smaller room of min E_t
 * - log l <= E_glob <= min E_t [eq. 8]. At 0, with energy nearest: straight, the
 * smallest g(y) - g(x') over random x and y with |y - x|^2 <= delta, x' being x moved
 * towards the nearest pattern by sqrt(delta) or the distance [eq. 6]. */
/* clang-format on */
#define EG_THEORY_ENERGY_LAYERS_FIELDS(I, R, B, T, E, L)                      \
    I(dim, "2", 1, 3, "dimensions n")                                         \
    I(layers, "3", 1, 16, "layers l")                                         \
    I(each, "4", 1, 64, "patterns of each")                                   \
    R(spacing, "6", 1e-2, 1000, "patterns are so far apart at least")         \
    L(radii, "[0.5, 1, 2, 3]", "radii r, up to spacing / 2")                  \
    E(definition, "plain", "plain|printed", "E_t = g_t, or exp(-g_t) / Z_t")  \
    E(energy, "nearest", "nearest|sum", "g_t by the nearest pattern, or all") \
    B(copies, "false", "all layers hold the same patterns")                   \
    R(impostor, "0", -10, 10,                                                 \
      "controls only: relative change of the length of the step of (6)")
EG_FIELDS_STRUCT(eg_theory_energy_layers, EG_THEORY_ENERGY_LAYERS_FIELDS)

#ifdef __cplusplus
}
#endif
#endif
