/* Small dense matrices: products and the exponential. */
#include <math.h>
#include <string.h>

#include "flow/matrices.h"

void egi_mat_mul(double *C, const double *A, const double *B, eg_index n)
{
    memset(C, 0, (size_t)(n * n) * sizeof *C);
    for (eg_index i = 0; i < n; i++)
        for (eg_index k = 0; k < n; k++) {
            double a = A[i * n + k];

            for (eg_index j = 0; j < n; j++) C[i * n + j] += a * B[k * n + j];
        }
}

void egi_mat_mul_tn(double *C, const double *A, const double *B, eg_index n)
{
    memset(C, 0, (size_t)(n * n) * sizeof *C);
    for (eg_index k = 0; k < n; k++)
        for (eg_index i = 0; i < n; i++) {
            double a = A[k * n + i];

            for (eg_index j = 0; j < n; j++) C[i * n + j] += a * B[k * n + j];
        }
}

void egi_mat_transpose(double *C, const double *A, eg_index n)
{
    for (eg_index i = 0; i < n; i++)
        for (eg_index j = 0; j < n; j++) C[j * n + i] = A[i * n + j];
}

void egi_mat_apply(double *y, const double *A, const double *x, eg_index n,
                   eg_index m)
{
    for (eg_index i = 0; i < n; i++) {
        double s = 0;

        for (eg_index j = 0; j < m; j++) s += A[i * m + j] * x[j];
        y[i] = s;
    }
}

bool egi_mat_is_scalar(const double *A, eg_index n, double *c)
{
    for (eg_index i = 0; i < n; i++)
        for (eg_index j = 0; j < n; j++) {
            double expect = i == j ? A[0] : 0;

            if (A[i * n + j] != expect) return false;
        }
    *c = A[0];
    return true;
}

double egi_mat_norm1(const double *A, eg_index n)
{
    double norm = 0;

    for (eg_index j = 0; j < n; j++) {
        double s = 0;

        for (eg_index i = 0; i < n; i++) s += fabs(A[i * n + j]);
        if (!(s <= norm)) norm = s; /* NaN shows */
    }
    return norm;
}

/* X = A^-1 B by elimination with row pivoting; A and B [n, n] are used up, X
 * is B. */
static void solve(double *A, double *B, eg_index n)
{
    for (eg_index k = 0; k < n; k++) {
        eg_index p = k;

        for (eg_index i = k + 1; i < n; i++)
            if (fabs(A[i * n + k]) > fabs(A[p * n + k])) p = i;
        for (eg_index j = 0; j < n && p != k; j++) {
            double a = A[k * n + j], b = B[k * n + j];

            A[k * n + j] = A[p * n + j];
            B[k * n + j] = B[p * n + j];
            A[p * n + j] = a;
            B[p * n + j] = b;
        }
        for (eg_index i = k + 1; i < n; i++) {
            double f = A[i * n + k] / A[k * n + k];

            for (eg_index j = k + 1; j < n; j++)
                A[i * n + j] -= f * A[k * n + j];
            for (eg_index j = 0; j < n; j++) B[i * n + j] -= f * B[k * n + j];
        }
    }
    for (eg_index k = n; k-- > 0;) {
        for (eg_index i = k + 1; i < n; i++) {
            double f = A[k * n + i];

            for (eg_index j = 0; j < n; j++) B[k * n + j] -= f * B[i * n + j];
        }
        for (eg_index j = 0; j < n; j++) B[k * n + j] /= A[k * n + k];
    }
}

eg_index egi_expm_work(eg_index n)
{
    return 6 * n * n;
}

/* out = a X + b Y + c Z (+ out), and d on the diagonal */
static void combine(double *out, bool add, double a, const double *X, double b,
                    const double *Y, double c, const double *Z, double d,
                    eg_index n)
{
    for (eg_index i = 0; i < n * n; i++) {
        double s = a * X[i] + b * Y[i] + c * Z[i];

        out[i] = add ? out[i] + s : s;
    }
    for (eg_index i = 0; i < n; i++) out[i * n + i] += d;
}

/* Numerator and denominator of the approximant: N = U + V, D = V - U, with U
 * the odd powers of M. */
static void pade13(double *E, double *M, eg_index n, double *work)
{
    static const double c[] = {64764752532480000.,
                               32382376266240000.,
                               7771770303897600.,
                               1187353796428800.,
                               129060195264000.,
                               10559470521600.,
                               670442572800.,
                               33522128640.,
                               1323241920.,
                               40840800.,
                               960960.,
                               16380.,
                               182.,
                               1.};
    eg_index nn = n * n;
    double *M2 = work, *M4 = work + nn, *M6 = work + 2 * nn;
    double *S = work + 3 * nn, *U = work + 4 * nn;

    egi_mat_mul(M2, M, M, n);
    egi_mat_mul(M4, M2, M2, n);
    egi_mat_mul(M6, M4, M2, n);
    combine(S, false, c[13], M6, c[11], M4, c[9], M2, 0, n);
    egi_mat_mul(U, M6, S, n);
    combine(U, true, c[7], M6, c[5], M4, c[3], M2, c[1], n);
    memcpy(S, U, (size_t)nn * sizeof *S);
    egi_mat_mul(U, M, S, n);
    combine(S, false, c[12], M6, c[10], M4, c[8], M2, 0, n);
    egi_mat_mul(E, M6, S, n);
    combine(E, true, c[6], M6, c[4], M4, c[2], M2, c[0], n);
    for (eg_index i = 0; i < nn; i++) {
        S[i] = E[i] - U[i];
        E[i] += U[i];
    }
    solve(S, E, n);
}

void egi_expm(double *E, const double *A, double t, eg_index n, double *work)
{
    static const double theta = 5.371920351148152; /* of degree 13 */
    double *M = work + 5 * n * n;
    double norm = fabs(t) * egi_mat_norm1(A, n);
    int squarings = 0;

    if (!(norm < 1e6)) { /* hopeless: say so rather than square for ever */
        for (eg_index i = 0; i < n * n; i++) E[i] = INFINITY;
        return;
    }
    if (norm > theta) squarings = (int)ceil(log2(norm / theta));
    for (eg_index i = 0; i < n * n; i++) M[i] = ldexp(t * A[i], -squarings);
    pade13(E, M, n, work);
    for (int s = 0; s < squarings; s++) {
        egi_mat_mul(M, E, E, n);
        memcpy(E, M, (size_t)(n * n) * sizeof *E);
    }
}
