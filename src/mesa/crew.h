/* The loss of a solver over many sequences, on all threads: sums over blocks of
 * sequences, in order, so that the number of threads changes no bit. */
#ifndef EGI_MESA_CREW_H
#define EGI_MESA_CREW_H

#include "mesa/solve.h"

typedef struct egi_icl_crew egi_icl_crew;

typedef struct egi_icl_loss {
    double *at;      /* [T] l_t */
    double mean, se; /* over positions; its standard error over sequences */
} egi_icl_loss;

/* Room for count sequences at a time; a run allocates nothing. */
eg_status egi_icl_crew_new(egi_icl_crew **out, const egi_icl_solver *solver,
                           const egi_icl_source *source, eg_index steps,
                           int count, eg_pool *pool, eg_err *err);
void egi_icl_crew_free(egi_icl_crew *c);
/* Sequences 0 .. count - 1 of (split, step). loss->at may be NULL. grad
 * [3, steps], of the mean loss by alpha, beta, gamma; NULL: not wanted. */
void egi_icl_crew_run(egi_icl_crew *c, const egi_icl_how *how, eg_split split,
                      uint64_t step, egi_icl_loss *loss, double *grad);

#endif
