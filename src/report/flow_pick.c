/* What to look at in a flow: directions, moments, the kind of time axis. */

#include <math.h>
#include <string.h>
#include "report/flow_view.h"

enum { ITERATIONS = 200 };

const double *egi_flow_frame(const egi_flow *f, int frame)
{
    return f->x + (ptrdiff_t)frame * f->n_tokens * f->dim;
}

/* Mean distance that tokens go from a frame to the next. */
static double travelled(const egi_flow *f, int frame)
{
    const double *a = egi_flow_frame(f, frame),
                 *b = egi_flow_frame(f, frame + 1);
    double sum = 0;
    int n = 0;

    for (int i = 0; i < f->n_tokens; i++) {
        double s = 0;
        for (int k = 0; k < f->dim; k++, a++, b++) s += (*b - *a) * (*b - *a);
        if (!isfinite(s)) continue;
        sum += sqrt(s);
        n++;
    }
    return n ? sum / n : 0;
}

void egi_flow_moments(int *frame, int k, const egi_flow *f)
{
    double total = 0, so_far = 0;
    int at = 1, last = f->n_frames - 1;

    for (int q = 0; q < last; q++) total += travelled(f, q);
    frame[0] = 0;
    for (int q = 0; q < last && at < k - 1; q++) {
        so_far += travelled(f, q);
        while (at < k - 1 && so_far * (k - 1) >= total * at && total > 0)
            frame[at++] = q + 1;
    }
    while (at < k) frame[at++] = last;
}

int egi_flow_nearest(const egi_flow *f, double t)
{
    int best = 0;

    for (int q = 1; q < f->n_frames; q++)
        if (fabs(f->t[q] - t) < fabs(f->t[best] - t)) best = q;
    return best;
}

bool egi_flow_log(const egi_flow *f)
{
    int n = f->n_frames;

    return n > 8 && f->t[n - 1] > 0 && f->t[0] >= 0 &&
           f->t[n / 2] < 0.2 * f->t[n - 1];
}

static void normalise(double *v, eg_index d)
{
    double s = 0;

    for (eg_index k = 0; k < d; k++) s += v[k] * v[k];
    s = sqrt(s);
    for (eg_index k = 0; k < d && s > 0; k++) v[k] /= s;
}

/* v becomes a unit vector orthogonal to u (NULL: any); twice, since the first
 * time may leave nothing but rounding errors. */
static void clean(double *v, const double *u, eg_index d)
{
    for (int pass = 0; pass < 2; pass++) {
        double s = 0;

        for (eg_index k = 0; u && k < d; k++) s += v[k] * u[k];
        for (eg_index k = 0; u && k < d; k++) v[k] -= s * u[k];
        normalise(v, d);
    }
}

/* Power iteration on x^T x / n, orthogonal to `first` unless NULL; returns the
 * mean square along v. Rows that are not finite count for nothing. */
static double iterate(double *v, const double *first, const double *x,
                      eg_index n, eg_index d, double *work)
{
    double square = 0;

    for (eg_index k = 0; k < d; k++) v[k] = sin(1.0 + 1.7 * (double)k);
    for (int it = 0; it < ITERATIONS; it++) {
        double was = square;

        clean(v, first, d);
        for (eg_index i = 0; i < n; i++) {
            work[i] = 0;
            for (eg_index k = 0; k < d; k++) work[i] += x[i * d + k] * v[k];
            if (!isfinite(work[i])) work[i] = 0;
        }
        memset(v, 0, (size_t)d * sizeof *v);
        for (eg_index i = 0; i < n; i++)
            for (eg_index k = 0; k < d && work[i] != 0; k++)
                v[k] += work[i] * x[i * d + k] / (double)n;
        square = 0;
        for (eg_index i = 0; i < n; i++) square += work[i] * work[i];
        square /= (double)n;
        if (fabs(square - was) <= 1e-12 * square) break;
    }
    clean(v, first, d);
    return square;
}

double egi_principal(double *dir, const double *x, const double *other,
                     eg_index n, eg_index d, double *work)
{
    double one = iterate(dir, NULL, x, n, d, work), total = 0;
    double two = iterate(dir + d, dir, x, n, d, work);

    for (eg_index i = 0; i < n * d; i++)
        if (isfinite(x[i])) total += x[i] * x[i] / (double)n;
    if (two <= 1e-9 * one) {
        two = 0;
        (void)iterate(dir + d, dir, other, n, d, work);
    }
    return total > 0 ? fmin(1, (one + two) / total) : 0;
}
