/* Layers that change the keys as well as the queries (GD++):
 *
 *     p_t += a Y_t x_t,  x_t -= b A_t x_t,  k_t -= c A_t k_t,
 *     A_t = sum_{i <= t} k_i k_i^T,  Y_t = sum_{i <= t} y_i k_i^T
 *
 * with the keys that the layer finds. A network reads the first from queries x,
 * keys k and values y, the others from values k. As in a network, entries may
 * be clipped to [-clip, clip] after each layer. */
#include <math.h>
#include <string.h>

#include "base/sweep.h"
#include "memory/dense.h"
#include "mesa/solve.h"

typedef struct room {
    double *k, *x;         /* [steps + 1, T, m] what each layer reads */
    double *out;           /* [steps + 1, T, p] */
    double *dk, *dx;       /* [T, m] the loss by what a layer writes */
    double *dk_in, *dx_in; /* [T, m] and by what it reads */
    double *dout;          /* [T, p] */
    double *gram, *sum;    /* [m, m] */
    double *cross, *pull;  /* [p, m] */
    double *s, *u;         /* [m] */
} room;

eg_index egi_icl_gdpp_work(const egi_icl *c, const egi_icl_how *h)
{
    eg_index m = c->m, p = c->p, L = h->steps + 1;

    return c->T * (L * (2 * m + p) + 4 * m + p) + 2 * m * (m + p + 1);
}

static void cut(room *r, const egi_icl *c, const egi_icl_how *h, double *work)
{
    eg_index m = c->m, n = c->T * m, L = h->steps + 1;

    r->k = egi_take(&work, L * n);
    r->x = egi_take(&work, L * n);
    r->out = egi_take(&work, L * c->T * c->p);
    r->dk = egi_take(&work, n);
    r->dx = egi_take(&work, n);
    r->dk_in = egi_take(&work, n);
    r->dx_in = egi_take(&work, n);
    r->dout = egi_take(&work, c->T * c->p);
    r->gram = egi_take(&work, m * m);
    r->sum = egi_take(&work, m * m);
    r->cross = egi_take(&work, m * c->p);
    r->pull = egi_take(&work, m * c->p);
    r->s = egi_take(&work, m);
    r->u = work;
}

static void clear(double *x, eg_index n)
{
    memset(x, 0, (size_t)n * sizeof *x);
}

/* a [rows, cols] += x y^T */
static void outer(double *a, double s, const double *x, eg_index rows,
                  const double *y, eg_index cols)
{
    for (eg_index i = 0; i < rows; i++)
        egi_axpy(a + i * cols, s * x[i], y, cols);
}

static double clipped(double x, double clip)
{
    return x > clip ? clip : x < -clip ? -clip : x;
}

/* No gradient where an entry of y was clipped. */
static void mask(double *d, const double *y, eg_index n, double clip)
{
    for (eg_index i = 0; i < n; i++)
        if (fabs(y[i]) >= clip) d[i] = 0;
}

static void layer(const room *r, const egi_icl *c, const egi_icl_how *h,
                  eg_index l)
{
    eg_index m = c->m, p = c->p, n = c->T * m, np = c->T * p;
    double clip = h->clip > 0 ? h->clip : HUGE_VAL;

    clear(r->gram, m * m);
    clear(r->cross, m * p);
    for (eg_index t = 0; t < c->T; t++) {
        const double *k = r->k + l * n + t * m, *x = r->x + l * n + t * m;
        const double *out = r->out + l * np + t * p;

        outer(r->gram, 1, k, m, k, m);
        outer(r->cross, 1, c->y + t * p, p, k, m);
        for (eg_index i = 0; i < p; i++)
            r->out[(l + 1) * np + t * p + i] = clipped(
                out[i] + h->a[l] * egi_dot(r->cross + i * m, x, m), clip);
        egi_icl_apply(r->s, r->gram, 0, x, m);
        egi_icl_apply(r->u, r->gram, 0, k, m);
        for (eg_index i = 0; i < m; i++) {
            r->x[(l + 1) * n + t * m + i] =
                clipped(x[i] - h->b[l] * r->s[i], clip);
            r->k[(l + 1) * n + t * m + i] =
                clipped(k[i] - h->c[l] * r->u[i], clip);
        }
    }
}

/* What position t asks with: forwards in time, with the sums of layer l. */
static void back_queries(const room *r, const egi_icl *c, const egi_icl_how *h,
                         eg_index l, const egi_icl_grad *g)
{
    eg_index m = c->m, n = c->T * m;

    clear(r->gram, m * m);
    clear(r->cross, m * c->p);
    for (eg_index t = 0; t < c->T; t++) {
        const double *kt = r->k + l * n + t * m, *xt = r->x + l * n + t * m;
        const double *dk = r->dk + t * m, *dx = r->dx + t * m;
        double *dk_in = r->dk_in + t * m, *dx_in = r->dx_in + t * m;

        outer(r->gram, 1, kt, m, kt, m);
        outer(r->cross, 1, c->y + t * c->p, c->p, kt, m);
        egi_icl_apply(r->s, r->gram, 0, dx, m);
        egi_icl_apply(r->u, r->gram, 0, dk, m);
        g->b[l] -= egi_dot(r->s, xt, m);
        g->c[l] -= egi_dot(r->u, kt, m);
        for (eg_index i = 0; i < m; i++) {
            dx_in[i] = dx[i] - h->b[l] * r->s[i];
            dk_in[i] = dk[i] - h->c[l] * r->u[i];
        }
        for (eg_index i = 0; i < c->p; i++) {
            const double *row = r->cross + i * m;
            double e = r->dout[t * c->p + i];

            g->a[l] += e * egi_dot(row, xt, m);
            egi_axpy(dx_in, h->a[l] * e, row, m);
        }
    }
}

/* What later positions read of key t: backwards in time. */
static void back_keys(const room *r, const egi_icl *c, const egi_icl_how *h,
                      eg_index l)
{
    eg_index m = c->m, n = c->T * m;

    clear(r->sum, m * m);
    clear(r->pull, m * c->p);
    for (eg_index t = c->T; t-- > 0;) {
        const double *kt = r->k + l * n + t * m, *xt = r->x + l * n + t * m;
        const double *y = c->y + t * c->p;
        double *dk_in = r->dk_in + t * m;

        outer(r->sum, h->b[l], r->dx + t * m, m, xt, m);
        outer(r->sum, h->c[l], r->dk + t * m, m, kt, m);
        for (eg_index i = 0; i < c->p; i++)
            egi_axpy(r->pull + i * m, r->dout[t * c->p + i], xt, m);
        for (eg_index i = 0; i < c->p; i++)
            egi_axpy(dk_in, h->a[l] * y[i], r->pull + i * m, m);
        for (eg_index i = 0; i < m; i++) {
            dk_in[i] -= egi_dot(r->sum + i * m, kt, m);
            egi_axpy(dk_in, -kt[i], r->sum + i * m, m);
        }
    }
}

void egi_icl_gdpp(const egi_icl *c, const egi_icl_how *h, double *pred,
                  const egi_icl_grad *g, double *work)
{
    eg_index n = c->T * c->m, np = c->T * c->p;
    double clip = h->clip > 0 ? h->clip : HUGE_VAL;
    room r;

    cut(&r, c, h, work);
    memcpy(r.k, c->k, (size_t)n * sizeof *r.k);
    memcpy(r.x, c->q, (size_t)n * sizeof *r.x);
    clear(r.out, np);
    for (eg_index l = 0; l < h->steps; l++) layer(&r, c, h, l);
    memcpy(pred, r.out + h->steps * np, (size_t)np * sizeof *pred);
    if (!g) return;
    clear(r.dk, n);
    clear(r.dx, n);
    for (eg_index i = 0; i < np; i++) r.dout[i] = pred[i] - c->target[i];
    for (eg_index l = h->steps; l-- > 0;) {
        double *dk = r.dk, *dx = r.dx;

        mask(r.dk, r.k + (l + 1) * n, n, clip);
        mask(r.dx, r.x + (l + 1) * n, n, clip);
        mask(r.dout, r.out + (l + 1) * np, np, clip);
        back_queries(&r, c, h, l, g);
        back_keys(&r, c, h, l);
        r.dk = r.dk_in;
        r.dx = r.dx_in;
        r.dk_in = dk;
        r.dx_in = dx;
    }
}

/* Descent is the same with b = a and keys as they are. */
void egi_icl_gd_clipped(const egi_icl *c, const egi_icl_how *h, double *pred,
                        const egi_icl_grad *g, double *work)
{
    static const double zero[EG_STRS_MAX];
    double unused[EG_STRS_MAX] = {0};
    egi_icl_how how = *h;
    egi_icl_grad both = {0};

    EG_ASSERT(h->steps <= EG_STRS_MAX);
    how.b = h->a;
    how.c = zero;
    if (g) both = (egi_icl_grad){g->a, g->a, unused};
    egi_icl_gdpp(c, &how, pred, g ? &both : NULL, work);
}
