/* Tiles of pairs: lower bounds of squared distances by products of matrices,
 * the least of them for each row, and their sums in float64. */
#include <math.h>
#include <string.h>

#include "probe/neighbours.h"

enum { B = EGI_NEAR_BLOCK, KEEP = EGI_NEAR_KEEP, LANES = 16 };

/* ---- lists ----------------------------------------------------------------
 */

static egi_near *list_of(const egi_near_search *s, int worker, eg_index i,
                         int part)
{
    return s->best + (worker * s->m + i) * s->n_sizes + part;
}

/* The least ones of all that were ever put, whatever their order. */
static void put(egi_near *l, float bound, eg_index row)
{
    int k = KEEP - 1;

    if (bound > l->bound[k] || (bound == l->bound[k] && row > l->row[k]))
        return;
    for (; k > 0 && (bound < l->bound[k - 1] ||
                     (bound == l->bound[k - 1] && row < l->row[k - 1]));
         k--) {
        l->bound[k] = l->bound[k - 1];
        l->row[k] = l->row[k - 1];
    }
    l->bound[k] = bound;
    l->row[k] = (int32_t)row;
}

/* ---- a tile ---------------------------------------------------------------
 */

/* Columns of a tile: norms, infinite beyond the last, and how small a bound has
 * to be for a column's own list. */
typedef struct columns {
    const egi_near_block *block;
    float norm[B], top[B];
} columns;

static void columns_of(columns *c, const egi_near_search *s,
                       const egi_near_block *b)
{
    c->block = b;
    for (eg_index j = 0; j < B; j++) {
        c->norm[j] = b->from + j < b->to ? s->norm[b->from + j] : INFINITY;
        c->top[j] = -INFINITY;
    }
}

/* Is one of LANES bounds at most `top` or its column's? */
static bool any(const float *c, const float *norm, const float *tops, float own,
                float top)
{
    int hit = 0;

    for (int l = 0; l < LANES; l++) {
        float bound = c[l] + (own + norm[l]);

        hit |= (bound <= top) | (bound <= tops[l]);
    }
    return hit != 0;
}

/* Row i of a tile c [B]: columns from..n on, into the lists of i and theirs. */
static void take_row(const egi_near_search *s, int worker, columns *at,
                     const float *c, eg_index i, int part, eg_index from)
{
    const egi_near_block *b = at->block;
    egi_near *own = list_of(s, worker, i, b->part);
    eg_index n = b->to - b->from;

    for (eg_index j0 = from / LANES * LANES; j0 < n; j0 += LANES) {
        if (!any(c + j0, at->norm + j0, at->top + j0, s->norm[i],
                 own->bound[KEEP - 1]))
            continue;
        for (eg_index j = j0 < from ? from : j0; j < n && j < j0 + LANES; j++) {
            float bound = c[j] + (s->norm[i] + at->norm[j]);

            put(own, bound, b->from + j);
            if (bound > at->top[j]) continue;
            put(list_of(s, worker, b->from + j, part), bound, i);
            at->top[j] = list_of(s, worker, b->from + j, part)->bound[KEEP - 1];
        }
    }
}

/* -2 a.b of `rows` rows against packed columns. */
static void product(const egi_near_search *s, float *tile, const float *a,
                    eg_index rows, const float *packed, eg_index cols)
{
    s->kern->gemm_packed(tile, B, a, s->n, 1, packed, rows, cols, s->n, -2, 0);
}

static void pack(const egi_near_search *s, float *packed,
                 const egi_near_block *b)
{
    s->kern->pack(packed, s->c + b->from * s->n, 1, s->n, s->n,
                  b->to - b->from);
}

void egi_near_strip_task(void *ctx, int task, int worker)
{
    egi_near_search *s = ctx;
    const egi_near_strip *strip = &s->strips[s->strip + task];
    const egi_near_block *b = &s->block[strip->J];
    float *packed = s->work + worker * s->room, *tile = packed + s->pack;
    columns at;

    columns_of(&at, s, b);
    pack(s, packed, b);
    for (eg_index I = strip->I; I < strip->end; I++) {
        const egi_near_block *a = &s->block[I];

        product(s, tile, s->c + a->from * s->n, a->to - a->from, packed,
                b->to - b->from);
        for (eg_index j = 0; j < b->to - b->from; j++)
            at.top[j] =
                list_of(s, worker, b->from + j, a->part)->bound[KEEP - 1];
        for (eg_index i = a->from; i < a->to; i++)
            take_row(s, worker, &at, tile + (i - a->from) * B, i, a->part,
                     I == strip->J ? i + 1 - a->from : 0);
    }
}

/* ---- sums in float64 ------------------------------------------------------
 */

/* |x_i - x_j|^2 of the vectors as they were given. */
static double squared(const egi_near_search *s, eg_index i, eg_index j)
{
    const float *x = s->spec->x + s->row[i] * s->n;
    const float *y = s->spec->x + s->row[j] * s->n;
    double sum[4] = {0};
    eg_index k = 0;

    for (; k + 4 <= s->n; k += 4)
        for (int l = 0; l < 4; l++) {
            double off = (double)x[k + l] - (double)y[k + l];

            sum[l] += off * off;
        }
    for (; k < s->n; k++) {
        double off = (double)x[k] - (double)y[k];

        sum[0] += off * off;
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void nearer(const egi_near_search *s, eg_index i, eg_index j, int subset,
                   double d)
{
    double *best = &s->distance[i * s->n_sizes + subset];
    int32_t *index = &s->index[i * s->n_sizes + subset];

    if (d > *best || (d == *best && *index >= 0 && j > *index)) return;
    *best = d;
    *index = (int32_t)j;
}

/* The first subset that has row i. */
static int part_of(const egi_near_search *s, eg_index i)
{
    int k = 0;

    while (i >= s->end[k]) k++;
    return k;
}

/* A pair goes into every subset that has both. */
static void add_pair(const egi_near_search *s, eg_index i, eg_index j)
{
    int p = part_of(s, i), q = part_of(s, j);
    double d = squared(s, i, j);

    for (int k = p > q ? p : q; k < s->n_sizes; k++) nearer(s, i, j, k, d);
}

void egi_near_sum_task(void *ctx, int task, int worker)
{
    egi_near_search *s = ctx;
    const egi_near_block *b = &s->block[task];

    (void)worker;
    for (eg_index i = b->from; i < b->to; i++)
        for (int part = 0; part < s->n_sizes; part++) {
            egi_near *all = list_of(s, 0, i, part);

            for (int w = 1; w < s->threads; w++)
                for (int k = 0; k < KEEP; k++)
                    put(all, list_of(s, w, i, part)->bound[k],
                        list_of(s, w, i, part)->row[k]);
            for (int k = 0; k < KEEP; k++)
                if (isfinite(all->bound[k])) add_pair(s, i, all->row[k]);
        }
}

/* A squared distance in the units of bounds. */
static double scaled(const egi_near_search *s, double d)
{
    return ldexp(d, 2 * s->exponent);
}

bool egi_near_unsure(const egi_near_search *s, eg_index i)
{
    double left = INFINITY; /* no pair that was not kept is below it */

    for (int k = 0; k < s->n_sizes; k++) {
        left = fmin(left, (double)list_of(s, 0, i, k)->bound[KEEP - 1]);
        if (i < s->end[k] && isfinite(left) &&
            scaled(s, s->distance[i * s->n_sizes + k]) >= left)
            return true;
    }
    return false;
}

/* ---- a second look --------------------------------------------------------
 */

/* Row i, as row c [B] of a tile, against the columns of block b. */
static void look_again(const egi_near_search *s, const float *c, eg_index i,
                       const egi_near_block *b)
{
    int own = part_of(s, i), k = own > b->part ? own : b->part;

    for (eg_index j = b->from; j < b->to; j++) {
        float bound = c[j - b->from] + (s->norm[i] + s->norm[j]);

        if (j != i &&
            (double)bound <= scaled(s, s->distance[i * s->n_sizes + k]))
            add_pair(s, i, j);
    }
}

void egi_near_again_task(void *ctx, int task, int worker)
{
    egi_near_search *s = ctx;
    float *packed = s->work + worker * s->room, *tile = packed + s->pack;
    float *rows = tile + (eg_index)B * B;
    const int32_t *list = s->unsure + (eg_index)task * EGI_NEAR_AGAIN;
    eg_index n = s->n_unsure - (eg_index)task * EGI_NEAR_AGAIN;

    if (n > EGI_NEAR_AGAIN) n = EGI_NEAR_AGAIN;
    for (eg_index r = 0; r < n; r++)
        memcpy(rows + r * s->n, s->c + list[r] * s->n,
               (size_t)s->n * sizeof *rows);
    for (eg_index J = 0; J < s->n_blocks; J++) {
        pack(s, packed, &s->block[J]);
        product(s, tile, rows, n, packed, s->block[J].to - s->block[J].from);
        for (eg_index r = 0; r < n; r++)
            look_again(s, tile + r * B, list[r], &s->block[J]);
    }
}
