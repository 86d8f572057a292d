/* A model on the table: opened once, run forwards and back on sequences that
 * the caller has, with what is asked for handed over as arrays that the caller
 * owns. It is what bindings to other languages want of engram/checkpoint.h,
 * eval.h and train.h, in one object. Not for training: see engram/lab.h.
 *
 * A subject is used by one thread at a time; its own threads are a pool. */
#ifndef ENGRAM_SUBJECT_H
#define ENGRAM_SUBJECT_H

#include "engram/checkpoint.h"
#include "engram/eval.h"
#include "engram/generate.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_subject eg_subject;

/* The trained model that path stands for (engram/checkpoint.h); how may be
 * NULL. threads: 0, one a core. kern: kernel set, NULL: "auto". Errors as
 * eg_checkpoint_open. */
EG_API eg_status eg_subject_open(eg_subject **out, const char *path,
                                 const eg_checkpoint_how *how, int threads,
                                 const char *kern, eg_err *err);
/* The model of a configuration, a file or the folder of a run, as it is before
 * the first step: drawn from run.seed, or from init.from. Of how, assign and
 * seed count. EG_EINVAL: a theory or a flow has no model. */
EG_API eg_status eg_subject_fresh(eg_subject **out, const char *config,
                                  const eg_checkpoint_how *how, int threads,
                                  const char *kern, eg_err *err);
EG_API void eg_subject_free(eg_subject *s);

/* Its own, as long as it lives. What is written into the model by eg_model_set
 * counts from the next call on. */
EG_API eg_model *eg_subject_model(eg_subject *s);
EG_API const eg_task *eg_subject_task(const eg_subject *s);
EG_API const eg_config *eg_subject_config(const eg_subject *s);
/* Of another program's file that has one; else that of a task `text`; NULL. */
EG_API const eg_tokenizer *eg_subject_tokenizer(const eg_subject *s);
/* "run of engram", as in eg_checkpoint; the file; its step, -1: not known. */
EG_API const char *eg_subject_what(const eg_subject *s);
EG_API const char *eg_subject_path(const eg_subject *s);
EG_API int64_t eg_subject_step(const eg_subject *s);

/* Sequences of the caller's, all of the model's n_ctx positions: [n, n_ctx] of
 * tokens, targets and prompts (eg_seq), [n, n_ctx, n_in] of inputs, [n, n_ctx,
 * n_out] of outputs. Tokens, or inputs of a model of vectors, must be there.
 * targets NULL: none anywhere; prompts NULL: none. */
typedef struct eg_batch {
    int n;
    const int32_t *tokens, *targets, *prompts;
    const double *inputs, *outputs;
} eg_batch;

/* Arrays by name, together: of whoever got them, to be freed at once. */
typedef struct eg_arrays eg_arrays;
EG_API int eg_arrays_count(const eg_arrays *a);
/* Name and content of the i-th, which live as long as a. */
EG_API const char *eg_arrays_name(const eg_arrays *a, int i);
EG_API eg_view eg_arrays_view(const eg_arrays *a, int i);
EG_API void eg_arrays_free(eg_arrays *a);

/* The i-th hook of the model; NULL past the end. */
EG_API const char *eg_subject_hook(eg_subject *s, int i);
/* One forward pass: each hook [n_hooks] by its name, [n, ...] in the model's
 * precision (the shapes of engram/eval.h behind the batch); then nll [n, n_ctx]
 * float64, -log p(target) or |output - target|^2 / 2, 0 without a target; and
 * of tokens pred [n, n_ctx] int32, the likeliest one. EG_EINVAL names a hook
 * that the model does not have, or a token out of the vocabulary. Cost: a
 * forward pass, and a copy of what is asked for. */
EG_API eg_status eg_subject_forward(eg_arrays **out, eg_subject *s,
                                    const eg_batch *b, const char *const *hook,
                                    int n_hooks, eg_err *err);
/* The gradient of the mean loss over all positions with a target, without
 * dropout, by the plain algebra: an array for each tensor that can be trained,
 * under its name, with its shape, in the model's precision. *loss may be NULL.
 * EG_EINVAL: no position has a target; a hook is held. Cost: two to three
 * forward passes; the first of a batch of another size sets up a trainer. */
EG_API eg_status eg_subject_gradient(eg_arrays **out, double *loss,
                                     eg_subject *s, const eg_batch *b,
                                     eg_err *err);

/* Columns of a hook that can be held, of one head (-1: of all); 0: none. */
EG_API eg_index eg_subject_columns(eg_subject *s, const char *hook, int head);
/* Holds a hook in every forward pass from now on (eg_eval_hold; `other` must be
 * NULL), and ends that for all. */
EG_API eg_status eg_subject_hold(eg_subject *s, const eg_hold *h, eg_err *err);
EG_API void eg_subject_let_go(eg_subject *s);

/* A decoder of the model as it is now, on the subject's threads and kernels: to
 * be freed before the model is changed, or the subject freed. EG_EINVAL: as
 * eg_decoder_new; a hook is held, which a decoder would not know. */
EG_API eg_status eg_subject_decoder(eg_decoder **out, eg_subject *s,
                                    eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
