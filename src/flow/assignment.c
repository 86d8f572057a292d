/* Assignment by shortest augmenting paths: one row after another finds a free
 * column over reduced costs cost - u_row - v_column >= 0. */
#include "engram/mem.h"
#include "flow/assignment.h"

#include <math.h>

typedef struct search {
    eg_index n, d;
    int p;
    const double *x, *y;
    double *u, *v;    /* prices of rows and columns */
    double *shortest; /* [n]: way to a column */
    int32_t *row_of;  /* [n]: partner of a column, -1: free */
    int32_t *from;    /* [n]: column before, -1: the new row */
    bool *done;       /* [n] */
} search;

static double price(const search *s, eg_index i, eg_index j)
{
    double angle = eg_flow_angle(s->x + i * s->d, s->y + j * s->d, s->d);

    return s->p == 1 ? angle : pow(angle, s->p);
}

/* Ways from row i, behind column `by`, at distance far; the nearest column not
 * done. */
static eg_index relax(search *s, eg_index i, int32_t by, double far)
{
    eg_index best = -1;

    for (eg_index j = 0; j < s->n; j++) {
        double way;

        if (s->done[j]) continue;
        way = far + price(s, i, j) - s->u[i] - s->v[j];
        if (way < s->shortest[j]) {
            s->shortest[j] = way;
            s->from[j] = by;
        }
        if (best < 0 || s->shortest[j] < s->shortest[best]) best = j;
    }
    return best;
}

static void assign(search *s, eg_index row)
{
    eg_index end = -1;
    double far = 0;

    for (eg_index j = 0; j < s->n; j++) {
        s->shortest[j] = INFINITY;
        s->done[j] = false;
    }
    for (eg_index i = row; i >= 0; i = s->row_of[end]) {
        end = relax(s, i, (int32_t)end, far);
        far = s->shortest[end];
        s->done[end] = true;
    }
    s->u[row] += far;
    for (eg_index j = 0; j < s->n; j++) {
        if (!s->done[j] || j == end) continue;
        s->u[s->row_of[j]] += far - s->shortest[j];
        s->v[j] -= far - s->shortest[j];
    }
    while (end >= 0) { /* partners move along the path */
        int32_t before = s->from[end];

        s->row_of[end] = before >= 0 ? s->row_of[before] : (int32_t)row;
        end = before;
    }
}

eg_status egi_assignment(double *w, const double *x, const double *y,
                         eg_index n, eg_index d, int p, eg_err *err)
{
    search s = {.n = n, .d = d, .p = p, .x = x, .y = y};
    eg_status st = EG_OK;
    size_t m = (size_t)n;

    s.u = eg_calloc(3 * m, sizeof *s.u);
    s.row_of = eg_calloc(2 * m, sizeof *s.row_of);
    s.done = eg_calloc(m, sizeof *s.done);
    if (!s.u || !s.row_of || !s.done) {
        st = EG_FAIL(err, EG_ENOMEM, "assignment of %td tokens", n);
        goto done;
    }
    s.v = s.u + n;
    s.shortest = s.v + n;
    s.from = s.row_of + n;
    for (eg_index j = 0; j < n; j++) s.row_of[j] = -1;
    for (eg_index i = 0; i < n; i++) assign(&s, i);
    *w = 0;
    for (eg_index j = 0; j < n; j++) *w += price(&s, s.row_of[j], j);
    *w /= (double)n;
done:
    eg_free(s.u);
    eg_free(s.row_of);
    eg_free(s.done);
    return st;
}
