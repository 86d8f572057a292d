/* Scores, exponentials and weighted sums, tile by tile. The maximum of a row
 * is found on the way: what was summed so far is scaled down when it grows. */
#include <math.h>
#include <string.h>

#include "flow/rows.h"

enum { LANES = 8 };
typedef double lanes __attribute__((vector_size(8 * LANES), aligned(8)));

static lanes load(const double *p)
{
    lanes v;

    memcpy(&v, p, sizeof v);
    return v;
}

static double add_lanes(lanes v)
{
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/* exp(x) for x <= 0 within 1.5 ulp; 0 below -708 (and for -infinity). No
 * branches, so that loops over it vectorise. */
static double exp_down(double x)
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

/* s [rows, EGI_TILE] = <q_r, y_j> over one tile */
static void tile_scores(double *s, const double *q, int rows,
                        const double *tile, eg_index d)
{
    for (int r = 0; r < rows; r++) {
        const double *qr = q + r * d;

        for (eg_index j = 0; j < EGI_TILE; j += 2 * LANES) {
            lanes a = {0}, b = {0};

            for (eg_index k = 0; k < d; k++) {
                a += qr[k] * load(tile + k * EGI_TILE + j);
                b += qr[k] * load(tile + k * EGI_TILE + j + LANES);
            }
            memcpy(s + r * EGI_TILE + j, &a, sizeof a);
            memcpy(s + r * EGI_TILE + j + LANES, &b, sizeof b);
        }
    }
}

/* Adds log masses; what lies beyond the limit gets weight 0. */
static void finish_scores(double *s, const double *log_mass, eg_index from,
                          eg_index limit)
{
    eg_index valid = limit - from;

    if (valid > EGI_TILE) valid = EGI_TILE;
    if (log_mass)
        for (eg_index j = 0; j < valid; j++) s[j] += log_mass[from + j];
    for (eg_index j = valid < 0 ? 0 : valid; j < EGI_TILE; j++)
        s[j] = -HUGE_VAL;
}

static double highest(const double *s)
{
    double m = s[0];

    for (eg_index j = 1; j < EGI_TILE; j++) m = s[j] > m ? s[j] : m;
    return m;
}

static double exponentials(double *s, double peak)
{
    lanes z = {0};

    for (eg_index j = 0; j < EGI_TILE; j++) s[j] = exp_down(s[j] - peak);
    for (eg_index j = 0; j < EGI_TILE; j += LANES) z += load(s + j);
    return add_lanes(z);
}

static void add_weighted(double *sum, const double *weight, const double *tile,
                         eg_index d)
{
    for (eg_index k = 0; k < d; k++) {
        lanes a = {0};

        for (eg_index j = 0; j < EGI_TILE; j += LANES)
            a += load(weight + j) * load(tile + k * EGI_TILE + j);
        sum[k] += add_lanes(a);
    }
}

void egi_rows_sum(double *sum, double *z, double *peak, const double *q,
                  const eg_index *limit, int rows, const egi_keys *keys,
                  double *scores)
{
    eg_index d = keys->d, last = 0;

    for (int r = 0; r < rows; r++) {
        peak[r] = -HUGE_VAL;
        z[r] = 0;
        if (limit[r] > last) last = limit[r];
    }
    memset(sum, 0, (size_t)(rows * d) * sizeof *sum);
    for (eg_index from = 0; from < last; from += EGI_TILE) {
        const double *tile = keys->tiles + from * d;

        tile_scores(scores, q, rows, tile, d);
        for (int r = 0; r < rows; r++) {
            double *s = scores + (eg_index)r * EGI_TILE, top;

            finish_scores(s, keys->log_mass, from, limit[r]);
            top = highest(s);
            if (isinf(top)) continue; /* nothing of weight here */
            if (top > peak[r]) {
                double shrink = exp(peak[r] - top);

                z[r] *= shrink;
                for (eg_index k = 0; k < d; k++) sum[r * d + k] *= shrink;
                peak[r] = top;
            }
            z[r] += exponentials(s, peak[r]);
            add_weighted(sum + r * d, s, tile, d);
        }
    }
}

void egi_rows_scores(double *s, const double *q, eg_index limit,
                     const egi_keys *keys)
{
    double tile[EGI_TILE];

    for (eg_index from = 0; from < limit; from += EGI_TILE) {
        eg_index valid = limit - from < EGI_TILE ? limit - from : EGI_TILE;

        tile_scores(tile, q, 1, keys->tiles + from * keys->d, keys->d);
        finish_scores(tile, keys->log_mass, from, limit);
        memcpy(s + from, tile, (size_t)valid * sizeof *s);
    }
}
