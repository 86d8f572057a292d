/* Training: batches in, one optimiser step out, the same bits whatever the
 * number of threads. A step's batch is cut into a fixed number of slots; each
 * slot sums its sequences' gradients in order, the slots are summed by a fixed
 * tree. */
#ifndef ENGRAM_TRAIN_H
#define ENGRAM_TRAIN_H

#include "engram/file.h"
#include "engram/model.h"
#include "engram/pool.h"
#include "engram/ranks.h"
#include "engram/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The largest double below 1: at 1 a moment is never filled, and its correction
 * 1 - beta^t is 0. */
#define EG_BELOW_1 0.9999999999999999

#define EG_OPTIM_FIELDS(I, R, B, T, E, L)                                     \
    E(kind, "sgd", "sgd|adam|adamw", "update rule")                           \
    R(lr, "0.2", 0, 1e9, "learning rate (the peak of the schedule)")          \
    R(momentum, "0.9", 0, 1, "sgd: momentum")                                 \
    R(weight_decay, "1e-4", 0, 1e6,                                           \
      "sgd, adam: added to the gradient; adamw: decoupled")                   \
    B(decay_matrices, "false",                                                \
      "weight decay of matrices and embeddings alone, not of gains and "      \
      "biases, as GPT-2 and nanoGPT have it")                                 \
    R(beta1, "0.9", 0, EG_BELOW_1, "adam: decay of the first moment")         \
    R(beta2, "0.95", 0, EG_BELOW_1, "adam: decay of the second moment")       \
    R(eps, "1e-8", 1e-30, 1, "adam: added to the root of the second moment")  \
    E(clip, "none", "none|norm|value",                                        \
      "clip gradients: global norm, or each entry")                           \
    R(clip_at, "1", 1e-30, 1e9, "threshold of the clipping")                  \
    E(schedule, "constant", "constant|linear|cosine|inverse_sqrt",            \
      "learning rate after the warm-up; linear and cosine fall to "           \
      "lr_end at schedule_end")                                               \
    I(warmup, "0", 0, 1000000000, "steps of linear warm-up")                  \
    B(warmup_zero, "false",                                                   \
      "the warm-up begins at 0: step s has s / warmup of lr, not (s + 1)")    \
    B(warmup_below, "false",                                                  \
      "the warm-up ends below lr: step s has (s + 1) / (warmup + 1) of it, "  \
      "as nanoGPT's")                                                         \
    R(lr_end, "0", 0, 1e9, "learning rate at schedule_end and from there on") \
    I(schedule_end, "0", 0, 1000000000,                                       \
      "the step, counted from 0, at which linear and cosine are at lr_end, "  \
      "be it beyond train.steps; 0: the last")
EG_FIELDS_STRUCT(eg_optim_opts, EG_OPTIM_FIELDS)
/* The options above as a table, for eg_fields_default and its kin. */
EG_API extern const eg_field eg_optim_fields[];

enum { EG_OPTIM_SGD, EG_OPTIM_ADAM, EG_OPTIM_ADAMW };
enum { EG_CLIP_NONE, EG_CLIP_NORM, EG_CLIP_VALUE };
enum { EG_LR_CONSTANT, EG_LR_LINEAR, EG_LR_COSINE, EG_LR_INVERSE_SQRT };

#define EG_TRAIN_FIELDS(I, R, B, T, E, L)                                     \
    I(steps, "400", 0, 1000000000,                                            \
      "optimiser steps; 0: the start is measured")                            \
    I(batch, "512", 1, 1048576, "sequences in a step")                        \
    T(loss, "",                                                               \
      "the mean is over this group of positions: all, or one of the "         \
      "task's, `engram list groups`; empty: the task's own choice")           \
    L(freeze, "",                                                             \
      "tensors not trained: NAME for ever, NAME@STEP until that step; * "     \
      "matches any text, e.g. W_E, blocks.1.attn.*@300")                      \
    L(clamp, "",                                                              \
      "hooks held in training, through which no gradient passes: HOOK for "   \
      "ever, HOOK@TO, HOOK@FROM-TO for steps FROM to TO - 1, at zero, "       \
      "(HOOK=mean) at their mean over the batch, or (HOOK=FILE) at what the " \
      "hook is in those weights on the same "                                 \
      "sequence; .h3 behind a name is head 3 alone, * matches any text, "     \
      "e.g. blocks.1.attn.hook_z.h0@100-300. Steps go by the plain algebra")  \
    E(precision, "float32", "float32|float64|bfloat16",                       \
      "numbers trained in; bfloat16: the operands of matrix products and of " \
      "softmax attention are rounded to it and summed in float32, all else "  \
      "is float32")                                                           \
    E(algebra, "auto", "auto|plain",                                          \
      "auto: fold products, gather projections and scores from tables; "      \
      "plain: every matrix product as written (slow; the reference)")         \
    I(slots, "0", 0, 1024,                                                    \
      "gradient sums a step, which so many threads, or ranks, at most "       \
      "compute; 0: 8 to 64, as the model and the batch pay for, whatever "    \
      "the threads, and one of a large model")                                \
    E(stop, "none", "none|below|above|lowest|highest",                        \
      "ends the run early: as soon as stop_metric is below, or above, "       \
      "stop_value; or when, for stop_patience measurements, it has not come " \
      "below its lowest, or above its highest, by more than stop_min_delta")  \
    T(stop_metric, "",                                                        \
      "a metric that is measured while the run goes, e.g. loss_global_test")  \
    R(stop_value, "0", -1e300, 1e300, "stop below, above: that value")        \
    I(stop_patience, "5", 1, 1000000000,                                      \
      "stop lowest, highest: measurements without a better one")              \
    R(stop_min_delta, "0", 0, 1e300,                                          \
      "stop lowest, highest: how much better counts")                         \
    I(stop_at_least, "0", 0, 1000000000, "not before so many steps are done") \
    B(profile, "false",                                                       \
      "take the time of each operation, forward and back, into "              \
      "arrays/profile.json; the result is the same")                          \
    L(parts, "",                                                              \
      "steps that the run had before it was extended, written by engram run " \
      "--extend: each part ends as a run does, measured at its last step")
EG_FIELDS_STRUCT(eg_train_opts, EG_TRAIN_FIELDS)
/* The options above as a table, for eg_fields_default and its kin. */
EG_API extern const eg_field eg_train_fields[];

#define EG_INIT_FIELDS(I, R, B, T, E, L)                                       \
    T(from, "",                                                                \
      "start from the tensors of this safetensors file, not from chance")      \
    L(fresh, "",                                                               \
      "tensors that stay as drawn, whether that file has them or not, e.g. "   \
      "W_eos; * matches any text")                                             \
    B(allow_extra, "false",                                                    \
      "leave out tensors of that file which the model does not have (a bias, " \
      "a further block), in place of refusing it")                             \
    L(std, "",                                                                 \
      "standard deviations of initial values by tensor, normal: PATTERN=STD, " \
      "* matches any text, the last that matches counts, e.g. W_E=0.02, "      \
      "*.W_O=0.005; gains, biases and sinusoids are not drawn")                \
    L(xavier, "",                                                              \
      "PATTERN=GAIN, as in std: entries U(-1, 1) GAIN sqrt(6 / (fan_in + "     \
      "fan_out)), of the matrices of all heads as one (Glorot, Bengio 2010); " \
      "what both name is drawn as here")                                       \
    L(uniform, "",                                                             \
      "PATTERN=BOUND, the same: entries U(-1, 1) BOUND, biases too; BOUND is " \
      "a number or fan_in, which stands for 1 / sqrt(fan_in), of a bias "      \
      "that of its matrix")
EG_FIELDS_STRUCT(eg_init_opts, EG_INIT_FIELDS)
/* The options above as a table, for eg_fields_default and its kin. */
EG_API extern const eg_field eg_init_fields[];

/* Choices of train.precision, and what each keeps weights in. */
enum { EG_TRAIN_FLOAT32, EG_TRAIN_FLOAT64, EG_TRAIN_BFLOAT16 };
static inline eg_precision eg_train_precision(const eg_train_opts *o)
{
    return o->precision == EG_TRAIN_FLOAT64 ? EG_FLOAT64 : EG_FLOAT32;
}
/* "float32", "float64", "bfloat16" */
EG_API const char *eg_train_precision_name(const eg_train_opts *o);

enum { EG_ALGEBRA_AUTO, EG_ALGEBRA_PLAIN };
enum {
    EG_STOP_NONE,
    EG_STOP_BELOW,
    EG_STOP_ABOVE,
    EG_STOP_LOWEST,
    EG_STOP_HIGHEST
};

typedef struct eg_train_spec {
    eg_model_opts model;
    eg_optim_opts optim;
    eg_train_opts train;
    eg_init_opts init;
    const eg_task *task; /* outlives the trainer */
    eg_pool *pool;       /* outlives the trainer */
    uint64_t seed;
    const char *kern; /* kernel set, "auto" */
    /* A pattern of train.freeze for a block beyond the last is an error, not a
     * note: somebody has just written it. */
    bool strict_freeze;
    /* The processes that train it together, each with a trainer of the same
     * spec; outlives the trainer. NULL: this one alone. */
    const eg_ranks *ranks;
} eg_train_spec;

typedef struct eg_trainer eg_trainer;

/* What a trainer of this spec will take, in bytes, before making it. */
typedef struct eg_train_plan {
    int64_t params, grads, moments, states, packs, total;
    int64_t
        eval; /* evaluators beside it, with and without hooks; not in total */
    int64_t n_params, n_trained;
    int slots; /* sums of gradients; 1: all threads share each operation */
    /* multiply-adds counted as two, necessary only; and which of them are not
     * done, because scores are looked up in tables */
    double flops_per_token, looked_up_per_token;
    const char *kern; /* the set in use: "auto" depends on the arithmetic */
} eg_train_plan;
EG_API eg_status eg_train_plan_make(eg_train_plan *plan,
                                    const eg_train_spec *spec, eg_err *err);

/* Allocates everything that training needs, and draws the initial values (or
 * reads them from init.from). The model belongs to the trainer. */
EG_API eg_status eg_trainer_new(eg_trainer **out, const eg_train_spec *spec,
                                eg_err *err);
EG_API void eg_trainer_free(eg_trainer *tr);
EG_API eg_model *eg_trainer_model(eg_trainer *tr);
/* What was left aside in making it, a sentence each (tensors of init.from,
 * patterns of train.freeze); NULL past the last. Lives as long as tr. */
EG_API const char *eg_trainer_note(const eg_trainer *tr, int i);
/* Steps done so far: the next step's number. */
EG_API int64_t eg_trainer_step_index(const eg_trainer *tr);
/* train.steps: how many it is to do. */
EG_API int64_t eg_trainer_steps(const eg_trainer *tr);
/* The end of the part of the run that has this number of steps in it: the first
 * of train.parts that is not below it, or train.steps. */
EG_API int64_t eg_trainer_end(const eg_trainer *tr, int64_t steps);

typedef struct eg_step_info {
    int64_t step;   /* the step just made, from 0 */
    double loss;    /* mean over n_loss positions, before the update */
    int64_t n_loss; /* positions in the loss */
    double lr;
    double grad_norm; /* global, before clipping */
    /* false: the loss or a gradient is not finite; nothing was updated and
     * bad_tensor is the first whose gradient is such (-1: only the loss) */
    bool finite;
    int bad_tensor;
} eg_step_info;
/* One step. Allocates nothing, cannot fail except by info->finite. */
EG_API void eg_trainer_step(eg_trainer *tr, eg_step_info *info);
/* What the next step would find, without making it: no update, no count. */
EG_API void eg_trainer_look(eg_trainer *tr, eg_step_info *info);

/* Is tensor i updated at that step? */
EG_API bool eg_trainer_trains(const eg_trainer *tr, int i, int64_t step);
/* Frobenius norm of the last step's gradient of tensor i (0 when frozen). */
EG_API double eg_trainer_grad_norm(const eg_trainer *tr, int i);
/* Gradient of the loss on step's batch without any update; *loss may be
 * NULL. Read it with eg_trainer_get_grad; out [size]. */
EG_API void eg_trainer_gradient(eg_trainer *tr, int64_t step, double *loss);
EG_API void eg_trainer_get_grad(const eg_trainer *tr, int i, double *out);
/* The same on sequences 0 .. train.batch - 1 of the caller's. A label that is
 * in no group of train.loss keeps a position out of the loss. */
EG_API void eg_trainer_gradient_on(eg_trainer *tr, eg_source_fn source,
                                   const void *from, double *loss);
/* The gradient itself, until the next one is made; zeros of what is frozen. */
EG_API eg_view eg_trainer_grad(const eg_trainer *tr, int i);

/* ---- Several processes ------------------------------------------------------
 *
 * The trainer of rank 0 is used like any other: eg_trainer_look and
 * eg_trainer_step are made by all ranks together, all else by itself. The other
 * ranks serve. A step costs each rank its share of the slots and the whole
 * update; what is exchanged is the sums of gradients of one slot, and where
 * values of tokens are computed once a batch (train.algebra), the gradients of
 * all of them. */

/* Rank 0, before the first step and after any other change of its state:
 * parameters, moments and step go to all. mark: a text that must be the same on
 * all ranks, as what is trained, and how; at most 127 bytes. */
EG_API void eg_trainer_share(eg_trainer *tr, const char *mark);
/* Rank 0: has another rank been asked to stop? As of the last step. */
EG_API bool eg_trainer_asked(const eg_trainer *tr);
/* Rank 0, at the end, whatever came before: the others are told, and code. */
EG_API void eg_ranks_end(const eg_ranks *ranks, int code);
/* Any other rank: does what rank 0 tells, until the end; *code is what came
 * with it. stop (may be NULL) is asked after every step. tr NULL: there is no
 * trainer, which is well as long as none is needed. EG_EINVAL: rank 0 trains
 * something else, or there is no trainer; it waits for this rank then. */
EG_API eg_status eg_trainer_serve(int *code, eg_trainer *tr,
                                  const eg_ranks *ranks, const char *mark,
                                  bool (*stop)(void *ctx), void *ctx,
                                  eg_err *err);

/* Everything the next step reads: parameters, moments, step; safetensors.
 * Loading checks that the file belongs to the same spec. */
EG_API eg_status eg_trainer_save(const eg_trainer *tr, const char *path,
                                 eg_err *err);
EG_API eg_status eg_trainer_save_in(const eg_trainer *tr, const eg_folder *in,
                                    const char *name, eg_err *err);
EG_API eg_status eg_trainer_load(eg_trainer *tr, const char *path, eg_err *err);
EG_API eg_status eg_trainer_load_in(eg_trainer *tr, const eg_folder *in,
                                    const char *name, eg_err *err);
/* A text that every checkpoint has from now on, and a trainer that loads one;
 * NULL: none. EG_ENOMEM. */
EG_API eg_status eg_trainer_remember(eg_trainer *tr, const char *text,
                                     eg_err *err);
/* The same until the next one, or load; NULL: none. */
EG_API const char *eg_trainer_memo(const eg_trainer *tr);

#ifdef __cplusplus
}
#endif
#endif
