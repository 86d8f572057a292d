/* Dense algebra on top of the float64 kernel table. */
#include "engram/kern.h"
#include "memory/dense.h"

#include <math.h>

void egi_fill_normal(double *x, eg_index n, double sd, eg_rng *rng)
{
    for (eg_index i = 0; i < n; i++) x[i] = sd * eg_rng_normal(rng);
}

void egi_fill_unit(double *x, eg_index n, eg_rng *rng)
{
    double norm;

    egi_fill_normal(x, n, 1, rng);
    norm = egi_norm(x, n);
    for (eg_index i = 0; i < n; i++) x[i] /= norm;
}

/* Columns and rows of a right operand at a time: what is packed of it fits
 * behind a caller that has no room to give. */
enum { PART_COLS = 32, PART_ROWS = 128 };

/* C[M, N] = A B, A(m, k) = a[m rs + k cs], B row-major. */
static void mul(double *c, const double *a, eg_index rs, eg_index cs,
                const double *b, eg_index M, eg_index N, eg_index K)
{
    const eg_kern_f64 *kern = eg_kern_pick_f64("auto");
    double work[PART_COLS * PART_ROWS];
    eg_index k = 0;

    EG_ASSERT(kern->pack_size(PART_ROWS, PART_COLS) <=
              (eg_index)PART_COLS * PART_ROWS);
    do { /* once at least: without rows of B, C is 0 */
        eg_index rows = K - k < PART_ROWS ? K - k : PART_ROWS;

        for (eg_index n = 0; n < N; n += PART_COLS) {
            eg_index cols = N - n < PART_COLS ? N - n : PART_COLS;
            kern->gemm(c + n, N, a + k * cs, rs, cs, b + k * N + n, N, 1, M,
                       cols, rows, 1, k > 0, work);
        }
        k += PART_ROWS;
    } while (k < K);
}

void egi_mul(double *c, const double *a, const double *b, eg_index M,
             eg_index N, eg_index K)
{
    mul(c, a, K, 1, b, M, N, K);
}

void egi_mul_nt(double *c, const double *a, const double *b, eg_index M,
                eg_index N, eg_index K)
{
    for (eg_index m = 0; m < M; m++)
        for (eg_index n = 0; n < N; n++)
            c[m * N + n] = egi_dot(a + m * K, b + n * K, K);
}

void egi_mul_tn(double *c, const double *a, const double *b, eg_index M,
                eg_index N, eg_index K)
{
    mul(c, a, 1, M, b, M, N, K);
}

double egi_dot(const double *x, const double *y, eg_index n)
{
    double s[8] = {0}, sum = 0; /* eight chains: the adds may overlap */
    eg_index i = 0;

    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++) s[j] += x[i + j] * y[i + j];
    for (; i < n; i++) sum += x[i] * y[i];
    for (int j = 0; j < 8; j++) sum += s[j];
    return sum;
}

double egi_norm(const double *x, eg_index n)
{
    return sqrt(egi_dot(x, x, n));
}

void egi_axpy(double *y, double a, const double *x, eg_index n)
{
    for (eg_index i = 0; i < n; i++) y[i] += a * x[i];
}

void egi_scale(double *x, double a, eg_index n)
{
    for (eg_index i = 0; i < n; i++) x[i] *= a;
}

double egi_softmax(double *p, const double *s, eg_index n)
{
    double top = s[egi_argmax(s, n)], sum = 0;

    EG_ASSERT(n >= 1);
    for (eg_index i = 0; i < n; i++) {
        p[i] = exp(s[i] - top);
        sum += p[i];
    }
    for (eg_index i = 0; i < n; i++) p[i] /= sum;
    return top + log(sum);
}

eg_index egi_argmax(const double *x, eg_index n)
{
    eg_index best = 0;

    for (eg_index i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

void egi_orthonormalise(double *a, eg_index n, eg_index d)
{
    for (eg_index i = 0; i < n; i++) {
        double *row = a + i * d;

        for (int pass = 0; pass < 2; pass++)
            for (eg_index j = 0; j < i; j++)
                egi_axpy(row, -egi_dot(row, a + j * d, d), a + j * d, d);
        {
            double norm = egi_norm(row, d);

            for (eg_index k = 0; k < d; k++) row[k] /= norm;
        }
    }
}
