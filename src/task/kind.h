/* Kinds of task: each is one file with its options (engram/task.h), its groups
 * of positions and its law, and one row of the table in task.c. */
#ifndef EGI_TASK_KIND_H
#define EGI_TASK_KIND_H

#include "engram/task.h"

typedef struct egi_task_kind {
    const char *name, *help;
    const eg_field *fields; /* options of its own, into eg_task_opts */
    const eg_group *groups; /* beside "all"; ends with a name NULL */
    const char *loss;       /* the group that is trained on */
    /* Checks the options (EG_EINVAL names the key), makes task->state, and says
     * what sequences are made of in task->io, whose n_ctx is there. */
    eg_status (*make)(eg_task *task, eg_err *err);
    void (*free)(void *state); /* NULL: nothing to free */
    /* One sequence from rng; allocates nothing. Or, of kinds that read a file,
     * the one of that step and index. */
    void (*sequence)(const eg_task *task, eg_split split, eg_rng *rng,
                     eg_seq *out);
    void (*at)(const eg_task *task, eg_split split, uint64_t step,
               uint32_t index, eg_rng *rng, eg_seq *out);
    bool (*fact)(const eg_task *task, const char *name, eg_view *out); /* NULL:
                                                                    has none */
    /* What the law makes of a state before W; NULL: the state itself. */
    void (*features)(const eg_task *task, double *out, const double *state);
    const char *const *facts; /* their names; ends with NULL */
    /* See eg_task_nats, eg_task_set, ...; or NULL. */
    bool (*nats)(const eg_task *task, const int32_t *targets, double *nats);
    bool (*set)(const eg_task *task, int i, const char **name, int64_t *lines);
    void (*line)(const eg_task *task, int i, int64_t k, eg_seq *out);
    void (*print)(const eg_task *task, const eg_seq *s, eg_task_put put,
                  void *ctx);
    const char *(*word)(const eg_task *task, int token, char buf[EG_TASK_WORD]);
    eg_status (*trouble)(const eg_task *task, eg_err *err); /* or NULL */
    const eg_tokenizer *(*tokenizer)(const eg_task *task);  /* or NULL */
    /* Unicode code point; NULL: tokens are no characters. */
    int32_t (*symbol)(const eg_task *task, int token);
} egi_task_kind;

struct eg_task {
    const egi_task_kind *kind;
    eg_task_opts opts;
    uint64_t seed;
    int64_t batch; /* sequences in a step of training */
    eg_io io;
    void *state;
};

/* EG_EINVAL when an option is given that is not used; when: "task.x y". */
eg_status egi_option_only(const eg_task_opts *o, bool used, const char *name,
                          const char *when, eg_err *err);

extern const egi_task_kind egi_task_bigram, egi_task_markov, egi_task_linear,
    egi_task_uniform, egi_task_nonlinear, egi_task_regression,
    egi_task_question_formation, egi_task_text;

#endif
