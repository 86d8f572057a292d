#include "base/sort.h"

#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void egi_sort(double *x, eg_index n)
{
    if (n > 1) qsort(x, (size_t)n, sizeof *x, ascending);
}
