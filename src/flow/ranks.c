/* Ranks and entropies, by LAPACK. */
#include "engram/flow.h"
#include "engram/mem.h"
#include "flow/gram.h"
#include "flow/lapack.h"

#include <float.h>
#include <math.h>
#include <string.h>

static eg_status check_finite(const char *what, const double *a, eg_index n,
                              eg_index m, eg_err *err)
{
    if (n < 0 || m < 0 || n > INT32_MAX || m > INT32_MAX)
        return EG_FAIL(err, EG_ESHAPE, "%s: [%td,%td] is too large", what, n,
                       m);
    for (eg_index i = 0; i < n * m; i++)
        if (!isfinite(a[i]))
            return EG_FAIL(err, EG_EINVAL,
                           "%s: expected numbers, found %g at [%td,%td]", what,
                           a[i], i / m, i % m);
    return EG_OK;
}

/* 1, or what keeps squares of x in the range of a double. */
static double scale_of(const double *x, eg_index size)
{
    double top = 0;

    for (eg_index i = 0; i < size; i++) top = fmax(top, fabs(x[i]));
    return top > 1e100 || (top > 0 && top < 1e-100) ? 1 / top : 1;
}

/* G = x x^T [n, n] or x^T x [d, d], the smaller one, lower triangle: both have
 * the squares of the singular values of x. Here of c x. */
static void small_gram(double *G, const double *x, double c, eg_index n,
                       eg_index d)
{
    if (n <= d) {
        for (eg_index i = 0; i < n; i++)
            for (eg_index j = 0; j <= i; j++) {
                double sum = 0;

                for (eg_index k = 0; k < d; k++)
                    sum += c * x[i * d + k] * (c * x[j * d + k]);
                G[i * n + j] = sum;
            }
        return;
    }
    for (eg_index i = 0; i < n; i++)
        for (eg_index a = 0; a < d; a++)
            for (eg_index b = 0; b <= a; b++)
                G[a * d + b] += c * x[i * d + a] * (c * x[i * d + b]);
}

eg_status eg_flow_effective_ranks(eg_flow_ranks *out, const double *x,
                                  eg_index n, eg_index d, eg_err *err)
{
    eg_index m = n < d ? n : d;
    double *G = NULL, *value = NULL, trace = 0, squares = 0, entropy = 0;
    double c = 1;
    const egi_lapack *lapack;
    int failed;
    eg_status st = check_finite("tokens", x, n, d, err);

    *out = (eg_flow_ranks){NAN, NAN, 0};
    if (st != EG_OK) return st;
    G = eg_calloc((size_t)m * (size_t)m, sizeof *G);
    value = eg_calloc((size_t)m, sizeof *value);
    if (!G || !value) {
        st = EG_FAIL(err, EG_ENOMEM, "Gram matrix [%td,%td]", m, m);
        goto done;
    }
    c = scale_of(x, n * d);
    small_gram(G, x, c, n, d);
    EG_TRY(egi_lapack_enter(&lapack, err));
    failed =
        lapack->dsyev(LAPACK_ROW_MAJOR, 'N', 'L', (int)m, G, (int)m, value);
    egi_lapack_leave();
    if (failed) {
        st = egi_lapack_fail(failed, "eigenvalues of a Gram matrix", m, m, err);
        goto done;
    }
    for (eg_index k = 0; k < m; k++) {
        trace += value[k];
        squares += value[k] * value[k];
        out->above += value[k] > 1e-3 * c * c;
    }
    for (eg_index k = 0; k < m; k++)
        if (value[k] > 0) entropy -= value[k] / trace * log(value[k] / trace);
    if (trace > 0) {
        out->entropy = exp(entropy);
        out->participation = trace * trace / squares;
    }
done:
    eg_free(G);
    eg_free(value);
    return st;
}

/* Singular values of A [n, m], descending, s [min(n, m)]; A is used up. */
static eg_status singular_values(double *s, double *A, eg_index n, eg_index m,
                                 eg_err *err)
{
    const egi_lapack *lapack;
    eg_status st = egi_lapack_enter(&lapack, err);
    int failed;

    if (st != EG_OK) return st;
    /* read by columns this is the transpose, which has the same ones */
    failed = lapack->dgesdd(LAPACK_COL_MAJOR, 'N', (int)m, (int)n, A, (int)m, s,
                            NULL, 1, NULL, 1);
    egi_lapack_leave();
    return failed ? egi_lapack_fail(failed, "singular values", n, m, err)
                  : EG_OK;
}

eg_status eg_flow_numerical_rank(eg_index *rank, const double *A, eg_index n,
                                 eg_index m, eg_err *err)
{
    eg_index least = n < m ? n : m, most = n < m ? m : n;
    double *copy = NULL, *s = NULL;
    eg_status st = check_finite("matrix", A, n, m, err);

    *rank = 0;
    if (st != EG_OK || least == 0) return st;
    copy = eg_calloc((size_t)(n * m), sizeof *copy);
    s = eg_calloc((size_t)least, sizeof *s);
    if (!copy || !s) {
        st = EG_FAIL(err, EG_ENOMEM, "rank of [%td,%td]", n, m);
        goto done;
    }
    memcpy(copy, A, (size_t)(n * m) * sizeof *A);
    EG_TRY(singular_values(s, copy, n, m, err));
    for (eg_index k = 0; k < least; k++)
        *rank += s[k] > (double)most * DBL_EPSILON * s[0];
done:
    eg_free(copy);
    eg_free(s);
    return st;
}

double eg_flow_row_entropy(const double *A, eg_index n)
{
    egi_sum sum = {0};

    for (eg_index i = 0; i < n * n; i++)
        if (A[i] != 0) egi_sum_add(&sum, -A[i] * log(A[i]));
    return egi_sum_value(&sum) / (double)n;
}
