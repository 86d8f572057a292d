/* The bigram data model of "Birth of a Transformer", section 1: a Markov chain
 * of characters in which every trigger is followed by its own output. */
#ifndef EGI_TASK_BIGRAM_H
#define EGI_TASK_BIGRAM_H

#include "task/alias.h"
#include "task/kind.h"

#define EGI_TASK_MAX_SYMBOLS 8192 /* the dense bigram table stays < 512 MiB */
#define EGI_MAX_TRIGGERS 64

typedef struct egi_law {
    const egi_alias_cell *cell;
    uint32_t n;
} egi_law;

/* Outputs are uniform on lo..hi-1, or follow the trigger's bigram law. */
typedef struct egi_outputs {
    bool bigram;
    int32_t lo, hi;
} egi_outputs;

typedef struct egi_bigram {
    eg_task_opts opts;
    int n_symbols; /* V */
    int n_fixed;   /* 0: triggers are drawn for each sequence */
    int32_t fixed[EGI_MAX_TRIGGERS];
    egi_outputs train, test;
    int32_t *symbol;       /* [V] */
    double *unigram;       /* [V] */
    double *bigram;        /* [V, V] */
    egi_alias_cell *cells; /* of all laws */
    egi_law first;         /* pi_u */
    egi_law *row;          /* [V], pi_b(.|i) */
} egi_bigram;

/* One sequence from rng; see the steps in bigram.c. */
void egi_bigram_sequence(const egi_bigram *task, const egi_outputs *outputs,
                         eg_rng *rng, eg_seq *out);

#endif
