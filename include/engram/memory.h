/* Numerical checks of the theory of associative memories ("Birth of a
 * Transformer", sections of the specification in brackets): the rows of
 * eg_memory_theories. Embeddings and frozen matrices are N(0, 1/d).
 *
 * `impostor` is for the controls of claims: the relative change of one constant
 * of the statement or its formula, with which the claim must fail. */
#ifndef ENGRAM_MEMORY_H
#define ENGRAM_MEMORY_H

#include "engram/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The table; its last row has a NULL name. */
EG_API extern const eg_theory eg_memory_theories[];

/* orthogonality [5.1]: w_i, w_j ~ N(0, 1/d), W_0 random. Emits, over d:
 * dot_std = sqrt(d) std(w_i.w_j), remap_std = sqrt(d) std(w_i.W_0 w_j),
 * remap_norm = mean |W_0 w|, norm = mean |w|; all 1 in theory. */
#define EG_THEORY_ORTHOGONALITY_FIELDS(I, R, B, T, E, L)      \
    L(dims, "[64, 128, 256, 512, 1024]", "widths d to sweep") \
    I(d_vocab, "65", 2, 4096, "number of embeddings")         \
    I(draws, "6", 1, 1000, "independent repetitions")         \
    R(impostor, "0", -1, 1,                                   \
      "controls only: relative change of the variance 1/d of the embeddings")
EG_FIELDS_STRUCT(eg_theory_orthogonality, EG_THEORY_ORTHOGONALITY_FIELDS)

/* lemma1_gradient [5.2 a]: the population gradient of
 * L(W) = E CE(y, U W w_E(z)), z ~ pi_u, y ~ pi_b(.|z), at a random W, against
 * central differences. Emits, over d: grad_norm; error_directions and
 * error_entries, the largest |difference - gradient| / |gradient| along random
 * unit directions and single entries; cosine of the two over the directions;
 * convexity, the smallest second difference along the directions (>= 0). */
#define EG_THEORY_LEMMA1_GRADIENT_FIELDS(I, R, B, T, E, L)                \
    L(dims, "[16, 64]", "widths d to sweep")                              \
    T(stats, "tinyshakespeare", "character statistics, as task.stats")    \
    I(directions, "20", 1, 10000, "random directions and single entries") \
    R(delta, "1e-3", 1e-12, 1, "step of the differences")                 \
    R(impostor, "0", -1, 1,                                               \
      "controls only: relative change of p(k|z) in the formula")
EG_FIELDS_STRUCT(eg_theory_lemma1_gradient, EG_THEORY_LEMMA1_GRADIENT_FIELDS)

/* lemma1_step [5.2 b]: scores U W_1 E^T after one population gradient step
 * from 0. Emits, over d: correlation with pi_u(z) (pi_b(k|z) - 1/V) over all
 * V x V entries. */
#define EG_THEORY_LEMMA1_STEP_FIELDS(I, R, B, T, E, L)                 \
    L(dims, "[32, 64, 128, 256, 512, 1024]", "widths d to sweep")      \
    T(stats, "tinyshakespeare", "character statistics, as task.stats") \
    I(draws, "6", 1, 1000, "independent repetitions")
EG_FIELDS_STRUCT(eg_theory_lemma1_step, EG_THEORY_LEMMA1_STEP_FIELDS)

/* lemma1_descent [5.2 c]: population gradient descent from 0. Emits, over the
 * number of steps, for each width: kl_dD = KL(pi_b || softmax) averaged with
 * weights pi_u, kl_uniform_dD averaged over z uniformly. */
#define EG_THEORY_LEMMA1_DESCENT_FIELDS(I, R, B, T, E, L)              \
    L(dims, "[32, 64, 128, 256, 512]", "widths d")                     \
    L(steps, "[1, 10, 100, 1000, 2000]", "when to measure, ascending") \
    T(stats, "tinyshakespeare", "character statistics, as task.stats") \
    R(lr, "20", 0, 1e6, "step size eta")                               \
    R(weight_decay, "0", 0, 1, "added to the gradient, times W")       \
    I(draws, "6", 1, 1000, "independent repetitions")
EG_FIELDS_STRUCT(eg_theory_lemma1_descent, EG_THEORY_LEMMA1_DESCENT_FIELDS)

/* lemma1_span [5.2]: iterates of gradient descent with weight decay from a
 * random W_0 stay in alpha W_0 + span{w_U(j) w_E(i)^T}. Emits, over d:
 * residual = |R - P_U R P_E| / |R| for R = W - alpha W_0 (rounding only);
 * control, the same for W itself (W_0 is not in the span); moved = |R| / |W_0|;
 * w0_score = sqrt(d) rms(U W_0 E^T), 1 in theory. */
#define EG_THEORY_LEMMA1_SPAN_FIELDS(I, R, B, T, E, L)                   \
    L(dims, "[96, 128, 256]", "widths d to sweep, above the vocabulary") \
    T(stats, "tinyshakespeare", "character statistics, as task.stats")   \
    I(steps, "50", 1, 100000, "gradient steps")                          \
    R(lr, "20", 0, 1e6, "step size eta")                                 \
    R(weight_decay, "0.001", 0, 1, "added to the gradient, times W")     \
    R(impostor, "0", -1, 1,                                              \
      "controls only: relative change of the variance 1/d of W_0")
EG_FIELDS_STRUCT(eg_theory_lemma1_span, EG_THEORY_LEMMA1_SPAN_FIELDS)

/* lemma2 [5.3]: x = w_E(y) + p_t, y and t uniform; one population step from 0.
 * Emits, over d: accuracy of argmax_k over all N T inputs, signal = N times
 * the mean right score, noise = N times the standard deviation of the wrong
 * ones, noise_formula = sqrt(3/d + 2N/d^2). */
#define EG_THEORY_LEMMA2_FIELDS(I, R, B, T, E, L)                     \
    L(dims, "[16, 32, 64, 128, 256, 512, 1024]", "widths d to sweep") \
    I(d_vocab, "65", 2, 4096, "tokens N")                             \
    I(n_ctx, "256", 1, 4096, "positions T")                           \
    I(draws, "6", 1, 1000, "independent repetitions")                 \
    R(impostor, "0", -1, 1,                                           \
      "controls only: relative change of the step's size eta")
EG_FIELDS_STRUCT(eg_theory_lemma2, EG_THEORY_LEMMA2_FIELDS)

/* lemma2_samples [5.3]: the same step from n samples. Emits, over n:
 * accuracy over all N T inputs. */
#define EG_THEORY_LEMMA2_SAMPLES_FIELDS(I, R, B, T, E, L)    \
    L(samples, "[65, 650, 6500]", "sample sizes n to sweep") \
    I(d_model, "128", 1, 16384, "width d")                   \
    I(d_vocab, "65", 2, 4096, "tokens N")                    \
    I(n_ctx, "256", 1, 4096, "positions T")                  \
    I(draws, "6", 1, 1000, "independent repetitions")
EG_FIELDS_STRUCT(eg_theory_lemma2_samples, EG_THEORY_LEMMA2_SAMPLES_FIELDS)

/* lemma2_gradient [5.3]: the formula sum_k p(y=k) w_U(k) (mu^_k - mu_k)^T at a
 * random W for x = w_E(y) + p_t + noise, against central differences. Emits,
 * over d: grad_norm, error_directions, cosine. */
#define EG_THEORY_LEMMA2_GRADIENT_FIELDS(I, R, B, T, E, L) \
    L(dims, "[8, 32]", "widths d to sweep")                \
    I(d_vocab, "11", 2, 256, "tokens N")                   \
    I(n_ctx, "7", 1, 256, "positions T")                   \
    I(directions, "20", 1, 10000, "random directions")     \
    R(delta, "1e-3", 1e-12, 1, "step of the differences")  \
    R(impostor, "0", -1, 1,                                \
      "controls only: relative change of mu_k in the formula")
EG_FIELDS_STRUCT(eg_theory_lemma2_gradient, EG_THEORY_LEMMA2_GRADIENT_FIELDS)

/* key_query [5.4]: gradient of one attention block with respect to its merged
 * key-query matrix at 0, both forms, against central differences. Emits, over
 * d: grad_norm, error_keys (form with x_s - xbar beside the query),
 * error_values (form with x_s - xbar beside the values), forms = their
 * difference; each error relative to the norm, over random directions. */
#define EG_THEORY_KEY_QUERY_FIELDS(I, R, B, T, E, L)        \
    L(dims, "[4, 12, 32]", "widths d to sweep")             \
    I(d_vocab, "9", 2, 256, "classes")                      \
    I(n_ctx, "6", 2, 256, "visible positions")              \
    I(batch, "24", 1, 10000, "examples in the expectation") \
    I(directions, "20", 1, 10000, "random directions")      \
    R(delta, "1e-4", 1e-12, 1, "step of the differences")   \
    B(scaled, "false", "scores divided by sqrt(d)")         \
    R(impostor, "0", -1, 1,                                 \
      "controls only: relative change of xbar in both forms")
EG_FIELDS_STRUCT(eg_theory_key_query, EG_THEORY_KEY_QUERY_FIELDS)

/* constructed [2.1]: the two-layer model with the ideal memories beta_1
 * W_K^1*, beta_2 W_K^2*, beta_3 W_O^2* put in by hand. Emits, over d: accuracy
 * on positions with c >= 2, attends_previous = share of positions t >= 1 whose
 * largest first-layer score is at t - 1. */
#define EG_THEORY_CONSTRUCTED_FIELDS(I, R, B, T, E, L)                 \
    L(dims, "[64, 128, 256, 512]", "widths d to sweep")                \
    T(stats, "tinyshakespeare", "character statistics, as task.stats") \
    I(n_ctx, "256", 2, 4096, "tokens in a sequence")                   \
    I(n_triggers, "5", 1, 64, "triggers in a sequence")                \
    I(n_sequences, "64", 1, 1000000, "sequences of each draw")         \
    R(beta1, "20", 0, 1e6, "strength of W_K^1*")                       \
    R(beta2, "20", 0, 1e6, "strength of W_K^2*")                       \
    R(beta3, "5", 0, 1e6, "strength of W_O^2*")                        \
    I(draws, "4", 1, 1000, "independent models")
EG_FIELDS_STRUCT(eg_theory_constructed, EG_THEORY_CONSTRUCTED_FIELDS)

/* three_step [5.5, 8.4]: one gradient step on W_O^2, one on W_K^2, one on
 * W_K^1, each from zero and rescaled so that mean right score minus mean wrong
 * score is its gap; then, scaled by final_*, the accuracy. Toy data: trigger q
 * at a random place, its output o after it, q again at the end, noise
 * elsewhere; loss at the end only.
 *
 * streams: clean = layer 1 scores positions and moves tokens, layer 2 asks
 * with the token, looks among moved tokens, fetches tokens, no direct path;
 * all = every matrix reads the whole residual stream. read1 ... direct change
 * a single reader: letters t token, p position, T token moved by layer 1, P
 * position moved by it; "-" reads nothing, "" follows streams.
 *
 * Emits, over the swept option: recall_W_O2, recall_W_K2, recall_W_K1,
 * recall_W_K1_early (t <= 16); accuracy_1, accuracy_2, accuracy (after each
 * step), attended (the place attended most holds o); signal_W_O2, signal_W_K2,
 * the gaps before rescaling, formula_W_O2 = 1/(NT), formula_W_K2 = 1/(NT)
 * (E 1/(tau+1) - E (1/T) sum_{s>tau} 1/s); row_max, the share of rows of
 * step 3's coefficients with the maximum at s - 1; shape_2, _4, _8, the
 * coefficient of (p_s, p_{s-1}) over (1/s')(1 - 1/s'), s' = s + 1, relative to
 * s = 1; leak_1, the share of step 3's squared coefficients between positions
 * that are off (s, s-1); bias_W_K2, the range over s of the score between the
 * positions of query and key, in gaps, and formula_bias, its leading order with
 * the query at the end: o is at each s of 1..T-2 with probability 1/(T-2) and
 * never at the ends, and the query's position is the same in all sequences
 * where its token is one of N; control_W_K2_norm and control_recall_W_K1, the
 * same steps taken first, with W_O^2 = 0. */
#define EG_THEORY_THREE_STEP_FIELDS(I, R, B, T, E, L)                         \
    E(sweep, "d_model", "d_model|n_ctx|n_sequences|d_vocab",                  \
      "the swept option")                                                     \
    L(values, "[16, 32, 64, 128, 256]", "its values")                         \
    I(d_model, "256", 1, 16384, "width d")                                    \
    I(n_ctx, "32", 4, 1024, "tokens in a sequence, T")                        \
    I(d_vocab, "65", 3, 1024, "tokens N")                                     \
    I(n_sequences, "51200", 1, 4000000000, "fresh sequences for each step")   \
    I(n_test, "4096", 1, 4000000000, "sequences for the accuracies")          \
    E(embeddings, "gaussian", "gaussian|orthonormal",                         \
      "orthonormal: the limit of large d, all dot products exact")            \
    E(streams, "clean", "clean|all", "what the matrices read")                \
    T(read1, "", "queries and keys of layer 1")                               \
    T(write1, "", "what layer 1 moves")                                       \
    T(query2, "", "queries of layer 2")                                       \
    T(key2, "", "keys of layer 2")                                            \
    T(value2, "", "values of layer 2")                                        \
    T(direct, "", "direct path to the logits")                                \
    B(value_matrix, "false", "a random W_V^2 in front of the values")         \
    B(q_in_noise, "false", "noise tokens may equal q")                        \
    E(asked, "end", "end|anywhere",                                           \
      "anywhere: sequences of n_ctx/2 to n_ctx tokens, so that the query is " \
      "at a random position")                                                 \
    B(centre, "false",                                                        \
      "step 2 takes the covariance of query and keys: the mean query is "     \
      "left out")                                                             \
    R(gap_W_O2, "1", 0, 1e6, "score gap after step 1")                        \
    R(gap_W_K2, "1", 0, 1e6, "score gap after step 2")                        \
    R(gap_W_K1, "1", 0, 1e6, "score gap after step 3")                        \
    R(final_W_O2, "1", 0, 1e6, "factor of W_O^2 for the accuracies")          \
    R(final_W_K2, "10", 0, 1e6, "factor of W_K^2 for the accuracies")         \
    R(final_W_K1, "30", 0, 1e6, "factor of W_K^1 for the accuracies")         \
    I(draws, "1", 1, 1000, "independent embeddings and data")
EG_FIELDS_STRUCT(eg_theory_three_step, EG_THEORY_THREE_STEP_FIELDS)

#ifdef __cplusplus
}
#endif
#endif
