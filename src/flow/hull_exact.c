/* Signs of 2 x 2 and 3 x 3 determinants of differences: in floating point where
 * an error bound decides, else as a sum of products without rounding (Shewchuk
 * 1997: expansions). The products are those of the coordinates themselves, so
 * no difference is rounded. */
#include "flow/hull.h"

#include <float.h>
#include <math.h>

enum { TERMS = 24 * 4 }; /* of the 3 x 3 determinant */

/* A number as a sum of doubles that do not overlap, small to large. */
typedef struct expansion {
    double term[TERMS];
    int n;
} expansion;

/* s + e = a + b, exactly. */
static double two_sum(double a, double b, double *e)
{
    double s = a + b, v = s - a;

    *e = a - (s - v) + (b - v);
    return s;
}

static void add(expansion *e, double v)
{
    int n = 0;

    for (int i = 0; i < e->n; i++) {
        double rest;

        v = two_sum(v, e->term[i], &rest);
        if (rest != 0) e->term[n++] = rest;
    }
    if (v != 0) e->term[n++] = v;
    e->n = n;
}

static void add_product(expansion *e, double a, double b)
{
    double p = a * b;

    add(e, fma(a, b, -p));
    add(e, p);
}

static void add_triple(expansion *e, double sign, double a, double b, double c)
{
    double p = a * b, rest = fma(a, b, -p);

    add_product(e, sign * rest, c);
    add_product(e, sign * p, c);
}

static int sign_of(const expansion *e)
{
    if (e->n == 0) return 0;
    return e->term[e->n - 1] > 0 ? 1 : -1;
}

static int sign(double v)
{
    return (v > 0) - (v < 0);
}

int egi_orient2(const double *a, const double *b, const double *c, int p, int q)
{
    double l = (b[p] - a[p]) * (c[q] - a[q]);
    double r = (b[q] - a[q]) * (c[p] - a[p]);
    expansion e;

    if (fabs(l - r) > 4 * DBL_EPSILON * (fabs(l) + fabs(r))) return sign(l - r);
    e.n = 0;
    add_product(&e, b[p], c[q]);
    add_product(&e, -b[p], a[q]);
    add_product(&e, -a[p], c[q]);
    add_product(&e, -b[q], c[p]);
    add_product(&e, b[q], a[p]);
    add_product(&e, a[q], c[p]);
    return sign_of(&e);
}

/* s det[u, v, w]. */
static void add_det(expansion *e, double s, const double *u, const double *v,
                    const double *w)
{
    add_triple(e, s, u[0], v[1], w[2]);
    add_triple(e, -s, u[0], v[2], w[1]);
    add_triple(e, s, u[1], v[2], w[0]);
    add_triple(e, -s, u[1], v[0], w[2]);
    add_triple(e, s, u[2], v[0], w[1]);
    add_triple(e, -s, u[2], v[1], w[0]);
}

static bool same(const double *a, const double *b)
{
    return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

int egi_orient3(const double *a, const double *b, const double *c,
                const double *e)
{
    double u[3], v[3], w[3], det = 0, size = 0;
    expansion sum;

    if (same(a, e) || same(b, e) || same(c, e)) return 0;
    for (int k = 0; k < 3; k++) {
        u[k] = b[k] - a[k];
        v[k] = c[k] - a[k];
        w[k] = e[k] - a[k];
    }
    for (int k = 0; k < 3; k++) {
        double l = u[(k + 1) % 3] * v[(k + 2) % 3];
        double r = u[(k + 2) % 3] * v[(k + 1) % 3];

        det += (l - r) * w[k];
        size += (fabs(l) + fabs(r)) * fabs(w[k]);
    }
    if (fabs(det) > 16 * DBL_EPSILON * size) return sign(det);
    sum.n = 0; /* det[b-a, c-a, e-a] by its rows */
    add_det(&sum, 1, b, c, e);
    add_det(&sum, -1, a, c, e);
    add_det(&sum, 1, a, b, e);
    add_det(&sum, -1, a, b, c);
    return sign_of(&sum);
}
