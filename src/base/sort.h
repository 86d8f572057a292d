/* Numbers in order. */
#ifndef EG_BASE_SORT_H
#define EG_BASE_SORT_H

#include "engram/status.h"

/* x[0..n-1] in ascending order; no NaN among them. */
void egi_sort(double *x, eg_index n);

#endif
