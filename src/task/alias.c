/* Alias tables in exact integer arithmetic: with total weight S every cell
 * holds S units, outcome i brings n * weight[i] of them. */
#include "task/alias.h"

/* part / whole of 2^32, rounded to nearest; part < whole */
static uint32_t fraction(int64_t part, int64_t whole)
{
    double f = (double)part / (double)whole * 0x1p32;

    return f >= 4294967295.0 ? UINT32_MAX : (uint32_t)(f + 0.5);
}

void egi_alias_fill(egi_alias_cell *cell, const int32_t *outcome,
                    const int64_t *weight, int n, int64_t *work)
{
    int64_t *units = work, *small = work + n; /* two stacks in one array */
    int64_t total = 0;
    int n_small = 0, large_top = n;

    for (int i = 0; i < n; i++) total += weight[i];
    for (int i = 0; i < n; i++) {
        units[i] = weight[i] * n;
        if (units[i] < total)
            small[n_small++] = i;
        else
            small[--large_top] = i;
    }
    while (n_small > 0 && large_top < n) {
        int s = (int)small[--n_small];
        int l = (int)small[large_top];

        cell[s].keep = fraction(units[s], total);
        cell[s].self = (uint16_t)(outcome ? outcome[s] : s);
        cell[s].other = (uint16_t)(outcome ? outcome[l] : l);
        units[l] -= total - units[s];
        if (units[l] < total) {
            large_top++;
            small[n_small++] = l;
        }
    }
    /* integers leave nothing over but exactly full cells */
    for (; large_top < n; large_top++) {
        int l = (int)small[large_top];

        cell[l].keep = UINT32_MAX;
        cell[l].self = cell[l].other = (uint16_t)(outcome ? outcome[l] : l);
    }
}
