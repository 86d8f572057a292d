/* Tiles of the Gram matrix: rank-one updates of a tile from columns laid out
 * side by side, which compilers turn into vector code. */
#include "flow/gram.h"

#include <math.h>

static void fill(egi_gram_tile *t, const double *x, eg_index d)
{
    double column[EGI_GRAM_TILE][EGI_GRAM_TILE]; /* [coordinate, token] */

    for (int r = 0; r < t->rows; r++)
        for (int c = 0; c < EGI_GRAM_TILE; c++) t->g[r][c] = 0;
    for (eg_index k0 = 0; k0 < d; k0 += EGI_GRAM_TILE) {
        int depth = d - k0 < EGI_GRAM_TILE ? (int)(d - k0) : EGI_GRAM_TILE;

        for (int k = 0; k < depth; k++)
            for (int c = 0; c < EGI_GRAM_TILE; c++)
                column[k][c] = c < t->columns ? x[(t->j0 + c) * d + k0 + k] : 0;
        for (int r = 0; r < t->rows; r++) {
            const double *row = x + (t->i0 + r) * d + k0;
            double *g = t->g[r];

            for (int k = 0; k < depth; k++)
                for (int c = 0; c < EGI_GRAM_TILE; c++)
                    g[c] += row[k] * column[k][c];
        }
    }
}

void egi_gram_tiles(const double *x, eg_index n, eg_index d,
                    void (*see)(void *ctx, egi_gram_tile *tile), void *ctx)
{
    egi_gram_tile t;

    for (t.i0 = 0; t.i0 < n; t.i0 += EGI_GRAM_TILE)
        for (t.j0 = t.i0; t.j0 < n; t.j0 += EGI_GRAM_TILE) {
            t.rows = n - t.i0 < EGI_GRAM_TILE ? (int)(n - t.i0) : EGI_GRAM_TILE;
            t.columns =
                n - t.j0 < EGI_GRAM_TILE ? (int)(n - t.j0) : EGI_GRAM_TILE;
            t.diagonal = t.i0 == t.j0;
            fill(&t, x, d);
            see(ctx, &t);
        }
}

void egi_sum_add(egi_sum *s, double v)
{
    double total = s->total + v;

    if (!isfinite(total)) { /* an infinity stays one, not infinity - infinity */
        *s = (egi_sum){total, 0};
        return;
    }
    s->rest +=
        fabs(s->total) >= fabs(v) ? s->total - total + v : v - total + s->total;
    s->total = total;
}
