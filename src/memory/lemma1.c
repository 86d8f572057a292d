/* The loss of Lemma 1 and its gradient. */
#include "memory/lemma1.h"
#include "memory/dense.h"

#include <math.h>

/* log sum exp of a row */
static double log_sum_exp(const double *row, eg_index v)
{
    double top = row[egi_argmax(row, v)], sum = 0;

    EG_ASSERT(v >= 1);
    for (eg_index k = 0; k < v; k++) sum += exp(row[k] - top);
    return top + log(sum);
}

double egi_pairs_loss(const egi_pairs *p, const double *s, double *g)
{
    double loss = 0;

    for (eg_index z = 0; z < p->v; z++) {
        const double *row = s + z * p->v, *law = p->pi_b + z * p->v;
        double log_sum = log_sum_exp(row, p->v);

        loss += p->pi_u[z] * (log_sum - egi_dot(law, row, p->v));
        if (!g) continue;
        for (eg_index k = 0; k < p->v; k++)
            g[z * p->v + k] = p->pi_u[z] * (exp(row[k] - log_sum) - law[k]);
    }
    return loss;
}

void egi_pairs_kl(const egi_pairs *p, const double *s, double *weighted,
                  double *uniform)
{
    *weighted = *uniform = 0;
    for (eg_index z = 0; z < p->v; z++) {
        const double *row = s + z * p->v, *law = p->pi_b + z * p->v;
        double log_sum = log_sum_exp(row, p->v), kl = 0;

        for (eg_index k = 0; k < p->v; k++)
            if (law[k] > 0) kl += law[k] * (log(law[k]) - row[k] + log_sum);
        *weighted += p->pi_u[z] * kl;
        *uniform += kl / (double)p->v;
    }
}

void egi_pairs_scores(double *s, const double *e, const double *u,
                      const double *w, eg_index v, eg_index d, double *work)
{
    egi_mul_nt(work, e, w, v, d, d);
    egi_mul_nt(s, work, u, v, v, d);
}

void egi_pairs_grad(double *grad, const double *e, const double *u,
                    const double *g, eg_index v, eg_index d, double *work)
{
    egi_mul(work, g, u, v, d, v);
    egi_mul_tn(grad, work, e, d, d, v);
}
