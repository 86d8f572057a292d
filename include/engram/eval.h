/* Looking inside: forward passes whose activations are read at named hook
 * points (TransformerLens names), one sequence at a time, on all threads.
 * Never touches the model. */
#ifndef ENGRAM_EVAL_H
#define ENGRAM_EVAL_H

#include "engram/model.h"
#include "engram/pool.h"
#include "engram/task.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_eval eg_eval;

/* One sequence's activations; valid during the callback only. */
typedef struct eg_acts {
    int n_ctx;
    const int32_t *tokens, *targets, *labels; /* [n_ctx], see eg_seq */
    const double *inputs, *outputs; /* [n_ctx, n_in], [n_ctx, n_out]: vectors */
    /* [n_ctx] -log p(target), or |output - target|^2 / 2; 0 without target */
    const double *nll;
    const int32_t *pred; /* [n_ctx] argmax of the logits; -1: vectors */
    const void *state;
} eg_acts;

/* The array at a hook point, without the batch axis: e.g.
 * blocks.0.attn.hook_pattern [n_heads, n_ctx, n_ctx], blocks.1.hook_resid_post
 * [n_ctx, d_model], logits [n_ctx, d_vocab] (vectors: outputs [n_ctx, n_out]).
 * False: no such hook here. */
EG_API bool eg_acts_hook(const eg_acts *a, const char *name, eg_view *out);

/* EG_EVAL_FULL adds hook_attn_scores and hook_result (slower, larger);
 * EG_EVAL_PRED has no hooks at all, only nll and pred, at the cost of a
 * training step's forward pass. */
enum { EG_EVAL_BASIC = 0, EG_EVAL_FULL = 1, EG_EVAL_PRED = 2 };

/* kern: kernel set name, "auto". Set-up allocates; runs do not. */
EG_API eg_status eg_eval_new(eg_eval **out, const eg_model *m,
                             const eg_task *task, eg_pool *pool,
                             const char *kern, int flags, eg_err *err);
EG_API void eg_eval_free(eg_eval *e);
/* Names of the hooks this model has, in order; NULL past the end. */
EG_API const char *eg_eval_hook_name(const eg_eval *e, int i);

/* fn(ctx, index, worker, acts) for sequences first .. first+count-1 of (split,
 * step), from any thread, in any order: reduce per index, not per arrival. */
typedef void (*eg_acts_fn)(void *ctx, int index, int worker,
                           const eg_acts *acts);
EG_API void eg_eval_run(eg_eval *e, eg_split split, uint64_t step,
                        uint32_t first, int count, eg_acts_fn fn, void *ctx);
/* The same for sequences 0 .. count-1 that the caller writes (eg_source_fn). */
EG_API void eg_eval_run_on(eg_eval *e, eg_source_fn source, const void *from,
                           int count, eg_acts_fn fn, void *ctx);
/* From now on stop(ctx) is asked within these calls, by the thread that makes
 * them, every operation or so (NULL: no longer); once it is true they end
 * without fn having seen all sequences, and so do all later ones, until this is
 * called again. */
EG_API void eg_eval_until(eg_eval *e, bool (*stop)(void *ctx), void *ctx);
EG_API bool eg_eval_stopped(const eg_eval *e);

/* ---- Patching: a hook that is not what the model makes of it ---------------
 *
 * What is held is written over before anything reads it, in every forward pass
 * from then on: an ablation (zeros, a mean), or what another model has there on
 * the same sequence. Patterns, scores, results of heads and what norms look at
 * are read off other values, so they are seen but not held. */
typedef struct eg_hold {
    const char *hook;  /* "blocks.0.attn.hook_z" */
    int head;          /* its columns alone, of a hook by heads; -1: all */
    const double *row; /* [columns] what every position gets, copied; NULL:
                          zeros */
    eg_eval *other;    /* in its place: what the hook is there. Of a model of
                          the same shape, on the same pool; outlives the hold */
} eg_hold;

/* Columns first .. first + cols - 1 of what a hook shows, added up over its
 * n_ctx positions; sum [cols]. */
EG_API void eg_hook_sum(double *sum, const eg_view *shown, int n_ctx,
                        eg_index first, eg_index cols);
/* Cuts ".h3" off the end of a hook's name and returns 3; -1: there is none. */
EG_API int eg_hook_head(char *hook);
/* Columns of a hook that can be held, of one head of it (-1: all); 0: there is
 * no such hook or head, or it cannot be held. */
EG_API eg_index eg_eval_columns(const eg_eval *e, const char *hook, int head);
/* Besides what is held already; of the same columns the last one counts. After
 * a failure other than EG_EINVAL or EG_ESHAPE nothing is held. */
EG_API eg_status eg_eval_hold(eg_eval *e, const eg_hold *h, eg_err *err);
/* Nothing is held any more. */
EG_API void eg_eval_let_go(eg_eval *e);

#ifdef __cplusplus
}
#endif
#endif
