/* Numbers that remember where they came from, put in ascending order. */
#ifndef EG_FLOW_SORTING_H
#define EG_FLOW_SORTING_H

#include "engram/status.h"

typedef struct egi_keyed {
    double key;
    int32_t i;
} egi_keyed;

/* Stable merge sort of a [n] by key; tmp [n] is scratch. Keys are no NaN.
 * Nearly sorted input costs O(n). Allocates nothing, unlike qsort. */
void egi_sort_keyed(egi_keyed *a, egi_keyed *tmp, eg_index n);

#endif
