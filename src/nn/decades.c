/* Steps on a logarithmic grid. */
#include <math.h>

#include "nn/schedule.h"

/* The power nearest to step by its ratio may round to a neighbour where the
 * next one does not. */
bool egi_decade_has(int64_t n, int64_t step)
{
    double i;

    if (n <= 0 || step < 0) return false;
    if (step == 0) return true;
    i = floor((double)n * log10((double)step));
    return llround(pow(10, i / (double)n)) == step ||
           llround(pow(10, (i + 1) / (double)n)) == step;
}
