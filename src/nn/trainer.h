/* The trainer, inside. */
#ifndef EG_NN_TRAINER_H
#define EG_NN_TRAINER_H

#include "base/parts.h"
#include "nn/cost.h"
#include "nn/engine.h"
#include "nn/hold.h"

struct eg_trainer {
    eg_train_spec spec;
    eg_model *m;
    egi_program program;
    egi_load load;
    int slots; /* sums of gradients */
    const egi_engine_vt *vt;
    egi_engine *engine;
    int64_t step;
    void *grad, *m1, *m2; /* laid out like the parameters; m1, m2 may be NULL */
    int64_t *from;        /* [n_tensors] first step trained */
    int64_t *updates;     /* [n_tensors] updates made: momentum's age */
    double *grad_norm;    /* [n_tensors] */
    double busy;          /* seconds in gradients and updates, by the clock */
    int64_t gradients;    /* made; both since the profile began */
    egi_clamps clamps;    /* of train.clamp */
    egi_parts parts;      /* of train.parts */
    bool asked;           /* some rank was asked to stop */
    bool (*stop)(void *ctx); /* was this one? NULL: never */
    void *stop_ctx;
    char note[2][512]; /* of init.from and of train.freeze; or "" */
    char *memo;        /* of eg_trainer_remember; NULL: none */
};

/* Steps by the plain algebra: as asked, or because hooks are held. */
bool egi_trains_plain(const eg_train_opts *o);
/* What the program of a step is built with (nn/prog.h). */
unsigned egi_train_flags(const eg_train_opts *o);

/* A trainer without parameters and engine: its model's table, program, load. */
eg_status egi_trainer_planned(eg_trainer **out, const eg_train_spec *spec,
                              eg_err *err);

/* The positions that the loss is over; NULL: the task has no such group. */
const eg_group *egi_train_group(const eg_train_spec *s);
/* Makes load, slots, program and clamps of tr, whose table of tensors and
 * schedule are there; trains [n_tensors] gets what is ever trained. */
eg_status egi_trainer_program(eg_trainer *tr, bool *trains, eg_err *err);
/* What its engine is made for. */
egi_engine_spec egi_trainer_engine(const eg_trainer *tr);
/* Steps of several ranks (trainer_ranks.c). Rank 0 tells the others what comes,
 * alone it tells nobody; after a step's gradient all learn whether one of them
 * was asked to stop. EG_EINVAL: fewer slots than ranks. */
enum { EGI_TELL_LOOK = 1, EGI_TELL_STEP, EGI_TELL_SHARE, EGI_TELL_END };
void egi_ranks_tell(const eg_trainer *tr, int what);
void egi_ranks_ask(eg_trainer *tr);
eg_status egi_ranks_check(const eg_trainer *tr, eg_err *err);

/* Is there a first moment? */
bool egi_uses_m1(const eg_optim_opts *o);

/* A block laid out like the parameters, at tensor i. */
static inline void *egi_at(const eg_trainer *tr, void *block, int i)
{
    size_t width = (size_t)egi_width(tr->m);
    return block ? (char *)block + (size_t)tr->m->tensor[i].offset * width
                 : NULL;
}

#endif
