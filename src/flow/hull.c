/* Convex hulls in one, two and three dimensions: distinct points first, then
 * the chain, the space, or what is left when points lie in a plane or a line.
 */
#include "engram/mem.h"
#include "flow/gram.h"
#include "flow/hull.h"
#include "flow/sorting.h"

#include <math.h>

/* Distinct points y [m, d] and where they came from, order[m]; in the order of
 * their coordinates. */
typedef struct cloud {
    eg_index m, d;
    double *y;
    egi_keyed *order, *sorted, *scratch;
    bool *corner;  /* [m] */
    int32_t *loop; /* [m + 1]: corners of a polygon, counterclockwise */
    eg_index n_loop;
    egi_hull3 solid;
    double measure;
} cloud;

static void cloud_release(cloud *c)
{
    eg_free(c->y);
    eg_free(c->order);
    eg_free(c->sorted);
    eg_free(c->scratch);
    eg_free(c->corner);
    eg_free(c->loop);
    egi_hull3_release(&c->solid);
}

/* Stable, by one coordinate. */
static void sort_by(cloud *c, const double *x, eg_index n, int coordinate)
{
    for (eg_index i = 0; i < n; i++)
        c->order[i].key = x[c->order[i].i * c->d + coordinate];
    egi_sort_keyed(c->order, c->scratch, n);
}

static bool coincide(const double *a, const double *b, eg_index d)
{
    for (eg_index k = 0; k < d; k++)
        if (a[k] != b[k]) return false;
    return true;
}

static eg_status cloud_init(cloud *c, const double *x, eg_index n, eg_index d,
                            eg_err *err)
{
    *c = (cloud){.d = d};
    if (d < 1 || d > 3)
        return EG_FAIL(err, EG_EINVAL,
                       "hull: expected d = 1, 2 or 3, found %td", d);
    if (n < 1 || n > INT32_MAX - 1)
        return EG_FAIL(err, EG_EINVAL, "hull: %td points", n);
    for (eg_index i = 0; i < n * d; i++)
        if (!isfinite(x[i]))
            return EG_FAIL(err, EG_EINVAL,
                           "hull: expected numbers, found %g at [%td,%td]",
                           x[i], i / d, i % d);
    c->y = eg_calloc((size_t)(n * d), sizeof *c->y);
    c->order = eg_calloc((size_t)n, sizeof *c->order);
    c->sorted = eg_calloc((size_t)n, sizeof *c->sorted);
    c->scratch = eg_calloc((size_t)n, sizeof *c->scratch);
    c->corner = eg_calloc((size_t)n, sizeof *c->corner);
    c->loop = eg_calloc((size_t)n + 1, sizeof *c->loop);
    if (!c->y || !c->order || !c->sorted || !c->scratch || !c->corner ||
        !c->loop)
        return EG_FAIL(err, EG_ENOMEM, "hull of %td points", n);
    for (eg_index i = 0; i < n; i++) c->order[i].i = (int32_t)i;
    for (int k = (int)d - 1; k >= 0; k--) sort_by(c, x, n, k);
    for (eg_index i = 0; i < n; i++) {
        const double *p = x + c->order[i].i * d;

        if (c->m > 0 && coincide(c->y + (c->m - 1) * d, p, d)) continue;
        for (eg_index k = 0; k < d; k++) c->y[c->m * d + k] = p[k];
        c->order[c->m++].i = c->order[i].i;
    }
    return EG_OK;
}

/* Andrew's monotone chain in coordinates p, q. Corners go into c->loop. */
static void chain(cloud *c, int p, int q)
{
    const double *y = c->y;
    eg_index d = c->d, m = c->m, n = 0, least = 2;
    egi_keyed *o = c->sorted;

    for (eg_index i = 0; i < m; i++)
        o[i] = (egi_keyed){y[i * d + q], (int32_t)i};
    egi_sort_keyed(o, c->scratch, m);
    for (eg_index i = 0; i < m; i++) o[i].key = y[o[i].i * d + p];
    egi_sort_keyed(o, c->scratch, m);
    for (eg_index step = 0; step < 2 * m - 1; step++) {
        eg_index at = step < m ? step : 2 * m - 2 - step; /* and back */
        const double *e = y + o[at].i * d;

        if (step == m) least = n + 1;
        while (n >= least && egi_orient2(y + c->loop[n - 2] * d,
                                         y + c->loop[n - 1] * d, e, p, q) <= 0)
            n--;
        c->loop[n++] = o[at].i;
    }
    c->n_loop = m > 1 ? n - 1 : 1; /* it ends where it began */
    for (eg_index k = 0; k < c->n_loop; k++) c->corner[c->loop[k]] = true;
}

static double area(const cloud *c)
{
    const double *o = c->y + 2 * (eg_index)c->loop[0];
    egi_sum sum = {0};

    for (eg_index k = 1; k + 1 < c->n_loop; k++) {
        const double *a = c->y + 2 * (eg_index)c->loop[k];
        const double *b = c->y + 2 * (eg_index)c->loop[k + 1];

        egi_sum_add(&sum, (a[0] - o[0]) * (b[1] - o[1]) -
                              (a[1] - o[1]) * (b[0] - o[0]));
    }
    return egi_sum_value(&sum) / 2;
}

/* The pair of coordinates in which a, b, c are not on a line; -1: none. */
static int flat_view(const double *a, const double *b, const double *c)
{
    for (int k = 0; k < 3; k++)
        if (egi_orient2(a, b, c, k, (k + 1) % 3) != 0) return k;
    return -1;
}

static double distance2(const double *a, const double *b)
{
    double sum = 0;

    for (int k = 0; k < 3; k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum;
}

/* |(b - a) x (c - a)|^2 */
static double spread2(const double *a, const double *b, const double *c)
{
    double sum = 0;

    for (int k = 0; k < 3; k++) {
        int l = (k + 1) % 3;
        double v =
            (b[k] - a[k]) * (c[l] - a[l]) - (b[l] - a[l]) * (c[k] - a[k]);

        sum += v * v;
    }
    return sum;
}

/* Four points as far apart as comes cheaply that span space; how many of them
 * there are when the cloud spans less: 1 a point, 2 a line, 3 a plane. */
static int span(const cloud *c, eg_index start[4])
{
    const double *y = c->y;
    double top = 0;
    int found = 1;

    start[0] = 0;
    for (eg_index i = 1; i < c->m; i++) {
        double far = distance2(y, y + 3 * i);

        if (found == 1 || far > top) {
            start[1] = i;
            top = far;
        }
        found = 2;
    }
    if (found < 2) return found;
    for (eg_index i = 0; i < c->m; i++) {
        const double *a = y, *b = y + 3 * start[1], *e = y + 3 * i;
        double far = spread2(a, b, e);

        if ((found == 2 || far > top) && flat_view(a, b, e) >= 0) {
            start[2] = i;
            top = far;
            found = 3;
        }
    }
    for (eg_index i = 0; i < c->m && found == 3; i++)
        if (egi_orient3(y, y + 3 * start[1], y + 3 * start[2], y + 3 * i)) {
            start[3] = i;
            found = 4;
        }
    return found;
}

static eg_status in_space(cloud *c, eg_err *err)
{
    eg_index start[4];
    eg_status st = EG_OK;
    int view;

    switch (span(c, start)) {
    case 1:
    case 2:
        c->corner[0] = c->corner[c->m - 1] = true;
        break;
    case 3:
        view = flat_view(c->y, c->y + 3 * start[1], c->y + 3 * start[2]);
        chain(c, view, (view + 1) % 3);
        break;
    default:
        st = egi_hull3_init(&c->solid, c->corner, c->y, c->m, start, err);
        c->measure = c->solid.volume;
    }
    return st;
}

static eg_status cloud_hull(cloud *c, const double *x, eg_index n, eg_index d,
                            eg_err *err)
{
    eg_status st = cloud_init(c, x, n, d, err);

    if (st != EG_OK) return st;
    if (d == 3) return in_space(c, err);
    if (d == 2) {
        chain(c, 0, 1);
        c->measure = area(c);
    } else {
        c->corner[0] = c->corner[c->m - 1] = true;
        c->measure = c->y[c->m - 1] - c->y[0];
    }
    return EG_OK;
}

eg_status eg_flow_hull(double *measure, bool *is_vertex, const double *x,
                       eg_index n, eg_index d, eg_err *err)
{
    cloud c;
    eg_status st = cloud_hull(&c, x, n, d, err);

    if (st == EG_OK) {
        *measure = c.measure;
        for (eg_index i = 0; i < n; i++) is_vertex[i] = false;
        for (eg_index k = 0; k < c.m; k++)
            is_vertex[c.order[k].i] = c.corner[k];
    }
    cloud_release(&c);
    return st;
}

eg_status eg_flow_hull_faces(int32_t **faces, eg_index *n_faces,
                             const double *x, eg_index n, eg_index d,
                             eg_err *err)
{
    cloud c;
    eg_status st = cloud_hull(&c, x, n, d, err);
    bool solid = c.solid.n_faces > 0;
    eg_index count = solid ? c.solid.n_faces : 0;

    *faces = NULL;
    *n_faces = 0;
    if (st == EG_OK && d == 2 && c.n_loop > 2) count = c.n_loop;
    if (st == EG_OK) *faces = eg_calloc((size_t)(count * d), sizeof **faces);
    if (st == EG_OK && !*faces)
        st = EG_FAIL(err, EG_ENOMEM, "%td faces of a hull", count);
    for (eg_index f = 0; st == EG_OK && f < count; f++)
        for (eg_index k = 0; k < d; k++) {
            int32_t at =
                solid ? c.solid.face[f][k] : c.loop[(f + k) % c.n_loop];

            (*faces)[f * d + k] = c.order[at].i;
        }
    if (st == EG_OK) *n_faces = count;
    cloud_release(&c);
    return st;
}
