/* Probes: what is measured on a model while it trains. They read, on their own
 * batches, and never change a run. */
#ifndef ENGRAM_PROBE_H
#define ENGRAM_PROBE_H

#include "engram/eval.h"
#include "engram/file.h"
#include "engram/train.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_PROBE_FIELDS(I, R, B, T, E, L)                                     \
    I(every, "10", 1, 1000000000, "steps between measurements")               \
    I(per_decade, "0", 0, 1000,                                               \
      "besides, so many measurements a decade: at steps 0 and, rounded, "     \
      "10^(i/n), i = 0, 1, ...; 0: none")                                     \
    I(batch, "64", 1, 65536,                                                  \
      "fresh sequences for losses, accuracies and attention")                 \
    I(test, "128", 0, 65536, "sequences of the fixed test batch")             \
    I(train, "0", 0, 65536,                                                   \
      "sequences of training, those that the next steps read, whose losses "  \
      "are measured as the test batch's are, without dropout: loss_train")    \
    L(positions, "",                                                          \
      "positions, counted from 1, whose mean loss on the test batch is "      \
      "measured: loss_at.<t>")                                                \
    L(linear, "",                                                             \
      "linear probes of the stream before and behind each block at "          \
      "probe.positions: next (what is predicted), current (the state), "      \
      "solved (the state by the inverse of the sum of squares before it), "   \
      "token (the state and those before), features (phi of "                 \
      "nonlinear systems, of the same)")                                      \
    I(linear_back, "7", 0, 60, "linear token: so many states before")         \
    I(linear_sequences, "256", 8, 65536,                                      \
      "sequences that linear probes are fitted to, and as many held out")     \
    I(linear_every, "0", 0, 1000000000,                                       \
      "steps between linear probes and sensitivities, each of which is "      \
      "measured; 0: the last alone")                                          \
    I(sensitivity, "0", 0, 65536,                                             \
      "sequences on which it is measured how much the stream behind the "     \
      "first block moves with each raw state: sensitivity.<lag>")             \
    I(radius, "0", 0, 10000000,                                               \
      "sequences whose stream at radius_position is compared with that of "   \
      "the nearest other one, behind each block: radius.<depth>.<share>; 0: " \
      "none")                                                                 \
    I(radius_position, "0", 0, 1048576,                                       \
      "that position, counted from 1; 0: the last one")                       \
    I(radius_every, "0", 0, 1000000000,                                       \
      "steps between radii; 0: the last step alone")                          \
    B(recall, "true", "memory recalls and the KL of W_F (weights only)")      \
    B(attention, "true", "where the heads look")                              \
    B(norms, "true", "Frobenius norms of tensors and gradients")              \
    B(heads, "false",                                                         \
      "what each head of each block does on repeated tokens: "                \
      "head.<block>.<head>.previous, induction, ...")                         \
    B(compressed, "false",                                                    \
      "vectors: the loss of the network whose products of weights are "       \
      "blocks of multiples of the identity: loss_compressed, ...")            \
    T(compressed_with, "",                                                    \
      "loss_interpolated with the blocks of these weights, a safetensors "    \
      "file, in the place of the model's own")                                \
    B(deviation, "true",                                                      \
      "of train.precision bfloat16: whatever a forward pass tells is "        \
      "measured "                                                             \
      "by float32 products of the same weights besides, and the difference "  \
      "is a metric, deviation.<metric>")                                      \
    I(llc, "0", 0, 1000000,                                                   \
      "steps of each chain of Langevin dynamics that measures the local "     \
      "learning coefficient; 0: it is not measured")                          \
    I(llc_every, "0", 0, 1000000000,                                          \
      "steps of training between its measurements; 0: probe.every")           \
    I(llc_chains, "2", 1, 1000, "its chains")                                 \
    R(llc_step, "1e-6", 1e-30, 1, "its step size")                            \
    R(llc_nbeta, "1000", 1e-6, 1e12,                                          \
      "what its loss is multiplied by: samples times inverse temperature")    \
    R(llc_pull, "100", 0, 1e12, "its pull back to the weights")               \
    I(snapshots, "12", 0, 1000,                                               \
      "times at which attention maps and association matrices are kept, "     \
      "spread over the run, denser at the beginning")
EG_FIELDS_STRUCT(eg_probe_opts, EG_PROBE_FIELDS)
/* The options above as a table, for eg_fields_default and its kin. */
EG_API extern const eg_field eg_probe_fields[];

/* Names: loss_global loss_in_context acc_all acc_start acc_in_context
 * repeat_fraction, ..._test; attn_prev attn_prev_first attn_prev_all
 * attn_answer attn_match attn_match_other attn_cond pred_attended, with .h<k>
 * for each of several heads; recall_W_O2 recall_W_K2 recall_W_K1
 * recall_W_K1_early kl_W_F; norm.<tensor> grad_norm.<tensor>; head.<block>.
 * <head>.<score of eg_head_score>, repeat_loss_first repeat_loss_again;
 * loss_at.<t>; floor.<group>, memorised, extracted, and all that has groups
 * with _train; loss_compressed loss_interpolated compressed_qk compressed_ov
 * compressed_large compressed_step; linear.<target>.<depth>.<t>,
 * linear_held...., sensitivity.<lag>; radius.<depth>.<share>
 * radius_median.<depth> and so on; llc llc_se. One row of the table in
 * src/probe a name, with its definition (docs/probes.md). A probe that the
 * model does not have, or that found no position to average over, is not
 * emitted. name stays valid as long as the probes. */
typedef void (*eg_probe_emit)(void *ctx, const char *name, double value);

typedef struct eg_probe_info {
    const char *name, *unit, *help;
} eg_probe_info;
/* The i-th row of the table, NULL past the end; "norm.<tensor>" stands for one
 * name a tensor, "head.<block>.<head>.previous" for one a head. */
EG_API const eg_probe_info *eg_probe_list(int i);

typedef struct eg_probes eg_probes;
/* Checks the options and allocates everything that measuring needs; trainer,
 * task and pool outlive the probes. kern: kernel set name, "auto". */
EG_API eg_status eg_probes_new(eg_probes **out, const eg_probe_opts *opts,
                               eg_trainer *tr, const eg_task *task,
                               eg_pool *pool, const char *kern, eg_err *err);
/* The same of a model that nobody trains, which outlives the probes: without
 * norms. */
EG_API eg_status eg_probes_of(eg_probes **out, const eg_probe_opts *opts,
                              const eg_model *m, const eg_task *task,
                              eg_pool *pool, const char *kern, eg_err *err);
EG_API void eg_probes_free(eg_probes *p);
/* The evaluator of the probes on fresh sequences, theirs. */
EG_API eg_eval *eg_probes_eval(eg_probes *p);
/* Is this step measured? (every, per_decade, and the last one.) */
EG_API bool eg_probes_due(const eg_probes *p, int64_t step, int64_t n_steps);
/* Forward-pass probes, to be called before the update of that step. */
EG_API void eg_probes_before(eg_probes *p, int64_t step, eg_probe_emit emit,
                             void *ctx);
/* Weight probes, test batch, norms: after the update of that step. */
EG_API void eg_probes_after(eg_probes *p, int64_t step, eg_probe_emit emit,
                            void *ctx);
/* Behind eg_probes_after of a step at which the run ends before its time: what
 * is measured at the last step, and was not due. */
EG_API void eg_probes_last(eg_probes *p, int64_t step, eg_probe_emit emit,
                           void *ctx);
/* From now on stop(ctx) is asked while something is measured, by the thread
 * that calls: once it is true the call above returns soon, and what is emitted
 * from then on is of no worth. That stays until this is called again. */
EG_API void eg_probes_until(eg_probes *p, bool (*stop)(void *ctx), void *ctx);
EG_API bool eg_probes_stopped(const eg_probes *p);
/* Of eg_probes_after, what the update of that step leaves behind and nobody can
 * measure later: norms of tensors and their gradients. */
EG_API void eg_probes_fleeting(eg_probes *p, int64_t step, eg_probe_emit emit,
                               void *ctx);
/* Is a snapshot due after step updates, 0 <= step <= n_steps? At both ends
 * (with snapshots = 1 at n_steps only) and at times spread geometrically. */
EG_API bool eg_probes_snapshot_due(const eg_probes *p, int64_t step,
                                   int64_t n_steps);
/* Writes the model as it is now into the folder `to`, float32, each array
 * as <name>.<step>.npy; rows are inputs or queries, columns outputs or keys:
 *     pattern_L<l>  [n_heads, q, q]  attention on the demo sequence, of
 *                                    blocks whose mixer has a pattern
 *     memory_W_O2   [V, V]  (w_E(z) W_V2 W_O2) . w_U(v)
 *     memory_W_K2   [V, V]  (w_E(i) W_QK2) . (w_E(j) W_V1 W_O1)
 *     memory_W_K1   [q, q]  (p_t W_QK1) . p_s
 *     memory_W_F    [V, V]  F(w_E(z)) . w_U(v)
 * q = 64, at n_steps n_ctx; no side exceeds 1024. Beside them, without a
 * step as they never change: log_bigram.npy [V, V] (bigram tasks; -inf where
 * the law is 0; what memory_W_F should become up to a constant a row), and the
 * demo sequence demo_tokens.npy, demo_targets.npy, demo_labels.npy [n_ctx],
 * int32; of vectors demo_inputs.npy and demo_outputs.npy in the place of
 * tokens. */
EG_API eg_status eg_probes_snapshot(eg_probes *p, int64_t step, int64_t n_steps,
                                    const eg_folder *to, eg_err *err);

/* Mean of a hook that can be held (engram/eval.h), of one head of it or (-1) of
 * all, over n_ctx positions and `count` sequences; row [columns]. */
EG_API eg_status eg_hook_mean(double *row, eg_eval *eval, const char *hook,
                              int head, eg_split split, uint64_t step,
                              int count, int n_ctx, eg_err *err);

/* ---- What the heads of a model do -------------------------------------------
 *
 * On sequences of tokens drawn uniformly and said twice, [A A], so that the
 * law of a task plays no part. a_t(s) is the attention from t to s <= t; of a
 * mixer whose rows are no shares, |P_ts| over its sum over s. L is the length
 * of A. A score is a mean over positions t of all sequences:
 *
 *     previous    a_t(t - 1)                             1 <= t < 2L
 *     induction   sum of a_t(s + 1) over s < t, z_s = z_t     L <= t
 *     duplicate   sum of a_t(s)     over s < t, z_s = z_t     L <= t
 *     first       a_t(0)                                 1 <= t < 2L
 *     current     a_t(t)                                 1 <= t < 2L
 *     entropy     -sum_s a_t(s) log a_t(s), in nats      1 <= t < 2L
 *
 * The first three are TransformerLens's head detector (detect_head), whose
 * error_measure "mul" takes the mean over all t. */
enum {
    EG_HEAD_PREVIOUS,
    EG_HEAD_INDUCTION,
    EG_HEAD_DUPLICATE,
    EG_HEAD_FIRST,
    EG_HEAD_CURRENT,
    EG_HEAD_KINDS, /* the scores so far are what a head may be */
    EG_HEAD_ENTROPY = EG_HEAD_KINDS,
    EG_HEAD_SCORES
};

typedef struct eg_head {
    int layer, head;
    int kind;                     /* EG_HEAD_... of eg_heads_rank; -1: none */
    double score[EG_HEAD_SCORES]; /* NaN: nothing to average over */
} eg_head;

typedef struct eg_heads {
    int n;        /* heads of blocks whose mixer has a pattern */
    eg_head *row; /* [n] by layer, then head */
    eg_head even; /* the scores of one that looks everywhere alike */
    /* Mean -log p of the next token in A, which nobody can know, and in its
     * repetition, which the context tells. */
    double loss_first, loss_again;
} eg_heads;

/* Name, unit and meaning of score i; NULL past the end. */
EG_API const eg_probe_info *eg_head_score(int i);
/* On `count` sequences drawn from seed; eval as made by eg_eval_new of that
 * model on that pool, with hooks. Cost: count forward passes, and for each head
 * count n_ctx^2 / 2 logarithms. */
EG_API eg_status eg_heads_measure(eg_heads *out, eg_eval *eval,
                                  const eg_model *m, eg_pool *pool, int count,
                                  uint64_t seed, eg_err *err);
EG_API void eg_heads_release(eg_heads *h);
/* Names heads by the score, of those that are kinds, that is farthest on its
 * way from `even` to 1, (score - even) / (1 - even), the first one on ties,
 * where that reaches the threshold: in a small vocabulary a quarter of all
 * attention to copies may mean nothing. Puts them in the order of kinds above,
 * the largest score first, behind them those without a name by layer and head.
 */
EG_API void eg_heads_rank(eg_heads *h, double threshold);

#ifdef __cplusplus
}
#endif
#endif
