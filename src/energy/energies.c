/* Energies of stored patterns, their gradients and updates. The sweep of the
 * kinds with signs is in signs.c. */
#include "energy/energies.h"

#include <math.h>
#include <string.h>

#include "memory/dense.h"

bool eg_energy_signs(eg_energy_kind kind)
{
    return kind >= EG_ENERGY_HOPFIELD;
}

static eg_status check_pattern(const eg_energy *e, eg_err *err)
{
    for (eg_index i = 0; i < e->d * e->n; i++) {
        double v = e->pattern[i];

        if (!isfinite(v))
            return EG_FAIL(err, EG_EINVAL,
                           "pattern %td, entry %td: expected a finite number",
                           i / e->n + 1, i % e->n + 1);
        if (eg_energy_signs(e->kind) && fabs(v) != 1)
            return EG_FAIL(err, EG_EINVAL,
                           "pattern %td, entry %td: expected -1 or 1, found %g",
                           i / e->n + 1, i % e->n + 1, v);
    }
    return EG_OK;
}

eg_status eg_energy_init(eg_energy *e, eg_energy_kind kind,
                         const double *pattern, eg_index d, eg_index n,
                         double beta, int power, eg_err *err)
{
    bool has_beta = kind == EG_ENERGY_DISTANCE || kind == EG_ENERGY_MCHN;
    eg_status st;

    *e = (eg_energy){.kind = kind,
                     .pattern = pattern,
                     .d = d,
                     .n = n,
                     .beta = has_beta ? beta : 1,
                     .power = power};
    if (d < 1 || n < 1)
        return EG_FAIL(err, EG_EINVAL,
                       "expected a pattern of an entry at least, found %td of "
                       "%td",
                       d, n);
    if (has_beta && !(beta > 0 && isfinite(beta)))
        return EG_FAIL(err, EG_EINVAL,
                       "beta: expected a number above 0, found %g", beta);
    if (kind == EG_ENERGY_POLYNOMIAL && (power < 2 || power > 32))
        return EG_FAIL(err, EG_EINVAL,
                       "power: expected a number from 2 to 32, found %d",
                       power);
    st = check_pattern(e, err);
    for (eg_index i = 0; i < d && st == EG_OK; i++) {
        double square = egi_dot(pattern + i * n, pattern + i * n, n);

        if (square > e->xi2) e->xi2 = square;
    }
    return st;
}

double egi_square_distance(const double *x, const double *y, eg_index n)
{
    double sum = 0;

    for (eg_index i = 0; i < n; i++) sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sum;
}

/* s_i: beta times what a pattern's exponential has, or its dot product. */
static void scores(double *s, const eg_energy *e, const double *x)
{
    bool distance =
        e->kind == EG_ENERGY_NEAREST || e->kind == EG_ENERGY_DISTANCE;

    for (eg_index i = 0; i < e->d; i++) {
        const double *p = e->pattern + i * e->n;

        s[i] = distance ? -e->beta * egi_square_distance(x, p, e->n)
                        : e->beta * egi_dot(x, p, e->n);
    }
}

double egi_power(double z, int power)
{
    double y = 1;

    for (int k = 0; k < power; k++) y *= z;
    return y;
}

double eg_energy_at(const eg_energy *e, const double *x, double *work)
{
    double sum = 0, square = egi_dot(x, x, e->n);

    scores(work, e, x);
    switch (e->kind) {
    case EG_ENERGY_NEAREST:
        return -work[egi_argmax(work, e->d)];
    case EG_ENERGY_DISTANCE:
        return -egi_softmax(work, work, e->d) / e->beta;
    case EG_ENERGY_MCHN:
        return -egi_softmax(work, work, e->d) / e->beta + square / 2 +
               log((double)e->d) / e->beta + e->xi2 / 2;
    case EG_ENERGY_HOPFIELD: /* the diagonal of W is d / n */
        for (eg_index i = 0; i < e->d; i++) sum += work[i] * work[i];
        return -(sum - (double)e->d * square) / (2 * (double)e->n);
    case EG_ENERGY_POLYNOMIAL:
        for (eg_index i = 0; i < e->d; i++) sum += egi_power(work[i], e->power);
        return -sum;
    default:
        return -egi_softmax(work, work, e->d);
    }
}

/* y = sum_i w_i rho_i */
static void weigh(double *y, const eg_energy *e, const double *w)
{
    memset(y, 0, (size_t)e->n * sizeof *y);
    for (eg_index i = 0; i < e->d; i++)
        if (w[i] != 0) egi_axpy(y, w[i], e->pattern + i * e->n, e->n);
}

/* The scores become the weights of the update. */
static void weights(double *w, const eg_energy *e)
{
    if (e->kind == EG_ENERGY_NEAREST) {
        eg_index best = egi_argmax(w, e->d);

        memset(w, 0, (size_t)e->d * sizeof *w);
        w[best] = 1;
    } else {
        (void)egi_softmax(w, w, e->d);
    }
}

void eg_energy_gradient(double *g, const eg_energy *e, const double *x,
                        double *work)
{
    double n = (double)e->n, d = (double)e->d;

    scores(work, e, x);
    switch (e->kind) {
    case EG_ENERGY_NEAREST:
    case EG_ENERGY_DISTANCE:
        weights(work, e);
        weigh(g, e, work);
        for (eg_index j = 0; j < e->n; j++) g[j] = 2 * (x[j] - g[j]);
        break;
    case EG_ENERGY_MCHN:
        weights(work, e);
        weigh(g, e, work);
        for (eg_index j = 0; j < e->n; j++) g[j] = x[j] - g[j];
        break;
    case EG_ENERGY_HOPFIELD:
        weigh(g, e, work);
        for (eg_index j = 0; j < e->n; j++) g[j] = -(g[j] - d * x[j]) / n;
        break;
    case EG_ENERGY_POLYNOMIAL:
        for (eg_index i = 0; i < e->d; i++)
            work[i] = -e->power * egi_power(work[i], e->power - 1);
        weigh(g, e, work);
        break;
    default:
        weights(work, e);
        for (eg_index i = 0; i < e->d; i++) work[i] = -work[i];
        weigh(g, e, work);
    }
}

double eg_energy_step(const eg_energy *e, double *x, const unsigned char *held,
                      double *work)
{
    double *y = work + e->d, most = 0;

    if (eg_energy_signs(e->kind)) return egi_signs_sweep(e, x, held, work);
    scores(work, e, x);
    weights(work, e);
    weigh(y, e, work);
    for (eg_index j = 0; j < e->n; j++) {
        if (held && held[j]) continue;
        if (fabs(y[j] - x[j]) > most) most = fabs(y[j] - x[j]);
        x[j] = y[j];
    }
    return most;
}
