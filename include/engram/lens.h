/* Four lenses on one model: what the labs of this house ask, asked of any
 * checkpoint at once.
 *
 *     birth   what heads are on tokens said twice; what W_E W_V W_O W_U of each
 *             copies
 *     mesa    what a linear map reads off the stream by depth, a step of
 *             gradient descent in the context among it; how much of the loss
 *             falls along the context; how linear attention is
 *     flow    tokens on the sphere, layer by layer: inner products, energy,
 *             clusters, ranks; eigenvalues of W_V W_O
 *     energy  radius of patterns by layer, nearest neighbours, loss
 *
 * docs/lens.md has the formulas. */
#ifndef ENGRAM_LENS_H
#define ENGRAM_LENS_H

#include "engram/eval.h"
#include "engram/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zeros take what is said in brackets. */
typedef struct eg_lens_spec {
    const eg_model *model;
    const eg_task *task; /* of the model's shape: where sequences come from */
    /* A text in the model's ids in its place, of windows spread over it evenly;
     * NULL: sequences of the task that no training step sees. */
    const int32_t *ids;
    eg_index n_ids;
    const eg_tokenizer *tokenizer; /* names of the tokens [the task's, its
                                      symbols, numbers] */
    eg_pool *pool;
    const char *kern; /* [auto] */
    int sequences;    /* [256] for loss, linear probes and radius */
    uint64_t seed;
    /* Neither lists of eigenvalues nor texts: a moment among many. */
    bool brief;
    /* What is being done, and the share done; false ends it. May be NULL. */
    bool (*more)(void *ctx, const char *what, double done);
    void *ctx;
} eg_lens_spec;

/* What the lenses see, as a JSON object (docs/lens.md, "The record"); released
 * with eg_free. *stopped (may be NULL): more ended it, *json is NULL. What a
 * model does not have is left out, and "notes" says so. Memory: the stream of
 * the sequences at one position, at a few more up to 256 MiB, and what
 * one sequence takes for each thread; nothing grows with the vocabulary but
 * one block of 256 rows of its table.
 * EG_EINVAL: a text shorter than n_ctx + 1 tokens or with an id beyond the
 * vocabulary; less than 8 sequences. */
EG_API eg_status eg_lens_look(char **json, bool *stopped,
                              const eg_lens_spec *spec, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
