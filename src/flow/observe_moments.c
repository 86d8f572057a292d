/* Moments of the inner products: powers, Gegenbauer polynomials, Fourier
 * coefficients; and the norms of a field. */
#include "engram/flow.h"
#include "base/cmplx.h"
#include "flow/gram.h"

#include <math.h>

enum { BLOCK = 256, GROUP = 32 }; /* tokens and powers taken at a time */

typedef struct powers {
    double *m;
    eg_index K;
} powers;

static void see_powers(void *ctx, egi_gram_tile *t)
{
    powers *p = ctx;
    double power[EGI_GRAM_TILE];

    for (int r = 0; r < t->rows; r++) {
        int from = egi_tile_from(t, r);
        const double *g = t->g[r];

        for (int c = from; c < t->columns; c++) power[c] = 1;
        for (eg_index k = 0; k < p->K; k++) {
            double sum = 0;

            for (int c = from; c < t->columns; c++) {
                power[c] *= g[c];
                sum += power[c];
            }
            p->m[k] += sum;
        }
    }
}

void eg_flow_moments(double *m, eg_index K, const double *x, eg_index n,
                     eg_index d)
{
    powers p = {m, K};

    for (eg_index k = 0; k < K; k++) m[k] = 0;
    egi_gram_tiles(x, n, d, see_powers, &p);
    for (eg_index k = 0; k < K; k++) m[k] *= 2;
    for (eg_index i = 0; i < n; i++) {
        double square = 0, power = 1;

        for (eg_index k = 0; k < d; k++) square += x[i * d + k] * x[i * d + k];
        for (eg_index k = 0; k < K; k++) m[k] += power *= square;
    }
    for (eg_index k = 0; k < K; k++) m[k] /= (double)n * (double)n;
}

typedef struct zonal {
    double *Q;
    eg_index L, d;
} zonal;

/* P_l = C_l / C_l(1) by
 *     (l + d - 3) P_l = (2 l + d - 4) g P_{l-1} - (l - 1) P_{l-2}. */
static void see_zonal(void *ctx, egi_gram_tile *t)
{
    zonal *z = ctx;
    double last[EGI_GRAM_TILE], now[EGI_GRAM_TILE];

    for (int r = 0; r < t->rows; r++) {
        int from = egi_tile_from(t, r);
        double *g = t->g[r];

        for (int c = from; c < t->columns; c++) {
            g[c] = fmin(fmax(g[c], -1), 1);
            last[c] = 0;
            now[c] = 1;
        }
        for (eg_index l = 1; l <= z->L; l++) {
            double scale = l > 1 ? (double)(l + z->d - 3) : 1;
            double a = l > 1 ? (double)(2 * l + z->d - 4) / scale : 1;
            double b = l > 1 ? (double)(l - 1) / scale : 0, sum = 0;

            for (int c = from; c < t->columns; c++) {
                double next = a * g[c] * now[c] - b * last[c];

                last[c] = now[c];
                now[c] = next;
                sum += next;
            }
            z->Q[l - 1] += sum;
        }
    }
}

void eg_flow_design_moments(double *Q, eg_index L, const double *x, eg_index n,
                            eg_index d)
{
    zonal z = {Q, L, d};

    EG_ASSERT(d >= 2);
    if (d == 2) { /* P_l(cos u) = cos(l u) */
        eg_flow_structure(Q, L, x, n);
        return;
    }
    for (eg_index l = 0; l < L; l++) Q[l] = 0;
    egi_gram_tiles(x, n, d, see_zonal, &z);
    for (eg_index l = 0; l < L; l++)
        Q[l] = (2 * Q[l] + (double)n) / ((double)n * (double)n);
}

/* z^k by squaring. */
static double complex power(double complex z, eg_index k)
{
    double complex p = 1;

    for (; k > 0; k /= 2, z *= z)
        if (k % 2) p *= z;
    return p;
}

/* Sums of z^k, k = k0 + 1..k0 + m, over all tokens z = x + i y. */
static void sum_powers(double *re, double *im, eg_index k0, int m,
                       const double *x, eg_index n)
{
    double a[BLOCK], b[BLOCK];

    for (int k = 0; k < m; k++) re[k] = im[k] = 0;
    for (eg_index i0 = 0; i0 < n; i0 += BLOCK) {
        eg_index tokens = n - i0 < BLOCK ? n - i0 : BLOCK;
        const double *y = x + 2 * i0;

        for (eg_index i = 0; i < tokens; i++) {
            double complex z = power(CMPLX(y[2 * i], y[2 * i + 1]), k0);

            a[i] = creal(z);
            b[i] = cimag(z);
        }
        for (int k = 0; k < m; k++) {
            double sum_re = 0, sum_im = 0;

            for (eg_index i = 0; i < tokens; i++) {
                double next = a[i] * y[2 * i] - b[i] * y[2 * i + 1];

                b[i] = a[i] * y[2 * i + 1] + b[i] * y[2 * i];
                a[i] = next;
                sum_re += next;
                sum_im += b[i];
            }
            re[k] += sum_re;
            im[k] += sum_im;
        }
    }
}

void eg_flow_structure(double *s, eg_index K, const double *x, eg_index n)
{
    double re[GROUP], im[GROUP];

    for (eg_index k0 = 0; k0 < K; k0 += GROUP) {
        int m = K - k0 < GROUP ? (int)(K - k0) : GROUP;

        sum_powers(re, im, k0, m, x, n);
        for (int k = 0; k < m; k++) {
            re[k] /= (double)n;
            im[k] /= (double)n;
            s[k0 + k] = re[k] * re[k] + im[k] * im[k];
        }
    }
}

eg_flow_speeds eg_flow_field_norms(const double *dx, eg_index n, eg_index d)
{
    eg_flow_speeds s = {0};
    egi_sum squares = {0};

    for (eg_index i = 0; i < n; i++) {
        double square = 0;

        for (eg_index k = 0; k < d; k++)
            square += dx[i * d + k] * dx[i * d + k];
        if (!(square <= s.max)) s.max = square; /* a NaN stays */
        egi_sum_add(&squares, square);
    }
    s.max = sqrt(s.max);
    s.rms = sqrt(egi_sum_value(&squares) / (double)n);
    s.gradient = s.rms / sqrt((double)n);
    return s;
}

double eg_flow_bin_width(const int64_t *counts, eg_index bins)
{
    double total = 0, below = 0, quartile[2] = {0};
    int found = 0;

    for (eg_index b = 0; b < bins; b++) total += (double)counts[b];
    for (eg_index b = 0; b < bins && total > 0; b++) {
        double here = (double)counts[b];

        for (; found < 2 && below + here >= total * (0.25 + 0.5 * found);
             found++) {
            double part =
                here > 0 ? (total * (0.25 + 0.5 * found) - below) / here : 0;

            quartile[found] = ((double)b + part) * 2 / (double)bins;
        }
        below += here;
    }
    return total > 0 ? 2 * (quartile[1] - quartile[0]) / cbrt(total) : 0;
}
