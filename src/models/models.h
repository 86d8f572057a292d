/* Other programs' models, as models of ours: which family a file is of, the
 * options that say the same, and where each matrix goes. A family is a row of a
 * table in open.c and a file beside it. */
#ifndef EG_MODELS_MODELS_H
#define EG_MODELS_MODELS_H

#include <jansson.h>

#include "models/source.h"
#include "nn/nn.h"

/* How a matrix lies in the file: of x W, [in, out] (GPT-2's "Conv1D"), or
 * [out, in]; or a vector or table that is taken as it is. */
typedef enum egi_lie { EGI_AS_IS, EGI_IN_OUT, EGI_OUT_IN } egi_lie;

/* theirs becomes ours; '#' in both stands for the block. part of parts equal
 * parts of its outputs. */
typedef struct egi_move {
    const char *theirs, *ours;
    egi_lie lie;
    int part, parts; /* parts 0: whole */
} egi_move;

typedef struct egi_found {
    const struct egi_family *family;
    eg_model_opts opts;
    int vocab, max_ctx; /* positions: as many as the file knows */
    bool flip;          /* EGI_IN_OUT lies [out, in] here after all */
    char what[96];      /* "GPT-2, Hugging Face safetensors" */
} egi_found;

typedef struct egi_family {
    const char *mark; /* a file that has this tensor is of the family */
    const char *const *prefix; /* cut off names that begin so; NULL-ended */
    const egi_move *moves;     /* end with theirs NULL */
    const char *const *skip;   /* patterns of what is no weight; NULL-ended */
    const char *const *left;   /* of weights that have no place; NULL-ended */
    /* Options from sizes and from config.json beside the file, NULL: none. */
    eg_status (*options)(egi_found *f, egi_source *s, const json_t *config,
                         eg_err *err);
    /* What no move says; NULL: nothing. */
    eg_status (*finish)(eg_model *m, egi_source *s, eg_err *err);
} egi_family;
extern const egi_family egi_gpt2, egi_bert, egi_llama, egi_llama_gguf;
extern const egi_family *const egi_families[]; /* NULL-ended */

/* Opens a file of any kind. */
eg_status egi_source_open(egi_source *s, const char *path, eg_err *err);
/* Has it names of ours, or TransformerLens's? */
bool egi_source_ours(egi_source *s);
/* EG_EUNSUPPORTED says what the file holds. Cuts prefixes off the names of s;
 * heads come from the file, or are 64 wide. */
eg_status egi_found_of(egi_found *f, egi_source *s, eg_err *err);
/* The model with n_ctx positions; f->opts may have been changed meanwhile.
 * note [size]: what was left out; "": nothing. */
eg_status egi_found_model(eg_model **out, const egi_found *f, egi_source *s,
                          int n_ctx, eg_precision precision, bool allow_extra,
                          char *note, size_t size, eg_err *err);

/* ---- for the families ---- */

/* Sets an option as a user would. */
eg_status egi_opt(egi_found *f, const char *key, eg_err *err, const char *fmt,
                  ...) EG_PRINTF(4, 5);
/* The same of a line "key=value key=value". */
eg_status egi_opts(egi_found *f, const char *line, eg_err *err);
/* Blocks that have the tensor, '#' for the block, from 0 on. */
int egi_blocks(egi_source *s, const char *name);
/* A tensor with two axes, or EG_EFORMAT. */
eg_status egi_matrix(egi_in **out, egi_source *s, const char *name,
                     eg_err *err);
/* config.json beside the file; *out NULL: there is none. EG_EFORMAT: a number
 * in it is none. */
eg_status egi_config_read(json_t **out, const char *path, eg_err *err);
/* EG_EFORMAT: a size that it says is not that of the tensors. */
eg_status egi_config_agrees(const egi_found *f, const json_t *config,
                            const char *path, eg_err *err);
/* The same of one size. */
eg_status egi_agrees(const char *path, const char *key, int64_t said,
                     int64_t found, eg_err *err);
/* EG_EFORMAT: there is no head, and config.json says that it is not tied. */
eg_status egi_head_said(const json_t *config, const egi_in *head,
                        const char *path, eg_err *err);
/* Of config.json: a number, a text; else what is given. */
int64_t egi_json_int(const json_t *config, const char *key, int64_t other);
double egi_json_real(const json_t *config, const char *key, double other);
const char *egi_json_str(const json_t *config, const char *key,
                         const char *other);
/* The feed-forward that an activation's name in config.json stands for. */
eg_status egi_activation(const char **mlp, const char *name, const char *path,
                         eg_err *err);
/* What a tensor of ours is as a matrix x W: heads of queries, keys and values
 * side by side, those of W_O below each other; and where its entry (i, o)
 * stands. */
typedef struct egi_sides {
    eg_index in, out, width; /* width of a head; of others all of out */
} egi_sides;
egi_sides egi_sides_of(const eg_tensor *t);
eg_index egi_place(const egi_sides *s, eg_index i, eg_index o);

#endif
