/* Iterations for A x = q at one position, with the gradient of their
 * coefficients. */
#include <math.h>

#include "base/sweep.h"
#include "memory/dense.h"
#include "mesa/solve.h"

eg_index egi_icl_iterate_work(const egi_icl *c, const egi_icl_how *h)
{
    return c->m * (2 * (h->steps + 1) + 6);
}

/* pred = s Y x */
static void answer(const egi_icl_at *at, double s, const double *x)
{
    for (eg_index i = 0; i < at->p; i++)
        at->pred[i] = s * egi_dot(at->cross + i * at->m, x, at->m);
}

/* u = s Y^T (pred - target): what moves the loss through x. */
static void pull_back(const egi_icl_at *at, double s, double *u)
{
    for (eg_index j = 0; j < at->m; j++) u[j] = 0;
    for (eg_index i = 0; i < at->p; i++)
        egi_axpy(u, s * (at->pred[i] - at->target[i]), at->cross + i * at->m,
                 at->m);
}

/* r_0 = q, sum = 0; sum += a_l r_l, r_{l+1} = r_l - a_l A r_l: sum is what k
 * steps of descent make of q, Phi_k q = Y sum. */
void egi_icl_gd(const egi_icl_at *at, const egi_icl_how *h)
{
    eg_index m = at->m, k = h->steps;
    double *work = at->work, *r = egi_take(&work, m * (k + 1));
    double *ar = egi_take(&work, m * k), *sum = egi_take(&work, m);
    double *u = egi_take(&work, m), *d = egi_take(&work, m), *ad = work;

    for (eg_index i = 0; i < m; i++) {
        r[i] = at->q[i];
        sum[i] = 0;
    }
    for (eg_index l = 0; l < k; l++) {
        double *now = r + l * m;

        egi_icl_apply(ar + l * m, at->gram, h->ridge, now, m);
        egi_axpy(sum, h->a[l], now, m);
        for (eg_index i = 0; i < m; i++)
            now[m + i] = now[i] - h->a[l] * ar[l * m + i];
    }
    answer(at, 1, sum);
    if (!at->g) return;
    pull_back(at, 1, u);
    for (eg_index i = 0; i < m; i++) d[i] = 0; /* dL/dr_{l+1} */
    for (eg_index l = k; l-- > 0;) {
        at->g->a[l] += egi_dot(u, r + l * m, m) - egi_dot(d, ar + l * m, m);
        egi_icl_apply(ad, at->gram, h->ridge, d, m);
        for (eg_index i = 0; i < m; i++) d[i] += h->a[l] * (u[i] - ad[i]);
    }
}

static double frobenius(const egi_icl_at *at, double ridge)
{
    double sum = 0;

    for (eg_index i = 0; i < at->m; i++)
        for (eg_index j = 0; j < at->m; j++) {
            double a = at->gram[i * at->m + j] + (i == j ? ridge : 0);

            sum += a * a;
        }
    return sqrt(sum);
}

/* term [k + 1, m] and x [k + 1, m] of the forward pass, at [m] of scratch. */
static void prop2_back(const egi_icl_at *at, const egi_icl_how *h, double size,
                       const double *term, const double *x, double *work)
{
    eg_index m = at->m;
    double *dx = egi_take(&work, m), *before = egi_take(&work, m);
    double *dterm = egi_take(&work, m), *s = work;

    pull_back(at, 1 / size, dx);
    for (eg_index i = 0; i < m; i++) before[i] = dterm[i] = 0;
    for (eg_index j = h->steps; j >= 1; j--) {
        const double *x1 = x + (j - 1) * m, *x2 = x + (j > 1 ? j - 2 : 0) * m;
        double a = h->a[j - 1] / size, b = h->b[j - 1];

        for (eg_index i = 0; i < m; i++) {
            double go = dx[i];

            dterm[i] += go;
            at->g->b[j - 1] += go * (x1[i] - x2[i]);
            dx[i] = before[i] + (1 + b) * go;
            before[i] = -b * go;
        }
        egi_icl_apply(s, at->gram, h->ridge, dterm, m);
        at->g->a[j - 1] -= egi_dot(s, term + (j - 1) * m, m) / size;
        egi_axpy(dterm, -a, s, m);
    }
}

/* The original program's control: products of (1 - alpha A / |A|) are summed,
 * the momentum is on x. Nothing has been seen where A = 0. */
void egi_icl_prop2(const egi_icl_at *at, const egi_icl_how *h)
{
    eg_index m = at->m, k = h->steps;
    double size = frobenius(at, h->ridge), *work = at->work;
    double *term = egi_take(&work, m * (k + 1));
    double *x = egi_take(&work, m * (k + 1)), *s = work;

    if (size <= 0) {
        for (eg_index i = 0; i < at->p; i++) at->pred[i] = 0;
        return;
    }
    for (eg_index i = 0; i < m; i++) term[i] = x[i] = at->q[i];
    for (eg_index j = 1; j <= k; j++) {
        const double *was = term + (j - 1) * m, *x1 = x + (j - 1) * m;
        const double *x2 = j > 1 ? x1 - m : x1;

        egi_icl_apply(s, at->gram, h->ridge, was, m);
        for (eg_index i = 0; i < m; i++) {
            term[j * m + i] = was[i] - h->a[j - 1] / size * s[i];
            x[j * m + i] =
                x1[i] + term[j * m + i] + h->b[j - 1] * (x1[i] - x2[i]);
        }
    }
    answer(at, 1 / size, x + k * m);
    if (at->g) prop2_back(at, h, size, term, x, s);
}

/* Textbook coefficients for a spectrum in [low, 1] |A|. */
void egi_icl_chebyshev(const egi_icl_at *at, const egi_icl_how *h)
{
    eg_index m = at->m;
    double top = frobenius(at, h->ridge), *work = at->work;
    double *x = egi_take(&work, m), *r = egi_take(&work, m);
    double *p = egi_take(&work, m), *s = work;
    double d = (1 + h->low) / 2 * top, c = (1 - h->low) / 2 * top, a = 1 / d;

    for (eg_index i = 0; i < m; i++) {
        x[i] = 0;
        p[i] = r[i] = at->q[i];
    }
    for (eg_index k = 0; k < h->steps && top > 0; k++) {
        if (k > 0) {
            double b = k == 1 ? c * a * c * a / 2 : c * a * c * a / 4;

            a = 1 / (d - b / a);
            for (eg_index i = 0; i < m; i++) p[i] = r[i] + b * p[i];
        }
        egi_axpy(x, a, p, m);
        egi_icl_apply(s, at->gram, h->ridge, p, m);
        egi_axpy(r, -a, s, m);
    }
    answer(at, 1, x);
}

/* x [k + 1, m] and residuals e [k, m] of the forward pass. */
static void momentum_back(const egi_icl_at *at, const egi_icl_how *h,
                          const double *x, const double *e, double *work)
{
    eg_index m = at->m;
    double *d = egi_take(&work, m), *before = egi_take(&work, m), *ad = work;

    pull_back(at, 1, d);
    for (eg_index i = 0; i < m; i++) before[i] = 0;
    for (eg_index j = h->steps; j-- > 0;) {
        const double *now = x + j * m, *was = x + (j > 0 ? j - 1 : 0) * m;

        at->g->a[j] += egi_dot(d, e + j * m, m);
        egi_icl_apply(ad, at->gram, h->ridge, d, m);
        for (eg_index i = 0; i < m; i++) {
            double go = d[i];

            at->g->b[j] += go * (now[i] - was[i]);
            d[i] = before[i] + (1 + h->b[j]) * go - h->a[j] * ad[i];
            before[i] = -h->b[j] * go;
        }
    }
}

/* The proposition as it stands: x_{j+1} = x_j + a_j (q - A x_j) + b_j (x_j -
 * x_{j-1}) from 0, with numbers that no position changes. */
void egi_icl_momentum(const egi_icl_at *at, const egi_icl_how *h)
{
    eg_index m = at->m, k = h->steps;
    double *work = at->work, *x = egi_take(&work, m * (k + 1));
    double *e = egi_take(&work, m * k);

    for (eg_index i = 0; i < m; i++) x[i] = 0;
    for (eg_index j = 0; j < k; j++) {
        const double *now = x + j * m, *was = x + (j > 0 ? j - 1 : 0) * m;

        egi_icl_apply(e + j * m, at->gram, h->ridge, now, m);
        for (eg_index i = 0; i < m; i++) {
            e[j * m + i] = at->q[i] - e[j * m + i];
            x[(j + 1) * m + i] =
                now[i] + h->a[j] * e[j * m + i] + h->b[j] * (now[i] - was[i]);
        }
    }
    answer(at, 1, x + k * m);
    if (at->g) momentum_back(at, h, x, e, work);
}
