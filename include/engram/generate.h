/* Generating: what a model of tokens says next, token by token.
 *
 * A decoder keeps what attention reads of the positions so far (keys and
 * values, behind their norms and rotations), so that a token costs one row of
 * every operation and reads every weight once. Mixers with a state (linear,
 * mesa, gated and delta rules, ttt, ...), and convolutions of queries and keys,
 * are recomputed over the positions so far. The first tokens go through the
 * ordinary forward pass, all at once. In float64 both equal the full forward
 * pass to 1e-12; the bits do not depend on the number of threads. */
#ifndef ENGRAM_GENERATE_H
#define ENGRAM_GENERATE_H

#include "engram/model.h"
#include "engram/pool.h"
#include "engram/rng.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_decoder eg_decoder;

/* Of that model as it is now: it must not change until the decoder is freed,
 * which it outlives, as the pool does. kern: kernel set name, "auto".
 * EG_EINVAL: a model of vectors, or without a mask. Set-up allocates; nothing
 * below does. */
EG_API eg_status eg_decoder_new(eg_decoder **out, const eg_model *m,
                                eg_pool *pool, const char *kern, eg_err *err);
EG_API void eg_decoder_free(eg_decoder *d);
/* Bytes that it takes beside the model. */
EG_API int64_t eg_decoder_bytes(const eg_decoder *d);
/* Bytes of weights that a token reads: of every matrix, once. A matrix of
 * float32 whose entries are all bfloat16's, or all float16's, as in checkpoints
 * of these types, is kept in 16 bits too, and a token reads those: the same
 * bits, half the bytes. */
EG_API int64_t eg_decoder_reads(const eg_decoder *d);
/* Whether it does; on to begin with. */
EG_API void eg_decoder_narrow(eg_decoder *d, bool on);

/* Begins anew with tokens [n], n >= 1; of more than n_ctx the last n_ctx count.
 * EG_EINVAL: a token out of the vocabulary, or none. */
EG_API eg_status eg_decoder_prompt(eg_decoder *d, const int32_t *tokens,
                                   eg_index n, eg_err *err);
/* One token more. Where n_ctx of them are there already, the older half is
 * forgotten and the others are read anew, as a prompt from position 0. */
EG_API eg_status eg_decoder_step(eg_decoder *d, int32_t token, eg_err *err);
/* How many tokens the logits are of. */
EG_API int eg_decoder_length(const eg_decoder *d);
/* Logits of the next token, out [d_vocab]. */
EG_API void eg_decoder_logits(const eg_decoder *d, double *out);

/* ---- choosing one ----------------------------------------------------------
 */

#define EG_SAMPLE_FIELDS(I, R, B, T, E, L)                                     \
    R(temperature, "1", 0, 1e6,                                                \
      "logits are divided by it; 0: the most likely token, the first one on "  \
      "ties")                                                                  \
    I(top_k, "0", 0, 1048576, "of so many of the likeliest tokens; 0: of all") \
    R(top_p, "1", 0, 1,                                                        \
      "of the likeliest that together have so much probability, and at least " \
      "of one")
EG_FIELDS_STRUCT(eg_sample_opts, EG_SAMPLE_FIELDS)
/* The options above as a table, for eg_fields_default and its kin. */
EG_API extern const eg_field eg_sample_fields[];

/* A token of softmax(logits / temperature), of those that top_k and then top_p
 * leave; work [2 n] is scratch. -1: no logit is a number. */
EG_API int32_t eg_sample(const double *logits, int n, const eg_sample_opts *o,
                         eg_rng *rng, double *work);
/* The n-th token (from 0) behind the prompt as `engram generate` draws it: of
 * the decoder's logits, by a stream of its own of (seed, n). work [3 d_vocab]
 * is scratch. -1: no logit is a number. */
EG_API int32_t eg_decoder_draw(const eg_decoder *d, const eg_sample_opts *o,
                               uint64_t seed, uint64_t n, double *work);

#ifdef __cplusplus
}
#endif
#endif
