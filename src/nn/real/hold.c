/* Values that are held: what their op made is written over before anybody reads
 * it, and no gradient passes. */
#include "nn/real/exec.h"

static real entry(const N(held) * h, eg_index t, eg_index c)
{
    if (h->x) return h->x[t * h->ld + c];
    return h->row ? (real)h->row[c] : 0;
}

void N(hold_out)(const N(room) * r, const N(arg) * a, int value)
{
    for (int i = 0; i < r->n_held; i++) {
        const N(held) *h = &r->held[i];

        if (h->off || h->value != value) continue;
        for (eg_index t = 0; t < a->rows; t++)
            for (eg_index c = 0; c < h->cols; c++)
                a->x[t * a->ld + h->first + c] = entry(h, t, c);
    }
}

void N(hold_back)(const N(room) * r, const N(arg) * a, int value)
{
    for (int i = 0; i < r->n_held; i++) {
        const N(held) *h = &r->held[i];

        if (h->off || h->value != value) continue;
        for (eg_index t = 0; a->g && t < a->rows; t++)
            for (eg_index c = 0; c < h->cols; c++)
                a->g[t * a->ld + h->first + c] = 0;
    }
}
