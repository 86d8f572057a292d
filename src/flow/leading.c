/* What the prequel's theorems look at: the coordinate along the leading left
 * eigenvector of V, and how far tokens are from the set S of candidates. */
#include "engram/flow.h"
#include "engram/mem.h"
#include "flow/lapack.h"

#include <math.h>
#include <string.h>

static double dot(const double *x, const double *y, eg_index d)
{
    double sum = 0;

    for (eg_index k = 0; k < d; k++) sum += x[k] * y[k];
    return sum;
}

/* Position of the eigenvalue with the largest modulus; of several, the one
 * with the largest real part. */
static eg_index leading(const double *re, const double *im, eg_index d)
{
    eg_index best = 0;

    for (eg_index k = 1; k < d; k++) {
        double now = hypot(re[k], im[k]), top = hypot(re[best], im[best]);

        if (now > top || (now == top && re[k] > re[best])) best = k;
    }
    return best;
}

/* l and r of the leading eigenvalue, |r| = 1 with its largest entry positive,
 * <l,r> = 1. left, right [d, d] as LAPACK gives them, unit columns. False when
 * l and r are orthogonal: the eigenvalue is defective. */
static bool normalise(double *l, double *r, const double *left,
                      const double *right, eg_index column, eg_index d)
{
    double top = 0, product;

    for (eg_index k = 0; k < d; k++) {
        l[k] = left[k * d + column];
        r[k] = right[k * d + column];
        if (fabs(r[k]) > fabs(top)) top = r[k];
    }
    for (eg_index k = 0; k < d; k++) r[k] = top < 0 ? -r[k] : r[k];
    product = dot(l, r, d);
    for (eg_index k = 0; k < d; k++) l[k] /= product;
    /* a Jordan block comes out with a product of order sqrt(eps) */
    return fabs(product) > 1e-7;
}

eg_status eg_flow_leading(eg_flow_eigen *e, double *l, double *r,
                          const double *V, eg_index d, eg_err *err)
{
    size_t square = (size_t)d * (size_t)d;
    double *work = eg_calloc(3 * square + 2 * (size_t)d, sizeof *work);
    double *left, *right, *re, *im;
    const egi_lapack *lapack;
    int failed;
    eg_index top;
    eg_status st = EG_OK;

    if (!work)
        return EG_FAIL(err, EG_ENOMEM, "eigenvalues of V [%td,%td]", d, d);
    left = work + square;
    right = left + square;
    re = right + square;
    im = re + d;
    memcpy(work, V, square * sizeof *V);
    EG_TRY(egi_lapack_enter(&lapack, err));
    failed = lapack->dgeev(LAPACK_ROW_MAJOR, 'V', 'V', (int)d, work, (int)d, re,
                           im, left, (int)d, right, (int)d);
    egi_lapack_leave();
    if (failed) {
        st = egi_lapack_fail(failed, "eigenvalues of V", d, d, err);
        goto done;
    }
    top = leading(re, im, d);
    *e = (eg_flow_eigen){.value = re[top], .second = 0};
    for (eg_index k = 0; k < d; k++) {
        double modulus = hypot(re[k], im[k]);

        e->positive += re[k] > 0;
        if (k != top && modulus > e->second) e->second = modulus;
    }
    if (im[top] != 0) {
        st = EG_FAIL(err, EG_EINVAL,
                     "V: expected a real leading eigenvalue, found %g%+gi",
                     re[top], im[top]);
        goto done;
    }
    if (!normalise(l, r, left, right, top, d))
        st = EG_FAIL(err, EG_EINVAL,
                     "V: its leading eigenvalue %g has no left eigenvector "
                     "beside the right one (defective)",
                     re[top]);
done:
    eg_free(work);
    return st;
}

eg_status eg_flow_candidates(double *gap, const double *x, eg_index n,
                             eg_index d, const double *B, const bool *is_vertex,
                             eg_err *err)
{
    double *y = eg_calloc((size_t)(n * d), sizeof *y); /* B x */

    if (!y) return EG_FAIL(err, EG_ENOMEM, "candidates among %td tokens", n);
    for (eg_index i = 0; i < n; i++)
        for (eg_index a = 0; a < d; a++) {
            y[i * d + a] = B ? 0 : x[i * d + a];
            for (eg_index b = 0; B && b < d; b++)
                y[i * d + a] += B[a * d + b] * x[i * d + b];
        }
    for (eg_index i = 0; i < n; i++) {
        double top = -INFINITY;

        for (eg_index j = 0; j < n; j++)
            if (is_vertex[j]) top = fmax(top, dot(x + i * d, y + j * d, d));
        gap[i] = top - dot(x + i * d, y + i * d, d);
    }
    eg_free(y);
    return EG_OK;
}
