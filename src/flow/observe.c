/* Energies, order parameter and statistics of inner products. Sums over pairs
 * visit i < j and count them twice; the diagonal is added by itself. */
#include "engram/flow.h"
#include "engram/mem.h"
#include "flow/gram.h"
#include "flow/observe_priv.h"
#include "flow/sums.h"

#include <math.h>
#include <string.h>

/* Above this many tokens sums over all pairs are left to the fast ones. */
enum { MANY = 2000 };

typedef struct energy {
    double beta, shift; /* exp(beta <x,y> - shift) */
    const double *mass;
    egi_sum pairs;
} energy;

static void see_energy(void *ctx, egi_gram_tile *t)
{
    energy *e = ctx;
    double sum = 0;

    for (int r = 0; r < t->rows; r++) {
        double row = 0;

        for (int c = egi_tile_from(t, r); c < t->columns; c++) {
            double v = exp(e->beta * t->g[r][c] - e->shift);

            row += e->mass ? e->mass[t->j0 + c] * v : v;
        }
        sum += e->mass ? e->mass[t->i0 + r] * row : row;
    }
    egi_sum_add(&e->pairs, sum);
}

/* sum_ij m_i m_j exp(beta <x_i,x_j> - shift) / (sum m)^2, directly. */
static double mean_direct(const double *x, eg_index n, eg_index d, double beta,
                          double shift, const double *mass)
{
    energy e = {.beta = beta, .shift = shift, .mass = mass};
    egi_sum diagonal = {0}, total = {0};

    egi_gram_tiles(x, n, d, see_energy, &e);
    for (eg_index i = 0; i < n; i++) {
        double m = mass ? mass[i] : 1, square = 0;

        for (eg_index k = 0; k < d; k++) square += x[i * d + k] * x[i * d + k];
        egi_sum_add(&diagonal, m * m * exp(beta * square - shift));
        egi_sum_add(&total, m);
    }
    return (2 * egi_sum_value(&e.pairs) + egi_sum_value(&diagonal)) /
           (egi_sum_value(&total) * egi_sum_value(&total));
}

/* The same with shift beta by the sums of sums.h: series for d = 2 and 3 where
 * they are cheaper. False when these do not apply; with beta < 0 clusters have
 * small energies, which a series would lose. */
static bool mean_fast(double *mean, const double *x, eg_index n, eg_index d,
                      double beta, const double *mass)
{
    egi_sums_plan plan;
    egi_sums *sums = NULL;
    double *S = NULL;
    bool done = false;

    if (n <= MANY || d < 2 || beta <= 0 ||
        egi_sums_choose(&plan, EG_FLOW_SUM_AUTO, n, d, beta, EG_FLOW_USA, 0,
                        1e-13, NULL) != EG_OK)
        return false;
    S = eg_calloc((size_t)(n * (d + 1)), sizeof *S);
    if (S && egi_sums_new(&sums, &plan, n, d, beta, 0, NULL, NULL) == EG_OK) {
        egi_sum weighted = {0}, total = {0};

        egi_sums_eval(sums, S, S + n, x, mass, n);
        for (eg_index i = 0; i < n; i++) {
            double m = mass ? mass[i] : 1;

            egi_sum_add(&weighted, m * S[i]);
            egi_sum_add(&total, m);
        }
        *mean = egi_sum_value(&weighted) / egi_sum_value(&total) /
                egi_sum_value(&total);
        done = true;
    }
    egi_sums_free(sums);
    eg_free(S);
    return done;
}

static double half_square_of_mean(const double *x, eg_index n, eg_index d,
                                  const double *mass)
{
    double sum = 0;
    egi_sum total = {0};

    for (eg_index i = 0; i < n; i++) egi_sum_add(&total, mass ? mass[i] : 1);
    for (eg_index k = 0; k < d; k++) {
        egi_sum s = {0};

        for (eg_index i = 0; i < n; i++)
            egi_sum_add(&s, (mass ? mass[i] : 1) * x[i * d + k]);
        sum += egi_sum_value(&s) * egi_sum_value(&s);
    }
    return sum / (2 * egi_sum_value(&total) * egi_sum_value(&total));
}

double eg_flow_energy(const double *x, eg_index n, eg_index d, double beta,
                      const double *mass)
{
    /* exp(beta) overflows from 709.8 on. Below, terms are shifted so that
     * none does; beyond, the sum is, and the factor joins it last. A negative
     * beta has its largest terms anywhere: nothing is shifted. */
    double shift = beta > 0 ? beta : 0, mean;

    if (beta == 0) return half_square_of_mean(x, n, d, mass);
    if (!mean_fast(&mean, x, n, d, beta, mass))
        mean = mean_direct(x, n, d, beta, shift, mass);
    mean /= 2 * beta;
    if (shift < 700) return mean * exp(shift);
    return copysign(exp(shift + log(fabs(mean))), mean);
}

double eg_flow_energy_shifted(const double *x, eg_index n, eg_index d,
                              double beta)
{
    double mean;

    if (mean_fast(&mean, x, n, d, beta, NULL)) return mean;
    return mean_direct(x, n, d, beta, beta, NULL);
}

double eg_flow_order(const double *x, eg_index n, eg_index d)
{
    return sqrt(2 * half_square_of_mean(x, n, d, NULL));
}

typedef struct pairs {
    egi_sum sum;
    double min, max, above; /* above: 1 - delta */
    int64_t together;
    int64_t *counts;
    eg_index bins;
} pairs;

static void see_pairs(void *ctx, egi_gram_tile *t)
{
    pairs *p = ctx;
    double sum = 0;

    for (int r = 0; r < t->rows; r++)
        for (int c = egi_tile_from(t, r); c < t->columns; c++) {
            double g = t->g[r][c];

            sum += g;
            p->min = g < p->min ? g : p->min;
            p->max = g > p->max ? g : p->max;
            p->together += g > p->above;
        }
    egi_sum_add(&p->sum, sum);
    for (int r = 0; p->counts && r < t->rows; r++)
        for (int c = egi_tile_from(t, r); c < t->columns; c++) {
            double at = (t->g[r][c] + 1) / 2 * (double)p->bins;

            if (isnan(at)) continue;
            at = fmin(fmax(at, 0), (double)p->bins - 1);
            p->counts[(eg_index)at]++;
        }
}

void eg_flow_pair_stats(eg_flow_pairs *out, const double *x, eg_index n,
                        eg_index d, double delta, int64_t *counts,
                        eg_index bins)
{
    pairs p = {.min = INFINITY,
               .max = -INFINITY,
               .above = 1 - delta,
               .counts = bins > 0 ? counts : NULL,
               .bins = bins};
    double n_pairs = (double)n * (double)(n - 1) / 2;

    if (p.counts) memset(counts, 0, (size_t)bins * sizeof *counts);
    *out = (eg_flow_pairs){NAN, NAN, NAN, NAN};
    if (n < 2) return;
    if (d == 2 && n > MANY &&
        egi_circle_pairs(out, x, n, delta, p.counts, bins))
        return;
    egi_gram_tiles(x, n, d, see_pairs, &p);
    out->mean = egi_sum_value(&p.sum) / n_pairs;
    out->min = p.min;
    out->max = p.max;
    out->density = (double)p.together / n_pairs;
}
