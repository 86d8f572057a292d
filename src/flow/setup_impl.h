/* Pieces of a set-up. */
#ifndef EG_FLOW_SETUP_IMPL_H
#define EG_FLOW_SETUP_IMPL_H

#include "engram/flow.h"

/* Arrays of a set-up's specification. */
typedef struct egi_setup_arrays {
    double *Q, *K, *V, *changes;
    double *w, *a, *b, *mass;
} egi_setup_arrays;

/* Q, K, V, changes and their counts into spec; spec->d is known. */
eg_status egi_setup_matrices(eg_flow_spec *spec, egi_setup_arrays *own,
                             const eg_flow_opts *o, uint64_t seed,
                             const eg_folder *in, eg_err *err);
/* Numbers of a list: numbers, ranges from:to:step, files; ascending, equal
 * neighbours once. what names the option. *out is NULL when there is none. */
eg_status egi_setup_times(double **out, eg_index *n, const char *what,
                          const eg_strs *list, const eg_folder *in,
                          eg_err *err);

#endif
