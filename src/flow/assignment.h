/* The cheapest pairing of two samples. */
#ifndef EG_FLOW_ASSIGNMENT_H
#define EG_FLOW_ASSIGNMENT_H

#include "engram/flow.h"

/* *w = min over permutations s of (1/n) sum_i angle(x_i, y_s(i))^p, by shortest
 * augmenting paths (Jonker, Volgenant 1987). O(n^3 d) at worst; angles are
 * formed where they are needed, so memory is O(n). */
eg_status egi_assignment(double *w, const double *x, const double *y,
                         eg_index n, eg_index d, int p, eg_err *err);

#endif
