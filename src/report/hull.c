/* Convex hulls to draw, of points in the plane and in space. Points within
 * 1e-9 of the size of the cloud count as inside: corners that tokens share
 * are one. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report/flow_view.h"

static bool is_finite(const double *p, int dim)
{
    for (int k = 0; k < dim; k++)
        if (!isfinite(p[k])) return false;
    return true;
}

/* Largest extent along an axis. */
static double extent(const double *x, int n, int dim)
{
    double size = 0;

    for (int k = 0; k < dim; k++) {
        double lo = HUGE_VAL, hi = -HUGE_VAL;
        for (int i = 0; i < n; i++) {
            if (!is_finite(x + (ptrdiff_t)i * dim, dim)) continue;
            lo = fmin(lo, x[(ptrdiff_t)i * dim + k]);
            hi = fmax(hi, x[(ptrdiff_t)i * dim + k]);
        }
        size = fmax(size, hi - lo);
    }
    return size;
}

/* --- the plane: Andrew's chain --- */

typedef struct dot {
    double x, y;
    int i;
} dot;

static int by_place(const void *a, const void *b)
{
    const dot *p = a, *q = b;

    if (p->x < q->x || p->x > q->x) return p->x < q->x ? -1 : 1;
    if (p->y < q->y || p->y > q->y) return p->y < q->y ? -1 : 1;
    return p->i - q->i;
}

static double turn(const dot *o, const dot *a, const dot *b)
{
    return (a->x - o->x) * (b->y - o->y) - (a->y - o->y) * (b->x - o->x);
}

static int hull_plane(int *corner, dot *p, int n, double eps)
{
    int k = 0;

    qsort(p, (size_t)n, sizeof *p, by_place);
    for (int pass = 0; pass < 2; pass++) { /* lower side, then upper */
        int floor = k;
        for (int s = 0; s < n; s++) {
            int i = pass ? n - 1 - s : s;
            while (k > floor + (pass ? 0 : 1) && k > 1 &&
                   turn(&p[corner[k - 2]], &p[corner[k - 1]], &p[i]) <= eps)
                k--;
            if (pass && s == 0) continue; /* the last of the lower side */
            corner[k++] = i;
        }
        if (pass) k--; /* the first of the lower side again */
    }
    for (int i = 0; i < k; i++) corner[i] = p[corner[i]].i;
    return k;
}

/* --- space: one point after the other --- */

typedef struct face {
    int v[3];
    double normal[3], offset;
    bool seen;
} face;

typedef struct solid {
    const double *x;
    double eps;
    int n, cap;
    face *face;
} solid;

static void cross(double *out, const double *o, const double *a,
                  const double *b)
{
    double u[3], v[3];

    for (int k = 0; k < 3; k++) {
        u[k] = a[k] - o[k];
        v[k] = b[k] - o[k];
    }
    out[0] = u[1] * v[2] - u[2] * v[1];
    out[1] = u[2] * v[0] - u[0] * v[2];
    out[2] = u[0] * v[1] - u[1] * v[0];
}

static double dot3(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static double height(const face *f, const double *p)
{
    return dot3(f->normal, p) - f->offset;
}

static bool add_face(solid *s, int a, int b, int c)
{
    face *f;
    double size;

    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 64;
        face *p = eg_realloc(s->face, (size_t)cap * sizeof *p);
        if (!p) return false;
        s->face = p;
        s->cap = cap;
    }
    f = &s->face[s->n++];
    *f = (face){.v = {a, b, c}};
    cross(f->normal, s->x + 3 * (ptrdiff_t)a, s->x + 3 * (ptrdiff_t)b,
          s->x + 3 * (ptrdiff_t)c);
    size = sqrt(dot3(f->normal, f->normal));
    for (int k = 0; k < 3 && size > 0; k++) f->normal[k] /= size;
    f->offset = dot3(f->normal, s->x + 3 * (ptrdiff_t)a);
    return true;
}

/* The point farthest from what has been chosen: from a point, a line, a
 * plane. -1: all lie in it. */
static int farthest(const solid *s, int n, const int *have, int k)
{
    const double *x = s->x, *a = x + 3 * (ptrdiff_t)have[0];
    const double *b = k > 1 ? x + 3 * (ptrdiff_t)have[1] : a;
    double best = s->eps, plane[3] = {0}, side[3], size = 1;
    int at = -1;

    for (int j = 0; j < 3; j++) side[j] = b[j] - a[j];
    if (k == 2) size = sqrt(dot3(side, side));
    if (k == 3) {
        cross(plane, a, b, x + 3 * (ptrdiff_t)have[2]);
        size = sqrt(dot3(plane, plane));
    }
    for (int i = 0; i < n; i++) {
        const double *p = x + 3 * (ptrdiff_t)i;
        double d[3], c[3], far;

        if (!is_finite(p, 3)) continue;
        for (int j = 0; j < 3; j++) d[j] = p[j] - a[j];
        cross(c, a, b, p);
        far = k == 1   ? sqrt(dot3(d, d))
              : k == 2 ? sqrt(dot3(c, c)) / size
                       : fabs(dot3(plane, d)) / size;
        if (far > best) {
            best = far;
            at = i;
        }
    }
    return at;
}

/* 1: four corners of the first solid; 0: flat; -1: no memory. */
static int first_solid(solid *s, int n)
{
    static const int side[4][3] = {{0, 1, 2}, {0, 3, 1}, {1, 3, 2}, {2, 3, 0}};
    int v[4];

    for (v[0] = 0; v[0] < n; v[0]++)
        if (is_finite(s->x + 3 * (ptrdiff_t)v[0], 3)) break;
    if (v[0] == n) return 0;
    for (int k = 1; k < 4; k++)
        if ((v[k] = farthest(s, n, v, k)) < 0) return 0;
    for (int i = 0; i < 4; i++) {
        int inner = v[6 - side[i][0] - side[i][1] - side[i][2]];
        if (!add_face(s, v[side[i][0]], v[side[i][1]], v[side[i][2]]))
            return -1;
        if (height(&s->face[s->n - 1], s->x + 3 * (ptrdiff_t)inner) > 0) {
            s->n--;
            if (!add_face(s, v[side[i][0]], v[side[i][2]], v[side[i][1]]))
                return -1;
        }
    }
    return 1;
}

/* Does a face that the new point sees hold the edge from a to b? */
static bool seen_edge(const solid *s, int n, int a, int b)
{
    for (int i = 0; i < n; i++) {
        const face *f = &s->face[i];
        for (int k = 0; f->seen && k < 3; k++)
            if (f->v[k] == a && f->v[(k + 1) % 3] == b) return true;
    }
    return false;
}

/* Faces that point i sees go; what is left open is joined to it. */
static bool add_point(solid *s, int i)
{
    int n = s->n, seen = 0, kept = 0;

    for (int f = 0; f < n; f++) {
        s->face[f].seen = height(&s->face[f], s->x + 3 * (ptrdiff_t)i) > s->eps;
        seen += s->face[f].seen;
    }
    if (!seen) return true;
    for (int f = 0; f < n; f++)
        for (int k = 0; s->face[f].seen && k < 3; k++) {
            int a = s->face[f].v[k], b = s->face[f].v[(k + 1) % 3];
            if (!seen_edge(s, n, b, a) && !add_face(s, a, b, i)) return false;
        }
    for (int f = 0; f < s->n; f++)
        if (f >= n || !s->face[f].seen) s->face[kept++] = s->face[f];
    s->n = kept;
    return true;
}

static int hull_space(int **corner, const double *x, int n, double eps)
{
    solid s = {.x = x, .eps = eps};
    int ok = first_solid(&s, n), *out = NULL;

    for (int i = 0; i < n && ok == 1; i++)
        if (is_finite(x + 3 * (ptrdiff_t)i, 3) && !add_point(&s, i)) ok = -1;
    if (ok == 1) {
        out = eg_calloc(3 * (size_t)s.n, sizeof *out);
        if (!out) ok = -1;
    }
    for (int f = 0; out && f < s.n; f++)
        memcpy(out + 3 * (ptrdiff_t)f, s.face[f].v, sizeof s.face[f].v);
    eg_free(s.face);
    *corner = out;
    return ok < 0 ? -1 : ok * 3 * s.n;
}

eg_status egi_hull(int **corner, int *n_corners, const double *x, int n,
                   int dim, eg_err *err)
{
    double size = extent(x, n, dim);
    dot *p = NULL;
    int k = 0;

    *corner = NULL;
    *n_corners = 0;
    if (n < dim + 1 || !(size > 0)) return EG_OK;
    if (dim == 3) {
        k = hull_space(corner, x, n, 1e-9 * size);
        if (k < 0) return EG_FAIL(err, EG_ENOMEM, "hull: out of memory");
        *n_corners = k;
        return EG_OK;
    }
    p = eg_calloc((size_t)n, sizeof *p);
    *corner = eg_calloc(2 * (size_t)n + 2, sizeof **corner);
    if (!p || !*corner) {
        eg_free(p);
        eg_free(*corner);
        *corner = NULL;
        return EG_FAIL(err, EG_ENOMEM, "hull: out of memory");
    }
    for (int i = 0; i < n; i++)
        if (is_finite(x + 2 * (ptrdiff_t)i, 2))
            p[k++] = (dot){x[2 * (ptrdiff_t)i], x[2 * (ptrdiff_t)i + 1], i};
    k = hull_plane(*corner, p, k, 1e-9 * size * size);
    *n_corners = k < 3 ? 0 : k;
    eg_free(p);
    return EG_OK;
}
