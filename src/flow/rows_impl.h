/* A set of rows.h for one instruction set, VEC_LANES doubles a register. The
 * maximum of a row is found on the way: what was summed so far is scaled down
 * when it grows. */
#include <math.h>
#include <string.h>

#include "flow/rows.h"

enum { LANES = VEC_LANES, PAIR = 2 * LANES };
typedef double lanes __attribute__((vector_size(8 * LANES)));

static inline lanes load(const double *p)
{
    lanes v;

    memcpy(&v, p, sizeof v);
    return v;
}

static inline double add_lanes(lanes v)
{
    double s = 0;

    for (int i = 0; i < LANES; i++) s += v[i];
    return s;
}

/* exp(x) for x <= 0 within 1.5 ulp; 0 below -708 (and for -infinity). No
 * branches, so that loops over it vectorise. */
static inline double exp_down(double x)
{
    static const double log2e = 1.44269504088896340736;
    static const double ln2_hi = 6.93147180369123816490e-01;
    static const double ln2_lo = 1.90821492927058770002e-10;
    static const double round = 0x1.8p52;
    double y = x < -708 ? -708 : x;
    double shifted = y * log2e + round, k = shifted - round;
    double r = (y - k * ln2_hi) - k * ln2_lo;
    double p = 1.0 / 6227020800;
    uint64_t bits;
    double two_k;

    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r * r + r + 1;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    memcpy(&two_k, &bits, sizeof two_k);
    return x < -708 ? 0 : p * two_k;
}

/* s [EGI_ROWS, EGI_TILE] = <q_r, y_j>, j < width, of EGI_ROWS queries */
static inline void tile_scores(double *s, const double *q, const double *tile,
                               eg_index d, eg_index width)
{
    for (eg_index j = 0; j < width; j += PAIR) {
        lanes a[EGI_ROWS] = {{0}}, b[EGI_ROWS] = {{0}};

        for (eg_index k = 0; k < d; k++) {
            lanes x = load(tile + k * EGI_TILE + j);
            lanes y = load(tile + k * EGI_TILE + j + LANES);

#pragma GCC unroll 4
            for (int r = 0; r < EGI_ROWS; r++) {
                a[r] += q[r * d + k] * x;
                b[r] += q[r * d + k] * y;
            }
        }
#pragma GCC unroll 4
        for (int r = 0; r < EGI_ROWS; r++) {
            memcpy(s + (eg_index)r * EGI_TILE + j, &a[r], sizeof a[r]);
            memcpy(s + (eg_index)r * EGI_TILE + j + LANES, &b[r], sizeof b[r]);
        }
    }
}

/* Adds log masses; what lies beyond the limit gets weight 0. */
static inline void finish_scores(double *s, const double *log_mass,
                                 eg_index from, eg_index limit, eg_index width)
{
    eg_index valid = limit - from;

    if (valid > width) valid = width;
    if (log_mass)
        for (eg_index j = 0; j < valid; j++) s[j] += log_mass[from + j];
    for (eg_index j = valid < 0 ? 0 : valid; j < width; j++) s[j] = -HUGE_VAL;
}

static inline double highest(const double *s, eg_index width)
{
    double m[LANES], top;

    memcpy(m, s, sizeof m);
    for (eg_index j = LANES; j < width; j += LANES)
        for (int i = 0; i < LANES; i++)
            m[i] = s[j + i] > m[i] ? s[j + i] : m[i];
    top = m[0];
    for (int i = 1; i < LANES; i++) top = m[i] > top ? m[i] : top;
    return top;
}

static inline double exponentials(double *s, double peak, eg_index width)
{
    lanes z = {0};

    for (eg_index j = 0; j < width; j++) s[j] = exp_down(s[j] - peak);
    for (eg_index j = 0; j < width; j += LANES) z += load(s + j);
    return add_lanes(z);
}

/* sum [EGI_ROWS, d] += weights of the tile times its tokens */
static inline void add_weighted(double *sum, const double *weight,
                                const double *tile, eg_index d, eg_index width)
{
    for (eg_index k = 0; k < d; k++) {
        lanes a[EGI_ROWS] = {{0}};

        for (eg_index j = 0; j < width; j += LANES) {
            lanes x = load(tile + k * EGI_TILE + j);

#pragma GCC unroll 4
            for (int r = 0; r < EGI_ROWS; r++)
                a[r] += load(weight + (eg_index)r * EGI_TILE + j) * x;
        }
#pragma GCC unroll 4
        for (int r = 0; r < EGI_ROWS; r++) sum[r * d + k] += add_lanes(a[r]);
    }
}

/* Scores of a row become weights; what was summed before is scaled to their
 * peak. */
static inline void weigh(double *s, double *sum, double *z, double *peak,
                         eg_index d, eg_index width)
{
    double top = highest(s, width);

    if (top > *peak) {
        double shrink = exp(*peak - top);

        *z *= shrink;
        for (eg_index k = 0; k < d; k++) sum[k] *= shrink;
        *peak = top;
    }
    /* nothing of weight so far: all scores are -infinity */
    if (isinf(*peak))
        memset(s, 0, (size_t)width * sizeof *s);
    else
        *z += exponentials(s, *peak, width);
}

/* Tokens of a tile, to whole pairs of registers. */
static inline eg_index width_of(eg_index count)
{
    count = (count + PAIR - 1) / PAIR * PAIR;
    return count < EGI_TILE ? count : EGI_TILE;
}

static void rows_sum(double *sum, double *z, double *peak, const double *q,
                     const eg_index *limit, const egi_keys *keys,
                     double *scores)
{
    eg_index d = keys->d, last = 0;

    for (int r = 0; r < EGI_ROWS; r++) {
        peak[r] = -HUGE_VAL;
        z[r] = 0;
        if (limit[r] > last) last = limit[r];
    }
    memset(sum, 0, (size_t)(EGI_ROWS * d) * sizeof *sum);
    for (eg_index from = 0; from < last; from += EGI_TILE) {
        const double *tile = keys->tiles + from * d;
        eg_index width = width_of(last - from);

        tile_scores(scores, q, tile, d, width);
        for (int r = 0; r < EGI_ROWS; r++) {
            double *s = scores + (eg_index)r * EGI_TILE;

            finish_scores(s, keys->log_mass, from, limit[r], width);
            weigh(s, sum + r * d, &z[r], &peak[r], d, width);
        }
        add_weighted(sum, scores, tile, d, width);
    }
}

static void rows_apply(double *out, const double *x, const double *M,
                       eg_index d)
{
    eg_index j = 0;

    for (; j + PAIR <= d; j += PAIR) {
        lanes a[EGI_ROWS] = {{0}}, b[EGI_ROWS] = {{0}};

        for (eg_index k = 0; k < d; k++) {
            lanes m = load(M + k * d + j), n = load(M + k * d + j + LANES);

#pragma GCC unroll 4
            for (int r = 0; r < EGI_ROWS; r++) {
                a[r] += x[r * d + k] * m;
                b[r] += x[r * d + k] * n;
            }
        }
#pragma GCC unroll 4
        for (int r = 0; r < EGI_ROWS; r++) {
            memcpy(out + r * d + j, &a[r], sizeof a[r]);
            memcpy(out + r * d + j + LANES, &b[r], sizeof b[r]);
        }
    }
    for (; j < d; j++) {
        double a[EGI_ROWS] = {0};

        for (eg_index k = 0; k < d; k++)
            for (int r = 0; r < EGI_ROWS; r++)
                a[r] += x[r * d + k] * M[k * d + j];
        for (int r = 0; r < EGI_ROWS; r++) out[r * d + j] = a[r];
    }
}
