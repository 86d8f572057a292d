/* Tasks: where sequences come from. Any sequence can be made alone, from
 * (seed, split, step, index), in any thread. */
#ifndef ENGRAM_TASK_H
#define ENGRAM_TASK_H

#include "engram/fields.h"
#include "engram/file.h"
#include "engram/rng.h"
#include "engram/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Options of all kinds. */
#define EG_TASK_COMMON_FIELDS(I, R, B, T, E, L)            \
    E(kind, "bigram",                                      \
      "bigram|markov|linear|uniform|nonlinear|regression|" \
      "question_formation|text",                           \
      "where sequences come from, `engram list tasks`")    \
    I(n_ctx, "256", 2, 1048576, "positions in a sequence (the paper's T)")

/* The bigram data model of "Birth of a Transformer". */
#define EG_BIGRAM_FIELDS(I, R, B, T, E, L)                                    \
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

/* Markov chains to be learnt in context (arXiv 2402.11004). */
#define EG_MARKOV_FIELDS(I, R, B, T, E, L)                                    \
    I(n_states, "3", 2, 64, "symbols, the states of each chain")              \
    R(concentration, "1", 1e-3, 1e6,                                          \
      "rows of a chain's transition matrix are Dirichlet(concentration)")     \
    I(n_chains, "0", 0, 1000000000,                                           \
      "sequences of training and probes come from so many chains, those of "  \
      "the test batch from others; 0: each sequence from a chain of its own") \
    E(start, "stationary", "stationary|uniform", "law of the first symbol")

/* Vectors that follow a law of their own in each sequence (arXiv 2309.05858);
 * of finitely many laws arXiv 2306.15063, 2501.17745. */
#define EG_VECTORS_FIELDS(I, R, B, T, E, L)                                  \
    I(dim, "10", 1, 64, "entries of what is seen at a position")             \
    R(noise, "0.01", 0, 1e6, "standard deviation of the noise of each step") \
    R(start_width, "0", 0, 1e6,                                              \
      "entries of the first state are uniform between minus and plus this; " \
      "0: 1, nonlinear 0.25")
#define EG_SYSTEMS_FIELDS(I, R, B, T, E, L)                                   \
    I(n_systems, "0", 0, 1000000000,                                          \
      "sequences of training and probes come from so many systems, those of " \
      "the test batch from others; 0: each sequence from a system of its own")
#define EG_TOKENS_FIELDS(I, R, B, T, E, L)                                     \
    I(lags, "16", 1, 64, "tokens lagged: how many states stand in one")        \
    E(tokens, "raw", "raw|constructed|constructed_one|lagged",                 \
      "what stands at position t: s_t; [0, s_t, s_t, s_{t-1}]; the same of a " \
      "model of one layer, [0, 0, s_t, s_{t-1}]; or [s_t, s_{t-1}, ...], so "  \
      "many as lags; 0 before the first")

/* Linear dynamical systems. */
#define EG_LINEAR_FIELDS(I, R, B, T, E, L)                                   \
    E(system, "orthogonal", "orthogonal|contracting|fixed",                  \
      "law of W: uniform on the orthogonal matrices; M diag(e) M^-1, M of "  \
      "normal entries, one e at eig_max and the others uniform; one "        \
      "orthogonal W for all sequences")                                      \
    R(eig_min, "0.3", -10, 10, "system contracting: the least eigenvalue")   \
    R(eig_max, "0.9", -10, 10, "system contracting: the largest eigenvalue") \
    I(draw, "1", 0, 1000000,                                                 \
      "system fixed: which draw of W, whatever the "                         \
      "seed")                                                                \
    R(bound, "0", 0, 1e30,                                                   \
      "entries of states are clipped to minus and plus this; 0: 10, "        \
      "contracting 2")                                                       \
    I(hidden, "0", 0, 64,                                                    \
      "entries of the hidden state h, of which C h is seen, C of normal "    \
      "entries in each sequence; 0: the state itself is seen")               \
    R(seen_std, "0.5", 0, 1e6, "hidden: standard deviation of entries of C") \
    R(seen_noise, "0.01", 0, 1e6,                                            \
      "hidden: standard deviation of the noise of what is seen")

/* States behind a fixed random network, then a W of each sequence. */
#define EG_NONLINEAR_FIELDS(I, R, B, T, E, L)                         \
    I(teacher, "1", 0, 1000000,                                       \
      "which draw of A and B all sequences share, whatever the seed") \
    I(teacher_width, "40", 1, 256, "columns of A, rows of B")         \
    R(teacher_std, "1.1", 1e-6, 1e6, "standard deviation of entries of A, B")

/* Pairs x, y = W x with a W of each sequence. */
#define EG_REGRESSION_FIELDS(I, R, B, T, E, L)                                 \
    E(format, "plain", "plain|eos|prefix",                                     \
      "x y x y ...; x y E x y E ..., E a trained vector; the same behind "     \
      "n_prefix trained vectors")                                              \
    I(n_prefix, "20", 1, 4096, "format prefix: vectors before the first pair") \
    I(switch_at, "0", 0, 1048576,                                              \
      "pairs of a first W, before those of a second; 0: one W")

#define EG_MOST_TOKENS 1048576
#define EG_SYSTEMS_KEPT 4096

/* Tokens at random. */
#define EG_UNIFORM_FIELDS(I, R, B, T, E, L) \
    I(vocabulary, "1024", 2, EG_MOST_TOKENS, "symbols to draw from")

/* Sentences of a grammar and their questions (energy lab). */
#define EG_QUESTION_SETS "train|val|test|gen|fresh"
#define EG_QUESTION_FIELDS(I, R, B, T, E, L)                                  \
    I(lines, "100000", 1, 10000000, "lines of the training file")             \
    I(val_lines, "1000", 0, 1000000, "lines of the file behind it")           \
    I(test_lines, "10000", 0, 1000000,                                        \
      "lines of the file behind that one, of the same law")                   \
    I(gen_lines, "10000", 0, 1000000,                                         \
      "lines of the generalisation set: questions, always with a relative "   \
      "clause in the subject, none of which training sees")                   \
    I(file_draw, "1", 0, 1000000,                                             \
      "which draw of the files, whatever the seed")                           \
    I(determiners, "6", 1, 4096,                                              \
      "words of that class; 36 makes it twice as uncertain")                  \
    E(weights, "effective", "effective|published",                            \
      "how often modifiers and objects are: as in the released lines, or as " \
      "in the published grammar")                                             \
    E(lines_from, "file", "file|law",                                         \
      "training reads its file, or draws lines of the law anew, without end") \
    E(probe_set, "test", EG_QUESTION_SETS,                                    \
      "whose lines probes draw as fresh sequences")                           \
    E(test_set, "gen", EG_QUESTION_SETS, "whose lines the test batch is")

/* A text, or shards of tokens. */
#define EG_CORPUS_FIELDS(I, R, B, T, E, L)                                     \
    E(window, "random", "random|epoch|sequential",                             \
      "where sequences of training begin: anywhere; side by side, in another " \
      "order each epoch; one behind the other, as llm.c reads")                \
    T(text, "",                                                                \
      "what is read: a folder that `engram tokenize` made, a shard (.bin), "   \
      "or a text")                                                             \
    T(tokenizer, "",                                                           \
      "the tokens' names: a tokenizer's file or folder, or how many ids "      \
      "there are; empty: the tokenizer beside the shards, a text's "           \
      "characters")                                                            \
    R(share, "1", 1e-9, 1,                                                     \
      "of the tokens of training, so large a first part is read: 0.01 lies "   \
      "within 0.1")                                                            \
    R(val_share, "0.05", 0, 0.9,                                               \
      "share for the test batch, the end, where no file has another: a text, " \
      "a shard; 0: the test batch is of what is trained on")                   \
    I(pad_vocab, "1", 1, 65536,                                                \
      "d_vocab is the next multiple of this: 64 makes 50304 of 50257")

#define EG_TASK_FIELDS(I, R, B, T, E, L)    \
    EG_TASK_COMMON_FIELDS(I, R, B, T, E, L) \
    EG_BIGRAM_FIELDS(I, R, B, T, E, L)      \
    EG_MARKOV_FIELDS(I, R, B, T, E, L)      \
    EG_CORPUS_FIELDS(I, R, B, T, E, L)      \
    EG_VECTORS_FIELDS(I, R, B, T, E, L)     \
    EG_SYSTEMS_FIELDS(I, R, B, T, E, L)     \
    EG_TOKENS_FIELDS(I, R, B, T, E, L)      \
    EG_LINEAR_FIELDS(I, R, B, T, E, L)      \
    EG_NONLINEAR_FIELDS(I, R, B, T, E, L)   \
    EG_REGRESSION_FIELDS(I, R, B, T, E, L)  \
    EG_UNIFORM_FIELDS(I, R, B, T, E, L)     \
    EG_QUESTION_FIELDS(I, R, B, T, E, L)
EG_FIELDS_STRUCT(eg_task_opts, EG_TASK_FIELDS)
/* The options above as a table, for eg_fields_default and its kin. */
EG_API extern const eg_field eg_task_fields[];

enum {
    EG_TASK_BIGRAM,
    EG_TASK_MARKOV,
    EG_TASK_LINEAR,
    EG_TASK_UNIFORM,
    EG_TASK_NONLINEAR,
    EG_TASK_REGRESSION,
    EG_TASK_QUESTION_FORMATION,
    EG_TASK_TEXT,
    EG_TASK_KINDS
};
enum { EG_TRIGGERS_RANDOM, EG_TRIGGERS_FIXED };
enum { EG_OUTPUTS_UNIFORM, EG_OUTPUTS_BIGRAM };
enum { EG_TEST_SAME, EG_TEST_UNIFORM, EG_TEST_BIGRAM };
enum { EG_POOL_ALL, EG_POOL_SPLIT };
enum { EG_OCCUR_COUNTED, EG_OCCUR_ONE };
enum { EG_START_STATIONARY, EG_START_UNIFORM };
enum {
    EG_TOKENS_RAW,
    EG_TOKENS_CONSTRUCTED,
    EG_TOKENS_CONSTRUCTED_ONE,
    EG_TOKENS_LAGGED
};
enum { EG_FORMAT_PLAIN, EG_FORMAT_EOS, EG_FORMAT_PREFIX };
enum { EG_WEIGHTS_EFFECTIVE, EG_WEIGHTS_PUBLISHED };
enum { EG_LINES_FILE, EG_LINES_LAW };
enum { EG_WINDOW_RANDOM, EG_WINDOW_EPOCH, EG_WINDOW_SEQUENTIAL };
enum { EG_SET_TRAIN, EG_SET_VAL, EG_SET_TEST, EG_SET_GEN, EG_SET_FRESH };
enum { EG_SYSTEM_ORTHOGONAL, EG_SYSTEM_CONTRACTING, EG_SYSTEM_FIXED };

typedef enum eg_split {
    EG_TRAIN, /* keyed by step: fresh sequences; of kinds that read a file, the
                 next of its epoch */
    EG_PROBE, /* same law, own stream */
    EG_TEST   /* fixed: step is ignored; its own output law and seed */
} eg_split;

/* What a sequence is made of: tokens, or vectors. */
typedef struct eg_io {
    int n_ctx;
    int d_vocab;     /* tokens: how many there are; vectors: 0 */
    int n_in, n_out; /* vectors: entries of an input, of a target; else 0 */
    /* Vectors that the model holds as W_eos and W_prefix: how many of each. */
    int n_eos, n_prefix;
} eg_io;

/* One sequence. Tokens: tokens and targets are [n_ctx] symbols. Vectors: inputs
 * [n_ctx, n_in] and outputs [n_ctx, n_out], and targets says where there are
 * any. Arrays that the task does not write may be NULL. */
typedef struct eg_seq {
    int32_t *tokens;  /* z_t = x_t */
    int32_t *targets; /* y_t = x_{t+1}; vectors: 0; -1: no target here */
    int32_t *labels;  /* what the position is; groups are ranges of labels */
    double *inputs, *outputs;
    /* Which of the model's own vectors is added to the input: 0 to n_eos - 1
     * of W_eos, from there on those of W_prefix; -1: none. */
    int32_t *prompts;
} eg_seq;

/* Who writes sequence `index` in the place of a task, from any thread: tokens
 * below d_vocab, targets (-1: none), labels. */
typedef void (*eg_source_fn)(const void *from, uint32_t index, eg_seq *out);

/* A name for positions: those with a target whose label is lo to hi. */
typedef struct eg_group {
    const char *name;
    int32_t lo, hi;
    const char *help;
} eg_group;

typedef struct eg_task eg_task;

/* Checks the options (EG_EINVAL names the key) and prepares the law. seed keys
 * every sequence. Freeing NULL does nothing. */
EG_API eg_status eg_task_new(eg_task **out, const eg_task_opts *opts,
                             uint64_t seed, eg_err *err);
EG_API void eg_task_free(eg_task *task);
/* Sequences that a step of training takes, 1 unless told: kinds that read a
 * file go through it by that, each sequence once in an epoch. Before the first.
 */
EG_API void eg_task_set_batch(eg_task *task, int64_t batch);
EG_API const eg_task_opts *eg_task_options(const eg_task *task);
EG_API eg_io eg_task_io(const eg_task *task);
EG_API int eg_task_vocab(const eg_task *task); /* d_vocab */
EG_API int eg_task_ctx(const eg_task *task);   /* n_ctx */

/* The i-th kind of task and what it is; NULL past the end. */
EG_API const char *eg_task_kind_name(int i, const char **help);
/* Has that kind an option of that name? */
EG_API bool eg_task_option_of(int kind, const char *name);
/* "linear or nonlinear": the kinds that have an option of that name, which is
 * one that not all have; else "" and false. */
EG_API bool eg_task_option_kinds(char *buf, size_t size, const char *name);
/* The i-th group of a kind of task (EG_TASK_...); NULL past the end. The first
 * is "all". Groups may overlap. */
EG_API const eg_group *eg_task_group(int kind, int i);
/* The group of that name; "": the one whose loss the kind is trained on. NULL:
 * there is none. */
EG_API const eg_group *eg_task_group_find(int kind, const char *name);

/* Arrays for one sequence of the task. Releasing a released one does nothing.
 */
EG_API eg_status eg_seq_new(eg_seq *s, const eg_task *task, eg_err *err);
EG_API void eg_seq_release(eg_seq *s);
/* Writes one sequence. Allocates nothing; safe from any thread. */
EG_API void eg_task_sequence(const eg_task *task, eg_split split, uint64_t step,
                             uint32_t index, eg_seq *out);

/* Did a sequence fail to be read (it is all zeros then)? The first such error;
 * EG_OK: none. Kinds that read no file have none. */
EG_API eg_status eg_task_trouble(const eg_task *task, eg_err *err);
/* What names the tokens of kind text, as long as the task lives; NULL: nothing
 * does. */
EG_API const eg_tokenizer *eg_task_tokenizer(const eg_task *task);

/* What is known of the law, for probes and tests, by name; false: the task has
 * no such fact. *out points into the task.
 *     unigram [d_vocab], bigram [d_vocab, d_vocab]: rows sum to 1   (bigram)
 *     triggers [n], int32, the fixed ones by ascending frequency    (bigram)
 *     rate [1], rate_train, rate_val, rate_test [1]: exact mean -log p a token,
 *         of the law and of each file by the law; label_nats, label_count
 *         [labels]: its parts, and how often each is in a line
 *                                                        (question_formation)
 *     systems [n_systems, dim, dim]: W of each system of training, where
 *         there are at most EG_SYSTEMS_KEPT and nothing is hidden
 *                                                        (linear, regression)
 *     noise_floor [1]: mean loss of who knows the system and its state, where
 *         nothing is clipped                              (linear, nonlinear)
 */
EG_API const char *eg_task_fact_name(const eg_task *task, int i); /* NULL: no
                                                                     more */
EG_API bool eg_task_fact(const eg_task *task, const char *name, eg_view *out);
/* Nonlinear: phi(s) = GELU(s A) B of a state [n_out], out [n_out]; NULL only
 * asks. False: a task has no such features. */
EG_API bool eg_task_features(const eg_task *task, double *out,
                             const double *state);
/* The first two, as they are; NULL where there is no such law. */
EG_API const double *eg_task_unigram(const eg_task *task);
EG_API const double *eg_task_bigram(const eg_task *task);
/* Exact -log p of each target, given those before; nats [n_ctx], infinite where
 * the law has it never, 0 without target; NULL only asks. False: nobody knows,
 * or the law has no such sequence. */
EG_API bool eg_task_nats(const eg_task *task, const int32_t *targets,
                         double *nats);
/* Set i of sequences in an order, by name; lines: how many it has, -1: without
 * end. False: there are no more. A kind that keeps none has its splits: train,
 * probe, test. */
EG_API bool eg_task_set(const eg_task *task, int i, const char **name,
                        int64_t *lines);
/* Sequence k of set i. */
EG_API void eg_task_line(const eg_task *task, int i, int64_t k, eg_seq *out);
/* A sequence of tokens as a line of text without its end, piece by piece: words
 * with spaces between, or characters. */
typedef void (*eg_task_put)(void *ctx, const char *text, size_t n);
EG_API void eg_task_print(const eg_task *task, const eg_seq *s, eg_task_put put,
                          void *ctx);
#define EG_TASK_WORD 16
/* A token as text: a word, a character, or its number; in buf or static. */
EG_API const char *eg_task_word(const eg_task *task, int token,
                                char buf[EG_TASK_WORD]);
/* Unicode code point of a token (0 when tokens are not characters). */
EG_API int32_t eg_task_symbol(const eg_task *task, int token);
/* A tokenizer of the characters that its tokens are, whose ids follow the code
 * points. EG_EINVAL: they are no characters. */
EG_API eg_status eg_task_characters(eg_tokenizer **out, const eg_task *task,
                                    eg_err *err);
/* A corpus (engram/corpus.h) of at most 1 GiB of text in tokens that are
 * characters; *ids [*n_ids] is released with eg_free. Characters that are no
 * token are left out, *left_out of them. EG_EINVAL: the tokens are no
 * characters; EG_EFORMAT: no UTF-8, with its place; EG_EIO; EG_ENOMEM. */
EG_API eg_status eg_task_encode(int32_t **ids, eg_index *n_ids,
                                int64_t *left_out, const eg_task *task,
                                const char *path, eg_err *err);

/* Counts the characters and adjacent pairs of a UTF-8 text, a file or a pipe of
 * at most 16 GiB, plain, gzip or zstd, and writes the statistics file that
 * task.stats reads. out_path must not be there yet, or hold statistics of other
 * texts (EG_EINVAL). */
EG_API eg_status eg_stats_measure(const char *text_path, const char *out_path,
                                  const char *provenance, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
