/* Components in R^3 by cells: cubes whose diagonal is the reach, so that the
 * tokens of one cube are together; two cubes near each other are decided by
 * the boxes around their members, and only where these leave it open by their
 * tokens. O(n log n) for tokens spread out and for tokens in tight clusters. */
#include "flow/components.h"

#include <math.h>
#include <string.h>

enum { RADIX = 11, BUCKETS = 1 << RADIX, NOWHERE = 0, FIRST = 2 };
static const double most = 1 << 30; /* cubes along an edge */

static const double *row(const double *x, eg_index i)
{
    return x + 3 * i;
}

/* Stable, by one coordinate of the cubes, 11 bits at a time. */
static void sort_along(egi_components *c, eg_index n, int k, int32_t top)
{
    for (int shift = 0; shift < 31 && top >> shift > 0; shift += RADIX) {
        int32_t start[BUCKETS + 1] = {0};
        int32_t *order = c->order;

        for (eg_index i = 0; i < n; i++)
            start[(c->cube[3 * i + k] >> shift & (BUCKETS - 1)) + 1]++;
        for (int b = 0; b < BUCKETS; b++) start[b + 1] += start[b];
        for (eg_index i = 0; i < n; i++) {
            int32_t digit = c->cube[3 * order[i] + k] >> shift & (BUCKETS - 1);

            c->order_tmp[start[digit]++] = order[i];
        }
        c->order = c->order_tmp;
        c->order_tmp = order;
    }
}

/* Which cube every token is in, and the tokens in the order of their cubes;
 * false when there would be too many cubes. A NaN is in none. */
static bool sort_cubes(egi_components *c, const double *x, eg_index n,
                       double side)
{
    double lo[3] = {INFINITY, INFINITY, INFINITY};
    int32_t top[3] = {0};

    for (eg_index i = 0; i < n; i++)
        for (int k = 0; k < 3; k++) lo[k] = fmin(lo[k], x[3 * i + k]);
    for (eg_index i = 0; i < n; i++) {
        bool nowhere = false;

        for (int k = 0; k < 3; k++) {
            double at = floor((x[3 * i + k] - lo[k]) / side);

            if (at >= most) return false;
            nowhere = nowhere || isnan(at);
            c->cube[3 * i + k] = isnan(at) ? 0 : (int32_t)at + FIRST;
        }
        for (int k = 0; k < 3; k++) {
            int32_t *cube = &c->cube[3 * i + k];

            if (nowhere) *cube = NOWHERE;
            if (*cube > top[k]) top[k] = *cube;
        }
        c->order[i] = (int32_t)i;
    }
    for (int k = 2; k >= 0; k--) sort_along(c, n, k, top[k]);
    return true;
}

static int compare(const int32_t *a, const int32_t *b)
{
    for (int k = 0; k < 3; k++)
        if (a[k] != b[k]) return a[k] < b[k] ? -1 : 1;
    return 0;
}

/* Runs of equal cubes become cells; their tokens are joined. */
static eg_index make_cells(egi_components *c, const double *x, eg_index n)
{
    eg_index cells = 0;

    for (eg_index i = 0; i < n; i++) {
        const double *p = row(x, c->order[i]);
        const int32_t *cube = c->cube + (eg_index)3 * c->order[i];
        egi_cell *cell = cells ? &c->cell[cells - 1] : NULL;

        if (cube[0] == NOWHERE) continue;
        if (!cell || compare(cube, cell->cube) != 0) {
            cell = &c->cell[cells++];
            cell->first = (int32_t)i;
            cell->count = 0;
            memcpy(cell->cube, cube, sizeof cell->cube);
            memcpy(cell->lo, p, sizeof cell->lo);
            memcpy(cell->hi, p, sizeof cell->hi);
        }
        cell->count++;
        for (int k = 0; k < 3; k++) {
            cell->lo[k] = fmin(cell->lo[k], p[k]);
            cell->hi[k] = fmax(cell->hi[k], p[k]);
        }
        egi_join(c->parent, c->order[cell->first], c->order[i]);
    }
    return cells;
}

/* Squared distance from p to the box of a cell. */
static double to_box(const double *p, const egi_cell *a)
{
    double sum = 0;

    for (int k = 0; k < 3; k++) {
        double out = fmax(fmax(a->lo[k] - p[k], p[k] - a->hi[k]), 0);

        sum += out * out;
    }
    return sum;
}

static double between(const double *p, const double *q)
{
    double a = p[0] - q[0], b = p[1] - q[1], e = p[2] - q[2];

    return a * a + b * b + e * e;
}

/* Joins two cells if any of their tokens are near. */
static void meet(egi_components *c, const double *x, const egi_cell *a,
                 const egi_cell *b, double reach2)
{
    const int32_t *ai = c->order + a->first, *bi = c->order + b->first;
    double gap = 0;

    if (egi_root(c->parent, ai[0]) == egi_root(c->parent, bi[0])) return;
    for (int k = 0; k < 3; k++) {
        double out = fmax(fmax(a->lo[k] - b->hi[k], b->lo[k] - a->hi[k]), 0);

        gap += out * out;
    }
    if (!(gap < reach2)) return;
    for (int32_t i = 0; i < a->count; i++) {
        const double *p = row(x, ai[i]);

        if (!(to_box(p, b) < reach2)) continue;
        for (int32_t j = 0; j < b->count; j++) {
            if (!(between(p, row(x, bi[j])) < reach2)) continue;
            egi_join(c->parent, ai[0], bi[0]);
            return;
        }
    }
}

/* All pairs of cells whose cubes differ by (dx, dy, from..2). As the cells are
 * in order, the ones wanted only move up. */
static void meet_column(egi_components *c, const double *x, eg_index cells,
                        const int32_t step[3], double reach2)
{
    eg_index at = 0;

    for (eg_index i = 0; i < cells; i++) {
        const egi_cell *a = &c->cell[i];
        int32_t cube[3];

        for (int k = 0; k < 3; k++) cube[k] = a->cube[k] + step[k];
        while (at < cells && compare(c->cell[at].cube, cube) < 0) at++;
        cube[2] = a->cube[2] + 2;
        for (eg_index j = at; j < cells && compare(c->cell[j].cube, cube) <= 0;
             j++)
            meet(c, x, a, &c->cell[j], reach2);
    }
}

bool egi_components_cells(egi_components *c, const double *x, eg_index n,
                          double reach2)
{
    double side = sqrt(reach2) / 1.7321; /* a little over sqrt(3) */
    eg_index cells;

    if (!sort_cubes(c, x, n, side)) return false;
    cells = make_cells(c, x, n);
    /* Two cubes further in any direction the reach ends: 5 x 5 columns, of
     * which half, and in its own column what lies above. */
    for (int32_t dx = 0; dx <= 2; dx++)
        for (int32_t dy = dx ? -2 : 0; dy <= 2; dy++) {
            const int32_t step[3] = {dx, dy, dx || dy ? -2 : 1};

            meet_column(c, x, cells, step, reach2);
        }
    return true;
}
