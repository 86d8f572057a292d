/* Hooks that can be held, in a program; steps at which training holds them. */
#ifndef EG_NN_HOLD_H
#define EG_NN_HOLD_H

#include "nn/cost.h"
#include "nn/engine.h"

const egi_hook *egi_hook_find(const egi_program *p, const char *name);
/* See eg_eval_columns. */
eg_index egi_hold_columns(const egi_program *p, const char *hook, int head);
/* Where the hook, or its head, is, held at zero for ever; EG_EINVAL says why it
 * cannot be. */
eg_status egi_hold_find(egi_hold *out, const egi_program *p, const char *hook,
                        int head, eg_err *err);

/* A model whose values are held in training. */
typedef struct egi_clamp_other {
    const char *file;
    eg_model *m;
    egi_program p;
    egi_engine *engine;
} egi_clamp_other;

/* Means over the batch of a step, of the model that is trained. */
typedef struct egi_clamp_mean {
    eg_index cols; /* of all holds that ask for one; 0: none does */
    int batch, n_ctx;
    double *row;  /* [cols] */
    double *part; /* [batch, cols] sums over the positions of a sequence */
    egi_program p;
    const egi_engine_vt *vt;
    egi_engine *engine;
} egi_clamp_mean;

/* What train.clamp holds. */
typedef struct egi_clamps {
    int n, n_others;
    egi_hold *hold; /* [n] */
    struct {
        char hook[64];
        char file[EG_STRS_LEN]; /* whose values; "": zeros, or the mean */
        bool mean;
        eg_index at;        /* of its mean among the columns of all */
    } * of;                 /* [n] */
    egi_clamp_other *other; /* [n_others] one a file */
    egi_clamp_mean mean;
} egi_clamps;

/* The file that an item of train.clamp names, n bytes of the item; NULL: it
 * names none. */
const char *egi_clamp_file(const char *item, size_t *n);
/* Of a program whose hooks are there; no file is read. */
eg_status egi_clamps_parse(egi_clamps *c, const egi_program *p,
                           const eg_train_opts *o, eg_err *err);
/* Loads the files' models, of the shape of m, each with an engine beside the
 * one that `like` made. */
eg_status egi_clamps_load(egi_clamps *c, const eg_model *m,
                          const egi_engine_spec *like, const egi_load *load,
                          bool allow_extra, eg_err *err);
/* clamp_mean.c: an engine on m itself, where a hold asks for its mean; and the
 * means of a step, to be taken before its gradient. Allocates nothing. */
eg_status egi_clamps_mean_init(egi_clamps *c, const eg_model *m,
                               const egi_engine_spec *like,
                               const egi_load *load, eg_err *err);
void egi_clamps_means(egi_clamps *c, int64_t step);
void egi_clamps_mean_release(egi_clamps *c);
/* How many files there are, loaded or not. */
int egi_clamps_files(const egi_clamps *c);
void egi_clamps_release(egi_clamps *c);

#endif
