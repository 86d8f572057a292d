/* What linear probes are fitted to. The solved target is what proposition 2 of
 * arXiv 2309.05858 preconditions its input with:
 *
 *     A = sum_{i<t} s_i s_i^T + ridge I,  x ~ A^-1 s_t
 *
 * by the six steps that its authors fitted (x_0 = u_0 = s_t, B = A / |A|_F):
 *
 *     u_j = u_{j-1} - a_j B u_{j-1},  x_j = x_{j-1} + u_j + b_j (x_{j-1} -
 * x_{j-2}),  x = x_6 / |A|_F
 */
#include <math.h>
#include <string.h>

#include "probe/linear.h"

#define RIDGE 0.001

/* Orthogonal systems, raw states. */
static const double alpha[] = {1.0292, 3.8551, 3.7469, 3.3828, 2.9882, 2.0934};
static const double beta[] = {0, .6402, .4798, .8144, 1.6680, 2.4196};

eg_index egi_linear_y_work(const egi_linear *p)
{
    return (eg_index)p->n * p->n + 4 * (eg_index)p->n;
}

static const double *state_at(const egi_linear *p, const eg_acts *acts, int t)
{
    return acts->inputs + (eg_index)t * p->n_in + p->state;
}

/* a [n, n] = ridge I + sum of s s^T before position t; returns its norm. */
static double gram(double *a, const egi_linear *p, const eg_acts *acts, int t)
{
    eg_index n = p->n;
    double size = 0;

    memset(a, 0, (size_t)(n * n) * sizeof *a);
    for (eg_index i = 0; i < n; i++) a[i * n + i] = RIDGE;
    for (int k = 0; k < t; k++) {
        const double *s = state_at(p, acts, k);

        for (eg_index i = 0; i < n; i++)
            for (eg_index j = 0; j < n; j++) a[i * n + j] += s[i] * s[j];
    }
    for (eg_index i = 0; i < n * n; i++) size += a[i] * a[i];
    return sqrt(size);
}

static void solved(const egi_linear *p, double *out, const eg_acts *acts, int t,
                   double *work)
{
    eg_index n = p->n;
    double *a = work, *u = a + n * n, *x = u + n, *before = x + n,
           *au = before + n;
    double size = gram(a, p, acts, t);
    const double *s = state_at(p, acts, t);
    size_t bytes = (size_t)n * sizeof *s;

    memcpy(u, s, bytes);
    memcpy(x, s, bytes);
    memcpy(before, s, bytes);
    for (size_t j = 0; j < sizeof alpha / sizeof *alpha; j++) {
        for (eg_index i = 0; i < n; i++) {
            au[i] = 0;
            for (eg_index k = 0; k < n; k++) au[i] += a[i * n + k] * u[k];
        }
        for (eg_index i = 0; i < n; i++) {
            double next;

            u[i] -= alpha[j] / size * au[i];
            next = x[i] + u[i] + beta[j] * (x[i] - before[i]);
            before[i] = x[i];
            x[i] = next;
        }
    }
    for (eg_index i = 0; i < n; i++) out[i] = x[i] / size;
}

void egi_linear_y(const egi_linear *p, double *y, const eg_acts *acts,
                  double *work)
{
    eg_index n = p->n;
    size_t bytes = (size_t)n * sizeof *y;

    for (int i = 0; i < p->n_at; i++)
        for (int k = 0; k < p->n_targets; k++, y += n) {
            const egi_linear_target *want = &p->target[k];
            int t = p->at[i], from = t - want->back;

            if (want->kind == EGI_LINEAR_SOLVED)
                solved(p, y, acts, t, work);
            else if (want->kind == EGI_LINEAR_NEXT)
                memcpy(y, acts->outputs + t * n, bytes);
            else if (from >= 0 && want->kind == EGI_LINEAR_FEATURES)
                (void)eg_task_features(p->task, y, state_at(p, acts, from));
            else if (from >= 0)
                memcpy(y, state_at(p, acts, from), bytes);
            else
                memset(y, 0, bytes);
        }
}
