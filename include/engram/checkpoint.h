/* Trained models, whoever trained them: one call opens any of
 *  - a run of engram: its folder, of which the newest checkpoint is taken, or
 *    runs/NAME/ID/checkpoints/step-N.safetensors;
 *  - weights of engram or of TransformerLens: a safetensors file, with the
 *    configuration that says of which model;
 *  - GPT-2: safetensors of Hugging Face or as nanoGPT names them, and the .bin
 *    files of llm.c;
 *  - BERT and MiniLM: safetensors of Hugging Face;
 *  - Llama: safetensors of Hugging Face with config.json beside them, or GGUF
 *    (F32, F16, BF16, Q8_0, Q4_0, Q4_1);
 *  - a folder that holds model.safetensors, or one .gguf file.
 *
 * docs/models.md says what becomes of each of their parts. */
#ifndef ENGRAM_CHECKPOINT_H
#define ENGRAM_CHECKPOINT_H

#include "engram/config.h"
#include "engram/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As n_ctx: of another program's model as many as it knows of, or of them n at
 * most; of a run, its own. */
#define EG_ALL_POSITIONS EG_AT_MOST(0x7fffffff)
#define EG_AT_MOST(n) (-(n))

/* What to make of it; zeros are the ordinary. */
typedef struct eg_checkpoint_how {
    /* Path of the configuration, or of a run, of weights that carry none. */
    const char *config;
    /* "section.key=value", as in --set, over the configuration. task.n_ctx
     * makes the model of another file shorter or longer: positions by a table
     * are cut, those that are computed go on. */
    const char *const *assign;
    int n_assign;
    int64_t seed; /* above 0: run.seed */
    int n_ctx;    /* above 0: task.n_ctx, before assign; or EG_ALL_POSITIONS,
                     EG_AT_MOST(n); 0: EG_AT_MOST(64) */
    /* NULL, or asked in the place of n_ctx how many positions, 1 or more, a
     * foreign model is to have, once its tokenizer is known (NULL: it has
     * none); no more than the file knows of. */
    int (*positions)(void *ctx, const eg_tokenizer *t);
    void *positions_ctx;
    bool allow_extra; /* tensors without a place are left out, not an error */
    /* The text of a run, or its statistics, may be gone, or others by now,
     * where the run keeps the tokenizer: it has then the task and tokenizer of
     * a foreign model. */
    bool without_text;
} eg_checkpoint_how;

typedef struct eg_checkpoint {
    char what[96];      /* "run of engram", "Llama, GGUF" */
    char path[EG_PATH]; /* the file of weights */
    bool foreign;       /* another program's */
    int64_t step;       /* of a run; -1 */
    /* Of a foreign model: the task `uniform` of its vocabulary, 64 positions
     * unless how says otherwise. Of a run whose task.text assign sets, the
     * tokens are those of the tokenizer that the run keeps. */
    eg_config *config;
    eg_model *model;
    int max_ctx;             /* positions that the file knows of */
    eg_tokenizer *tokenizer; /* the file's own; NULL: it has none; of a run that
                                of how.without_text, if that was needed */
    char note[512];          /* what was left out; "" */
} eg_checkpoint;

/* EG_EIO, EG_EFORMAT, EG_ESHAPE, EG_EUNSUPPORTED say what the file is or lacks,
 * EG_EFORMAT also that a text, a tokenizer or statistics of the task are no
 * longer those that run.inputs names.
 * Cost: the file is read once; quantised matrices become float32 row by row. */
EG_API eg_status eg_checkpoint_open(eg_checkpoint *out, const char *path,
                                    const eg_checkpoint_how *how, eg_err *err);
/* Releasing a released one does nothing. */
EG_API void eg_checkpoint_release(eg_checkpoint *c);

#ifdef __cplusplus
}
#endif
#endif
