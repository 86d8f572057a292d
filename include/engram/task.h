/* Tasks: where sequences come from. Any sequence can be made alone, from
 * (seed, split, step, index), in any thread. */
#ifndef ENGRAM_TASK_H
#define ENGRAM_TASK_H

#include "engram/fields.h"
#include "engram/rng.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_TASK_FIELDS(I, R, B, T, E, L)                                      \
    E(kind, "bigram", "bigram", "where sequences come from")                  \
    I(n_ctx, "256", 2, 1048576, "tokens in a sequence (the paper's T)")       \
    T(stats, "tinyshakespeare",                                               \
      "character statistics: a name shipped with engram, or a file written "  \
      "by `engram stats`")                                                    \
    I(n_triggers, "5", 1, 64, "trigger tokens in a sequence (the paper's K)") \
    E(triggers, "random", "random|fixed",                                     \
      "drawn per sequence from the unigram law, or the same frequent tokens " \
      "in all of them")                                                       \
    I(trigger_skip, "0", 0, 1000000,                                          \
      "fixed triggers: leave out this many of the most frequent tokens")      \
    E(outputs, "uniform", "uniform|bigram",                                   \
      "law of the token that follows a trigger, in training")                 \
    E(test_outputs, "same", "same|uniform|bigram",                            \
      "the same for the test batch")                                          \
    B(no_repeat, "false", "a trigger never has itself as output")             \
    B(shuffle, "false",                                                       \
      "control: after a trigger every occurrence draws a fresh output, so "   \
      "nothing can be learnt in context")                                     \
    B(show_latents, "false",                                                  \
      "write the triggers as the first tokens of the sequence, without "      \
      "target")                                                               \
    E(output_pool, "all", "all|split",                                        \
      "split: uniform outputs in training come from the first 3/4 of the "    \
      "vocabulary, in tests from the rest")                                   \
    E(occurrences, "counted", "counted|one",                                  \
      "label of a trigger where it occurs: which time that is, or 1 every "   \
      "time; then nothing counts as a later occurrence, in losses and probes")
EG_FIELDS_STRUCT(eg_task_opts, EG_TASK_FIELDS)
/* The options above as a table, for eg_fields_default and its kin. */
EG_API extern const eg_field eg_task_fields[];

enum { EG_TRIGGERS_RANDOM, EG_TRIGGERS_FIXED };
enum { EG_OUTPUTS_UNIFORM, EG_OUTPUTS_BIGRAM };
enum { EG_TEST_SAME, EG_TEST_UNIFORM, EG_TEST_BIGRAM };
enum { EG_POOL_ALL, EG_POOL_SPLIT };
enum { EG_OCCUR_COUNTED, EG_OCCUR_ONE };

typedef enum eg_split {
    EG_TRAIN, /* fresh sequences, keyed by step */
    EG_PROBE, /* same law, own stream */
    EG_TEST   /* fixed: step is ignored; its own output law and seed */
} eg_split;

/* One sequence; each array holds n_ctx entries. */
typedef struct eg_seq {
    int32_t *tokens;  /* z_t = x_t */
    int32_t *targets; /* y_t = x_{t+1}; -1: no target here */
    int32_t *occur;   /* 0, or which occurrence of its trigger x_t is (1, 2,
                         ...; with occurrences: one always 1); -1 for a token
                         shown by show_latents */
} eg_seq;

typedef struct eg_task eg_task;

/* Checks the options (EG_EINVAL names the key) and prepares the law. seed keys
 * every sequence. Freeing NULL does nothing. */
EG_API eg_status eg_task_new(eg_task **out, const eg_task_opts *opts,
                             uint64_t seed, eg_err *err);
EG_API void eg_task_free(eg_task *task);
EG_API const eg_task_opts *eg_task_options(const eg_task *task);
EG_API int eg_task_vocab(const eg_task *task); /* d_vocab */
EG_API int eg_task_ctx(const eg_task *task);   /* n_ctx */

/* Writes one sequence. Allocates nothing; safe from any thread. */
EG_API void eg_task_sequence(const eg_task *task, eg_split split, uint64_t step,
                             uint32_t index, eg_seq *out);

/* What is known of the law, for probes and tests (bigram task). */
EG_API const double *eg_task_unigram(const eg_task *task); /* [d_vocab] */
EG_API const double *eg_task_bigram(const eg_task *task); /* [d_vocab, d_vocab],
                                                             rows sum to 1 */
/* The fixed triggers, in ascending order of frequency; *n = 0 when random. */
EG_API const int32_t *eg_task_fixed_triggers(const eg_task *task, int *n);
/* Unicode code point of a token (0 when tokens are not characters). */
EG_API int32_t eg_task_symbol(const eg_task *task, int token);

/* Counts the characters and adjacent pairs of a UTF-8 text, a file or a pipe of
 * at most 16 GiB, and writes the statistics file that task.stats reads.
 * out_path must not be there yet, or hold statistics of other texts
 * (EG_EINVAL). */
EG_API eg_status eg_stats_measure(const char *text_path, const char *out_path,
                                  const char *provenance, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
